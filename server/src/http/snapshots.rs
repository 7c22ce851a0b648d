//! The snapshots that streams begin with, shared by all requests for the same selection within a short time: when all
//! clients come back at once, each selection costs one snapshot.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tape::EventId;
use tokio::time::Instant;

use crate::http::{market_view::TapeSnapshot, selection::Selection};

/// How old a sent snapshot may be. It is correct at its position, and the cursor continues from there, so that only the
/// number of events after it grows with this.
const FRESH: Duration = Duration::from_millis(250);

/// How many selections are cached.
const REMEMBERED: usize = 256;

/// A snapshot at a position.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Where a cursor continues.
    pub(crate) position: EventId,
    /// The snapshot as an event of a stream, with its position as its id.
    pub(crate) frame: Bytes,
    /// Its data alone.
    pub(crate) data: Bytes,
}

impl Taken {
    pub(crate) fn new(position: EventId, snapshot: &TapeSnapshot) -> Self {
        let frame = snapshot.frame(Some(&position));
        Taken {
            position,
            data: frame.data(),
            frame: frame.bytes(),
        }
    }
}

/// The recent snapshots.
#[derive(Debug, Default)]
pub struct Snapshots {
    // A std mutex, held for a look-up or an insertion, and never across an await. Two simultaneous requests for the
    // same few symbols may both take a snapshot.
    recent: Mutex<HashMap<(Selection, bool), (Instant, Taken)>>,
    /// Held while a snapshot of all symbols is taken, which takes some ten milliseconds for thousands of them: the
    /// other requests wait and share it.
    pub(crate) taking_all: Mutex<()>,
}

impl Snapshots {
    /// A recent one.
    pub(crate) fn recent(&self, key: &(Selection, bool)) -> Option<Taken> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, taken) = recent.get(key)?;
        (at.elapsed() < FRESH).then(|| taken.clone())
    }

    /// Caches one for a moment.
    pub(crate) fn remember(&self, key: (Selection, bool), taken: &Taken) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, (at, _)| now - *at < FRESH);
        if recent.len() < REMEMBERED {
            recent.insert(key, (now, taken.clone()));
        }
    }
}
