use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    task::Waker,
};

use slab::Slab;

use crate::{
    EventId, Key, Limits, OffTape, Payload, Refill, Stats, Stored,
    entry::{Aftermath, Append, Entry, Scheduling, Topic},
    id::Epoch,
    waiting::{For, Reader, Waits},
};

/// How far a time may be behind the latest one, in milliseconds, and still count as passed in another order than it was
/// read. A time further behind means that the clock was set back.
pub const MAX_DISORDER_MS: u64 = 10_000;

/// An entry of the window, and the time by which it ages: never ahead of the clock.
struct Aged<P> {
    at: u64,
    entry: Arc<Entry<P>>,
}

/// Before every id.
const NOWHERE: EventId = EventId { ms: 0, n: 0 };

/// Everything that is behind the tape's lock.
pub(crate) struct Log<K, P> {
    limits: Limits,
    mark: Epoch,
    /// The moment of creation, or the position up to which a refill is incomplete: earlier ids belong to another tape,
    /// or are lost.
    start: EventId,
    /// Ids that this tape gave are at or after this one.
    first: EventId,
    /// Lost entries are not after this id, or after the newest of their mark.
    loss_horizon: EventId,
    /// The earlier marks, each with the newest id of the refill.
    earlier: HashMap<Epoch, EventId>,
    pub(crate) last: EventId,
    /// The latest time since the clock was last set back. Ids follow it too, so that an entry which a cursor withholds
    /// is never older than the read that withheld it (see [`crate::Tape::resume`]).
    clock: u64,
    /// The newest retained entry that left the window, of any topic.
    horizon: EventId,
    /// The newest retained entry that left the window of a topic which the tape has forgotten since: the most that an
    /// unknown topic may have lost.
    forgotten: EventId,
    /// In the order of the ids, and of the times.
    window: VecDeque<Aged<P>>,
    window_bytes: usize,
    /// Topics that hold a retained entry.
    retained_topics: usize,
    conflated: HashMap<K, Arc<Entry<P>>>,
    conflated_bytes: usize,
    names: HashMap<K, usize>,
    /// By number, because entries and cursors refer to topics more often than callers do.
    pub(crate) topics: Slab<Topic<K, P>>,
    pub(crate) readers: Slab<Reader>,
    pub(crate) scheduling: Scheduling,
    appended: u64,
    superseded: u64,
    evicted: u64,
}

impl<K: Key, P: Payload> Log<K, P> {
    /// Registers a reader as waiting in all its topics. Returns its previous waker, to be dropped after the lock is
    /// released.
    pub(crate) fn wait(&mut self, reader: usize, what: For, waker: &Waker) -> Option<Waker> {
        let Log {
            topics, readers, ..
        } = self;
        let mut seats = std::mem::take(&mut readers[reader].seats);
        for (index, seat) in seats.iter_mut().enumerate() {
            if seat.waits.is_some_and(|(waits_for, _)| waits_for == what) {
                continue;
            }
            let waiting = &mut topics[seat.topic].waiting;
            waiting.leave(readers, seat);
            let list = waiting.list(what);
            seat.waits = Some((what, list.len()));
            list.push((reader, index));
        }
        let reader = &mut readers[reader];
        reader.seats = seats;
        match &reader.waker {
            Some(old) if old.will_wake(waker) => None,
            _ => reader.waker.replace(waker.clone()),
        }
    }

    pub(crate) fn new(now: u64, mark: Epoch, limits: Limits) -> Self {
        let start = mark.first_of(now);
        Log {
            limits,
            mark,
            start,
            first: start,
            loss_horizon: NOWHERE,
            earlier: HashMap::new(),
            last: start,
            clock: now,
            horizon: start,
            forgotten: start,
            window: VecDeque::new(),
            window_bytes: 0,
            retained_topics: 0,
            conflated: HashMap::new(),
            conflated_bytes: 0,
            names: HashMap::new(),
            topics: Slab::new(),
            readers: Slab::new(),
            scheduling: Scheduling::default(),
            appended: 0,
            superseded: 0,
            evicted: 0,
        }
    }

    /// A log that continues where another one ended.
    pub(crate) fn refilled(start: u64, mark: Epoch, limits: Limits, refill: Refill<K, P>) -> Self {
        let Refill {
            now,
            since,
            loss_horizon,
            mut entries,
        } = refill;
        entries.sort_by_key(|stored| stored.id);
        entries.dedup_by_key(|stored| stored.id);
        let mut log = Log::new(now, mark, limits);
        let begin = mark.first_of(start);
        log.first = begin;
        (log.start, log.horizon, log.forgotten) = (since, since, since);
        log.loss_horizon = loss_horizon;
        let mut newest = since;
        log.remember(since);
        let mut aftermath = Aftermath::new();
        for stored in entries {
            let Stored {
                id,
                topics,
                conflation_key,
                payload,
            } = stored;
            if conflation_key.is_some() || id > since {
                log.put(
                    Append::new(id, topics, conflation_key, payload),
                    id.ms.min(now),
                    &mut aftermath,
                );
            }
            log.remember(id);
            newest = id.max(newest);
        }
        if newest < begin {
            log.last = begin;
        } else {
            log.last = newest;
            log.first = log.next_id(newest);
        }
        (log.appended, log.superseded, log.evicted) = (0, 0, 0);
        log
    }

    /// Records an earlier id.
    fn remember(&mut self, id: EventId) {
        if id > NOWHERE {
            let newest = self.earlier.entry(Epoch::of(id)).or_insert(id);
            *newest = id.max(*newest);
        }
    }

    /// Records the time. Callers read it before they take the lock, so that it may be a little older than another
    /// caller's; if it is much older, the clock was set back, and entries that were appended while it was ahead age
    /// from now on.
    pub(crate) fn observe(&mut self, now: u64) {
        if now.saturating_add(MAX_DISORDER_MS) >= self.clock {
            self.clock = self.clock.max(now);
            return;
        }
        self.clock = now;
        for aged in self.window.iter_mut().rev() {
            if aged.at <= now {
                break;
            }
            aged.at = now;
        }
    }

    /// The id of what is appended now, after `last`.
    pub(crate) fn next_id(&self, last: EventId) -> EventId {
        self.mark.next(last, self.clock)
    }

    /// Appends an event under its id. None of the caller's code runs here, so that the tape is never left half changed.
    pub(crate) fn append(&mut self, append: Append<K, P>, aftermath: &mut Aftermath<P>) {
        self.put(append, self.clock, aftermath);
    }

    /// As [`Log::append`], for an entry that ages from `at` on.
    fn put(&mut self, append: Append<K, P>, at: u64, aftermath: &mut Aftermath<P>) {
        let Append {
            id,
            topics,
            conflation_key,
            payload,
            weight,
        } = append;
        self.last = id;
        self.appended += 1;
        let mut topics: Vec<usize> = topics.iter().map(|key| self.topic(key)).collect();
        topics.sort_unstable();
        topics.dedup();
        let entry = Arc::new(Entry {
            id,
            weight,
            payload,
            is_conflated: conflation_key.is_some(),
            topics,
        });
        for &number in &entry.topics {
            let topic = &mut self.topics[number];
            if entry.is_conflated {
                topic.conflated.insert(id, Arc::clone(&entry));
            } else {
                self.retained_topics += usize::from(topic.retained.is_empty());
                topic.retained.push_back(Arc::clone(&entry));
            }
            topic
                .waiting
                .drain(&mut self.readers, entry.is_conflated, &mut aftermath.wakers);
        }
        match conflation_key {
            Some(key) => self.supersede(&key, entry, &mut aftermath.dropped),
            None => {
                self.window_bytes += entry.weight;
                self.window.push_back(Aged { at, entry });
            }
        }
        self.evict(&mut aftermath.dropped);
    }

    fn supersede(&mut self, key: &K, entry: Arc<Entry<P>>, dropped: &mut Vec<Arc<Entry<P>>>) {
        self.conflated_bytes += entry.weight;
        let Some(slot) = self.conflated.get_mut(key) else {
            self.conflated.insert(key.clone(), entry);
            return;
        };
        let old = std::mem::replace(slot, entry);
        self.conflated_bytes -= old.weight;
        self.superseded += 1;
        for &number in &old.topics {
            self.topics[number].conflated.remove(&old.id);
            self.release(number);
        }
        dropped.push(old);
    }

    /// Moves the window. The newest entry stays whatever its weight, or no cursor could ever read it.
    fn evict(&mut self, dropped: &mut Vec<Arc<Entry<P>>>) {
        while let Some(oldest) = self.window.front() {
            let over = self.window.len() > 1
                && (self.window.len() > self.limits.entries
                    || self.retained_bytes() > self.limits.bytes);
            if !over && self.clock.saturating_sub(oldest.at) <= self.limits.age_ms {
                return;
            }
            let Some(Aged { entry, .. }) = self.window.pop_front() else {
                return;
            };
            self.window_bytes -= entry.weight;
            self.evicted += 1;
            self.horizon = entry.id;
            for &number in &entry.topics {
                let topic = &mut self.topics[number];
                topic.retained.pop_front();
                self.retained_topics -= usize::from(topic.retained.is_empty());
                topic.evicted = entry.id;
                self.release(number);
            }
            dropped.push(entry);
        }
    }

    /// The bytes of the window, with the topics that it keeps alive.
    fn retained_bytes(&self) -> usize {
        let topics = self.retained_topics.saturating_mul(self.limits.topic_bytes);
        self.window_bytes.saturating_add(topics)
    }

    /// The number of a topic, which is created if it is new.
    fn topic(&mut self, key: &K) -> usize {
        if let Some(&number) = self.names.get(key) {
            return number;
        }
        let number = self.topics.insert(Topic {
            key: key.clone(),
            conflated: BTreeMap::new(),
            retained: VecDeque::new(),
            evicted: self.forgotten,
            cursors: 0,
            waiting: Waits::default(),
        });
        self.names.insert(key.clone(), number);
        number
    }

    /// Forgets a topic without entries and cursors.
    fn release(&mut self, number: usize) {
        let topic = &self.topics[number];
        if topic.retained.is_empty() && topic.conflated.is_empty() && topic.cursors == 0 {
            let topic = self.topics.remove(number);
            self.names.remove(&topic.key);
            self.forgotten = self.forgotten.max(topic.evicted);
        }
    }

    /// The position of a cursor of these topics that continues after `id`, and whether its client may have conflated
    /// entries that are lost: it has seen one, or has skipped one of the tape's entries for it.
    ///
    /// A client that has seen a lost entry resumes from after the newest entry that is not lost.
    pub(crate) fn check<'a>(
        &self,
        topics: impl IntoIterator<Item = &'a K>,
        id: EventId,
    ) -> Result<(EventId, bool), OffTape>
    where
        K: 'a,
    {
        let oldest = topics
            .into_iter()
            .map(|key| match self.names.get(key) {
                Some(&number) => self.topics[number].evicted,
                None => self.forgotten,
            })
            .fold(self.start, EventId::max);
        let own = self.mark.bears(id) && (self.first..=self.last).contains(&id);
        let newest = match own {
            true => Some(self.last),
            false => self.earlier.get(&Epoch::of(id)).copied(),
        };
        match newest {
            Some(newest) if id.min(newest) >= oldest => {
                Ok((id.min(newest), id > newest || id <= self.loss_horizon))
            }
            _ => Err(OffTape {
                position: id,
                oldest,
                newest: self.last,
            }),
        }
    }

    /// Adds a reader that has not been polled yet.
    pub(crate) fn join(&mut self) -> usize {
        self.readers.insert(Reader::default())
    }

    /// Adds topics to a reader; one that it has already is unchanged.
    pub(crate) fn listen<'a>(&mut self, reader: usize, topics: impl IntoIterator<Item = &'a K>)
    where
        K: 'a,
    {
        for key in topics {
            let number = self.topic(key);
            if self.readers[reader].add(number) {
                self.topics[number].cursors += 1;
            }
        }
        self.readers[reader].shrink();
    }

    /// Removes a reader, which is returned to be dropped after the lock is released.
    pub(crate) fn leave(&mut self, reader: usize) -> Reader {
        let left = self.readers.remove(reader);
        for seat in left.seats() {
            let topic = &mut self.topics[seat.topic];
            topic.waiting.leave(&mut self.readers, seat);
            topic.cursors -= 1;
            self.release(seat.topic);
        }
        left
    }

    /// Leaves the waking to the scheduler, if there is one.
    pub(crate) fn hand_over(&mut self, aftermath: &mut Aftermath<P>) {
        if self.scheduling.schedulers > 0 && !aftermath.wakers.is_empty() {
            self.scheduling.wakers.extend(aftermath.wakers.drain(..));
            aftermath.wakers.append(&mut self.scheduling.due);
        }
    }

    /// Takes the wakers of all waiting cursors.
    pub(crate) fn wake_all(&mut self) -> Vec<Waker> {
        let readers = self.readers.iter_mut();
        readers
            .filter_map(|(_, reader)| reader.wake_all())
            .collect()
    }

    pub(crate) fn find(&self, key: &K) -> Option<&Topic<K, P>> {
        self.names.get(key).map(|&number| &self.topics[number])
    }

    pub(crate) fn newest(&self, key: &K) -> Option<&Entry<P>> {
        self.conflated.get(key).map(Arc::as_ref)
    }

    pub(crate) fn conflation_keys(&self) -> usize {
        self.conflated.len()
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            appended: self.appended,
            superseded: self.superseded,
            evicted: self.evicted,
            retained: self.window.len(),
            retained_bytes: self.retained_bytes(),
            conflated: self.conflated.len(),
            conflated_bytes: self.conflated_bytes,
            topics: self.topics.len(),
            cursors: self.readers.len(),
            oldest: self.horizon,
            newest: self.last,
        }
    }
}
