use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::Tape;

/// Signals all streams that the server is about to stop. A clone is the same signal.
///
/// The streams end one by one within a time span, in random order, so that their clients do not all reach the next
/// server at once.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<OnceLock<Duration>>);

impl Closing {
    /// Ends the streams that read from a tape, within that time.
    pub fn begin(&self, tape: &Tape, within: Duration) {
        // A second call has no effect.
        let _ = self.0.set(within);
        tape.wake_all();
    }

    /// The time from now within which a stream is to end; `None` if it may continue.
    pub fn within(&self) -> Option<Duration> {
        self.0.get().copied()
    }
}
