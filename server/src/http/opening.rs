//! Opening a cursor with the snapshot that it continues from.

use std::sync::PoisonError;

use events::Cursor;
use web::work::in_place;

use crate::http::{
    market_view,
    selection::{Selection, Symbols},
    service::Service,
    snapshots::Taken,
};

/// A cursor of a selection, and the snapshot that it continues from. `reset` marks in it that the requested position is
/// not on the tape.
pub(crate) fn open(service: &Service, selection: &Selection, reset: bool) -> (Cursor, Taken) {
    let key = (selection.of_snapshot(), reset);
    if let Some(opened) = shared(service, selection, &key) {
        return opened;
    }
    if selection.symbols != Symbols::All {
        return take(service, selection, key);
    }
    in_place(|| {
        let _taking = service
            .snapshots
            .taking_all
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match shared(service, selection, &key) {
            Some(opened) => opened,
            None => take(service, selection, key),
        }
    })
}

/// A cursor that continues from a recent snapshot, if there is one.
fn shared(
    service: &Service,
    selection: &Selection,
    key: &(Selection, bool),
) -> Option<(Cursor, Taken)> {
    let taken = service.snapshots.recent(key)?;
    let topics = selection.topics();
    let mut cursor = service.tape.resume(&topics, taken.position, None).ok()?;
    cursor.set_min_interval(selection.min_interval);
    Some((cursor, taken))
}

fn take(service: &Service, selection: &Selection, key: (Selection, bool)) -> (Cursor, Taken) {
    service.metrics.snapshot();
    let (feeds, now) = (service.feed_statuses(), service.now());
    let topics = selection.topics();
    // The cursor first: it reads events that are appended while the snapshot is taken.
    let (mut cursor, position) = service.tape.open(&topics, |view| view.position());
    cursor.set_min_interval(selection.min_interval);
    let (selected, reset) = &key;
    let snapshot = market_view::snapshot(
        &service.tape,
        &service.remembered,
        selected,
        position,
        feeds,
        now,
        *reset,
    );
    let taken = Taken::new(position, &snapshot);
    service.snapshots.remember(key, &taken);
    (cursor, taken)
}
