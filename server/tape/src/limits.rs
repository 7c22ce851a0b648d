use crate::EventId;

/// What bounds the window of retained entries; the first limit that is reached moves it. The newest
/// retained entry stays, whatever its size, until it is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of entries.
    pub entries: usize,
    /// The sum of their [`Payload::weight`] and of [`Limits::topic_bytes`].
    pub bytes: usize,
    /// What each topic counts for that holds a retained entry, beside its entries: a tape of entries that
    /// all have topics of their own takes more memory than one of entries that share theirs.
    pub topic_bytes: usize,
    /// How long an entry may stay, in milliseconds: by the times that the tape was given, and not by
    /// ids, which may be ahead of a clock that was set back.
    pub age_ms: u64,
}

/// What the tape holds and what has happened on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Entries appended so far.
    pub appended: u64,
    /// Conflated entries that a newer one of their key replaced so far.
    pub superseded: u64,
    /// Retained entries that left the window so far.
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
    /// Cursors that live.
    pub cursors: usize,
    /// The oldest position from which every topic can be resumed.
    pub oldest: EventId,
    /// The id of the newest entry.
    pub newest: EventId,
}
