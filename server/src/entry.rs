use std::{sync::Arc, time::Instant};

use market::{Event, Frame};
use tape::{EventId, Payload};

/// What stands on the tape: an event, encoded once for every subscriber. Cloning shares both.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The event as the stream sends it, with its id.
    pub frame: Frame,
    /// The event itself, for snapshots and for answers that are no stream.
    pub event: Arc<Event>,
    /// When it was appended: ids tell the time in milliseconds, and delays are shorter.
    pub appended: Instant,
}

impl Entry {
    /// Encodes an event under its id.
    pub fn new(id: EventId, event: Event) -> Self {
        Entry {
            frame: Frame::new(Some(&id), &event),
            event: Arc::new(event),
            appended: Instant::now(),
        }
    }
}

impl Payload for Entry {
    fn weight(&self) -> usize {
        // The event holds about the same text again, next to its own fixed size.
        2 * self.frame.len() + size_of::<Event>()
    }
}
