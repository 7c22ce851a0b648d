use std::{cmp::Reverse, collections::VecDeque};

use chart::{Point, Sample};
use market::{Bar, Interval, Millis};

use crate::state::{missing::Missing, range::Range};

/// How many of the newest prices are kept: a chart is not wider than this in pixels, and older
/// ones are in the bars.
const RECENT: usize = 2_000;
/// How many bars are kept: the page's ranges take an eighth of it, and the rest are more than two weeks of
/// minutes for whoever looks back.
const BARS: usize = 24_000;
/// How far a price may be older than the one before it and still be of the same run. A recording
/// that starts over goes back further.
const STEP_BACK: Millis = 60_000;

/// The interval that is written so.
pub(crate) fn interval_named(text: Option<String>) -> Option<Interval> {
    Interval::ALL
        .into_iter()
        .find(|interval| text.as_deref() == Some(interval.as_str()))
}

/// A price, its time, and what was traded since the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PricePoint {
    /// The exchange's time.
    pub(crate) time: Millis,
    /// For pixels only.
    pub(crate) price: f64,
    /// The same.
    pub(crate) volume: f64,
}

impl From<PricePoint> for Sample {
    fn from(point: PricePoint) -> Self {
        Sample {
            volume: point.volume,
            turnover: Some(point.price * point.volume),
            ..Point::new(point.time as f64, point.price).into()
        }
    }
}

/// The outcome of adding a price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Added {
    /// It is the newest.
    Newest(PricePoint),
    /// It is older than the newest, and is left out.
    Late,
    /// One that is shown already is another now.
    Corrected,
    /// It stands between those that are shown already.
    Between,
    /// Time went back: everything before it is forgotten.
    StartedOver,
}

/// A bar of any length, for pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: Millis,
    /// When its close was the price.
    end: Millis,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    /// What was paid for it; `None` where the bar has no average price.
    turnover: Option<f64>,
}

impl Span {
    fn new(bar: &Bar, end: Millis) -> Self {
        Span {
            start: bar.start,
            end,
            open: bar.open.to_f64(),
            high: bar.high.to_f64(),
            low: bar.low.to_f64(),
            close: bar.close.to_f64(),
            volume: bar.volume.to_f64(),
            turnover: bar.vwap.map(|vwap| vwap.to_f64() * bar.volume.to_f64()),
        }
    }

    /// Bars in the order of their ends; of two that end together the shorter one is first.
    fn key(&self) -> (Millis, Reverse<Millis>) {
        (self.end, Reverse(self.start))
    }

    const fn length(&self) -> Millis {
        self.end.saturating_sub(self.start)
    }

    const fn point(&self) -> PricePoint {
        PricePoint {
            time: self.end,
            price: self.close,
            volume: self.volume,
        }
    }
}

impl From<Span> for Sample {
    fn from(span: Span) -> Self {
        Sample {
            time: span.end as f64,
            open: span.open,
            high: span.high,
            low: span.low,
            close: span.close,
            volume: span.volume,
            turnover: span.turnover,
        }
    }
}

/// The way of one symbol's price: its bars, and every price since.
#[derive(Debug, Clone, Default)]
pub(crate) struct PricePath {
    /// By their ends. A close is the price at a moment, so that bars of different lengths stand in one row.
    bars: Vec<Span>,
    recent: VecDeque<PricePoint>,
    /// The ranges whose bars were asked for and came.
    filled: Vec<Range>,
    /// The length of older bars, if there are any, once the server has reported it.
    older: Option<Option<Interval>>,
}

impl PricePath {
    /// Adds a price that just came with a quote of the moment `quoted`, which is not before the price's own.
    pub(crate) fn add_as_of(&mut self, point: PricePoint, quoted: Millis) -> Added {
        let newest = self.recent.back().map(|newest| newest.time);
        match newest {
            Some(newest) if quoted + STEP_BACK < newest => {
                *self = PricePath::default();
                self.recent.push_back(point);
                return Added::StartedOver;
            }
            Some(newest) if point.time < newest => return Added::Late,
            _ => {}
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(point);
        Added::Newest(point)
    }

    /// Adds a bar of a minute that just closed, or was corrected. Where no single price of its minute
    /// was received, as when quotes were superseded before they could be sent, its close stands for them.
    pub(crate) fn add_bar(&mut self, bar: &Bar) -> Option<Added> {
        let span = Span::new(bar, bar.start + Bar::INTERVAL);
        let known = self.bars.binary_search_by_key(&span.key(), Span::key);
        let known = known.ok().map(|at| self.bars[at]);
        let first = self.bars.iter().rev().find(|other| other.end <= span.end);
        let is_told = first.is_some_and(|first| first.end == span.end);
        self.merge(&[span]);
        let minute = bar.start + 1..=span.end;
        let mut heard = self.recent.iter().rev().map(|point| point.time);
        let is_newest = self
            .recent
            .back()
            .is_none_or(|newest| newest.time <= bar.start);
        match known {
            Some(known) => (known != span).then_some(Added::Corrected),
            None if is_told => None,
            None if is_newest => Some(Added::Newest(span.point())),
            None if !heard.any(|time| minute.contains(&time)) => Some(Added::Between),
            _ => None,
        }
    }

    /// Takes the bars that were missing, oldest first. Of the same moment they count: they may have been corrected
    /// meanwhile. Where the last of them is not over, it is as of `until`; `older` is the length of the older ones that
    /// the server has, where it is known.
    pub(crate) fn fill(
        &mut self,
        missing: Missing,
        bars: &[Bar],
        until: Option<Millis>,
        older: Option<Option<Interval>>,
    ) {
        let spans: Vec<Span> = bars
            .iter()
            .map(|bar| {
                let end = bar.start + missing.interval.millis();
                Span::new(bar, until.map_or(end, |until| end.min(until)))
            })
            .collect();
        self.merge(&spans);
        self.older = older;
        if missing.before.is_none() {
            self.filled.push(missing.range);
        }
    }

    /// The bars that are missing to somebody who looks from a moment on, in milliseconds since the Unix epoch, where those
    /// of a range came: none where there are no older ones, or no room for them. `moved` is whether somebody went there.
    pub(crate) fn before(
        &self,
        newest: Missing,
        (from, moved): (f64, bool),
        archived: bool,
    ) -> Option<Missing> {
        let first = self.bars.first()?.start;
        // What the page came with may be all, and is not asked about until somebody goes there.
        let older = self.older.or(moved.then_some(Some(newest.interval)))??;
        let interval = older.max(newest.interval);
        let limit = newest.range.more_bars(archived);
        // Of as many bars as fill a range the newest has only begun: so much of it is not filled. A longer one is wanted
        // in the range itself only if it fits.
        let room = match moved || interval == newest.interval {
            true => 2 * newest.interval.millis(),
            false => interval.millis(),
        };
        let is_lacking = from + (room as f64) < first as f64;
        let fits = self.bars.len() + limit as usize <= BARS;
        (is_lacking && fits).then_some(Missing {
            interval,
            limit,
            before: Some(first),
            ..newest
        })
    }

    /// Whether the bars of a range came; those of a longer one of the same bars do.
    pub(crate) fn is_filled(&self, range: Range, archived: bool) -> bool {
        self.filled.iter().any(|filled| {
            filled.millis() >= range.millis()
                && filled.interval(archived) == range.interval(archived)
        })
    }

    /// What was fetched may have holes since: it has to be fetched again.
    pub(crate) fn forget_filled(&mut self) {
        self.filled.clear();
    }

    /// Puts bars among those that are there; both are in order.
    fn merge(&mut self, spans: &[Span]) {
        let Some(first) = spans.first() else { return };
        let before = self.bars.partition_point(|bar| bar.key() < first.key());
        let mut old = self.bars.split_off(before).into_iter().peekable();
        for span in spans {
            while let Some(older) = old.next_if(|old| old.key() < span.key()) {
                self.bars.push(older);
            }
            old.next_if(|old| old.key() == span.key());
            self.bars.push(*span);
        }
        self.bars.extend(old);
        let surplus = self.bars.len().saturating_sub(BARS);
        self.bars.drain(..surplus);
    }

    /// The whole way, oldest first: every single price that is kept, and the bars of the times of
    /// which there is none, so that no seam has a gap or a moment twice.
    pub(crate) fn points(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = Vec::with_capacity(self.bars.len() + self.recent.len());
        let mut recent = self.recent.iter().copied().peekable();
        let (mut heard, mut told) = (None, 0);
        for bar in &self.bars {
            while let Some(point) = recent.next_if(|point| point.time <= bar.end) {
                heard = Some(point.time);
                samples.push(point.into());
            }
            // Bars of other lengths may cover it, too.
            let is_new = samples.last().is_none_or(|last| last.time < bar.end as f64);
            if is_new && heard.is_none_or(|heard| heard <= bar.start) {
                // What was traded is counted once, in whichever bars come first.
                let (volume, turnover) = match told <= bar.start {
                    true => (bar.volume, bar.turnover),
                    false => (0.0, None),
                };
                told = bar.end;
                samples.push(Sample {
                    volume,
                    turnover,
                    ..(*bar).into()
                });
            }
        }
        samples.extend(recent.map(Sample::from));
        samples
    }

    /// The way in bars, oldest first: of those of such a length and shorter ones that are there, each time
    /// once, and the single prices of the times of which there are none. Bars know what was between two
    /// prices that were received; a longer bar is taken only where there is nothing else.
    pub(crate) fn spans(&self, interval: Interval) -> Vec<Sample> {
        let mut taken: Vec<Span> = Vec::with_capacity(self.bars.len());
        let mut from = Millis::MAX;
        for bar in self.bars.iter().rev().filter(|bar| bar.end > bar.start) {
            if bar.end <= from
                && (bar.length() <= interval.millis() || !self.is_told(bar, interval))
            {
                from = bar.start;
                taken.push(*bar);
            }
        }
        let mut recent = self.recent.iter().copied().peekable();
        let mut samples = Vec::with_capacity(taken.len() + self.recent.len());
        for bar in taken.into_iter().rev() {
            while let Some(point) = recent.next_if(|point| point.time <= bar.start) {
                samples.push(point.into());
            }
            while recent.next_if(|point| point.time <= bar.end).is_some() {}
            samples.push(bar.into());
        }
        samples.extend(recent.map(Sample::from));
        samples
    }

    /// Whether shorter bars or single prices cover the time of a bar that is too long.
    fn is_told(&self, bar: &Span, interval: Interval) -> bool {
        let inside = |time: Millis| bar.start < time && time <= bar.end;
        let start = self.bars.partition_point(|other| other.end <= bar.start);
        let others = self.bars[start..].iter();
        others
            .take_while(|other| other.end <= bar.end)
            .any(|other| other.length() <= interval.millis())
            || self.recent.iter().any(|point| inside(point.time))
    }
}

#[cfg(test)]
impl PricePath {
    /// Adds the price of a trade that just came.
    pub(crate) fn add(&mut self, point: PricePoint) -> Added {
        self.add_as_of(point, point.time)
    }
}

#[cfg(test)]
pub(crate) mod tests {
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
}
