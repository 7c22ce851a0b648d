use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use market::{Correction, Event, Minute};
use tape::EventId;
use tokio::sync::oneshot;

use crate::{Failure, Ownership, Print};

/// The queue of the writer. Adding to it never waits for the disk.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<Waiting>,
    arrived: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    ticks: VecDeque<Tick>,
    commits: VecDeque<Commit>,
    /// How many ticks the writer has taken and not yet committed: they take memory all the same.
    taken: usize,
    dropped: u64,
    closing: Option<Option<oneshot::Sender<Result<(), Failure>>>>,
    /// The writer has ended.
    ended: bool,
}

/// Data that is queued without waiting.
#[derive(Debug, Clone)]
pub(crate) enum Tick {
    Trade(Print),
    /// With the feed that published the trade.
    Correction(Correction, Option<Arc<str>>),
    /// The exact sums of a closed minute.
    Minute(Box<Minute>),
}

/// Events, and the caller that waits until they are written.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) events: Vec<(EventId, Arc<Event>)>,
    pub(crate) owners: Vec<Ownership>,
    pub(crate) answer: oneshot::Sender<Result<(), Failure>>,
}

/// The reason why the writer was woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A caller waits, or ticks have waited long enough.
    Work,
    /// Nothing came in time.
    Time,
    /// It is to end.
    Closing,
}

impl Inbox {
    pub(crate) fn new(bytes: usize) -> Self {
        Inbox {
            state: Mutex::default(),
            arrived: Condvar::new(),
            limit: (bytes / size_of::<Tick>()).max(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No code under the lock leaves half a change behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a tick, or drops it if there is no room.
    pub(crate) fn tick(&self, tick: Tick) {
        let mut state = self.lock();
        if state.ended || state.closing.is_some() || state.ticks.len() + state.taken >= self.limit {
            state.dropped += 1;
            return;
        }
        // Ticks go with the next commit or wait for the writer's own time: the writer is not woken.
        state.ticks.push_back(tick);
    }

    pub(crate) fn commit(&self, commit: Commit) {
        let mut state = self.lock();
        if state.ended || state.closing.is_some() {
            drop(state);
            let _ = commit.answer.send(Err(Failure::closed()));
            return;
        }
        state.commits.push_back(commit);
        drop(state);
        self.arrived.notify_one();
    }

    /// Ends the writer once it has written everything queued.
    pub(crate) fn close(&self, answer: Option<oneshot::Sender<Result<(), Failure>>>) {
        let mut state = self.lock();
        if state.ended || state.closing.is_some() {
            drop(state);
            if let Some(answer) = answer {
                let _ = answer.send(Err(Failure::closed()));
            }
            return;
        }
        state.closing = Some(answer);
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for work until `until`. Ticks alone are no work before that.
    pub(crate) fn wait(&self, until: Instant) -> Wake {
        let mut state = self.lock();
        loop {
            if !state.commits.is_empty() {
                return Wake::Work;
            }
            if state.closing.is_some() {
                return Wake::Closing;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return if state.ticks.is_empty() {
                    Wake::Time
                } else {
                    Wake::Work
                };
            }
            state = self
                .arrived
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits before a retry. Returns early if the writer is to end.
    pub(crate) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        while state.closing.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .arrived
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing.is_some()
    }

    /// Takes everything, behind the batch taken before.
    pub(crate) fn take(&self, ticks: &mut Vec<Tick>, commits: &mut Vec<Commit>) {
        let mut state = self.lock();
        state.taken += state.ticks.len();
        ticks.extend(state.ticks.drain(..));
        commits.extend(state.commits.drain(..));
    }

    /// The taken batch has been dealt with.
    pub(crate) fn done(&self) {
        self.lock().taken = 0;
    }

    /// The taken batch is lost.
    pub(crate) fn drop_taken(&self) {
        let mut state = self.lock();
        state.dropped += std::mem::take(&mut state.taken) as u64;
    }

    /// How many ticks wait, and how many were dropped.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        ((state.ticks.len() + state.taken) as u64, state.dropped)
    }

    /// Marks that nothing is written any more, and returns the caller that waits for the end.
    pub(crate) fn end(&self) -> Option<oneshot::Sender<Result<(), Failure>>> {
        let mut state = self.lock();
        state.ended = true;
        state.dropped += state.ticks.len() as u64;
        state.ticks = VecDeque::new();
        for commit in state.commits.drain(..) {
            let _ = commit.answer.send(Err(Failure::closed()));
        }
        state.closing.take().flatten()
    }
}
