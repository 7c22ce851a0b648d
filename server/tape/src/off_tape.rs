use std::fmt;

use crate::EventId;

/// A position is not on the tape, or no longer: what came after it is not all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffTape {
    /// The position in question.
    pub position: EventId,
    /// The oldest position that would have done.
    pub oldest: EventId,
    /// The newest position that would have done.
    pub newest: EventId,
}

impl fmt::Display for OffTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not on the tape: expected an id of its own from {} to {}",
            self.position, self.oldest, self.newest
        )
    }
}

impl std::error::Error for OffTape {}
