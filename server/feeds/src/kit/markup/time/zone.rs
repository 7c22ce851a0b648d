//! The zone of a date.

use jiff::tz::TimeZone;

use super::{
    day::{is_weekday, month_of},
    tokens::{Reading, Token},
};
use crate::kit::markup::names::{FILLERS, SEASONS, ZONES};

#[derive(Debug)]
pub(super) enum Zone {
    /// Minutes east of Greenwich.
    Offset(i32),
    Named(TimeZone),
}

impl Zone {
    pub(super) fn utc() -> Zone {
        Zone::Offset(0)
    }
}

/// The zone after a time of day; UTC if there is none, `None` if it is unknown.
pub(super) fn zone(reading: &mut Reading<'_>) -> Option<Zone> {
    reading.skip(".,;");
    if let Some(zone) = numeric(reading) {
        let zone = zone?;
        // A name beside an offset adds nothing.
        reading.skip(".,;[");
        if reading
            .word(0)
            .is_some_and(|word| offset_of(word).is_some())
        {
            reading.at += 1;
        }
        return Some(zone);
    }
    let Some(word) = reading.word(0).map(str::to_owned) else {
        return Some(Zone::utc());
    };
    if word == "uhr" {
        reading.at += 1;
        return zone(reading);
    }
    if month_of(&word, true).is_some() || is_weekday(&word) || FILLERS.contains(&word.as_str()) {
        return Some(Zone::utc());
    }
    if reading.is_sign(1, "/") {
        return Some(Zone::Named(named(reading)?));
    }
    reading.at += 1;
    if matches!(word.as_str(), "gmt" | "utc" | "ut" | "z") {
        let blanks = usize::from(matches!(reading.peek(0), Some(Token::Blank)));
        if reading.is_sign(blanks, "+-") {
            reading.at += blanks;
            return numeric(reading)?;
        }
    }
    if let Some(offset) = offset_of(&word) {
        return Some(Zone::Offset(offset));
    }
    let (_, name) = SEASONS.iter().find(|(season, _)| *season == word)?;
    TimeZone::get(name).ok().map(Zone::Named)
}

/// An offset such as `+01:00`, `-0500`, `+1`; the inner value is `None` for an impossible offset.
pub(super) fn numeric(reading: &mut Reading<'_>) -> Option<Option<Zone>> {
    if !reading.is_sign(0, "+-") {
        return None;
    }
    let (number, digits) = reading.number(1)?;
    let sign = if reading.is_sign(0, "-") { -1 } else { 1 };
    reading.at += 2;
    let minutes = match digits {
        1 | 2 => match reading.number(1) {
            Some((minutes, 2)) if reading.is_sign(0, ":") => {
                reading.at += 2;
                offset(number, minutes)
            }
            _ => offset(number, 0),
        },
        3 | 4 => offset(number / 100, number % 100),
        6 => offset(number / 10_000, number / 100 % 100),
        _ => None,
    };
    Some(minutes.map(|minutes| Zone::Offset(sign * minutes)))
}

pub(super) fn offset(hours: u32, minutes: u32) -> Option<i32> {
    (hours <= 15 && minutes < 60).then_some((hours * 60 + minutes) as i32)
}

/// A zone such as `America/New_York`.
pub(super) fn named(reading: &mut Reading<'_>) -> Option<TimeZone> {
    let mut name = reading.word(0)?.to_owned();
    reading.at += 1;
    while reading.is_sign(0, "/") {
        name = format!("{name}/{}", reading.word(1)?);
        reading.at += 2;
    }
    TimeZone::get(&name).ok()
}

pub(super) fn offset_of(word: &str) -> Option<i32> {
    let (_, offset) = ZONES.iter().find(|(name, _)| *name == word)?;
    Some(*offset)
}
