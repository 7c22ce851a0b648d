//! Dates in the spellings of feeds.
//!
//! A date and a time of day may be in any order and with any common names; the zone has to be known. If it is not, or
//! if the order of day and month is ambiguous, the date is rejected rather than guessed.

mod day;
mod tokens;
mod zone;

use jiff::{Timestamp, civil, tz::TimeZone};
use market::Millis;

use self::{
    day::{compact, date, day, half_in_words},
    tokens::{Reading, Token, tokens},
    zone::{Zone, offset, offset_of, zone},
};

#[cfg(test)]
mod tests;

/// The longest text that is parsed, in bytes.
const MAX_DATE_BYTES: usize = 128;

/// The time of a text, in one of the forms in which feeds write it. Without a zone it is UTC. A time at or before the
/// beginning of 1970 counts as absent.
pub(crate) fn time(text: &str) -> Option<Millis> {
    if text.len() > MAX_DATE_BYTES {
        return None;
    }
    let text = without_comments(&market::plain(text));
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => digits(&text)?,
        Err(_) => spelled(&tokens(&text)?)?,
    };
    let time = Millis::try_from(time.as_millisecond()).ok()?;
    (time > 0).then_some(time)
}

/// RFC 822 allows remarks in parentheses. One after a time without a zone is the zone.
fn without_comments(text: &str) -> String {
    let bare = bare(text);
    let lower = bare.to_ascii_lowercase();
    let last = lower
        .trim_end_matches("am")
        .trim_end_matches("pm")
        .trim_end();
    let last = last.rsplit(' ').next().unwrap_or_default();
    let ends_with_time = last.starts_with(|c: char| c.is_ascii_digit()) && last.contains(':');
    let remark = text
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    match remark {
        Some((remark, _)) if ends_with_time => format!("{bare} {remark}"),
        _ => bare,
    }
}

/// A text without its parentheses.
fn bare(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = text.chars().filter(|c| {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0
    });
    market::plain(&outside.collect::<String>())
}

/// Only digits: a date, a date with a time, or seconds or milliseconds since 1970.
fn digits(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        4 => at(
            date(number as u32, 1, 1)?,
            civil::Time::midnight(),
            &Zone::utc(),
        ),
        7 | 8 => at(compact(text)?, civil::Time::midnight(), &Zone::utc()),
        9 | 10 => Timestamp::from_second(number).ok(),
        12 | 13 => Timestamp::from_millisecond(number).ok(),
        14 => at(
            compact(&text[..8])?,
            clock_of_digits(&text[8..])?.0,
            &Zone::utc(),
        ),
        _ => None,
    }
}

/// A time of day, and whether it is the midnight at the end of the day.
type Clock = (civil::Time, bool);

fn clock(hour: u32, minute: u32, second: u32, nanos: i32) -> Option<Clock> {
    if (hour, minute, second) == (24, 0, 0) {
        return Some((civil::Time::midnight(), true));
    }
    // A leap second is the last one of its minute.
    let second = if second == 60 { 59 } else { second };
    let (hour, minute, second) = (hour.try_into(), minute.try_into(), second.try_into());
    let time = civil::Time::new(hour.ok()?, minute.ok()?, second.ok()?, nanos).ok()?;
    Some((time, false))
}

/// `10`, `1030` or `103000`.
fn clock_of_digits(text: &str) -> Option<Clock> {
    let part = |from: usize| match text.get(from..from + 2) {
        Some(text) => text.parse().ok(),
        None => Some(0),
    };
    matches!(text.len(), 2 | 4 | 6).then(|| clock(part(0)?, part(2)?, part(4)?, 0))?
}

/// A date in words, with or without a time of day.
fn spelled(tokens: &[Token]) -> Option<Timestamp> {
    let Some(start) = clock_start(tokens) else {
        let zone = tokens
            .iter()
            .rposition(|token| matches!(token, Token::Word(_)));
        // `2004-01-01Z` has a zone without a time.
        if let Some(last) = zone.filter(|at| at + 1 == tokens.len())
            && let Token::Word(word) = &tokens[last]
            && let Some(offset) = offset_of(word)
        {
            let date = day(&tokens[..last], false)?;
            return at(date, civil::Time::midnight(), &Zone::Offset(offset));
        }
        return at(day(tokens, false)?, civil::Time::midnight(), &Zone::utc());
    };
    let before = &tokens[..start];
    let mut reading = Reading { tokens, at: start };
    if let Some(zone) = offset_without_time(before, &mut reading) {
        return at(
            day(&before[..before.len() - 1], false)?,
            civil::Time::midnight(),
            &zone,
        );
    }
    let (hour, minute, second, nanos) = time_of_day(&mut reading)?;
    let (hour, is_english) = half_of_day(hour, before, &mut reading);
    let (time, is_next) = clock(hour, minute, second, nanos)?;
    let zone = zone(&mut reading)?;
    let mut of_date: Vec<Token> = before.to_vec();
    of_date.push(Token::Blank);
    of_date.extend_from_slice(&tokens[reading.at..]);
    let date = day(&of_date, is_english)?;
    let date = if is_next { date.tomorrow().ok()? } else { date };
    at(date, time, &zone)
}

fn at(date: civil::Date, time: civil::Time, zone: &Zone) -> Option<Timestamp> {
    let civil = date.to_datetime(time);
    let zone = match zone {
        Zone::Offset(minutes) => {
            TimeZone::fixed(jiff::tz::Offset::from_seconds(minutes * 60).ok()?)
        }
        Zone::Named(zone) => zone.clone(),
    };
    Some(zone.to_zoned(civil).ok()?.timestamp())
}

/// The beginning of the time of day: at `10:30`, or at the digits after a `T`.
fn clock_start(tokens: &[Token]) -> Option<usize> {
    let is_clock = |at: usize| match tokens.get(at..at + 3) {
        Some(
            [
                Token::Number(_, 1 | 2),
                Token::Sign(':'),
                Token::Number(_, 1 | 2),
            ],
        ) => true,
        Some([Token::Number(_, 1 | 2), Token::Sign(':'), ..]) => false,
        _ => false,
    };
    let after_t = |at: usize| match tokens.get(at..at + 2) {
        Some([Token::Word(t), Token::Number(_, 2 | 4 | 6)]) => t == "t",
        _ => false,
    };
    (0..tokens.len()).find_map(|at| match () {
        () if is_clock(at) => Some(at),
        () if after_t(at) && !is_clock(at + 1) => Some(at + 1),
        () => None,
    })
}

/// `2004-01-01+01:00` has an offset and no time of day.
fn offset_without_time(before: &[Token], reading: &mut Reading<'_>) -> Option<Zone> {
    let numbers = before
        .iter()
        .filter(|token| matches!(token, Token::Number(..)))
        .count();
    let sign = match before.last()? {
        Token::Sign('+') => 1,
        Token::Sign('-') if numbers >= 3 => -1,
        _ => return None,
    };
    let (hours, minutes) = (reading.number(0)?.0, reading.number(2)?.0);
    Some(Zone::Offset(sign * offset(hours, minutes)?))
}

/// Hours, minutes, seconds and nanoseconds.
fn time_of_day(reading: &mut Reading<'_>) -> Option<(u32, u32, u32, i32)> {
    let (hour, digits) = reading.number(0)?;
    if !reading.is_sign(1, ":") {
        reading.at += 1;
        let text = format!("{hour:0digits$}");
        let (time, _) = clock_of_digits(&text)?;
        return Some((
            time.hour() as u32,
            time.minute() as u32,
            time.second() as u32,
            fraction(reading),
        ));
    }
    let (minute, _) = reading.number(2)?;
    reading.at += 3;
    let second = match reading.number(1) {
        Some((second, 1 | 2)) if reading.is_sign(0, ":") => {
            reading.at += 2;
            second
        }
        _ => 0,
    };
    Some((hour, minute, second, fraction(reading)))
}

/// The fraction of a second after a point.
fn fraction(reading: &mut Reading<'_>) -> i32 {
    let Some((number, digits)) = reading.number(1) else {
        return 0;
    };
    // A number of four digits after a comma is a year.
    if !(reading.is_sign(0, ".") || reading.is_sign(0, ",:") && digits == 3) {
        return 0;
    }
    reading.at += 2;
    match digits {
        0..=9 => (number * 10_u32.pow(9 - digits as u32)) as i32,
        _ => number as i32,
    }
}

/// The hour of the day, and whether it was written with AM or PM.
fn half_of_day(hour: u32, before: &[Token], reading: &mut Reading<'_>) -> (u32, bool) {
    let words = || {
        before.iter().filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
    };
    let mut half = words().find_map(half_in_words);
    let blank = usize::from(matches!(reading.peek(0), Some(Token::Blank)));
    let english = match reading.word(blank) {
        Some("am") => Some((false, 1)),
        Some("pm") => Some((true, 1)),
        Some(letter @ ("a" | "p"))
            if reading.is_sign(blank + 1, ".") && reading.word(blank + 2) == Some("m") =>
        {
            Some((letter == "p", 3))
        }
        _ => None,
    };
    if let Some((is_after_noon, length)) = english {
        reading.at += blank + length;
        half = Some(is_after_noon);
    }
    let hour = match half {
        Some(false) if hour == 12 => 0,
        Some(true) if hour < 12 => hour + 12,
        _ => hour,
    };
    (hour, english.is_some())
}
