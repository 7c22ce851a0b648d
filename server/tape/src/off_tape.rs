use std::fmt;

use crate::EventId;

/// A position that is not on the tape, or no longer: events after it are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffTape {
    /// The position in question.
    pub position: EventId,
    /// The oldest position that can be resumed from.
    pub oldest: EventId,
    /// The newest position that can be resumed from.
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
