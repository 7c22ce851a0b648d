use market::{Price, Size};

use super::*;
use crate::format::figures::tests::symbol;

pub(crate) fn bar(start: Millis, close: &str) -> Bar {
    let price: Price = close.parse().unwrap();
    Bar {
        symbol: symbol("GOOG"),
        start,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Size::ZERO,
        vwap: None,
        trades: 1,
    }
}

fn point(time: Millis, price: f64) -> PricePoint {
    PricePoint {
        time,
        price,
        volume: 1.0,
    }
}

fn of(range: Range) -> Missing {
    Missing::of_range(symbol("GOOG"), range, true, 0)
}

fn fill(path: &mut PricePath, bars: &[Bar]) {
    path.fill(of(Range::Day), bars, None, None);
}

fn times(path: &PricePath) -> Vec<Millis> {
    path.points()
        .iter()
        .map(|sample| sample.time as Millis)
        .collect()
}

#[test]
fn a_bar_stands_for_the_prices_that_were_not_heard() {
    let mut path = PricePath::default();
    path.add(point(10_000, 1.0));
    // Of its own minute a price was received; of the next two none was.
    assert_eq!(path.add_bar(&bar(0, "2")), None);
    for (start, close) in [(60_000, "3"), (120_000, "4")] {
        assert!(matches!(
            path.add_bar(&bar(start, close)),
            Some(Added::Newest(_))
        ));
    }
    path.add(point(185_000, 5.0));
    assert_eq!(times(&path), [10_000, 120_000, 180_000, 185_000]);
}

#[test]
fn a_bar_of_a_minute_of_which_nothing_was_heard_stands_before_the_prices_of_later_ones() {
    let mut path = PricePath::default();
    path.add(point(310_000, 1.0));
    for start in [0, 60_000, 180_000, 120_000] {
        assert_eq!(path.add_bar(&bar(start, "2")), Some(Added::Between));
        assert_eq!(path.add_bar(&bar(start, "2")), None);
    }
    assert_eq!(times(&path), [60_000, 120_000, 180_000, 240_000, 310_000]);
    path.add(point(370_000, 1.0));
    assert_eq!(
        path.add_bar(&bar(300_000, "2")),
        None,
        "its price was heard"
    );
}

#[test]
fn bars_come_before_prices_without_a_gap_or_a_double() {
    let mut path = PricePath::default();
    path.add(point(150_000, 1.5));
    path.add(point(190_000, 1.6));
    assert_eq!(times(&path), [150_000, 190_000]);
    // The bar of the third minute ended at 180,000, after the first price that is kept.
    fill(
        &mut path,
        &[bar(0, "1"), bar(60_000, "1.2"), bar(120_000, "1.55")],
    );
    assert_eq!(times(&path), [60_000, 120_000, 150_000, 190_000]);
}

#[test]
fn a_bar_that_closed_while_bars_were_fetched_is_kept_once() {
    let mut path = PricePath::default();
    path.add_bar(&bar(60_000, "2"));
    path.add_bar(&bar(120_000, "3"));
    fill(&mut path, &[bar(0, "1"), bar(60_000, "2")]);
    assert_eq!(times(&path), [60_000, 120_000, 180_000]);
}

#[test]
fn bars_of_other_lengths_stand_in_one_row_with_the_minutes() {
    let mut path = PricePath::default();
    fill(
        &mut path,
        &[bar(840_000, "15"), bar(900_000, "16"), bar(960_000, "17")],
    );
    path.add(point(1_025_000, 18.0));
    // The last is not over: two minutes of it have closed.
    let quarters = [bar(0, "15"), bar(900_000, "17")];
    path.fill(of(Range::Week), &quarters, Some(1_020_000), None);
    assert_eq!(times(&path), [900_000, 960_000, 1_020_000, 1_025_000]);
    let seconds: Vec<Bar> = (0..5).map(|n| bar(1_018_000 + n * 1_000, "17")).collect();
    path.fill(of(Range::Minute), &seconds, None, None);
    assert_eq!(
        times(&path),
        [
            900_000, 960_000, 1_019_000, 1_020_000, 1_021_000, 1_022_000, 1_023_000, 1_025_000
        ]
    );
}

#[test]
fn a_range_is_filled_by_a_longer_one_of_the_same_bars() {
    let mut path = PricePath::default();
    path.fill(of(Range::Day), &[], None, None);
    for (range, archived, filled) in [
        (Range::Day, true, true),
        (Range::Hour, true, true),
        (Range::Minute, true, false),
        (Range::Minute, false, true),
        (Range::Week, false, false),
    ] {
        assert_eq!(
            path.is_filled(range, archived),
            filled,
            "{range} {archived}"
        );
    }
    path.forget_filled();
    assert!(!path.is_filled(Range::Day, true));
}

/// What is lacking to somebody who looks from a minute on.
fn lacks(path: &PricePath, range: Range, from: Millis, moved: bool) -> Option<Missing> {
    path.before(of(range), ((from * 60_000) as f64, moved), true)
}

/// Bars from before the first that is there.
fn fill_before(path: &mut PricePath, bars: &[Bar], older: Option<Interval>) {
    let missing = lacks(path, Range::Day, 0, true).unwrap();
    path.fill(missing, bars, None, Some(older));
}

#[test]
fn bars_are_missing_before_the_first_until_there_are_no_older_ones_or_no_room() {
    let minute = 60_000;
    let older = Some(Interval::Minute);
    let minutes = |range: std::ops::Range<Millis>| -> Vec<Bar> {
        range.map(|n| bar(n * minute, "2")).collect()
    };
    let day = |path: &PricePath, from: Millis| {
        let missing = lacks(path, Range::Day, from, false)?;
        assert_eq!((missing.interval, missing.limit), (Interval::Minute, 1_440));
        missing.before
    };
    let mut path = PricePath::default();
    assert_eq!(day(&path, 0), None, "nothing is known yet");
    path.fill(
        of(Range::Day),
        &minutes(100_000..101_440),
        None,
        Some(older),
    );
    assert_eq!(day(&path, 99_998), None, "the newest has only begun");
    assert_eq!(day(&path, 99_997), Some(100_000 * minute));
    fill_before(&mut path, &minutes(98_560..100_000), older);
    assert_eq!(day(&path, 99_997), None);
    assert_eq!(day(&path, 98_000), Some(98_560 * minute));
    assert_eq!(path.points().len(), 2 * 1_440);
    let mut short = path.clone();
    fill_before(&mut short, &minutes(98_000..98_560), None);
    assert_eq!(day(&short, 0), None, "these were all");
    short.fill(
        of(Range::Week),
        &[],
        None,
        Some(Some(Interval::QuarterHour)),
    );
    let week = lacks(&short, Range::Week, 0, false).unwrap();
    assert_eq!(week.before, Some(98_000 * minute));
    assert_eq!(week.interval, Interval::QuarterHour);

    while let Some(first) = day(&path, 0) {
        let first = first / minute;
        fill_before(&mut path, &minutes(first - 1_440..first), older);
        assert!(path.bars.len() <= BARS);
    }
    assert!(path.bars.len() > BARS - 1_440);
}

#[test]
fn where_there_are_no_older_bars_longer_ones_are_missing() {
    let day = Interval::Day.millis() / 60_000;
    let now = 100 * day;
    let mut path = PricePath::default();
    let start = (now - 60) * 60_000;
    path.fill(of(Range::Day), &[bar(start, "2")], None, None);
    // Not known yet: the page asks once the person scrolls there.
    assert_eq!(lacks(&path, Range::Day, now - day, false), None);
    let missing = lacks(&path, Range::Day, now - day, true).unwrap();
    assert_eq!(missing.interval, Interval::Minute);
    path.fill(missing, &[], None, Some(Some(Interval::Day)));
    // The day before the minutes of today does not fit into a range of a day; scrolling further back shows it.
    assert_eq!(lacks(&path, Range::Day, now - day, false), None);
    let missing = lacks(&path, Range::Day, now - day, true).unwrap();
    assert_eq!(missing.interval, Interval::Day);
    assert_eq!(missing.before, Some(start));
    assert_eq!(lacks(&path, Range::Day, now - 59, true), None);
    // Into a week it fits.
    let week = lacks(&path, Range::Week, now - 7 * day, false).unwrap();
    assert_eq!(week.interval, Interval::Day);
    // Those of a range are not shorter than its own.
    path.fill(of(Range::Minute), &[], None, Some(Some(Interval::Second)));
    let day_again = lacks(&path, Range::Day, 0, false).unwrap();
    assert_eq!(day_again.interval, Interval::Minute);
    let days: Vec<Bar> = (1..90).map(|n| bar(n * day * 60_000, "3")).collect();
    path.fill(missing, &days, None, Some(None));
    assert_eq!(path.points().len(), 90);
    assert_eq!(lacks(&path, Range::Day, 0, true), None, "these were all");
}

#[test]
fn an_hour_that_was_slept_is_filled_between_what_was_heard_before_and_after() {
    let mut path = PricePath::default();
    let minute = 60_000;
    for time in [
        10_000,
        40_000,
        70_000,
        61 * minute + 5_000,
        61 * minute + 9_000,
    ] {
        path.add(point(time, 1.0));
    }
    // What came by the stream at once, and what is fetched then, agree.
    let slept: Vec<Bar> = (0..61).map(|n| bar(n * minute, "2")).collect();
    for bar in &slept[50..] {
        path.add_bar(bar);
    }
    fill(&mut path, &slept);
    let times = times(&path);
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(gap <= Some(2 * minute), "{times:?}");
    assert_eq!(times[..4], [10_000, 40_000, 70_000, 180_000]);
    assert_eq!(times.len(), 3 + 59 + 2);
}

#[test]
fn a_corrected_bar_takes_the_place_of_what_it_was() {
    let mut path = PricePath::default();
    path.add_bar(&bar(0, "1"));
    assert!(matches!(
        path.add_bar(&bar(60_000, "2")),
        Some(Added::Newest(_))
    ));
    assert_eq!(path.add_bar(&bar(0, "1.5")), Some(Added::Corrected));
    assert_eq!(path.add_bar(&bar(0, "1.5")), None);
    assert_eq!(path.points()[0].close, 1.5);
    assert_eq!(times(&path), [60_000, 120_000]);
}

/// When each begins or is, and what was traded.
fn spans(path: &PricePath, interval: Interval) -> Vec<(f64, f64)> {
    let spans = path.spans(interval);
    spans.iter().map(|span| (span.time, span.volume)).collect()
}

fn traded(start: Millis, volume: &str) -> Bar {
    Bar {
        volume: volume.parse().unwrap(),
        ..bar(start, "2")
    }
}

#[test]
fn candles_are_made_of_bars_and_of_what_came_since() {
    let mut path = PricePath::default();
    for time in [30_000, 90_000, 130_000] {
        path.add(point(time, 1.0));
    }
    fill(&mut path, &[traded(0, "10"), traded(60_000, "20")]);
    let minutes = [(60_000.0, 10.0), (120_000.0, 20.0), (130_000.0, 1.0)];
    assert_eq!(spans(&path, Interval::Minute), minutes);
    // The last is not over.
    let quarter = [traded(0, "30")];
    path.fill(of(Range::Week), &quarter, Some(120_000), None);
    let quarters = [(120_000.0, 30.0), (130_000.0, 1.0)];
    assert_eq!(spans(&path, Interval::QuarterHour), quarters);
    assert_eq!(spans(&path, Interval::Minute), minutes);
    // Of seconds, where there are some; single prices have more detail than the bar of their minute.
    let seconds = [traded(61_000, "5"), traded(119_000, "15")];
    path.fill(of(Range::Minute), &seconds, None, None);
    assert_eq!(
        spans(&path, Interval::Second),
        [
            (30_000.0, 1.0),
            (62_000.0, 5.0),
            (90_000.0, 1.0),
            (120_000.0, 15.0),
            (130_000.0, 1.0)
        ]
    );
    assert_eq!(spans(&path, Interval::Minute), minutes);
}

#[test]
fn closes_fill_in_for_prices_that_were_dropped() {
    let mut path = PricePath::default();
    for second in 0..3 * RECENT as Millis {
        path.add(point(second * 1_000, 1.0));
        if second % 60 == 59 {
            path.add_bar(&bar((second - 59) * 1_000, "1"));
        }
    }
    let times = times(&path);
    assert!(times.is_sorted_by(|a, b| a < b));
    assert_eq!(times[0], 60_000);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 60_000));
}

#[test]
fn a_trade_of_an_older_moment_than_its_quote_starts_nothing_over() {
    let mut path = PricePath::default();
    let hour = 3_600_000;
    path.add(point(20 * hour, 1.0));
    assert_eq!(path.add_as_of(point(hour, 2.0), 21 * hour), Added::Late);
    assert_eq!(times(&path), [20 * hour]);
}

#[test]
fn late_prices_are_left_out_and_a_new_run_starts_over() {
    let mut path = PricePath::default();
    path.add(point(1_000_000, 1.0));
    assert_eq!(path.add(point(999_000, 1.0)), Added::Late);
    assert_eq!(
        path.add(point(1_000_000, 2.0)),
        Added::Newest(point(1_000_000, 2.0))
    );
    path.add_bar(&bar(900_000, "1"));
    assert_eq!(path.add(point(10_000, 3.0)), Added::StartedOver);
    assert_eq!(path.points(), [Sample::from(point(10_000, 3.0))]);
    assert!(!path.is_filled(Range::Day, false));
}
