//! Decimation of a series for a row of pixels, and its candles.

use super::sample::{Candle, Point};
use super::series::Series;
use std::ops::Range;

impl Series {
    /// The first index from `from` on whose time is after `time`. The search begins near `from`, so that a walk over
    /// the whole series takes little more than one step per call.
    fn index_after(&self, from: usize, time: f64) -> usize {
        let rest = &self.times[from..];
        let mut reach = 1;
        while reach < rest.len() && rest[reach - 1] <= time {
            reach *= 2;
        }
        let reach = reach.min(rest.len());
        from + rest[..reach].partition_point(|&at| at <= time)
    }

    /// Reduces the closes at these indices to what `columns` columns of pixels over the times `from..to` can show, in
    /// their order.
    ///
    /// If there are at least four samples per column, each column keeps its first, lowest, highest and last value, all
    /// at the time of its first. The line through them covers the same pixels as one through all samples, as in uPlot's
    /// `src/paths/linear.js`. With fewer samples every point is kept.
    ///
    /// A [`Point::BREAK`] separates points that are more than `gap` milliseconds apart.
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
            // A sample at the edge belongs to the next column.
            let edge = (from + (column + 1.0) * width).next_down();
            let end = self.index_after(start, edge).clamp(start + 1, range.end);
            let (first, last) = (self.closes[start], self.closes[end - 1]);
            break_before(start, into);
            into.push(Point::new(time, first));
            if end - start > 1 {
                if let Some((low, high)) = self.extent(start..end) {
                    // The nearer extreme comes first, which makes shorter strokes.
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

    /// The candles of `length` milliseconds with a sample after `from` and not after `to`, oldest first. They begin at
    /// multiples of their length, shifted by `offset` milliseconds.
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

/// The beginning of the candle that contains a time, for candles of one length shifted by `offset`. All values are in
/// milliseconds.
pub(super) fn begin_of(time: f64, length: f64, offset: f64) -> f64 {
    (((time + offset) / length).ceil() - 1.0) * length - offset
}
