//! Samples in time, bounded in number, and their reduction to what a row of pixels can show.

use super::levels::Levels;
use std::ops::Range;

/// So many times as long as the time between samples beside it is one without a sample, where it is a gap: more than a
/// weekend and holidays between days, less than a night between hours.
const SPARSE: f64 = 8.0;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// In the unit of whoever gave it: the chart only draws it.
    pub value: f64,
}

impl Point {
    /// Stands between two points that no line connects.
    pub const BREAK: Point = Point::new(f64::NAN, f64::NAN);

    /// A value at a time in milliseconds since the Unix epoch.
    pub const fn new(time: f64, value: f64) -> Self {
        Self { time, value }
    }
}

/// What a value did in a span of time, or at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The end of the span, in milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// The first value.
    pub open: f64,
    /// The highest value.
    pub high: f64,
    /// The lowest value.
    pub low: f64,
    /// The last value.
    pub close: f64,
    /// How much was traded.
    pub volume: f64,
    /// What was paid for it; `None` where that is not known.
    pub turnover: Option<f64>,
}

impl Sample {
    /// What was paid, or about what where that is not known: the typical price, (high + low + close) / 3, for all.
    fn paid(self) -> f64 {
        let typical = || (self.high + self.low + self.close) / 3.0 * self.volume;
        self.turnover.unwrap_or_else(typical)
    }

    fn is_finite(self) -> bool {
        let parts = [
            self.time,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.paid(),
        ];
        parts.into_iter().all(f64::is_finite)
    }

    fn is_point(self) -> bool {
        self.open == self.close && self.high == self.close && self.low == self.close
    }
}

impl From<Point> for Sample {
    fn from(Point { time, value }: Point) -> Self {
        Sample {
            time,
            open: value,
            high: value,
            low: value,
            close: value,
            volume: 0.0,
            turnover: None,
        }
    }
}

/// All samples of a span of time in one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle {
    /// When it begins and ends, in milliseconds since the Unix epoch. What is of the moment of its end
    /// belongs to it, what is of its beginning does not.
    pub times: (f64, f64),
    /// The first value.
    pub open: f64,
    /// The highest value.
    pub high: f64,
    /// The lowest value.
    pub low: f64,
    /// The last value.
    pub close: f64,
    /// How much was traded.
    pub volume: f64,
    /// What was paid for it, as far as is known.
    pub turnover: f64,
}

/// Samples in the order of their times, each time once, not many more than the capacity: a page that
/// is open for days must not grow.
///
/// Columns rather than rows, since most of what is done with many reads one of them; and those that
/// only spans have are there only where a sample is more than a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    times: Vec<f64>,
    closes: Vec<f64>,
    levels: Levels,
    spans: Option<Box<Spans>>,
    /// What was traded up to and with each sample, and what was paid for it, so that a difference says what was in between.
    volumes: Option<Vec<(f64, f64)>>,
    capacity: usize,
}

/// What a sample has beside its close.
#[derive(Debug, Clone, PartialEq, Default)]
struct Spans {
    opens: Vec<f64>,
    highs: Vec<f64>,
    lows: Vec<f64>,
    levels: Levels,
}

impl Default for Series {
    fn default() -> Self {
        Self::new(Self::CAPACITY)
    }
}

impl Series {
    /// Samples kept unless said otherwise.
    pub const CAPACITY: usize = 1 << 20;

    /// An empty series that keeps at least the newest `capacity` samples (at least one), and at most a
    /// quarter more.
    pub const fn new(capacity: usize) -> Self {
        Self {
            times: Vec::new(),
            closes: Vec::new(),
            levels: Levels { rows: Vec::new() },
            spans: None,
            volumes: None,
            capacity: if capacity == 0 { 1 } else { capacity },
        }
    }

    /// Appends a sample and says whether it was taken. One at the time of the last one replaces it;
    /// one that is older, or has what is not a finite number, is left out.
    pub fn push(&mut self, sample: impl Into<Sample>) -> bool {
        let before = self.len();
        let taken = self.append(sample.into());
        if taken {
            self.trim();
            self.update(before.saturating_sub(1).min(self.len() - 1));
        }
        taken
    }

    /// Forgets what was there and pushes these instead.
    pub fn replace<T: Into<Sample>>(&mut self, samples: impl IntoIterator<Item = T>) {
        *self = Series {
            times: std::mem::take(&mut self.times),
            closes: std::mem::take(&mut self.closes),
            ..Self::new(self.capacity)
        };
        self.times.clear();
        self.closes.clear();
        let samples = samples.into_iter();
        let (count, _) = samples.size_hint();
        self.times.reserve(count);
        self.closes.reserve(count);
        for sample in samples {
            self.append(sample.into());
        }
        self.trim();
        self.update(0);
    }

    /// The same for points in columns, which become the series' own where they are as they should be: of one
    /// length, later and later, and finite. Otherwise they are pushed one by one, up to the shorter's end.
    pub fn replace_columns(&mut self, times: Vec<f64>, values: Vec<f64>) {
        let rising = times.windows(2).all(|pair| pair[0] < pair[1]);
        // Between two finite ones that rise, all are.
        let ends = [times.first(), times.last()].into_iter().flatten();
        let finite = ends.chain(&values).all(|number| number.is_finite());
        if !rising || !finite || times.len() != values.len() {
            let points = times.into_iter().zip(values);
            return self.replace(points.map(|(time, value)| Point::new(time, value)));
        }
        *self = Series {
            times,
            closes: values,
            ..Self::new(self.capacity)
        };
        self.trim();
        self.update(0);
    }

    fn append(&mut self, sample: Sample) -> bool {
        if !sample.is_finite() {
            return false;
        }
        match self.times.last() {
            Some(&last) if sample.time < last => return false,
            Some(&last) if sample.time == last => self.drop_last(),
            _ => {}
        }
        if self.spans.is_none() && !sample.is_point() {
            self.spans = Some(Box::new(Spans {
                opens: self.closes.clone(),
                highs: self.closes.clone(),
                lows: self.closes.clone(),
                levels: Levels::default(),
            }));
        }
        if let Some(spans) = &mut self.spans {
            spans.opens.push(sample.open);
            spans.highs.push(sample.high);
            spans.lows.push(sample.low);
        }
        if self.volumes.is_none() && sample.volume != 0.0 {
            self.volumes = Some(vec![(0.0, 0.0); self.times.len()]);
        }
        if let Some(volumes) = &mut self.volumes {
            let (volume, paid) = volumes.last().copied().unwrap_or_default();
            volumes.push((volume + sample.volume, paid + sample.paid()));
        }
        self.times.push(sample.time);
        self.closes.push(sample.close);
        true
    }

    fn drop_last(&mut self) {
        self.times.pop();
        self.closes.pop();
        if let Some(spans) = &mut self.spans {
            spans.opens.pop();
            spans.highs.pop();
            spans.lows.pop();
        }
        if let Some(volumes) = &mut self.volumes {
            volumes.pop();
        }
    }

    /// Drops the oldest, a quarter of the capacity at a time, so that a sample costs the same whether
    /// the series is full or not.
    fn trim(&mut self) {
        if self.len() <= self.capacity + self.capacity / 4 {
            return;
        }
        let surplus = self.len() - self.capacity;
        self.times.drain(..surplus);
        self.closes.drain(..surplus);
        self.levels = Levels::default();
        if let Some(spans) = &mut self.spans {
            spans.opens.drain(..surplus);
            spans.highs.drain(..surplus);
            spans.lows.drain(..surplus);
            spans.levels = Levels::default();
        }
        if let Some(volumes) = &mut self.volumes {
            volumes.drain(..surplus);
        }
        self.update(0);
    }

    fn update(&mut self, from: usize) {
        self.levels.update(&self.closes, &self.closes, from);
        if let Some(spans) = &mut self.spans {
            let from = if spans.levels == Levels::default() {
                0
            } else {
                from
            };
            spans.levels.update(&spans.lows, &spans.highs, from);
        }
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Whether what was traded is known.
    pub fn has_volume(&self) -> bool {
        self.volumes.is_some()
    }

    /// The oldest close.
    pub fn first(&self) -> Option<Point> {
        self.get(0)
    }

    /// The newest close.
    pub fn last(&self) -> Option<Point> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The close at an index, counted from the oldest.
    pub fn get(&self, index: usize) -> Option<Point> {
        let time = *self.times.get(index)?;
        Some(Point::new(time, self.closes[index]))
    }

    /// What was traded at the sample of an index; 0 where that is not known.
    pub fn volume(&self, index: usize) -> f64 {
        let Some(volumes) = &self.volumes else {
            return 0.0;
        };
        let until = |index: usize| volumes.get(index).map_or(0.0, |sums| sums.0);
        until(index) - index.checked_sub(1).map_or(0.0, until)
    }

    /// The closes at these indices, oldest first; indices beyond the end are left out.
    pub fn iter(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Point> + '_ {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let (times, closes) = (&self.times[range.clone()], &self.closes[range]);
        let pairs = times.iter().zip(closes);
        pairs.map(|(&time, &value)| Point::new(time, value))
    }

    /// The index of the sample nearest in time.
    pub fn nearest(&self, time: f64) -> Option<usize> {
        let after = self.times.partition_point(|&at| at < time);
        let before = after.checked_sub(1);
        match (before, self.times.get(after)) {
            (Some(before), Some(next)) => {
                let nearer_before = time - self.times[before] <= next - time;
                Some(if nearer_before { before } else { after })
            }
            (before, next) => next.map(|_| after).or(before),
        }
    }

    /// The indices of the samples between two times, with one more on either side, so that a line
    /// through them reaches the edges.
    pub fn between(&self, from: f64, to: f64) -> Range<usize> {
        let start = self.times.partition_point(|&time| time < from);
        let end = self.times.partition_point(|&time| time <= to);
        start.saturating_sub(1)..(end + 1).min(self.len())
    }

    /// The indices of the samples that a line between two times goes through: those inside, and one more on
    /// either side, unless more than `gap` milliseconds without a sample lie between.
    pub fn reaching(&self, from: f64, to: f64, gap: f64) -> Range<usize> {
        let inside = self.inside(from, to);
        let more =
            |at: usize| usize::from(at > 0 && at < self.len() && !self.is_after_gap(at, gap));
        inside.start - more(inside.start)..inside.end + more(inside.end)
    }

    /// Whether more than `gap` milliseconds without a sample lie before the sample of an index, and samples beside it are
    /// closer together: of days that stand before minutes, none is alone.
    fn is_after_gap(&self, index: usize, gap: f64) -> bool {
        let apart = |at: usize| Some(self.times.get(at)? - self.times.get(at.checked_sub(1)?)?);
        let length = self.times[index] - self.times[index - 1];
        let is_longer = |at| apart(at).is_some_and(|other| length > SPARSE * other);
        length > gap && (self.len() == 2 || is_longer(index - 1) || is_longer(index + 1))
    }

    /// The indices of the samples from one time to another.
    pub fn inside(&self, from: f64, to: f64) -> Range<usize> {
        let start = self.times.partition_point(|&time| time < from);
        let end = self.times.partition_point(|&time| time <= to);
        start..end.max(start)
    }

    /// The lowest and highest close at these indices.
    pub fn extent(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let range = range.start..range.end.min(self.len());
        self.levels.extent(&self.closes, &self.closes, range)
    }

    /// The lowest and highest of all values at these indices, not only of the closes.
    pub fn span_extent(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let Some(spans) = &self.spans else {
            return self.extent(range);
        };
        let range = range.start..range.end.min(self.len());
        spans.levels.extent(&spans.lows, &spans.highs, range)
    }

    /// The first index from `from` on whose time is beyond `time`. It is looked for near `from` first, so
    /// that a walk over all of them costs little more than there are steps.
    fn index_after(&self, from: usize, time: f64) -> usize {
        let rest = &self.times[from..];
        let mut reach = 1;
        while reach < rest.len() && rest[reach - 1] <= time {
            reach *= 2;
        }
        let reach = reach.min(rest.len());
        from + rest[..reach].partition_point(|&at| at <= time)
    }

    /// What `columns` columns of pixels over the times `from..to` can show of the closes at these indices,
    /// in their order.
    ///
    /// Where there are at least four a column, each column has its first, lowest, highest and last value,
    /// all at the time of its first: the line drawn through them covers the same pixels as one
    /// through all, as in uPlot's `src/paths/linear.js`. Below that every point is kept.
    ///
    /// Where more than `gap` milliseconds have no sample, a [`Point::BREAK`] parts the points before from those after.
    pub fn decimate(
        &self,
        range: Range<usize>,
        (from, to): (f64, f64),
        columns: u32,
        gap: f64,
        into: &mut Vec<Point>,
    ) {
        into.clear();
        let range = range.start..range.end.min(self.len());
        let break_before = |index: usize, into: &mut Vec<Point>| {
            if index > range.start && self.is_after_gap(index, gap) {
                into.push(Point::BREAK);
            }
        };
        if range.len() < 4 * columns as usize || columns == 0 || to <= from {
            for (index, point) in range.clone().zip(self.iter(range.clone())) {
                break_before(index, into);
                into.push(point);
            }
            return;
        }
        let width = (to - from) / f64::from(columns);
        let mut start = range.start;
        while start < range.end {
            let time = self.times[start];
            let column = ((time - from) / width).floor();
            // What is at the edge belongs to the next column.
            let edge = (from + (column + 1.0) * width).next_down();
            let end = self.index_after(start, edge).clamp(start + 1, range.end);
            let (first, last) = (self.closes[start], self.closes[end - 1]);
            break_before(start, into);
            into.push(Point::new(time, first));
            if end - start > 1 {
                if let Some((low, high)) = self.extent(start..end) {
                    // The way down before the way up, where the first is nearer to the top: shorter strokes.
                    let lower_first = first - low < high - first;
                    let (one, other) = if lower_first {
                        (low, high)
                    } else {
                        (high, low)
                    };
                    for value in [one, other] {
                        if into.last().is_none_or(|point| point.value != value) {
                            into.push(Point::new(time, value));
                        }
                    }
                }
                if into.last().is_none_or(|point| point.value != last) {
                    into.push(Point::new(time, last));
                }
            }
            start = end;
        }
    }

    /// The candles of so many milliseconds each that have a sample after `from` and not after `to`, oldest
    /// first. They begin at whole multiples of their length, shifted by `offset` milliseconds.
    pub fn candles(
        &self,
        (from, to): (f64, f64),
        length: f64,
        offset: f64,
    ) -> impl Iterator<Item = Candle> + '_ {
        let begin = move |time| begin_of(time, length, offset);
        let first = self.times.partition_point(|&time| time <= from);
        let mut start = self.times.get(first).map_or(first, |&time| {
            let before = begin(time);
            self.times.partition_point(|&time| time <= before)
        });
        std::iter::from_fn(move || {
            let time = *self.times.get(start)?;
            let times = (begin(time), begin(time) + length);
            if times.0 >= to {
                return None;
            }
            let end = self.index_after(start, times.1).max(start + 1);
            let candle = self.candle(start..end, times);
            start = end;
            candle
        })
    }

    fn candle(&self, range: Range<usize>, times: (f64, f64)) -> Option<Candle> {
        let (low, high) = self.span_extent(range.clone())?;
        let opens = self
            .spans
            .as_ref()
            .map_or(&self.closes, |spans| &spans.opens);
        let traded = self.volumes.as_ref().map(|volumes| {
            let before = range.start.checked_sub(1).map(|at| volumes[at]);
            let (before, after) = (before.unwrap_or_default(), volumes[range.end - 1]);
            (after.0 - before.0, after.1 - before.1)
        });
        let (volume, turnover) = traded.unwrap_or_default();
        Some(Candle {
            times,
            open: opens[range.start],
            high,
            low,
            close: self.closes[range.end - 1],
            volume,
            turnover,
        })
    }
}

/// When the candle of a time begins, where candles are of one length and shifted by `offset`, all in milliseconds.
pub(super) fn begin_of(time: f64, length: f64, offset: f64) -> f64 {
    (((time + offset) / length).ceil() - 1.0) * length - offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(points: &[(f64, f64)]) -> Series {
        let mut series = Series::default();
        series.replace(points.iter().map(|&(time, value)| Point::new(time, value)));
        series
    }

    fn sample(time: f64, [open, high, low, close]: [f64; 4], volume: f64) -> Sample {
        Sample {
            time,
            open,
            high,
            low,
            close,
            volume,
            turnover: None,
        }
    }

    #[test]
    fn columns_are_taken_by_the_rules_of_points() {
        let inf = f64::INFINITY;
        for (times, values) in [
            (vec![], vec![]),
            (vec![1.0, 2.0, 3.0], vec![10.0, 12.0, 11.0]),
            (vec![1.0, 3.0, 2.0, 3.0], vec![10.0, 12.0, 99.0, 13.0]),
            (vec![1.0, f64::NAN, 2.0], vec![10.0, 11.0, 12.0]),
            (vec![-inf, 1.0, inf], vec![10.0, 11.0, 12.0]),
            (vec![1.0, 2.0, 3.0], vec![10.0, -inf, 12.0]),
            (vec![1.0, 2.0, 3.0], vec![10.0, 11.0]),
        ] {
            let points = times.iter().zip(&values);
            let pushed: Vec<_> = points.map(|(&time, &value)| (time, value)).collect();
            // With what only spans have before it.
            let mut columns = series(&[]);
            columns.push(sample(0.5, [1.0, 2.0, 0.5, 1.5], 7.0));
            columns.replace_columns(times, values);
            assert_eq!(columns, series(&pushed));
        }
        let mut small = Series::new(100);
        let count = |to: u32| (0..to).map(f64::from).collect::<Vec<f64>>();
        small.replace_columns(count(1_000), count(1_000));
        assert_eq!(small.len(), 100);
        assert_eq!(small.extent(0..100), Some((900.0, 999.0)));
    }

    #[test]
    fn time_never_goes_back() {
        let mut series = series(&[(1.0, 10.0), (2.0, 20.0)]);
        assert!(!series.push(Point::new(1.5, 99.0)));
        assert!(series.push(Point::new(2.0, 21.0)));
        assert!(!series.push(Point::new(3.0, f64::NAN)));
        assert!(!series.push(Point::new(f64::INFINITY, 1.0)));
        let points: Vec<_> = series.iter(0..9).collect();
        assert_eq!(points, [Point::new(1.0, 10.0), Point::new(2.0, 21.0)]);
        assert_eq!(series.extent(0..2), Some((10.0, 21.0)));
    }

    #[test]
    fn the_oldest_are_dropped_beyond_the_capacity() {
        let mut series = Series::new(100);
        for n in 0..1_000 {
            series.push(Point::new(f64::from(n), f64::from(n)));
            assert!(series.len() <= 125);
            let first = series.first().expect("a first");
            assert_eq!(
                series.extent(0..series.len()),
                Some((first.value, f64::from(n)))
            );
        }
        assert!(series.len() >= 100);
        assert_eq!(series.last(), Some(Point::new(999.0, 999.0)));
        assert_eq!(series.extent(2..2), None);
        assert_eq!(series.extent(200..300), None);
    }

    #[test]
    fn the_nearest_in_time_is_found() {
        let series = series(&[(10.0, 0.0), (20.0, 0.0), (40.0, 0.0)]);
        for (time, index) in [
            (-5.0, 0),
            (14.0, 0),
            (15.0, 0),
            (16.0, 1),
            (31.0, 2),
            (99.0, 2),
        ] {
            assert_eq!(series.nearest(time), Some(index), "at {time}");
        }
        assert_eq!(Series::default().nearest(1.0), None);
    }

    #[test]
    fn a_range_of_times_reaches_beyond_its_edges() {
        let series = series(&[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0)]);
        assert_eq!(series.between(1.5, 2.5), 1..4);
        assert_eq!(series.between(-9.0, 9.0), 0..5);
        assert_eq!(series.between(7.0, 9.0), 4..5);
    }

    #[test]
    fn few_points_are_all_kept() {
        let series = series(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]);
        let mut kept = vec![Point::new(9.0, 9.0)];
        series.decimate(0..3, (0.0, 2.0), 100, f64::INFINITY, &mut kept);
        assert_eq!(kept, series.iter(0..3).collect::<Vec<_>>());
    }

    #[test]
    fn a_gap_parts_points_whether_there_are_few_of_them_or_many() {
        // Ten minutes of ten samples each, with a pause of an hour after the fifth.
        let time = |n: u32| f64::from(n) * 6.0 + if n < 50 { 0.0 } else { 3_600.0 };
        let mut series = Series::default();
        series.replace((0..100).map(|n| Point::new(time(n), f64::from(n % 7))));
        for columns in [1_000, 20] {
            let mut kept = Vec::new();
            series.decimate(0..100, (0.0, time(99)), columns, 600.0, &mut kept);
            let pieces: Vec<_> = kept.split(|point| point.time.is_nan()).collect();
            let ends = |piece: &[Point]| (piece[0].time, piece[piece.len() - 1].time);
            assert_eq!(pieces.len(), 2, "{columns} columns");
            assert_eq!(ends(pieces[0]).0, 0.0);
            assert!(ends(pieces[0]).1 <= time(49) && ends(pieces[1]).0 == time(50));
            series.decimate(0..100, (0.0, time(99)), columns, 3_600.0 + 6.0, &mut kept);
            assert!(kept.iter().all(|point| point.time.is_finite()));
        }
    }

    #[test]
    fn a_line_reaches_to_its_neighbours_but_not_over_a_gap() {
        let series = series(&[(0.0, 1.0), (10.0, 1.0), (100.0, 1.0), (110.0, 1.0)]);
        for (times, reached) in [
            ((5.0, 8.0), 0..2),
            ((5.0, 50.0), 0..2),
            ((20.0, 90.0), 2..2),
            ((50.0, 105.0), 2..4),
            ((-9.0, 200.0), 0..4),
            ((105.0, 107.0), 2..4),
            ((300.0, 400.0), 4..4),
        ] {
            assert_eq!(
                series.reaching(times.0, times.1, 20.0),
                reached,
                "{times:?}"
            );
        }
        assert_eq!(series.reaching(20.0, 90.0, f64::INFINITY), 1..3);
    }

    #[test]
    fn samples_that_are_all_far_apart_have_no_gaps_between_them() {
        // Days with a weekend, a night, and minutes.
        let times = [1, 2, 5, 6].map(|day| f64::from(day) * 1_440.0);
        let minutes = [570, 571, 572].map(|minute| 6.0 * 1_440.0 + f64::from(minute));
        let mut series = Series::default();
        series.replace(
            times
                .into_iter()
                .chain(minutes)
                .map(|at| Point::new(at, 1.0)),
        );
        let mut kept = Vec::new();
        series.decimate(0..7, (0.0, 9_999.0), 1_000, 45.0, &mut kept);
        let pieces = kept.split(|point| point.time.is_nan());
        assert_eq!(pieces.map(<[Point]>::len).collect::<Vec<_>>(), [4, 3]);
    }

    #[test]
    fn candles_are_of_bars_and_of_points_alike() {
        let mut series = Series::default();
        series.replace([
            sample(60.0, [10.0, 13.0, 9.0, 12.0], 100.0),
            sample(120.0, [12.0, 12.5, 11.0, 11.5], 50.0),
            Point::new(130.0, 11.0).into(),
            Point::new(170.0, 14.0).into(),
            sample(180.0, [13.0; 4], 7.0),
            Point::new(190.0, 13.5).into(),
        ]);
        let all: Vec<Candle> = series.candles((0.0, 500.0), 60.0, 0.0).collect();
        let values: Vec<_> = all
            .iter()
            .map(|it| (it.times.0, it.open, it.high, it.low, it.close, it.volume))
            .collect();
        assert_eq!(
            values,
            [
                (0.0, 10.0, 13.0, 9.0, 12.0, 100.0),
                (60.0, 12.0, 12.5, 11.0, 11.5, 50.0),
                (120.0, 11.0, 14.0, 11.0, 13.0, 7.0),
                (180.0, 13.5, 13.5, 13.5, 13.5, 0.0),
            ]
        );
        let two: Vec<Candle> = series.candles((0.0, 500.0), 120.0, 0.0).collect();
        assert_eq!((two.len(), two[0].open, two[0].close), (2, 10.0, 11.5));
        assert_eq!((two[0].high, two[0].low, two[0].volume), (13.0, 9.0, 150.0));
        let some: Vec<Candle> = series.candles((61.0, 130.0), 60.0, 0.0).collect();
        assert_eq!(some, all[1..3]);
        let shifted = series.candles((0.0, 500.0), 60.0, 30.0).next();
        assert_eq!(shifted.map(|candle| candle.times), Some((30.0, 90.0)));
    }

    #[test]
    fn the_last_sample_can_change() {
        let mut series = Series::default();
        series.push(sample(60.0, [1.0, 3.0, 1.0, 2.0], 10.0));
        series.push(sample(120.0, [2.0, 9.0, 2.0, 8.0], 90.0));
        series.push(sample(120.0, [2.0, 4.0, 2.0, 3.0], 20.0));
        let last = series.candles((60.0, 120.0), 60.0, 0.0).last();
        assert_eq!(last.map(|last| (last.high, last.volume)), Some((4.0, 20.0)));
        assert_eq!(series.span_extent(0..2), Some((1.0, 4.0)));
    }

    fn points() -> impl Strategy<Value = Vec<Point>> {
        prop::collection::vec((0.01..5.0f64, -100i32..100), 1..600).prop_map(|steps| {
            let mut time = 0.0;
            let point = |(step, value)| {
                time += step;
                Point::new(time, f64::from(value))
            };
            steps.into_iter().map(point).collect()
        })
    }

    proptest! {
        #[test]
        fn each_column_keeps_its_first_lowest_highest_and_last(
            points in points(),
            columns in 1u32..60,
        ) {
            let mut series = Series::default();
            series.replace(points);
            let all: Vec<Point> = series.iter(0..series.len()).collect();
            let (from, to) = (all[0].time, all[all.len() - 1].time + 1.0);
            let mut kept = Vec::new();
            series.decimate(0..all.len(), (from, to), columns, f64::INFINITY, &mut kept);
            if all.len() < 4 * columns as usize {
                prop_assert_eq!(&kept, &all);
                return Ok(());
            }
            prop_assert!(kept.windows(2).all(|pair| pair[0].time <= pair[1].time));
            let width = (to - from) / f64::from(columns);
            let column = |point: &Point| ((point.time - from) / width).floor() as u32;
            for at in 0..columns {
                let of = |points: &[Point]| -> Vec<f64> {
                    let points = points.iter().filter(|point| column(point) == at);
                    points.map(|point| point.value).collect()
                };
                let (all, kept) = (of(&all), of(&kept));
                let low = |values: &[f64]| values.iter().copied().min_by(f64::total_cmp);
                let high = |values: &[f64]| values.iter().copied().max_by(f64::total_cmp);
                prop_assert!(kept.len() <= 4);
                prop_assert_eq!(kept.first(), all.first());
                prop_assert_eq!(kept.last(), all.last());
                prop_assert_eq!(low(&kept), low(&all));
                prop_assert_eq!(high(&kept), high(&all));
            }
        }

        #[test]
        fn a_series_is_ordered_and_bounded(
            points in prop::collection::vec((0i32..50, -9i32..9), 0..200),
            capacity in 1usize..40,
        ) {
            let mut series = Series::new(capacity);
            for (time, value) in points {
                series.push(Point::new(f64::from(time), f64::from(value)));
            }
            let kept: Vec<Point> = series.iter(0..series.len()).collect();
            prop_assert!(kept.len() <= capacity + capacity / 4);
            prop_assert!(kept.windows(2).all(|pair| pair[0].time < pair[1].time));
        }

        #[test]
        fn candles_take_every_sample_once(points in points(), length in 1.0..90.0f64) {
            let mut series = Series::default();
            series.replace(points.iter().map(|point| Sample {
                volume: 1.0,
                ..Sample::from(*point)
            }));
            let last = points[points.len() - 1].time;
            let candles: Vec<Candle> = series.candles((0.0, last), length, 0.0).collect();
            let volume: f64 = candles.iter().map(|candle| candle.volume).sum();
            prop_assert_eq!(volume, series.len() as f64);
            prop_assert!(candles.windows(2).all(|pair| pair[0].times.1 <= pair[1].times.0 + 1e-6));
        }
    }
}
