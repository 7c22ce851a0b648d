use std::{
    collections::{BinaryHeap, binary_heap::PeekMut, btree_map, vec_deque},
    fmt,
    ops::Bound::{Excluded, Included},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use crate::{
    EventId, Key, OffTape, Payload,
    entry::Entry,
    log::Log,
    view::{View, lock},
    waiting::For,
};

/// One event as a cursor reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery<P> {
    /// The event's id.
    pub id: EventId,
    /// The event.
    pub payload: P,
    /// Whether its id is greater than every id delivered before. A conflated entry that was withheld may be delivered
    /// after a newer retained entry; a client must not resume from its id, or that retained entry is delivered twice.
    pub in_order: bool,
}

/// How far a cursor has read.
///
/// There are two positions, because with an interval conflated entries wait while retained ones pass them. This is a
/// cursor's whole state, however much it leaves unread.
#[derive(Debug, Clone)]
struct Positions {
    /// Every retained entry up to here was read.
    retained: EventId,
    /// Every conflated entry up to here was read, or a newer one of its key is ahead.
    conflated: EventId,
    /// Conflated entries up to here may be read; later ones wait for the interval to pass.
    released: EventId,
    /// When `released` was last moved, if any conflated entry was read then: an interval begins with a read.
    released_at: Option<u64>,
    /// The greatest id delivered.
    delivered: EventId,
    min_interval: Option<u64>,
    due: Option<u64>,
}

impl Positions {
    fn at(id: EventId, min_interval: Option<u64>) -> Self {
        Positions {
            retained: id,
            conflated: id,
            released: id,
            released_at: None,
            delivered: id,
            min_interval,
            due: None,
        }
    }

    /// When the next conflated entries may be read; `None` for now.
    ///
    /// They may also be read if the newest id is an interval past the last release: once delivered, such an id would be
    /// resumed from further on than [`crate::Tape::resume`] goes back.
    fn next_release(&self, now: u64, last: EventId) -> Option<u64> {
        let (interval, at) = (self.min_interval?, self.released_at?);
        let next = at.saturating_add(interval);
        let stepped_back = now < at;
        let far = last.ms >= at.max(self.released.ms).saturating_add(interval);
        (now < next && !stepped_back && !far).then_some(next)
    }

    fn read<K: Key, P: Payload>(
        &mut self,
        log: &Log<K, P>,
        reader: usize,
        now: u64,
        max_bytes: usize,
        out: &mut Vec<Delivery<P>>,
    ) -> Result<(), OffTape> {
        let next_release = self.next_release(now, log.last);
        let released = match next_release {
            Some(_) => self.released,
            None => log.last,
        };
        let mut sources = Vec::new();
        let mut heads = BinaryHeap::new();
        let mut withheld = false;
        for seat in log.readers[reader].seats() {
            let topic = &log.topics[seat.topic];
            if topic.evicted > self.retained {
                return Err(OffTape {
                    position: self.retained,
                    oldest: topic.evicted,
                    newest: log.last,
                });
            }
            if topic.newest_retained().is_some_and(|id| id > self.retained) {
                let read = topic
                    .retained
                    .partition_point(|entry| entry.id <= self.retained);
                let mut source = Source::Retained(topic.retained.range(read..));
                heads.extend(source.head(sources.len()));
                sources.push(source);
            }
            let newest = topic.newest_conflated();
            withheld |= newest.is_some_and(|id| id > released);
            if self.conflated < released && newest.is_some_and(|id| id > self.conflated) {
                let unread = (Excluded(self.conflated), Included(released));
                let mut source = Source::Conflated(topic.conflated.range(unread));
                heads.extend(source.head(sources.len()));
                sources.push(source);
            }
        }

        let first = out.len();
        let mut spent = 0usize;
        let mut complete = true;
        let mut conflated_read = false;
        let mut previous = None;
        while let Some(mut head) = heads.peek_mut() {
            let entry = head.entry;
            // An entry is found through each of the cursor's topics that it is in.
            if previous != Some(entry.id) {
                let after = spent.saturating_add(entry.weight);
                if out.len() > first && after > max_bytes {
                    complete = false;
                    break;
                }
                spent = after;
                previous = Some(entry.id);
                out.push(Delivery {
                    id: entry.id,
                    payload: entry.payload.clone(),
                    in_order: entry.id > self.delivered,
                });
                self.delivered = self.delivered.max(entry.id);
                self.retained = self.retained.max(entry.id);
                if entry.is_conflated {
                    self.conflated = entry.id;
                    conflated_read = true;
                }
            }
            match sources[head.source].head(head.source) {
                Some(next) => *head = next,
                None => {
                    PeekMut::pop(head);
                }
            }
        }

        self.released = released;
        if complete {
            // What was appended to other topics is behind the cursor too, so that a quiet topic does not hold it back.
            self.retained = log.last;
            self.conflated = self.conflated.max(released);
        }
        if next_release.is_none() {
            self.released_at = conflated_read.then_some(now);
        }
        self.due = next_release.filter(|_| withheld);
        Ok(())
    }
}

/// The unread entries of one kind in one topic.
enum Source<'a, P> {
    Retained(vec_deque::Iter<'a, Arc<Entry<P>>>),
    Conflated(btree_map::Range<'a, EventId, Arc<Entry<P>>>),
}

impl<'a, P> Source<'a, P> {
    fn head(&mut self, source: usize) -> Option<Head<'a, P>> {
        let entry = match self {
            Source::Retained(entries) => entries.next()?,
            Source::Conflated(entries) => entries.next()?.1,
        };
        Some(Head { entry, source })
    }
}

/// The oldest unread entry of a source; the heap's greatest is the oldest.
struct Head<'a, P> {
    entry: &'a Entry<P>,
    source: usize,
}

impl<P> Ord for Head<'_, P> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.entry.id.cmp(&self.entry.id)
    }
}

impl<P> PartialOrd for Head<'_, P> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P> PartialEq for Head<'_, P> {
    fn eq(&self, other: &Self) -> bool {
        self.entry.id == other.entry.id
    }
}

impl<P> Eq for Head<'_, P> {}

/// A subscriber: topics and a position, no queue.
///
/// Dropping it takes it off the tape.
pub struct Cursor<K: Key, P: Payload> {
    log: Arc<Mutex<Log<K, P>>>,
    reader: usize,
    positions: Positions,
    waits: bool,
}

impl<K: Key, P: Payload> Cursor<K, P> {
    pub(crate) fn new(
        log: &Arc<Mutex<Log<K, P>>>,
        reader: usize,
        position: EventId,
        min_interval: Option<u64>,
    ) -> Self {
        Cursor {
            log: Arc::clone(log),
            reader,
            positions: Positions::at(position, min_interval),
            waits: false,
        }
    }

    /// Goes back to conflated entries that a cursor at the same position may have withheld.
    pub(crate) fn rewind_conflated(&mut self, ms: u64) {
        self.positions.conflated = self.positions.conflated.back(ms);
    }

    /// Reads the entries that are due, oldest first, to the end of `out`: at least one entry if any is due, then more
    /// until the next would exceed `max_bytes`. The rest stays due.
    ///
    /// `now` is in milliseconds since the Unix epoch. It only matters with an interval
    /// ([`Cursor::set_min_interval`]).
    ///
    /// # Errors
    ///
    /// If a retained entry of the cursor's topics left the tape unread. Then nothing is read, now or later:
    /// [`Cursor::restart`] continues from the tape's end, [`Cursor::skip_lost`] from the oldest entry left.
    pub fn read(
        &mut self,
        now: u64,
        max_bytes: usize,
        out: &mut Vec<Delivery<P>>,
    ) -> Result<(), OffTape> {
        let mut log = lock(&self.log);
        log.observe(now);
        self.positions.read(&log, self.reader, now, max_bytes, out)
    }

    /// Reads as [`Cursor::read`] does, or waits: ready when something was read or the cursor is off the tape. Otherwise
    /// the next append that could make it ready wakes the waker of `context`.
    ///
    /// While it waits for its interval to pass ([`Cursor::due`]), only retained entries wake it: the
    /// owner polls it again at that time.
    ///
    /// # Errors
    /// As [`Cursor::read`].
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        max_bytes: usize,
        out: &mut Vec<Delivery<P>>,
    ) -> Poll<Result<(), OffTape>> {
        self.poll(context, now, max_bytes, out, false)
    }

    /// Like [`Cursor::poll_read`], for a caller that will wait in any case: if it is ready and has read everything, the
    /// next append already wakes it, so that another poll can be saved. [`Cursor::waits`] shows it; with an interval it
    /// never does.
    ///
    /// # Errors
    /// As [`Cursor::read`].
    pub fn poll_read_ahead(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        max_bytes: usize,
        out: &mut Vec<Delivery<P>>,
    ) -> Poll<Result<(), OffTape>> {
        self.poll(context, now, max_bytes, out, true)
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        now: u64,
        max_bytes: usize,
        out: &mut Vec<Delivery<P>>,
        ahead: bool,
    ) -> Poll<Result<(), OffTape>> {
        let before = out.len();
        let mut log = lock(&self.log);
        log.observe(now);
        let read = self.positions.read(&log, self.reader, now, max_bytes, out);
        let ready = read.is_err() || out.len() > before;
        let at_end = self.positions.retained == log.last && self.positions.conflated == log.last;
        let no_interval = self.positions.min_interval.is_none();
        self.waits = !ready || (ahead && read.is_ok() && at_end && no_interval);
        let old_waker = if !self.waits {
            log.readers[self.reader].wake_all()
        } else {
            let what = match self.positions.due {
                Some(_) => For::Retained,
                None => For::Any,
            };
            log.wait(self.reader, what, context.waker())
        };
        drop(log);
        // Dropping a waker may drop a task, and with it a cursor, which locks the tape.
        drop(old_waker);
        if ready {
            Poll::Ready(read)
        } else {
            Poll::Pending
        }
    }

    /// Whether the last poll has left its waker with the tape.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// When conflated entries that the last read withheld may be read, in milliseconds since the Unix epoch: the time
    /// of the next read, if nothing wakes the cursor before.
    pub fn due(&self) -> Option<u64> {
        self.positions.due
    }

    /// Limits conflated entries to one read per interval, in milliseconds, from the next read on; retained ones are
    /// read at once regardless. `None` for no limit.
    ///
    /// A read that takes several calls because of `max_bytes` counts once.
    pub fn set_min_interval(&mut self, ms: Option<u64>) {
        self.positions.min_interval = ms;
    }

    /// The position from which a cursor could be resumed to continue after this one. It also moves when entries of
    /// other topics pass.
    pub fn position(&self) -> EventId {
        self.positions.retained
    }

    /// Subscribes to more topics, for everything after [`Cursor::position`]; topics that it has already are unchanged.
    /// They wake the cursor only after its next poll.
    ///
    /// Earlier entries of a new topic are not read: take a [`crate::Tape::view`] of it afterwards. Entries in the view
    /// after the position are then read once more.
    pub fn add_topics<'a>(&mut self, topics: impl IntoIterator<Item = &'a K>)
    where
        K: 'a,
    {
        lock(&self.log).listen(self.reader, topics);
    }

    /// Skips what has left the window unread, and continues with the oldest entry that is left. Returns what `view`
    /// returned at that moment.
    ///
    /// `view` runs under the tape's lock, as in [`crate::Tape::view`].
    pub fn skip_lost<R>(&mut self, view: impl FnOnce(&View<'_, K, P>) -> R) -> R {
        let log = lock(&self.log);
        let seats = log.readers[self.reader].seats();
        let evicted = seats.iter().map(|seat| log.topics[seat.topic].evicted);
        self.positions.retained = evicted.fold(self.positions.retained, EventId::max);
        view(&View::new(&log))
    }

    /// Skips everything unread and continues from the tape's end. Returns what `view` returned there.
    ///
    /// `view` runs under the tape's lock, as in [`crate::Tape::view`].
    pub fn restart<R>(&mut self, view: impl FnOnce(&View<'_, K, P>) -> R) -> R {
        let log = lock(&self.log);
        let seen = view(&View::new(&log));
        self.positions = Positions::at(log.last, self.positions.min_interval);
        seen
    }
}

impl<K: Key, P: Payload> Drop for Cursor<K, P> {
    fn drop(&mut self) {
        let reader = lock(&self.log).leave(self.reader);
        // Its waker is dropped only now that the tape is unlocked.
        drop(reader);
    }
}

impl<K: Key, P: Payload> fmt::Debug for Cursor<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cursor").field(&self.positions).finish()
    }
}
