use std::fmt;

use crate::{EventId, Key, Payload, View, entry::Append, log::Log};

/// Events that are appended together: see [`crate::Tape::append_all`].
pub struct Batch<'a, K, P> {
    log: &'a Log<K, P>,
    last: EventId,
    appends: Vec<Append<K, P>>,
}

impl<'a, K: Key, P: Payload> Batch<'a, K, P> {
    pub(crate) fn new(log: &'a Log<K, P>) -> Self {
        Batch {
            log,
            last: log.last,
            appends: Vec::new(),
        }
    }

    /// The tape before the batch.
    pub fn view(&self) -> View<'a, K, P> {
        View::new(self.log)
    }

    /// The id of the newest event, of the batch or, if that is empty, of the tape.
    pub fn position(&self) -> EventId {
        self.last
    }

    /// Adds an event, as [`crate::Tape::append`] does. It is on the tape once the batch is complete.
    pub fn append(
        &mut self,
        topics: impl Into<Vec<K>>,
        conflation_key: Option<&K>,
        payload: impl FnOnce(EventId) -> P,
    ) -> EventId {
        let id = self.log.next_id(self.last);
        let append = Append::new(id, topics.into(), conflation_key.cloned(), payload(id));
        self.last = id;
        self.appends.push(append);
        id
    }

    pub(crate) fn into_appends(self) -> Vec<Append<K, P>> {
        self.appends
    }
}

impl<K: Key, P: Payload> fmt::Debug for Batch<'_, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("position", &self.last)
            .field("len", &self.appends.len())
            .finish_non_exhaustive()
    }
}
