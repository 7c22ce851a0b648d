//! Bars are the same wherever the seam between the archive and the tape is, and without an archive.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use archive::{Archive, FoundNews, Importer, Keep, Options, Print, Split};
use jiff::tz::TimeZone;
use market::{
    Clock, Price, Quality, Quote, Roll, Session, Tick, Trade, TradeEligibility, TradingState,
};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;
use crate::NewsFilter;
use events::{
    Draft,
    testing::{START, tape},
};

const MINUTE: Millis = Bar::INTERVAL;
const HOUR: Millis = 60 * MINUTE;
/// A whole day.
const DAY: Millis = START - START % (24 * HOUR);

fn symbol() -> Symbol {
    "GOOG".parse().unwrap()
}

fn bar(minute: u64, close: &str, volume: &str) -> Bar {
    let price: Price = close.parse().unwrap();
    Bar {
        symbol: symbol(),
        start: DAY + minute * MINUTE,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: volume.parse().unwrap(),
        vwap: Some(price),
        trades: 1,
    }
}

fn session(venue: Option<&str>) -> Event {
    Event::Session(Session {
        symbol: symbol(),
        name: "Alphabet".to_owned(),
        currency: None,
        venue: venue.map(str::to_owned),
        source: "test".to_owned(),
        quality: Quality::Live,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: None,
    })
}

/// An archive in a temporary folder, and its tape.
struct Shelf {
    archive: Archive,
    tape: Tape,
    minutes: Minutes,
    runtime: Runtime,
    folder: PathBuf,
}

impl Shelf {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-bars-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        let zone = |session: &Session| Calendar::of(session.venue.as_deref()).zone().clone();
        // Otherwise, data older than a week is removed at some moment in the background.
        let keep = Keep {
            ticks: None,
            ..Keep::default()
        };
        let options = Options {
            zone,
            keep,
            ..Options::new(Arc::new(|| START))
        };
        let (archive, opened) = Archive::open(&folder, "test.db", options).unwrap();
        let limits = tape::Limits {
            entries: 10_000,
            bytes: usize::MAX,
            topic_bytes: 0,
            age_ms: u64::MAX,
        };
        Shelf {
            tape: Tape::new(opened.start.max(START), opened.mark, limits),
            archive,
            minutes: Minutes::default(),
            runtime: Runtime::new().unwrap(),
            folder,
        }
    }

    fn append(&self, event: Event) -> (EventId, Arc<Event>) {
        let event = Draft::new(event);
        let kept = Arc::clone(event.event());
        (
            self.tape.append_all(START, |batch| event.append(batch)),
            kept,
        )
    }

    fn write(&self, events: &[(EventId, Arc<Event>)]) {
        let written = self.archive.commit(events.to_vec());
        self.runtime.block_on(written).unwrap();
    }

    fn import(&self, interval: Interval, zone: Option<&str>, bars: &[Bar]) {
        let mut importer = Importer::open(&self.folder, "test.db").unwrap();
        if let Some(zone) = zone {
            let zone = TimeZone::get(zone).unwrap();
            importer.zone(symbol(), &zone).unwrap();
        }
        importer.bars(interval, bars).unwrap();
    }

    fn query(&self, past: Option<&dyn Past>, interval: Interval, now: Millis) -> Bars {
        let query = BarQuery {
            symbol: symbol(),
            interval,
            starts: 0..Millis::MAX,
            limit: 100_000,
            now,
            adjust: Adjust::default(),
        };
        read_bars(past, &self.tape, &self.minutes, &query).unwrap()
    }

    fn read(&self, interval: Interval) -> Bars {
        self.query(Some(&self.archive), interval, START)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn append(tape: &Tape, bar: Bar) -> EventId {
    let draft = Draft::new(Event::Bar(bar));
    tape.append_all(START, |batch| draft.append(batch))
}

/// An open minute has one more trade.
fn quote(minute: u64) -> Event {
    Event::Quote(Quote::new(symbol(), DAY + minute * MINUTE + 30_000))
}

fn read(tape: &Tape, interval: Interval, limit: usize) -> Bars {
    let query = BarQuery {
        symbol: symbol(),
        interval,
        starts: 0..Millis::MAX,
        limit,
        now: START,
        adjust: Adjust::default(),
    };
    read_bars(None, tape, &Minutes::default(), &query).unwrap()
}

fn closes(bars: &Bars) -> Vec<(u64, String)> {
    let minute = |bar: &Bar| (bar.start - DAY) / MINUTE;
    bars.bars
        .iter()
        .map(|bar| (minute(bar), bar.close.to_string()))
        .collect()
}

fn volumes(bars: &Bars) -> Vec<String> {
    bars.bars.iter().map(|bar| bar.volume.to_string()).collect()
}

fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected
        .iter()
        .map(|(minute, close)| (*minute, (*close).to_owned()))
        .collect()
}

#[test]
fn the_tape_goes_on_where_the_archive_ends() {
    let shelf = Shelf::new();
    let bars = [1, 2].map(|minute| {
        let close = minute.to_string();
        shelf.append(Event::Bar(bar(minute, &close, "1")))
    });
    shelf.write(&bars);
    // The second minute was corrected since.
    shelf.import(
        Interval::Minute,
        None,
        &[bar(0, "0", "1"), bar(2, "2.5", "1")],
    );
    append(&shelf.tape, bar(3, "3", "1"));
    let all = shelf.read(Interval::Minute);
    let expected = [(0, "0"), (1, "1"), (2, "2.5"), (3, "3")];
    assert_eq!(closes(&all), pairs(&expected));
    assert!(!all.more);
    let some = BarQuery {
        symbol: symbol(),
        interval: Interval::Minute,
        starts: 0..Millis::MAX,
        limit: 2,
        now: START,
        adjust: Adjust::default(),
    };
    let some = read_bars(Some(&shelf.archive), &shelf.tape, &shelf.minutes, &some).unwrap();
    assert_eq!(closes(&some), pairs(&[(2, "2.5"), (3, "3")]));
    assert!(some.more);
    let alone = read(&shelf.tape, Interval::Minute, 10);
    assert_eq!(closes(&alone), pairs(&[(1, "1"), (2, "2"), (3, "3")]));
}

#[test]
fn an_open_minute_is_left_out_until_its_bar_is_published_or_it_is_long_over() {
    let shelf = Shelf::new();
    let first = shelf.append(Event::Bar(bar(0, "1", "1")));
    let growing = shelf.append(quote(1));
    let trade = |minute: u64| {
        shelf.archive.trade(Print {
            symbol: symbol(),
            time: DAY + minute * MINUTE + 1,
            trade: Trade::new("1".parse().unwrap(), Some("1".parse().unwrap())),
            feed: None,
        });
    };
    trade(0);
    trade(1);
    shelf.write(&[first, growing]);
    let at = |interval, now| {
        let bars = shelf.query(Some(&shelf.archive), interval, now);
        (closes(&bars), volumes(&bars), bars.until)
    };
    let until = Some(DAY + MINUTE);
    let one = vec!["1".to_owned()];
    let soon = DAY + 2 * MINUTE;
    assert_eq!(
        at(Interval::Minute, soon),
        (pairs(&[(0, "1")]), one.clone(), None)
    );
    assert_eq!(at(Interval::Hour, soon), (pairs(&[(0, "1")]), one, until));
    // There may be no further trade, as on a Friday evening.
    let late = soon + Board::GRACE;
    assert_eq!(at(Interval::Minute, late).0, pairs(&[(0, "1"), (1, "1")]));
    assert_eq!(at(Interval::Hour, late).1, ["2"]);
    append(&shelf.tape, bar(1, "2", "5"));
    assert_eq!(at(Interval::Minute, soon).0, pairs(&[(0, "1"), (1, "2")]));
    assert_eq!(at(Interval::Hour, soon).1, ["6"]);
}

#[test]
fn a_minute_that_was_corrected_on_the_tape_is_there_once() {
    let tape = tape();
    for (minute, close) in [(1, "1"), (2, "2"), (1, "1.5")] {
        append(&tape, bar(minute, close, "1"));
    }
    let bars = read(&tape, Interval::Minute, 10);
    assert_eq!(closes(&bars), pairs(&[(1, "1.5"), (2, "2")]));
}

#[test]
fn longer_bars_are_added_up_from_minutes_and_the_last_has_its_end() {
    let tape = tape();
    for (minute, close, volume) in [
        (3, "10.00", "100"),
        (4, "12.00", "300"),
        (5, "9.00", "1"),
        (7, "8.00", "3"),
    ] {
        append(&tape, bar(minute, close, volume));
    }
    let bars = read(&tape, Interval::FiveMinutes, 10);
    assert_eq!(closes(&bars), pairs(&[(0, "12.00"), (5, "8.00")]));
    let first = &bars.bars[0];
    let price = |text: &str| text.parse::<Price>().unwrap();
    assert_eq!(
        (first.open, first.high, first.low),
        (price("10"), price("12"), price("10"))
    );
    assert_eq!(
        (volumes(&bars), first.trades),
        (vec!["400".to_owned(), "4".to_owned()], 2)
    );
    assert_eq!(first.vwap.unwrap().to_string(), "11.5000");
    assert_eq!(bars.until, Some(DAY + 8 * MINUTE));
    // With its last minute the bar is complete.
    append(&tape, bar(9, "7.00", "1"));
    assert_eq!(read(&tape, Interval::FiveMinutes, 10).until, None);
    // A part of a volume with an unknown turnover makes the average unknown.
    let unknown = Bar {
        vwap: None,
        ..bar(10, "7.00", "3")
    };
    append(&tape, unknown);
    append(&tape, bar(11, "7.00", "3"));
    let bars = read(&tape, Interval::FiveMinutes, 1);
    assert_eq!(
        (bars.bars[0].vwap, volumes(&bars)),
        (None, vec!["6".to_owned()])
    );
}

/// An archive that writes one more event of the tape after each reading.
struct Writing<'a> {
    shelf: &'a Shelf,
    events: &'a [(EventId, Arc<Event>)],
    next: AtomicUsize,
}

impl Past for Writing<'_> {
    fn written(&self) -> Option<EventId> {
        Past::written(&self.shelf.archive)
    }

    fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        starts: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable> {
        let bars = Past::bars(
            &self.shelf.archive,
            symbol,
            interval,
            starts,
            limit,
            overlay,
        );
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.shelf.write(&self.events[next..=next]);
        bars
    }

    fn splits(&self, symbol: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
        Past::splits(&self.shelf.archive, symbol, times)
    }

    fn news(&self, _: &NewsFilter, _: Option<EventId>, _: usize) -> Result<FoundNews, Unreadable> {
        Ok(FoundNews::default())
    }
}

#[test]
fn what_is_written_while_it_is_read_is_there_once() {
    for before in 0..9 {
        let shelf = Shelf::new();
        let events: Vec<_> = (0..12)
            .map(|minute| shelf.append(Event::Bar(bar(minute, "2", "10"))))
            .collect();
        shelf.write(&events[..before]);
        let writing = Writing {
            shelf: &shelf,
            events: &events,
            next: AtomicUsize::new(before),
        };
        let bars = shelf.query(Some(&writing), Interval::FiveMinutes, START);
        assert_eq!(
            volumes(&bars),
            ["50", "50", "20"],
            "{before} were written before"
        );
        assert!(writing.next.load(Ordering::Relaxed) > before);
    }
}

#[test]
fn a_day_that_was_imported_stands_whatever_is_traded_in_it() {
    let shelf = Shelf::new();
    let official = Bar {
        trades: 0,
        vwap: None,
        ..bar(0, "5", "1000")
    };
    shelf.import(Interval::Day, None, &[official]);
    let expected = (pairs(&[(0, "5")]), vec!["1000".to_owned()], None);
    let days = |shelf: &Shelf| {
        let bars = shelf.read(Interval::Day);
        (closes(&bars), volumes(&bars), bars.until)
    };
    assert_eq!(days(&shelf), expected);
    // With more than that minute and with less, before it is written and afterwards.
    for (minute, volume) in [(7, "4000"), (8, "1")] {
        let id = shelf.append(Event::Bar(bar(minute, "4", volume)));
        assert_eq!(days(&shelf), expected);
        shelf.write(&[id]);
        assert_eq!(days(&shelf), expected);
    }
    shelf.import(Interval::Minute, None, &[bar(9, "3", "1")]);
    assert_eq!(days(&shelf), expected);
    append(&shelf.tape, bar(24 * 60 + 1, "6", "2"));
    let (closes, volumes, until) = days(&shelf);
    assert_eq!(closes, pairs(&[(0, "5"), (24 * 60, "6")]));
    assert_eq!(
        (volumes, until),
        (
            vec!["1000".to_owned(), "2".to_owned()],
            Some(DAY + (24 * 60 + 2) * MINUTE)
        )
    );
}

#[test]
fn a_day_is_that_of_the_venue_with_an_archive_and_without_one() {
    // Midnight in New York, in summer.
    let midnight = 4 * 60;
    let minutes = [
        midnight - 1,
        midnight,
        midnight + 24 * 60 - 1,
        midnight + 24 * 60,
    ];
    let shelf = Shelf::new();
    let id = shelf.append(session(Some("NASDAQ")));
    for minute in minutes {
        append(&shelf.tape, bar(minute, "2", "1"));
    }
    let days = |bars: &Bars| {
        let starts: Vec<i64> = bars
            .bars
            .iter()
            .map(|bar| (bar.start as i64 - DAY as i64) / HOUR as i64)
            .collect();
        (starts, volumes(bars))
    };
    let expected = (
        vec![-20, 4, 28],
        ["1", "2", "1"].map(str::to_owned).to_vec(),
    );
    assert_eq!(days(&read(&shelf.tape, Interval::Day, 10)), expected);
    assert_eq!(
        days(&shelf.read(Interval::Day)),
        expected,
        "nothing is written"
    );
    shelf.write(&[id]);
    assert_eq!(days(&shelf.read(Interval::Day)), expected);
    // Of UTC if nothing else is known.
    let tape = tape();
    for minute in minutes {
        append(&tape, bar(minute, "2", "1"));
    }
    assert_eq!(
        closes(&read(&tape, Interval::Day, 10)),
        pairs(&[(0, "2"), (24 * 60, "2")])
    );
}

#[test]
fn a_split_is_taken_out_on_both_sides_of_the_seam() {
    let shelf = Shelf::new();
    let id = shelf.append(Event::Bar(bar(0, "40", "5")));
    shelf.write(&[id]);
    append(&shelf.tape, bar(1, "44", "5"));
    append(&shelf.tape, bar(2, "11", "20"));
    let split = |minute, ratio: &str| Split {
        symbol: symbol(),
        time: DAY + minute * MINUTE,
        ratio: ratio.parse().unwrap(),
    };
    let mut importer = Importer::open(&shelf.folder, "test.db").unwrap();
    // The second one is announced: it does not count before its time.
    importer.split(&split(2, "4")).unwrap();
    importer.split(&split(60, "2")).unwrap();
    let read = |adjust| {
        let query = BarQuery {
            symbol: symbol(),
            interval: Interval::Minute,
            starts: 0..Millis::MAX,
            limit: 9,
            now: DAY + 3 * MINUTE,
            adjust,
        };
        read_bars(Some(&shelf.archive), &shelf.tape, &shelf.minutes, &query).unwrap()
    };
    let adjusted = read(Adjust::Splits);
    assert_eq!(closes(&adjusted), pairs(&[(0, "10"), (1, "11"), (2, "11")]));
    assert_eq!(volumes(&adjusted), ["20", "20", "20"]);
    let raw = read(Adjust::None);
    assert_eq!(closes(&raw), pairs(&[(0, "40"), (1, "44"), (2, "11")]));
    assert_eq!(volumes(&raw), ["5", "5", "20"]);
}

#[test]
fn seconds_are_the_archives_alone() {
    let shelf = Shelf::new();
    append(&shelf.tape, bar(0, "1", "1"));
    shelf.import(Interval::Second, None, &[bar(0, "1", "1")]);
    let alone = read(&shelf.tape, Interval::Second, 9);
    assert_eq!(alone, Bars::default());
    assert_eq!(shelf.read(Interval::Second).bars.len(), 1);
}

/// The evening before clocks in New York go back: the next day has 25 hours.
const FALL: Millis = 1_730_602_800_000;
/// The evening before they go forward: the next day has 23.
const SPRING: Millis = 1_710_039_600_000;

fn any_trade() -> impl Strategy<Value = (Millis, Trade)> {
    let wait = prop_oneof![
        4 => 0..20_000_u64,
        3 => 30_000..200_000_u64,
        2 => HOUR..8 * HOUR,
    ];
    let moves = prop_oneof![
        3 => Just(TradeEligibility::ALL),
        1 => Just(TradeEligibility { last: false, range: false, volume: true }),
        1 => any::<(bool, bool, bool)>().prop_map(|(last, range, volume)| TradeEligibility { last, range, volume }),
    ];
    let size = proptest::option::weighted(0.9, (0..5_000_i64, 0..3_u32));
    (wait, 9_000..11_000_i64, 0..4_u32, size, moves).prop_map(
        |(wait, price, scale, size, moves)| {
            let size = size.map(|(size, scale)| rust_decimal::Decimal::new(size, scale).into());
            let price = rust_decimal::Decimal::new(price, scale);
            let trade = Trade {
                moves,
                ..Trade::new(price.into(), size)
            };
            (wait, trade)
        },
    )
}

/// What is sent to the archive before an event, and the event.
struct Happened {
    prints: Vec<Print>,
    closed: Vec<market::Minute>,
    event: (EventId, Arc<Event>),
}

/// Passes trades to a board and a tape like a feed does. The trades may or may not be archived.
fn happen(
    shelf: &Shelf,
    start: Millis,
    trades: &[(Millis, Trade)],
    archived: bool,
) -> (Vec<Happened>, Vec<(Millis, Trade)>) {
    let mut board = Board::new();
    let mut happened = vec![Happened {
        prints: Vec::new(),
        closed: Vec::new(),
        event: shelf.append(session(Some("NYSE"))),
    }];
    let mut timed = Vec::new();
    let mut time = start;
    for (wait, trade) in trades {
        time += wait;
        timed.push((time, *trade));
        let mut tick = Tick::new(symbol(), time, Clock::Exchange);
        tick.trade = Some(*trade);
        let change = board.apply(&tick);
        let mut closed = Vec::new();
        for minute in change.minutes {
            shelf
                .minutes
                .add(minute.clone(), shelf.tape.view(|view| view.position()));
            let bar = minute.bar();
            closed.push(minute);
            if let Some(bar) = bar {
                happened.push(Happened {
                    prints: Vec::new(),
                    closed: std::mem::take(&mut closed),
                    event: shelf.append(Event::Bar(bar)),
                });
            }
        }
        let print = Print {
            symbol: symbol(),
            time,
            trade: *trade,
            feed: None,
        };
        happened.push(Happened {
            prints: archived.then_some(print).into_iter().collect(),
            closed,
            event: shelf.append(Event::Quote(change.quote)),
        });
    }
    (happened, timed)
}

/// The bars of the trades in minutes that have closed, from scratch.
fn from_scratch(trades: &[(Millis, Trade)], interval: Interval) -> Vec<Bar> {
    let open = trades.last().map_or(0, |(time, _)| minute(*time));
    let calendar = Calendar::UsStocks;
    let start_of = |time: Millis| match interval {
        Interval::Day => calendar.start_of(calendar.date(time)),
        _ => time - time % interval.millis(),
    };
    let mut rolls: BTreeMap<Millis, Roll> = BTreeMap::new();
    for (time, trade) in trades.iter().filter(|(time, _)| *time < open) {
        rolls.entry(start_of(*time)).or_default().add(*time, trade);
    }
    let bars = rolls
        .iter()
        .filter_map(|(start, roll)| roll.bar(symbol(), *start));
    bars.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bars_are_the_same_wherever_the_archive_ends(
        trades in proptest::collection::vec(any_trade(), 1..50),
        start in prop_oneof![Just(FALL), Just(SPRING)],
        archived: bool,
        stops in proptest::collection::vec(any::<proptest::sample::Index>(), 3),
    ) {
        let shelf = Shelf::new();
        let (happened, timed) = happen(&shelf, start, &trades, archived);
        let now = timed.last().map_or(0, |(time, _)| *time);
        let texts = |bars: &[Bar]| {
            let texts = bars.iter().map(|bar| serde_json::to_string(bar).unwrap());
            texts.collect::<Vec<_>>()
        };
        let mut stops: Vec<usize> = stops.iter().map(|stop| stop.index(happened.len() + 1)).collect();
        stops.extend([0, happened.len()]);
        stops.sort_unstable();
        let mut written = 0;
        for stop in stops {
            for event in &happened[written..stop] {
                event.closed.iter().cloned().for_each(|minute| shelf.archive.minute(minute));
                event.prints.iter().cloned().for_each(|print| shelf.archive.trade(print));
                shelf.write(std::slice::from_ref(&event.event));
            }
            written = stop;
            for interval in Interval::ALL.into_iter().skip(1) {
                let expected = texts(&from_scratch(&timed, interval));
                let read = shelf.query(Some(&shelf.archive), interval, now);
                prop_assert_eq!(texts(&read.bars), expected.clone(), "{} with {} written", interval, stop);
                let alone = shelf.query(None, interval, now);
                prop_assert_eq!(texts(&alone.bars), expected, "{} without an archive", interval);
                prop_assert_eq!(read.until, alone.until);
            }
        }
    }
}

/// Days before the one of the tests.
fn days_before(count: u64) -> Vec<Bar> {
    let days = (1..=count).rev().map(|ago| Bar {
        start: DAY - ago * 24 * HOUR,
        ..bar(0, "7", "1")
    });
    days.collect()
}

#[test]
fn where_there_are_no_older_bars_the_interval_of_older_ones_is_reported() {
    let shelf = Shelf::new();
    let older = |interval, limit| {
        let query = BarQuery {
            symbol: symbol(),
            interval,
            starts: 0..Millis::MAX,
            limit,
            now: START,
            adjust: Adjust::Splits,
        };
        let past: &dyn Past = &shelf.archive;
        let (past, tape, minutes) = (Some(past), &shelf.tape, &shelf.minutes);
        let found = read_bars(past, tape, minutes, &query).unwrap();
        older_interval(past, tape, minutes, &query, &found).unwrap()
    };
    assert_eq!(older(Interval::Minute, 10), None);
    shelf.import(Interval::Day, None, &days_before(40));
    assert_eq!(older(Interval::Minute, 10), Some(Interval::Day));
    assert_eq!(older(Interval::Day, 10), Some(Interval::Day));
    assert_eq!(older(Interval::Day, 40), None);
    // The hour and the day of a minute that was found are not older than it.
    let minutes = [bar(90, "5", "1"), bar(91, "6", "1")];
    shelf.import(Interval::Minute, None, &minutes);
    assert_eq!(older(Interval::Minute, 1), Some(Interval::Minute));
    assert_eq!(older(Interval::Minute, 10), Some(Interval::Day));
    shelf.import(Interval::Hour, None, &[bar(0, "5", "1")]);
    assert_eq!(older(Interval::Minute, 10), Some(Interval::Hour));
}

#[test]
fn a_span_has_longer_bars_for_the_times_that_have_no_others() {
    let shelf = Shelf::new();
    shelf.import(Interval::Day, None, &days_before(40));
    // Three days ago there are only hours; today there are minutes.
    let hours = [DAY - 60 * HOUR, DAY - 59 * HOUR].map(|start| Bar {
        start,
        ..bar(0, "5", "1")
    });
    shelf.import(Interval::Hour, None, &hours);
    shelf.import(Interval::Minute, None, &[bar(90, "6", "1")]);
    let query = BarQuery {
        symbol: symbol(),
        interval: Interval::Hour,
        starts: 0..Millis::MAX,
        limit: 720,
        now: START,
        adjust: Adjust::Splits,
    };
    let month = 720 * HOUR;
    let (tape, minutes) = (&shelf.tape, &shelf.minutes);
    let found = read_span(Some(&shelf.archive), tape, minutes, &query, month).unwrap();
    let starts: Vec<(Interval, Millis)> = found
        .iter()
        .map(|(interval, bar)| (*interval, bar.start))
        .collect();
    assert!(starts.is_sorted_by_key(|(_, start)| *start), "{starts:?}");
    let newest: Vec<_> = starts.iter().rev().take(5).copied().collect();
    assert_eq!(
        newest,
        [
            (Interval::Hour, DAY + HOUR),
            (Interval::Day, DAY - 24 * HOUR),
            (Interval::Day, DAY - 48 * HOUR),
            (Interval::Hour, DAY - 59 * HOUR),
            (Interval::Hour, DAY - 60 * HOUR),
        ]
    );
    let days = starts.iter().filter(|(it, _)| *it == Interval::Day);
    assert_eq!(
        days.count(),
        30 - 2,
        "today's bars and those of the hours come from these"
    );
}
