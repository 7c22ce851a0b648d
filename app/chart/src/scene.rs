//! Everything that is drawn, independent of the surface.

use super::calendar::{DAY, HOUR, MINUTE, SECOND};
use super::sample::Point;
use super::scale::{MAX_DECIMALS, power_of_ten};
use super::series::Series;
use super::studies::{Study, StudyLine};
use std::ops::Range;

/// How the series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A line through the values.
    Line,
    /// The same, above an area of its colour.
    #[default]
    Area,
    /// A body from the first to the last value of a span, and wicks to the highest and lowest.
    Candles,
    /// A stroke from the lowest to the highest value, with a mark for the first on its left and for the last on its
    /// right.
    Bars,
}

impl Kind {
    /// Whether it shows spans of time rather than single values.
    pub const fn has_spans(self) -> bool {
        matches!(self, Kind::Candles | Kind::Bars)
    }
}

/// The scale of the axis of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal differences have equal distances.
    #[default]
    Linear,
    /// Equal ratios have equal distances. It is linear if a value is zero or negative.
    Log,
    /// The gain since the first shown value, in percent.
    Percent,
}

/// The colour of the series. The page chooses it, because only the page has the value to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Neutral.
    #[default]
    Accent,
    /// Above the reference value.
    Up,
    /// Below the reference value.
    Down,
}

/// Which times are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View {
    /// The given milliseconds up to the newest sample.
    Newest(f64),
    /// From one time to another, both in milliseconds since the Unix epoch.
    Between(f64, f64),
}

impl Default for View {
    fn default() -> Self {
        View::Newest(f64::INFINITY)
    }
}

/// A series to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Its name in the legend.
    pub name: String,
    /// Its values.
    pub series: Series,
}

/// A mark at a time, such as for a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: i64,
    /// The page's id for it.
    pub id: String,
    /// Its text, in one line.
    pub text: String,
}

/// A series with everything that is drawn with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The name of the series in the legend.
    pub name: String,
    /// The series itself.
    pub series: Series,
    /// How it is drawn.
    pub kind: Kind,
    /// How its values lie on the axis. With compared series it is always percent.
    pub scale: Scale,
    /// Its colour.
    pub tone: Tone,
    /// Which times are shown.
    pub view: View,
    /// Decimals of a value.
    pub decimals: u32,
    /// The tick that values and lines of the axis are multiples of; 0 if only the decimals are known.
    pub tick: f64,
    /// How far the displayed times are ahead of UTC, in minutes.
    pub offset: i32,
    /// The least length of a candle, in milliseconds.
    pub interval: f64,
    /// Whether the volume is drawn below the series, if it is known.
    pub shows_volume: bool,
    /// Other series, in percent.
    pub compared: Vec<Compared>,
    /// The pins, ordered by time.
    pub pins: Vec<Pin>,
    /// The studies: see [`Scene::set_studies`].
    pub studies: Vec<StudyLine>,
}

impl Default for Scene {
    fn default() -> Self {
        Scene {
            name: String::new(),
            series: Series::default(),
            kind: Kind::default(),
            scale: Scale::default(),
            tone: Tone::default(),
            view: View::default(),
            decimals: 2,
            tick: 0.0,
            offset: 0,
            interval: SECOND as f64,
            shows_volume: true,
            compared: Vec::new(),
            pins: Vec::new(),
            studies: Vec::new(),
        }
    }
}

/// The maximum number of compared series, and of studies: there are as many colours for each.
pub const MAX_LINES: usize = 4;

/// The shortest time that fills the plot, so that the first seconds are not stretched.
pub(super) const SHORTEST: f64 = 20_000.0;

/// The least width of a candle with the room beside it, in CSS pixels.
const CANDLE: f64 = 7.0;

impl Scene {
    /// The scale that is drawn.
    pub fn effective_scale(&self) -> Scale {
        if self.compared.is_empty() {
            self.scale
        } else {
            Scale::Percent
        }
    }

    /// The times that the plot covers, for a series from `first` to `last`.
    pub(super) fn times(&self, first: Point, last: Point) -> (f64, f64) {
        match self.view {
            View::Newest(span) => {
                // A candle begins before its time.
                let before = if self.kind.has_spans() {
                    self.interval
                } else {
                    0.0
                };
                fit_times(first.time - before, last.time, span)
            }
            View::Between(from, to) => (from, to),
        }
    }

    /// The indices of the samples that are shown.
    pub(super) fn shown(&self) -> Range<usize> {
        let (Some(first), Some(last)) = (self.series.first(), self.series.last()) else {
            return 0..0;
        };
        let (from, to) = self.times(first, last);
        self.series.inside(from, to)
    }

    /// Sets the studies, at most [`MAX_LINES`]. [`Scene::update_studies`] computes them.
    pub fn set_studies(&mut self, studies: &[Study]) {
        self.studies = studies
            .iter()
            .take(MAX_LINES)
            .map(|&study| StudyLine::new(study))
            .collect();
    }

    /// Computes the studies from candles of `length` milliseconds, the ones that are drawn, so that both agree.
    /// `changed` is the time from which on samples have changed.
    pub(super) fn update_studies(&mut self, changed: f64, length: f64) {
        let offset = self.offset_millis();
        for line in &mut self.studies {
            line.update(&self.series, changed, length, offset);
        }
    }

    /// The least difference of two values.
    pub(super) fn least_step(&self) -> f64 {
        if self.tick > 0.0 {
            self.tick
        } else {
            power_of_ten(-(self.decimals.min(MAX_DECIMALS) as i32))
        }
    }

    pub(super) fn offset_millis(&self) -> f64 {
        (i64::from(self.offset) * MINUTE) as f64
    }

    /// The longest time without a sample that a line bridges, in milliseconds. A longer one, such as a night or a lunch
    /// break of an exchange, has no line and no area, just as it has no candles. Between days the line bridges weekends
    /// and holidays.
    pub(super) fn gap(&self) -> f64 {
        const LEAST: f64 = (45 * MINUTE) as f64;
        if self.interval >= DAY as f64 {
            return f64::INFINITY;
        }
        LEAST.max(4.0 * self.interval)
    }

    /// The length of candles, in milliseconds, for a plot of `width` CSS pixels over `span` milliseconds.
    pub(super) fn candle_length(&self, span: f64, width: f64) -> f64 {
        const LENGTHS: [i64; 20] = [
            SECOND,
            2 * SECOND,
            5 * SECOND,
            10 * SECOND,
            15 * SECOND,
            30 * SECOND,
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            10 * MINUTE,
            15 * MINUTE,
            30 * MINUTE,
            HOUR,
            2 * HOUR,
            4 * HOUR,
            6 * HOUR,
            12 * HOUR,
            DAY,
            7 * DAY,
            28 * DAY,
        ];
        let least = (span * CANDLE / width.max(1.0)).max(self.interval);
        let lengths = LENGTHS.into_iter().map(|length| length as f64);
        lengths
            .into_iter()
            .find(|&length| length >= least)
            .unwrap_or_else(|| {
                // Longer ones are multiples of 28 days.
                let month = (28 * DAY) as f64;
                (least / month).ceil() * month
            })
    }
}

/// The times from `span` milliseconds before the last sample, or from the first if that is later, until a little after
/// the last. The ends move in steps of about a sixtieth.
pub(super) fn fit_times(first: f64, last: f64, span: f64) -> (f64, f64) {
    let short = last - first < SHORTEST;
    let all = (last - first).max(SHORTEST);
    let step = 2f64.powi((all.min(span) / 64.0).log2().ceil() as i32);
    let end = if short { first + SHORTEST } else { last };
    let to = (end / step).floor() * step + 2.0 * step;
    (first.max((last / step).floor() * step - span), to)
}
