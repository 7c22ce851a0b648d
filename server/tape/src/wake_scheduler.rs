use std::{
    fmt,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use crate::{Key, Payload, log::Log, view::lock};

/// Wakes cursors instead of the appends that concern them: see [`crate::Tape::wake_scheduler`].
///
/// When it is dropped, it wakes the remaining cursors, and appends wake cursors themselves again.
pub struct WakeScheduler<K: Key, P: Payload> {
    log: Arc<Mutex<Log<K, P>>>,
}

impl<K: Key, P: Payload> WakeScheduler<K, P> {
    pub(crate) fn new(log: &Arc<Mutex<Log<K, P>>>) -> Self {
        lock(log).scheduling.schedulers += 1;
        WakeScheduler {
            log: Arc::clone(log),
        }
    }

    /// Waits until there is a cursor to wake.
    pub fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut log = lock(&self.log);
        let scheduling = &mut log.scheduling;
        if !scheduling.wakers.is_empty() {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !scheduling.due.iter().any(|due| due.will_wake(waker)) {
            scheduling.due.push(waker.clone());
        }
        Poll::Pending
    }

    /// Wakes up to `most` cursors, in the order in which they became due. Returns how many.
    pub fn wake(&mut self, most: usize) -> usize {
        let mut log = lock(&self.log);
        let wakers = &mut log.scheduling.wakers;
        let count = wakers.len().min(most);
        let wakers: Vec<_> = wakers.drain(..count).collect();
        drop(log);
        for waker in wakers {
            waker.wake();
        }
        count
    }
}

impl<K: Key, P: Payload> Drop for WakeScheduler<K, P> {
    fn drop(&mut self) {
        let mut log = lock(&self.log);
        log.scheduling.schedulers -= 1;
        let left = std::mem::take(&mut log.scheduling.wakers);
        drop(log);
        for waker in left {
            waker.wake();
        }
    }
}

impl<K: Key, P: Payload> fmt::Debug for WakeScheduler<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeScheduler").finish_non_exhaustive()
    }
}
