//! The snapshots that streams open with, taken once for all who ask for the same at about the same
//! time: a whole audience that comes back at once costs one snapshot for each selection.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tape::EventId;
use tokio::time::Instant;

use crate::http::{market_view::TapeSnapshot, selection::Selection};

/// How old a snapshot may be that is sent. It is true as of its position, and the cursor goes on
/// from there, so that only the number of events after it grows with this.
const FRESH: Duration = Duration::from_millis(250);

/// How many selections are remembered.
const REMEMBERED: usize = 256;

/// A snapshot as of a position.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Where a cursor goes on.
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

/// The snapshots of the last moment.
#[derive(Debug, Default)]
pub struct Snapshots {
    // A std mutex, held for a look or an insertion, and never across an await. Two who ask for the
    // same few symbols at the same instant may both take it.
    recent: Mutex<HashMap<(Selection, bool), (Instant, Taken)>>,
    /// Held while one of all symbols is taken, which takes some ten milliseconds of thousands of them: the
    /// others wait and share it.
    pub(crate) taking_all: Mutex<()>,
}

impl Snapshots {
    /// One of the last moment.
    pub(crate) fn recent(&self, key: &(Selection, bool)) -> Option<Taken> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, taken) = recent.get(key)?;
        (at.elapsed() < FRESH).then(|| taken.clone())
    }

    /// Keeps one for a moment.
    pub(crate) fn remember(&self, key: (Selection, bool), taken: &Taken) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, (at, _)| now - *at < FRESH);
        if recent.len() < REMEMBERED {
            recent.insert(key, (now, taken.clone()));
        }
    }
}
