use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::Tape;

/// Tells all streams that the server is about to stop. A clone is the same.
///
/// They end one by one within a time, in random order, so that whoever takes their clients over
/// does not get them all in one instant.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<OnceLock<Duration>>);

impl Closing {
    /// Ends the streams that read from a tape, within that time.
    pub fn begin(&self, tape: &Tape, within: Duration) {
        // A second call changes nothing.
        let _ = self.0.set(within);
        tape.wake_all();
    }

    /// Within which time from now a stream is to end; `None` when it may go on.
    pub fn within(&self) -> Option<Duration> {
        self.0.get().copied()
    }
}
