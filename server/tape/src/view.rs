use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    EventId, Key, Payload, Stats,
    log::{Entry, Log},
};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Callers' code that may panic under the lock (a payload, a view) runs before anything is
    // changed, so the log is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tape as it is at one position.
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

    /// What the tape holds and what has happened on it.
    pub fn stats(&self) -> Stats {
        self.log.stats()
    }

    /// Whether the tape holds an entry of a topic.
    pub fn holds(&self, topic: &K) -> bool {
        let topic = self.log.find(topic);
        topic.is_some_and(|topic| !topic.kept.is_empty() || !topic.merging.is_empty())
    }

    /// How many merge keys have an entry.
    pub fn merge_keys(&self) -> usize {
        self.log.merge_keys()
    }

    /// The entry of a merge key.
    pub fn merged(&self, key: &K) -> Option<(EventId, &'a P)> {
        self.log.merged(key).map(tell)
    }

    /// The merging entries of a topic, oldest first.
    pub fn merging(
        &self,
        topic: &K,
    ) -> impl DoubleEndedIterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.merging.values());
        entries.into_iter().flatten().map(|entry| tell(entry))
    }

    /// The merging entries of a topic that are newer than `after`, oldest first: what has changed since.
    pub fn merging_after(
        &self,
        topic: &K,
        after: EventId,
    ) -> impl Iterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.merging.range((Excluded(after), Unbounded)));
        entries.into_iter().flatten().map(|(_, entry)| tell(entry))
    }

    /// The kept entries of a topic that are in the window and older than `before`, newest first. It is
    /// found without looking at the others.
    pub fn kept_before(
        &self,
        topic: &K,
        before: EventId,
    ) -> impl Iterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| {
            let older = topic.kept.partition_point(|entry| entry.id < before);
            topic.kept.range(..older).rev()
        });
        entries.into_iter().flatten().map(|entry| tell(entry))
    }

    /// The kept entries of a topic that are in the window, newest first.
    pub fn kept(
        &self,
        topic: &K,
    ) -> impl DoubleEndedIterator<Item = (EventId, &'a P)> + use<'a, K, P> {
        let topic = self.log.find(topic);
        let entries = topic.map(|topic| topic.kept.iter().rev());
        entries.into_iter().flatten().map(|entry| tell(entry))
    }
}

fn tell<P>(entry: &Entry<P>) -> (EventId, &P) {
    (entry.id, &entry.payload)
}
