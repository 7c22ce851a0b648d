use serde::{Deserialize, Serialize};

use crate::{Millis, Price, Size, Symbol, number};

/// The trades of one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Bar {
    /// What was traded.
    pub symbol: Symbol,
    /// The minute's first millisecond; it ends 60,000 later.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    #[serde(deserialize_with = "number::read")]
    pub start: Millis,
    /// The first price.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The last price.
    pub close: Price,
    /// The sum of the sizes.
    pub volume: Size,
    /// The average price weighted by size. Absent if no size was traded, or if part of the turnover is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vwap: Option<Price>,
    /// The number of trades.
    #[serde(deserialize_with = "number::read")]
    pub trades: u64,
}

impl Bar {
    /// The length of a bar in milliseconds.
    pub const INTERVAL: Millis = 60_000;
}
