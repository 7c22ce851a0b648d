//! Points in time, bounded in number, and their reduction to what a row of pixels can show.

use std::collections::VecDeque;
use std::ops::Range;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// In the unit of whoever gave it: the chart only draws it.
    pub value: f64,
}

impl Point {
    /// A value at a time in milliseconds since the Unix epoch.
    pub const fn new(time: f64, value: f64) -> Self {
        Self { time, value }
    }

    fn is_finite(self) -> bool {
        self.time.is_finite() && self.value.is_finite()
    }
}

/// Points in the order of their times, each time once, at most as many as the capacity: a page that
/// is open for days must not grow.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    // A ring, so that dropping the oldest moves nothing.
    points: VecDeque<Point>,
    capacity: usize,
    /// How far before the newest point the oldest may be, in milliseconds.
    span: f64,
    /// Whether points were dropped because of that.
    cut: bool,
}

impl Default for Series {
    fn default() -> Self {
        Self::new(Self::CAPACITY)
    }
}

impl Series {
    /// Points kept unless said otherwise: a trading day of one a second fits in it.
    pub const CAPACITY: usize = 20_000;

    /// An empty series that keeps the newest `capacity` points (at least one).
    pub const fn new(capacity: usize) -> Self {
        let capacity = if capacity == 0 { 1 } else { capacity };
        Self {
            points: VecDeque::new(),
            capacity,
            span: f64::INFINITY,
            cut: false,
        }
    }

    /// From now on keeps only what is at most so many milliseconds older than the newest point.
    pub fn set_span(&mut self, span: f64) {
        self.span = span;
        self.trim();
    }

    fn trim(&mut self) {
        let Some(last) = self.last() else { return };
        while self
            .first()
            .is_some_and(|first| first.time < last.time - self.span)
        {
            self.points.pop_front();
            self.cut = true;
        }
    }

    /// Appends a point and says whether it was taken. A point at the time of the last one replaces
    /// it; one that is older, or is not a finite number, is left out.
    pub fn push(&mut self, point: Point) -> bool {
        if !point.is_finite() {
            return false;
        }
        match self.points.back_mut() {
            Some(last) if point.time < last.time => return false,
            Some(last) if point.time == last.time => *last = point,
            _ => {
                if self.points.len() == self.capacity {
                    self.points.pop_front();
                }
                self.points.push_back(point);
                self.trim();
            }
        }
        true
    }

    /// Forgets what was there and pushes these instead.
    pub fn replace(&mut self, points: impl IntoIterator<Item = Point>) {
        self.points.clear();
        self.cut = false;
        for point in points {
            self.push(point);
        }
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Whether a new point drops the oldest, sooner or later.
    pub fn is_full(&self) -> bool {
        self.cut || self.points.len() == self.capacity
    }

    /// The oldest point.
    pub fn first(&self) -> Option<Point> {
        self.points.front().copied()
    }

    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        self.points.back().copied()
    }

    /// The point at an index, counted from the oldest.
    pub fn get(&self, index: usize) -> Option<Point> {
        self.points.get(index).copied()
    }

    /// The points at these indices, oldest first; indices beyond the end are left out.
    pub fn iter(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Point> + '_ {
        let end = range.end.min(self.len());
        self.points.range(range.start.min(end)..end).copied()
    }

    /// The points at these indices as the ring holds them: what is done with each of many is a good
    /// deal faster on slices.
    fn slices(&self, range: Range<usize>) -> [&[Point]; 2] {
        let (older, newer) = self.points.as_slices();
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let split = older.len();
        [
            &older[start.min(split)..end.min(split)],
            &newer[start.max(split) - split..end.max(split) - split],
        ]
    }

    /// The index of the point nearest in time.
    pub fn nearest(&self, time: f64) -> Option<usize> {
        let after = self.points.partition_point(|point| point.time < time);
        let before = after.checked_sub(1);
        match (before, self.get(after)) {
            (Some(before), Some(next)) => {
                let nearer_before = time - self.points[before].time <= next.time - time;
                Some(if nearer_before { before } else { after })
            }
            (before, next) => next.map(|_| after).or(before),
        }
    }

    /// The indices of the points between two times, with one more on either side, so that a line
    /// through them reaches the edges.
    pub fn between(&self, from: f64, to: f64) -> Range<usize> {
        let start = self.points.partition_point(|point| point.time < from);
        let end = self.points.partition_point(|point| point.time <= to);
        start.saturating_sub(1)..(end + 1).min(self.len())
    }

    /// The lowest and highest value at these indices.
    pub fn extent(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let first = self.get(range.start).filter(|_| !range.is_empty())?.value;
        let mut extent = (first, first);
        for point in self.slices(range).into_iter().flatten() {
            extent = (extent.0.min(point.value), extent.1.max(point.value));
        }
        Some(extent)
    }

    /// Writes into `into` what `columns` columns of pixels over the times `from..to` can show of the
    /// points at these indices, in their order.
    ///
    /// Where there are at least four points a column, each column keeps its first, lowest, highest
    /// and last one: the line drawn through them covers the same pixels as one through all, as in
    /// uPlot's `src/paths/linear.js`. Below that every point is kept.
    pub fn decimate(
        &self,
        range: Range<usize>,
        (from, to): (f64, f64),
        columns: u32,
        into: &mut Vec<Point>,
    ) {
        into.clear();
        if range.len() < 4 * columns as usize || columns == 0 || to <= from {
            into.extend(self.iter(range));
            return;
        }
        let per_millisecond = f64::from(columns) / (to - from);
        let column_of = |point: &Point| ((point.time - from) * per_millisecond).floor();
        let mut column: Option<Column> = None;
        let mut at = f64::NAN;
        let mut place = 0;
        for points in self.slices(range) {
            for point in points {
                let next = column_of(point);
                match &mut column {
                    Some(column) if next == at => column.add((place, *point)),
                    _ => {
                        if let Some(column) = column.replace(Column::new((place, *point))) {
                            column.write(into);
                        }
                        at = next;
                    }
                }
                place += 1;
            }
        }
        if let Some(column) = column {
            column.write(into);
        }
    }
}

/// The points of one column of pixels that are kept, each with its place among all points.
struct Column {
    first: (usize, Point),
    low: (usize, Point),
    high: (usize, Point),
    last: (usize, Point),
}

impl Column {
    fn new(point: (usize, Point)) -> Self {
        Self {
            first: point,
            low: point,
            high: point,
            last: point,
        }
    }

    fn add(&mut self, point: (usize, Point)) {
        if point.1.value < self.low.1.value {
            self.low = point;
        }
        if point.1.value > self.high.1.value {
            self.high = point;
        }
        self.last = point;
    }

    /// In order of time, and each point once.
    fn write(&self, into: &mut Vec<Point>) {
        let (earlier, later) = if self.low.0 < self.high.0 {
            (self.low, self.high)
        } else {
            (self.high, self.low)
        };
        into.push(self.first.1);
        let mut written = self.first.0;
        for (place, point) in [earlier, later, self.last] {
            if place > written {
                into.push(point);
                written = place;
            }
        }
    }
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

    #[test]
    fn time_never_goes_back() {
        let mut series = series(&[(1.0, 10.0), (2.0, 20.0)]);
        assert!(!series.push(Point::new(1.5, 99.0)));
        assert!(series.push(Point::new(2.0, 21.0)));
        assert!(!series.push(Point::new(3.0, f64::NAN)));
        assert!(!series.push(Point::new(f64::INFINITY, 1.0)));
        let points: Vec<_> = series.iter(0..9).collect();
        assert_eq!(points, [Point::new(1.0, 10.0), Point::new(2.0, 21.0)]);
    }

    #[test]
    fn the_oldest_is_dropped_beyond_the_capacity() {
        let mut series = Series::new(3);
        series.replace((0..5).map(|n| Point::new(f64::from(n), f64::from(n))));
        assert!(series.is_full());
        assert_eq!(series.first(), Some(Point::new(2.0, 2.0)));
        assert_eq!(series.last(), Some(Point::new(4.0, 4.0)));
        assert_eq!(series.extent(0..2), Some((2.0, 3.0)));
        assert_eq!(series.extent(1..9), Some((3.0, 4.0)));
        assert_eq!(series.extent(2..2), None);
        assert_eq!(series.extent(3..9), None);
    }

    #[test]
    fn what_is_older_than_the_span_is_dropped() {
        let mut series = Series::default();
        series.set_span(10.0);
        series.replace((0..6).map(|n| Point::new(f64::from(n) * 4.0, 1.0)));
        let times = |series: &Series| -> Vec<f64> {
            series
                .iter(0..series.len())
                .map(|point| point.time)
                .collect()
        };
        assert_eq!(times(&series), [12.0, 16.0, 20.0]);
        assert!(series.is_full());
        series.push(Point::new(100.0, 1.0));
        assert_eq!(times(&series), [100.0]);
        series.set_span(f64::INFINITY);
        series.replace([Point::new(0.0, 1.0), Point::new(99.0, 1.0)]);
        assert_eq!(series.len(), 2);
        assert!(!series.is_full());
        series.set_span(1.0);
        assert_eq!(times(&series), [99.0]);
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
        series.decimate(0..3, (0.0, 2.0), 100, &mut kept);
        assert_eq!(kept, series.iter(0..3).collect::<Vec<_>>());
    }

    fn points() -> impl Strategy<Value = Vec<Point>> {
        prop::collection::vec((0.0..5.0f64, -100i32..100), 1..600).prop_map(|steps| {
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
            capacity in 1usize..800,
        ) {
            // Often less than there are points, so that the ring has gone round.
            let mut series = Series::new(capacity);
            series.replace(points);
            let all: Vec<Point> = series.iter(0..series.len()).collect();
            let (from, to) = (all[0].time, all[all.len() - 1].time + 1.0);
            let mut kept = Vec::new();
            series.decimate(0..all.len(), (from, to), columns, &mut kept);

            prop_assert!(kept.windows(2).all(|pair| pair[0].time < pair[1].time));
            if all.len() < 4 * columns as usize {
                prop_assert_eq!(&kept, &all);
                return Ok(());
            }
            let column = |point: &Point| {
                ((point.time - from) * (f64::from(columns) / (to - from))).floor() as u32
            };
            for at in 0..columns {
                let of = |points: &[Point]| -> Vec<Point> {
                    points.iter().filter(|point| column(point) == at).copied().collect()
                };
                let (all, kept) = (of(&all), of(&kept));
                let low = |points: &[Point]| {
                    points.iter().map(|point| point.value).min_by(f64::total_cmp)
                };
                let high = |points: &[Point]| {
                    points.iter().map(|point| point.value).max_by(f64::total_cmp)
                };
                prop_assert!(kept.len() <= 4);
                prop_assert!(kept.iter().all(|point| all.contains(point)));
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
            prop_assert!(kept.len() <= capacity);
            prop_assert!(kept.windows(2).all(|pair| pair[0].time < pair[1].time));
        }
    }
}
