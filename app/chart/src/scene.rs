//! All that is drawn, whatever it is drawn onto.

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
    /// A stroke from the lowest to the highest, with the first on its left and the last on its right.
    Bars,
}

impl Kind {
    /// Whether it shows spans of time rather than single values.
    pub const fn has_spans(self) -> bool {
        matches!(self, Kind::Candles | Kind::Bars)
    }
}

/// How values lie on the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// The same difference is the same distance.
    #[default]
    Linear,
    /// The same ratio is the same distance. Where there is a value that is not above zero, it is linear.
    Log,
    /// What is gained since the first that is shown, in percent.
    Percent,
}

/// The colour of the series. The page chooses it, since only the page has the value to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Accent,
    /// Above what it is compared with.
    Up,
    /// Below it.
    Down,
}

/// Which times are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View {
    /// Up to the newest sample, and no more than so many milliseconds before it.
    Newest(f64),
    /// From one time to another, whatever comes.
    Between(f64, f64),
}

impl Default for View {
    fn default() -> Self {
        View::Newest(f64::INFINITY)
    }
}

/// Another series beside the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// As it stands in the legend.
    pub name: String,
    /// Its values.
    pub series: Series,
}

/// A mark at a time, such as a story of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: i64,
    /// The page's id for it.
    pub id: String,
    /// Its text, in one line.
    pub text: String,
}

/// A series with all that is drawn with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// What the legend calls the series.
    pub name: String,
    /// The series itself.
    pub series: Series,
    /// How it is drawn.
    pub kind: Kind,
    /// How its values lie on the axis. Where series are compared it is in percent, whatever this is.
    pub scale: Scale,
    /// Its colour.
    pub tone: Tone,
    /// Which times are shown.
    pub view: View,
    /// Decimals of a value.
    pub decimals: u32,
    /// What values are multiples of, and so the lines of the axis; 0 where only the decimals are known.
    pub tick: f64,
    /// What the times shown are ahead of UTC, in minutes.
    pub offset: i32,
    /// The least length of a candle, in milliseconds.
    pub interval: f64,
    /// Whether what was traded is drawn below, where that is known.
    pub shows_volume: bool,
    /// Other series, in percent.
    pub compared: Vec<Compared>,
    /// What happened when, in the order of times.
    pub pins: Vec<Pin>,
    /// What is computed from the series: see [`Scene::set_studies`].
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

/// Other series and studies at the most: as many as there are colours.
pub const MAX_LINES: usize = 4;

/// The shortest time that fills the plot, so that the first seconds do not leap about.
pub(super) const SHORTEST: f64 = 20_000.0;

/// What a candle should be wide at least, in CSS pixels, with the room beside it.
const CANDLE: f64 = 7.0;

impl Scene {
    /// What the scale is in truth.
    pub fn effective_scale(&self) -> Scale {
        if self.compared.is_empty() {
            self.scale
        } else {
            Scale::Percent
        }
    }

    /// The times that a plot of a series from its first to its last sample covers.
    pub(super) fn times(&self, first: Point, last: Point) -> (f64, f64) {
        match self.view {
            View::Newest(span) => {
                // A span begins before its time.
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

    /// The samples of the series that lie in these times.
    pub(super) fn shown(&self) -> Range<usize> {
        let (Some(first), Some(last)) = (self.series.first(), self.series.last()) else {
            return 0..0;
        };
        let (from, to) = self.times(first, last);
        self.series.inside(from, to)
    }

    /// Chooses what is computed from the series. [`Scene::update_studies`] computes it.
    pub fn set_studies(&mut self, studies: &[Study]) {
        self.studies = studies
            .iter()
            .take(MAX_LINES)
            .map(|&study| StudyLine::new(study))
            .collect();
    }

    /// Computes the studies from candles of `length` milliseconds: those that are drawn, so that the candles and
    /// the lines through them agree. Samples changed from a time on.
    pub(super) fn update_studies(&mut self, changed: f64, length: f64) {
        let offset = self.offset_millis();
        for line in &mut self.studies {
            line.update(&self.series, changed, length, offset);
        }
    }

    /// The least distance of two values.
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

    /// The longest time without a sample that a line bridges, in milliseconds. What is longer, such as a night or a
    /// lunch break of an exchange, has neither a line nor an area, as it has no candles. Days are not distinguished
    /// from weekends and holidays.
    pub(super) fn gap(&self) -> f64 {
        const LEAST: f64 = (45 * MINUTE) as f64;
        if self.interval >= DAY as f64 {
            return f64::INFINITY;
        }
        LEAST.max(4.0 * self.interval)
    }

    /// The length of candles so that each has some pixels of a plot of such a width in CSS pixels.
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
                // Beyond a month in whole multiples of one.
                let month = (28 * DAY) as f64;
                (least / month).ceil() * month
            })
    }
}

/// Up to a little after the last, in steps of about a sixtieth, from so many milliseconds before, or from
/// the first where that is later.
pub(super) fn fit_times(first: f64, last: f64, span: f64) -> (f64, f64) {
    let short = last - first < SHORTEST;
    let all = (last - first).max(SHORTEST);
    let step = 2f64.powi((all.min(span) / 64.0).log2().ceil() as i32);
    let end = if short { first + SHORTEST } else { last };
    let to = (end / step).floor() * step + 2.0 * step;
    (first.max((last / step).floor() * step - span), to)
}
