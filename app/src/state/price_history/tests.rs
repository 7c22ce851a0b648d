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

fn fill(history: &mut PriceHistory, bars: &[Bar]) {
    history.fill(of(Range::Day), bars, None, None);
}

fn times(history: &PriceHistory) -> Vec<Millis> {
    history
        .points()
        .iter()
        .map(|sample| sample.time as Millis)
        .collect()
}

#[test]
fn a_bar_replaces_prices_that_were_not_received() {
    let mut history = PriceHistory::default();
    history.add(point(10_000, 1.0));
    // A price of its own minute was received, but none of the next two.
    assert_eq!(history.add_bar(&bar(0, "2")), None);
    for (start, close) in [(60_000, "3"), (120_000, "4")] {
        assert!(matches!(
            history.add_bar(&bar(start, close)),
            Some(Added::Newest(_))
        ));
    }
    history.add(point(185_000, 5.0));
    assert_eq!(times(&history), [10_000, 120_000, 180_000, 185_000]);
}

#[test]
fn a_bar_of_a_minute_without_received_prices_precedes_the_prices_of_later_ones() {
    let mut history = PriceHistory::default();
    history.add(point(310_000, 1.0));
    for start in [0, 60_000, 180_000, 120_000] {
        assert_eq!(history.add_bar(&bar(start, "2")), Some(Added::Between));
        assert_eq!(history.add_bar(&bar(start, "2")), None);
    }
    assert_eq!(
        times(&history),
        [60_000, 120_000, 180_000, 240_000, 310_000]
    );
    history.add(point(370_000, 1.0));
    assert_eq!(
        history.add_bar(&bar(300_000, "2")),
        None,
        "its price was received"
    );
}

#[test]
fn bars_come_before_prices_without_a_gap_or_a_double() {
    let mut history = PriceHistory::default();
    history.add(point(150_000, 1.5));
    history.add(point(190_000, 1.6));
    assert_eq!(times(&history), [150_000, 190_000]);
    // The bar of the third minute ended at 180,000, after the first price that is kept.
    fill(
        &mut history,
        &[bar(0, "1"), bar(60_000, "1.2"), bar(120_000, "1.55")],
    );
    assert_eq!(times(&history), [60_000, 120_000, 150_000, 190_000]);
}

#[test]
fn a_bar_that_closed_while_bars_were_fetched_is_kept_once() {
    let mut history = PriceHistory::default();
    history.add_bar(&bar(60_000, "2"));
    history.add_bar(&bar(120_000, "3"));
    fill(&mut history, &[bar(0, "1"), bar(60_000, "2")]);
    assert_eq!(times(&history), [60_000, 120_000, 180_000]);
}

#[test]
fn bars_of_other_lengths_stand_in_one_row_with_the_minutes() {
    let mut history = PriceHistory::default();
    fill(
        &mut history,
        &[bar(840_000, "15"), bar(900_000, "16"), bar(960_000, "17")],
    );
    history.add(point(1_025_000, 18.0));
    // The last bar is not complete: two minutes of it have closed.
    let quarters = [bar(0, "15"), bar(900_000, "17")];
    history.fill(of(Range::Week), &quarters, Some(1_020_000), None);
    assert_eq!(times(&history), [900_000, 960_000, 1_020_000, 1_025_000]);
    let seconds: Vec<Bar> = (0..5).map(|n| bar(1_018_000 + n * 1_000, "17")).collect();
    history.fill(of(Range::Minute), &seconds, None, None);
    assert_eq!(
        times(&history),
        [
            900_000, 960_000, 1_019_000, 1_020_000, 1_021_000, 1_022_000, 1_023_000, 1_025_000
        ]
    );
}

#[test]
fn a_range_is_filled_by_a_longer_one_of_the_same_bars() {
    let mut history = PriceHistory::default();
    history.fill(of(Range::Day), &[], None, None);
    for (range, archived, filled) in [
        (Range::Day, true, true),
        (Range::Hour, true, true),
        (Range::Minute, true, false),
        (Range::Minute, false, true),
        (Range::Week, false, false),
    ] {
        assert_eq!(
            history.is_filled(range, archived),
            filled,
            "{range} {archived}"
        );
    }
    history.forget_filled();
    assert!(!history.is_filled(Range::Day, true));
}

/// The missing bars for a chart that begins at a minute.
fn lacks(history: &PriceHistory, range: Range, from: Millis, moved: bool) -> Option<Missing> {
    history.before(of(range), ((from * 60_000) as f64, moved), true)
}

/// Adds bars from before the first one.
fn fill_before(history: &mut PriceHistory, bars: &[Bar], older: Option<Interval>) {
    let missing = lacks(history, Range::Day, 0, true).unwrap();
    history.fill(missing, bars, None, Some(older));
}

#[test]
fn bars_are_missing_before_the_first_until_there_are_no_older_ones_or_no_room() {
    let minute = 60_000;
    let older = Some(Interval::Minute);
    let minutes = |range: std::ops::Range<Millis>| -> Vec<Bar> {
        range.map(|n| bar(n * minute, "2")).collect()
    };
    let day = |history: &PriceHistory, from: Millis| {
        let missing = lacks(history, Range::Day, from, false)?;
        assert_eq!((missing.interval, missing.limit), (Interval::Minute, 1_440));
        missing.before
    };
    let mut history = PriceHistory::default();
    assert_eq!(day(&history, 0), None, "nothing is known yet");
    history.fill(
        of(Range::Day),
        &minutes(100_000..101_440),
        None,
        Some(older),
    );
    assert_eq!(day(&history, 99_998), None, "the newest has only begun");
    assert_eq!(day(&history, 99_997), Some(100_000 * minute));
    fill_before(&mut history, &minutes(98_560..100_000), older);
    assert_eq!(day(&history, 99_997), None);
    assert_eq!(day(&history, 98_000), Some(98_560 * minute));
    assert_eq!(history.points().len(), 2 * 1_440);
    let mut short = history.clone();
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

    while let Some(first) = day(&history, 0) {
        let first = first / minute;
        fill_before(&mut history, &minutes(first - 1_440..first), older);
        assert!(history.bars.len() <= BARS);
    }
    assert!(history.bars.len() > BARS - 1_440);
}

#[test]
fn where_there_are_no_older_bars_longer_ones_are_missing() {
    let day = Interval::Day.millis() / 60_000;
    let now = 100 * day;
    let mut history = PriceHistory::default();
    let start = (now - 60) * 60_000;
    history.fill(of(Range::Day), &[bar(start, "2")], None, None);
    // Not known yet: they are requested once the person scrolls there.
    assert_eq!(lacks(&history, Range::Day, now - day, false), None);
    let missing = lacks(&history, Range::Day, now - day, true).unwrap();
    assert_eq!(missing.interval, Interval::Minute);
    history.fill(missing, &[], None, Some(Some(Interval::Day)));
    // The day before the minutes of today does not fit into a range of a day; scrolling further back shows it.
    assert_eq!(lacks(&history, Range::Day, now - day, false), None);
    let missing = lacks(&history, Range::Day, now - day, true).unwrap();
    assert_eq!(missing.interval, Interval::Day);
    assert_eq!(missing.before, Some(start));
    assert_eq!(lacks(&history, Range::Day, now - 59, true), None);
    // It fits into a week.
    let week = lacks(&history, Range::Week, now - 7 * day, false).unwrap();
    assert_eq!(week.interval, Interval::Day);
    // Bars are not shorter than those of the range.
    history.fill(of(Range::Minute), &[], None, Some(Some(Interval::Second)));
    let day_again = lacks(&history, Range::Day, 0, false).unwrap();
    assert_eq!(day_again.interval, Interval::Minute);
    let days: Vec<Bar> = (1..90).map(|n| bar(n * day * 60_000, "3")).collect();
    history.fill(missing, &days, None, Some(None));
    assert_eq!(history.points().len(), 90);
    assert_eq!(lacks(&history, Range::Day, 0, true), None, "these were all");
}

#[test]
fn an_hour_of_sleep_is_filled_between_prices_received_before_and_after() {
    let mut history = PriceHistory::default();
    let minute = 60_000;
    for time in [
        10_000,
        40_000,
        70_000,
        61 * minute + 5_000,
        61 * minute + 9_000,
    ] {
        history.add(point(time, 1.0));
    }
    // Bars of the stream and fetched bars agree.
    let slept: Vec<Bar> = (0..61).map(|n| bar(n * minute, "2")).collect();
    for bar in &slept[50..] {
        history.add_bar(bar);
    }
    fill(&mut history, &slept);
    let times = times(&history);
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(gap <= Some(2 * minute), "{times:?}");
    assert_eq!(times[..4], [10_000, 40_000, 70_000, 180_000]);
    assert_eq!(times.len(), 3 + 59 + 2);
}

#[test]
fn a_corrected_bar_takes_the_place_of_what_it_was() {
    let mut history = PriceHistory::default();
    history.add_bar(&bar(0, "1"));
    assert!(matches!(
        history.add_bar(&bar(60_000, "2")),
        Some(Added::Newest(_))
    ));
    assert_eq!(history.add_bar(&bar(0, "1.5")), Some(Added::Corrected));
    assert_eq!(history.add_bar(&bar(0, "1.5")), None);
    assert_eq!(history.points()[0].close, 1.5);
    assert_eq!(times(&history), [60_000, 120_000]);
}

/// The time and the volume of each.
fn spans(history: &PriceHistory, interval: Interval) -> Vec<(f64, f64)> {
    let spans = history.spans(interval);
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
    let mut history = PriceHistory::default();
    for time in [30_000, 90_000, 130_000] {
        history.add(point(time, 1.0));
    }
    fill(&mut history, &[traded(0, "10"), traded(60_000, "20")]);
    let minutes = [(60_000.0, 10.0), (120_000.0, 20.0), (130_000.0, 1.0)];
    assert_eq!(spans(&history, Interval::Minute), minutes);
    // The last bar is not complete.
    let quarter = [traded(0, "30")];
    history.fill(of(Range::Week), &quarter, Some(120_000), None);
    let quarters = [(120_000.0, 30.0), (130_000.0, 1.0)];
    assert_eq!(spans(&history, Interval::QuarterHour), quarters);
    assert_eq!(spans(&history, Interval::Minute), minutes);
    // Bars of a second where there are some. Single prices are more detailed than the bar of their minute.
    let seconds = [traded(61_000, "5"), traded(119_000, "15")];
    history.fill(of(Range::Minute), &seconds, None, None);
    assert_eq!(
        spans(&history, Interval::Second),
        [
            (30_000.0, 1.0),
            (62_000.0, 5.0),
            (90_000.0, 1.0),
            (120_000.0, 15.0),
            (130_000.0, 1.0)
        ]
    );
    assert_eq!(spans(&history, Interval::Minute), minutes);
}

#[test]
fn closes_fill_in_for_prices_that_were_dropped() {
    let mut history = PriceHistory::default();
    for second in 0..3 * RECENT as Millis {
        history.add(point(second * 1_000, 1.0));
        if second % 60 == 59 {
            history.add_bar(&bar((second - 59) * 1_000, "1"));
        }
    }
    let times = times(&history);
    assert!(times.is_sorted_by(|a, b| a < b));
    assert_eq!(times[0], 60_000);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 60_000));
}

#[test]
fn a_trade_of_an_older_moment_than_its_quote_starts_nothing_over() {
    let mut history = PriceHistory::default();
    let hour = 3_600_000;
    history.add(point(20 * hour, 1.0));
    assert_eq!(history.add_as_of(point(hour, 2.0), 21 * hour), Added::Late);
    assert_eq!(times(&history), [20 * hour]);
}

#[test]
fn late_prices_are_left_out_and_a_new_run_starts_over() {
    let mut history = PriceHistory::default();
    history.add(point(1_000_000, 1.0));
    assert_eq!(history.add(point(999_000, 1.0)), Added::Late);
    assert_eq!(
        history.add(point(1_000_000, 2.0)),
        Added::Newest(point(1_000_000, 2.0))
    );
    history.add_bar(&bar(900_000, "1"));
    assert_eq!(history.add(point(10_000, 3.0)), Added::StartedOver);
    assert_eq!(history.points(), [Sample::from(point(10_000, 3.0))]);
    assert!(!history.is_filled(Range::Day, false));
}
