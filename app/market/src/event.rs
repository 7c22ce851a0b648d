use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Bar, Millis, News, Quote, Session, Snapshot, number};

/// Everything that a stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A trade or a new best price. It has no event name on the wire.
    Quote(Quote),
    /// Something slower changed.
    Session(Session),
    /// A one-minute bar closed.
    Bar(Bar),
    /// A story, filing, halt …
    News(News),
    /// The state as of a position; what a stream opens with.
    Snapshot(Snapshot),
    /// Nothing else was said for a while.
    Heartbeat(Heartbeat),
}

/// Nothing else was said for a while.
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
    /// The name is none of ours. A reader skips such an event, so that new ones can be added.
    UnknownEvent(String),
    /// The data is not what the name promises.
    Data {
        /// The event's name.
        name: &'static str,
        /// What is wrong with it, in the words of its parser.
        error: String,
    },
}

impl DecodeError {
    fn data(name: &'static str, error: impl fmt::Display) -> Self {
        DecodeError::Data {
            name,
            error: error.to_string(),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::UnknownEvent(name) => write!(
                f,
                "{name:?} is not an event: expected message, session, bar, news, snapshot or heartbeat"
            ),
            DecodeError::Data { name, error } => write!(f, "the data of a {name} event: {error}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Event {
    /// The name that an `EventSource` hears: `message` for a quote.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Quote(_) => "message",
            Event::Session(_) => "session",
            Event::Bar(_) => "bar",
            Event::News(_) => "news",
            Event::Snapshot(_) => "snapshot",
            Event::Heartbeat(_) => "heartbeat",
        }
    }

    /// The event's data as JSON, on one line.
    pub fn data(&self) -> String {
        let json = match self {
            Event::Quote(quote) => serde_json::to_string(quote),
            Event::Session(session) => serde_json::to_string(session),
            Event::Bar(bar) => serde_json::to_string(bar),
            Event::News(news) => serde_json::to_string(news),
            Event::Snapshot(snapshot) => serde_json::to_string(snapshot),
            Event::Heartbeat(heartbeat) => serde_json::to_string(heartbeat),
        };
        // No type here has a map with keys that are not text, which is all that could fail.
        json.unwrap_or_default()
    }

    /// The event of a name and its data, as an `EventSource` hands them out. An empty name is a
    /// `message`, as in the [HTML standard](https://html.spec.whatwg.org/multipage/server-sent-events.html).
    ///
    /// # Errors
    /// When the name is none of ours or the data is not what the name promises.
    pub fn decode(name: &str, data: &str) -> Result<Event, DecodeError> {
        let mut json = serde_json::Deserializer::from_str(data);
        let event = Event::read(name, &mut json)?;
        // Nothing but white space may follow.
        match json.end() {
            Ok(()) => Ok(event),
            Err(error) => Err(DecodeError::data(event.name(), error)),
        }
    }

    /// As [`Event::decode`], of data in any form that serde reads: a browser has a parser of JSON
    /// already, and need not be sent another.
    ///
    /// # Errors
    /// As [`Event::decode`].
    pub fn read<'de, D: Deserializer<'de>>(name: &str, data: D) -> Result<Event, DecodeError> {
        fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
            name: &'static str,
            data: D,
            event: fn(T) -> Event,
        ) -> Result<Event, DecodeError> {
            T::deserialize(data)
                .map(event)
                .map_err(|error| DecodeError::data(name, error))
        }
        match name {
            "" | "message" => read("message", data, Event::Quote),
            "session" => read("session", data, Event::Session),
            "bar" => read("bar", data, Event::Bar),
            "news" => read("news", data, Event::News),
            "snapshot" => read("snapshot", data, Event::Snapshot),
            "heartbeat" => read("heartbeat", data, Event::Heartbeat),
            other => Err(DecodeError::UnknownEvent(other.chars().take(64).collect())),
        }
    }
}
