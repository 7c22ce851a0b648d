use crate::EventId;

/// The content of an earlier tape, for [`Tape::refilled`].
#[derive(Debug, Clone)]
pub struct Refill<K, P> {
    /// The time, in milliseconds since the Unix epoch. Entries with an earlier id age by it, and those with a later one
    /// as if they had been appended now.
    pub now: u64,
    /// The newest retained entry that is missing, or the tape's beginning: every retained entry after it is among the
    /// entries.
    pub since: EventId,
    /// Not before any lost entry that a client may have seen, except those that come after the newest entry of their
    /// mark; `0-0` if nothing was ever lost. If that is unknown, the newest entry.
    pub loss_horizon: EventId,
    /// The entries of the tape. Of the entries of one conflation key only the newest counts, and of retained entries
    /// only those within [`Limits`].
    pub entries: Vec<Stored<K, P>>,
}

/// An entry of an earlier tape.
#[derive(Debug, Clone)]
pub struct Stored<K, P> {
    /// Its id, which it keeps.
    pub id: EventId,
    /// Its topics.
    pub topics: Vec<K>,
    /// Its conflation key, if it is conflated.
    pub conflation_key: Option<K>,
    /// The event.
    pub payload: P,
}
