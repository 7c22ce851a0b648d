use serde::{Deserialize, Serialize};

use crate::{Millis, Price, Size, Symbol, number};

/// The whole state of one symbol at one moment, so that a skipped quote loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Quote {
    /// The symbol.
    pub symbol: Symbol,
    /// The exchange's time of the newest change, or the time of receipt if the source gives none.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    #[serde(deserialize_with = "number::read")]
    pub time: Millis,
    /// The time of the trade that gave [`Quote::price`]: the exchange's, or the time of receipt if the source gives none. It
    /// is older than [`Quote::time`] if only the best prices have changed since.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "number::read_some"
    )]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u64>))]
    pub traded: Option<Millis>,
    /// The price of the last trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The size of the last trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// The best bid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid: Option<Price>,
    /// The size at [`Quote::bid`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bid_size: Option<Size>,
    /// The best ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Price>,
    /// The size at [`Quote::ask`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_size: Option<Size>,
    /// The volume of the session, or since the feed connected if the source does not give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Size>,
    /// The highest price of the span of [`Quote::volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Price>,
    /// The lowest price of the span of [`Quote::volume`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<Price>,
    /// Only if no feed quotes the symbol: the day of which [`Quote::price`] is the close, `2026-11-23`. The last close
    /// in the archive then takes the place of a quote. A published quote never has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(format = Date))]
    pub close_of: Option<String>,
}

impl Quote {
    /// A quote without any data yet.
    pub const fn new(symbol: Symbol, time: Millis) -> Self {
        Quote {
            symbol,
            time,
            traded: None,
            price: None,
            size: None,
            bid: None,
            bid_size: None,
            ask: None,
            ask_size: None,
            volume: None,
            high: None,
            low: None,
            close_of: None,
        }
    }
}
