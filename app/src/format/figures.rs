//! Numbers as text, from exact decimals.

use chart::scale::grouped;
use market::{Price, Quote, Session, Size, Symbol};
use rust_decimal::Decimal;

/// A number as text, and its exact value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    /// The text, `61,837.63`; `–` if the number is unknown.
    pub(crate) text: String,
    /// The number with all received digits, `61837.63000000`; empty if it is unknown.
    pub(crate) exact: String,
    /// The number, to compare with the previous one.
    pub(crate) number: Option<Decimal>,
    /// The symbol that the number belongs to: a number of another symbol is not a change.
    pub(crate) symbol: Option<Symbol>,
}

impl Shown {
    /// The text of an unknown number.
    pub(crate) const UNKNOWN: &str = "–";

    /// An unknown number.
    pub(crate) fn unknown(symbol: Option<Symbol>) -> Self {
        Shown {
            text: Self::UNKNOWN.to_owned(),
            symbol,
            ..Shown::default()
        }
    }

    /// A price with `digits` decimals.
    pub(crate) fn price(symbol: Symbol, price: Option<Price>, digits: u32) -> Self {
        let Some(price) = price else {
            return Shown::unknown(Some(symbol));
        };
        Shown {
            text: grouped(&price.rounded(digits).to_string()),
            exact: price.to_string(),
            number: Some(price.decimal()),
            symbol: Some(symbol),
        }
    }

    /// A size without trailing zeros.
    pub(crate) fn size(symbol: Symbol, size: Option<Size>) -> Self {
        let Some(size) = size else {
            return Shown::unknown(Some(symbol));
        };
        Shown {
            text: grouped(&size.decimal().normalize().to_string()),
            exact: size.to_string(),
            number: Some(size.decimal()),
            symbol: Some(symbol),
        }
    }

    /// A difference with its sign and a unit, `+1.27`.
    fn signed(symbol: Symbol, number: Decimal, digits: u32, unit: &str) -> Self {
        let rounded = Price::from(number).rounded(digits).decimal();
        let sign = if rounded.is_zero() {
            ""
        } else if rounded.is_sign_negative() {
            "−"
        } else {
            "+"
        };
        Shown {
            text: format!("{sign}{}{unit}", grouped(&rounded.abs().to_string())),
            exact: number.to_string(),
            number: Some(number),
            symbol: Some(symbol),
        }
    }
}

/// How many decimals of a symbol's prices are shown: those of its tick, or else those that its prices need, at least
/// two.
pub(crate) fn digits(session: Option<&Session>, quote: Option<&Quote>) -> u32 {
    if let Some(tick) = session.and_then(|session| session.tick) {
        return tick.decimal().normalize().scale();
    }
    let prices = quote.map(|quote| [quote.price, quote.bid, quote.ask]);
    prices
        .into_iter()
        .flatten()
        .flatten()
        .map(|price| price.decimal().normalize().scale())
        .fold(2, u32::max)
}

/// `Close of …` with the day, if the price is the last close of a symbol that no feed quotes; otherwise empty.
pub(crate) fn close_words(quote: &Option<Quote>) -> String {
    let day = quote.as_ref().and_then(|quote| quote.close_of.as_deref());
    day.map_or_else(String::new, |day| ["Close of ", day].concat())
}

/// The direction of a price, relative to a reference such as the previous close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Direction {
    /// It rose.
    Up,
    /// It fell.
    Down,
    /// It did not change, or is unknown.
    #[default]
    Flat,
}

impl Direction {
    /// The direction of a difference.
    pub(crate) fn of(difference: Decimal) -> Self {
        if difference.is_zero() {
            Direction::Flat
        } else if difference.is_sign_negative() {
            Direction::Down
        } else {
            Direction::Up
        }
    }

    /// The arrow, for people who do not see the colour.
    pub(crate) const fn arrow(self) -> &'static str {
        match self {
            Direction::Up => "▲",
            Direction::Down => "▼",
            Direction::Flat => "",
        }
    }

    /// Its name in the style sheets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Flat => "flat",
        }
    }
}

/// The change of a price from the previous close.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// Its direction.
    pub(crate) direction: Direction,
    /// In the currency.
    pub(crate) amount: Shown,
    /// In percent.
    pub(crate) percent: Shown,
}

impl Change {
    /// The change from the previous close, or from the session's first price if there is no previous close.
    pub(crate) fn of(symbol: Symbol, quote: Option<&Quote>, session: Option<&Session>) -> Self {
        let unknown = || Change {
            direction: Direction::Flat,
            amount: Shown::unknown(Some(symbol)),
            percent: Shown::unknown(Some(symbol)),
        };
        let price = quote.and_then(|quote| quote.price);
        let reference = session.and_then(|session| session.prev_close.or(session.open));
        let (Some(price), Some(reference)) = (price, reference) else {
            return unknown();
        };
        let Some(amount) = price.decimal().checked_sub(reference.decimal()) else {
            return unknown();
        };
        let percent = amount
            .checked_div(reference.decimal())
            .and_then(|ratio| ratio.checked_mul(Decimal::ONE_HUNDRED));
        Change {
            direction: Direction::of(amount),
            amount: Shown::signed(symbol, amount, digits(session, quote), ""),
            percent: match percent {
                Some(percent) => {
                    let percent = Price::from(percent).rounded(2).decimal();
                    let mut shown = Shown::signed(symbol, percent, 2, "%)");
                    shown.text.insert(0, '(');
                    shown
                }
                None => Shown::unknown(Some(symbol)),
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use market::{Quality, TradingState};

    use super::*;

    pub(crate) fn symbol(text: &str) -> Symbol {
        text.parse().unwrap()
    }

    pub(crate) fn quote(name: &str, time: u64, price: &str) -> Quote {
        Quote {
            price: Some(price.parse().unwrap()),
            ..Quote::new(symbol(name), time)
        }
    }

    pub(crate) fn session(name: &str, prev_close: Option<&str>, tick: Option<&str>) -> Session {
        Session {
            symbol: symbol(name),
            name: format!("{name} Inc."),
            currency: None,
            venue: None,
            source: "simulated".to_owned(),
            quality: Quality::Simulated,
            state: TradingState::Open,
            halt_code: None,
            hours: None,
            open: None,
            prev_close: prev_close.map(|text| text.parse().unwrap()),
            tick: tick.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn groups_thousands() {
        for (number, text) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("61837.6300", "61,837.6300"),
            ("-1234567", "−1,234,567"),
            ("-123.45", "−123.45"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn shows_the_digits_of_the_tick_and_keeps_the_exact_number() {
        let quote = quote("BTCUSDT", 0, "61837.63000000");
        let without = session("BTCUSDT", None, None);
        let with = session("BTCUSDT", None, Some("0.00010000"));
        assert_eq!(digits(Some(&without), Some(&quote)), 2);
        assert_eq!(digits(Some(&with), Some(&quote)), 4);
        assert_eq!(digits(None, None), 2);
        let shown = Shown::price(quote.symbol, quote.price, 2);
        assert_eq!(shown.text, "61,837.63");
        assert_eq!(shown.exact, "61837.63000000");
    }

    #[test]
    fn shows_more_digits_where_the_price_needs_them() {
        let quote = quote("DOGE", 0, "0.08712000");
        assert_eq!(digits(None, Some(&quote)), 5);
        assert_eq!(Shown::price(quote.symbol, quote.price, 5).text, "0.08712");
    }

    #[test]
    fn trims_sizes() {
        let goog = symbol("GOOG");
        let size = |text: &str| Shown::size(goog, Some(text.parse().unwrap()));
        assert_eq!(size("1200.00").text, "1,200");
        assert_eq!(size("0.05000000").text, "0.05");
        assert_eq!(size("0.05000000").exact, "0.05000000");
        assert_eq!(Shown::size(goog, None).text, "–");
    }

    #[test]
    fn counts_the_change_exactly() {
        let goog = symbol("GOOG");
        let change = |price, close| {
            Change::of(
                goog,
                Some(&quote("GOOG", 0, price)),
                Some(&session("GOOG", Some(close), None)),
            )
        };
        let up = change("597.32", "596.05");
        assert_eq!(up.direction, Direction::Up);
        assert_eq!(up.amount.text, "+1.27");
        assert_eq!(up.amount.exact, "1.27");
        assert_eq!(up.percent.text, "(+0.21%)");
        let down = change("0.1", "0.3");
        assert_eq!(down.direction, Direction::Down);
        assert_eq!(down.amount.text, "−0.20");
        assert_eq!(down.amount.exact, "-0.2");
        assert_eq!(down.percent.text, "(−66.67%)");
        let flat = change("5.00", "5");
        assert_eq!(flat.direction, Direction::Flat);
        assert_eq!(flat.amount.text, "0.00");
        // A change that rounds to nothing has no sign, but still a direction.
        let little = change("10000.01", "10000.00");
        assert_eq!(little.percent.text, "(0.00%)");
        assert_eq!(little.direction, Direction::Up);
    }

    #[test]
    fn does_not_count_what_it_does_not_know() {
        let goog = symbol("GOOG");
        let quote = quote("GOOG", 0, "5");
        assert_eq!(Change::of(goog, Some(&quote), None).amount.text, "–");
        let zero = session("GOOG", Some("0"), None);
        let change = Change::of(goog, Some(&quote), Some(&zero));
        assert_eq!(change.amount.text, "+5.00");
        assert_eq!(change.percent.text, "–");
        let mut open = session("GOOG", None, None);
        open.open = Some("4".parse().unwrap());
        assert_eq!(
            Change::of(goog, Some(&quote), Some(&open)).amount.text,
            "+1.00"
        );
    }
}
