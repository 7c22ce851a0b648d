//! Times as people read them. Everything is UTC unless an offset is given, so that the server and
//! the browser write the same text.

use market::Millis;

use chart::calendar::{self, Civil};

const SECOND: Millis = calendar::SECOND as Millis;
const MINUTE: Millis = calendar::MINUTE as Millis;
const HOUR: Millis = calendar::HOUR as Millis;
const DAY: Millis = calendar::DAY as Millis;

/// A moment in the calendar, at an offset in minutes east of UTC.
fn civil(time: Millis, offset_minutes: i32) -> Civil {
    let time = i64::try_from(time).unwrap_or(i64::MAX);
    Civil::new(time.saturating_add(i64::from(offset_minutes) * calendar::MINUTE))
}

/// The time of day, `14:03:22`, at an offset in minutes east of UTC.
pub(crate) fn time_of_day(time: Millis, offset_minutes: i32) -> String {
    civil(time, offset_minutes).clock()
}

/// A day and a time of day, with what stands between and after them.
fn moment(time: Millis, between: &str, after: &str) -> String {
    let civil = civil(time, 0);
    let Civil {
        year, month, day, ..
    } = civil;
    let month = month + 1;
    format!(
        "{year}-{month:02}-{day:02}{between}{}{after}",
        civil.clock()
    )
}

/// A moment for people, `2026-11-20 22:43:33 UTC`.
pub(crate) fn exact(time: Millis) -> String {
    moment(time, " ", " UTC")
}

/// A moment for the `datetime` attribute of HTML, `2026-11-20T22:43:33Z`.
pub(crate) fn machine_readable(time: Millis) -> String {
    moment(time, "T", "Z")
}

/// How long ago something was: `now`, `2 min ago`, `3 h ago`, `2 days ago`, and the day itself
/// after a week. A moment that has not come yet, by a clock that is a little off, is `now`.
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

/// A span, `34 s`, `12 min`, `3 h`.
pub(crate) fn span(length: Millis) -> String {
    match length {
        0..MINUTE => format!("{} s", length / SECOND),
        MINUTE..HOUR => format!("{} min", length / MINUTE),
        _ => format!("{} h", length / HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_moments() {
        assert_eq!(exact(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(exact(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(exact(1_342_067_399_340), "2012-07-12 04:29:59 UTC");
        assert_eq!(machine_readable(1_709_164_799_999), "2024-02-28T23:59:59Z");
        assert_eq!(machine_readable(1_735_689_600_000), "2025-01-01T00:00:00Z");
    }

    #[test]
    fn shifts_the_time_of_day() {
        assert_eq!(time_of_day(1_735_689_600_000, 0), "00:00:00");
        assert_eq!(time_of_day(1_735_689_600_000, -300), "19:00:00");
        assert_eq!(time_of_day(1_735_689_600_000, 330), "05:30:00");
    }

    #[test]
    fn says_how_long_ago() {
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
    fn says_a_span() {
        assert_eq!(span(34_900), "34 s");
        assert_eq!(span(12 * MINUTE), "12 min");
        assert_eq!(span(3 * HOUR), "3 h");
    }
}
