//! The beginnings and ends of bars.

use jiff::{Timestamp, tz::TimeZone};
use market::{Interval, Millis};

/// The zone of a stored name; UTC if the name is unknown here.
pub(crate) fn named(name: Option<&str>) -> TimeZone {
    match name {
        None | Some("UTC") => TimeZone::UTC,
        Some(name) => TimeZone::get(name).unwrap_or_else(|error| {
            tracing::warn!(zone = name, %error, "days of this zone are those of UTC");
            TimeZone::UTC
        }),
    }
}

/// Whether a stored name is that of a zone.
pub(crate) fn is_known(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// The stored name of a zone. A zone without a name counts as UTC.
pub(crate) fn name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// The span of the bar of an interval that contains a moment: its first millisecond, and the one after its last.
pub(crate) fn span(interval: Interval, zone: &TimeZone, at: Millis) -> (Millis, Millis) {
    let fixed = || {
        let start = at - at % interval.millis();
        (start, start.saturating_add(interval.millis()))
    };
    if interval != Interval::Day || *zone == TimeZone::UTC {
        return fixed();
    }
    day(zone, at).unwrap_or_else(fixed)
}

/// The day that contains a moment. `None` outside the years of the calendar.
fn day(zone: &TimeZone, at: Millis) -> Option<(Millis, Millis)> {
    let zoned = Timestamp::from_millisecond(i64::try_from(at).ok()?)
        .ok()?
        .to_zoned(zone.clone());
    let start = zoned.start_of_day().ok()?;
    let end = start.tomorrow().ok()?.start_of_day().ok()?;
    let ms = |moment: jiff::Zoned| Millis::try_from(moment.timestamp().as_millisecond()).ok();
    Some((ms(start)?, ms(end)?))
}

/// The interval that the bar of a span is made from; `None` for trades. Days that do not begin on the hour of UTC, as
/// those of India, are made of quarters of an hour.
pub(crate) fn below(interval: Interval, (start, end): (Millis, Millis)) -> Option<Interval> {
    let hourly = start % Interval::Hour.millis() == 0 && end % Interval::Hour.millis() == 0;
    match interval {
        Interval::Second => None,
        Interval::Minute => Some(Interval::Second),
        Interval::FiveMinutes => Some(Interval::Minute),
        Interval::QuarterHour => Some(Interval::FiveMinutes),
        Interval::Hour => Some(Interval::QuarterHour),
        Interval::Day if hourly => Some(Interval::Hour),
        Interval::Day => Some(Interval::QuarterHour),
    }
}

/// The bars that are made from bars of this interval, each by its interval and a moment in it.
pub(crate) fn above(interval: Interval, zone: &TimeZone, start: Millis) -> Vec<(Interval, Millis)> {
    let parent = |interval| (interval, span(interval, zone, start).0);
    match interval {
        Interval::Second => vec![parent(Interval::Minute)],
        Interval::Minute => vec![parent(Interval::FiveMinutes)],
        Interval::FiveMinutes => vec![parent(Interval::QuarterHour)],
        Interval::QuarterHour => {
            let (day, end) = span(Interval::Day, zone, start);
            let mut parents = vec![parent(Interval::Hour)];
            if below(Interval::Day, (day, end)) == Some(Interval::QuarterHour) {
                parents.push((Interval::Day, day));
            }
            parents
        }
        Interval::Hour => {
            let (day, end) = span(Interval::Day, zone, start);
            match below(Interval::Day, (day, end)) {
                Some(Interval::Hour) => vec![(Interval::Day, day)],
                _ => Vec::new(),
            }
        }
        Interval::Day => Vec::new(),
    }
}

/// The code of an interval in a column.
pub(crate) const fn level(interval: Interval) -> i64 {
    match interval {
        Interval::Second => 0,
        Interval::Minute => 1,
        Interval::FiveMinutes => 2,
        Interval::QuarterHour => 3,
        Interval::Hour => 4,
        Interval::Day => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond() as Millis
    }

    #[test]
    fn a_day_is_the_zones_own_also_when_clocks_change() {
        let new_york = named(Some("America/New_York"));
        for (at, start, hours) in [
            ("2026-03-07T17:00:00Z", "2026-03-07T05:00:00Z", 24),
            ("2026-03-08T17:00:00Z", "2026-03-08T05:00:00Z", 23),
            ("2026-03-09T04:00:00Z", "2026-03-09T04:00:00Z", 24),
            ("2026-03-09T03:59:59Z", "2026-03-08T05:00:00Z", 23),
            ("2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", 25),
        ] {
            let (day, end) = span(Interval::Day, &new_york, ms(at));
            assert_eq!(day, ms(start), "{at}");
            assert_eq!(end - day, hours * Interval::Hour.millis(), "{at}");
        }
        let utc = span(Interval::Day, &TimeZone::UTC, ms("2026-03-08T17:00:00Z"));
        assert_eq!(utc.0, ms("2026-03-08T00:00:00Z"));
    }

    #[test]
    fn a_bar_is_made_of_those_that_fit_into_it() {
        let zones = ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"];
        for zone in zones.map(|name| named(Some(name))) {
            for hour in 0..24 * 400 {
                let at = ms("2026-01-01T00:00:00Z") + hour * Interval::Hour.millis();
                for interval in Interval::ALL {
                    let (start, end) = span(interval, &zone, at);
                    assert!(start <= at && at < end);
                    assert_eq!(span(interval, &zone, start), (start, end));
                    assert_eq!(span(interval, &zone, end).0, end);
                    let Some(below) = below(interval, (start, end)) else {
                        continue;
                    };
                    assert_eq!(span(below, &zone, start).0, start);
                    assert_eq!(span(below, &zone, end).0, end);
                    let last = span(below, &zone, end - 1).0;
                    assert!(above(below, &zone, last).contains(&(interval, start)));
                }
            }
        }
    }
}
