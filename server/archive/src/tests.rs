//! Bars made in any order of events equal bars made from scratch.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use market::{
    Bar, Board, Clock, Correction, Interval, Millis, Roll, Symbol, Tick, Trade, TradeEligibility,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::{
    Keep, Print, Reader,
    coding::Ids,
    database::Database,
    retain::{Retainer, Step},
    roll,
    write::Tally,
    zone,
};

/// An archive without its thread, so that a test decides the order of events.
struct Bench {
    folder: PathBuf,
    database: Option<Database>,
}

const NAMES: [&str; 2] = ["A", "B"];
/// A day on which clocks in New York go back, and the night before.
const START: Millis = 1_793_500_000_000;
const KOLKATA: &str = "Asia/Kolkata";

fn symbol(index: usize) -> Symbol {
    NAMES[index].parse().unwrap()
}

/// The zones of the symbols' days.
fn zone_of(index: usize) -> jiff::tz::TimeZone {
    zone::named(Some(["America/New_York", KOLKATA][index]))
}

impl Bench {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-bars-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut bench = Bench {
            folder,
            database: None,
        };
        bench.reopen();
        let database = bench.database();
        database
            .transact(|database| {
                for index in 0..NAMES.len() {
                    database.set_zone(symbol(index), &zone_of(index))?;
                }
                Ok(())
            })
            .unwrap();
        bench
    }

    fn database(&mut self) -> &mut Database {
        self.database.as_mut().unwrap()
    }

    /// Leaves the file without closing it, and opens it again.
    fn reopen(&mut self) {
        self.database = None;
        let database = Database::open(&self.folder.join("bars.db"), Duration::ZERO).unwrap();
        // Tests have no power cuts.
        database
            .connection
            .pragma_update(None, "synchronous", "OFF")
            .unwrap();
        self.database = Some(database);
    }

    fn write(&mut self, ticks: &[Reported]) -> Tally {
        let mut tally = Tally::default();
        self.database()
            .transact(|database| {
                database.refresh()?;
                for tick in ticks {
                    match tick {
                        Reported::Trade(print) => database.trade(print, &mut tally)?,
                        Reported::Correction(correction) => {
                            database.correct(correction, None, &mut tally)?;
                        }
                    }
                }
                database.store_sequence()
            })
            .unwrap();
        tally
    }

    fn roll(&mut self, now: Millis, limit: usize) -> usize {
        self.database()
            .transact(|database| {
                database.refresh()?;
                roll::roll(&database.connection, now, limit)
            })
            .unwrap()
    }

    fn retain(&mut self, keep: &Keep, now: Millis) -> Step {
        self.database()
            .transact(|database| {
                Retainer::default().step(&database.connection, Ids { mark: 1 }, keep, now)
            })
            .unwrap()
    }

    fn bars(&self) -> BTreeMap<(Interval, usize), Vec<Bar>> {
        let reader = Reader::new(
            self.folder.join("bars.db"),
            Ids { mark: 1 },
            std::sync::Arc::default(),
        );
        let mut bars = BTreeMap::new();
        for interval in Interval::ALL {
            for index in 0..NAMES.len() {
                let read = reader.bars(symbol(index), interval, 0..Millis::MAX, usize::MAX);
                bars.insert((interval, index), read.unwrap());
            }
        }
        bars
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.database = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[derive(Debug, Clone)]
enum Reported {
    Trade(Print),
    Correction(Correction),
}

/// An event in the life of an archive.
#[derive(Debug, Clone)]
enum Happening {
    Trade {
        index: usize,
        time: Millis,
        trade: Trade,
    },
    /// The trade that came so many before is reported again, or is corrected.
    Again(usize),
    Correct(usize, Option<Trade>),
    /// The queued data is on disk.
    Commit,
    /// The queued data is lost.
    Crash,
    /// Bars are rolled up, a few at a time, at that time after the first trade.
    Roll(Millis, usize),
}

fn trade() -> impl Strategy<Value = Trade> {
    let moves = prop_oneof![
        4 => Just(TradeEligibility::ALL),
        1 => any::<(bool, bool, bool)>().prop_map(|(last, range, volume)| TradeEligibility { last, range, volume }),
    ];
    (
        9_000..11_000_i64,
        0..4_u32,
        proptest::option::of(0..500_i64),
        moves,
    )
        .prop_map(|(price, scale, size, moves)| Trade {
            moves,
            ..Trade::new(
                Decimal::new(price, scale).into(),
                size.map(|size| Decimal::new(size, 1).into()),
            )
        })
}

/// The times of the trades after the start: mostly close together, some hours and days apart.
const SPREAD: Millis = 3 * 24 * 60 * 60 * 1000;

fn steps() -> impl Strategy<Value = Vec<Happening>> {
    let time = prop_oneof![
        3 => 0..5_000_u64,
        3 => 0..400_000_u64,
        2 => 0..SPREAD,
    ];
    let step = prop_oneof![
        20 => (0..NAMES.len(), time, trade()).prop_map(|(index, time, trade)| Happening::Trade { index, time: START + time, trade }),
        2 => (0..30_usize).prop_map(Happening::Again),
        4 => (0..30_usize, proptest::option::of(trade())).prop_map(|(back, right)| Happening::Correct(back, right)),
        4 => Just(Happening::Commit),
        1 => Just(Happening::Crash),
        3 => (0..2 * SPREAD, 1..20_usize).prop_map(|(now, limit)| Happening::Roll(now, limit)),
    ];
    proptest::collection::vec(step, 1..120)
}

/// The valid trades, in the order of arrival, by symbol.
#[derive(Debug, Clone, Default)]
struct Model {
    standing: Vec<(usize, Millis, Option<Trade>)>,
}

impl Model {
    fn bars(&self) -> BTreeMap<(Interval, usize), Vec<Bar>> {
        let mut bars = BTreeMap::new();
        for interval in Interval::ALL {
            for index in 0..NAMES.len() {
                let mut rolls: BTreeMap<Millis, Roll> = BTreeMap::new();
                for (of, time, trade) in &self.standing {
                    if let Some(trade) = trade
                        && *of == index
                    {
                        let start = zone::span(interval, &zone_of(index), *time).0;
                        rolls.entry(start).or_default().add(*time, trade);
                    }
                }
                let rolled = rolls
                    .iter()
                    .filter_map(|(start, roll)| roll.bar(symbol(index), *start));
                bars.insert((interval, index), rolled.collect());
            }
        }
        bars
    }
}

/// Applies the events to an archive, and to a model in which a corrected trade keeps its place and has another number.
fn apply(bench: &mut Bench, steps: &[Happening]) -> Model {
    let mut kept = Model::default();
    let mut model = Model::default();
    let mut waiting = Vec::new();
    let mut numbers: Vec<Vec<u64>> = Vec::new();
    let mut kept_numbers = numbers.clone();
    let mut next_number = 0;
    for step in steps {
        match step {
            Happening::Trade { index, time, trade } => {
                next_number += 1;
                let trade = trade.with_id(next_number);
                model.standing.push((*index, *time, Some(trade)));
                numbers.push(vec![next_number]);
                waiting.push(Reported::Trade(Print {
                    symbol: symbol(*index),
                    time: *time,
                    trade,
                    feed: None,
                }));
            }
            Happening::Again(back) => {
                let Some(place) = model.standing.len().checked_sub(1 + back) else {
                    continue;
                };
                let (index, time, _) = model.standing[place];
                // Under any number that it has had.
                for number in &numbers[place] {
                    waiting.push(Reported::Trade(Print {
                        symbol: symbol(index),
                        time,
                        trade: Trade::new(Decimal::ONE.into(), None).with_id(*number),
                        feed: None,
                    }));
                }
            }
            Happening::Correct(back, right) => {
                let Some(place) = model.standing.len().checked_sub(1 + back) else {
                    continue;
                };
                let (index, time, standing) = &mut model.standing[place];
                let number = *numbers[place].last().unwrap();
                let right = right.map(|right| {
                    next_number += 1;
                    right.with_id(next_number)
                });
                if right.is_some() {
                    numbers[place].push(next_number);
                }
                *standing = right;
                waiting.push(Reported::Correction(Correction {
                    symbol: symbol(*index),
                    time: *time,
                    trade: number,
                    right,
                }));
            }
            Happening::Commit => {
                bench.write(&waiting);
                waiting.clear();
                (kept, kept_numbers) = (model.clone(), numbers.clone());
            }
            Happening::Crash => {
                waiting.clear();
                (model, numbers) = (kept.clone(), kept_numbers.clone());
                bench.reopen();
            }
            Happening::Roll(now, limit) => {
                bench.roll(START + now, *limit);
            }
        }
    }
    bench.write(&waiting);
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bars_by_any_way_are_bars_from_scratch(steps in steps()) {
        let mut bench = Bench::new();
        let model = apply(&mut bench, &steps);
        let expected = model.bars();
        prop_assert_eq!(&bench.bars(), &expected, "whatever is rolled up yet");
        while bench.roll(Millis::MAX >> 1, 1_000) > 0 {}
        prop_assert_eq!(&bench.bars(), &expected, "rolled up");
        let pending = roll::pending(&bench.database().connection).unwrap();
        prop_assert_eq!(pending, 0);
    }

    #[test]
    fn bars_of_a_minute_are_those_that_a_board_closes(
        trades in proptest::collection::vec((0..NAMES.len(), 0..9_000_u64, trade()), 1..150),
        commits in 1..40_usize,
    ) {
        let mut bench = Bench::new();
        let mut board = Board::new();
        let mut closed = Vec::new();
        let mut reports = Vec::new();
        let mut time = START;
        for (index, wait, trade) in trades {
            time += wait;
            let mut tick = Tick::new(symbol(index), time, Clock::Exchange);
            tick.trade = Some(trade);
            closed.extend(board.apply(&tick).bars());
            reports.push(Reported::Trade(Print { symbol: symbol(index), time, trade, feed: None }));
        }
        for some in reports.chunks(commits) {
            bench.write(some);
            bench.roll(time, 1_000);
        }
        closed.extend(board.finish().iter().filter_map(market::Minute::bar));
        closed.sort_by_key(|bar| (bar.symbol, bar.start));
        let bars = bench.bars();
        let bars = (0..NAMES.len()).flat_map(|index| &bars[&(Interval::Minute, index)]);
        prop_assert_eq!(bars.collect::<Vec<_>>(), closed.iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_is_removed_leaves_the_bars_above_as_they_are(
        steps in steps(),
        ticks in 0..SPREAD,
        minutes in 0..SPREAD,
        late in steps(),
    ) {
        let mut bench = Bench::new();
        apply(&mut bench, &steps);
        while bench.roll(Millis::MAX >> 1, 1_000) > 0 {}
        let before = bench.bars();
        let now = START + SPREAD;
        let keep = Keep { ticks: Some(ticks), minutes: Some(minutes), events: None, bytes: None };
        while bench.retain(&keep, now).more {}
        // A late trade in a removed span changes nothing that is kept.
        let old: Vec<Reported> = late
            .iter()
            .filter_map(|step| match step {
                Happening::Trade { index, time, trade } => {
                    Some(Reported::Trade(Print { symbol: symbol(*index), time: *time, trade: *trade, feed: None }))
                }
                _ => None,
            })
            .filter(|report| match report {
                Reported::Trade(print) => {
                    let minute = print.time - print.time % 60_000;
                    let index = NAMES.iter().position(|name| print.symbol == name.parse().unwrap()).unwrap();
                    minute + 60_000 <= now - ticks
                        && before[&(Interval::Minute, index)].iter().any(|bar| bar.start == minute)
                        && minutes > SPREAD / 2 && ticks < minutes
                }
                Reported::Correction(_) => false,
            })
            .collect();
        bench.write(&old);
        while bench.roll(Millis::MAX >> 1, 1_000) > 0 {}
        let after = bench.bars();
        for index in 0..NAMES.len() {
            for interval in [Interval::Hour, Interval::Day] {
                prop_assert_eq!(&after[&(interval, index)], &before[&(interval, index)]);
            }
            let kept = |interval: Interval, age: Millis| {
                let kept = |bar: &&Bar| bar.start >= now.saturating_sub(age);
                let of = |bars: &BTreeMap<_, Vec<Bar>>| {
                    bars[&(interval, index)].iter().filter(kept).cloned().collect::<Vec<_>>()
                };
                (of(&after), of(&before))
            };
            for interval in [Interval::Minute, Interval::FiveMinutes, Interval::QuarterHour] {
                let (after, before) = kept(interval, minutes);
                prop_assert_eq!(after, before);
            }
            let (after, before) = kept(Interval::Second, ticks);
            prop_assert_eq!(after, before);
            let gone = now.saturating_sub(ticks + 60_000);
            let seconds = &bench.bars()[&(Interval::Second, index)];
            prop_assert!(!old.is_empty() || seconds.iter().all(|bar| bar.start >= gone));
        }
    }
}

#[test]
fn a_minute_made_of_a_second_that_was_not_stored_yet_includes_its_end() {
    let mut bench = Bench::new();
    let trade = |wait: Millis, number| {
        let trade = Trade::new(Decimal::TEN.into(), None).with_id(number);
        Reported::Trade(Print {
            symbol: symbol(0),
            time: START + wait,
            trade,
            feed: None,
        })
    };
    bench.write(&[trade(0, 1), trade(1_000, 2)]);
    // One second, and the minute with both.
    let now = START + SPREAD;
    bench.roll(now, 1);
    bench.write(&[Reported::Correction(Correction {
        symbol: symbol(0),
        time: START,
        trade: 2,
        right: None,
    })]);
    while bench.roll(now, 1) > 0 {}
    for interval in Interval::ALL {
        let bars = &bench.bars()[&(interval, 0)];
        let trades: Vec<u64> = bars.iter().map(|bar| bar.trades).collect();
        assert_eq!(trades, [1], "{interval}");
    }
}
