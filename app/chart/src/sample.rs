//! Single values, samples and candles.

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// In the unit of the chart's values.
    pub value: f64,
}

impl Point {
    /// Separates two points that no line connects.
    pub const BREAK: Point = Point::new(f64::NAN, f64::NAN);

    /// A value at a time in milliseconds since the Unix epoch.
    pub const fn new(time: f64, value: f64) -> Self {
        Self { time, value }
    }
}

/// The values of a span of time, or of one moment.
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
    /// What was paid for it; `None` if that is not known.
    pub turnover: Option<f64>,
}

impl Sample {
    /// What was paid. If that is not known, it is estimated by the typical price, (high + low + close) / 3.
    pub(super) fn paid(self) -> f64 {
        let typical = || (self.high + self.low + self.close) / 3.0 * self.volume;
        self.turnover.unwrap_or_else(typical)
    }

    pub(super) fn is_finite(self) -> bool {
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

    pub(super) fn is_point(self) -> bool {
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

/// All samples of a span of time, combined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle {
    /// Its beginning and end, in milliseconds since the Unix epoch. A sample at its end belongs to it, one at its
    /// beginning does not.
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
    /// What was paid for it, partly estimated: see [`Sample::turnover`].
    pub turnover: f64,
}
