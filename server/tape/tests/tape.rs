//! The guarantees of the tape, one per test.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use proptest::prelude::*;
use tape::{Cursor, Delivery, EventId, Limits, OffTape, Payload, Refill, Stored, Tape};

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
    topic_bytes: 0,
    age_ms: u64::MAX,
};

fn tape(limits: Limits) -> Tape<&'static str, Text> {
    Tape::new(1000, 0, limits)
}

fn keep(tape: &Tape<&'static str, Text>, now: u64, topics: &[&'static str], text: &str) -> EventId {
    tape.append(now, topics, None, |_| Text(text.into()))
}

fn conflate(tape: &Tape<&'static str, Text>, now: u64, topic: &'static str, text: &str) -> EventId {
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
    conflate(&tape, 1000, "quote", "1");
    keep(&tape, 1000, &["news"], "a");
    keep(&tape, 1000, &["other"], "x");
    conflate(&tape, 1000, "quote", "2");
    keep(&tape, 1000, &["news", "quote"], "b");
    assert_eq!(read(&mut cursor, 1000), ["a", "2", "b"]);
    assert!(read(&mut cursor, 1000).is_empty());
}

#[test]
fn ids_rise_when_the_clock_steps_back_and_the_payload_receives_its_id() {
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

#[test]
fn the_window_is_bounded_in_entries_bytes_and_age() {
    for limits in [
        Limits { entries: 2, ..WIDE },
        Limits { bytes: 5, ..WIDE },
        Limits { age_ms: 10, ..WIDE },
    ] {
        let tape = tape(limits);
        keep(&tape, 1001, &["a"], "1st");
        keep(&tape, 1011, &["a"], "2nd");
        assert_eq!(
            tape.stats().evicted,
            u64::from(limits.bytes == 5),
            "{limits:?}"
        );
        keep(&tape, 1012, &["b"], "3d");
        let stats = tape.stats();
        assert_eq!(
            (stats.retained, stats.retained_bytes, stats.evicted),
            (2, 5, 1)
        );
        assert_eq!(stats.oldest.to_string(), "1001-0");
        let retained = tape.view(|view| {
            view.retained(&"a")
                .map(|(_, text)| text.clone())
                .collect::<Vec<_>>()
        });
        assert_eq!(retained, [Text("2nd".into())]);
    }
}

#[test]
fn the_newest_retained_entry_stays_whatever_it_weighs() {
    let tape = tape(Limits {
        entries: 0,
        bytes: 1,
        topic_bytes: 0,
        age_ms: 10,
    });
    let mut cursor = tape.subscribe(&["a"]);
    keep(&tape, 1000, &["a"], "heavy");
    assert_eq!(read(&mut cursor, 1000), ["heavy"]);
    conflate(&tape, 1011, "b", "");
    assert_eq!(tape.stats().retained, 0, "it goes when it is too old");
}

#[test]
fn a_merging_entry_never_leaves_and_the_one_before_is_gone_at_once() {
    let tape = tape(Limits {
        entries: 1,
        bytes: 1,
        topic_bytes: 0,
        age_ms: 1,
    });
    let first: Arc<str> = "first".into();
    let held = Text(Arc::clone(&first));
    tape.append(1000, &["a", "b"], Some(&"a"), |_| held);
    let mut cursor = tape
        .resume(&["a"], "1000-0".parse().unwrap(), None)
        .unwrap();
    assert_eq!(Arc::strong_count(&first), 2);
    conflate(&tape, 9000, "a", "second");
    assert_eq!(Arc::strong_count(&first), 1);
    for n in 0..10 {
        keep(&tape, 9000 + n, &["c"], "retained");
    }
    let stats = tape.stats();
    assert_eq!((stats.conflated, stats.conflated_bytes), (1, 6));
    assert_eq!(stats.superseded, 1);
    assert_eq!(read(&mut cursor, 9009), ["second"]);
}

#[test]
fn a_cursor_is_off_the_tape_only_when_its_own_topics_lost_something_unread() {
    let tape = tape(Limits { entries: 2, ..WIDE });
    let mut quiet = tape.subscribe(&["quiet"]);
    let mut busy = tape.subscribe(&["busy"]);
    let mut up_to_date = tape.subscribe(&["busy"]);
    for text in ["1", "2", "3"] {
        keep(&tape, 1000, &["busy"], text);
        assert_eq!(read(&mut up_to_date, 1000), [text]);
    }
    keep(&tape, 1000, &["quiet"], "q");
    assert_eq!(read(&mut quiet, 1000), ["q"]);
    let error = busy.read(1000, usize::MAX, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1000-0 is not on the tape: expected an id of its own from 1000-2 to 1000-4"
    );
    keep(&tape, 1000, &["busy"], "4");
    assert!(
        busy.read(1000, usize::MAX, &mut Vec::new()).is_err(),
        "it stays off"
    );
    let newest = busy.restart(|view| view.retained(&"busy").next().map(|(id, _)| id));
    assert_eq!(newest.unwrap().to_string(), "1000-5");
    assert!(read(&mut busy, 1000).is_empty());
    keep(&tape, 1000, &["busy"], "5");
    assert_eq!(read(&mut busy, 1000), ["5"]);
}

#[test]
fn resuming_continues_after_an_id_or_fails() {
    let tape = tape(Limits { entries: 2, ..WIDE });
    let ids: Vec<EventId> = ["1", "2", "3", "4"]
        .map(|text| keep(&tape, 1001, &["a"], text))
        .to_vec();
    keep(&tape, 1001, &["b"], "5");
    let resume = |topics: &[&'static str], id| {
        tape.resume(topics, id, None)
            .map(|mut cursor| read(&mut cursor, 1001))
    };
    assert_eq!(resume(&["a"], ids[3]), Ok(vec![]));
    assert_eq!(resume(&["a"], ids[2]), Ok(vec!["4".to_owned()]));
    for id in [
        ids[1],
        ids[0],
        "1000-0".parse().unwrap(),
        "5-5".parse().unwrap(),
    ] {
        assert_eq!(resume(&["a"], id).unwrap_err().oldest, ids[2]);
    }
    let last = tape.stats().newest;
    let future = EventId {
        n: last.n + 1,
        ..last
    };
    assert!(resume(&["a"], future).is_err());
    assert_eq!(
        resume(&["b"], ids[0]),
        Ok(vec!["5".to_owned()]),
        "b has lost nothing"
    );
    assert!(resume(&[], "999-0".parse().unwrap()).is_err());
    assert_eq!(resume(&[], "1000-0".parse().unwrap()), Ok(vec![]));
}

#[test]
fn an_id_of_another_tape_is_not_taken_for_one_of_this() {
    let [one, other] = [7, 8].map(|mark| Tape::new(1000, mark, WIDE));
    let empty = [&one, &other].map(|tape| tape.subscribe(&["a"]).position());
    assert_eq!(empty.map(|id| id.to_string()), ["1000-7000", "1000-8000"]);
    assert!(one.resume(&["a"], empty[0], None).is_ok());
    assert!(one.resume(&["a"], empty[1], None).is_err());
    let first = [&one, &other].map(|tape| keep(tape, 1001, &["a"], "1"));
    for tape in [&one, &other] {
        keep(tape, 1002, &["a"], "2");
    }
    let mut cursor = one.resume(&["a"], first[0], None).unwrap();
    assert_eq!(read(&mut cursor, 1002), ["2"]);
    let error = one.resume(&["a"], first[1], None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1001-8000 is not on the tape: expected an id of its own from 1000-7000 to 1002-7000"
    );
}

#[test]
fn a_full_millisecond_goes_on_with_the_next() {
    let tape = Tape::new(1000, 3, WIDE);
    let ids: Vec<EventId> = (0..2500).map(|_| keep(&tape, 1001, &["a"], "")).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert!(ids.iter().all(|id| (3000..4000).contains(&id.n)));
    assert_eq!(ids[999].to_string(), "1001-3999");
    assert_eq!(ids[2499].to_string(), "1003-3499");
    assert_eq!(keep(&tape, 1002, &["a"], "").to_string(), "1003-3500");
    assert_eq!(keep(&tape, 1004, &["a"], "").to_string(), "1004-3000");
    let mut cursor = tape.resume(&["a"], ids[2490], None).unwrap();
    assert_eq!(read(&mut cursor, 1004).len(), 11);
}

#[test]
fn a_view_and_the_cursor_opened_with_it_are_of_one_position() {
    let tape = tape(WIDE);
    conflate(&tape, 1000, "a", "a1");
    keep(&tape, 1000, &["a"], "k1");
    conflate(&tape, 1000, "a", "a2");
    tape.append(1000, &["a", "b"], Some(&"b"), |_| Text("b1".into()));
    keep(&tape, 1000, &["a"], "k2");
    let (mut cursor, seen) = tape.open(&["a"], |view| {
        let text = |(_, text): (EventId, &Text)| text.0.to_string();
        (
            view.position().to_string(),
            view.conflated(&"a").map(text).collect::<Vec<_>>(),
            view.retained(&"a").map(text).collect::<Vec<_>>(),
            view.newest(&"b").map(text),
            ["a", "b", "c"].map(|topic| view.holds(&topic)),
        )
    });
    let (position, conflated, retained, newest, holds) = seen;
    assert_eq!(position, "1000-5");
    assert_eq!(conflated, ["a2", "b1"]);
    assert_eq!(retained, ["k2", "k1"]);
    assert_eq!(newest.as_deref(), Some("b1"));
    assert_eq!(holds, [true, true, false]);
    assert!(read(&mut cursor, 1000).is_empty());
    keep(&tape, 1000, &["a"], "k3");
    assert_eq!(read(&mut cursor, 1000), ["k3"]);
}

#[test]
fn added_topics_are_read_from_the_position_on() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["a"]);
    keep(&tape, 1000, &["b"], "before");
    assert!(read(&mut cursor, 1000).is_empty());
    keep(&tape, 1000, &["b"], "after");
    cursor.add_topics(&["b", "a", "b"]);
    keep(&tape, 1000, &["a", "b"], "both");
    assert_eq!(read(&mut cursor, 1000), ["after", "both"]);
}

#[test]
fn an_entry_that_changes_its_topics_leaves_the_old_ones() {
    let tape = tape(WIDE);
    let mut old = tape.subscribe(&["old"]);
    let mut new = tape.subscribe(&["new"]);
    tape.append(1000, &["old"], Some(&"key"), |_| Text("1".into()));
    tape.append(1000, &["new"], Some(&"key"), |_| Text("2".into()));
    assert!(read(&mut old, 1000).is_empty());
    assert_eq!(read(&mut new, 1000), ["2"]);
}

#[test]
fn with_an_interval_conflated_entries_wait_and_retained_ones_do_not() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["q", "r", "news"]);
    cursor.set_min_interval(Some(100));
    conflate(&tape, 1000, "q", "q1");
    assert_eq!(read(&mut cursor, 1010), ["q1"]);
    assert_eq!(cursor.due(), None, "nothing is withheld");
    conflate(&tape, 1020, "q", "q2");
    conflate(&tape, 1020, "r", "r1");
    assert!(read(&mut cursor, 1020).is_empty());
    assert_eq!(cursor.due(), Some(1110));
    keep(&tape, 1030, &["news"], "n1");
    assert_eq!(read(&mut cursor, 1030), ["n1"]);
    conflate(&tape, 1040, "q", "q3");
    assert!(read(&mut cursor, 1109).is_empty());
    assert_eq!(read(&mut cursor, 1110), ["<r1", "q3"]);
    assert_eq!(cursor.due(), None);
    conflate(&tape, 1120, "q", "q4");
    assert!(read(&mut cursor, 1120).is_empty());
    cursor.set_min_interval(None);
    assert_eq!(read(&mut cursor, 1121), ["q4"]);
}

#[test]
fn what_was_withheld_when_a_connection_broke_comes_after_resuming() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["q", "r", "news"]);
    cursor.set_min_interval(Some(100));
    conflate(&tape, 1000, "r", "r0");
    conflate(&tape, 1000, "q", "q1");
    assert_eq!(read(&mut cursor, 1000), ["r0", "q1"]);
    conflate(&tape, 1001, "q", "q2");
    let id = keep(&tape, 1099, &["news"], "n1");
    assert_eq!(read(&mut cursor, 1099), ["n1"]);
    drop(cursor);
    let mut cursor = tape.resume(&["q", "r", "news"], id, Some(100)).unwrap();
    assert_eq!(read(&mut cursor, 1099), ["<r0", "<q2"]);
}

#[test]
fn a_clock_that_stepped_back_does_not_hold_merging_entries_back() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["q"]);
    cursor.set_min_interval(Some(100));
    conflate(&tape, 5000, "q", "q1");
    assert_eq!(read(&mut cursor, 5000), ["q1"]);
    conflate(&tape, 2000, "q", "q2");
    assert_eq!(read(&mut cursor, 2000), ["q2"]);
    conflate(&tape, 2001, "q", "q3");
    assert!(read(&mut cursor, 2001).is_empty());
    assert_eq!(cursor.due(), Some(2100));
}

#[test]
fn an_append_wakes_the_cursors_that_wait_for_its_topics_once_and_no_others() {
    let tape = tape(WIDE);
    let [a, b, both, none] = [(); 4].map(|()| Arc::new(Count::default()));
    let mut cursor_a = tape.subscribe(&["a"]);
    let mut cursor_b = tape.subscribe(&["b"]);
    let mut cursor_both = tape.subscribe(&["a", "b"]);
    let mut cursor_none = tape.subscribe(&["c"]);
    assert!(poll(&mut cursor_a, &a, 1000).is_pending());
    assert!(poll(&mut cursor_b, &b, 1000).is_pending());
    assert!(poll(&mut cursor_both, &both, 1000).is_pending());
    assert!(poll(&mut cursor_none, &none, 1000).is_pending());
    let woken = || [&a, &b, &both, &none].map(|count| count.get());
    for _ in 0..100 {
        conflate(&tape, 1000, "a", "q");
        keep(&tape, 1000, &["a"], "k");
    }
    assert_eq!(woken(), [1, 0, 1, 0]);
    for _ in 0..100 {
        conflate(&tape, 1000, "b", "q");
    }
    assert_eq!(
        woken(),
        [1, 1, 1, 0],
        "`both` has been woken and has not had its turn"
    );
    assert_eq!(
        poll(&mut cursor_both, &both, 1000).map_ok(|read| read.len()),
        Poll::Ready(Ok(102))
    );
    conflate(&tape, 1000, "b", "q");
    assert_eq!(woken(), [1, 1, 1, 0], "it is not waiting");
    assert_eq!(poll(&mut cursor_both, &both, 1000), ready(&["q"]));
    assert!(poll(&mut cursor_both, &both, 1000).is_pending());
    assert!(poll(&mut cursor_both, &both, 1000).is_pending());
    conflate(&tape, 1000, "a", "q");
    assert_eq!(woken(), [1, 1, 2, 0]);
    drop((cursor_a, cursor_b, cursor_both));
    conflate(&tape, 1000, "a", "q");
    assert_eq!(woken(), [1, 1, 2, 0]);
}

#[test]
fn a_cursor_that_waits_for_an_interval_is_woken_by_retained_entries_only() {
    let tape = tape(WIDE);
    let count = Arc::new(Count::default());
    let mut cursor = tape.subscribe(&["q", "news"]);
    cursor.set_min_interval(Some(100));
    conflate(&tape, 1000, "q", "q1");
    assert_eq!(poll(&mut cursor, &count, 1000), ready(&["q1"]));
    assert!(poll(&mut cursor, &count, 1000).is_pending());
    conflate(&tape, 1001, "q", "q2");
    assert_eq!(count.get(), 1, "so that it learns when to come back");
    assert!(poll(&mut cursor, &count, 1001).is_pending());
    assert_eq!(cursor.due(), Some(1100));
    conflate(&tape, 1002, "q", "q3");
    assert_eq!(count.get(), 1);
    keep(&tape, 1003, &["news"], "n1");
    assert_eq!(count.get(), 2);
    assert_eq!(poll(&mut cursor, &count, 1003), ready(&["n1"]));
    assert!(poll(&mut cursor, &count, 1004).is_pending());
    assert_eq!(poll(&mut cursor, &count, 1100), ready(&["<q3"]));
    assert!(poll(&mut cursor, &count, 1100).is_pending());
    conflate(&tape, 1101, "q", "q4");
    assert_eq!(count.get(), 3);
}

#[test]
fn a_cursor_that_waits_learns_that_it_is_off_the_tape() {
    let tape = tape(Limits { entries: 1, ..WIDE });
    let count = Arc::new(Count::default());
    let mut cursor = tape.subscribe(&["a"]);
    assert!(poll(&mut cursor, &count, 1000).is_pending());
    keep(&tape, 1000, &["a"], "1");
    keep(&tape, 1000, &["a"], "2");
    assert_eq!(count.get(), 1);
    assert!(matches!(
        poll(&mut cursor, &count, 1000),
        Poll::Ready(Err(_))
    ));
}

#[test]
fn cursors_that_are_dropped_leave_nothing_behind() {
    let tape = tape(Limits {
        entries: 10,
        ..WIDE
    });
    let counts: Vec<Arc<Count>> = (0..5).map(|_| Arc::new(Count::default())).collect();
    let names: Vec<&'static str> = vec!["a", "b", "c", "d", "e"];
    let mut cursors = Vec::new();
    for round in 0..500 {
        let first = round % names.len();
        let mut cursor = tape.subscribe(&names[first..]);
        assert!(poll(&mut cursor, &counts[round % 5], 1000).is_pending());
        cursors.push(cursor);
        if cursors.len() > 20 {
            cursors.swap_remove(round * 7 % cursors.len());
        }
        keep(&tape, 1000, &[names[round * 3 % names.len()], "other"], "x");
    }
    assert_eq!(tape.stats().cursors, cursors.len());
    cursors.clear();
    for count in &counts {
        assert_eq!(Arc::strong_count(count), 1, "no waker is left");
    }
    for _ in 0..10 {
        keep(&tape, 1000, &["last"], "x");
    }
    let stats = tape.stats();
    assert_eq!((stats.cursors, stats.topics), (0, 1));
}

/// Drops a cursor when its last waker goes, as a runtime that drops a task does.
struct Task {
    _cursor: Cursor<&'static str, Text>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_that_owns_a_cursor_does_not_lock_the_tape_up() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["a"]);
    for wakes in [false, true] {
        let task = Task {
            _cursor: tape.subscribe(&["a"]),
        };
        let waker = Waker::from(Arc::new(task));
        let mut out = Vec::new();
        assert!(
            cursor
                .poll_read(&mut Context::from_waker(&waker), 1000, 0, &mut out)
                .is_pending()
        );
        drop(waker);
        assert_eq!(tape.stats().cursors, 2);
        if wakes {
            keep(&tape, 1000, &["a"], "x");
        } else {
            assert!(poll(&mut cursor, &Arc::default(), 1000).is_pending());
        }
        assert_eq!(tape.stats().cursors, 1);
    }
}

#[test]
fn a_payload_that_panics_leaves_the_tape_whole() {
    let tape = tape(WIDE);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tape.append(1000, &["a"], Some(&"a"), |_| panic!("no payload"));
    }));
    assert!(panic.is_err());
    assert_eq!((tape.stats().appended, tape.stats().topics), (0, 0));
    let mut cursor = tape.subscribe(&["a"]);
    conflate(&tape, 1000, "a", "x");
    assert_eq!(read(&mut cursor, 1000), ["x"]);
}

#[test]
fn several_events_are_appended_as_one_step() {
    let tape = tape(WIDE);
    conflate(&tape, 1000, "q", "q1");
    let [both, other] = [(); 2].map(|()| Arc::new(Count::default()));
    let mut cursor = tape.subscribe(&["q", "news"]);
    let mut cursor_other = tape.subscribe(&["other"]);
    assert!(poll(&mut cursor, &both, 1000).is_pending());
    assert!(poll(&mut cursor_other, &other, 1000).is_pending());
    let text = |text: &'static str| move |_| Text(text.into());
    let (ids, seen) = tape.append_all(1001, |batch| {
        let ids = [
            batch.append(&["news"], None, text("n1")),
            batch.append(&["q"], Some(&"q"), text("q2")),
            batch.append(&["q"], Some(&"q"), text("q3")),
            batch.append(&["news"], None, text("n2")),
        ];
        let view = batch.view();
        let newest = view.newest(&"q").map(|(_, text)| text.0.to_string());
        (ids, (newest, view.holds(&"news"), batch.position()))
    });
    assert_eq!(
        ids.map(|id| id.to_string()),
        ["1001-0", "1001-1", "1001-2", "1001-3"]
    );
    let view = (Some("q1".to_owned()), false, ids[3]);
    assert_eq!(seen, view, "the tape as it was, and the batch's own end");
    assert_eq!(
        (both.get(), other.get()),
        (1, 0),
        "one turn for all of them"
    );
    assert_eq!(
        poll(&mut cursor, &both, 1001),
        ready(&["n1", "q3", "n2"]),
        "a quote is superseded within the step too"
    );
    let stats = tape.stats();
    assert_eq!((stats.appended, stats.superseded), (5, 2));
}

#[test]
fn a_step_of_nothing_changes_nothing() {
    let tape = tape(WIDE);
    let count = Arc::new(Count::default());
    let mut cursor = tape.subscribe(&["a"]);
    assert!(poll(&mut cursor, &count, 1000).is_pending());
    let before = tape.stats();
    let position = tape.append_all(1000, |batch| batch.position());
    assert_eq!(position, before.newest);
    assert_eq!(tape.stats(), before);
    assert_eq!(count.get(), 0);
}

#[test]
fn a_payload_that_panics_leaves_nothing_of_its_step() {
    let tape = tape(WIDE);
    let count = Arc::new(Count::default());
    let mut cursor = tape.subscribe(&["a"]);
    assert!(poll(&mut cursor, &count, 1000).is_pending());
    let before = tape.stats();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tape.append_all(1000, |batch| {
            batch.append(&["a"], None, |_| Text("first".into()));
            batch.append(&["b"], Some(&"b"), |_| panic!("no payload"));
        });
    }));
    assert!(panic.is_err());
    assert_eq!(tape.stats(), before);
    assert_eq!(count.get(), 0);
    assert_eq!(keep(&tape, 1000, &["a"], "next").to_string(), "1000-1");
    assert_eq!(read(&mut cursor, 1000), ["next"]);
}

/// Wakes a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn threads_append_and_read_at_once() {
    const WRITERS: usize = 4;
    const READERS: usize = 8;
    const EACH: usize = 2000;
    let tape: Tape<usize, Text> = Tape::new(1000, 0, WIDE);
    let start = Arc::new(Barrier::new(WRITERS + READERS));
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            // Some cursors follow one writer, some all of them; the newest quote is all that they must read.
            let topics: Vec<usize> = if reader < WRITERS {
                vec![reader]
            } else {
                (0..WRITERS).collect()
            };
            let (tape, start) = (tape.clone(), Arc::clone(&start));
            let mut cursor = tape.subscribe(&topics);
            thread::spawn(move || {
                let waker = Waker::from(Arc::new(Unpark(thread::current())));
                let (mut retained, mut quotes) = (vec![Vec::new(); WRITERS], vec![None; WRITERS]);
                let mut last = None;
                start.wait();
                while topics.iter().any(|&writer| {
                    retained[writer].len() < EACH || quotes[writer] != Some(EACH - 1)
                }) {
                    let mut out = Vec::new();
                    match cursor.poll_read(&mut Context::from_waker(&waker), 1000, 64, &mut out) {
                        Poll::Pending => thread::park(),
                        Poll::Ready(read) => read.unwrap(),
                    }
                    for delivery in out {
                        assert!(last < Some(delivery.id) && delivery.in_order);
                        last = Some(delivery.id);
                        let mut words = delivery.payload.0.split(' ');
                        let mut word = || words.next().unwrap();
                        let (kind, writer, number): (_, usize, usize) =
                            (word(), word().parse().unwrap(), word().parse().unwrap());
                        if kind == "retained" {
                            retained[writer].push(number);
                        } else {
                            assert!(quotes[writer] < Some(number));
                            quotes[writer] = Some(number);
                        }
                    }
                }
                for writer in topics {
                    assert!(retained[writer].iter().copied().eq(0..EACH));
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (tape, start) = (tape.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                for number in 0..EACH {
                    tape.append(1000, &[writer], None, |_| {
                        Text(format!("retained {writer} {number}").into())
                    });
                    tape.append(1000, &[writer], Some(&writer), |_| {
                        Text(format!("quote {writer} {number}").into())
                    });
                }
            })
        })
        .collect();
    for thread in writers.into_iter().chain(readers) {
        thread.join().unwrap();
    }
    assert_eq!(tape.stats().appended, (2 * WRITERS * EACH) as u64);
}

#[test]
fn a_cursor_that_reads_ahead_waits_after_the_read_that_reads_everything() {
    let tape = tape(WIDE);
    let mut cursor = tape.subscribe(&["a"]);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    let mut out = Vec::new();
    for n in 0..3 {
        keep(&tape, 1000, &["a"], &format!("{n}"));
    }
    // Two letters of three: the last one is left, so it does not wait.
    let poll = cursor.poll_read_ahead(&mut context, 1000, 2, &mut out);
    assert_eq!(
        (poll, out.len(), cursor.waits()),
        (Poll::Ready(Ok(())), 2, false)
    );
    let poll = cursor.poll_read_ahead(&mut context, 1000, 2, &mut out);
    assert_eq!(
        (poll, out.len(), cursor.waits()),
        (Poll::Ready(Ok(())), 3, true)
    );
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    keep(&tape, 1000, &["a"], "next");
    keep(&tape, 1000, &["a"], "after");
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(read(&mut cursor, 1000), ["next", "after"]);
    // With an interval it has to poll again to learn its time.
    cursor.set_min_interval(Some(100));
    conflate(&tape, 1000, "a", "conflated");
    out.clear();
    let poll = cursor.poll_read_ahead(&mut context, 1000, 100, &mut out);
    assert_eq!((poll, cursor.waits()), (Poll::Ready(Ok(())), false));
}

#[test]
fn a_wake_scheduler_wakes_the_cursors_that_an_append_leaves_to_it() {
    let tape = tape(WIDE);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    let mut waiting = |cursors: &mut Vec<Cursor<&'static str, Text>>| {
        for cursor in cursors {
            let mut out = Vec::new();
            while cursor
                .poll_read(&mut context, 1000, usize::MAX, &mut out)
                .is_ready()
            {}
        }
    };
    let mut many: Vec<_> = (0..100).map(|_| tape.subscribe(&["many"])).collect();
    waiting(&mut many);
    let woken = || count.0.swap(0, Ordering::SeqCst);

    let mut scheduler = tape.wake_scheduler();
    let due = Arc::new(Count::default());
    let due_waker = Waker::from(due.clone());
    let mut due_context = Context::from_waker(&due_waker);
    assert_eq!(scheduler.poll_due(&mut due_context), Poll::Pending);

    keep(&tape, 1000, &["none"], "to nobody");
    assert_eq!((woken(), due.get()), (0, 0));
    keep(&tape, 1000, &["many"], "to many");
    assert_eq!((woken(), due.get()), (0, 1));
    assert_eq!(scheduler.poll_due(&mut due_context), Poll::Ready(()));
    assert_eq!((scheduler.wake(60), woken()), (60, 60));
    assert_eq!((scheduler.wake(60), woken()), (40, 40));
    assert_eq!(scheduler.wake(60), 0);
    assert_eq!(scheduler.poll_due(&mut due_context), Poll::Pending);

    // The cursors that are left when it is dropped are woken, and from then on all at once.
    waiting(&mut many);
    keep(&tape, 1000, &["many"], "more");
    assert_eq!(woken(), 0);
    drop(scheduler);
    assert_eq!(woken(), 100);
    waiting(&mut many);
    keep(&tape, 1000, &["many"], "most");
    assert_eq!(woken(), 100);
    waiting(&mut many);
    tape.wake_all();
    assert_eq!(woken(), 100);
}

fn stored(
    id: &str,
    conflation_key: Option<&'static str>,
    text: &str,
) -> Stored<&'static str, Text> {
    Stored {
        id: id.parse().unwrap(),
        topics: vec!["a"],
        conflation_key,
        payload: Text(text.into()),
    }
}

/// Refilled by a tape of the mark 1, of which everything up to `loss_horizon` was stored.
fn refilled(now: u64, loss_horizon: &str) -> Tape<&'static str, Text> {
    let refill = Refill {
        now,
        since: "1000-1000".parse().unwrap(),
        loss_horizon: loss_horizon.parse().unwrap(),
        entries: vec![
            stored("900-1000", Some("a"), "an old quote"),
            stored("1002-1000", None, "a story"),
            stored("1004-1000", None, "another"),
        ],
    };
    Tape::refilled(now, 2, WIDE, refill)
}

#[test]
fn a_refilled_tape_goes_on_where_the_other_ended() {
    for now in [5000, 7] {
        let tape = refilled(now, "0-0");
        let mut live = tape.subscribe(&["a"]);
        assert_eq!(read(&mut live, now), [""; 0], "nothing of it is news");
        assert_eq!(tape.stats().appended, 0);
        let id = keep(&tape, now, &["a"], "new");
        assert!(id > "1004-1000".parse().unwrap(), "{id}");
        assert_eq!(id.n / 1000, 2);
        let resumed = |id: &str| {
            let mut cursor = tape.resume(&["a"], id.parse().unwrap(), None)?;
            Ok::<_, OffTape>(read(&mut cursor, now))
        };
        assert_eq!(resumed("1000-1000").unwrap(), ["a story", "another", "new"]);
        // For a quote that was never stored.
        assert_eq!(resumed("1003-1007").unwrap(), ["another", "new"]);
        assert_eq!(resumed("1004-1000").unwrap(), ["new"]);
        for foreign in ["999-1000", "1003-3000", "1003-2000"] {
            let error = resumed(foreign).unwrap_err();
            assert_eq!(error.oldest, "1000-1000".parse().unwrap());
        }
    }
}

#[test]
fn what_was_lost_is_made_good() {
    // The clock stepped back, so that lost ids are ahead of those that are given now.
    let tape = refilled(7, "1004-1000");
    keep(&tape, 7, &["a"], "new");
    let mut cursor = tape
        .resume(&["a"], "9999-1000".parse().unwrap(), None)
        .unwrap();
    assert_eq!(read(&mut cursor, 7), ["<an old quote", "new"]);
    let mut cursor = tape
        .resume(&["a"], "1003-1000".parse().unwrap(), None)
        .unwrap();
    assert_eq!(read(&mut cursor, 7), ["<an old quote", "another", "new"]);
}

#[test]
fn a_topic_counts_for_as_long_as_it_holds_something_that_is_retained() {
    let tape = tape(Limits {
        entries: 3,
        topic_bytes: 100,
        ..WIDE
    });
    let _cursor = tape.subscribe(&["d"]);
    conflate(&tape, 1000, "m", "conflated");
    keep(&tape, 1000, &["a", "b"], "1");
    keep(&tape, 1000, &["b"], "2");
    assert_eq!(tape.stats().retained_bytes, 2 + 2 * 100);
    keep(&tape, 1000, &["b"], "3");
    keep(&tape, 1000, &["b"], "4");
    assert_eq!(tape.stats().retained_bytes, 3 + 100, "a has left");
}

#[test]
fn entries_with_many_topics_leave_sooner() {
    let tape = tape(Limits {
        bytes: 1000,
        topic_bytes: 100,
        ..WIDE
    });
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for _ in 0..20 {
        keep(&tape, 1000, &["a"], "12345");
    }
    assert_eq!(tape.stats().retained, 20, "they share one topic");
    keep(&tape, 1000, &names, "12345");
    assert_eq!(tape.stats().retained_bytes, 21 * 5 + 8 * 100);
    keep(&tape, 1000, &["i", "j"], "12345");
    let stats = tape.stats();
    // Topics that a newer entry has too do not become fewer: everything before that entry leaves.
    assert_eq!((stats.retained, stats.retained_bytes), (1, 5 + 2 * 100));
}

#[test]
fn a_cursor_that_is_off_the_tape_can_go_on_with_what_is_left() {
    let tape = tape(Limits { entries: 2, ..WIDE });
    let mut cursor = tape.subscribe(&["a", "b"]);
    for text in ["1", "2", "3", "4"] {
        keep(&tape, 1000, &["a"], text);
    }
    conflate(&tape, 1000, "b", "conflated");
    assert!(cursor.read(1000, usize::MAX, &mut Vec::new()).is_err());
    let evicted = cursor.skip_lost(|view| view.stats().evicted);
    assert_eq!(evicted, 2);
    assert_eq!(read(&mut cursor, 1000), ["3", "4", "conflated"]);
}

/// The clock of a machine, set forwards and back.
fn clock() -> impl Strategy<Value = Vec<(i64, u64)>> {
    const DAY: i64 = 86_400_000;
    let step = prop_oneof![
        6 => 0..5_000i64,
        1 => -9_000..0i64,
        1 => Just(DAY),
        1 => Just(-DAY),
        1 => Just(365 * DAY),
        1 => Just(-365 * DAY),
        1 => -100 * DAY..100 * DAY,
    ];
    proptest::collection::vec((step, 1..5u64), 1..60)
}

proptest! {
    #[test]
    fn ids_rise_whatever_the_clock_does_and_ages_are_those_of_the_clock_that_is_right_again(
        steps in clock(),
    ) {
        const NOW: u64 = 1_790_000_000_000;
        const AGE: u64 = 60_000;
        let tape = Tape::new(NOW, 7, Limits { age_ms: AGE, ..WIDE });
        let (mut now, mut last) = (NOW, tape.stats().newest);
        for (by, count) in steps {
            now = now.saturating_add_signed(by);
            for _ in 0..count {
                let id = keep(&tape, now, &["a"], "appended while the clock was set");
                prop_assert!(id > last, "{id} after {last}");
                last = id;
            }
        }
        // Right again, and later than every earlier time.
        let right = NOW - 1_000_000_000;
        let before = keep(&tape, right, &["a"], "before");
        prop_assert!(before > last);
        let ahead = before.ms.saturating_sub(right);
        let mut out = Vec::new();
        for second in 1..=200 {
            let id = keep(&tape, right + second * 1_000, &["a"], "since");
            prop_assert!(id > last);
            // While it is ahead, the time of the ids stands still.
            prop_assert!(id.ms <= (right + second * 1_000).max(right + ahead));
            last = id;
            let retained = tape.view(|view| view.retained(&"a").count() as u64);
            if second * 1_000 <= AGE {
                prop_assert!(retained > second, "{retained} after {second} s");
            } else {
                // One a second, for as long as they may stay.
                prop_assert_eq!(retained, AGE / 1_000 + 1);
            }
            out.push(id);
        }
        prop_assert!(out.is_sorted());
    }
}
