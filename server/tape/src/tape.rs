use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use crate::{
    Batch, Cursor, EventId, Key, Limits, OffTape, Payload, Refill, Stats, View, WakeScheduler,
    entry::{Aftermath, Append},
    id::Epoch,
    log::Log,
    view::lock,
};

/// The log. A clone is the same tape.
pub struct Tape<K: Key, P: Payload> {
    // A std mutex: it is held for short, bounded work and never across an await. One for everything, because an entry
    // is added to several topics and wakes their cursors in one step.
    log: Arc<Mutex<Log<K, P>>>,
    witness: Arc<OnceLock<Witness<P>>>,
}

/// The function that receives the retained entries of each step before they are on the tape.
type Witness<P> = Box<dyn Fn(&[(EventId, &P)]) + Send + Sync>;

impl<K: Key, P: Payload> Tape<K, P> {
    /// An empty tape, created at `now`, in milliseconds since the Unix epoch. No earlier position is on it, and every
    /// id is greater than `<now>-<1000 mark>`. If ids are stored, `now` is also later than the newest stored one, so
    /// that ids rise after a restart whatever the clock.
    ///
    /// The `mark` distinguishes tapes whose times overlap: the `n` of an id is `1000 mark` or one of the 999 numbers
    /// after it; once a millisecond has used them all, the next millisecond is used. So an id of a tape with another
    /// mark is not on this one ([`OffTape`]). Draw it at random for a tape that does not share its ids; with 0, `n`
    /// counts from 0.
    pub fn new(now: u64, mark: u32, limits: Limits) -> Self {
        Tape {
            log: Arc::new(Mutex::new(Log::new(now, Epoch::new(mark), limits))),
            witness: Arc::default(),
        }
    }

    /// A tape that continues where another one ended, with the other's entries under their old ids; no cursor receives
    /// them as new. Every id that is given from now on is greater, whatever the clock. [`Tape::resume`] accepts the
    /// earlier ids, from [`Refill::since`] on, including those of conflated entries that were never stored.
    ///
    /// The last appended entries may have been lost before they were stored, while clients have seen their ids. So that
    /// none of these is given again, `start` must be later than all of them, whatever the clock; or `mark` must be one
    /// that no entry has. A client that resumes from such an id receives everything after the newest stored entry of
    /// its mark. And a client that resumes from before a loss ([`Refill::loss_horizon`]) receives the conflated entries
    /// of its topics as they are here, older ones as well: it may have seen newer ones, or skipped one of these for a
    /// newer one.
    pub fn refilled(start: u64, mark: u32, limits: Limits, refill: Refill<K, P>) -> Self {
        Tape {
            log: Arc::new(Mutex::new(Log::refilled(
                start,
                Epoch::new(mark),
                limits,
                refill,
            ))),
            witness: Arc::default(),
        }
    }

    /// Appends an event at the time `now`, in milliseconds since the Unix epoch, and wakes the
    /// cursors that wait for its topics.
    ///
    /// With a `conflation_key` the entry is conflated: it replaces the newest entry of that key, which is removed from
    /// the tape at once. Without one it is retained until it leaves the window.
    ///
    /// `payload` is called once, with the new id, under the tape's lock: it must not use the tape. If it panics,
    /// nothing is appended.
    pub fn append(
        &self,
        now: u64,
        topics: &[K],
        conflation_key: Option<&K>,
        payload: impl FnOnce(EventId) -> P,
    ) -> EventId {
        self.append_all(now, |batch| batch.append(topics, conflation_key, payload))
    }

    /// Appends several events at the time `now` as one step: their ids follow each other, no other append or read
    /// happens between them, and the cursors that wait for any of their topics are woken once.
    ///
    /// `write` decides what to append and may read the tape's content. It runs under the tape's lock and must not use
    /// the tape otherwise. If it panics, nothing is appended.
    pub fn append_all<R>(&self, now: u64, write: impl FnOnce(&mut Batch<'_, K, P>) -> R) -> R {
        let mut log = lock(&self.log);
        log.observe(now);
        let mut batch = Batch::new(&log);
        let written = write(&mut batch);
        let appends = batch.into_appends();
        if let Some(witness) = self.witness.get() {
            let retained: Vec<_> = appends.iter().filter_map(Append::retained).collect();
            if !retained.is_empty() {
                witness(&retained);
            }
        }
        let mut aftermath = Aftermath::new();
        for append in appends {
            log.append(append, &mut aftermath);
        }
        log.hand_over(&mut aftermath);
        drop(log);
        aftermath.run();
        written
    }

    /// Registers a witness, which receives the retained entries of each step before any cursor can read them: all of a
    /// step together, with their ids, in order. It runs under the tape's lock, so it has to be quick, and must not use
    /// the tape. If it panics, nothing is appended. There is one witness: returns whether this became it.
    pub fn set_witness(&self, witness: impl Fn(&[(EventId, &P)]) + Send + Sync + 'static) -> bool {
        self.witness.set(Box::new(witness)).is_ok()
    }

    /// A cursor for everything of these topics that is appended from now on.
    pub fn subscribe<'a>(&self, topics: impl IntoIterator<Item = &'a K>) -> Cursor<K, P>
    where
        K: 'a,
    {
        self.open(topics, |_| ()).0
    }

    /// A cursor for everything of these topics that is appended after the call of `view`, with the result of `view`.
    ///
    /// `view` runs under the tape's lock, as in [`Tape::view`].
    pub fn open<'a, R>(
        &self,
        topics: impl IntoIterator<Item = &'a K>,
        view: impl FnOnce(&View<'_, K, P>) -> R,
    ) -> (Cursor<K, P>, R)
    where
        K: 'a,
    {
        let mut log = lock(&self.log);
        let seen = view(&View::new(&log));
        let reader = log.join();
        log.listen(reader, topics);
        (Cursor::new(&self.log, reader, log.last, None), seen)
    }

    /// A cursor for everything of these topics that comes after `id`: that of the last delivery in
    /// order, or of a [`View`], or a [`Cursor::position`].
    ///
    /// With an interval, conflated entries of the last `min_interval` milliseconds before `id` are delivered again:
    /// when the connection broke, they may have been withheld while a newer retained entry was delivered. So it has to
    /// be the longest interval of any cursor that read up to `id`, even of one that delivered nothing.
    ///
    /// # Errors
    ///
    /// If `id` is of another tape, from before this one or after its newest entry, or if a retained entry of these
    /// topics after `id` has left the window. A topic without entries and cursors is forgotten; it counts as having
    /// lost what any forgotten topic has lost.
    pub fn resume<'a, I>(
        &self,
        topics: I,
        id: EventId,
        min_interval: Option<u64>,
    ) -> Result<Cursor<K, P>, OffTape>
    where
        K: 'a,
        I: IntoIterator<Item = &'a K>,
        I::IntoIter: Clone,
    {
        let topics = topics.into_iter();
        let mut log = lock(&self.log);
        let (position, loss_horizon) = log.check(topics.clone(), id)?;
        let reader = log.join();
        log.listen(reader, topics);
        let mut cursor = Cursor::new(&self.log, reader, position, min_interval);
        cursor.rewind_conflated(match loss_horizon {
            true => u64::MAX,
            false => min_interval.unwrap_or(0),
        });
        Ok(cursor)
    }

    /// Reads the tape at one position.
    ///
    /// `view` runs under the tape's lock: nothing is appended or read meanwhile, and it must not
    /// use the tape.
    pub fn view<R>(&self, view: impl FnOnce(&View<'_, K, P>) -> R) -> R {
        view(&View::new(&lock(&self.log)))
    }

    /// The holder of the scheduler wakes the cursors from now on, so that an append takes no longer for ten thousand of
    /// them than for a few, and the holder decides how many are woken at a time. They are woken in the order in which
    /// they became due: none is passed over.
    pub fn wake_scheduler(&self) -> WakeScheduler<K, P> {
        WakeScheduler::new(&self.log)
    }

    /// Wakes every waiting cursor, for an event that concerns their owners and is not an entry.
    pub fn wake_all(&self) {
        let wakers = lock(&self.log).wake_all();
        for waker in wakers {
            waker.wake();
        }
    }

    /// Counts of the tape's content and of what has happened on it.
    pub fn stats(&self) -> Stats {
        lock(&self.log).stats()
    }
}

impl<K: Key, P: Payload> Clone for Tape<K, P> {
    fn clone(&self) -> Self {
        Tape {
            log: Arc::clone(&self.log),
            witness: Arc::clone(&self.witness),
        }
    }
}

impl<K: Key, P: Payload> fmt::Debug for Tape<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tape").field(&self.stats()).finish()
    }
}
