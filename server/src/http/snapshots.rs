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

use crate::http::{
    Service, market_view,
    selection::{Selection, Symbols},
    work::in_place,
};
use events::Cursor;

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
    // same few symbols at the same instant may both take it.
    recent: Mutex<HashMap<(Selection, bool), (Instant, Taken)>>,
    /// Held while one of all symbols is taken, which takes some ten milliseconds of thousands of them: the
    /// others wait and share it.
    taking_all: Mutex<()>,
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
        let key = (selection.of_snapshot(), reset);
        if let Some(opened) = self.shared(service, selection, &key) {
            return opened;
        }
        if selection.symbols != Symbols::All {
            return self.take(service, selection, key);
        }
        in_place(|| {
            let _taking = self
                .taking_all
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            match self.shared(service, selection, &key) {
                Some(opened) => opened,
                None => self.take(service, selection, key),
            }
        })
    }

    /// A cursor that goes on from a snapshot of the last moment, where there is one.
    fn shared(
        &self,
        service: &Service,
        selection: &Selection,
        key: &(Selection, bool),
    ) -> Option<(Cursor, Taken)> {
        let taken = self.recent(key)?;
        let topics = selection.topics();
        let mut cursor = service.tape.resume(&topics, taken.position, None).ok()?;
        cursor.set_min_interval(selection.min_interval);
        Some((cursor, taken))
    }

    fn take(
        &self,
        service: &Service,
        selection: &Selection,
        key: (Selection, bool),
    ) -> (Cursor, Taken) {
        service.metrics.snapshot();
        let (feeds, now) = (service.feed_statuses(), service.now());
        let topics = selection.topics();
        // The cursor first: what comes while the snapshot is taken, it reads.
        let (mut cursor, position) = service.tape.open(&topics, |view| view.position());
        cursor.set_min_interval(selection.min_interval);
        let (shared, reset) = &key;
        let snapshot = market_view::snapshot(
            &service.tape,
            &service.remembered,
            shared,
            position,
            feeds,
            now,
            *reset,
        );
        let taken = Taken::new(position, snapshot);
        self.remember(key, &taken);
        (cursor, taken)
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
