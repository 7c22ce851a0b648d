//! The tape, one promise a test.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tape::{Cursor, Delivery, EventId, Limits, OffTape, Payload, Tape};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Text(Arc<str>);

impl Payload for Text {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

const WIDE: Limits = Limits {
    entries: 1_000_000,
    bytes: usize::MAX,
    age_ms: u64::MAX,
};

fn tape(limits: Limits) -> Tape<&'static str, Text> {
    Tape::new(1000, limits)
}

fn keep(tape: &Tape<&'static str, Text>, now: u64, topics: &[&'static str], text: &str) -> EventId {
    tape.append(now, topics, None, |_| Text(text.into()))
}

fn merge(tape: &Tape<&'static str, Text>, now: u64, topic: &'static str, text: &str) -> EventId {
    tape.append(now, &[topic], Some(&topic), |_| Text(text.into()))
}

fn read(cursor: &mut Cursor<&'static str, Text>, now: u64) -> Vec<String> {
    let mut out = Vec::new();
    cursor.read(now, usize::MAX, &mut out).unwrap();
    texts(&out)
}

/// The texts, with a mark where the id is out of order.
fn texts(out: &[Delivery<Text>]) -> Vec<String> {
    out.iter()
        .map(|delivery| {
            format!(
                "{}{}",
                if delivery.in_order { "" } else { "<" },
                delivery.payload.0
            )
        })
        .collect()
}

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll(
    cursor: &mut Cursor<&'static str, Text>,
    count: &Arc<Count>,
    now: u64,
) -> Poll<Result<Vec<String>, OffTape>> {
    let waker = Waker::from(Arc::clone(count));
    let mut out = Vec::new();
    cursor
        .poll_read(&mut Context::from_waker(&waker), now, usize::MAX, &mut out)
        .map_ok(|()| texts(&out))
}

fn ready(texts: &[&str]) -> Poll<Result<Vec<String>, OffTape>> {
    Poll::Ready(Ok(texts.iter().map(|text| (*text).to_owned()).collect()))
}

#[test]
fn a_cursor_reads_what_counts_of_its_topics() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["quote", "news"]);
    merge(&tape, 1000, "quote", "1");
    keep(&tape, 1000, &["news"], "a");
    keep(&tape, 1000, &["other"], "x");
    merge(&tape, 1000, "quote", "2");
    keep(&tape, 1000, &["news", "quote"], "b");
    assert_eq!(read(&mut cursor, 1000), ["a", "2", "b"]);
    assert!(read(&mut cursor, 1000).is_empty());
}

#[test]
fn ids_rise_when_the_clock_steps_back_and_the_payload_knows_its_id() {
    let tape = tape(WIDE);
    let ids: Vec<String> = [1000, 1001, 1001, 500, 1002]
        .map(|now| keep(&tape, now, &["a"], "").to_string())
        .to_vec();
    assert_eq!(ids, ["1000-1", "1001-0", "1001-1", "1001-2", "1002-0"]);
    let mut known = None;
    let id = tape.append(1003, &["a"], None, |id| {
        known = Some(id);
        Text("".into())
    });
    assert_eq!(known, Some(id));
}

#[test]
fn one_read_takes_so_many_bytes_but_at_least_one_entry() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["a", "b"]);
    for text in ["12345", "678", "90", "1"] {
        keep(&tape, 1000, &["a", "b"], text);
    }
    let mut read = |max_bytes| {
        let mut out = Vec::new();
        cursor.read(1000, max_bytes, &mut out).unwrap();
        texts(&out)
    };
    assert_eq!(read(0), ["12345"]);
    assert_eq!(read(5), ["678", "90"]);
    assert_eq!(read(5), ["1"]);
    assert!(read(5).is_empty());
}
