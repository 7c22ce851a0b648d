use crate::EventId;

/// What a tape held before, for [`Tape::refilled`].
#[derive(Debug, Clone)]
pub struct Refill<K, P> {
    /// The time, in milliseconds since the Unix epoch: by it entries age that have an earlier id, and
    /// those of a later one as if they had come now.
    pub now: u64,
    /// The newest retained entry that is missing, or the tape's beginning: everything after it that is retained is
    /// among the entries.
    pub since: EventId,
    /// Not before any entry that was lost after somebody may have seen it, but for those that come after
    /// the newest entry of their mark; `0-0` where nothing ever was. Where that is not known, the newest
    /// entry.
    pub loss_horizon: EventId,
    /// What is to be on the tape. Of the entries of one conflation key only the newest counts, and of what is retained
    /// only what [`Limits`] have room for.
    pub entries: Vec<Stored<K, P>>,
}

/// An entry that was on a tape before.
#[derive(Debug, Clone)]
pub struct Stored<K, P> {
    /// The id that it had, and will have.
    pub id: EventId,
    /// Its topics.
    pub topics: Vec<K>,
    /// Its conflation key, for one that is conflated.
    pub conflation_key: Option<K>,
    /// What it is.
    pub payload: P,
}
