//! Times that are written as numbers. Sources count from the Unix epoch in seconds, milliseconds,
//! microseconds or nanoseconds, and few of them document which.

use std::fmt;

use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::Millis;

/// The unit in which a number counts from the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// All units, the longest first.
    pub const ALL: [TimeUnit; 4] = [
        TimeUnit::Seconds,
        TimeUnit::Millis,
        TimeUnit::Micros,
        TimeUnit::Nanos,
    ];

    /// The numbers of each unit that are accepted as a time: from March 3, 1973 until the year 5138, so that no number
    /// is valid in two units. The first day of 1970 in milliseconds is therefore never parsed as seconds.
    const fn range(self) -> (u64, u64) {
        const FROM: u64 = 100_000_000;
        match self {
            TimeUnit::Seconds => (FROM, FROM * 1_000),
            TimeUnit::Millis => (FROM * 1_000, FROM * 1_000_000),
            TimeUnit::Micros => (FROM * 1_000_000, FROM * 1_000_000_000),
            // Beyond it a number does not fit into 64 bits: the year 2554.
            TimeUnit::Nanos => (FROM * 1_000_000_000, u64::MAX),
        }
    }

    /// The unit of a number since the epoch, by its magnitude; `None` if it is a plausible time in no unit.
    pub fn of(number: u64) -> Option<TimeUnit> {
        TimeUnit::ALL.into_iter().find(|unit| {
            let (from, until) = unit.range();
            (from..until).contains(&number)
        })
    }

    /// The millisecond of a number of this unit; `None` if it is before the epoch or too large. Fractions of a
    /// millisecond are cut off.
    pub fn millis(self, number: Decimal) -> Option<Millis> {
        let millis = match self {
            TimeUnit::Seconds => number.checked_mul(Decimal::ONE_THOUSAND)?,
            TimeUnit::Millis => number,
            TimeUnit::Micros => number.checked_div(Decimal::ONE_THOUSAND)?,
            TimeUnit::Nanos => number.checked_div(Decimal::from(1_000_000))?,
        };
        millis
            .trunc()
            .to_u64()
            .filter(|_| !number.is_sign_negative())
    }

    /// Its name, in the plural.
    pub const fn name(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Millis => "milliseconds",
            TimeUnit::Micros => "microseconds",
            TimeUnit::Nanos => "nanoseconds",
        }
    }
}

/// Why a number is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeError(Decimal);

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not a time: expected seconds, milliseconds, microseconds or nanoseconds since 1970, from March 3, 1973 on",
            self.0
        )
    }
}

impl std::error::Error for TimeError {}

/// The time of a number whose unit is unknown, and the unit.
///
/// # Errors
/// If it is a plausible time in no unit.
pub fn since_epoch(number: Decimal) -> Result<(Millis, TimeUnit), TimeError> {
    let read = || {
        let whole = number.trunc().to_u64()?;
        let unit = TimeUnit::of(whole)?;
        Some((unit.millis(number)?, unit))
    };
    read().ok_or(TimeError(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<(Millis, TimeUnit), TimeError> {
        since_epoch(text.parse().unwrap())
    }

    #[test]
    fn the_same_moment_is_read_in_every_unit() {
        for (text, unit) in [
            ("1796050059", TimeUnit::Seconds),
            ("1796050059.0009", TimeUnit::Seconds),
            ("1796050059000", TimeUnit::Millis),
            ("1796050059000.7", TimeUnit::Millis),
            ("1796050059000999", TimeUnit::Micros),
            ("1796050059000999999", TimeUnit::Nanos),
        ] {
            assert_eq!(read(text), Ok((1_796_050_059_000, unit)), "{text}");
        }
        assert_eq!(read("100000000"), Ok((100_000_000_000, TimeUnit::Seconds)));
        assert_eq!(
            read("99999999999"),
            Ok((99_999_999_999_000, TimeUnit::Seconds))
        );
        assert_eq!(
            read("100000000000"),
            Ok((100_000_000_000, TimeUnit::Millis))
        );
    }

    #[test]
    fn what_would_be_in_the_first_years_or_before_is_named() {
        for text in [
            "0",
            "-1",
            "-1796050059",
            "5",
            "20260131",
            "99999999.999",
            "18446744073709551616",
            "7922816251426433759354395033",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text} is not a time")),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_number_is_a_time_before_1973_or_panics(number in any::<i64>(), scale in 0..18_u32) {
            if let Ok((time, unit)) = since_epoch(Decimal::new(number, scale)) {
                prop_assert!(time >= 100_000_000_000, "{time}");
                prop_assert_eq!(TimeUnit::of(Decimal::new(number, scale).trunc().to_u64().unwrap()), Some(unit));
            }
        }
    }
}
