use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use market::{Bar, Best, Event, FeedState, NewsType, Quality, Symbol, TradingState};
use tokio::time::sleep;

use super::*;
use crate::{FeedContext, testing};
use events::{Topic, testing::START};

const HOUR: Millis = 3_600_000;

fn run(seed: u64, until: Millis) -> Vec<Output> {
    let mut simulation = Simulation::new(seed, START);
    let mut output = Vec::new();
    while simulation.time() < until {
        output.extend(simulation.step());
    }
    output
}

/// The middles between bid and ask at the end of every minute, of each symbol.
fn minutes(output: &[Output]) -> BTreeMap<Symbol, BTreeMap<Millis, f64>> {
    let mut minutes: BTreeMap<Symbol, BTreeMap<Millis, f64>> = BTreeMap::new();
    for output in output {
        if let Output::Tick(tick) = output
            && let (Best::At { price: bid, .. }, Best::At { price: ask, .. }) = (tick.bid, tick.ask)
        {
            let middle = (bid.to_f64() + ask.to_f64()) / 2.0;
            minutes
                .entry(tick.symbol)
                .or_default()
                .insert(tick.time / 60_000, middle);
        }
    }
    minutes
}

/// Logarithms of the ratios from minute to minute.
fn returns(minutes: &BTreeMap<Millis, f64>) -> BTreeMap<Millis, f64> {
    let pairs = minutes.iter().zip(minutes.iter().skip(1));
    pairs
        .map(|((_, from), (minute, to))| (*minute, (to / from).ln()))
        .collect()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn correlation(one: &BTreeMap<Millis, f64>, other: &BTreeMap<Millis, f64>) -> f64 {
    let pairs: Vec<(f64, f64)> = one
        .iter()
        .filter_map(|(minute, one)| Some((*one, *other.get(minute)?)))
        .collect();
    let means = (
        mean(pairs.iter().map(|pair| pair.0)),
        mean(pairs.iter().map(|pair| pair.1)),
    );
    let sum = |of: fn(f64, f64) -> f64| -> f64 {
        pairs
            .iter()
            .map(|(one, other)| of(one - means.0, other - means.1))
            .sum()
    };
    sum(|one, other| one * other) / (sum(|one, _| one * one) * sum(|_, other| other * other)).sqrt()
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let until = START + 600_000;
    let output = run(7, until);
    assert_eq!(output, run(7, until));
    assert_ne!(output, run(8, until));
    assert!(output.len() > 40_000, "{}", output.len());
}

/// The meaning of a seed is part of the contract: a change of these numbers changes every seed.
#[test]
fn a_seed_means_what_it_meant() {
    let last = |seed| {
        let output = run(seed, START);
        let mut trades = output.iter().filter_map(|output| match output {
            Output::Tick(tick) if tick.symbol.as_str() == "GOOG" => tick.trade,
            _ => None,
        });
        trades.next_back().unwrap().price.to_string()
    };
    assert_eq!([last(1), last(2), last(3)], ["178.27", "175.08", "181.12"]);
}

#[test]
fn prices_move_together_and_their_moves_have_heavy_tails() {
    let minutes = minutes(&run(1, START + 4 * HOUR));
    assert_eq!(minutes.len(), 30);
    let returns: Vec<BTreeMap<Millis, f64>> = minutes.values().map(returns).collect();

    let mut correlations = Vec::new();
    for (position, one) in returns.iter().enumerate() {
        correlations.extend(
            returns[..position]
                .iter()
                .map(|other| correlation(one, other)),
        );
    }
    let correlation = mean(correlations);
    assert!((0.1..0.8).contains(&correlation), "{correlation}");

    let kurtosis = mean(returns.iter().map(|returns| {
        let center = mean(returns.values().copied());
        let moment = |power| mean(returns.values().map(|value| (value - center).powi(power)));
        moment(4) / moment(2).powi(2)
    }));
    assert!(
        kurtosis > 4.0,
        "a normal distribution has 3, this has {kurtosis}"
    );

    // A session moves a stock by a few percent, not by a few thousandths or by half.
    let deviation = mean(
        returns
            .iter()
            .map(|returns| mean(returns.values().map(|value| value * value)).sqrt()),
    );
    let session = deviation * 390_f64.sqrt();
    println!("correlation {correlation}, kurtosis {kurtosis}, deviation of a session {session}");
    assert!((0.008..0.06).contains(&session), "{session}");
}

#[test]
fn a_story_moves_its_symbols() {
    let output = run(3, START + 4 * HOUR);
    let minutes = minutes(&output);
    let mut after = Vec::new();
    for output in &output {
        if let Output::News(news) = output
            && let [symbol] = news.symbols[..]
            && !matches!(
                news.kind,
                NewsType::Halt | NewsType::Resume | NewsType::Notice
            )
        {
            let prices = &minutes[&symbol];
            let minute = news.published / 60_000;
            if let (Some(before), Some(then)) =
                (prices.get(&(minute - 1)), prices.get(&(minute + 1)))
            {
                after.push((then / before).ln().abs());
            }
        }
    }
    let usual = mean(minutes.values().flat_map(|prices| {
        prices
            .iter()
            .filter_map(|(minute, from)| Some((prices.get(&(minute + 2))? / from).ln().abs()))
    }));
    assert!(after.len() > 100, "{}", after.len());
    let after = mean(after);
    println!("{after} after stories, {usual} usually");
    assert!(
        after > 2.0 * usual,
        "{after} after stories, {usual} usually"
    );
}

#[test]
fn good_ratings_lift_and_bad_ones_press() {
    let output = run(6, START + 6 * HOUR);
    let minutes = minutes(&output);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for output in &output {
        if let Output::News(news) = output
            && news.kind == NewsType::Rating
        {
            let prices = &minutes[&news.symbols[0]];
            let minute = news.published / 60_000;
            let around = (prices.get(&(minute - 1)), prices.get(&(minute + 1)));
            if let (Some(before), Some(then)) = around {
                let good_words = ["raises", "lifts", "outperform"];
                let is_good = good_words.iter().any(|word| news.headline.contains(word));
                let list = if is_good { &mut good } else { &mut bad };
                list.push((then / before).ln());
            }
        }
    }
    assert!(
        good.len() > 30 && bad.len() > 30,
        "{} {}",
        good.len(),
        bad.len()
    );
    let (good, bad) = (mean(good), mean(bad));
    assert!(
        good > 0.002 && bad < -0.002,
        "{good} after good ones, {bad} after bad ones"
    );
}

#[test]
fn sessions_open_lively_and_follow_one_another() {
    let output = run(5, START + 7 * HOUR);
    let ticks = |from: Millis, length: Millis| {
        let within = |output: &&Output| matches!(output, Output::Tick(tick) if (from..from + length).contains(&tick.time));
        output.iter().filter(within).count() as f64 / (length as f64 / 1_000.0)
    };
    let begin = (START - 2 * HOUR) / 60_000 * 60_000;
    let (open, middle) = (ticks(begin, 600_000), ticks(begin + 3 * HOUR, 600_000));
    assert!(
        open > 1.8 * middle,
        "{open} a second at the open, {middle} in the middle"
    );
    assert!((10.0..30.0).contains(&middle), "{middle}");
    assert!((10.0..30.0).contains(&ticks(START, 60_000)));

    let symbol: Symbol = "GOOG".parse().unwrap();
    let mut last = None;
    let mut sessions = Vec::new();
    for output in &output {
        match output {
            Output::Session(session)
                if session.symbol == symbol
                    && session.state == TradingState::Open
                    && sessions
                        .last()
                        .is_none_or(|(known, _): &(market::Session, _)| known != session) =>
            {
                sessions.push((session.clone(), last));
            }
            Output::Tick(tick) if tick.symbol == symbol => {
                last = tick.trade.map(|trade| trade.price).or(last);
            }
            _ => {}
        }
    }
    let (second, close) = &sessions[1];
    assert_eq!(sessions.len(), 2);
    assert_eq!(second.prev_close, *close);
    assert_ne!(second.open, sessions[0].0.open);
}

#[test]
fn best_prices_never_cross_and_trades_are_between_them() {
    for output in run(9, START + 600_000) {
        if let Output::Tick(tick) = output {
            let (
                Best::At {
                    price: bid,
                    size: Some(_),
                },
                Best::At { price: ask, .. },
            ) = (tick.bid, tick.ask)
            else {
                panic!("{tick:?}");
            };
            assert!(bid < ask, "{tick:?}");
            assert!(
                (ask.to_f64() - bid.to_f64()) / bid.to_f64() < 0.002,
                "{tick:?}"
            );
            if let Some(trade) = tick.trade {
                assert!(bid <= trade.price && trade.price <= ask, "{tick:?}");
                assert_eq!(trade.price.scale(), 2);
            }
        }
    }
}

#[test]
fn stories_are_of_many_kinds_and_are_marked_as_simulated() {
    let mut kinds = BTreeSet::new();
    let mut headlines = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut count = 0;
    let mut past = 0;
    for output in run(11, START + 4 * HOUR) {
        if let Output::News(news) = output {
            count += 1;
            past += usize::from(news.published < START);
            assert_eq!(news.source, "Simulated");
            assert!(news.summary.unwrap().starts_with("Simulated"));
            assert!(
                news.url
                    .unwrap()
                    .as_str()
                    .starts_with("https://example.com/")
            );
            assert!(ids.insert(news.id.clone()), "{} twice", news.id);
            assert!(news.id.starts_with("sim:"));
            assert_eq!(news.symbols.is_empty(), news.kind == NewsType::Macro);
            let filed = matches!(news.kind, NewsType::Filing | NewsType::Insider);
            assert_eq!(
                (news.form.is_some(), news.accession.is_some()),
                (filed, filed)
            );
            kinds.insert(news.kind.label());
            headlines.insert(news.headline);
        }
    }
    assert!(kinds.len() >= 13, "{kinds:?}");
    assert!((8..40).contains(&past), "{past} stories of the past");
    let live = (count - past) as Millis;
    assert!(
        (8_000..20_000).contains(&(4 * HOUR / live)),
        "{live} in four hours"
    );
    assert!(
        headlines.len() * 10 > count * 8,
        "{} of {count} differ",
        headlines.len()
    );
}

#[test]
fn a_halt_stands_until_it_is_lifted() {
    let mut halted: BTreeMap<Symbol, Vec<NewsType>> = BTreeMap::new();
    let mut whole = 0;
    for output in run(2, START + 6 * HOUR) {
        match output {
            Output::News(news) => {
                let Some(&symbol) = news.symbols.first() else {
                    continue;
                };
                if news.kind == NewsType::Halt {
                    assert_eq!(news.code.as_deref(), Some("T1"));
                    assert!(halted.insert(symbol, Vec::new()).is_none());
                } else if let Some(kinds) = halted.get_mut(&symbol) {
                    kinds.push(news.kind);
                }
            }
            Output::Session(session) => {
                let stopped = halted.contains_key(&session.symbol);
                match session.state {
                    TradingState::Halted => {
                        assert!(stopped);
                        assert_eq!(session.halt_code.as_deref(), Some("T1"));
                    }
                    _ if stopped => {
                        let kinds = halted.remove(&session.symbol).unwrap();
                        assert_eq!(kinds.len(), 2, "the news, then the resumption: {kinds:?}");
                        assert_eq!(kinds[1], NewsType::Resume);
                        assert_eq!(session.halt_code, None);
                        whole += 1;
                    }
                    _ => {}
                }
            }
            Output::Tick(tick) => assert!(!halted.contains_key(&tick.symbol), "{tick:?}"),
        }
    }
    assert!(whole > 5, "{whole}");
}

#[test]
fn a_gap_is_left_out() {
    let mut simulation = Simulation::new(4, START);
    while simulation.time() < START {
        simulation.step();
    }
    simulation.skip_to(START + 10 * HOUR);
    assert_eq!(simulation.time(), START + 10 * HOUR);
    let mut count = 0;
    for _ in 0..600 {
        for output in simulation.step() {
            if let Output::Tick(tick) = output {
                assert!(tick.time >= START + 10 * HOUR);
                count += 1;
            }
        }
    }
    assert!((200..1_500).contains(&count), "{count} in a minute");
}

#[tokio::test(start_paused = true)]
async fn the_past_is_on_the_tape_before_the_feed_is_live() {
    let tape = testing::tape();
    let mut reader = testing::listen(&tape);
    let publisher = Publisher::new(
        FeedContext::new(tape.clone(), testing::runtime_now()),
        stories::SOURCE,
    );
    let mut feed = Simulate::new(1);
    let run = feed.run(&publisher);
    tokio::pin!(run);
    let mut status = publisher.status();
    tokio::select! {
        end = &mut run => panic!("{end:?}"),
        live = status.wait_for(|status| status.state == FeedState::Live) => drop(live),
    }
    let mut bars: BTreeMap<Symbol, Vec<Bar>> = BTreeMap::new();
    let mut sessions = BTreeMap::new();
    let mut quotes = BTreeMap::new();
    let mut stories = 0;
    for event in reader.events() {
        match event {
            Event::Bar(bar) => bars.entry(bar.symbol).or_default().push(bar),
            Event::Session(session) => drop(sessions.insert(session.symbol, session)),
            Event::Quote(quote) => drop(quotes.insert(quote.symbol, quote)),
            Event::News(_) => stories += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((bars.len(), sessions.len(), quotes.len()), (30, 30, 30));
    assert!(stories >= 8, "{stories}");
    for (symbol, bars) in &bars {
        let (session, quote) = (&sessions[symbol], &quotes[symbol]);
        assert_eq!(session.quality, Quality::Simulated);
        assert!(bars.len() >= 110, "{symbol}: {}", bars.len());
        assert_eq!(Some(bars[0].open), session.open);
        assert!(
            bars.iter()
                .all(|bar| Some(bar.high) <= quote.high && Some(bar.low) >= quote.low)
        );
        let traded = bars.iter().fold(market::Size::ZERO, |sum, bar| {
            sum.checked_add(bar.volume).unwrap()
        });
        assert!(Some(traded) <= quote.volume, "{symbol}");
        assert!(START - quote.time < 120_000);
    }

    tokio::select! {
        end = &mut run => panic!("{end:?}"),
        () = sleep(Duration::from_secs(60)) => {}
    }
    let live = reader.events();
    assert!(live.iter().any(|event| matches!(event, Event::News(_))));
    assert!(
        live.iter()
            .filter(|event| matches!(event, Event::Bar(_)))
            .count()
            >= 25
    );
    assert!(
        live.iter()
            .any(|event| matches!(event, Event::Quote(quote) if quote.time > START + 59_000))
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leaps_neither_stops_it_nor_makes_it_burst() {
    let tape = testing::tape();
    let leap = Arc::new(AtomicI64::new(0));
    let (steady, leapt) = (testing::runtime_now(), Arc::clone(&leap));
    let now: clock::Now =
        Arc::new(move || steady().saturating_add_signed(leapt.load(Ordering::Relaxed)));
    let publisher = Publisher::new(FeedContext::new(tape.clone(), now), stories::SOURCE);
    let mut feed = Simulate::new(1);
    let run = feed.run(&publisher);
    tokio::pin!(run);
    for hours in [0, 5, -5] {
        leap.store(hours * HOUR as i64, Ordering::Relaxed);
        let before = tape.stats().appended;
        tokio::select! {
            end = &mut run => panic!("{end:?}"),
            () = sleep(Duration::from_secs(60)) => {}
        }
        let appended = tape.stats().appended - before;
        let expected = if hours == 0 { 3_800..6_000 } else { 200..2_000 };
        assert!(expected.contains(&appended), "{appended} at {hours} hours");
        // The market follows the clock.
        let newest = tape.view(|view| {
            let quotes = view.conflated(&Topic::Symbols);
            let times = quotes.filter_map(|(_, entry)| match &*entry.event {
                Event::Quote(quote) => Some(quote.time),
                _ => None,
            });
            times.max()
        });
        let now = publisher.now();
        let newest = newest.unwrap();
        assert!(newest <= now + 1_000 || hours < 0, "{newest} at {now}");
        let moved = tape.view(|view| {
            let quotes = view.conflated(&Topic::Symbols);
            let of_now = quotes.filter(|(_, entry)| match &*entry.event {
                Event::Quote(quote) => quote.time <= now && quote.time + 61_000 > now,
                _ => false,
            });
            of_now.count()
        });
        assert!(
            moved >= 10,
            "{moved} stocks have a price of the last minute"
        );
    }
}
