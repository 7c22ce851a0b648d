//! The tape against a naive model that holds every entry for ever.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use proptest::{collection::vec, option, prelude::*, sample::Index};
use tape::{
    Cursor, EventId, Limits, MAX_DISORDER_MS, OffTape, Payload, Refill, Stored, Tape, View,
};

const TOPICS: u8 = 5;
const CONFLATION_KEYS: u8 = 4;
const START: u64 = 200_000;
const MARKS: u32 = 4;

type Key = u8;

#[derive(Debug, Clone)]
struct Item {
    id: EventId,
    weight: usize,
}

impl Payload for Item {
    fn weight(&self) -> usize {
        self.weight
    }
}

#[derive(Debug, Clone)]
enum Op {
    /// As one step; each with its topics, its conflation key and its weight.
    Append(Vec<(Vec<Key>, Option<Key>, usize)>),
    Clock(i64),
    Open(Vec<Key>, Option<u64>),
    Of(Index, ClientOp),
    /// The process ends, another one continues with the stored entries, and all clients come back.
    Crash(Crash),
}

#[derive(Debug, Clone)]
struct Crash {
    /// How many of the last entries were not stored.
    lost: usize,
    /// Retained entries before one of them are no longer stored.
    forgotten: Option<Index>,
    /// How many of the last deliveries in order have not arrived, at any client.
    cut: usize,
    /// The next tape has the same mark, and a time after every id that was given.
    same: bool,
}

#[derive(Debug, Clone)]
enum ClientOp {
    Read(usize),
    Poll(usize),
    Add(Key),
    Interval(Option<u64>),
    /// The connection breaks; this number of the last deliveries in order have not arrived.
    Break(usize),
    /// The client comes back with the cursor's own position.
    Move,
    /// The client comes back with that position under another mark.
    Foreign(u32),
    Restart,
    Leave,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let topics = || vec(0..TOPICS, 0..4);
    let event = || (topics(), option::of(0..CONFLATION_KEYS), 0..20usize);
    let interval = || option::of(prop_oneof![0..5u64, 5..60u64]);
    let max_bytes = || prop_oneof![2 => Just(usize::MAX), 1 => 0..40usize];
    let client_op = prop_oneof![
        6 => max_bytes().prop_map(ClientOp::Read),
        6 => max_bytes().prop_map(ClientOp::Poll),
        1 => (0..TOPICS).prop_map(ClientOp::Add),
        1 => interval().prop_map(ClientOp::Interval),
        2 => (0..4usize).prop_map(ClientOp::Break),
        1 => Just(ClientOp::Move),
        1 => (0..MARKS).prop_map(ClientOp::Foreign),
        1 => Just(ClientOp::Restart),
        1 => Just(ClientOp::Leave),
    ];
    let lost = prop_oneof![1 => Just(0), 1 => 0..8usize];
    let forgotten = option::weighted(0.3, any::<Index>());
    let crash = (lost, forgotten, 0..3usize, any::<bool>());
    let crash = crash.prop_map(|(lost, forgotten, cut, same)| Crash {
        lost,
        forgotten,
        cut,
        same,
    });
    let op = prop_oneof![
        12 => prop_oneof![3 => vec(event(), 1), 1 => vec(event(), 0..5)].prop_map(Op::Append),
        5 => prop_oneof![10 => 0..12i64, 2 => 12..150i64, 1 => -90..0i64, 1 => -60_000..60_000i64].prop_map(Op::Clock),
        3 => (topics(), interval()).prop_map(|(topics, interval)| Op::Open(topics, interval)),
        18 => (any::<Index>(), client_op).prop_map(|(client, op)| Op::Of(client, op)),
        1 => crash.prop_map(Op::Crash),
    ];
    vec(op, 0..150)
}

fn limits() -> impl Strategy<Value = Limits> {
    let age_ms = prop_oneof![1 => 0..200u64, 2 => Just(u64::MAX)];
    (0..20usize, 0..200usize, 0..10usize, age_ms).prop_map(
        |(entries, bytes, topic_bytes, age_ms)| Limits {
            entries,
            bytes,
            topic_bytes,
            age_ms,
        },
    )
}

/// An entry, kept for ever.
struct Entry {
    id: EventId,
    topics: BTreeSet<Key>,
    conflation_key: Option<Key>,
    weight: usize,
    /// The time from which it ages.
    at: u64,
    /// Superseded or evicted.
    gone: bool,
}

/// What one reader must receive and has received, over all its connections.
struct Client {
    cursor: Cursor<Key, Item>,
    /// Its topics, each with the position from which it is followed.
    since: BTreeMap<Key, EventId>,
    interval: Option<u64>,
    /// The longest interval of its connections since the log begins.
    longest: Option<u64>,
    /// The position and the topics up to which it must receive conflated entries again.
    again: Option<(EventId, BTreeSet<Key>)>,
    /// Where the log begins.
    base: EventId,
    /// The deliveries, and whether they were in order.
    log: Vec<(EventId, bool)>,
    /// The greatest id of this connection: the one resumed from, or delivered.
    greatest: EventId,
    /// The conflated entries that this connection has delivered.
    conflated: BTreeSet<EventId>,
    /// Whether topics were added to this connection: their earlier losses may be unknown.
    added: bool,
    /// When the last round of conflated entries began, and the newest id then.
    round: Option<(u64, EventId)>,
    /// When entries of each conflation key were delivered, since the clock stepped back or the interval or the
    /// connection changed.
    times: BTreeMap<Key, Vec<u64>>,
    count: Arc<Count>,
    /// The topics that it waits for, and whether conflated entries wake it.
    waits: Option<(BTreeSet<Key>, bool)>,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Client {
    fn follows(&self, entry: &Entry) -> bool {
        let mut since = entry.topics.iter().filter_map(|key| self.since.get(key));
        since.any(|&since| entry.id > since)
    }

    /// Whether it must receive an entry though it may have received it before.
    fn sees_again(&self, entry: &Entry) -> bool {
        self.again.as_ref().is_some_and(|(until, topics)| {
            let is_of_old = entry.conflation_key.is_some() && entry.id <= *until;
            is_of_old && !entry.topics.is_disjoint(topics)
        })
    }

    /// What it must still receive, or must have received before it was gone.
    fn unread<'a>(&self, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        let seen: BTreeSet<EventId> = self.log.iter().map(|&(id, _)| id).collect();
        entries
            .iter()
            .filter(move |entry| match self.sees_again(entry) {
                true => !self.conflated.contains(&entry.id),
                false => self.follows(entry) && !seen.contains(&entry.id),
            })
    }

    fn lost_one(&self, entries: &[Entry]) -> bool {
        self.unread(entries)
            .any(|entry| entry.conflation_key.is_none() && entry.gone)
    }

    /// Whether a round of conflated entries may begin.
    fn may_begin(&self, now: u64, last: EventId) -> bool {
        let (Some(interval), Some((began, newest))) = (self.interval, self.round) else {
            return true;
        };
        now >= began + interval || now < began || last.ms >= began.max(newest.ms) + interval
    }

    /// Continues with another cursor, from a position.
    fn reconnected(&mut self, cursor: Cursor<Key, Item>, position: EventId) {
        self.cursor = cursor;
        self.cursor.set_min_interval(self.interval);
        // Entries that were withheld before may not have been delivered yet.
        self.longest = self.longest.max(self.interval);
        self.waits = None;
        self.moved(position);
    }

    fn moved(&mut self, position: EventId) {
        self.greatest = position;
        self.again = None;
        self.conflated.clear();
        self.added = false;
        self.round = None;
        self.times.clear();
    }

    /// Forgets everything before a position, because a view has shown it.
    fn begin_at(&mut self, position: EventId) {
        self.base = position;
        self.log.clear();
        for since in self.since.values_mut() {
            *since = position;
        }
    }
}

fn first_of(ms: u64, mark: u32) -> EventId {
    EventId {
        ms,
        n: u64::from(mark) * 1000,
    }
}

fn mark_of(id: EventId) -> u32 {
    u32::try_from(id.n / 1000).unwrap()
}

struct Model {
    limits: Limits,
    /// The model begins here.
    start: EventId,
    mark: u32,
    tape: Tape<Key, Item>,
    now: u64,
    /// The latest time that the tape has received since the clock was last set back.
    clock: u64,
    last: EventId,
    entries: Vec<Entry>,
    clients: Vec<Client>,
    /// The entries that this tape was not refilled with: how many, and how many of them were gone.
    before: (u64, u64),
    /// The earlier marks, each with the newest id that was stored.
    earlier: BTreeMap<u32, EventId>,
    /// The first id that the tape could give, and the newest that any tape has given.
    first: EventId,
    given: EventId,
    /// The newest id that any tape had given when an entry was lost.
    loss_horizon: EventId,
}

impl Model {
    fn new(limits: Limits, mark: u32) -> Self {
        let start = first_of(START, mark);
        Model {
            start,
            before: (0, 0),
            earlier: BTreeMap::new(),
            first: start,
            given: start,
            loss_horizon: EventId { ms: 0, n: 0 },
            limits,
            mark,
            tape: Tape::new(START, mark, limits),
            now: START,
            clock: START,
            last: start,
            entries: Vec::new(),
            clients: Vec::new(),
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Append(events) => self.append(events),
            Op::Clock(by) => {
                self.now = self.now.saturating_add_signed(by);
                if by < 0 {
                    for client in &mut self.clients {
                        client.times.clear();
                    }
                }
            }
            Op::Open(topics, interval) => self.open(topics, interval),
            Op::Of(client, op) if !self.clients.is_empty() => {
                let mut client = self.clients.swap_remove(client.index(self.clients.len()));
                let leaves = matches!(op, ClientOp::Leave);
                self.of(&mut client, op);
                if !leaves {
                    self.clients.push(client);
                }
            }
            Op::Of(..) => {}
            Op::Crash(crash) => self.crash(crash),
        }
        self.check_stats();
    }

    fn crash(&mut self, crash: Crash) {
        let Crash {
            lost,
            forgotten,
            cut,
            same,
        } = crash;
        // What was stored once stays stored.
        let stored = self.entries.len().saturating_sub(lost);
        let stored = stored.max(self.before.0 as usize);
        let all = stored == self.entries.len();
        self.entries.truncate(stored);
        // If no retained entry is missing, every position is as valid as before.
        let since = forgotten
            .filter(|_| !self.entries.is_empty())
            .map(|index| index.get(&self.entries))
            .filter(|entry| entry.conflation_key.is_none())
            .map_or(self.start, |entry| entry.id.max(self.start));
        self.start = since;
        // The stored entries of each conflation key, and of all.
        let mut newest_of: BTreeMap<Key, EventId> = BTreeMap::new();
        for entry in &self.entries {
            newest_of.extend(entry.conflation_key.map(|key| (key, entry.id)));
        }
        let mut stored = Vec::new();
        self.earlier.clear();
        for entry in &mut self.entries {
            entry.gone = match entry.conflation_key {
                Some(key) => newest_of[&key] != entry.id,
                None => entry.id <= since,
            };
            if entry.gone {
                continue;
            }
            self.earlier.insert(mark_of(entry.id), entry.id);
            stored.push(Stored {
                id: entry.id,
                topics: entry.topics.iter().copied().collect(),
                conflation_key: entry.conflation_key,
                payload: Item {
                    id: entry.id,
                    weight: entry.weight,
                },
            });
        }
        let newest = stored.last().map_or(since, |stored| stored.id.max(since));
        let of_since = self.earlier.entry(mark_of(since)).or_insert(since);
        *of_since = since.max(*of_since);
        // In any order, and one twice.
        let turn = lost.min(stored.len());
        stored.rotate_left(turn);
        stored.extend(stored.first().cloned());
        self.given = self.given.max(self.last);
        if !all {
            self.loss_horizon = self.given;
        }
        let clock = self.now;
        let refill = Refill {
            now: clock,
            since,
            loss_horizon: self.loss_horizon,
            entries: stored,
        };
        let mut start = self.now;
        if same {
            start = start.max(self.given.ms + 1);
        } else {
            self.mark += MARKS;
        }
        self.tape = Tape::refilled(start, self.mark, self.limits, refill);
        self.clock = clock;
        for entry in &mut self.entries {
            entry.at = entry.id.ms.min(clock);
        }
        self.evict();
        let begin = first_of(start, self.mark);
        if newest < begin {
            (self.first, self.last) = (begin, begin);
        } else {
            self.last = newest;
            self.first = self.next_id();
            self.last = newest;
        }
        let gone = self.entries.iter().filter(|entry| entry.gone).count();
        self.before = (self.entries.len() as u64, gone as u64);
        self.tape.view(|view| self.check_view(view));
        for mut client in std::mem::take(&mut self.clients) {
            self.of(&mut client, ClientOp::Break(cut));
            self.clients.push(client);
        }
    }

    /// The position of a client that has seen this id, by what is known of its mark.
    fn place(&self, id: EventId) -> Option<EventId> {
        if mark_of(id) == self.mark && self.first <= id && id <= self.last {
            return Some(id);
        }
        let newest = self.earlier.get(&mark_of(id))?;
        Some(id.min(*newest))
    }

    fn append(&mut self, events: Vec<(Vec<Key>, Option<Key>, usize)>) {
        self.observe();
        let before = self.last;
        let expected: Vec<EventId> = events.iter().map(|_| self.next_id()).collect();
        let counts = |clients: &[Client]| -> Vec<usize> {
            let count = |client: &Client| client.count.0.load(Ordering::SeqCst);
            clients.iter().map(count).collect()
        };
        let mut woken = counts(&self.clients);
        let item = |id, weight| Item { id, weight };
        let ids: Vec<EventId> = match events.as_slice() {
            [(topics, conflation_key, weight)] => {
                let payload = |id| item(id, *weight);
                vec![
                    self.tape
                        .append(self.now, topics, conflation_key.as_ref(), payload),
                ]
            }
            several => self.tape.append_all(self.now, |batch| {
                let ids = several.iter().map(|(topics, conflation_key, weight)| {
                    let id = batch.append(topics.as_slice(), conflation_key.as_ref(), |id| {
                        item(id, *weight)
                    });
                    assert_eq!(batch.position(), id);
                    assert_eq!(batch.view().position(), before);
                    id
                });
                ids.collect()
            }),
        };
        assert_eq!(ids, expected);

        for (client, woken) in self.clients.iter_mut().zip(&mut woken) {
            let wakes = client.waits.take_if(|(waits_for, conflated_too)| {
                events.iter().any(|(topics, conflation_key, _)| {
                    (*conflated_too || conflation_key.is_none())
                        && topics.iter().any(|topic| waits_for.contains(topic))
                })
            });
            *woken += usize::from(wakes.is_some());
        }
        assert_eq!(
            counts(&self.clients),
            woken,
            "the woken readers, and how often"
        );

        for (id, (topics, conflation_key, weight)) in ids.into_iter().zip(events) {
            if conflation_key.is_some() {
                let old = self
                    .entries
                    .iter_mut()
                    .filter(|entry| entry.conflation_key == conflation_key);
                old.for_each(|entry| entry.gone = true);
            }
            self.entries.push(Entry {
                id,
                topics: topics.into_iter().collect(),
                conflation_key,
                weight,
                at: self.clock,
                gone: false,
            });
            self.evict();
        }
    }

    /// Reserves the next id.
    fn next_id(&mut self) -> EventId {
        self.last = if self.clock > self.last.ms {
            first_of(self.clock, self.mark)
        } else if mark_of(self.last) != self.mark {
            first_of(self.last.ms + 1, self.mark)
        } else {
            EventId {
                n: self.last.n + 1,
                ..self.last
            }
        };
        self.last
    }

    /// Records the time.
    fn observe(&mut self) {
        if self.now + MAX_DISORDER_MS >= self.clock {
            self.clock = self.clock.max(self.now);
            return;
        }
        self.clock = self.now;
        for entry in &mut self.entries {
            entry.at = entry.at.min(self.now);
        }
    }

    fn evict(&mut self) {
        while let Some(oldest) = self
            .entries
            .iter()
            .position(|e| e.conflation_key.is_none() && !e.gone)
        {
            let (count, bytes) = self.window();
            let over = count > 1 && (count > self.limits.entries || bytes > self.limits.bytes);
            if !over && self.clock - self.entries[oldest].at <= self.limits.age_ms {
                break;
            }
            self.entries[oldest].gone = true;
        }
    }

    fn live(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.gone)
    }

    /// The number and the bytes of the retained entries in the window.
    fn window(&self) -> (usize, usize) {
        let retained = || self.live().filter(|entry| entry.conflation_key.is_none());
        let topics: BTreeSet<&Key> = retained().flat_map(|entry| &entry.topics).collect();
        let bytes: usize = retained().map(|entry| entry.weight).sum();
        let of_topics = topics.len() * self.limits.topic_bytes;
        (retained().count(), bytes + of_topics)
    }

    /// Memory is the window and one entry a key, and the topics of those and of the cursors.
    fn check_stats(&self) {
        let stats = self.tape.stats();
        assert_eq!((stats.retained, stats.retained_bytes), self.window());
        let conflated: Vec<&Entry> = self.live().filter(|e| e.conflation_key.is_some()).collect();
        let bytes: usize = conflated.iter().map(|entry| entry.weight).sum();
        assert_eq!(
            (stats.conflated, stats.conflated_bytes),
            (conflated.len(), bytes)
        );
        let keys: BTreeSet<_> = conflated.iter().map(|entry| entry.conflation_key).collect();
        assert_eq!(keys.len(), conflated.len());
        let held = self.live().flat_map(|entry| &entry.topics);
        let followed = self.clients.iter().flat_map(|client| client.since.keys());
        let topics: BTreeSet<&Key> = held.chain(followed).collect();
        assert_eq!(stats.topics, topics.len());
        assert_eq!(stats.cursors, self.clients.len());
        assert_eq!(stats.newest, self.last);
        let (appended, gone) = self.before;
        assert_eq!(stats.appended, self.entries.len() as u64 - appended);
        let all_gone = self.entries.iter().filter(|entry| entry.gone).count();
        assert_eq!(stats.superseded + stats.evicted, all_gone as u64 - gone);
    }

    fn check_view(&self, view: &View<'_, Key, Item>) {
        assert_eq!(view.position(), self.last);
        for topic in 0..TOPICS {
            let of = |is_conflated: bool| -> Vec<EventId> {
                self.live()
                    .filter(|e| {
                        e.topics.contains(&topic) && e.conflation_key.is_some() == is_conflated
                    })
                    .map(|entry| entry.id)
                    .collect()
            };
            let conflated: Vec<EventId> = view.conflated(&topic).map(|(id, _)| id).collect();
            assert_eq!(conflated, of(true));
            let retained: Vec<EventId> = view.retained(&topic).rev().map(|(id, _)| id).collect();
            assert_eq!(retained, of(false));
            // From any entry on, the same lists.
            for at in conflated.iter().chain(&retained) {
                let after: Vec<EventId> = view
                    .conflated_after(&topic, *at)
                    .map(|(id, _)| id)
                    .collect();
                assert!(after.iter().eq(conflated.iter().filter(|id| *id > at)));
                let before: Vec<EventId> = view
                    .retained_before(&topic, *at)
                    .map(|(id, _)| id)
                    .collect();
                assert!(
                    before
                        .iter()
                        .eq(retained.iter().rev().filter(|id| *id < at))
                );
            }
            assert_eq!(view.holds(&topic), conflated.len() + retained.len() > 0);
        }
        let conflated = self.live().filter(|entry| entry.conflation_key.is_some());
        assert_eq!(view.conflation_keys(), conflated.count());
        for key in 0..CONFLATION_KEYS {
            let conflated = view.newest(&key).map(|(id, item)| {
                assert_eq!(id, item.id);
                id
            });
            let newest = self.live().find(|entry| entry.conflation_key == Some(key));
            assert_eq!(conflated, newest.map(|entry| entry.id));
        }
    }

    fn open(&mut self, topics: Vec<Key>, interval: Option<u64>) {
        let (mut cursor, ()) = self.tape.open(&topics, |view| self.check_view(view));
        cursor.set_min_interval(interval);
        self.clients.push(Client {
            cursor,
            since: topics.into_iter().map(|key| (key, self.last)).collect(),
            interval,
            longest: interval,
            again: None,
            base: self.last,
            log: Vec::new(),
            greatest: self.last,
            conflated: BTreeSet::new(),
            added: false,
            round: None,
            times: BTreeMap::new(),
            count: Arc::default(),
            waits: None,
        });
    }

    fn of(&mut self, client: &mut Client, op: ClientOp) {
        match op {
            ClientOp::Read(max_bytes) => {
                self.read(client, max_bytes, false);
            }
            ClientOp::Poll(max_bytes) => {
                self.read(client, max_bytes, true);
            }
            ClientOp::Add(topic) => {
                client.cursor.add_topics(&[topic]);
                let position = client.cursor.position();
                client.since.entry(topic).or_insert(position);
                client.added = true;
            }
            ClientOp::Interval(interval) => {
                client.cursor.set_min_interval(interval);
                client.interval = interval;
                client.longest = client.longest.max(interval);
                client.times.clear();
            }
            ClientOp::Break(lost) => {
                let in_order = (0..client.log.len()).filter(|&index| client.log[index].1);
                let arrived = in_order.rev().nth(lost).map_or(0, |index| index + 1);
                client.log.truncate(arrived);
                let id = client.log.last().map_or(client.base, |&(id, _)| id);
                self.resume(client, id);
            }
            ClientOp::Move => {
                let position = client.cursor.position();
                self.resume(client, position);
            }
            ClientOp::Foreign(mark) => {
                let position = client.cursor.position();
                let n = u64::from(mark) * 1000 + position.n % 1000;
                let foreign = EventId { n, ..position };
                if mark == self.mark {
                    self.resume(client, foreign);
                } else if !self.earlier.contains_key(&mark) {
                    let resumed = self
                        .tape
                        .resume(client.since.keys(), foreign, client.longest);
                    assert_eq!(resumed.map(|_| ()).unwrap_err().position, foreign);
                }
            }
            ClientOp::Restart => self.restart(client),
            ClientOp::Leave => {}
        }
    }

    fn restart(&mut self, client: &mut Client) {
        client.cursor.restart(|view| self.check_view(view));
        client.begin_at(self.last);
        client.moved(self.last);
    }

    fn resume(&mut self, client: &mut Client, id: EventId) {
        let place = self.place(id);
        for since in client.since.values_mut() {
            *since = place.unwrap_or(id).min(*since);
        }
        match self.tape.resume(client.since.keys(), id, client.longest) {
            Ok(cursor) => {
                let place = place.expect("it takes a foreign id");
                assert!(!client.lost_one(&self.entries), "resumed with a loss");
                client.reconnected(cursor, place);
                // What it saw last may have been lost: it must get all that is conflated again.
                client.again = (place < id || id <= self.loss_horizon)
                    .then(|| (self.last, client.since.keys().copied().collect()));
            }
            Err(error) => {
                assert_eq!(error.position, id);
                if let Some(place) = place {
                    self.check_off(place);
                }
                let (cursor, ()) = self
                    .tape
                    .open(client.since.keys(), |view| self.check_view(view));
                client.begin_at(self.last);
                client.longest = None;
                client.reconnected(cursor, self.last);
            }
        }
    }

    /// Whether a retained entry has left the window since a position.
    fn check_off(&self, position: EventId) {
        let mut evicted = self
            .entries
            .iter()
            .filter(|e| e.gone && e.conflation_key.is_none());
        let lost = evicted.any(|entry| entry.id > position);
        assert!(lost || position < self.start, "nothing is lost");
    }

    /// Reads once, and checks the result; returns whether anything was read.
    fn read(&mut self, client: &mut Client, max_bytes: usize, polls: bool) -> bool {
        let (now, last) = (self.now, self.last);
        self.observe();
        let position = client.cursor.position();
        let mut out = Vec::new();
        let read: Result<(), OffTape> = if polls {
            let waker = Waker::from(Arc::clone(&client.count));
            let context = &mut Context::from_waker(&waker);
            match client.cursor.poll_read(context, now, max_bytes, &mut out) {
                Poll::Ready(read) => {
                    assert!(read.is_err() || !out.is_empty(), "ready for nothing");
                    client.waits = None;
                    read
                }
                Poll::Pending => {
                    assert!(out.is_empty());
                    let topics = client.since.keys().copied().collect();
                    client.waits = Some((topics, client.cursor.due().is_none()));
                    Ok(())
                }
            }
        } else {
            client.cursor.read(now, max_bytes, &mut out)
        };
        if read.is_err() {
            assert!(out.is_empty());
            assert!(
                client.added || client.lost_one(&self.entries),
                "off without a loss"
            );
            self.check_off(position);
            self.restart(client);
            return true;
        }
        assert!(
            !client.lost_one(&self.entries),
            "a loss that is not reported"
        );

        let bytes: usize = out.iter().map(|delivery| delivery.payload.weight).sum();
        assert!(out.len() <= 1 || bytes <= max_bytes);
        assert!(out.is_sorted_by(|a, b| a.id < b.id), "in order, each once");
        let begins = client.may_begin(now, last);
        for delivery in &out {
            let id = delivery.id;
            assert_eq!(id, delivery.payload.id);
            let entry = self.entries.iter().find(|entry| entry.id == id).unwrap();
            assert!(!entry.gone, "a conflated entry that counts no more");
            assert!(
                entry
                    .topics
                    .iter()
                    .any(|key| client.since.contains_key(key))
            );
            assert_eq!(delivery.in_order, id > client.greatest);
            client.greatest = client.greatest.max(id);
            match entry.conflation_key {
                None => {
                    assert!(delivery.in_order);
                    let mut unread = client.unread(&self.entries);
                    let next = unread.find(|entry| entry.conflation_key.is_none());
                    assert_eq!(Some(id), next.map(|entry| entry.id), "one was skipped");
                }
                Some(key) => {
                    assert!(client.conflated.insert(id), "twice on one connection");
                    let newest = client.round.map(|(_, newest)| newest);
                    assert!(
                        begins || Some(id) <= newest,
                        "more often than the interval allows"
                    );
                    let times = client.times.entry(key).or_default();
                    times.push(now);
                    // Rounds begin an interval apart; that of the second began after the first.
                    if let &[.., first, _, third] = times.as_slice() {
                        assert!(third - first >= client.interval.unwrap_or(0));
                    }
                }
            }
            client.log.push((id, delivery.in_order));
        }
        let conflated = |id| {
            self.entries
                .iter()
                .any(|e| e.id == id && e.conflation_key.is_some())
        };
        if begins {
            let read = out.iter().any(|delivery| conflated(delivery.id));
            client.round = read.then_some((now, last));
        }

        assert!(client.cursor.position() >= position);
        let position = client.cursor.position();
        assert!(position <= last);
        let mut live = client.unread(&self.entries).filter(|entry| !entry.gone);
        if max_bytes == usize::MAX {
            assert_eq!(position, last);
            // With nothing left to read, all remaining entries wait for their time.
            let due = client.cursor.due();
            match live.next() {
                None => {}
                Some(entry) => {
                    assert!(
                        entry.conflation_key.is_some() && !begins,
                        "{} was not read",
                        entry.id
                    );
                    let (began, _) = client.round.unwrap();
                    assert_eq!(due, Some(began + client.interval.unwrap()));
                }
            }
            assert!(due.is_none_or(|due| due > now && !begins));
        } else {
            assert!(live.all(|e| e.conflation_key.is_some() || e.id > position));
        }
        !out.is_empty()
    }

    /// Reads everything, for every client, a little at a time.
    fn settle(&mut self) {
        self.now = self.now.max(self.clock) + 1000;
        for mut client in std::mem::take(&mut self.clients) {
            let mut reads = 0;
            while self.read(&mut client, 10, reads % 2 == 0) {
                reads += 1;
                assert!(reads <= self.entries.len() + 1, "it reads for ever");
            }
            assert_eq!(client.cursor.due(), None);
            assert_eq!(client.unread(&self.entries).filter(|e| !e.gone).count(), 0);
        }
        self.check_stats();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

    #[test]
    fn the_tape_does_what_the_model_does(limits in limits(), mark in 0..MARKS, ops in ops()) {
        let mut model = Model::new(limits, mark);
        for op in ops {
            model.run(op);
        }
        model.settle();
    }
}
