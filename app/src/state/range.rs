use std::{fmt, str::FromStr};

use market::{Interval, Millis};

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

/// The range of a chart: a length of time up to its newest price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Range {
    /// A minute.
    Minute,
    /// Five minutes.
    FiveMinutes,
    /// A quarter of an hour.
    QuarterHour,
    /// An hour.
    Hour,
    /// A day.
    #[default]
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    Month,
    /// A year.
    Year,
}

impl Range {
    /// All of them, the shortest first.
    pub const ALL: [Range; 8] = [
        Range::Minute,
        Range::FiveMinutes,
        Range::QuarterHour,
        Range::Hour,
        Range::Day,
        Range::Week,
        Range::Month,
        Range::Year,
    ];

    /// The least number of bars for a chart.
    pub const LEAST_BARS: usize = 2;

    /// The range that a chart opens with if there are no bars for a day: the shortest with bars. `bars` is the number
    /// of bars of a day, and `older` the interval of older bars.
    pub fn opening(bars: usize, older: Option<Interval>) -> Option<Range> {
        let older = older.filter(|_| bars < Range::LEAST_BARS)?;
        Range::ALL
            .into_iter()
            .find(|range| range.interval(true) >= older)
    }

    /// How long it is, in milliseconds.
    pub const fn millis(self) -> Millis {
        match self {
            Range::Minute => MINUTE,
            Range::FiveMinutes => 5 * MINUTE,
            Range::QuarterHour => 15 * MINUTE,
            Range::Hour => HOUR,
            Range::Day => DAY,
            Range::Week => 7 * DAY,
            Range::Month => 30 * DAY,
            Range::Year => 365 * DAY,
        }
    }

    /// Its text: `1m` is a minute, `1M` a month.
    pub const fn as_str(self) -> &'static str {
        match self {
            Range::Minute => "1m",
            Range::FiveMinutes => "5m",
            Range::QuarterHour => "15m",
            Range::Hour => "1h",
            Range::Day => "1D",
            Range::Week => "1W",
            Range::Month => "1M",
            Range::Year => "1Y",
        }
    }

    /// Its label.
    pub const fn name(self) -> &'static str {
        match self {
            Range::Minute => "1 minute",
            Range::FiveMinutes => "5 minutes",
            Range::QuarterHour => "15 minutes",
            Range::Hour => "1 hour",
            Range::Day => "1 day",
            Range::Week => "1 week",
            Range::Month => "1 month",
            Range::Year => "1 year",
        }
    }

    /// The interval of its bars, of which there are some hundreds. Only an archive has bars of a second.
    pub const fn interval(self, archived: bool) -> Interval {
        match self {
            Range::Minute | Range::FiveMinutes | Range::QuarterHour if archived => Interval::Second,
            Range::Minute | Range::FiveMinutes | Range::QuarterHour | Range::Hour | Range::Day => {
                Interval::Minute
            }
            Range::Week => Interval::QuarterHour,
            Range::Month => Interval::Hour,
            Range::Year => Interval::Day,
        }
    }

    /// The number of its bars, if there was a trade in each.
    pub const fn bars(self, archived: bool) -> u64 {
        self.millis() / self.interval(archived).millis()
    }

    /// How many more bars are fetched at once for scrolling back.
    pub(crate) fn more_bars(self, archived: bool) -> u64 {
        self.bars(archived).max(500)
    }

    /// The range of a text; `None` for anything else.
    pub(crate) fn named(text: &str) -> Option<Range> {
        Range::ALL.into_iter().find(|range| range.as_str() == text)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error for a text that is not a [`Range`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeError {
    text: String,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a range: expected 1m, 5m, 15m, 1h, 1D, 1W, 1M or 1Y",
            self.text
        )
    }
}

impl std::error::Error for RangeError {}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        Range::named(text).ok_or_else(|| RangeError {
            text: text.chars().take(32).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_names_what_it_refuses() {
        for range in Range::ALL {
            assert_eq!(range.to_string().parse(), Ok(range));
        }
        let error = "1d".parse::<Range>().unwrap_err().to_string();
        assert!(error.contains("\"1d\""), "{error}");
    }

    #[test]
    fn a_chart_opens_with_the_shortest_range_of_the_bars_that_there_are() {
        for (bars, older, range) in [
            (0, None, None),
            (1, None, None),
            (500, Some(Interval::Day), None),
            (2, Some(Interval::Day), None),
            (1, Some(Interval::Day), Some(Range::Year)),
            (0, Some(Interval::Hour), Some(Range::Month)),
            (0, Some(Interval::QuarterHour), Some(Range::Week)),
            (0, Some(Interval::FiveMinutes), Some(Range::Week)),
            (0, Some(Interval::Minute), Some(Range::Hour)),
        ] {
            assert_eq!(Range::opening(bars, older), range, "{bars} {older:?}");
        }
    }

    #[test]
    fn is_drawn_from_as_many_bars_as_fit_on_a_screen() {
        for range in Range::ALL {
            let bars = range.bars(true);
            assert!((60..=1_500).contains(&bars), "{range}: {bars}");
        }
    }
}
