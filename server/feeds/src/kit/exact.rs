//! Numbers of JSON, exactly as they are written: some sources send prices as numbers that are meant
//! to the last digit.

use std::{fmt, str::FromStr};

/// The largest exponent that is written out.
const MAX_EXPONENT: usize = 40;

/// Reads a number as JSON has it.
///
/// # Errors
/// When it is none, or has more digits than are kept.
pub(crate) fn read<T: FromStr<Err: fmt::Display>>(written: &str) -> Result<T, String> {
    let text = written
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(written);
    match text.split_once(['e', 'E']) {
        None => text.parse().map_err(|error: T::Err| error.to_string()),
        Some((digits, exponent)) => {
            let shown = || text.chars().take(64).collect::<String>();
            plain(digits, exponent)
                .and_then(|plain| plain.parse().ok())
                .ok_or_else(|| format!("{:?} is not a number that can be kept", shown()))
        }
    }
}

/// The same number without an exponent: `1.5` and `-05` are `0.000015`.
fn plain(digits: &str, exponent: &str) -> Option<String> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() > 64 || whole.is_empty() || !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let (left, places) = match exponent.strip_prefix('-') {
        Some(places) => (true, places),
        None => (false, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    if places.is_empty() || !all_digits(places) {
        return None;
    }
    let places: usize = places
        .parse()
        .ok()
        .filter(|places| *places <= MAX_EXPONENT)?;
    let plain = if left {
        let digits = format!("{}{whole}", "0".repeat(places));
        let (whole, moved) = digits.split_at(digits.len() - places);
        format!(
            "{}.{moved}{part}",
            if whole.is_empty() { "0" } else { whole }
        )
    } else {
        let moved = part.len().min(places);
        let zeros = "0".repeat(places - moved);
        let (moved, part) = part.split_at(moved);
        let point = if part.is_empty() { "" } else { "." };
        format!("{whole}{moved}{zeros}{point}{part}")
    };
    Some(format!("{sign}{plain}"))
}

#[cfg(test)]
mod tests {
    use market::{Price, Size};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_digit_stays() {
        for (written, expected) in [
            ("126.55", "126.55"),
            ("126.550", "126.550"),
            ("0.1", "0.1"),
            ("1e-05", "0.00001"),
            ("1.50E-5", "0.0000150"),
            ("-12.5e1", "-125"),
            ("1.5e+3", "1500"),
            ("12.345e2", "1234.5"),
            ("123e-1", "12.3"),
            ("0e0", "0"),
            ("\"61837.63000000\"", "61837.63000000"),
            (
                "7922816251426433759354395033",
                "7922816251426433759354395033",
            ),
        ] {
            assert_eq!(read::<Price>(written).unwrap().to_string(), expected);
            assert_eq!(read::<Size>(written).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for written in [
            "true",
            "null",
            "\"\"",
            "\"x\"",
            "[1]",
            "{}",
            "1e41",
            "1e-400",
            "1e99999999999999999999",
            "123456789012345678901234567890.5",
            "1e30",
            "1e-29",
            "\"1e\"",
            "\"e5\"",
            "\"1e-\"",
            "\"1_0\"",
            "\"NaN\"",
        ] {
            let error = read::<Price>(written).unwrap_err();
            let value = written.trim_matches('"');
            assert!(error.contains(value), "{written}: {error}");
        }
    }

    proptest! {
        #[test]
        fn an_exponent_is_only_another_way_to_write_it(
            digits in 0..1_000_000_000_u64, scale in 0..6_usize, places in -8..8_i32
        ) {
            let digits = digits.to_string();
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, part) = digits.split_at(digits.len() - scale);
            let point = if part.is_empty() { "" } else { "." };
            let written = format!("{whole}{point}{part}e{places}");
            let number: Price = read(&written).unwrap();
            let plain: Price = read(&format!("{whole}{point}{part}")).unwrap();
            let ten = rust_decimal::Decimal::TEN;
            let mut expected = plain.decimal();
            for _ in 0..places.unsigned_abs() {
                expected = if places < 0 { expected / ten } else { expected * ten };
            }
            prop_assert_eq!(number.decimal(), expected, "{}", written);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", exponent in "[-+0-9e.]{0,8}") {
            let _ = read::<Price>(&text);
            let _ = read::<Price>(&format!("1{exponent}"));
        }
    }
}
