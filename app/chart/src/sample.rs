//! Single values, and what values did in a span of time.

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch, UTC.
    pub time: f64,
    /// In the unit of the values that the chart is given.
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
