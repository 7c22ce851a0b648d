use rust_decimal::Decimal;

use crate::{Bar, Millis, Price, Size, Symbol, Trade};

/// The sums of the trades of a span of time: everything that a bar is rendered from. They are exact, so that the sums
/// of the parts of a span are the sums of the span.
///
/// - The open and the close are the first and the last price of the trades that move the last price, ordered by time,
///   and at the same time by arrival. If there are none, trades that move the range stand in, as a report out of
///   sequence is the last sale if there is no other.
/// - The high and the low are those of the trades that move the range, and never inside of the open and the close.
/// - Volume, turnover and number are those of the trades that move the volume. A span may have a volume and no price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// The first price.
    pub open: Option<Price>,
    /// The highest price of the trades that move the range.
    pub high: Option<Price>,
    /// The lowest price of the trades that move the range.
    pub low: Option<Price>,
    /// The last price.
    pub close: Option<Price>,
    /// Whether open and close are from trades that move the last price. Otherwise they are from trades that move the
    /// range, and stand in until one moves the last price.
    pub firm: bool,
    /// The sum of the sizes.
    pub volume: Size,
    /// The sum of price times size; `None` if it is unknown for any part of the volume, or does not fit.
    pub turnover: Option<Decimal>,
    /// The number of trades.
    pub trades: u64,
}

impl Default for Sums {
    fn default() -> Self {
        Sums::ZERO
    }
}

impl Sums {
    /// The sums of no trades.
    pub const ZERO: Sums = Sums {
        open: None,
        high: None,
        low: None,
        close: None,
        firm: false,
        volume: Size::ZERO,
        turnover: Some(Decimal::ZERO),
        trades: 0,
    };

    /// The sums of a whole bar. Its turnover is its average price times its volume, and unknown if it has no average
    /// price.
    pub fn of_bar(bar: &Bar) -> Self {
        let turnover = if bar.volume == Size::ZERO {
            Some(Decimal::ZERO)
        } else {
            bar.vwap
                .and_then(|vwap| vwap.decimal().checked_mul(bar.volume.decimal()))
        };
        Sums {
            open: Some(bar.open),
            high: Some(bar.high),
            low: Some(bar.low),
            close: Some(bar.close),
            firm: true,
            volume: bar.volume,
            turnover,
            trades: bar.trades,
        }
    }

    /// Whether no trade is in the sums.
    pub fn is_zero(&self) -> bool {
        *self == Sums::ZERO
    }

    /// The bar of the span that begins at `start`; `None` if no trade has moved a price.
    pub fn bar(&self, symbol: Symbol, start: Millis) -> Option<Bar> {
        let (open, close) = (self.open?, self.close?);
        let high = self.high.map_or(open, |high| higher(high, open));
        let low = self.low.map_or(open, |low| lower(low, open));
        let (high, low) = (higher(high, close), lower(low, close));
        let vwap = vwap(self.turnover, self.volume, [open, high, low, close]);
        Some(Bar {
            symbol,
            start,
            open,
            high,
            low,
            close,
            volume: self.volume,
            vwap,
            trades: self.trades,
        })
    }

    fn add_range(&mut self, high: Option<Price>, low: Option<Price>) {
        self.high = either(self.high, high, higher);
        self.low = either(self.low, low, lower);
    }

    fn add_volume(&mut self, volume: Size, turnover: Option<Decimal>, trades: u64) {
        self.trades = self.trades.saturating_add(trades);
        match self.volume.checked_add(volume) {
            Some(sum) => {
                self.volume = sum;
                self.turnover = self
                    .turnover
                    .and_then(|turnover_before| turnover_before.checked_add(turnover?));
            }
            // The sum is unchanged, and no longer corresponds to the turnover.
            None => self.turnover = None,
        }
    }
}

/// Adds up trades, or the sums of the parts of a span: the only place that does. The order in which they are added
/// makes no difference, except among trades of the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    sums: Sums,
    /// The times of the open and of the close.
    opened: Millis,
    closed: Millis,
}

impl Roll {
    /// Sums of no trades.
    pub const fn new() -> Self {
        Roll {
            sums: Sums::ZERO,
            opened: 0,
            closed: 0,
        }
    }

    /// Adds a trade with this exchange time. The caller decides whether the trade belongs to the span.
    pub fn add(&mut self, time: Millis, trade: &Trade) {
        let price = Some(trade.price);
        if trade.moves.last || trade.moves.range {
            self.add_ends(time, price, price, trade.moves.last);
        }
        if trade.moves.range {
            self.sums.add_range(price, price);
        }
        if !trade.moves.volume {
            return;
        }
        match trade.size {
            Some(size) => {
                let paid = trade.price.decimal().checked_mul(size.decimal());
                self.sums.add_volume(size, paid, 1);
            }
            None => self.sums.trades = self.sums.trades.saturating_add(1),
        }
    }

    /// Adds the sums of a part of the span that begins at `start`. Parts do not overlap.
    pub fn add_part(&mut self, start: Millis, part: &Sums) {
        self.add_ends(start, part.open, part.close, part.firm);
        self.sums.add_range(part.high, part.low);
        self.sums
            .add_volume(part.volume, part.turnover, part.trades);
    }

    fn add_ends(&mut self, time: Millis, open: Option<Price>, close: Option<Price>, firm: bool) {
        let (Some(open), Some(close)) = (open, close) else {
            return;
        };
        let sums = &mut self.sums;
        if sums.firm && !firm {
            return;
        }
        let is_first = firm && !sums.firm || sums.open.is_none();
        sums.firm = firm;
        if is_first || time < self.opened {
            (sums.open, self.opened) = (Some(open), time);
        }
        if is_first || time >= self.closed {
            (sums.close, self.closed) = (Some(close), time);
        }
    }

    /// The sums so far.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// The same, by value.
    pub fn into_sums(self) -> Sums {
        self.sums
    }

    /// The bar; `None` if no trade has moved a price.
    pub fn bar(&self, symbol: Symbol, start: Millis) -> Option<Bar> {
        self.sums.bar(symbol, start)
    }
}

/// A closed minute, with or without a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// The symbol.
    pub symbol: Symbol,
    /// The minute's first millisecond.
    pub start: Millis,
    /// The sums of its trades.
    pub sums: Sums,
}

impl Minute {
    /// Its bar; `None` if no trade has moved a price.
    pub fn bar(&self) -> Option<Bar> {
        self.sums.bar(self.symbol, self.start)
    }
}

/// The average price of a volume with this `turnover`, for trades at prices of this precision; `None` if either is
/// unknown. It has two more digits than the prices, and beyond eight digits no more than they have.
fn vwap(turnover: Option<Decimal>, volume: Size, prices: [Price; 4]) -> Option<Price> {
    // Two more digits than the prices are what an average adds; beyond eight they are noise.
    let scale = prices.map(Price::scale).into_iter().fold(0, u32::max);
    let digits = (scale + 2).min(8).max(scale);
    let average = turnover?.checked_div(volume.decimal())?;
    Some(Price::from(average).rounded(digits))
}

/// The higher one; of two equal ones that with more digits, so that the order makes no difference.
fn higher(one: Price, other: Price) -> Price {
    if (other, other.scale()) > (one, one.scale()) {
        other
    } else {
        one
    }
}

/// The lower one; of two equal ones that with more digits.
fn lower(one: Price, other: Price) -> Price {
    if other < one || other == one && other.scale() > one.scale() {
        other
    } else {
        one
    }
}

fn either(
    one: Option<Price>,
    other: Option<Price>,
    choose: fn(Price, Price) -> Price,
) -> Option<Price> {
    match (one, other) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    }
}

/// A sum that is left unchanged if it would no longer fit into 28 digits.
pub(crate) fn sum(sum: Size, size: Size) -> Size {
    sum.checked_add(size).unwrap_or(sum)
}

#[cfg(test)]
mod tests;
