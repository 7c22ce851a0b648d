use rust_decimal::Decimal;

use crate::{Bar, Millis, Price, Size, Symbol, Trade};

/// A bar in the making: trades rolled up one by one, as what they move says.
///
/// - The open and the close are the first and the last price of the trades that move the last
///   price, by their times, and those of the same time in the order in which they came. Where none
///   does, trades that move the range stand in, as a report out of sequence is the last sale where
///   there is no other.
/// - The high and the low are those of the trades that move the range, and never inside of the open
///   and the close.
/// - Volume, average price and number are those of the trades that move the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    last: Ends,
    range: Ends,
    volume: Size,
    /// Price times size, for the average; `None` once it no longer fits.
    turnover: Option<Decimal>,
    trades: u64,
}

/// The prices of some trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ends {
    first: Option<(Millis, Price)>,
    last: Option<(Millis, Price)>,
    high: Option<Price>,
    low: Option<Price>,
}

impl Ends {
    fn add(&mut self, time: Millis, price: Price) {
        if self.first.is_none_or(|(first, _)| time < first) {
            self.first = Some((time, price));
        }
        if self.last.is_none_or(|(last, _)| time >= last) {
            self.last = Some((time, price));
        }
        self.high = Some(self.high.map_or(price, |high| high.max(price)));
        self.low = Some(self.low.map_or(price, |low| low.min(price)));
    }
}

impl Default for Roll {
    fn default() -> Self {
        Self::new()
    }
}

impl Roll {
    /// A bar of no trades.
    pub const fn new() -> Self {
        const NOTHING: Ends = Ends {
            first: None,
            last: None,
            high: None,
            low: None,
        };
        Roll {
            last: NOTHING,
            range: NOTHING,
            volume: Size::ZERO,
            turnover: Some(Decimal::ZERO),
            trades: 0,
        }
    }

    /// Takes a trade of that exchange time. Whether it belongs into the bar is for the caller to
    /// know.
    pub fn add(&mut self, time: Millis, trade: &Trade) {
        if trade.moves.last {
            self.last.add(time, trade.price);
        }
        if trade.moves.range {
            self.range.add(time, trade.price);
        }
        if !trade.moves.volume {
            return;
        }
        self.trades += 1;
        if let Some(size) = trade.size {
            self.volume = sum(self.volume, size);
            let paid = trade.price.decimal().checked_mul(size.decimal());
            self.turnover = self
                .turnover
                .and_then(|turnover| turnover.checked_add(paid?));
        }
    }

    /// The bar; `None` where no trade has moved a price.
    pub fn bar(&self, symbol: Symbol, start: Millis) -> Option<Bar> {
        let (_, open) = self.last.first.or(self.range.first)?;
        let (_, close) = self.last.last.or(self.range.last)?;
        let high = self.range.high.map_or(open, |high| high.max(open));
        let low = self.range.low.map_or(open, |low| low.min(open));
        let (high, low) = (high.max(close), low.min(close));
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
}

/// The average price of a volume for which `turnover` was paid, of trades at prices as precise as these;
/// `None` where either is not known.
pub fn vwap(turnover: Option<Decimal>, volume: Size, prices: [Price; 4]) -> Option<Price> {
    // Two digits more than the prices have say what an average adds; past eight they are noise.
    let scale = prices.map(Price::scale).into_iter().fold(0, u32::max);
    let digits = (scale + 2).min(8).max(scale);
    let average = turnover?.checked_div(volume.decimal())?;
    Some(Price::from(average).rounded(digits))
}

/// A sum that stays where it was when it would no longer fit into 28 digits.
pub(crate) fn sum(sum: Size, size: Size) -> Size {
    sum.checked_add(size).unwrap_or(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Moves;

    fn rolled(trades: &[(&str, &str, Moves)]) -> Option<Bar> {
        let mut roll = Roll::new();
        for (time, (price, size, moves)) in trades.iter().enumerate() {
            let trade = Trade {
                moves: *moves,
                ..Trade::new(price.parse().unwrap(), Some(size.parse().unwrap()))
            };
            roll.add(time as Millis, &trade);
        }
        roll.bar("A".parse().unwrap(), 0)
    }

    fn prices(bar: &Bar) -> [String; 4] {
        [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string())
    }

    const VOLUME: Moves = Moves {
        last: false,
        range: false,
        volume: true,
    };
    const NOT_LAST: Moves = Moves {
        last: false,
        ..Moves::ALL
    };
    const OFFICIAL: Moves = Moves {
        volume: false,
        ..Moves::ALL
    };

    #[test]
    fn each_trade_moves_what_it_may() {
        let bar = rolled(&[
            ("90", "10", VOLUME),
            ("10", "1", Moves::ALL),
            ("12", "2", NOT_LAST),
            ("11", "3", Moves::ALL),
            ("10.5", "500", OFFICIAL),
            ("1", "4", VOLUME),
        ])
        .unwrap();
        assert_eq!(prices(&bar), ["10", "12", "10", "10.5"]);
        assert_eq!((bar.volume.to_string().as_str(), bar.trades), ("20", 5));
        // 900 + 10 + 24 + 33 + 4 over 20.
        assert_eq!(bar.vwap.unwrap().to_string(), "48.550");
    }

    #[test]
    fn without_a_last_price_the_range_stands_in_and_without_both_there_is_no_bar() {
        let bar = rolled(&[
            ("7", "1", NOT_LAST),
            ("9", "1", VOLUME),
            ("8", "1", NOT_LAST),
        ])
        .unwrap();
        assert_eq!(prices(&bar), ["7", "8", "7", "8"]);
        assert_eq!(bar.trades, 3);
        assert_eq!(rolled(&[("7", "1", VOLUME)]), None);
        assert_eq!(rolled(&[]), None);
    }

    #[test]
    fn the_range_holds_the_open_and_the_close() {
        let last = Moves {
            range: false,
            ..Moves::ALL
        };
        let bar = rolled(&[("10", "1", last), ("5", "1", Moves::ALL), ("3", "1", last)]).unwrap();
        assert_eq!(prices(&bar), ["10", "10", "3", "3"]);
    }
}
