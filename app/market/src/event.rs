use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Bar, EventKind, Millis, News, Quote, Session, Snapshot, number,
    wire::{Topics, one_of},
};

/// Every event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A trade or a new best price.
    Quote(Quote),
    /// State that changes more slowly than a price.
    Session(Session),
    /// A closed one-minute bar.
    Bar(Bar),
    /// A story, filing, halt …
    News(News),
    /// The state at one position, with which a stream begins.
    Snapshot(Snapshot),
    /// A heartbeat, after a while without other events.
    Heartbeat(Heartbeat),
}

/// A heartbeat, after a while without other events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The server's time.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    #[serde(deserialize_with = "number::read")]
    pub time: Millis,
}

/// Why bytes are not an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// No kind has this name. A reader skips such an event, so that kinds can be added.
    UnknownEvent(String),
    /// The data does not fit its kind.
    Data {
        /// The kind.
        kind: EventKind,
        /// The parser's message.
        error: String,
    },
}

impl DecodeError {
    fn data(kind: EventKind, error: impl fmt::Display) -> Self {
        DecodeError::Data {
            kind,
            error: error.to_string(),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::UnknownEvent(name) => {
                let names = EventKind::ALL.iter().map(|kind| kind.name());
                write!(f, "{name:?} is not an event: expected {}", one_of(names))
            }
            DecodeError::Data { kind, error } => {
                write!(f, "the data of a {} event: {error}", kind.name())
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl Event {
    /// Its kind.
    pub const fn kind(&self) -> EventKind {
        match self {
            Event::Quote(_) => EventKind::Quote,
            Event::Session(_) => EventKind::Session,
            Event::Bar(_) => EventKind::Bar,
            Event::News(_) => EventKind::News,
            Event::Snapshot(_) => EventKind::Snapshot,
            Event::Heartbeat(_) => EventKind::Heartbeat,
        }
    }

    /// The name of its kind.
    pub const fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Which subscribers receive it.
    pub fn topics(&self) -> Topics<'_> {
        match self {
            Event::Quote(quote) => Topics::Market(quote.symbol),
            Event::Session(session) => Topics::Market(session.symbol),
            Event::Bar(bar) => Topics::Market(bar.symbol),
            Event::News(news) => Topics::News(news),
            Event::Snapshot(_) | Event::Heartbeat(_) => Topics::Connection,
        }
    }

    /// The event's data as JSON, on one line.
    pub fn data(&self) -> String {
        match self {
            Event::Quote(quote) => json(quote),
            Event::Session(session) => json(session),
            Event::Bar(bar) => json(bar),
            Event::News(news) => json(news),
            Event::Snapshot(snapshot) => json(snapshot),
            Event::Heartbeat(heartbeat) => json(heartbeat),
        }
    }

    /// The event of a name and its data, as an `EventSource` dispatches them. An empty name is a
    /// `message`, as in the [HTML standard](https://html.spec.whatwg.org/multipage/server-sent-events.html).
    ///
    /// # Errors
    /// If no kind has this name, or the data does not fit it.
    pub fn decode(name: &str, data: &str) -> Result<Event, DecodeError> {
        let kind = match name {
            "" => EventKind::Quote,
            name => EventKind::named(name)
                .ok_or_else(|| DecodeError::UnknownEvent(name.chars().take(64).collect()))?,
        };
        let mut json = serde_json::Deserializer::from_str(data);
        let event = Event::read(kind, &mut json)?;
        // Nothing but white space may follow.
        match json.end() {
            Ok(()) => Ok(event),
            Err(error) => Err(DecodeError::data(kind, error)),
        }
    }

    /// Decodes an event of a kind from any form that serde reads: the page uses the browser's JSON parser and ships
    /// none.
    ///
    /// # Errors
    /// If the data does not fit the kind.
    pub fn read<'de, D: Deserializer<'de>>(kind: EventKind, data: D) -> Result<Event, DecodeError> {
        let event = match kind {
            EventKind::Quote => Deserialize::deserialize(data).map(Event::Quote),
            EventKind::Session => Deserialize::deserialize(data).map(Event::Session),
            EventKind::Bar => Deserialize::deserialize(data).map(Event::Bar),
            EventKind::News => Deserialize::deserialize(data).map(Event::News),
            EventKind::Snapshot => Deserialize::deserialize(data).map(Event::Snapshot),
            EventKind::Heartbeat => Deserialize::deserialize(data).map(Event::Heartbeat),
        };
        event.map_err(|error| DecodeError::data(kind, error))
    }
}

/// The data of an event as JSON. No event has a map with keys that are not text, which is all that could fail.
pub(crate) fn json<T: Serialize>(data: &T) -> String {
    serde_json::to_string(data).unwrap_or_default()
}
