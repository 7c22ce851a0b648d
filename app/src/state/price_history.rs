use std::{cmp::Reverse, collections::VecDeque};

use chart::{Point, Sample};
use market::{Bar, Interval, Millis};

use crate::state::{missing::Missing, range::Range};

/// How many of the newest prices are kept. A chart is not wider in pixels, and older prices are in the bars.
const RECENT: usize = 2_000;
/// How many bars are kept. The ranges need an eighth of them; the rest are more than two weeks of minutes for scrolling
/// back.
const BARS: usize = 24_000;
/// How much older than the previous price a price may be. A recording that starts over goes back further.
const STEP_BACK: Millis = 60_000;

/// The interval of a text; `None` for anything else.
pub(crate) fn interval_named(text: Option<String>) -> Option<Interval> {
    Interval::ALL
        .into_iter()
        .find(|interval| text.as_deref() == Some(interval.as_str()))
}

/// A price, its time, and the volume since the previous price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PricePoint {
    /// The exchange's time.
    pub(crate) time: Millis,
    /// The price, only for drawing.
    pub(crate) price: f64,
    /// The volume, only for drawing.
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
    /// A known price was changed.
    Corrected,
    /// It is between known prices.
    Between,
    /// Time went back: all earlier prices are forgotten.
    StartedOver,
}

/// A bar of any length, only for drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: Millis,
    /// The time of its close.
    end: Millis,
    sample: Sample,
}

impl Span {
    fn new(bar: &Bar, end: Millis) -> Self {
        Span {
            start: bar.start,
            end,
            sample: sample_of(bar, end),
        }
    }

    /// The order of bars: by their ends, and the shorter one first.
    fn key(&self) -> (Millis, Reverse<Millis>) {
        (self.end, Reverse(self.start))
    }

    const fn length(&self) -> Millis {
        self.end.saturating_sub(self.start)
    }

    const fn point(&self) -> PricePoint {
        PricePoint {
            time: self.end,
            price: self.sample.close,
            volume: self.sample.volume,
        }
    }
}

/// A bar as a sample of a chart. `end` is the time of its close, and its turnover is `None` if it has no average price.
pub fn sample_of(bar: &Bar, end: Millis) -> Sample {
    Sample {
        time: end as f64,
        open: bar.open.to_f64(),
        high: bar.high.to_f64(),
        low: bar.low.to_f64(),
        close: bar.close.to_f64(),
        volume: bar.volume.to_f64(),
        turnover: bar.vwap.map(|vwap| vwap.to_f64() * bar.volume.to_f64()),
    }
}

/// The price history of one symbol: its bars, and the newest prices.
#[derive(Debug, Clone, Default)]
pub(crate) struct PriceHistory {
    /// Ordered by their ends. A close is the price at a moment, so bars of different lengths can be mixed.
    bars: Vec<Span>,
    recent: VecDeque<PricePoint>,
    /// The ranges whose bars have been fetched.
    filled: Vec<Range>,
    /// The interval of older bars, if there are any, once the server has reported it.
    older: Option<Option<Interval>>,
}

impl PriceHistory {
    /// Adds a price that was received with a quote. `quoted` is the quote's time, which is not before the price's.
    pub(crate) fn add_as_of(&mut self, point: PricePoint, quoted: Millis) -> Added {
        let newest = self.recent.back().map(|newest| newest.time);
        match newest {
            Some(newest) if quoted + STEP_BACK < newest => {
                *self = PriceHistory::default();
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

    /// Adds a bar of a minute that just closed or was corrected. If no price of its minute was received, as when quotes
    /// were superseded, its close takes their place. Returns what changed, if anything.
    pub(crate) fn add_bar(&mut self, bar: &Bar) -> Option<Added> {
        let span = Span::new(bar, bar.start + Bar::INTERVAL);
        let known = self.bars.binary_search_by_key(&span.key(), Span::key);
        let known = known.ok().map(|at| self.bars[at]);
        let first = self.bars.iter().rev().find(|other| other.end <= span.end);
        let is_covered = first.is_some_and(|first| first.end == span.end);
        self.merge(&[span]);
        let minute = bar.start + 1..=span.end;
        let mut prices = self.recent.iter().rev().map(|point| point.time);
        let is_newest = self
            .recent
            .back()
            .is_none_or(|newest| newest.time <= bar.start);
        match known {
            Some(known) => (known != span).then_some(Added::Corrected),
            None if is_covered => None,
            None if is_newest => Some(Added::Newest(span.point())),
            None if !prices.any(|time| minute.contains(&time)) => Some(Added::Between),
            _ => None,
        }
    }

    /// Adds bars that were missing, oldest first. They replace known bars, which may have been corrected meanwhile. If
    /// the last one is not complete, it is as of `until`. `older` is the interval of the server's older bars, if it is
    /// known.
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

    /// The missing bars before those of a range, for a chart that shows times from `from` on, in milliseconds since the
    /// Unix epoch; `None` if there are no older bars, or no room for them. `moved` is whether the person scrolled
    /// there.
    pub(crate) fn before(
        &self,
        newest: Missing,
        (from, moved): (f64, bool),
        archived: bool,
    ) -> Option<Missing> {
        let first = self.bars.first()?.start;
        // The page's own bars may be all. More are requested only once the person scrolls there.
        let older = self.older.or(moved.then_some(Some(newest.interval)))??;
        let interval = older.max(newest.interval);
        let limit = newest.range.more_bars(archived);
        // The newest bar of a range has only begun, so the range is not quite full. A longer bar is wanted within the
        // range only if it fits.
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

    /// Whether the bars of a range were fetched, or those of a longer range with the same interval.
    pub(crate) fn is_filled(&self, range: Range, archived: bool) -> bool {
        self.filled.iter().any(|filled| {
            filled.millis() >= range.millis()
                && filled.interval(archived) == range.interval(archived)
        })
    }

    /// Has bars fetched again, because there may be gaps since.
    pub(crate) fn forget_filled(&mut self) {
        self.filled.clear();
    }

    /// Merges bars into the known ones; both are ordered.
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

    /// The whole history as single prices, oldest first: all kept prices, and the closes of bars for other times,
    /// without gaps or duplicates.
    pub(crate) fn points(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = Vec::with_capacity(self.bars.len() + self.recent.len());
        let mut recent = self.recent.iter().copied().peekable();
        let (mut newest, mut covered) = (None, 0);
        for bar in &self.bars {
            while let Some(point) = recent.next_if(|point| point.time <= bar.end) {
                newest = Some(point.time);
                samples.push(point.into());
            }
            // Bars of other lengths may cover the same time.
            let is_new = samples.last().is_none_or(|last| last.time < bar.end as f64);
            if is_new && newest.is_none_or(|newest| newest <= bar.start) {
                // Volume is counted only once, in the first bar that covers a time.
                let (volume, turnover) = match covered <= bar.start {
                    true => (bar.sample.volume, bar.sample.turnover),
                    false => (0.0, None),
                };
                covered = bar.end;
                samples.push(Sample {
                    volume,
                    turnover,
                    ..bar.sample
                });
            }
        }
        samples.extend(recent.map(Sample::from));
        samples
    }

    /// The whole history as bars, oldest first: bars of at most this interval, each time once, and single prices for
    /// other times. Bars include prices that were not received. A longer bar is used only if there is nothing else.
    pub(crate) fn spans(&self, interval: Interval) -> Vec<Sample> {
        let mut taken: Vec<Span> = Vec::with_capacity(self.bars.len());
        let mut from = Millis::MAX;
        for bar in self.bars.iter().rev().filter(|bar| bar.end > bar.start) {
            if bar.end <= from
                && (bar.length() <= interval.millis() || !self.is_covered(bar, interval))
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
            samples.push(bar.sample);
        }
        samples.extend(recent.map(Sample::from));
        samples
    }

    /// Whether shorter bars or single prices cover the time of a bar that is too long.
    fn is_covered(&self, bar: &Span, interval: Interval) -> bool {
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
impl PriceHistory {
    /// Adds the price of a trade that was just received.
    pub(crate) fn add(&mut self, point: PricePoint) -> Added {
        self.add_as_of(point, point.time)
    }
}

#[cfg(test)]
pub(crate) mod tests;
