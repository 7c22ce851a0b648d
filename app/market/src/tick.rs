use crate::{Millis, Price, Size, Symbol};

/// One message of a source about one symbol. What it leaves out is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// The symbol.
    pub symbol: Symbol,
    /// When it happened, by [`Tick::clock`].
    pub time: Millis,
    /// Which clock the time is from.
    pub clock: Clock,
    /// A trade.
    pub trade: Option<Trade>,
    /// The best bid.
    pub bid: Best,
    /// The best ask.
    pub ask: Best,
    /// The day's figures, if the source gives them.
    pub day: Day,
}

impl Tick {
    /// An empty tick.
    pub const fn new(symbol: Symbol, time: Millis, clock: Clock) -> Self {
        Tick {
            symbol,
            time,
            clock,
            trade: None,
            bid: Best::Unchanged,
            ask: Best::Unchanged,
            day: Day {
                volume: None,
                high: None,
                low: None,
                open: None,
                prev_close: None,
            },
        }
    }
}

/// The clock that a tick's time is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The exchange's clock: bars are cut by it.
    Exchange,
    /// The server's clock, because the source gave no time. It may run ahead of the exchange's, so it closes no bar.
    Receipt,
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// The price paid.
    pub price: Price,
    /// The number traded, if the source gives it.
    pub size: Option<Size>,
    /// The source's number of the trade, which identifies corrections, cancels and duplicates.
    pub id: Option<u64>,
    /// What it moves.
    pub moves: TradeEligibility,
}

impl Trade {
    /// A regular trade, which moves everything.
    pub const fn new(price: Price, size: Option<Size>) -> Self {
        Trade {
            price,
            size,
            id: None,
            moves: TradeEligibility::ALL,
        }
    }

    /// The same trade with the source's number.
    pub const fn with_id(self, id: u64) -> Self {
        Trade {
            id: Some(id),
            ..self
        }
    }
}

/// What a trade moves, by its conditions. The rules are those of the consolidated tape
/// ([CTA](https://www.ctaplan.com/publicdocs/ctaplan/CTS_Pillar_Output_Specification.pdf), sale conditions): a trade at
/// an average price or outside of the regular session counts for the volume only; a trade that is reported out of
/// sequence also moves the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeEligibility {
    /// The last price: a quote's price, a bar's open and close.
    pub last: bool,
    /// The highest and the lowest price.
    pub range: bool,
    /// The volume, and with it the average price and the number of trades.
    pub volume: bool,
}

impl TradeEligibility {
    /// Everything, as for a regular trade.
    pub const ALL: TradeEligibility = TradeEligibility {
        last: true,
        range: true,
        volume: true,
    };
}

/// The cancel or correction of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// The symbol.
    pub symbol: Symbol,
    /// When the source sent the correction, in its own time.
    pub time: Millis,
    /// The source's number of the trade, [`Trade::id`].
    pub trade: u64,
    /// The trade that replaces it, at the same time; `None` for a cancel.
    pub right: Option<Trade>,
}

/// One side's best price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Best {
    /// The message has nothing about this side.
    #[default]
    Unchanged,
    /// The side is empty.
    Empty,
    /// The best price of the side.
    At {
        /// The price.
        price: Price,
        /// The size, if the source gives it.
        size: Option<Size>,
    },
}

/// The day's figures as a source counts them. They hold until the next ones; trades that arrive without figures are
/// added on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Day {
    /// The volume.
    pub volume: Option<Size>,
    /// The highest price.
    pub high: Option<Price>,
    /// The lowest price.
    pub low: Option<Price>,
    /// The first price. It belongs in a [`crate::Session`], not in a quote.
    pub open: Option<Price>,
    /// The close of the previous day, or the price at the beginning of a rolling day. It belongs in a
    /// [`crate::Session`], not in a quote.
    pub prev_close: Option<Price>,
}
