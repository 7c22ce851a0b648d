use crate::EventId;

/// The bounds of the window of retained entries; the first limit that is reached moves it. The newest retained entry
/// stays, whatever its size, until it is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of entries.
    pub entries: usize,
    /// The sum of their [`Payload::weight`] and of [`Limits::topic_bytes`].
    pub bytes: usize,
    /// What each topic with a retained entry counts, beside its entries: a tape whose entries all have different topics
    /// takes more memory than one whose entries share them.
    pub topic_bytes: usize,
    /// How long an entry may stay, in milliseconds: by the times passed to the tape, and not by ids, which may be ahead
    /// of a clock that was set back.
    pub age_ms: u64,
}

/// Counts of the tape's content and of what has happened on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Entries appended so far.
    pub appended: u64,
    /// Conflated entries that a newer one of their key has replaced so far.
    pub superseded: u64,
    /// Retained entries that have left the window so far.
    pub evicted: u64,
    /// Retained entries in the window.
    pub retained: usize,
    /// Their bytes, and those of their topics.
    pub retained_bytes: usize,
    /// Conflated entries, one a key.
    pub conflated: usize,
    /// Their bytes.
    pub conflated_bytes: usize,
    /// Topics that hold an entry or have a cursor.
    pub topics: usize,
    /// Cursors that exist.
    pub cursors: usize,
    /// The oldest position from which every topic can be resumed.
    pub oldest: EventId,
    /// The id of the newest entry.
    pub newest: EventId,
}
