//! The options of the command line.

use std::{fmt, path::PathBuf, str::FromStr};

use clap::Args;
use jiff::{Span, SpanRelativeTo, SpanRound, Unit};
use market::Millis;

use feeds::FeedSpec;

/// The place of the history, and how long it is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveOptions {
    /// The folder of the archive, created if it is missing; none keeps no history
    #[arg(
        long,
        env = "TICKERTAPE_DATA",
        default_value = "data",
        value_name = "FOLDER"
    )]
    pub data: DataFolder,

    /// How long trades, quotes and bars of a second are kept, such as 12h, 7d,
    /// 8w or forever
    #[arg(
        long,
        env = "TICKERTAPE_KEEP_TICKS",
        default_value = "7d",
        value_name = "AGE"
    )]
    pub keep_ticks: Age,

    /// How long bars of 1, 5 and 15 minutes are kept; those of an hour and a day
    /// always are
    #[arg(
        long,
        env = "TICKERTAPE_KEEP_MINUTES",
        default_value = "forever",
        value_name = "AGE"
    )]
    pub keep_minutes: Age,

    /// How long stories and other events are kept
    #[arg(
        long,
        env = "TICKERTAPE_KEEP_EVENTS",
        default_value = "forever",
        value_name = "AGE"
    )]
    pub keep_events: Age,

    /// The largest size of the file, such as 500MB, 8GB or unlimited; above it
    /// the oldest ticks are removed first
    #[arg(
        long,
        env = "TICKERTAPE_DATA_SIZE",
        default_value = "8GB",
        value_name = "BYTES"
    )]
    pub data_size: DataSize,
}

impl ArchiveOptions {
    /// The archive of these feeds: its folder and its file.
    ///
    /// # Errors
    /// The reason why nothing is kept, as a clause.
    pub fn place(&self, feeds: &[FeedSpec], seeded: bool) -> Result<(PathBuf, Kind), &'static str> {
        let kind = Kind::of(feeds);
        let folder = self.data.0.clone().ok_or("data is none")?;
        match kind {
            Kind::Simulated if seeded => {
                Err("a market that is repeated from its seed has no history")
            }
            _ => Ok((folder, kind)),
        }
    }

    /// What is kept, and for how long.
    pub fn keep(&self) -> archive::Keep {
        archive::Keep {
            ticks: self.keep_ticks.0,
            minutes: self.keep_minutes.0,
            events: self.keep_events.0,
            bytes: self.data_size.0,
        }
    }
}

/// The kind of prices in an archive. Simulated and replayed ones are never in one file with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Prices of sources, and published ones.
    Real,
    /// The built-in market's, whatever other feeds run.
    Simulated,
    /// Prices of recordings.
    Replayed,
}

impl Kind {
    fn of(feeds: &[FeedSpec]) -> Self {
        if feeds.contains(&FeedSpec::Simulate) {
            Kind::Simulated
        } else if feeds.iter().any(|feed| matches!(feed, FeedSpec::Replay(_))) {
            Kind::Replayed
        } else {
            Kind::Real
        }
    }

    /// The name of the file.
    pub const fn file(self) -> &'static str {
        match self {
            Kind::Real => "tickertape.db",
            Kind::Simulated => "simulated.db",
            Kind::Replayed => "replayed.db",
        }
    }
}

/// A folder, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder(pub Option<PathBuf>);

impl FromStr for DataFolder {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("expected a folder, or none"),
            "none" => Ok(DataFolder(None)),
            folder => Ok(DataFolder(Some(folder.into()))),
        }
    }
}

/// How long something is kept, in milliseconds; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Option<Millis>);

/// Anything longer is for ever.
const LONGEST: Millis = 1_000 * 366 * 24 * 60 * 60 * 1_000;

impl fmt::Display for Age {
    /// The form that is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(age) = self.0 else {
            return f.write_str("forever");
        };
        let days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
        let span = i64::try_from(age).map(|age| Span::new().milliseconds(age).round(days));
        match span {
            Ok(Ok(span)) => write!(f, "{span:#}"),
            _ => write!(f, "{age}ms"),
        }
    }
}

impl FromStr for Age {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected =
            "expected an age from a minute to 1000 years, such as 12h, 7d or 8w, or forever";
        if text == "forever" {
            return Ok(Age(None));
        }
        let span: Span = text.parse().map_err(|_| expected)?;
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| expected)?;
        match Millis::try_from(duration.as_millis()) {
            Ok(age) if (60_000..=LONGEST).contains(&age) => Ok(Age(Some(age))),
            _ => Err(expected),
        }
    }
}

/// How large a file may become, in bytes; `None` without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSize(pub Option<u64>);

/// Anything less has no room for a day.
const SMALLEST: u64 = 10_000_000;

impl FromStr for DataSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a size of 10MB at least, such as 500MB, 8GB or 2TB, or unlimited";
        if text == "unlimited" {
            return Ok(DataSize(None));
        }
        let end = text
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = match unit.trim_start().to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "MIB" => 1 << 20,
            "GIB" => 1 << 30,
            "TIB" => 1 << 40,
            _ => return Err(expected),
        };
        let bytes = number.parse::<u64>().ok();
        match bytes.and_then(|number| number.checked_mul(unit)) {
            // SQLite counts in signed numbers.
            Some(bytes) if (SMALLEST..=i64::MAX as u64).contains(&bytes) => {
                Ok(DataSize(Some(bytes)))
            }
            _ => Err(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_read_and_checked() {
        const DAY: Millis = 24 * 60 * 60 * 1_000;
        for (text, age) in [
            ("12h", Some(DAY / 2)),
            ("7d", Some(7 * DAY)),
            ("8 weeks", Some(56 * DAY)),
            ("1d 12h", Some(DAY + DAY / 2)),
            ("forever", None),
        ] {
            assert_eq!(text.parse(), Ok(Age(age)), "{text}");
            assert_eq!(Age(age).to_string().parse(), Ok(Age(age)), "{text}");
        }
        assert_eq!(Age(Some(7 * DAY)).to_string(), "7d");
        for text in ["", "7", "-7d", "1s", "1 month", "ever", "99999999999999d"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
        for (text, size) in [
            ("8GB", Some(8_000_000_000)),
            ("64 MiB", Some(64 << 20)),
            ("10000000", Some(10_000_000)),
            ("unlimited", None),
        ] {
            assert_eq!(text.parse(), Ok(DataSize(size)), "{text}");
        }
        for text in ["", "GB", "9MB", "8 G", "-8GB", "8.5GB", "99999999TB"] {
            assert!(text.parse::<DataSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn prices_that_are_not_real_have_a_file_of_their_own() {
        let kind = |feeds: &[&str]| {
            let feeds: Vec<FeedSpec> = feeds.iter().map(|feed| feed.parse().unwrap()).collect();
            Kind::of(&feeds)
        };
        assert_eq!(kind(&["none"]), Kind::Real);
        assert_eq!(kind(&["binance:BTCUSDT"]), Kind::Real);
        assert_eq!(kind(&["binance:BTCUSDT", "simulate"]), Kind::Simulated);
        assert_eq!(kind(&["binance:BTCUSDT", "replay:a.gz"]), Kind::Replayed);
    }
}
