//! Samples in time, bounded in number.

use super::levels::Levels;
use super::sample::{Point, Sample};
use std::ops::Range;

/// How many times longer than the distances beside it a gap is: more than a weekend with holidays between days, less
/// than a night between hours.
const SPARSE: f64 = 8.0;

/// Samples in the order of their times, each time once, and not many more than the capacity: a page that is open for
/// days must not grow.
///
/// They are stored in columns, since most operations read only one. Columns that only spans need exist only if a sample
/// is more than a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub(super) times: Vec<f64>,
    pub(super) closes: Vec<f64>,
    levels: Levels,
    pub(super) spans: Option<Box<Spans>>,
    /// Running sums of the volume and of what was paid, including each sample: a difference of two is the sum in
    /// between.
    pub(super) volumes: Option<Vec<(f64, f64)>>,
    capacity: usize,
}

/// The values of samples besides their closes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Spans {
    pub(super) opens: Vec<f64>,
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
    /// Samples kept by default.
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

    /// Appends a sample and returns whether it was taken. One at the time of the last sample replaces it. One that is
    /// older, or has a number that is not finite, is left out.
    pub fn push(&mut self, sample: impl Into<Sample>) -> bool {
        let before = self.len();
        let taken = self.append(sample.into());
        if taken {
            self.trim();
            self.update(before.saturating_sub(1).min(self.len() - 1));
        }
        taken
    }

    /// Replaces all samples.
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

    /// The same for points in columns. The series takes over the columns if they are of equal length, finite, and
    /// ascending in time. Otherwise the points are pushed one by one, up to the end of the shorter column.
    pub fn replace_columns(&mut self, times: Vec<f64>, values: Vec<f64>) {
        let rising = times.windows(2).all(|pair| pair[0] < pair[1]);
        // Ascending times between two finite ones are finite.
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

    /// Drops the oldest samples, a quarter of the capacity at a time, so that a push stays cheap when the series is
    /// full.
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

    /// Whether volumes are known.
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

    /// The volume of the sample at an index; 0 if it is not known.
    pub fn volume(&self, index: usize) -> f64 {
        let Some(volumes) = &self.volumes else {
            return 0.0;
        };
        let until = |index: usize| volumes.get(index).map_or(0.0, |sums| sums.0);
        until(index) - index.checked_sub(1).map_or(0.0, until)
    }

    /// The closes at these indices, oldest first. Indices beyond the end are left out.
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

    /// The indices of the samples between two times, with one more on each side, so that a line through them reaches
    /// the edges.
    pub fn between(&self, from: f64, to: f64) -> Range<usize> {
        let start = self.times.partition_point(|&time| time < from);
        let end = self.times.partition_point(|&time| time <= to);
        start.saturating_sub(1)..(end + 1).min(self.len())
    }

    /// The indices of the samples of a line between two times: those inside, and one more on each side unless it is
    /// more than `gap` milliseconds away.
    pub fn reaching(&self, from: f64, to: f64, gap: f64) -> Range<usize> {
        let inside = self.inside(from, to);
        let more =
            |at: usize| usize::from(at > 0 && at < self.len() && !self.is_after_gap(at, gap));
        inside.start - more(inside.start)..inside.end + more(inside.end)
    }

    /// Whether more than `gap` milliseconds lie before the sample at an index, while the samples beside it are closer
    /// together. So days that precede minutes are not separated.
    pub(super) fn is_after_gap(&self, index: usize, gap: f64) -> bool {
        let apart = |at: usize| Some(self.times.get(at)? - self.times.get(at.checked_sub(1)?)?);
        let length = self.times[index] - self.times[index - 1];
        let is_longer = |at| apart(at).is_some_and(|other| length > SPARSE * other);
        length > gap && (self.len() == 2 || is_longer(index - 1) || is_longer(index + 1))
    }

    /// The indices of the samples between two times, both included.
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

    /// The lowest low and the highest high at these indices.
    pub fn span_extent(&self, range: Range<usize>) -> Option<(f64, f64)> {
        let Some(spans) = &self.spans else {
            return self.extent(range);
        };
        let range = range.start..range.end.min(self.len());
        spans.levels.extent(&spans.lows, &spans.highs, range)
    }
}

#[cfg(test)]
mod tests;
