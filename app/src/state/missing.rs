use market::{Interval, Millis, Symbol};

use crate::state::range::Range;

/// Bars that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Their symbol.
    pub(crate) symbol: Symbol,
    /// The range of the chart that needs them.
    pub(crate) range: Range,
    /// Their interval.
    pub(crate) interval: Interval,
    /// How many there are at the most.
    pub(crate) limit: u64,
    /// Only bars that begin before this moment; `None` for the newest.
    pub(crate) before: Option<Millis>,
    /// The [`MarketState::run`](crate::state::market::MarketState::run) in which they are requested.
    pub(crate) run: u32,
}

impl Missing {
    /// The newest bars of a range.
    pub(crate) const fn of_range(symbol: Symbol, range: Range, archived: bool, run: u32) -> Self {
        Missing {
            symbol,
            range,
            interval: range.interval(archived),
            limit: range.bars(archived),
            before: None,
            run,
        }
    }
}
