use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an exact decimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalError {
    text: String,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a decimal: expected digits with at most one point and at most 28 significant digits",
            self.text
        )
    }
}

impl std::error::Error for DecimalError {}

fn parse(text: &str) -> Result<Decimal, DecimalError> {
    let error = || DecimalError {
        text: text.chars().take(64).collect(),
    };
    // The library accepts `_` as a separator of digits; no source uses it so.
    if text.contains('_') || text.len() > 64 {
        return Err(error());
    }
    Decimal::from_str_exact(text).map_err(|_| error())
}

macro_rules! decimal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(Decimal::ZERO);

            /// The underlying number, for exact arithmetic.
            pub const fn decimal(self) -> Decimal {
                self.0
            }

            /// The nearest floating-point number, for pixels only.
            pub fn to_f64(self) -> f64 {
                use rust_decimal::prelude::ToPrimitive;
                self.0.to_f64().unwrap_or_default()
            }

            /// The number of digits after the point.
            pub const fn scale(self) -> u32 {
                self.0.scale()
            }

            /// The same number written with `digits` after the point, rounded half away from zero.
            pub fn rounded(self, digits: u32) -> Self {
                let mut number = self.0.round_dp_with_strategy(
                    digits,
                    rust_decimal::RoundingStrategy::MidpointAwayFromZero,
                );
                number.rescale(digits);
                Self(number)
            }

            /// The sum, or `None` if it does not fit.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }
        }

        impl From<Decimal> for $name {
            fn from(number: Decimal) -> Self {
                Self(number)
            }
        }

        impl FromStr for $name {
            type Err = DecimalError;

            fn from_str(text: &str) -> Result<Self, DecimalError> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

decimal! {
    /// A price in the currency of the symbol, exact, with the digits that the source gave: `61837.63000000` stays
    /// `61837.63000000`. A string in JSON.
    Price
}

decimal! {
    /// A number of shares, coins or contracts, exact, with the digits that the source gave.
    /// A string in JSON.
    Size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_digits_that_came() {
        for text in [
            "61837.63000000",
            "0.00000001",
            "597.30",
            "7922816251426433759354395033",
            "-37.63",
        ] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_it_cannot_keep_exactly() {
        for text in [
            "",
            "1e5",
            "NaN",
            "1.2.3",
            "1_000",
            "0x10",
            "0.00000000000000000000000000001",
            "1,5",
        ] {
            let error = text.parse::<Price>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn rounds_for_reading() {
        let price: Price = "61837.63500000".parse().unwrap();
        assert_eq!(price.rounded(2).to_string(), "61837.64");
        assert_eq!("5".parse::<Price>().unwrap().rounded(2).to_string(), "5.00");
    }
}
