//! What the gate of a connection and hyper's service share.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::task::AtomicWaker;

/// The state of the request that hyper has.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Whether hyper is about to answer. The body of its response ends it.
    busy: AtomicBool,
    /// Whether the connection must end with this answer.
    last: AtomicBool,
    /// Who waits for the answer to be complete: to hyper, the gate has nothing to read until then,
    /// and it asks no more by itself.
    pub(super) waiting: AtomicWaker,
}

impl Exchange {
    /// The answer is complete.
    pub(super) fn end(&self) {
        self.busy.store(false, Ordering::Release);
        self.waiting.wake();
    }

    /// Whether the answer has to say that the connection ends.
    pub(super) fn is_last(&self) -> bool {
        self.last.load(Ordering::Acquire)
    }

    /// hyper is about to answer; `last` where the connection ends with the answer.
    pub(super) fn begin(&self, last: bool) {
        self.last.store(last, Ordering::Release);
        self.busy.store(true, Ordering::Release);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }
}
