use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{EventId, Key, Payload, Stats, entry::Entry, log::Log};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Callers' code that may panic under the lock (a payload, a view) runs before any change, so the log is consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tape at one position.
pub struct View<'a, K, P> {
    log: &'a Log<K, P>,
}

impl<'a, K: Key, P: Payload> View<'a, K, P> {
    pub(crate) fn new(log: &'a Log<K, P>) -> Self {
        View { log }
    }

    /// The position: the id of the newest entry.
    pub fn position(&self) -> EventId {
        self.log.last
    }

    /// Counts of the tape's content and of what has happened on it.
    pub fn stats(&self) -> Stats {
        self.log.stats()
    }

    /// Whether the tape holds an entry of a topic.
    pub fn holds(&self, topic: &K) -> bool {
        let topic = self.log.find(topic);
        topic.is_some_and(|topic| !topic.retained.is_empty() || !topic.conflated.is_empty())
    }

    /// How many conflation keys have an entry.
    pub fn conflation_keys(&self) -> usize {
        self.log.conflation_keys()
    }

    /// The entry of a conflation key.
    pub fn newest(&self, key: &K) -> Option<(EventId, &'a P)> {
        self.log.newest(key).map(pair)
    }

    /// The conflated entries of a topic, oldest first.
    pub fn conflated(
        &self,
        topic: &K,
    ) -> impl DoubleEndedIterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.conflated.values());
        entries.into_iter().flatten().map(|entry| pair(entry))
    }

    /// The conflated entries of a topic that are newer than `after`, oldest first.
    pub fn conflated_after(
        &self,
        topic: &K,
        after: EventId,
    ) -> impl Iterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.conflated.range((Excluded(after), Unbounded)));
        entries.into_iter().flatten().map(|(_, entry)| pair(entry))
    }

    /// The retained entries of a topic that are in the window and older than `before`, newest first. They are found
    /// without reading the others.
    pub fn retained_before(
        &self,
        topic: &K,
        before: EventId,
    ) -> impl Iterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| {
            let older = topic.retained.partition_point(|entry| entry.id < before);
            topic.retained.range(..older).rev()
        });
        entries.into_iter().flatten().map(|entry| pair(entry))
    }

    /// The retained entries of a topic that are in the window, newest first.
    pub fn retained(
        &self,
        topic: &K,
    ) -> impl DoubleEndedIterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.retained.iter().rev());
        entries.into_iter().flatten().map(|entry| pair(entry))
    }
}

fn pair<P>(entry: &Entry<P>) -> (EventId, &P) {
    (entry.id, &entry.payload)
}
