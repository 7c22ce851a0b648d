use std::{
    collections::{BTreeMap, VecDeque},
    hash::Hash,
    sync::Arc,
    task::Waker,
};

use crate::{EventId, waiting::Waits};

/// Topics and conflation keys: any type with these traits.
pub trait Key: Clone + Eq + Hash {}

impl<T: Clone + Eq + Hash> Key for T {}

/// The payload of an entry. A clone is made for every delivery and must be cheap: shared bytes.
pub trait Payload: Clone {
    /// The size in bytes, which counts against [`Limits::bytes`] and against the limit of one read.
    fn weight(&self) -> usize;
}

/// One event on the tape, shared by the indexes of all its topics.
pub(crate) struct Entry<P> {
    pub(crate) id: EventId,
    pub(crate) payload: P,
    pub(crate) weight: usize,
    pub(crate) is_conflated: bool,
    /// Its topics, as keys of [`Log::topics`].
    pub(crate) topics: Vec<usize>,
}

/// The entries of one topic, so that a read costs what it delivers and not what was appended.
pub(crate) struct Topic<K, P> {
    pub(crate) key: K,
    /// A tree, because an entry is removed from anywhere when the next one of its key is appended.
    pub(crate) conflated: BTreeMap<EventId, Arc<Entry<P>>>,
    /// Removed at the front only, as the window moves.
    pub(crate) retained: VecDeque<Arc<Entry<P>>>,
    /// The newest retained entry that left the window: a cursor before it has missed one.
    pub(crate) evicted: EventId,
    /// How many cursors have the topic; it must outlive them, for `evicted` to be exact.
    pub(crate) cursors: usize,
    pub(crate) waiting: Waits,
}

impl<K, P> Topic<K, P> {
    pub(crate) fn newest_retained(&self) -> Option<EventId> {
        self.retained.back().map(|entry| entry.id)
    }

    pub(crate) fn newest_conflated(&self) -> Option<EventId> {
        self.conflated.last_key_value().map(|(id, _)| *id)
    }
}

/// Work to do after the lock is released. Waking and dropping run the callers' code, which may use the tape.
pub(crate) struct Aftermath<P> {
    pub(crate) wakers: Vec<Waker>,
    pub(crate) dropped: Vec<Arc<Entry<P>>>,
}

impl<P> Aftermath<P> {
    pub(crate) const fn new() -> Self {
        Aftermath {
            wakers: Vec::new(),
            dropped: Vec::new(),
        }
    }

    pub(crate) fn run(self) {
        for waker in self.wakers {
            waker.wake();
        }
    }
}

/// An event that is ready to be appended.
pub(crate) struct Append<K, P> {
    pub(crate) id: EventId,
    pub(crate) topics: Vec<K>,
    pub(crate) conflation_key: Option<K>,
    pub(crate) payload: P,
    pub(crate) weight: usize,
}

impl<K: Key, P: Payload> Append<K, P> {
    pub(crate) fn new(id: EventId, topics: Vec<K>, conflation_key: Option<K>, payload: P) -> Self {
        Append {
            id,
            topics,
            conflation_key,
            weight: payload.weight(),
            payload,
        }
    }

    /// Its id and payload, unless it is conflated.
    pub(crate) fn retained(&self) -> Option<(EventId, &P)> {
        self.conflation_key
            .is_none()
            .then_some((self.id, &self.payload))
    }
}

/// The cursors that a scheduler wakes instead of the append.
#[derive(Default)]
pub(crate) struct Scheduling {
    /// The number of schedulers; without one, every append wakes cursors itself.
    pub(crate) schedulers: usize,
    pub(crate) wakers: VecDeque<Waker>,
    /// Woken when a cursor is due.
    pub(crate) due: Vec<Waker>,
}
