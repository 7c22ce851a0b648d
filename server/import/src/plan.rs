//! The plan for reading a file, from its beginning and the options.

use std::{cell::OnceCell, fmt, io};

use jiff::{civil::Date, tz::TimeZone};
use market::{Interval, Millis, Symbol};
use rust_decimal::Decimal;

use crate::{
    columns::{Columns, Kind, Role},
    guess,
    lines::{Line, Lines, delimiter_of},
    numbers::Numbers,
    options::ImportOptions,
    record::Record,
    rows::Reading,
    source::Source,
    time::TimeFormat,
};

/// How many lines, and how many bytes of them, are examined before guessing.
const SAMPLE: usize = 500;
const SAMPLE_BYTES: usize = 4 << 20;

/// If the unit of a number since 1970 is guessed, an earlier time means another unit: 100,000,000 s.
const UNAMBIGUOUS: Millis = 100_000_000_000;

/// The zones in which a bar of a day may begin at midnight.
fn midnights(requested: &Option<TimeZone>) -> Vec<TimeZone> {
    match requested {
        Some(zone) => vec![TimeZone::UTC, zone.clone()],
        None => vec![TimeZone::UTC, sessions::Calendar::UsStocks.zone().clone()],
    }
}

/// The plan for reading a file.
pub(crate) struct Plan {
    columns: Columns,
    pub(crate) width: usize,
    format: TimeFormat,
    pub(crate) interval: Interval,
    symbol: Option<Symbol>,
    /// Whether it replaces the symbol column.
    renames: bool,
    earliest: Millis,
    pub(crate) latest: Millis,
    numbers: Numbers,
    scale: Option<Decimal>,
    /// The zone of days that are numbers since 1970; UTC unless another one is requested.
    epoch_zone: Option<TimeZone>,
    pub(crate) delimiter: u8,
    /// Whether the first line names the columns.
    pub(crate) has_header: bool,
    described: String,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.columns.kind {
            Kind::Bars => write!(f, "bars of {}", self.interval)?,
            Kind::Trades => f.write_str("trades")?,
        }
        write!(f, ", {}; times as {}", self.described, self.format)
    }
}

/// The texts of time, clock and symbol of some lines.
type Sample = Vec<(String, Option<String>, Option<String>)>;

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// What separates the fields of the header.
fn read_delimiter(source: Source) -> Result<u8, String> {
    // The header as one field: its delimiter is not known yet.
    let mut first = Lines::new(source, b'\0');
    match first.next().map_err(unreadable)? {
        None => Err("is empty: expected a header and lines".to_owned()),
        Some(Line::Refused(why)) => Err(format!("{why}: expected a header")),
        Some(Line::Record) => Ok(delimiter_of(&first.text())),
    }
}

/// Reads the first lines, from the second one on if there is a header.
fn read_sample(
    lines: &mut Lines<Source>,
    columns: &Columns,
    has_header: bool,
) -> Result<Sample, String> {
    let mut sample = Sample::new();
    let mut bytes = 0;
    let mut is_empty = true;
    let mut more = if has_header {
        lines.next()
    } else {
        Ok(Some(Line::Record))
    };
    while let Some(line) = more.map_err(unreadable)? {
        is_empty = false;
        if line == Line::Record {
            let record = Record { lines, columns };
            let text = |role| record.some(role).ok().flatten().map(str::to_owned);
            if let Some(time) = text(Role::Time) {
                bytes += time.len();
                sample.push((time, text(Role::Clock), text(Role::Symbol)));
            }
        }
        if sample.len() >= SAMPLE || bytes >= SAMPLE_BYTES {
            break;
        }
        more = lines.next();
    }
    if is_empty {
        return Err("has a header and nothing else: expected lines".to_owned());
    }
    Ok(sample)
}

/// How times are written: as requested, or as the sample suggests. `named` is the day in the file's name.
fn format_of(
    options: &ImportOptions,
    named: Option<Date>,
    sample: &Sample,
) -> Result<TimeFormat, String> {
    match (&options.time_format, named) {
        (Some(TimeFormat::SinceMidnight(None)), None) => Err(
            "its name has no day, and times are milliseconds since midnight: expected a name such as 20240102_trade.csv".to_owned(),
        ),
        (Some(TimeFormat::SinceMidnight(None)), day) => Ok(TimeFormat::SinceMidnight(day)),
        (Some(format), _) => Ok(format.clone()),
        (None, _) => TimeFormat::guess(sample.iter().map(|(time, _, _)| time.as_str())),
    }
}

impl Plan {
    /// The plan for a file that can be opened as often as needed.
    pub(crate) fn of(
        open: &dyn Fn() -> Result<Source, String>,
        options: &ImportOptions,
        named: Option<Date>,
        now: Millis,
    ) -> Result<Self, String> {
        let delimiter = read_delimiter(open()?)?;
        let mut lines = Lines::new(open()?, delimiter);
        lines.next().map_err(unreadable)?;
        let header: Vec<String> = (0..lines.len())
            .map(|column| lines.field(column).unwrap_or_default().to_owned())
            .collect();
        let mapping = options.columns.clone().unwrap_or_default();
        let columns = Columns::find(&header, &mapping)?;
        let time = columns.at(Role::Time).unwrap_or_default();
        let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let has_header = !(mapping.is_by_number() && begins_with_digit(&header[time]));
        if options.symbol.is_none() && columns.at(Role::Symbol).is_none() {
            return Err(
                "no column has the symbol: expected --symbol, or symbol= in --columns".to_owned(),
            );
        }

        let sample = read_sample(&mut lines, &columns, has_header)?;
        let format = format_of(options, named, &sample)?;
        // A guessed unit may differ in a line outside the sample.
        let earliest = if options.time_format.is_none() && format.is_epoch() {
            UNAMBIGUOUS
        } else {
            0
        };
        let interval = match (columns.kind, options.interval) {
            (Kind::Trades, Some(_)) => {
                return Err("--interval is of bars, but there are trades in it".to_owned());
            }
            // It is not requested.
            (Kind::Trades, None) => Interval::Second,
            (Kind::Bars, Some(interval)) => interval,
            (Kind::Bars, None) => guess::interval(&format, &sample, &midnights(&options.zone))?,
        };
        Ok(Plan {
            described: columns.describe(if has_header { &header } else { &[] }),
            columns,
            width: header.len(),
            format,
            interval,
            symbol: options.symbol,
            // A requested column takes precedence over a guessed one.
            renames: options.symbol.is_some() && !mapping.names(Role::Symbol),
            earliest,
            latest: now.saturating_add(clock::MAX_DAY_AHEAD),
            numbers: options.numbers,
            scale: options.scale,
            epoch_zone: options.zone.clone(),
            delimiter,
            has_header,
        })
    }

    /// How the lines are read, with `zone` for each symbol.
    pub(crate) fn into_reading(
        self,
        zone: &dyn Fn(Symbol) -> Result<TimeZone, String>,
    ) -> Reading<'_> {
        Reading {
            columns: self.columns,
            width: self.width,
            format: self.format,
            zone,
            interval: self.interval,
            symbol: self.symbol,
            renamed: self.renames.then(OnceCell::new),
            earliest: self.earliest,
            latest: self.latest,
            numbers: self.numbers,
            scale: self.scale,
            epoch_zone: self.epoch_zone.unwrap_or(TimeZone::UTC),
        }
    }
}
