//! The fields of a message, parsed one by one: a missing, empty or invalid one leaves the others unaffected.
//!
//! Zero, empty and absent are three things. A reference price of zero means that nothing was traded yet, and counts as
//! absent; a best price of zero, `null` or an empty text means that the side is empty; a best price that is not in the
//! message is unchanged. A size of zero is a size.

use std::{borrow::Cow, fmt};

use market::{Best, Clock, Millis, Price, Size};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    exact,
    frame::{FrameError, quoted},
    time::{exchange_time, millis},
};

/// A field as its source wrote it, of any type.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Field<'a>(Option<&'a RawValue>);

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// The message has no such field.
    Missing,
    /// `null`, or a text without a letter or digit in it.
    Empty,
    /// A text without its quotes, or any other value as it is written.
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de RawValue>::deserialize(deserializer).map(|raw| Field(Some(raw)))
    }
}

impl<'a> From<&'a RawValue> for Field<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Field(Some(raw))
    }
}

impl<'a> Field<'a> {
    pub(crate) fn content(self) -> Content<'a> {
        let Some(raw) = self.0.map(RawValue::get) else {
            return Content::Missing;
        };
        let quoted = raw
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let text = match quoted {
            None if raw == "null" => return Content::Empty,
            None => Cow::Borrowed(raw),
            Some(text) if !text.contains('\\') => Cow::Borrowed(text),
            Some(_) => serde_json::from_str(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
        };
        match text.trim().is_empty() {
            true => Content::Empty,
            false => Content::Text(text),
        }
    }

    /// The text, if there is one.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self.content() {
            Content::Text(text) => Some(text),
            Content::Missing | Content::Empty => None,
        }
    }

    /// The elements of a list; empty if there is no list.
    pub(crate) fn list(self) -> Option<Vec<Field<'a>>> {
        let raw = self.0.filter(|raw| raw.get() != "null")?;
        let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
        Some(list.into_iter().map(Field::from).collect())
    }

    /// A number; `None` if the field is missing or empty.
    fn number<T>(self, name: &str) -> Result<Option<T>, String>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        let Some(text) = self.text() else {
            return Ok(None);
        };
        exact::read(text.trim())
            .map(Some)
            .map_err(|error| format!("{name}: {error}"))
    }
}

/// The price of a trade, which is above zero.
///
/// # Errors
/// If it is missing, not a number or not above zero.
pub(crate) fn traded(name: &str, field: Field<'_>, frame: &str) -> Result<Price, FrameError> {
    match field.number::<Price>(name) {
        Ok(Some(price)) if price > Price::ZERO => Ok(price),
        Ok(Some(price)) => {
            let why = format_args!("{name} is {price}: expected a price above zero");
            Err(FrameError::new(&why, frame))
        }
        Ok(None) => {
            let why = format_args!("{name} is missing: expected a price above zero");
            Err(FrameError::new(&why, frame))
        }
        Err(why) => Err(FrameError::new(&why, frame)),
    }
}

/// The size of a trade; `None` if the source does not give it.
///
/// # Errors
/// If it is not a number or below zero.
pub(crate) fn quantity(
    name: &str,
    field: Field<'_>,
    frame: &str,
) -> Result<Option<Size>, FrameError> {
    match field.number::<Size>(name) {
        Ok(Some(size)) if size < Size::ZERO => {
            let why = format_args!("{name} is {size}: expected a size of zero or more");
            Err(FrameError::new(&why, frame))
        }
        Ok(size) => Ok(size),
        Err(why) => Err(FrameError::new(&why, frame)),
    }
}

/// The time of an entry and the clock that it is from: the time of receipt if the source gives none.
///
/// # Errors
/// If it is not a time, or more than a day ahead of its receipt.
pub(crate) fn moment(
    field: Field<'_>,
    received: Millis,
    frame: &str,
) -> Result<(Millis, Clock), FrameError> {
    let Some(text) = field.text() else {
        return Ok((received, Clock::Receipt));
    };
    let time = exchange_time(millis(&text, frame)?, received, frame).map_err(|_| {
        let text = quoted(&text);
        let why = format_args!("time {text} is more than a day ahead of its receipt at {received}");
        FrameError::new(&why, frame)
    })?;
    Ok((time, Clock::Exchange))
}

/// The conditions of a trade, as texts or numbers; empty if the field is missing or empty.
///
/// # Errors
/// If they have another type: what the trade moves is then unknown.
pub(crate) fn conditions<'a>(
    field: Field<'a>,
    text: &str,
) -> Result<Vec<Cow<'a, str>>, FrameError> {
    match field.list() {
        Some(list) => Ok(list.into_iter().filter_map(Field::text).collect()),
        None => match field.text() {
            None => Ok(Vec::new()),
            Some(other) => {
                let other = quoted(&other);
                let why = format_args!("{other} are not conditions: expected a list");
                Err(FrameError::new(&why, text))
            }
        },
    }
}

/// Parses the optional fields of an entry.
pub(crate) struct Fields<'a> {
    frame: &'a str,
    faults: &'a mut Vec<FrameError>,
}

impl<'a> Fields<'a> {
    /// Fields of this frame; errors in them go to `faults`.
    pub(crate) fn new(frame: &'a str, faults: &'a mut Vec<FrameError>) -> Self {
        Fields { frame, faults }
    }

    /// Records that a field is invalid.
    pub(crate) fn wrong(&mut self, why: &dyn fmt::Display) {
        self.faults.push(FrameError::new(why, self.frame));
    }

    fn number<T>(&mut self, name: &str, field: Field<'_>) -> Option<T>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        field.number(name).unwrap_or_else(|why| {
            self.wrong(&why);
            None
        })
    }

    /// A reference price. Zero counts as absent: nothing was traded yet.
    pub(crate) fn price(&mut self, name: &str, field: Field<'_>) -> Option<Price> {
        let price: Price = self.number(name, field)?;
        if price < Price::ZERO {
            self.wrong(&format_args!(
                "{name} is {price}: expected a price above zero, or zero where there is none"
            ));
        }
        Some(price).filter(|price| *price > Price::ZERO)
    }

    /// A change of a price, of either sign.
    pub(crate) fn change(&mut self, name: &str, field: Field<'_>) -> Option<Price> {
        self.number(name, field)
    }

    /// A size. Zero is one.
    pub(crate) fn size(&mut self, name: &str, field: Field<'_>) -> Option<Size> {
        let size: Size = self.number(name, field)?;
        if size < Size::ZERO {
            self.wrong(&format_args!(
                "{name} is {size}: expected a size of zero or more"
            ));
        }
        Some(size).filter(|size| *size >= Size::ZERO)
    }

    /// One side's best price, with its size if the source gives one.
    pub(crate) fn side(
        &mut self,
        (name, price): (&str, Field<'_>),
        (size_name, size): (&str, Field<'_>),
    ) -> Best {
        match price.content() {
            Content::Missing => return Best::Unchanged,
            Content::Empty => return Best::Empty,
            Content::Text(_) => {}
        }
        let Some(price) = self.number::<Price>(name, price) else {
            return Best::Unchanged;
        };
        if price < Price::ZERO {
            self.wrong(&format_args!(
                "{name} is {price}: expected a price above zero, or zero where nobody is there"
            ));
            return Best::Unchanged;
        }
        if price == Price::ZERO {
            return Best::Empty;
        }
        let size = self.size(size_name, size);
        Best::At { price, size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow, default)]
        price: Field<'a>,
        #[serde(borrow, default)]
        size: Field<'a>,
    }

    /// A reference, a best price and the faults of parsing both from `price`.
    fn read(price: &str) -> (Option<String>, Best, usize) {
        let text = match price {
            "" => r#"{"size":"5"}"#.to_owned(),
            price => format!(r#"{{"price":{price},"size":"5"}}"#),
        };
        let frame: Frame<'_> = serde_json::from_str(&text).unwrap();
        let mut faults = Vec::new();
        let mut fields = Fields::new(&text, &mut faults);
        let reference = fields.price("price", frame.price);
        let best = fields.side(("price", frame.price), ("size", frame.size));
        for fault in &faults {
            let value = price.trim_matches('"');
            assert!(fault.to_string().contains(value), "{fault} quotes {value}");
        }
        (reference.map(|price| price.to_string()), best, faults.len())
    }

    fn at(price: &str) -> Best {
        Best::At {
            price: price.parse().unwrap(),
            size: Some("5".parse().unwrap()),
        }
    }

    #[test]
    fn zero_empty_and_absent_are_three_things() {
        for (price, reference, best, faults) in [
            ("", None, Best::Unchanged, 0),
            ("null", None, Best::Empty, 0),
            ("\"\"", None, Best::Empty, 0),
            ("\" \"", None, Best::Empty, 0),
            ("0", None, Best::Empty, 0),
            ("\"0.00000000\"", None, Best::Empty, 0),
            ("0e0", None, Best::Empty, 0),
            ("\"1.50\"", Some("1.50"), at("1.50"), 0),
            ("8.91e-06", Some("0.00000891"), at("0.00000891"), 0),
            ("\"\\u0031.5\"", Some("1.5"), at("1.5"), 0),
            ("-1", None, Best::Unchanged, 2),
            ("\"much\"", None, Best::Unchanged, 2),
            ("true", None, Best::Unchanged, 2),
            ("[1]", None, Best::Unchanged, 2),
            ("1e999", None, Best::Unchanged, 2),
        ] {
            let expected = (reference.map(str::to_owned), best, faults);
            assert_eq!(read(price), expected, "{price}");
        }
    }

    #[test]
    fn a_trade_has_a_price_above_zero_and_may_have_a_size() {
        let raw = |text: &'static str| Field(Some(serde_json::from_str(text).unwrap()));
        for (text, price, size) in [
            ("1.5", true, true),
            ("\"0.00\"", false, true),
            ("null", false, true),
            ("\"\"", false, true),
            ("-1", false, false),
            ("{}", false, false),
        ] {
            assert_eq!(traded("p", raw(text), text).is_ok(), price, "{text}");
            assert_eq!(quantity("q", raw(text), text).is_ok(), size, "{text}");
        }
        assert_eq!(quantity("q", Field::default(), ""), Ok(None));
        assert_eq!(
            quantity("q", raw("0.0"), "").unwrap().unwrap().to_string(),
            "0.0"
        );
    }

    #[test]
    fn a_time_is_read_in_whatever_form_it_is_written() {
        let received = 1_796_050_100_000;
        let raw = |text: &'static str| Field(Some(serde_json::from_str(text).unwrap()));
        let time = 1_796_050_059_000;
        for text in [
            "1796050059",
            "1796050059000",
            "1796050059000000",
            "1796050059000000000",
            "\"1796050059\"",
            "1.796050059e9",
            "1796050059000.0",
            "\"2026-11-30T14:47:39Z\"",
        ] {
            let read = moment(raw(text), received, text);
            assert_eq!(read, Ok((time, Clock::Exchange)), "{text}");
        }
        for text in ["null", "\"\""] {
            let read = moment(raw(text), received, text);
            assert_eq!(read, Ok((received, Clock::Receipt)), "{text}");
        }
        for text in ["0", "-5", "20261130", "\"soon\"", "1796250059", "{}"] {
            let error = moment(raw(text), received, text).unwrap_err().to_string();
            assert!(error.contains(text.trim_matches('"')), "{text}: {error}");
        }
        // A date in words may be of 1970.
        let old = moment(raw("\"1970-01-02T00:00:00Z\""), received, "");
        assert_eq!(old, Ok((86_400_000, Clock::Exchange)));
    }
}
