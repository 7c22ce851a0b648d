//! Times in files.

use std::{fmt, str::FromStr};

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime, Time},
    fmt::{strtime, temporal::Pieces},
    tz::{Offset, TimeZone},
};
use market::Millis;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

/// The format of a file's times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    /// `2024-01-02`, `2024-01-02 09:30`, `2024-01-02T14:30:00.5Z`, with an offset or without.
    Iso,
    /// A day in one number, `20240102`.
    Compact,
    /// Seconds since the epoch, with a fraction or without.
    Seconds,
    /// Milliseconds since the epoch.
    Millis,
    /// Microseconds since the epoch.
    Micros,
    /// Nanoseconds since the epoch.
    Nanos,
    /// Days since December 30, 1899, as spreadsheets count them; a fraction is the time of day.
    Excel,
    /// Milliseconds since midnight, of this day once the file's name has given it.
    SinceMidnight(Option<Date>),
    /// A pattern of `strptime`, `%m/%d/%Y %H:%M`.
    Pattern(String),
}

/// Month first, as in America.
pub(crate) const MONTH_FIRST: &str = "%m/%d/%Y";
/// Day first, as elsewhere.
pub(crate) const DAY_FIRST: &str = "%d/%m/%Y";
/// With points, in which case the day is always first.
const WITH_POINTS: &str = "%d.%m.%Y";

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeFormat::Iso => "iso",
            TimeFormat::Compact => "%Y%m%d",
            TimeFormat::Seconds => "s",
            TimeFormat::Millis => "ms",
            TimeFormat::Micros => "us",
            TimeFormat::Nanos => "ns",
            TimeFormat::Excel => "excel",
            TimeFormat::SinceMidnight(_) => "day-ms",
            TimeFormat::Pattern(pattern) => pattern,
        })
    }
}

impl FromStr for TimeFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "iso" => TimeFormat::Iso,
            "s" => TimeFormat::Seconds,
            "ms" => TimeFormat::Millis,
            "us" => TimeFormat::Micros,
            "ns" => TimeFormat::Nanos,
            "excel" => TimeFormat::Excel,
            "day-ms" => TimeFormat::SinceMidnight(None),
            "%Y%m%d" => TimeFormat::Compact,
            pattern if pattern.contains('%') => TimeFormat::Pattern(pattern.to_owned()),
            _ => {
                return Err(format!(
                    "{text:?} is not a format of times: expected iso, s, ms, us, ns, excel, day-ms or a pattern such as %m/%d/%Y"
                ));
            }
        })
    }
}

/// A time as written: its meaning may depend on the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// A day.
    Day(Date),
    /// A time of day in an unspecified zone.
    Local(DateTime),
    /// A moment, with the written day.
    Moment(Timestamp, Date),
    /// A moment as a number since the epoch, without a day.
    Epoch(Timestamp),
}

impl Stamp {
    /// The written day. For a number since the epoch it is the day in `epoch_zone`.
    pub fn day(self, epoch_zone: &TimeZone) -> Date {
        match self {
            Stamp::Day(day) | Stamp::Moment(_, day) => day,
            Stamp::Local(local) => local.date(),
            Stamp::Epoch(moment) => epoch_zone.to_datetime(moment).date(),
        }
    }

    /// Whether it is the beginning of a day: as written, or for a moment in one of the zones.
    pub(crate) fn is_midnight(self, zones: &[TimeZone]) -> bool {
        let in_zones = |moment| {
            let mut local = zones.iter().map(|zone| zone.to_datetime(moment).time());
            local.any(|time| time == Time::midnight())
        };
        match self {
            Stamp::Day(_) => true,
            Stamp::Local(local) => local.time() == Time::midnight(),
            Stamp::Moment(moment, _) | Stamp::Epoch(moment) => in_zones(moment),
        }
    }

    /// The millisecond, if times without a zone are in this one. A time that occurs twice, as clocks go back, is the
    /// first; one that is skipped is an hour later.
    pub fn millis(self, zone: &TimeZone) -> Option<Millis> {
        let local = match self {
            Stamp::Moment(moment, _) | Stamp::Epoch(moment) => {
                return Millis::try_from(moment.as_millisecond()).ok();
            }
            Stamp::Day(day) => day.to_datetime(Time::midnight()),
            Stamp::Local(local) => local,
        };
        let moment = zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Millis::try_from(moment.as_millisecond()).ok()
    }
}

impl TimeFormat {
    /// The format of the times of a file, inferred from some of them. `Err` has the message.
    pub(crate) fn guess<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Result<Self, String> {
        let mut some = texts.clone().filter(|text| !text.is_empty());
        let Some(first) = some.next() else {
            return Err("the column of times is empty: expected a time in each line".to_owned());
        };
        let day = first.split([' ', 'T']).next().unwrap_or_default();
        let reads_as = |pattern: &str, day: &str| {
            strtime::parse(pattern, day).is_ok_and(|day| day.to_date().is_ok())
        };
        if reads_as(WITH_POINTS, day) {
            return Ok(TimeFormat::Pattern(format!("{WITH_POINTS}{}", tail(first))));
        }
        let whole = first.split('.').next().unwrap_or_default();
        if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(match whole.len() {
                8 if TimeFormat::Compact.parse(first, None).is_some() => TimeFormat::Compact,
                // Before 1973 such numbers were not written, but other things are counted in them.
                ..=8 => {
                    return Err(format!(
                        "{first:?} is not a time that is known: expected --time-format with s for seconds since 1970, excel for days since 1899, day-ms for milliseconds since midnight, or a pattern"
                    ));
                }
                9..=11 => TimeFormat::Seconds,
                12..=14 => TimeFormat::Millis,
                15..=17 => TimeFormat::Micros,
                _ => TimeFormat::Nanos,
            });
        }
        if let Some((day, _)) = first.split_once(' ')
            && compact(day).is_some()
        {
            return Ok(TimeFormat::Pattern(format!("%Y%m%d{}", tail(first))));
        }
        if !first.contains('/') {
            return Ok(TimeFormat::Iso);
        }
        let reads = |pattern: &str| {
            texts.clone().all(|text| {
                let day = text.split(' ').next().unwrap_or_default();
                text.is_empty() || reads_as(pattern, day)
            })
        };
        let tail = tail(first);
        match (reads(MONTH_FIRST), reads(DAY_FIRST)) {
            (true, false) => Ok(TimeFormat::Pattern(format!("{MONTH_FIRST}{tail}"))),
            (false, true) => Ok(TimeFormat::Pattern(format!("{DAY_FIRST}{tail}"))),
            (true, true) => Err(format!(
                "{first:?} may have its month or its day first: expected --time-format '{MONTH_FIRST}{tail}' or '{DAY_FIRST}{tail}'"
            )),
            (false, false) => Err(format!(
                "{first:?} is not a time that is known: expected --time-format with a pattern such as '{MONTH_FIRST}{tail}'"
            )),
        }
    }

    /// Whether times are numbers since the epoch.
    pub(crate) fn is_epoch(&self) -> bool {
        matches!(
            self,
            TimeFormat::Seconds | TimeFormat::Millis | TimeFormat::Micros | TimeFormat::Nanos
        )
    }

    /// Parses a time; for a file with the time of day in a separate column, that too.
    pub fn parse(&self, text: &str, time: Option<&str>) -> Option<Stamp> {
        let stamp = match self {
            TimeFormat::Iso => iso(text),
            TimeFormat::Compact => compact(text).map(Stamp::Day),
            TimeFormat::Seconds => epoch(text, 1_000_000_000),
            TimeFormat::Millis => epoch(text, 1_000_000),
            TimeFormat::Micros => epoch(text, 1_000),
            TimeFormat::Nanos => epoch(text, 1),
            TimeFormat::Excel => excel(text),
            TimeFormat::SinceMidnight(day) => since_midnight((*day)?, text),
            TimeFormat::Pattern(pattern) => by_pattern(pattern, text),
        }?;
        match (stamp, time) {
            (stamp, None) => Some(stamp),
            (Stamp::Day(day), Some(time)) => {
                let time: Time = time.parse().ok()?;
                Some(Stamp::Local(day.to_datetime(time)))
            }
            // Two columns have the time of day.
            (_, Some(_)) => None,
        }
    }
}

/// The format of a time of day after a day.
fn tail(text: &str) -> &'static str {
    match text.split_once(' ') {
        None => "",
        Some((_, time)) if time.matches(':').count() == 1 => " %H:%M",
        Some(_) => " %H:%M:%S",
    }
}

fn iso(text: &str) -> Option<Stamp> {
    let pieces = Pieces::parse(text).ok()?;
    let day = pieces.date();
    let Some(time) = pieces.time() else {
        return Some(Stamp::Day(day));
    };
    let local = day.to_datetime(time);
    match pieces.to_numeric_offset() {
        None => Some(Stamp::Local(local)),
        Some(offset) => moment(local, offset),
    }
}

fn moment(local: DateTime, offset: Offset) -> Option<Stamp> {
    let moment = offset.to_timestamp(local).ok()?;
    Some(Stamp::Moment(moment, local.date()))
}

fn compact(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = text[..4].parse().ok()?;
    Date::new(year, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// A number of units of this many nanoseconds since the epoch.
fn epoch(text: &str, nanos: i128) -> Option<Stamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut total = whole.parse::<i128>().ok()? * nanos;
    let mut unit = nanos;
    for digit in fraction.bytes() {
        unit /= 10;
        total += i128::from(digit - b'0') * unit;
    }
    let moment = Timestamp::from_nanosecond(total).ok()?;
    Some(Stamp::Epoch(moment))
}

/// A day as spreadsheets count them, with the time of day as a fraction, to the nearest second.
fn excel(text: &str) -> Option<Stamp> {
    let number: Decimal = text.parse().ok()?;
    let days = number
        .trunc()
        .to_i64()
        .filter(|days| (1..=MAX_EXCEL_DAYS).contains(days))?;
    let day = EXCEL_DAY_0.checked_add(Span::new().days(days)).ok()?;
    let seconds = (number.fract() * Decimal::from(86_400)).round().to_i64()?;
    if seconds == 0 {
        return Some(Stamp::Day(day));
    }
    let local = day.to_datetime(Time::midnight());
    Some(Stamp::Local(
        local.checked_add(Span::new().seconds(seconds)).ok()?,
    ))
}

/// So that February 29, 1900, which spreadsheets count, is left out for all days after it.
const EXCEL_DAY_0: Date = jiff::civil::date(1899, 12, 30);

/// The last day that spreadsheets count, in the year 9999.
const MAX_EXCEL_DAYS: i64 = 2_958_465;

fn since_midnight(day: Date, text: &str) -> Option<Stamp> {
    let millis: i64 = text.split('.').next()?.parse().ok()?;
    if !(0..86_400_000).contains(&millis) {
        return None;
    }
    let local = day.to_datetime(Time::midnight());
    Some(Stamp::Local(
        local.checked_add(Span::new().milliseconds(millis)).ok()?,
    ))
}

fn by_pattern(pattern: &str, text: &str) -> Option<Stamp> {
    let parsed = strtime::parse(pattern, text).ok()?;
    // Seconds since the epoch.
    if let Some(moment) = parsed.timestamp() {
        return Some(Stamp::Epoch(moment));
    }
    let day = parsed.to_date().ok()?;
    let Ok(time) = parsed.to_time() else {
        return Some(Stamp::Day(day));
    };
    if parsed.hour().is_none() {
        return Some(Stamp::Day(day));
    }
    let local = day.to_datetime(time);
    match parsed.offset() {
        None => Some(Stamp::Local(local)),
        Some(offset) => moment(local, offset),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn guess(texts: &[&str]) -> Result<TimeFormat, String> {
        TimeFormat::guess(texts.iter().copied())
    }

    fn new_york() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    fn millis(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond() as Millis
    }

    #[test]
    fn guesses_the_format_and_reads_it() {
        for (text, format, moment) in [
            ("2024-07-01", "iso", "2024-07-01T04:00Z"),
            ("2024-07-01 09:30", "iso", "2024-07-01T13:30Z"),
            ("2024-07-01 09:30:05.25", "iso", "2024-07-01T13:30:05.25Z"),
            ("2024-07-01T09:30:00Z", "iso", "2024-07-01T09:30Z"),
            ("2024-07-01 09:30:00-04:00", "iso", "2024-07-01T13:30Z"),
            ("20240701", "%Y%m%d", "2024-07-01T04:00Z"),
            ("1719840600", "s", "2024-07-01T13:30Z"),
            ("1719840600.0625", "s", "2024-07-01T13:30:00.062Z"),
            ("1719840600123", "ms", "2024-07-01T13:30:00.123Z"),
            ("1719840600123456", "us", "2024-07-01T13:30:00.123Z"),
            ("1719840600123999999", "ns", "2024-07-01T13:30:00.123Z"),
            ("07/31/2024", "%m/%d/%Y", "2024-07-31T04:00Z"),
            ("31/07/2024 9:30", "%d/%m/%Y %H:%M", "2024-07-31T13:30Z"),
            ("01.07.2024", "%d.%m.%Y", "2024-07-01T04:00Z"),
            ("1.7.2024 9:30", "%d.%m.%Y %H:%M", "2024-07-01T13:30Z"),
            (
                "7/31/2024 16:00:01",
                "%m/%d/%Y %H:%M:%S",
                "2024-07-31T20:00:01Z",
            ),
        ] {
            let guessed = guess(&["", text]).unwrap();
            assert_eq!(guessed.to_string(), format, "{text}");
            assert_eq!(guessed.to_string().parse(), Ok(guessed.clone()));
            let read = guessed.parse(text, None).unwrap().millis(&new_york());
            assert_eq!(read, Some(millis(moment)), "{text}");
        }
    }

    #[test]
    fn an_ambiguous_format_has_to_be_given() {
        let error = guess(&["01/02/2024", "02/03/2024"]).unwrap_err();
        assert!(error.contains("'%m/%d/%Y' or '%d/%m/%Y'"), "{error}");
        let sure = guess(&["01/02/2024", "02/13/2024"]).unwrap();
        assert_eq!(sure.to_string(), "%m/%d/%Y");
        assert!(guess(&["99/99/2024"]).is_err());
        assert!(guess(&["", ""]).is_err());
    }

    #[test]
    fn the_day_is_the_one_that_is_written() {
        let day =
            |format: TimeFormat, text: &str| format.parse(text, None).unwrap().day(&TimeZone::UTC);
        let monday: Date = "2024-07-01".parse().unwrap();
        assert_eq!(day(TimeFormat::Iso, "2024-07-01 00:00:00-04:00"), monday);
        assert_eq!(day(TimeFormat::Iso, "2024-07-01T23:59:59+09:00"), monday);
        assert_eq!(day(TimeFormat::Seconds, "1719792000"), monday);
    }

    #[test]
    fn a_day_and_a_time_of_it_may_stand_apart() {
        let read = TimeFormat::Compact
            .parse("20240701", Some("09:30:00"))
            .unwrap();
        assert_eq!(read.millis(&new_york()), Some(millis("2024-07-01T13:30Z")));
        assert_eq!(TimeFormat::Iso.parse("2024-07-01", Some("noon")), None);
        assert_eq!(
            TimeFormat::Iso.parse("2024-07-01T09:30", Some("09:30")),
            None
        );
    }

    #[test]
    fn a_time_that_is_none_is_none() {
        for (format, text) in [
            (TimeFormat::Iso, "2024-02-30"),
            (TimeFormat::Iso, "yesterday"),
            (TimeFormat::Compact, "2024010"),
            (TimeFormat::Compact, "20241301"),
            (TimeFormat::Seconds, "-5"),
            (TimeFormat::Seconds, "1e9"),
            (TimeFormat::Millis, "99999999999999999999"),
            (TimeFormat::Pattern(MONTH_FIRST.to_owned()), "13/13/2024"),
        ] {
            assert_eq!(format.parse(text, None), None, "{text}");
        }
        // Times before the epoch are not supported here.
        let day = TimeFormat::Iso.parse("1969-12-31", None).unwrap();
        assert_eq!(day.millis(&TimeZone::UTC), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}", number in "[0-9./: -]{0,24}") {
            for text in [&text, &number] {
                let _ = TimeFormat::guess([text.as_str()].into_iter());
                for format in ["iso", "s", "ns", "%Y%m%d", "%m/%d/%Y %H:%M:%S", "%s"] {
                    let format: TimeFormat = format.parse().unwrap();
                    if let Some(stamp) = format.parse(text, None) {
                        stamp.day(&TimeZone::UTC);
                        stamp.millis(&new_york());
                    }
                    format.parse(text, Some(text));
                }
            }
        }
    }
}
