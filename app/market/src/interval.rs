use std::{fmt, str::FromStr};

use crate::Millis;

/// The length of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// A second, `1s`.
    Second,
    /// A minute, `1m`.
    Minute,
    /// Five minutes, `5m`.
    FiveMinutes,
    /// A quarter of an hour, `15m`.
    QuarterHour,
    /// An hour, `1h`.
    Hour,
    /// A day in the venue's time zone, `1d`. Its length in milliseconds differs when clocks change.
    Day,
}

impl Interval {
    /// All intervals, the shortest first.
    pub const ALL: [Interval; 6] = [
        Interval::Second,
        Interval::Minute,
        Interval::FiveMinutes,
        Interval::QuarterHour,
        Interval::Hour,
        Interval::Day,
    ];

    /// Its length in milliseconds; for a day the usual one.
    pub const fn millis(self) -> Millis {
        match self {
            Interval::Second => 1_000,
            Interval::Minute => 60_000,
            Interval::FiveMinutes => 5 * 60_000,
            Interval::QuarterHour => 15 * 60_000,
            Interval::Hour => 60 * 60_000,
            Interval::Day => 24 * 60 * 60_000,
        }
    }

    /// Its written form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Interval::Second => "1s",
            Interval::Minute => "1m",
            Interval::FiveMinutes => "5m",
            Interval::QuarterHour => "15m",
            Interval::Hour => "1h",
            Interval::Day => "1d",
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text is not an [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntervalError {
    text: String,
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an interval: expected 1s, 1m, 5m, 15m, 1h or 1d",
            self.text
        )
    }
}

impl std::error::Error for IntervalError {}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        Interval::ALL
            .into_iter()
            .find(|interval| interval.as_str() == text)
            .ok_or_else(|| IntervalError {
                text: text.chars().take(32).collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_names_what_it_refuses() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        for text in ["", "2m", "1M", "1 m"] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
