//! Dates in the spellings of feeds.
//!
//! A date and a time of day may be in any order and with any common names; the zone has to be known. If it is not, or
//! if the order of day and month is ambiguous, the date is rejected rather than guessed.

use jiff::{Timestamp, civil, tz::TimeZone};
use market::Millis;

use crate::kit::markup::names::{FILLERS, FOREIGN, MONTHS, SEASONS, WEEKDAYS, ZONES};

#[cfg(test)]
mod tests;

/// The longest text that is parsed, in bytes.
const MAX_DATE_BYTES: usize = 128;

/// A token of a date.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A number, and its number of digits.
    Number(u32, usize),
    /// A word in lower case.
    Word(String),
    Sign(char),
    Blank,
}

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

/// `20261130`, or the day of the year as in `2026334`.
fn compact(text: &str) -> Option<civil::Date> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    match text.len() {
        8 => date(part(0, 4)?, part(4, 6)?, part(6, 8)?),
        7 => ordinal(part(0, 4)?, part(4, 7)?),
        _ => None,
    }
}

fn date(year: u32, month: u32, day: u32) -> Option<civil::Date> {
    let (year, month, day) = (year.try_into(), month.try_into(), day.try_into());
    civil::Date::new(year.ok()?, month.ok()?, day.ok()?).ok()
}

fn ordinal(year: u32, day: u32) -> Option<civil::Date> {
    let first = date(year, 1, 1)?;
    let with = first.with().day_of_year(day.try_into().ok()?);
    with.build().ok()
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

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part: fn(char) -> bool = match first {
            c if c.is_ascii_digit() => |c| c.is_ascii_digit(),
            c if c.is_alphabetic() => |c| c.is_alphabetic() || c == '_',
            _ => |_| false,
        };
        let length = rest
            .find(|c| !is_part(c))
            .unwrap_or(rest.len())
            .max(first.len_utf8());
        let (part, after) = rest.split_at(length);
        tokens.push(match first {
            c if c.is_ascii_digit() => {
                Token::Number(part.get(..9).unwrap_or(part).parse().ok()?, part.len())
            }
            c if c.is_alphabetic() => Token::Word(part.to_lowercase()),
            ' ' => Token::Blank,
            '\u{2212}' => Token::Sign('-'),
            c => Token::Sign(c),
        });
        rest = after;
    }
    Some(tokens)
}

/// The parts parsed so far.
struct Reading<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reading<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn number(&self, ahead: usize) -> Option<(u32, usize)> {
        match self.peek(ahead)? {
            Token::Number(number, digits) => Some((*number, *digits)),
            _ => None,
        }
    }

    fn is_sign(&self, ahead: usize, signs: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Sign(sign)) if signs.contains(*sign))
    }

    fn skip(&mut self, signs: &str) {
        while matches!(self.peek(0), Some(Token::Blank)) || self.is_sign(0, signs) {
            self.at += 1;
        }
    }
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

fn half_in_words(word: &str) -> Option<bool> {
    match word {
        "오전" | "上午" | "午前" => Some(false),
        "오후" | "下午" | "午後" => Some(true),
        _ => None,
    }
}

#[derive(Debug)]
enum Zone {
    /// Minutes east of Greenwich.
    Offset(i32),
    Named(TimeZone),
}

impl Zone {
    fn utc() -> Zone {
        Zone::Offset(0)
    }
}

/// The zone after a time of day; UTC if there is none, `None` if it is unknown.
fn zone(reading: &mut Reading<'_>) -> Option<Zone> {
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
fn numeric(reading: &mut Reading<'_>) -> Option<Option<Zone>> {
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

fn offset(hours: u32, minutes: u32) -> Option<i32> {
    (hours <= 15 && minutes < 60).then_some((hours * 60 + minutes) as i32)
}

/// A zone such as `America/New_York`.
fn named(reading: &mut Reading<'_>) -> Option<TimeZone> {
    let mut name = reading.word(0)?.to_owned();
    reading.at += 1;
    while reading.is_sign(0, "/") {
        name = format!("{name}/{}", reading.word(1)?);
        reading.at += 2;
    }
    TimeZone::get(&name).ok()
}

fn offset_of(word: &str) -> Option<i32> {
    let (_, offset) = ZONES.iter().find(|(name, _)| *name == word)?;
    Some(*offset)
}

fn is_weekday(word: &str) -> bool {
    let is_it = |day: &&'static str| word.len() >= 2 && day.starts_with(word);
    WEEKDAYS.iter().any(is_it) || matches!(word, "tues" | "weds" | "thur" | "thurs")
}

/// The month of a word; one that may also be a zone or another word only on request.
fn month_of(word: &str, is_strict: bool) -> Option<u32> {
    let english = |name: &&'static str| word.len() >= 3 && name.starts_with(word);
    let foreign = |stems: &&'static [&'static str]| stems.iter().any(|stem| word.starts_with(stem));
    let month = MONTHS
        .iter()
        .position(english)
        .or_else(|| (word == "sept").then_some(8))
        .or_else(|| match is_strict && word.len() <= 4 && word.is_ascii() {
            true => None,
            false => FOREIGN.iter().position(foreign),
        })?;
    Some(month as u32 + 1)
}

/// The day given by the words and numbers of a date.
fn day(tokens: &[Token], is_english: bool) -> Option<civil::Date> {
    let mut numbers: Vec<(u32, usize)> = Vec::new();
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut sign = ' ';
    for token in tokens {
        match token {
            Token::Number(number, digits) => numbers.push((*number, *digits)),
            Token::Word(word) => words.push((numbers.len(), word)),
            Token::Sign(c @ ('-' | '/' | '.')) if numbers.len() == 1 => sign = *c,
            Token::Sign('-' | '/' | '.' | ',' | ';' | '\'' | '’' | 'º' | '[' | ']')
            | Token::Blank => {}
            Token::Sign(_) => return None,
        }
    }
    words.retain(|(_, word)| {
        !FILLERS.contains(word) && half_in_words(word).is_none() && !is_weekday(word)
    });
    // The first of several words before the numbers, or one before them that is no month, is the weekday.
    if words.len() > 1 && words[0].0 == 0 {
        words.remove(0);
    } else if let [(0, word)] = words[..]
        && month_of(word, false).is_none()
        && numbers.len() == 3
    {
        words.clear();
    }
    match words[..] {
        [] => day_of_numbers(&numbers, sign, is_english),
        [(_, word)] => {
            let month = month_of(word, false)?;
            let (day, of_year) = match numbers[..] {
                [year @ (_, 4), day] => (day, year),
                [day, year] => (day, year),
                _ => return None,
            };
            date(year(of_year)?, month, day.0)
        }
        _ => None,
    }
}

/// A year with two digits is one of 1950 to 2049
/// ([RFC 2822, section 4.3](https://www.rfc-editor.org/rfc/rfc2822#section-4.3)).
fn year((year, digits): (u32, usize)) -> Option<u32> {
    match digits {
        4 => Some(year),
        3 => Some(1900 + year),
        2 if year < 50 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

fn day_of_numbers(numbers: &[(u32, usize)], sign: char, is_english: bool) -> Option<civil::Date> {
    match *numbers {
        [(number, digits @ (7 | 8))] => compact(&format!("{number:0digits$}")),
        [(year, 4)] if sign == ' ' => date(year, 1, 1),
        [(year, 4), (day, 3)] => ordinal(year, day),
        [(year, 4), (month, 1 | 2)] if sign == '-' => date(year, month, 1),
        [(year, 4), (month, 1 | 2), (day, 1 | 2)] => date(year, month, day),
        [(first, 1 | 2), (second, 1 | 2), of_year] => {
            if !(of_year.1 == 4 || of_year.1 == 2 && sign != '-') {
                return None;
            }
            let year = year(of_year)?;
            match sign {
                '.' => date(year, second, first),
                // An hour with AM or PM belongs to an American date.
                '/' | '-' if first > 12 => date(year, second, first),
                '/' | '-' if second > 12 || is_english || first == second => {
                    date(year, first, second)
                }
                _ => None,
            }
        }
        _ => None,
    }
}
