//! Parsing the query of an address into the parameters of a route.

use axum::{extract::Query, http::Uri};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use market::Millis;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, Visitor, value},
    forward_to_deserialize_any,
};
use utoipa::openapi::{
    KnownFormat, Schema, SchemaFormat,
    schema::{AnyOfBuilder, ObjectBuilder, Type},
};

use crate::{plus_signs, problem::Problem};
use text::suggestion;

/// How many unknown parameters one answer names.
const MAX_NAMED: usize = 5;

/// The longest part of an unknown name that an answer repeats, in characters.
const MAX_NAME: usize = 64;

/// The parameters of a route without parameters.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Parses the query of an address that is answered with data: an unknown parameter is an error, because it would
/// otherwise be ignored silently.
///
/// # Errors
/// [`Problem::Malformed`] with the unknown name and the nearest known one, or with the value that cannot be parsed.
pub fn strict<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let given: Query<Vec<(String, String)>> =
        Query::try_from_uri(&plus_signs::encoded(uri)).map_err(unreadable)?;
    let known = names_of::<T>();
    let unknown = given
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !known.contains(name));
    let unknown: Vec<String> = unknown
        .take(MAX_NAMED)
        .map(|name| refused(name, known))
        .collect();
    if unknown.is_empty() {
        lenient(uri)
    } else {
        Err(Problem::Malformed(unknown.join("; ")))
    }
}

/// Parses the query of an address that is answered with a page: shared links carry parameters of other services, which
/// are ignored.
///
/// # Errors
/// [`Problem::Malformed`] with the value that cannot be parsed.
pub fn lenient<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let query: Query<T> = Query::try_from_uri(&plus_signs::encoded(uri)).map_err(unreadable)?;
    Ok(query.0)
}

fn unreadable(error: axum::extract::rejection::QueryRejection) -> Problem {
    Problem::Malformed(error.body_text())
}

fn refused(name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(MAX_NAME).collect();
    let expected = match (known, suggestion(&shown, known)) {
        ([], _) => ": expected none".to_owned(),
        (_, nearest) if nearest.is_empty() => format!(": expected {}", known.join(", ")),
        (_, nearest) => nearest,
    };
    format!("{shown:?} is not a parameter of this address{expected}")
}

/// The names of a type's fields.
fn names_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    struct Names<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
            Err(value::Error::custom("only the names are needed"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, value::Error> {
            *self.0 = fields;
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    // It always fails: there is no value.
    let _ = T::deserialize(Names(&mut names));
    names
}

/// Parses a number of a query, at most `most`; `expected` describes a valid value.
pub fn number(
    name: &str,
    text: Option<&str>,
    expected: &str,
    most: u64,
) -> Result<Option<u64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // `parse` also takes a plus sign, which no client writes on purpose.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number <= most => Ok(Some(number)),
        _ => Err(Problem::Malformed(format!(
            "{name} is {text:?}: expected {expected}"
        ))),
    }
}

/// Checks that a text of a query has at most so many characters.
pub fn at_most(name: &str, text: &str, most: usize) -> Result<(), Problem> {
    // No text has more characters than bytes.
    if text.len() > most {
        let length = text.chars().count();
        if length > most {
            return Err(Problem::Malformed(format!(
                "{name} has {length} characters: expected at most {most}"
            )));
        }
    }
    Ok(())
}

/// Parses a moment of a query: milliseconds since the epoch, a date, which begins with UTC, or a date and a time with
/// its offset ([RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)). A moment before the epoch becomes the epoch,
/// because nothing earlier is kept.
pub fn moment(name: &str, text: Option<&str>) -> Result<Option<Millis>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let millis = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        timestamp(text).map(|moment| u64::try_from(moment.as_millisecond()).unwrap_or(0))
    };
    millis.map(Some).ok_or_else(|| {
        Problem::Malformed(format!(
            "{name} is {text:?}: expected ms since the epoch, a date such as 2024-03-05, or a time with its offset such as 2024-03-05T14:30:00Z"
        ))
    })
}

/// The input of [`moment`], as a schema.
pub fn moment_schema() -> Schema {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0));
    let text = |format| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(format)))
    };
    AnyOfBuilder::new()
        .item(number)
        .item(text(KnownFormat::Date))
        .item(text(KnownFormat::DateTime))
        .build()
        .into()
}

fn timestamp(text: &str) -> Option<Timestamp> {
    // In a query a plus sign is a space, unless it is written as %2B.
    let text = match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains(':') => format!("{time}+{offset}"),
        _ => text.to_owned(),
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    // `parse` would also take a date with a time, and drop the time.
    if text.len() > "2024-03-05".len() {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let begins = date.to_zoned(TimeZone::UTC).ok()?;
    Some(begins.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Parameters {
        symbols: Option<String>,
        last_event_id: Option<String>,
        r#type: Option<String>,
    }

    fn detail(query: &str) -> String {
        let uri: Uri = format!("/stocks?{query}").parse().unwrap();
        strict::<Parameters>(&uri).unwrap_err().detail()
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_nearest_known_one() {
        for (query, words) in [
            (
                "lastEventId=5-0",
                "\"lastEventId\" is not a parameter of this address; did you mean last_event_id?",
            ),
            (
                "symbol=GOOG",
                "\"symbol\" is not a parameter of this address; did you mean symbols?",
            ),
            (
                "symbols=GOOG&Type=x",
                "\"Type\" is not a parameter of this address; did you mean type?",
            ),
            (
                "utm_source=x",
                "\"utm_source\" is not a parameter of this address: expected symbols, last_event_id, type",
            ),
            ("=x", "\"\" is not a parameter"),
            ("%3Cb%3E", "\"<b>\" is not a parameter"),
        ] {
            assert!(detail(query).starts_with(words), "{}", detail(query));
        }
        let two = detail("fbclid=1&symbl=GOOG");
        assert!(
            two.contains("\"fbclid\"") && two.contains("\"symbl\""),
            "{two}"
        );
        assert!(detail("symbols=A&symbols=B").contains("duplicate field"));
        let long = detail(&"x".repeat(10_000));
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn what_has_no_parameters_takes_none() {
        let uri: Uri = "/stats?a=1".parse().unwrap();
        let problem = strict::<Nothing>(&uri).unwrap_err();
        assert_eq!(
            problem.detail(),
            "\"a\" is not a parameter of this address: expected none"
        );
        for uri in ["/stats", "/stats?", "/stats?&"] {
            assert!(strict::<Nothing>(&uri.parse().unwrap()).is_ok(), "{uri}");
        }
    }

    #[test]
    fn a_page_ignores_the_parameters_of_others() {
        let uri: Uri = "/stocks?symbols=GOOG&fbclid=x&lastEventId=5-0"
            .parse()
            .unwrap();
        let read: Parameters = lenient(&uri).unwrap();
        assert_eq!(read.symbols.as_deref(), Some("GOOG"));
        assert_eq!(read.last_event_id, None);
    }

    #[test]
    fn a_moment_is_a_number_a_date_or_a_time() {
        for (text, expected) in [
            ("0", 0),
            ("1709596800000", 1_709_596_800_000),
            ("2024-03-05", 1_709_596_800_000),
            ("2024-03-05T14:30:00Z", 1_709_649_000_000),
            ("2024-03-05T14:30:00.250Z", 1_709_649_000_250),
            ("2024-03-05t14:30:00z", 1_709_649_000_000),
            ("2024-03-05T09:30:00-05:00", 1_709_649_000_000),
            ("2024-03-05T15:30:00+01:00", 1_709_649_000_000),
            // As it arrives if the client did not write %2B.
            ("2024-03-05T15:30:00 01:00", 1_709_649_000_000),
            ("2024-03-05 15:30:00 01:00", 1_709_649_000_000),
            ("1969-12-31", 0),
        ] {
            assert_eq!(moment("from", Some(text)), Ok(Some(expected)), "{text}");
        }
        assert_eq!(moment("from", None), Ok(None));
        for text in [
            "",
            "yesterday",
            "-5",
            "+5",
            "5.0",
            "99999999999999999999",
            "2024-02-30",
            "2024-3-5",
            "2024-03-05T14:30:00",
            "2024-03-05T25:00:00Z",
            "05.03.2024",
            "03/05/2024",
        ] {
            let detail = moment("from", Some(text)).unwrap_err().detail();
            let named = format!("from is {text:?}: expected ms");
            assert!(detail.starts_with(&named), "{detail}");
        }
    }

    #[test]
    fn a_number_is_digits_up_to_its_limit() {
        let read = |text| number("limit", Some(text), "a number", 500);
        assert_eq!(read("500"), Ok(Some(500)));
        for text in ["", "501", "+5", "-1", "5.0", " 5", "1e2"] {
            let detail = read(text).unwrap_err().detail();
            assert_eq!(detail, format!("limit is {text:?}: expected a number"));
        }
    }
}
