//! The snapshots that streams open with, taken once for all who ask for the same at about the same
//! time: a whole audience that comes back at once costs one snapshot for each selection.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use market::{Event, Frame, Snapshot};
use tape::EventId;
use tokio::time::Instant;

use super::{Service, market_view, selection::Selection};
use crate::Cursor;

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
    fn new(position: EventId, snapshot: Snapshot) -> Self {
        let frame = Frame::new(Some(&position), &Event::Snapshot(snapshot));
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
    // same at the same instant may both take it.
    recent: Mutex<HashMap<(Selection, bool), (Instant, Taken)>>,
}

impl Snapshots {
    /// A cursor of a selection, and the snapshot that it goes on from. `reset` says in it that the
    /// position that was asked for is not on the tape.
    pub(crate) fn open(
        &self,
        service: &Service,
        selection: &Selection,
        reset: bool,
    ) -> (Cursor, Taken) {
        let topics = selection.topics();
        let key = (selection.of_snapshot(), reset);
        if let Some(taken) = self.recent(&key)
            && let Ok(mut cursor) = service.tape.resume(&topics, taken.position, None)
        {
            cursor.set_min_interval(selection.min_interval);
            return (cursor, taken);
        }
        service.metrics.snapshot();
        let feeds = service.feed_statuses();
        let now = service.now();
        let (mut cursor, (position, snapshot)) = service.tape.open(&topics, |view| {
            let position = view.position();
            let snapshot = market_view::snapshot(view, selection, position, feeds, now, reset);
            (position, snapshot)
        });
        cursor.set_min_interval(selection.min_interval);
        let taken = Taken::new(position, snapshot);
        self.remember(key, &taken);
        (cursor, taken)
    }

    /// Puts a cursor that fell off the tape to the tape's end, with what is to be said of that.
    pub(crate) fn restart(
        &self,
        service: &Service,
        selection: &Selection,
        cursor: &mut Cursor,
    ) -> Taken {
        service.metrics.snapshot();
        let feeds = service.feed_statuses();
        let now = service.now();
        let snapshot = cursor.restart(|view| {
            market_view::snapshot(view, selection, view.position(), feeds, now, true)
        });
        Taken::new(cursor.position(), snapshot)
    }

    fn recent(&self, key: &(Selection, bool)) -> Option<Taken> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, taken) = recent.get(key)?;
        (at.elapsed() < FRESH).then(|| taken.clone())
    }

    fn remember(&self, key: (Selection, bool), taken: &Taken) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|_, (at, _)| now - *at < FRESH);
        if recent.len() < REMEMBERED {
            recent.insert(key, (now, taken.clone()));
        }
    }
}
