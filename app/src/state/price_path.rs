use std::{cmp::Reverse, collections::VecDeque};

use chart::{Point, Sample};
use market::{Bar, Interval, Millis};

use crate::state::{missing::Missing, range::Range};

/// How many of the newest prices are kept: a chart is not wider than this in pixels, and older
/// ones are in the bars.
const RECENT: usize = 2_000;
/// How many bars are kept: the page's ranges take an eighth of it, and the rest are more than two weeks of
/// minutes for readers who scroll back.
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
        let (mut newest, mut covered) = (None, 0);
        for bar in &self.bars {
            while let Some(point) = recent.next_if(|point| point.time <= bar.end) {
                newest = Some(point.time);
                samples.push(point.into());
            }
            // Bars of other lengths may cover it, too.
            let is_new = samples.last().is_none_or(|last| last.time < bar.end as f64);
            if is_new && newest.is_none_or(|newest| newest <= bar.start) {
                // What was traded is counted once, in whichever bars come first.
                let (volume, turnover) = match covered <= bar.start {
                    true => (bar.volume, bar.turnover),
                    false => (0.0, None),
                };
                covered = bar.end;
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
            samples.push(bar.into());
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
impl PricePath {
    /// Adds the price of a trade that just came.
    pub(crate) fn add(&mut self, point: PricePoint) -> Added {
        self.add_as_of(point, point.time)
    }
}

#[cfg(test)]
pub(crate) mod tests;
