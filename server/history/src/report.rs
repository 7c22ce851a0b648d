//! The state of the archive.

use archive::Status;
use tape::EventId;

/// The state of the archive, with its writer's.
#[derive(Debug, Clone)]
pub struct Report {
    /// The archive's own status.
    pub status: Status,
    /// Everything on the tape up to here is on disk.
    pub written: EventId,
    /// Retained events that left the tape's window before they could be written.
    pub lost: u64,
    /// Steps of the tape that were shown without being in the journal.
    pub unrecorded: u64,
}
