//! The state of the archive.

use archive::Status;
use tape::EventId;

/// How the archive is doing.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it says of itself.
    pub status: Status,
    /// Everything on the tape up to here is on disk.
    pub written: EventId,
    /// Retained events that left the tape's window before they could be written.
    pub lost: u64,
    /// Steps of the tape that were shown without being in the journal.
    pub unrecorded: u64,
}
