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
    // A volume that no longer fits does not correspond to its turnover.
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

/// Trades with their times; no two have the same time.
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
        // Digit by digit, also if two prices are equal and have different digits.
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
            // Trades off the book may have more digits than the bar's prices: at most half of the last digit of the
            // average is rounding.
            prop_assert!(vwap >= low.rounded(digits) && vwap <= high.rounded(digits), "{low} {vwap} {high}");
        }
    }
}
