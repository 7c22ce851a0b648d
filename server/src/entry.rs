use std::sync::Arc;

use market::{Event, Frame};

/// What stands on the tape: the event, and the bytes that all subscribers share.
///
/// Both are kept because a stream sends bytes while a snapshot, the page and a poll need the
/// event; to decode what was encoded a moment ago would cost each of them more than it saves.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The event as a stream sends it.
    pub frame: Frame,
    /// The event.
    pub event: Arc<Event>,
}

impl Entry {
    /// Encodes an event with its id.
    pub fn new(id: tape::EventId, event: Event) -> Self {
        Entry {
            frame: Frame::new(Some(&id), &event),
            event: Arc::new(event),
        }
    }
}

impl tape::Payload for Entry {
    fn weight(&self) -> usize {
        // The event's own fields are about as large as their JSON.
        2 * self.frame.len()
    }
}
