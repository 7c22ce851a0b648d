//! The last closes of symbols, from their newest daily bars.

use jiff::{Timestamp, tz::TimeZone};
use market::{Interval, Millis, Quote, Symbol};

use crate::{
    bars::{Adjust, BarQuery, read_bars},
    past::{Past, Unreadable},
};
use events::{Minutes, Tape};

/// The last closes of symbols, in the form of quotes: each with the day of the close. Symbols without one are left out.
///
/// # Errors
/// If the archive cannot be read.
pub fn last_closes(
    past: &dyn Past,
    tape: &Tape,
    minutes: &Minutes,
    symbols: &[Symbol],
    now: Millis,
) -> Result<Vec<Quote>, Unreadable> {
    let mut closes = Vec::new();
    for symbol in symbols {
        closes.extend(last_close(past, tape, minutes, *symbol, now)?);
    }
    Ok(closes)
}

fn last_close(
    past: &dyn Past,
    tape: &Tape,
    minutes: &Minutes,
    symbol: Symbol,
    now: Millis,
) -> Result<Option<Quote>, Unreadable> {
    let wanted = BarQuery {
        symbol,
        interval: Interval::Day,
        starts: 0..Millis::MAX,
        limit: 1,
        now,
        adjust: Adjust::Splits,
    };
    let newest = read_bars(Some(past), tape, minutes, &wanted)?.bars.pop();
    let Some(bar) = newest else {
        return Ok(None);
    };
    let zone = past.zone(symbol)?.unwrap_or(TimeZone::UTC);
    // The time of the close is unknown: it was before the end of its day.
    let time = bar
        .start
        .saturating_add(Interval::Day.millis() - 1)
        .min(now);
    Ok(day(bar.start, zone).map(|day| Quote {
        price: Some(bar.close),
        close_of: Some(day),
        ..Quote::new(symbol, time)
    }))
}

/// The day that begins at a moment, `2026-11-23`.
fn day(start: Millis, zone: TimeZone) -> Option<String> {
    let start = Timestamp::from_millisecond(i64::try_from(start).ok()?).ok()?;
    Some(start.to_zoned(zone).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_symbols_zone() {
        let expected = Some("2026-11-23".to_owned());
        // Midnight in New York, and in Auckland of the day before in UTC.
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(day(1_795_410_000_000, new_york), expected);
        let auckland = TimeZone::get("Pacific/Auckland").unwrap();
        assert_eq!(day(1_795_345_200_000, auckland), expected);
        assert_eq!(day(1_795_392_000_000, TimeZone::UTC), expected);
        assert_eq!(day(Millis::MAX, TimeZone::UTC), None);
    }
}
