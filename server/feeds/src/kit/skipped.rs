use serde::Serialize;
use utoipa::ToSchema;

/// What a feed has skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Skipped {
    /// Frames of kinds that are not used, and duplicate trades.
    pub ignored: u64,
    /// Frames, entries and fields that are invalid.
    pub wrong: u64,
    /// Trades for a minute that was closed: in the volume, but in no bar.
    pub late: u64,
    /// Gaps in the source's own numbers of its messages or trades, and numbers that restart or are given twice.
    pub gaps: u64,
    /// Quotes that were older than what another feed had published for their symbol.
    pub held: u64,
    /// Items that share their identity with another one of their document.
    pub duplicates: u64,
    /// Faults of documents that were parsed all the same; nothing of them is skipped.
    pub mended: u64,
}
