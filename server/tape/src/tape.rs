use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
};

use crate::{
    Batch, Cursor, EventId, Key, Limits, OffTape, Payload, Refill, Stats, View, WakeScheduler,
    id::Epoch,
    log::{Aftermath, Append, Log},
    view::lock,
};

/// The log. A clone is the same tape.
pub struct Tape<K: Key, P: Payload> {
    // A std mutex: it is held for short, bounded work and never across an await. One for all,
    // because an entry takes its place in several topics and wakes their cursors at once.
    log: Arc<Mutex<Log<K, P>>>,
    witness: Arc<OnceLock<Witness<P>>>,
}

/// What is shown the retained entries of each step before they stand on the tape.
type Witness<P> = Box<dyn Fn(&[(EventId, &P)]) + Send + Sync>;

impl<K: Key, P: Payload> Tape<K, P> {
    /// An empty tape, made at `now`, in milliseconds since the Unix epoch. No position from before
    /// is on it, and every id is greater than `<now>-<1000 mark>`. Where ids are stored, `now` is also
    /// later than the newest stored one, so that ids rise after a restart whatever the clock.
    ///
    /// The `mark` tells tapes apart whose times overlap: the `n` of an id is `1000 mark` or one of the
    /// 999 numbers after it, and where a millisecond has had them all the next one lends its own. So
    /// an id of a tape with another mark is not on this one ([`OffTape`]). Draw it at random for a
    /// tape that is alone with its ids; with 0, `n` counts from 0.
    pub fn new(now: u64, mark: u32, limits: Limits) -> Self {
        Tape {
            log: Arc::new(Mutex::new(Log::new(now, Epoch::new(mark), limits))),
            witness: Arc::default(),
        }
    }

    /// A tape that goes on where another one ended, as if it had not: with its entries, which have the
    /// ids that they had and are no news to anybody. Every id that is given from now on is greater,
    /// whatever the clock. [`Tape::resume`] takes the ids of before, from [`Refill::since`] on, also
    /// those of entries that are conflated and were never stored.
    ///
    /// What was appended last may have been lost before it was stored, and its ids have been seen. So
    /// that none of them is given again, `start` is to be later than all of them, whatever the clock
    /// says; or `mark` is to be one that no entry bears. Who resumes from such an id is given everything
    /// after the newest stored entry of its mark. And who resumes from before a loss ([`Refill::loss_horizon`])
    /// is given the conflated entries of its topics as they are here, older ones as well: it may have seen
    /// newer ones, or skipped one of these for a newer one.
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
    /// With a `conflation_key` the entry is conflated: it takes the place of the newest entry of that key,
    /// which is gone from the tape at once. Without one it is retained until it leaves the window.
    ///
    /// `payload` is made once, with the id that it gets, under the tape's lock: it must not use the
    /// tape. If it panics, nothing is appended.
    pub fn append(
        &self,
        now: u64,
        topics: &[K],
        conflation_key: Option<&K>,
        payload: impl FnOnce(EventId) -> P,
    ) -> EventId {
        self.append_all(now, |batch| batch.append(topics, conflation_key, payload))
    }

    /// Appends several events at the time `now` as one step: their ids follow each other, nobody
    /// reads or appends between them, and the cursors that wait for any of their topics are woken
    /// once.
    ///
    /// `write` decides what to append, with what the tape holds before its eyes. It runs under the
    /// tape's lock and must not use the tape. If it panics, nothing is appended.
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

    /// Has the retained entries of each step shown to a witness before anybody can read them: all of a step
    /// together, with their ids, in order. It runs under the tape's lock, so it has to be quick, and must
    /// not use the tape. If it panics, nothing is appended. There is one witness: whether this became it is
    /// returned.
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

    /// A cursor for everything of these topics that comes after what `view` saw.
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
    /// With an interval, conflated entries of the last `min_interval` milliseconds before `id` come
    /// again: when the connection broke, they may have been withheld while a newer retained entry was
    /// delivered. So it has to be the longest interval with which anything was read up to `id`, also
    /// where a cursor in between delivered nothing.
    ///
    /// # Errors
    /// When `id` is of another tape, from before this one or after its newest entry, or a retained entry of these topics
    /// after `id` has left the window. A topic that holds nothing and has no cursor is forgotten;
    /// what any forgotten topic has lost counts for it.
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

    /// Looks at the tape as it is at one position.
    ///
    /// `view` runs under the tape's lock: nothing is appended or read meanwhile, and it must not
    /// use the tape.
    pub fn view<R>(&self, view: impl FnOnce(&View<'_, K, P>) -> R) -> R {
        view(&View::new(&lock(&self.log)))
    }

    /// Whoever holds this wakes the cursors from now on, so that an append takes no longer for ten
    /// thousand of them than for a few, and so that the owner decides how many are woken at a time.
    /// They are woken in the order in which they began to be due: nobody is passed over.
    pub fn ringer(&self) -> WakeScheduler<K, P> {
        WakeScheduler::new(&self.log)
    }

    /// Wakes every cursor that waits, for owners that something other than an entry concerns.
    pub fn wake_all(&self) {
        let wakers = lock(&self.log).wake_all();
        for waker in wakers {
            waker.wake();
        }
    }

    /// What the tape holds and what has happened on it.
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
