//! The state that the gate of a connection shares with hyper's service.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::task::AtomicWaker;

/// The state of the request that hyper is answering.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Whether hyper is about to answer. The end of the response's body ends it.
    busy: AtomicBool,
    /// Whether the connection must end with this answer.
    last: AtomicBool,
    /// The waker for the completion of the answer: hyper has nothing to read from the gate until then, and does not
    /// poll again by itself.
    pub(super) waiting: AtomicWaker,
}

impl Exchange {
    /// The answer is complete.
    pub(super) fn end(&self) {
        self.busy.store(false, Ordering::Release);
        self.waiting.wake();
    }

    /// Whether the answer must announce that the connection ends.
    pub(super) fn is_last(&self) -> bool {
        self.last.load(Ordering::Acquire)
    }

    /// hyper is about to answer; `last` if the connection ends with the answer.
    pub(super) fn begin(&self, last: bool) {
        self.last.store(last, Ordering::Release);
        self.busy.store(true, Ordering::Release);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }
}
