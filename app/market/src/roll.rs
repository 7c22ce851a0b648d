use rust_decimal::Decimal;

use crate::{Bar, Millis, Price, Size, Symbol, Trade};

/// What the trades of a span of time add up to: everything that a bar is rendered from, exact, so that the sums of
/// the parts of a span are the sums of the span.
///
/// - The open and the close are the first and the last price of the trades that move the last
///   price, by their times, and those of the same time in the order in which they came. Where none
///   does, trades that move the range stand in, as a report out of sequence is the last sale where
///   there is no other.
/// - The high and the low are those of the trades that move the range, and never inside of the open
///   and the close.
/// - Volume, turnover and number are those of the trades that move the volume. A span may have a volume and
///   no price.
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
    /// Whether open and close are of trades that move the last price. Otherwise they are of trades
    /// that move the range, and stand in until such a one comes.
    pub firm: bool,
    /// The sum of the sizes.
    pub volume: Size,
    /// The sum of price times size; `None` where that of any part of the volume is not known, or the sum does not
    /// fit.
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
    /// Those of no trades.
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

    /// Those of a bar that is given as a whole. Its turnover is its average price times its volume, and not known
    /// where it has no average price.
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

    /// Whether there is nothing in them.
    pub fn is_zero(&self) -> bool {
        *self == Sums::ZERO
    }

    /// The bar of the span that begins at `start`; `None` where no trade has moved a price.
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
            // The sum stays where it was, and no longer is what the turnover was paid for.
            None => self.turnover = None,
        }
    }
}

/// Adds up trades, or the sums of the parts of a span: the only place that does. The order in which they are added
/// makes no difference, but for that of trades of the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    sums: Sums,
    /// When the open was traded, and the close.
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

    /// Adds a trade of that exchange time. Whether it belongs into the span is for the caller to
    /// decide.
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

    /// What has been added up.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// The same, to be kept.
    pub fn into_sums(self) -> Sums {
        self.sums
    }

    /// The bar; `None` where no trade has moved a price.
    pub fn bar(&self, symbol: Symbol, start: Millis) -> Option<Bar> {
        self.sums.bar(symbol, start)
    }
}

/// A minute that has closed, with a price or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// What was traded.
    pub symbol: Symbol,
    /// The minute's first millisecond.
    pub start: Millis,
    /// What was traded in it.
    pub sums: Sums,
}

impl Minute {
    /// Its bar; `None` where no trade has moved a price.
    pub fn bar(&self) -> Option<Bar> {
        self.sums.bar(self.symbol, self.start)
    }
}

/// The average price of a volume for which `turnover` was paid, of trades at prices as precise as these;
/// `None` where either is not known. It has two digits more than the prices, and past eight no more than they
/// have.
fn vwap(turnover: Option<Decimal>, volume: Size, prices: [Price; 4]) -> Option<Price> {
    // Two digits more than the prices have say what an average adds; past eight they are noise.
    let scale = prices.map(Price::scale).into_iter().fold(0, u32::max);
    let digits = (scale + 2).min(8).max(scale);
    let average = turnover?.checked_div(volume.decimal())?;
    Some(Price::from(average).rounded(digits))
}

/// The higher one; of two that are equal that with more digits, so that the order makes no difference.
fn higher(one: Price, other: Price) -> Price {
    if (other, other.scale()) > (one, one.scale()) {
        other
    } else {
        one
    }
}

/// The lower one; of two that are equal that with more digits.
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

/// A sum that stays where it was when it would no longer fit into 28 digits.
pub(crate) fn sum(sum: Size, size: Size) -> Size {
    sum.checked_add(size).unwrap_or(sum)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::TradeEligibility;

    fn rolled(trades: &[(&str, &str, TradeEligibility)]) -> Option<Bar> {
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

    const VOLUME: TradeEligibility = TradeEligibility {
        last: false,
        range: false,
        volume: true,
    };
    const NOT_LAST: TradeEligibility = TradeEligibility {
        last: false,
        ..TradeEligibility::ALL
    };
    const OFFICIAL: TradeEligibility = TradeEligibility {
        volume: false,
        ..TradeEligibility::ALL
    };

    #[test]
    fn each_trade_moves_what_it_may() {
        let bar = rolled(&[
            ("90", "10", VOLUME),
            ("10", "1", TradeEligibility::ALL),
            ("12", "2", NOT_LAST),
            ("11", "3", TradeEligibility::ALL),
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
        let last = TradeEligibility {
            range: false,
            ..TradeEligibility::ALL
        };
        let bar = rolled(&[
            ("10", "1", last),
            ("5", "1", TradeEligibility::ALL),
            ("3", "1", last),
        ])
        .unwrap();
        assert_eq!(prices(&bar), ["10", "10", "3", "3"]);
    }

    #[test]
    fn a_minute_without_a_price_has_its_volume_in_longer_bars() {
        let mut priced = Roll::new();
        priced.add(
            1,
            &Trade::new("10.00".parse().unwrap(), Some("100".parse().unwrap())),
        );
        let mut unpriced = Roll::new();
        let odd_lot = Trade {
            moves: VOLUME,
            ..Trade::new("10.07".parse().unwrap(), Some("7".parse().unwrap()))
        };
        unpriced.add(60_001, &odd_lot);
        let unpriced = Minute {
            symbol: "A".parse().unwrap(),
            start: 60_000,
            sums: unpriced.into_sums(),
        };
        assert_eq!(unpriced.bar(), None);
        let mut long = Roll::new();
        long.add_part(0, priced.sums());
        long.add_part(60_000, &unpriced.sums);
        let bar = long.bar("A".parse().unwrap(), 0).unwrap();
        assert_eq!(prices(&bar), ["10.00"; 4]);
        assert_eq!((bar.volume.to_string().as_str(), bar.trades), ("107", 2));
        // 1070.49 over 107.
        assert_eq!(bar.vwap.unwrap().to_string(), "10.0046");
    }

    #[test]
    fn a_volume_of_which_the_turnover_is_not_known_has_no_average() {
        let given = |vwap: Option<&str>, volume: &str| {
            let price = "10.00".parse().unwrap();
            Sums::of_bar(&Bar {
                symbol: "A".parse().unwrap(),
                start: 0,
                open: price,
                high: price,
                low: price,
                close: price,
                volume: volume.parse().unwrap(),
                vwap: vwap.map(|vwap| vwap.parse().unwrap()),
                trades: 1,
            })
        };
        let average = |parts: &[Sums]| {
            let mut roll = Roll::new();
            for (start, part) in parts.iter().enumerate() {
                roll.add_part(start as Millis, part);
            }
            let bar = roll.bar("A".parse().unwrap(), 0).unwrap();
            bar.vwap.map(|vwap| vwap.to_string())
        };
        let known = given(Some("10.00"), "300");
        let nothing = given(None, "0");
        assert_eq!(
            average(&[known.clone(), nothing]).as_deref(),
            Some("10.0000")
        );
        assert_eq!(average(&[known.clone(), given(None, "1")]), None);
        // A volume that no longer fits is not what its turnover was paid for.
        let most = given(Some("1"), "79228162514264337593543950335");
        assert_eq!(average(&[most, known]), None);
    }

    fn any_trade() -> impl Strategy<Value = Trade> {
        let moves = prop_oneof![
            3 => Just(TradeEligibility::ALL),
            2 => any::<(bool, bool, bool)>().prop_map(|(last, range, volume)| TradeEligibility { last, range, volume }),
        ];
        let size = proptest::option::weighted(0.9, (0..90_000_i64, 0..5_u32));
        (9_000..11_000_i64, 0..4_u32, size, moves).prop_map(|(price, scale, size, moves)| Trade {
            moves,
            ..Trade::new(
                Decimal::new(price, scale).into(),
                size.map(|(size, scale)| Decimal::new(size, scale).into()),
            )
        })
    }

    /// Trades, each with its time; no two are of the same time.
    fn any_trades() -> impl Strategy<Value = Vec<(Millis, Trade)>> {
        proptest::collection::btree_map(0..600_u64, any_trade(), 0..40)
            .prop_map(|trades| trades.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_long_bar_is_the_sum_of_its_parts(
            trades in any_trades(),
            length in 1..700_u64,
            longer in 1..5_u64,
            order in any::<u64>(),
        ) {
            let start_of = |time: Millis, length: Millis| time - time % length;
            let mut whole = Roll::new();
            let mut parts: BTreeMap<Millis, Roll> = BTreeMap::new();
            for (time, trade) in &trades {
                whole.add(*time, trade);
                parts.entry(start_of(*time, length)).or_default().add(*time, trade);
            }
            let mut between: BTreeMap<Millis, Roll> = BTreeMap::new();
            for (start, part) in &parts {
                let parent = between.entry(start_of(*start, length * longer)).or_default();
                parent.add_part(*start, part.sums());
            }
            let mut between: Vec<(Millis, Roll)> = between.into_iter().collect();
            let turn = order as usize % between.len().max(1);
            between.rotate_left(turn);
            let mut sum = Roll::new();
            for (start, part) in &between {
                sum.add_part(*start, part.sums());
            }
            let symbol = "A".parse().unwrap();
            prop_assert_eq!(sum.sums(), whole.sums());
            // Digit by digit, also where two prices are equal and have different digits.
            let text = |roll: &Roll| roll.bar(symbol, 0).map(|bar| serde_json::to_string(&bar).unwrap());
            prop_assert_eq!(text(&sum), text(&whole));
        }

        #[test]
        fn trades_add_up_to_the_same_in_any_order(
            (trades, shuffled) in any_trades().prop_flat_map(|trades| {
                (Just(trades.clone()), Just(trades).prop_shuffle())
            }),
        ) {
            let roll = |trades: &[(Millis, Trade)]| {
                let mut roll = Roll::new();
                for (time, trade) in trades {
                    roll.add(*time, trade);
                }
                roll.bar("A".parse().unwrap(), 0).map(|bar| serde_json::to_string(&bar).unwrap())
            };
            prop_assert_eq!(roll(&shuffled), roll(&trades));
        }

        #[test]
        fn the_average_lies_between_the_prices_of_the_trades_that_move_the_volume(
            trades in any_trades(),
        ) {
            let mut roll = Roll::new();
            for (time, trade) in &trades {
                roll.add(*time, trade);
            }
            let paid = trades.iter().filter(|(_, trade)| {
                trade.moves.volume && trade.size.is_some_and(|size| size > Size::ZERO)
            });
            let prices: Vec<Price> = paid.map(|(_, trade)| trade.price).collect();
            let (low, high) = (prices.iter().min(), prices.iter().max());
            let Some(bar) = roll.bar("A".parse().unwrap(), 0) else {
                return Ok(());
            };
            prop_assert_eq!(bar.vwap.is_some(), bar.volume > Size::ZERO);
            if let (Some(vwap), Some(low), Some(high)) = (bar.vwap, low, high) {
                let digits = vwap.scale();
                // What is traded off the book may have more digits than the bar's prices: at most half of the last
                // digit of the average is rounding.
                prop_assert!(vwap >= low.rounded(digits) && vwap <= high.rounded(digits), "{low} {vwap} {high}");
            }
        }
    }
}
