use serde::{Deserialize, Serialize};

use crate::{Millis, Price, Symbol, number, text};

/// The state of a symbol that changes more slowly than a quote: names, the day's references, the state of trading. Its
/// texts are cleaned like those of [`News`](crate::News).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Session {
    /// The symbol.
    pub symbol: Symbol,
    /// Its name, `Alphabet Inc.`.
    #[serde(deserialize_with = "text::read")]
    pub name: String,
    /// The currency of its prices, ISO 4217 or the venue's own code, `USD`, `USDT`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub currency: Option<String>,
    /// Where it is traded.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub venue: Option<String>,
    /// The primary feed.
    #[serde(deserialize_with = "text::read")]
    pub source: String,
    /// What kind of data the feed gives.
    pub quality: Quality,
    /// The state of trading.
    pub state: TradingState,
    /// The venue's code of a halt, `T1`, `LUDP`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub halt_code: Option<String>,
    /// The current or next regular session, if the venue's calendar is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<RegularHours>,
    /// The session's first price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Price>,
    /// The close of the previous session, the base of the day's change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_close: Option<Price>,
    /// The smallest step of a price; prices are shown with as many digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<Price>,
}

/// The hours of a regular session, in milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RegularHours {
    /// When it opens.
    #[serde(deserialize_with = "number::read")]
    pub open: Millis,
    /// When it closes.
    #[serde(deserialize_with = "number::read")]
    pub close: Millis,
}

/// What kind of data a feed gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// In real time.
    Live,
    /// Some minutes late.
    Delayed,
    /// Simulated.
    Simulated,
    /// A replayed recording.
    Replay,
}

/// The state of trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TradingState {
    /// Before the regular session.
    Pre,
    /// The regular session.
    Open,
    /// After the regular session.
    Post,
    /// No session.
    Closed,
    /// Stopped by the venue.
    Halted,
}
