//! Times as text. They are UTC unless an offset is given, so that the server and the browser write the same text.

use market::Millis;

use chart::calendar::{self, Civil};

use crate::browser::environment;

const SECOND: Millis = calendar::SECOND as Millis;
const MINUTE: Millis = calendar::MINUTE as Millis;
const HOUR: Millis = calendar::HOUR as Millis;
const DAY: Millis = calendar::DAY as Millis;

/// The time zone of displayed times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Zone {
    /// UTC: on the server, and until the page is hydrated.
    #[default]
    Utc,
    /// The time zone of the American exchanges.
    NewYork,
    /// The time zone of the browser.
    Local,
}

impl Zone {
    /// How many minutes the zone is east of UTC at a moment.
    pub(crate) fn offset_minutes(self, time: Millis) -> i32 {
        match self {
            Zone::Utc => 0,
            Zone::NewYork => new_york(time),
            Zone::Local => environment::utc_offset_minutes(time),
        }
    }

    /// Its name at a moment: `UTC`, `New York`, `UTC+5:30`.
    pub(crate) fn name(self, time: Millis) -> String {
        if self == Zone::NewYork {
            return "New York".to_owned();
        }
        let offset = self.offset_minutes(time);
        let sign = if offset < 0 { '−' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        match (hours, minutes) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }
}

/// New York's minutes east of UTC. Daylight saving time lasts from 2:00 on the second Sunday of March to 2:00 on the
/// first Sunday of November, as it has since 2007 ([15 U.S.C. 260a](https://www.law.cornell.edu/uscode/text/15/260a)).
fn new_york(time: Millis) -> i32 {
    const WINTER: i32 = -5 * 60;
    let standard = local(time, WINTER);
    let Civil { month, day, .. } = Civil::new(standard);
    // The epoch was a Thursday.
    let weekday = (standard.div_euclid(calendar::DAY) + 4).rem_euclid(7);
    let hour = standard.rem_euclid(calendar::DAY) / calendar::HOUR;
    // The day of the month of the last Sunday, if the change at `at` o'clock standard time has passed. In autumn the
    // clocks change at 1:00 standard time.
    let sunday_since = |at: i64| day - weekday - if weekday == 0 && hour < at { 7 } else { 0 };
    let is_summer = match month {
        2 => sunday_since(2) >= 8,
        10 => sunday_since(1) < 1,
        month => (3..10).contains(&month),
    };
    WINTER + if is_summer { 60 } else { 0 }
}

/// The date of a moment, at an offset in minutes east of UTC.
fn civil(time: Millis, offset_minutes: i32) -> Civil {
    Civil::new(local(time, offset_minutes))
}

/// Local milliseconds since the epoch, at an offset in minutes east of UTC.
fn local(time: Millis, offset_minutes: i32) -> i64 {
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    time.saturating_add(i64::from(offset_minutes) * calendar::MINUTE)
}

/// The time of day, `14:03:22`.
pub(crate) fn time_of_day(time: Millis, zone: Zone) -> String {
    civil(time, zone.offset_minutes(time)).clock()
}

/// The time of day without seconds, `14:03`.
pub(crate) fn hours_and_minutes(time: Millis, zone: Zone) -> String {
    civil(time, zone.offset_minutes(time)).hours_and_minutes()
}

/// The day of the week of `time`, `Mon`; `None` if it is on the same day as `same`.
pub(crate) fn weekday_unless(same: Millis, time: Millis, zone: Zone) -> Option<&'static str> {
    const NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = |time| local(time, zone.offset_minutes(time)).div_euclid(calendar::DAY);
    // The epoch was a Thursday.
    let name = NAMES[day(time).rem_euclid(7) as usize];
    (day(same) != day(time)).then_some(name)
}

/// A date and a time of day, with the texts between and after them.
fn moment(time: Millis, zone: Zone, between: &str, after: &str) -> String {
    let civil = civil(time, zone.offset_minutes(time));
    let Civil {
        year, month, day, ..
    } = civil;
    let month = month + 1;
    format!(
        "{year}-{month:02}-{day:02}{between}{}{after}",
        civil.clock()
    )
}

/// A moment, `2026-11-20 22:43:33 UTC`.
pub(crate) fn exact(time: Millis, zone: Zone) -> String {
    moment(time, zone, " ", &[" ", &zone.name(time)].concat())
}

/// A moment for the `datetime` attribute of HTML, `2026-11-20T22:43:33Z`.
pub(crate) fn machine_readable(time: Millis) -> String {
    moment(time, Zone::Utc, "T", "Z")
}

/// How long ago a moment was: `now`, `2 min ago`, `3 h ago`, `2 days ago`, and the date after a week. A moment in the
/// future, by a clock that is a little off, is `now`.
pub(crate) fn ago(time: Millis, now: Millis) -> String {
    let age = now.saturating_sub(time);
    match age {
        0..MINUTE => "now".to_owned(),
        MINUTE..HOUR => format!("{} min ago", age / MINUTE),
        HOUR..DAY => format!("{} h ago", age / HOUR),
        _ if age < 2 * DAY => "1 day ago".to_owned(),
        _ if age < 7 * DAY => format!("{} days ago", age / DAY),
        _ => {
            let day = civil(time, 0);
            format!("{} {}", day.day_and_month(), day.year)
        }
    }
}

/// A duration, `34 s`, `12 min`, `3 h`, `2 days`.
pub(crate) fn span(length: Millis) -> String {
    match length {
        0..MINUTE => format!("{} s", length / SECOND),
        MINUTE..HOUR => format!("{} min", length / MINUTE),
        _ if length < 2 * DAY => format!("{} h", length / HOUR),
        _ => format!("{} days", length / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_moments() {
        assert_eq!(exact(0, Zone::Utc), "1970-01-01 00:00:00 UTC");
        assert_eq!(exact(951_782_400_000, Zone::Utc), "2000-02-29 00:00:00 UTC");
        assert_eq!(
            exact(1_342_067_399_340, Zone::Utc),
            "2012-07-12 04:29:59 UTC"
        );
        assert_eq!(machine_readable(1_709_164_799_999), "2024-02-28T23:59:59Z");
        assert_eq!(machine_readable(1_735_689_600_000), "2025-01-01T00:00:00Z");
    }

    #[test]
    fn shifts_the_time_of_day() {
        assert_eq!(time_of_day(1_735_689_600_000, Zone::Utc), "00:00:00");
        assert_eq!(time_of_day(1_735_689_600_000, Zone::NewYork), "19:00:00");
        assert_eq!(
            exact(1_735_689_600_000, Zone::NewYork),
            "2024-12-31 19:00:00 New York"
        );
    }

    #[test]
    fn new_york_changes_its_clock_twice_a_year() {
        for (summer, winter) in [
            // The first is the millisecond in which summer begins, the second that in which it ends.
            (1_173_596_400_000, 1_194_156_000_000),
            (1_710_054_000_000, 1_730_613_600_000),
            (1_772_953_200_000, 1_793_512_800_000),
            (1_805_007_600_000, 1_825_567_200_000),
        ] {
            assert_eq!(new_york(summer - 1), -300, "before {summer}");
            assert_eq!(new_york(summer), -240, "at {summer}");
            assert_eq!(new_york(winter - 1), -240, "before {winter}");
            assert_eq!(new_york(winter), -300, "at {winter}");
        }
    }

    #[test]
    fn writes_how_long_ago() {
        let now = 1_735_689_600_000;
        for (age, text) in [
            (0, "now"),
            (59_999, "now"),
            (MINUTE, "1 min ago"),
            (HOUR - 1, "59 min ago"),
            (3 * HOUR, "3 h ago"),
            (DAY, "1 day ago"),
            (3 * DAY, "3 days ago"),
            (8 * DAY, "24 Dec 2024"),
        ] {
            assert_eq!(ago(now - age, now), text);
        }
        assert_eq!(ago(now + 5_000, now), "now");
    }

    #[test]
    fn writes_a_duration() {
        assert_eq!(span(34_900), "34 s");
        assert_eq!(span(12 * MINUTE), "12 min");
        assert_eq!(span(47 * HOUR), "47 h");
        assert_eq!(span(65 * HOUR), "2 days");
    }
}
