use std::sync::Arc;

use market::{Encoded, Event, Frame};
use tape::{EventId, Payload};

use crate::{Batch, Topic};

/// What stands on the tape: an event, encoded once for every subscriber. Cloning shares both.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The event as the stream sends it, with its id.
    pub frame: Frame,
    /// The event itself, for snapshots and for answers that are no stream.
    pub event: Arc<Event>,
}

impl Entry {
    /// Encodes an event under its id.
    pub fn new(id: EventId, event: Event) -> Self {
        Entry {
            frame: Frame::new(Some(&id), &event),
            event: Arc::new(event),
        }
    }
}

/// An event that is ready for the tape. All that costs time is done before the tape is locked.
#[derive(Debug, Clone)]
pub struct Draft {
    event: Arc<Event>,
    encoded: Encoded,
    topics: Vec<Topic>,
}

impl Draft {
    /// Encodes an event but for its id.
    pub fn new(event: Event) -> Self {
        Draft {
            encoded: Encoded::new(&event),
            topics: Topic::of(&event),
            event: Arc::new(event),
        }
    }

    /// What is to be appended.
    pub fn event(&self) -> &Arc<Event> {
        &self.event
    }

    /// Appends it to what goes on the tape together.
    pub fn append(self, batch: &mut Batch<'_>) -> EventId {
        let Draft {
            event,
            encoded,
            topics,
        } = self;
        let merge = Topic::merge(&event);
        batch.append(topics, merge.as_ref(), |id| Entry {
            frame: encoded.frame(Some(&id)),
            event,
        })
    }
}

impl Payload for Entry {
    fn weight(&self) -> usize {
        // The event holds about the same text again, next to its own fixed size.
        2 * self.frame.len() + size_of::<Event>()
    }
}
