use serde::{Deserialize, Serialize};

use crate::{FeedStatus, Millis, News, Price, Quote, Session, Symbol, number};

/// Everything that is needed to draw the page, at one position on the tape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// The server's time.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    #[serde(deserialize_with = "number::read")]
    pub time: Millis,
    /// Whether the id to resume after is not on the tape, so that events in between are lost.
    pub reset: bool,
    /// The newest quote of each symbol, ordered by symbol.
    pub quotes: Vec<Quote>,
    /// The session of each symbol, ordered by symbol.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// The newest closes of each symbol, for sparklines.
    #[serde(default)]
    pub closes: Vec<Closes>,
    /// The newest stories, newest first.
    pub news: Vec<News>,
    /// The states of the feeds.
    pub feeds: Vec<FeedStatus>,
    /// The requested symbols that no feed has published yet. The stream carries them from their first event on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schema(required = false))]
    pub unknown: Vec<Symbol>,
}

/// The closes of a symbol's newest one-minute bars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Closes {
    /// The symbol.
    pub symbol: Symbol,
    /// The closes, oldest first.
    pub prices: Vec<Price>,
}
