use serde::Serialize;
use utoipa::ToSchema;

/// What a feed has passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Skipped {
    /// Frames of kinds that are not used, and trades that come again.
    pub ignored: u64,
    /// Frames, entries and fields that cannot be read.
    pub wrong: u64,
    /// Trades that came for a minute that was closed: in the volume, but in no bar.
    pub late: u64,
    /// Gaps in the source's own numbers of its messages or trades, and numbers that begin anew or are
    /// given twice.
    pub gaps: u64,
    /// Quotes that were older than what another feed had published of their symbol.
    pub held: u64,
    /// Items that their document had under the identity of another one.
    pub duplicates: u64,
    /// Faults of documents that were read all the same; nothing of them is passed over.
    pub mended: u64,
}
