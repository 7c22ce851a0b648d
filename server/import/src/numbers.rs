//! Numbers in files.

use std::{borrow::Cow, fmt, str::FromStr};

/// The longest exponent that is parsed: more digits fit into no decimal.
const MAX_EXPONENT: i32 = 28;

/// The notation of a file's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// Digits with at most one point. Nothing else is accepted, so that nothing is misread.
    #[default]
    Plain,
    /// `1,234,567.89`, and the additions of [`Numbers::Comma`].
    Point,
    /// `1.234.567,89`. Blanks and apostrophes may also separate thousands, `1.2M` is 1,200,000, and `1e-5` is 0.00001.
    Comma,
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Numbers::Plain => "plain",
            Numbers::Point => "point",
            Numbers::Comma => "comma",
        })
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "plain" => Ok(Numbers::Plain),
            "point" => Ok(Numbers::Point),
            "comma" => Ok(Numbers::Comma),
            _ => Err(format!(
                "{text:?} is not a way to write numbers: expected plain (1234.5), point (1,234.5) or comma (1.234,5)"
            )),
        }
    }
}

impl Numbers {
    /// The form of a valid number.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Numbers::Plain => {
                "digits with at most one point; --numbers point or comma reads 1,234.5, 1.234,5, 1.2M and 1e5"
            }
            Numbers::Point => "a number such as 1,234.5, 1.2M or 1e5",
            Numbers::Comma => "a number such as 1.234,5, 1,2M or 1e5",
        }
    }

    /// The number as digits with at most one point; `None` if it is invalid.
    pub(super) fn plain(self, text: &str) -> Option<Cow<'_, str>> {
        // Some files write prices with the currency.
        let text = text.strip_prefix('$').unwrap_or(text);
        let (point, thousands) = match self {
            Numbers::Plain => return Some(Cow::Borrowed(text)),
            Numbers::Point => ('.', ','),
            Numbers::Comma => (',', '.'),
        };
        let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(digits) => ("-", digits),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = digits.strip_prefix('$').unwrap_or(digits);
        let (digits, exponent) = exponent(digits)?;
        let (whole, fraction) = match digits.split_once(point) {
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let whole = joined(whole, thousands)?;
        if !all_digits(fraction) || whole.len() + fraction.len() == 0 {
            return None;
        }
        Some(Cow::Owned(format!(
            "{sign}{}",
            shifted(&whole, fraction, exponent)
        )))
    }
}

/// Removes `e5` and the letters of scale from the end.
fn exponent(text: &str) -> Option<(&str, i32)> {
    if let Some((digits, exponent)) = text.split_once(['e', 'E']) {
        let exponent: i32 = exponent.parse().ok()?;
        return (exponent.abs() <= MAX_EXPONENT).then_some((digits, exponent));
    }
    let scales = [('k', 3), ('m', 6), ('b', 9), ('t', 12)];
    let last = text.chars().next_back()?;
    let scale = scales
        .into_iter()
        .find(|(letter, _)| last.eq_ignore_ascii_case(letter));
    Some(match scale {
        Some((letter, exponent)) => (text[..text.len() - letter.len_utf8()].trim_end(), exponent),
        None => (text, 0),
    })
}

/// The digits of a whole number whose thousands may be separated: groups of three, or of two as in India, with three at
/// the end.
fn joined(text: &str, thousands: char) -> Option<String> {
    let is_between = |c: char| {
        c == thousands
            || matches!(
                c,
                ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' | '_'
            )
    };
    let groups: Vec<&str> = text.split(is_between).collect();
    if !groups.iter().all(|group| all_digits(group)) {
        return None;
    }
    if let [first, between @ .., last] = &groups[..] {
        let fits = matches!(first.len(), 1..=3)
            && last.len() == 3
            && between.iter().all(|group| matches!(group.len(), 2 | 3));
        if !fits {
            return None;
        }
    }
    Some(groups.concat())
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `whole.fraction` with its point moved to the right, or to the left if `places` is below zero.
fn shifted(whole: &str, fraction: &str, places: i32) -> String {
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + places;
    let plain = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if point as usize >= digits.len() {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        format!(
            "{}.{}",
            &digits[..point as usize],
            &digits[point as usize..]
        )
    };
    match plain.find(|c| c != '0') {
        Some(0) => plain,
        // Leading zeros, except one before the point.
        Some(zeros) if plain[zeros..].starts_with('.') => plain[zeros - 1..].to_owned(),
        Some(zeros) => plain[zeros..].to_owned(),
        None => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use market::Price;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (numbers, text, plain) in [
            (Numbers::Plain, "$12.50", Some("12.50")),
            (Numbers::Point, "1,234,567.89", Some("1234567.89")),
            (Numbers::Point, "12,34,567", Some("1234567")),
            (Numbers::Point, "$1,234", Some("1234")),
            (Numbers::Point, "-1,234.50", Some("-1234.50")),
            (Numbers::Point, "1 234.5", Some("1234.5")),
            (Numbers::Point, "1'234.5", Some("1234.5")),
            (Numbers::Point, "1.2M", Some("1200000")),
            (Numbers::Point, "3.456K", Some("3456")),
            (Numbers::Point, "2.5B", Some("2500000000")),
            (Numbers::Point, "1e5", Some("100000")),
            (Numbers::Point, "1.5E-3", Some("0.0015")),
            (Numbers::Point, "1.23e+1", Some("12.3")),
            (Numbers::Point, ".5", Some("0.5")),
            (Numbers::Point, "007", Some("7")),
            (Numbers::Point, "0", Some("0")),
            (Numbers::Point, "0.10", Some("0.10")),
            (Numbers::Comma, "1.234,50", Some("1234.50")),
            (Numbers::Comma, "0,0001", Some("0.0001")),
            (Numbers::Comma, "1\u{202f}234,5", Some("1234.5")),
            (Numbers::Comma, "1,2M", Some("1200000")),
            (Numbers::Point, "1,23", None),
            (Numbers::Point, "1234,567", None),
            (Numbers::Comma, "1.23", None),
            (Numbers::Point, "1.2.3", None),
            (Numbers::Point, "1e99", None),
            (Numbers::Point, "", None),
            (Numbers::Point, "M", None),
            (Numbers::Point, "--1", None),
            (Numbers::Point, "ten", None),
        ] {
            assert_eq!(numbers.plain(text).as_deref(), plain, "{numbers} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_the_same_in_every_way(units in 0_u32..100_000_000, scale in 0_u32..8) {
            let price: Price = rust_decimal::Decimal::new(units.into(), scale).into();
            let plain = price.to_string();
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
            let mut grouped = String::new();
            for (index, digit) in whole.chars().enumerate() {
                if index > 0 && (whole.len() - index) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            let point = if fraction.is_empty() { grouped } else { format!("{grouped}.{fraction}") };
            let comma: String = point.chars().map(|c| match c { ',' => '.', '.' => ',', c => c }).collect();
            for (numbers, text) in [(Numbers::Point, point), (Numbers::Comma, comma), (Numbers::Plain, plain)] {
                let read: Price = numbers.plain(&text).unwrap().parse().unwrap();
                prop_assert_eq!(read, price, "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}", number in "[0-9.,eEkM' -]{0,24}") {
            for numbers in [Numbers::Plain, Numbers::Point, Numbers::Comma] {
                numbers.plain(&text);
                numbers.plain(&number);
            }
        }
    }
}
