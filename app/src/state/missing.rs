use market::{Interval, Millis, Symbol};

use crate::state::range::Range;

/// Bars that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Of what.
    pub(crate) symbol: Symbol,
    /// For a chart of this range.
    pub(crate) range: Range,
    /// How long they are.
    pub(crate) interval: Interval,
    /// How many at the most.
    pub(crate) limit: u64,
    /// Those that begin before this moment, where those from then on are known.
    pub(crate) before: Option<Millis>,
    /// The [`MarketState::run`](crate::state::market::MarketState::run) that they have to be of.
    pub(crate) run: u32,
}

impl Missing {
    /// The newest bars that a range is drawn from.
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
