//! Times as people read them. Everything is UTC unless an offset is given, so that the server and
//! the browser write the same text.

use market::Millis;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A day of the Gregorian calendar.
struct Date {
    year: u64,
    /// From 1 to 12.
    month: u64,
    /// From 1 to 31.
    day: u64,
}

/// The day on which a moment falls, after Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March, so that the
/// leap day is the last of its year.
fn date(time: Millis) -> Date {
    let days = time / DAY + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    Date {
        year: era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
    }
}

/// The time of day, `14:03:22`, at an offset in minutes east of UTC.
pub(crate) fn time_of_day(time: Millis, offset_minutes: i32) -> String {
    let shifted = time.saturating_add_signed(i64::from(offset_minutes) * MINUTE as i64);
    let seconds = shifted % DAY / SECOND;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// A moment for people, `2026-11-20 22:43:33 UTC`.
pub(crate) fn exact(time: Millis) -> String {
    let Date { year, month, day } = date(time);
    format!("{year}-{month:02}-{day:02} {} UTC", time_of_day(time, 0))
}

/// A moment for the `datetime` attribute of HTML, `2026-11-20T22:43:33Z`.
pub(crate) fn machine_readable(time: Millis) -> String {
    let Date { year, month, day } = date(time);
    format!("{year}-{month:02}-{day:02}T{}Z", time_of_day(time, 0))
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
            let Date { year, month, day } = date(time);
            let month = MONTHS[(month - 1) as usize % MONTHS.len()];
            format!("{day} {month} {year}")
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
