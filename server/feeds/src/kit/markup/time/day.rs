//! The day of a date.

use jiff::civil;

use super::tokens::Token;
use crate::kit::markup::names::{FILLERS, FOREIGN, MONTHS, WEEKDAYS};

/// `20261130`, or the day of the year as in `2026334`.
pub(super) fn compact(text: &str) -> Option<civil::Date> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    match text.len() {
        8 => date(part(0, 4)?, part(4, 6)?, part(6, 8)?),
        7 => ordinal(part(0, 4)?, part(4, 7)?),
        _ => None,
    }
}

pub(super) fn date(year: u32, month: u32, day: u32) -> Option<civil::Date> {
    let (year, month, day) = (year.try_into(), month.try_into(), day.try_into());
    civil::Date::new(year.ok()?, month.ok()?, day.ok()?).ok()
}

pub(super) fn ordinal(year: u32, day: u32) -> Option<civil::Date> {
    let first = date(year, 1, 1)?;
    let with = first.with().day_of_year(day.try_into().ok()?);
    with.build().ok()
}

pub(super) fn half_in_words(word: &str) -> Option<bool> {
    match word {
        "오전" | "上午" | "午前" => Some(false),
        "오후" | "下午" | "午後" => Some(true),
        _ => None,
    }
}

pub(super) fn is_weekday(word: &str) -> bool {
    let is_it = |day: &&'static str| word.len() >= 2 && day.starts_with(word);
    WEEKDAYS.iter().any(is_it) || matches!(word, "tues" | "weds" | "thur" | "thurs")
}

/// The month of a word; one that may also be a zone or another word only on request.
pub(super) fn month_of(word: &str, is_strict: bool) -> Option<u32> {
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
pub(super) fn day(tokens: &[Token], is_english: bool) -> Option<civil::Date> {
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
pub(super) fn year((year, digits): (u32, usize)) -> Option<u32> {
    match digits {
        4 => Some(year),
        3 => Some(1900 + year),
        2 if year < 50 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

pub(super) fn day_of_numbers(
    numbers: &[(u32, usize)],
    sign: char,
    is_english: bool,
) -> Option<civil::Date> {
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
