use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{state::minute, *};
use crate::{Best, Day, Price, Size, TradeEligibility};

const MINUTE: Millis = Bar::INTERVAL;

fn bars_of(minutes: Vec<Minute>) -> Vec<Bar> {
    minutes.iter().filter_map(Minute::bar).collect()
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn size(text: &str) -> Size {
    text.parse().unwrap()
}

fn trade(name: &str, time: Millis, at: &str, of: &str) -> Tick {
    let mut tick = Tick::new(symbol(name), time, Clock::Exchange);
    tick.trade = Some(Trade::new(price(at), Some(size(of))));
    tick
}

#[test]
fn the_time_of_the_last_trade_is_that_of_the_trade() {
    let mut board = Board::new();
    let mut bid = Tick::new(symbol("GOOG"), 100, Clock::Exchange);
    bid.bid = Best::At {
        price: price("597.30"),
        size: None,
    };
    assert_eq!(board.apply(&bid).quote.traded, None);
    let quote = board.apply(&trade("GOOG", 200, "597.32", "1")).quote;
    assert_eq!((quote.time, quote.traded), (200, Some(200)));
    // An hour later only the best price has changed.
    bid.time = 3_600_000;
    let quote = board.apply(&bid).quote;
    assert_eq!((quote.time, quote.traded), (3_600_000, Some(200)));
    // A trade that does not move the last price does not set the time of the last trade either.
    let mut odd = trade("GOOG", 3_600_100, "600", "1");
    if let Some(trade) = &mut odd.trade {
        trade.moves.last = false;
    }
    assert_eq!(board.apply(&odd).quote.traded, Some(200));

    // A restart continues from it.
    let mut board = Board::new();
    board.restore(quote, 60_000, []);
    assert_eq!(board.apply(&bid).quote.traded, Some(200));
}

#[test]
fn a_quote_carries_the_whole_state_exactly() {
    let mut board = Board::new();
    let mut tick = Tick::new(symbol("BTCUSDT"), 100, Clock::Receipt);
    tick.bid = Best::At {
        price: price("61837.63000000"),
        size: Some(size("3.78826000")),
    };
    tick.ask = Best::At {
        price: price("61837.64000000"),
        size: None,
    };
    board.apply(&tick);
    board.apply(&trade("BTCUSDT", 200, "61837.63000000", "0.02000000"));
    let change = board.apply(&trade("BTCUSDT", 300, "61837.60000000", "0.1"));
    let quote = change.quote;
    assert_eq!(quote.time, 300);
    assert_eq!(quote.price.unwrap().to_string(), "61837.60000000");
    assert_eq!(quote.size.unwrap().to_string(), "0.1");
    assert_eq!(quote.bid.unwrap().to_string(), "61837.63000000");
    assert_eq!(quote.bid_size.unwrap().to_string(), "3.78826000");
    assert_eq!(quote.ask.unwrap().to_string(), "61837.64000000");
    assert_eq!(quote.ask_size, None);
    assert_eq!(quote.volume.unwrap().to_string(), "0.12000000");
    assert_eq!(quote.high.unwrap().to_string(), "61837.63000000");
    assert_eq!(quote.low.unwrap().to_string(), "61837.60000000");

    tick.bid = Best::Empty;
    tick.ask = Best::Unchanged;
    let quote = board.apply(&tick).quote;
    assert_eq!((quote.bid, quote.bid_size), (None, None));
    assert!(quote.ask.is_some());
    assert_eq!(quote.time, 300, "an older clock never sets the time back");
    assert_eq!(board.quote(symbol("BTCUSDT")), Some(&quote));
}

#[test]
fn the_sources_figures_stand_and_later_trades_come_on_top() {
    let mut board = Board::new();
    board.apply(&trade("A", 1, "10", "5"));
    let mut tick = trade("A", 2, "11", "1");
    tick.day = Day {
        volume: Some(size("1000")),
        high: Some(price("14")),
        low: Some(price("9")),
        ..Day::default()
    };
    let quote = board.apply(&tick).quote;
    assert_eq!(quote.volume, Some(size("1000")), "the trade is part of it");
    assert_eq!(
        (quote.high, quote.low),
        (Some(price("14")), Some(price("9")))
    );
    let quote = board.apply(&trade("A", 3, "15", "2")).quote;
    assert_eq!(quote.volume, Some(size("1002")));
    assert_eq!(
        (quote.high, quote.low),
        (Some(price("15")), Some(price("9")))
    );
}

#[test]
fn a_trade_of_a_later_minute_closes_the_bar() {
    let mut board = Board::new();
    assert_eq!(board.apply(&trade("A", 59_000, "10.00", "1")).bars(), []);
    assert_eq!(board.apply(&trade("A", 59_999, "10.03", "2")).bars(), []);
    let bars = board.apply(&trade("A", 60_000, "9", "1")).bars();
    let expected = Bar {
        symbol: symbol("A"),
        start: 0,
        open: price("10.00"),
        high: price("10.03"),
        low: price("10.00"),
        close: price("10.03"),
        volume: size("3"),
        vwap: Some(price("10.0200")),
        trades: 2,
    };
    assert_eq!(bars, [expected]);
    assert_eq!(bars[0].vwap.unwrap().to_string(), "10.0200");
    assert_eq!(bars_of(board.finish()).len(), 1);
    assert_eq!(bars_of(board.finish()), []);
}

#[test]
fn the_watermark_of_the_feed_closes_bars_of_silent_symbols() {
    let mut board = Board::new();
    board.apply(&trade("B", 1_000, "10", "1"));
    board.apply(&trade("A", 2_000, "20", "1"));
    let just_before = MINUTE + Board::GRACE - 1;
    assert_eq!(board.apply(&trade("C", just_before, "5", "1")).bars(), []);

    let mut receipt = Tick::new(symbol("C"), just_before + 60_000, Clock::Receipt);
    receipt.bid = Best::Empty;
    assert_eq!(board.apply(&receipt).bars(), [], "our clock closes nothing");

    let mut quoted = Tick::new(symbol("C"), just_before + 1, Clock::Exchange);
    quoted.ask = Best::Empty;
    let bars = board.apply(&quoted).bars();
    let closed: Vec<&str> = bars.iter().map(|bar| bar.symbol.as_str()).collect();
    assert_eq!(closed, ["A", "B"]);
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    const DAY: Millis = 24 * 60 * MINUTE;
    let now = DAY + 30_000;
    let mut board = Board::new();
    board.apply(&trade("A", now, "10", "1"));
    // Two minutes ahead.
    assert_eq!(board.apply(&trade("A", 2 * now, "11", "2")).bars().len(), 1);
    board.apply(&trade("A", 2 * now + MINUTE, "12", "3"));
    let late = board.apply(&trade("A", now, "13", "4"));
    assert_eq!((late.quote.price, board.late()), (Some(price("12")), 1));
    board.set_back(now + 1_000);
    let change = board.apply(&trade("A", now + 2_000, "14", "5"));
    assert_eq!(change.quote.price, Some(price("14")));
    assert_eq!(change.quote.time, now + 2_000);
    let volume = change.quote.volume;
    assert_eq!(volume, Some(size("15")), "nothing is counted twice or lost");
    // The bar of this minute was published before and is not published again; the next one is.
    assert_eq!(board.late(), 2);
    assert_eq!(board.apply(&trade("A", now + MINUTE, "15", "1")).bars(), []);
    let bars = board.apply(&trade("A", now + 2 * MINUTE, "16", "1")).bars();
    assert_eq!(bars.len(), 1);
    assert_eq!((bars[0].start, bars[0].close), (DAY + MINUTE, price("15")));
}

#[test]
fn late_trades_are_counted_and_not_lost_from_the_volume() {
    let mut board = Board::new();
    board.apply(&trade("A", 10_000, "10", "1"));
    board.apply(&trade("A", 61_000, "11", "1"));
    let change = board.apply(&trade("A", 59_000, "12", "4"));
    assert_eq!(board.late(), 1);
    assert_eq!(change.bars(), []);
    assert_eq!(change.quote.price, Some(price("11")), "it is not the last");
    assert_eq!(change.quote.volume, Some(size("6")));
    assert_eq!(change.quote.high, Some(price("12")));
    let bars = bars_of(board.finish());
    assert_eq!((bars[0].trades, bars[0].high), (1, price("11")));

    board.apply(&trade("A", 62_000, "11", "1"));
    assert_eq!(board.late(), 2, "also when nothing has opened since");
}

#[test]
fn trades_within_a_bar_are_in_the_order_of_their_times() {
    let mut board = Board::new();
    board.apply(&trade("A", 30_000, "10", "1"));
    board.apply(&trade("A", 40_000, "12", "1"));
    board.apply(&trade("A", 20_000, "9", "1"));
    let quote = board.apply(&trade("A", 35_000, "11", "1")).quote;
    assert_eq!(quote.price, Some(price("12")));
    let bar = bars_of(board.finish()).remove(0);
    assert_eq!((bar.open, bar.close), (price("9"), price("12")));
    assert_eq!(
        (bar.low, bar.high, bar.trades),
        (price("9"), price("12"), 4)
    );
}

#[test]
fn a_trade_without_a_size_has_no_weight() {
    let mut board = Board::new();
    let mut tick = trade("A", 1, "10", "1");
    tick.trade = Some(Trade::new(price("10"), None));
    let quote = board.apply(&tick).quote;
    assert_eq!((quote.volume, quote.size), (None, None));
    let bar = bars_of(board.finish()).remove(0);
    assert_eq!((bar.volume, bar.vwap, bar.trades), (Size::ZERO, None, 1));
}

fn numbered(time: Millis, at: &str, of: &str, id: u64) -> Tick {
    let mut tick = trade("A", time, at, of);
    tick.trade = tick.trade.map(|trade| trade.with_id(id));
    tick
}

fn taken_back(trade: u64) -> Correction {
    Correction {
        symbol: symbol("A"),
        time: 50_000,
        trade,
        right: None,
    }
}

#[test]
fn conditions_decide_what_moves_the_quote() {
    let mut board = Board::new();
    board.apply(&trade("A", 1_000, "10", "1"));
    let mut tick = trade("A", 2_000, "99", "5");
    let moves = |last, range, volume| TradeEligibility {
        last,
        range,
        volume,
    };
    for (time, allowed, expected) in [
        (2_000, moves(false, false, true), ["10", "10", "10", "6"]),
        (3_000, moves(false, true, false), ["10", "99", "10", "6"]),
        (4_000, moves(true, false, false), ["99", "99", "10", "6"]),
    ] {
        tick.time = time;
        tick.trade.as_mut().unwrap().moves = allowed;
        let quote = board.apply(&tick).quote;
        let shown = [quote.price, quote.high, quote.low].map(|price| price.unwrap().to_string());
        assert_eq!(shown, expected[..3], "{allowed:?}");
        assert_eq!(
            quote.volume.unwrap().to_string(),
            expected[3],
            "{allowed:?}"
        );
    }
}

#[test]
fn a_trade_that_is_taken_back_was_never_there() {
    let mut board = Board::new();
    board.apply(&numbered(10_000, "10", "1", 1));
    board.apply(&numbered(20_000, "14", "2", 2));
    board.apply(&numbered(30_000, "12", "3", 3));
    let CorrectionOutcome::Whole(quote) = board.correct(&taken_back(2)) else {
        panic!("the minute is open");
    };
    assert_eq!(
        (quote.price, quote.high),
        (Some(price("12")), Some(price("12")))
    );
    assert_eq!((quote.volume, quote.time), (Some(size("4")), 50_000));
    let CorrectionOutcome::Whole(quote) = board.correct(&taken_back(3)) else {
        panic!("the minute is open");
    };
    assert_eq!(
        (quote.price, quote.size),
        (Some(price("10")), Some(size("1")))
    );
    assert_eq!(board.correct(&taken_back(3)), CorrectionOutcome::Unknown);
    assert_eq!(board.correct(&taken_back(7)), CorrectionOutcome::Unknown);
    let bars = bars_of(board.finish());
    assert_eq!((bars[0].high, bars[0].trades), (price("10"), 1));

    let mut board = Board::new();
    board.apply(&numbered(10_000, "10", "1", 1));
    let CorrectionOutcome::Whole(quote) = board.correct(&taken_back(1)) else {
        panic!("the minute is open");
    };
    assert_eq!((quote.price, quote.volume, quote.low), (None, None, None));
    assert_eq!(bars_of(board.finish()), [], "nothing was traded");
}

#[test]
fn a_trade_is_put_right_at_its_own_time_and_can_be_put_right_again() {
    let mut board = Board::new();
    board.apply(&numbered(10_000, "10", "1", 1));
    board.apply(&numbered(20_000, "11", "2", 2));
    let right = Trade::new(price("9"), Some(size("5"))).with_id(8);
    let correction = Correction {
        right: Some(right),
        ..taken_back(1)
    };
    let CorrectionOutcome::Whole(quote) = board.correct(&correction) else {
        panic!("the minute is open");
    };
    assert_eq!(quote.price, Some(price("11")), "it is not the last");
    assert_eq!(
        (quote.low, quote.volume),
        (Some(price("9")), Some(size("7")))
    );
    assert!(matches!(
        board.correct(&taken_back(8)),
        CorrectionOutcome::Whole(_)
    ));
    let bars = bars_of(board.finish());
    assert_eq!((bars[0].open, bars[0].volume), (price("11"), size("2")));
}

#[test]
fn a_closed_minute_is_left_to_the_archive_and_sums_of_the_source_stand() {
    let mut board = Board::new();
    board.apply(&numbered(10_000, "14", "1", 1));
    let bars = board.apply(&numbered(70_000, "12", "2", 2)).bars();
    assert_eq!(bars[0].high, price("14"));
    let CorrectionOutcome::Quote(quote) = board.correct(&taken_back(1)) else {
        panic!("the minute is closed");
    };
    assert_eq!(
        (quote.high, quote.volume),
        (Some(price("12")), Some(size("2")))
    );

    let mut tick = numbered(80_000, "13", "1", 3);
    tick.day.volume = Some(size("1000"));
    board.apply(&tick);
    board.apply(&numbered(81_000, "15", "4", 4));
    board.correct(&taken_back(3));
    let quote = board.quote(symbol("A")).unwrap();
    assert_eq!(quote.volume, Some(size("1004")));
    board.correct(&taken_back(4));
    let quote = board.quote(symbol("A")).unwrap();
    assert_eq!(
        (quote.volume, quote.price),
        (Some(size("1000")), Some(price("12")))
    );
}

#[test]
fn a_new_day_begins_without_the_trades_of_the_last_one() {
    let mut board = Board::new();
    board.begin_day(symbol("A"));
    board.apply(&numbered(10_000, "10", "1", 1));
    board.apply(&numbered(11_000, "14", "1", 2));
    board.begin_day(symbol("A"));
    let quote = board.quote(symbol("A")).unwrap();
    assert_eq!(quote.price, Some(price("14")), "it still is the last one");
    assert_eq!((quote.high, quote.low, quote.volume), (None, None, None));
    let quote = board.apply(&numbered(12_000, "12", "5", 3)).quote;
    assert_eq!(
        (quote.high, quote.low),
        (Some(price("12")), Some(price("12")))
    );
    assert_eq!(quote.volume, Some(size("5")));
    // A correction of yesterday changes nothing of today except the last price.
    assert!(matches!(
        board.correct(&taken_back(2)),
        CorrectionOutcome::Whole(_)
    ));
    assert!(matches!(
        board.correct(&taken_back(3)),
        CorrectionOutcome::Whole(_)
    ));
    let quote = board.quote(symbol("A")).unwrap();
    assert_eq!(quote.price, Some(price("10")));
    assert_eq!((quote.high, quote.volume), (None, None));
}

#[test]
fn what_is_remembered_is_bounded_and_nothing_of_the_rest_is_lost() {
    let mut board = Board::new();
    let many = Board::RECENT as u64 + 10;
    for id in 0..many {
        let at = if id == 3 { "20" } else { "10" };
        board.apply(&numbered(10_000 + id, at, "1", id));
    }
    assert_eq!(board.symbols[&symbol("A")].recent.len(), Board::RECENT);
    assert_eq!(board.correct(&taken_back(3)), CorrectionOutcome::Unknown);
    let CorrectionOutcome::Whole(quote) = board.correct(&taken_back(many - 1)) else {
        panic!("the minute is open");
    };
    assert_eq!(quote.volume, Some(Decimal::from(many - 1).into()));
    assert_eq!(quote.high, Some(price("20")));
    let bar = bars_of(board.finish()).remove(0);
    assert_eq!((bar.trades, bar.high), (many - 1, price("20")));
}

/// Trades of three symbols with rising times; some arrive up to `slack` late.
fn trades(slack: Millis) -> impl Strategy<Value = Vec<(usize, Millis, i64, i64)>> {
    let step = (
        0..3_usize,
        0..9_000_u64,
        0..=slack,
        1..99_999_i64,
        0..5_000_i64,
    );
    proptest::collection::vec(step, 1..200).prop_map(|steps| {
        let mut now = 300_000;
        steps
            .into_iter()
            .map(|(symbol, wait, late, price, size)| {
                now += wait;
                (symbol, now - late, price, size)
            })
            .collect()
    })
}

const NAMES: [&str; 3] = ["A", "B", "C"];

fn tick(&(name, time, at, of): &(usize, Millis, i64, i64)) -> Tick {
    let mut tick = Tick::new(symbol(NAMES[name]), time, Clock::Exchange);
    tick.trade = Some(Trade::new(
        Decimal::new(at, 2).into(),
        Some(Decimal::new(of, 1).into()),
    ));
    tick
}

fn apply(board: &mut Board, trade: &(usize, Millis, i64, i64)) -> Change {
    board.apply(&tick(trade))
}

fn run(board: &mut Board, trades: &[(usize, Millis, i64, i64)]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for trade in trades {
        bars.extend(apply(board, trade).bars());
    }
    bars.extend(bars_of(board.finish()));
    bars
}

proptest! {
    #[test]
    fn a_board_that_is_taken_up_goes_on_as_if_it_had_not_ended(
        trades in trades(0),
        at: proptest::sample::Index,
    ) {
        let mut whole = Board::new();
        let expected = run(&mut whole, &trades);

        let at = at.index(trades.len());
        let mut first = Board::new();
        let mut bars = Vec::new();
        for trade in &trades[..at] {
            bars.extend(apply(&mut first, trade).bars());
        }
        // The last one was published but not stored.
        let lost = bars.pop();
        let mut second = Board::new();
        for quote in first.quotes() {
            let of_symbol = |bar: &&Bar| bar.symbol == quote.symbol;
            let closed = bars.iter().rev().find(of_symbol);
            let until = closed.map_or(0, |bar| bar.start + Bar::INTERVAL);
            let since = trades[..at].iter().filter(|(name, time, ..)| {
                symbol(NAMES[*name]) == quote.symbol && *time >= until
            });
            let since = since.map(|trade| (trade.1, tick(trade).trade.unwrap()));
            bars.extend(bars_of(second.restore(quote.clone(), until, since)));
        }
        prop_assert!(second.quotes().eq(first.quotes()));
        bars.extend(run(&mut second, &trades[at..]));
        prop_assert!(second.quotes().eq(whole.quotes()));
        prop_assert_eq!(second.late(), 0);
        prop_assert!(lost.is_none_or(|lost| bars.contains(&lost)));
        let sorted = |mut bars: Vec<Bar>| {
            bars.sort_by_key(|bar| (bar.symbol, bar.start));
            bars
        };
        prop_assert_eq!(sorted(bars), sorted(expected));
    }

    #[test]
    fn bars_are_the_trades_regrouped(trades in trades(0)) {
        let mut board = Board::new();
        let mut bars = run(&mut board, &trades);
        bars.sort_by_key(|bar| (bar.symbol, bar.start));
        prop_assert_eq!(board.late(), 0);

        let mut groups: BTreeMap<(Symbol, Millis), Vec<(i64, i64)>> = BTreeMap::new();
        for &(name, time, at, of) in &trades {
            let key = (symbol(NAMES[name]), time / MINUTE * MINUTE);
            groups.entry(key).or_default().push((at, of));
        }
        prop_assert_eq!(bars.len(), groups.len());
        for (bar, ((symbol, start), group)) in bars.iter().zip(&groups) {
            let cents = |cents: i64| Price::from(Decimal::new(cents, 2));
            let prices: Vec<i64> = group.iter().map(|(at, _)| *at).collect();
            let volume: i64 = group.iter().map(|(_, of)| of).sum();
            let turnover: i64 = group.iter().map(|(at, of)| at * of).sum();
            prop_assert_eq!(bar.symbol, *symbol);
            prop_assert_eq!(bar.start, *start);
            prop_assert_eq!(bar.open, cents(prices[0]));
            prop_assert_eq!(bar.close, cents(prices[prices.len() - 1]));
            prop_assert_eq!(bar.high, cents(*prices.iter().max().unwrap()));
            prop_assert_eq!(bar.low, cents(*prices.iter().min().unwrap()));
            prop_assert_eq!(bar.volume, Size::from(Decimal::new(volume, 1)));
            prop_assert_eq!(bar.trades, group.len() as u64);
            // Hundredths of a cent, half away from zero, in integers only.
            let vwap = (volume != 0).then(|| (turnover * 200 + volume) / (volume * 2));
            prop_assert_eq!(bar.vwap, vwap.map(|vwap| Decimal::new(vwap, 4).into()));
        }
    }

    #[test]
    fn with_corrections_it_is_the_board_of_the_trades_that_remain(
        trades in trades(0),
        conditions in proptest::collection::vec(any::<(bool, bool, bool)>(), 200),
        corrections in proptest::collection::vec((0..4_u8, 0..12_usize, any::<bool>(), 1..99_999_i64, 0..5_000_i64), 200),
    ) {
        let mut board = Board::new();
        let mut bars = Vec::new();
        // What remains for the quotes, and what remained while its minute was open.
        let mut reported: Vec<Tick> = Vec::new();
        let mut reported_open: Vec<Tick> = Vec::new();
        for (place, &(name, time, at, of)) in trades.iter().enumerate() {
            let (last, range, volume) = conditions[place];
            let mut tick = Tick::new(symbol(NAMES[name]), time, Clock::Exchange);
            tick.trade = Some(Trade {
                id: Some(place as u64),
                moves: TradeEligibility { last, range, volume },
                ..Trade::new(Decimal::new(at, 2).into(), Some(Decimal::new(of, 1).into()))
            });
            bars.extend(board.apply(&tick).bars());
            reported.push(tick.clone());
            reported_open.push(tick);

            let (often, back, puts_right, at, of) = corrections[place];
            let Some(wrong) = reported.len().checked_sub(1 + back).filter(|_| often == 0) else {
                continue;
            };
            let wrong = reported[wrong].clone();
            let id = wrong.trade.unwrap().id;
            let right = Trade {
                id: Some(1_000 + place as u64),
                ..Trade::new(Decimal::new(at, 2).into(), Some(Decimal::new(of, 1).into()))
            };
            let right = puts_right.then_some(right);
            let mended = board.correct(&Correction {
                symbol: wrong.symbol,
                time: 0,
                trade: id.unwrap(),
                right,
            });
            let put_right = |ticks: &mut Vec<Tick>| {
                let place = ticks.iter().position(|tick| tick.trade.unwrap().id == id);
                match (place, right) {
                    (Some(place), Some(right)) => ticks[place].trade = Some(right),
                    (Some(place), None) => { ticks.remove(place); }
                    (None, _) => {}
                }
            };
            put_right(&mut reported);
            match mended {
                CorrectionOutcome::Whole(_) => put_right(&mut reported_open),
                CorrectionOutcome::Quote(_) => prop_assert!(
                    minute(time) > minute(wrong.time),
                    "{wrong:?} is of the minute that is open"
                ),
                CorrectionOutcome::Unknown => prop_assert!(false, "{wrong:?} is forgotten"),
            }
        }
        bars.extend(bars_of(board.finish()));

        let mut quotes = Board::new();
        for tick in &reported {
            quotes.apply(tick);
        }
        for quote in board.quotes() {
            let expected = quotes.quote(quote.symbol).cloned();
            let expected = expected.unwrap_or_else(|| Quote::new(quote.symbol, 0));
            prop_assert_eq!(quote, &Quote { time: quote.time, ..expected });
        }
        let mut remaining = Board::new();
        let mut expected: Vec<Bar> = reported_open
            .iter()
            .flat_map(|tick| remaining.apply(tick).bars())
            .collect();
        expected.extend(bars_of(remaining.finish()));
        bars.sort_by_key(|bar| (bar.symbol, bar.start));
        expected.sort_by_key(|bar| (bar.symbol, bar.start));
        prop_assert_eq!(bars, expected);
    }

    #[test]
    fn every_trade_is_in_one_bar_or_counted_as_late(trades in trades(200_000)) {
        let mut board = Board::new();
        let bars = run(&mut board, &trades);
        let in_bars: u64 = bars.iter().map(|bar| bar.trades).sum();
        prop_assert_eq!(in_bars + board.late(), trades.len() as u64);
        let volume: Decimal = board.quotes().filter_map(|quote| quote.volume).map(Size::decimal).sum();
        let expected: i64 = trades.iter().map(|(.., of)| of).sum();
        prop_assert_eq!(volume, Decimal::new(expected, 1));
        for name in NAMES {
            let starts: Vec<Millis> = bars
                .iter()
                .filter(|bar| bar.symbol == symbol(name))
                .map(|bar| bar.start)
                .collect();
            prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each minute once, in order");
        }
    }
}
