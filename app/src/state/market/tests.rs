use market::{Closes, Heartbeat};

use super::*;
use crate::{
    format::figures::tests::{quote, session, symbol},
    news::list::tests::news,
    state::{price_history::tests::bar, range::Range},
};

fn data(chosen: bool) -> PageData {
    PageData {
        path: "/stocks/GOOG".to_owned(),
        query: String::new(),
        id: "1-0".to_owned(),
        watchlist: vec![symbol("GOOG")],
        chosen,
        symbol: Some(symbol("GOOG")),
        snapshot: Snapshot {
            quotes: vec![quote("GOOG", 200_000, "597.32")],
            sessions: vec![session("GOOG", Some("596.05"), None)],
            closes: vec![Closes {
                symbol: symbol("GOOG"),
                prices: vec!["596".parse().unwrap()],
            }],
            news: vec![news("a")],
            ..Snapshot::default()
        },
        older: None,
        range: None,
        bars: vec![bar(0, "596")],
        days: crate::state::days::Days::default(),
        until: None,
        compared: Vec::new(),
        archived: false,
        problem: None,
    }
}

fn watchlist(state: &MarketState) -> Vec<&str> {
    state.watchlist.iter().map(Symbol::as_str).collect()
}

#[test]
fn starts_from_what_the_page_was_drawn_from() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let instrument = &state.instruments[&symbol("GOOG")];
    assert_eq!(instrument.closes.len(), 1);
    assert!(instrument.history.is_filled(Range::Day, false));
    let times: Vec<_> = instrument
        .history
        .points()
        .iter()
        .map(|point| point.time)
        .collect();
    assert_eq!(times, [60_000.0, 200_000.0]);
    let changes = state.take_changes();
    assert!(changes.instruments.is_empty() && !changes.news && !changes.watchlist);
}

#[test]
fn a_quote_moves_the_chart_only_where_its_price_is_new() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let newer = quote("GOOG", 201_000, "597.40");
    let bid = Quote {
        bid: Some("597.39".parse().unwrap()),
        time: 202_000,
        ..newer.clone()
    };
    assert!(matches!(
        state.apply(Event::Quote(newer), false),
        ChartChange::Push(_, PricePoint { time: 201_000, .. })
    ));
    assert_eq!(state.apply(Event::Quote(bid), false), ChartChange::None);
    assert!(state.take_changes().instruments.contains(&symbol("GOOG")));
    assert!(state.take_changes().instruments.is_empty());
}

#[test]
fn a_price_is_of_its_trade_whether_the_source_times_it_or_not() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let traded = |state: &MarketState| {
        let quote = state.instruments[&symbol("GOOG")].quote.as_ref();
        quote.and_then(|quote| quote.traded)
    };
    assert_eq!(traded(&state), Some(200_000));
    let newer = quote("GOOG", 201_000, "597.40");
    let bid = Quote {
        bid: Some("597.39".parse().unwrap()),
        time: 3_900_000,
        ..newer.clone()
    };
    state.apply(Event::Quote(newer), false);
    state.apply(Event::Quote(bid.clone()), false);
    assert_eq!(traded(&state), Some(201_000));
    let timed = Quote {
        traded: Some(200_500),
        ..bid
    };
    state.apply(Event::Quote(timed), false);
    assert_eq!(traded(&state), Some(200_500));
}

#[test]
fn a_quote_of_closed_hours_draws_the_price_at_its_trade() {
    let mut data = data(false);
    data.snapshot.quotes[0] = Quote {
        traded: Some(200_000),
        ..quote("GOOG", 50_000_000, "597.32")
    };
    let mut state = MarketState::new(&data, Range::Day);
    let newest = |state: &MarketState| {
        let history = &state.instruments.get(&symbol("GOOG")).unwrap().history;
        history.points().last().map(|last| (last.time, last.close))
    };
    assert_eq!(newest(&state), Some((200_000.0, 597.32)));
    // The first trade of the next session.
    let opening = Quote {
        traded: Some(60_000_000),
        ..quote("GOOG", 60_000_050, "600.00")
    };
    let change = state.apply(Event::Quote(opening), false);
    assert!(matches!(change, ChartChange::Push(..)), "{change:?}");
    assert_eq!(newest(&state), Some((60_000_000.0, 600.0)));
}

#[test]
fn a_new_symbol_joins_unless_the_watchlist_was_chosen() {
    let mut state = MarketState::new(&data(false), Range::Day);
    state.apply(Event::Quote(quote("AAPL", 1, "5")), false);
    assert_eq!(watchlist(&state), ["GOOG", "AAPL"]);
    assert!(state.take_changes().watchlist);
    let mut state = MarketState::new(&data(true), Range::Day);
    state.apply(Event::Quote(quote("AAPL", 1, "5")), false);
    assert_eq!(watchlist(&state), ["GOOG"]);
}

#[test]
fn a_reset_replaces_everything_but_the_news_under_the_reader() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let reset = Snapshot {
        reset: true,
        quotes: vec![quote("MSFT", 5, "30")],
        news: vec![news("b"), news("a")],
        ..Snapshot::default()
    };
    let change = state.apply(Event::Snapshot(reset), true);
    assert_eq!(change, ChartChange::ReplaceAll);
    assert_eq!(watchlist(&state), ["MSFT"]);
    assert!(!state.instruments.contains_key(&symbol("GOOG")));
    assert_eq!((state.news.shown().len(), state.news.waiting()), (1, 1));
    let changes = state.take_changes();
    assert_eq!(changes.headlines, 1);
    assert!(changes.instruments.contains(&symbol("GOOG")));
}

#[test]
fn the_last_close_of_the_archive_is_no_price_of_the_chart() {
    let close = Quote {
        close_of: Some("2026-11-23".to_owned()),
        ..quote("OLD", 100_000, "12.34")
    };
    let mut data = data(false);
    data.snapshot.quotes.push(close);
    let mut state = MarketState::new(&data, Range::Day);
    let old = &state.instruments[&symbol("OLD")];
    assert!(old.history.points().is_empty());
    let price = old.quote.as_ref().unwrap().price;
    assert_eq!(price.unwrap().to_string(), "12.34");
    // It is not on the tape, so a reset keeps it.
    let reset = Snapshot {
        reset: true,
        quotes: vec![quote("MSFT", 5, "30")],
        ..Snapshot::default()
    };
    state.apply(Event::Snapshot(reset), false);
    assert_eq!(watchlist(&state), ["OLD", "MSFT"]);
    // Once a feed quotes it, it is treated like any other.
    state.apply(Event::Quote(quote("OLD", 310_000, "13")), false);
    let old = &state.instruments[&symbol("OLD")];
    assert_eq!(old.history.points().len(), 1);
}

#[test]
fn bars_that_were_asked_for_before_a_reset_are_left_out() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let missing = |run| Missing::of_range(symbol("GOOG"), Range::Day, true, run);
    let asked = missing(state.run);
    let reset = Snapshot {
        reset: true,
        quotes: vec![quote("GOOG", 300_000, "12.50")],
        ..Snapshot::default()
    };
    state.apply(Event::Snapshot(reset), false);
    state.complete(asked, &[bar(0, "596")], None, None);
    let history = &state.instruments[&symbol("GOOG")].history;
    assert!(!history.is_filled(Range::Day, false));
    assert_eq!(history.points().len(), 1);
    state.complete(missing(state.run), &[bar(0, "12.40")], None, None);
    let history = &state.instruments[&symbol("GOOG")].history;
    assert!(history.is_filled(Range::Day, false));
    assert_eq!(history.points().len(), 2);
    // An answer from before the reset does not count as filled.
    state.forget_history();
    let before = Missing {
        before: Some(0),
        ..missing(state.run)
    };
    state.complete(before, &[], None, None);
    let history = &state.instruments[&symbol("GOOG")].history;
    assert!(!history.is_filled(Range::Day, false));
    assert_eq!(history.points().len(), 2);
}

#[test]
fn a_heartbeat_changes_nothing() {
    let mut state = MarketState::new(&data(false), Range::Day);
    state.apply(Event::Heartbeat(Heartbeat { time: 1 }), false);
    let changes = state.take_changes();
    assert!(changes.instruments.is_empty() && !changes.news && !changes.feeds);
}

#[test]
fn an_hour_of_a_thousand_quotes_a_second_that_is_not_drawn_takes_no_more_room_than_minutes() {
    let mut state = MarketState::new(&data(false), Range::Day);
    let mut quotes: Vec<Quote> = (0..30)
        .map(|number| quote(&format!("SYM{number}"), 0, "1"))
        .collect();
    let prices = ["1.01", "1.02", "1.03"].map(|price| price.parse::<Price>().unwrap());
    let mut sizes = Vec::new();
    for millisecond in 0..3_600_000_u64 {
        let turn = millisecond as usize;
        let quote = &mut quotes[turn % 30];
        quote.time = 300_000 + millisecond;
        quote.price = Some(prices[turn % 3]);
        state.apply(Event::Quote(quote.clone()), turn.is_multiple_of(2));
        if turn.is_multiple_of(1_000) {
            state.apply(
                Event::News(news(&turn.to_string())),
                turn.is_multiple_of(2_000),
            );
        }
        if (turn + 1).is_multiple_of(600_000) {
            let points: usize = state
                .instruments
                .values()
                .map(|instrument| instrument.history.points().len())
                .sum();
            let stories = (state.news.shown().len(), state.news.waiting());
            sizes.push((points, stories, state.changes.instruments.len()));
        }
    }
    assert_eq!(sizes.len(), 6);
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    // Only symbols and stories count, not the number of quotes.
    assert_eq!(state.waiting(), 30 + 3_600);
    let newest = &state.instruments[&symbol("SYM29")];
    assert_eq!(
        newest.quote.as_ref().map(|quote| quote.time),
        Some(3_899_999)
    );
}

#[test]
fn bars_extend_the_sparkline() {
    let mut state = MarketState::new(&data(false), Range::Day);
    for minute in 1..=100 {
        state.apply(Event::Bar(bar(minute * 60_000, "600")), false);
    }
    assert_eq!(
        state.instruments[&symbol("GOOG")].closes.len(),
        SPARKLINE_BARS
    );
}
