//! The formats of lists, and the links from one page of a list to the next.

use std::fmt::Display;

use axum::http::{HeaderMap, HeaderValue, Uri};
use jiff::Timestamp;
use market::Millis;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{accept, problem::Problem};
use text::cell::escaped;

/// The characters that are encoded in addresses: all but letters, digits and those without a meaning in any part of
/// one.
pub const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// Comma-separated values with a row of names
    /// ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)).
    Csv,
    /// A feed ([RFC 4287](https://www.rfc-editor.org/rfc/rfc4287)).
    Atom,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Atom => "atom",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Atom => "application/atom+xml",
        }
    }

    /// The type with its parameters.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Atom => "application/atom+xml; charset=utf-8",
        }
    }
}

/// The format of a request: that of `format`, or else the one that it prefers by `Accept`.
///
/// # Errors
/// If `format` names none of them, or none of them is accepted.
pub fn choose(
    headers: &HeaderMap,
    format: Option<&str>,
    all: &'static [Format],
) -> Result<Format, Problem> {
    let Some(text) = format else {
        let types: Vec<(Format, &str)> = all.iter().map(|of| (*of, of.media_type())).collect();
        let offered = match all.len() {
            2 => "application/json, text/csv",
            _ => "application/json, text/csv, application/atom+xml",
        };
        return accept::choose(headers, &types, offered);
    };
    all.iter()
        .copied()
        .find(|format| format.name() == text)
        .ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|format| format.name()).collect();
            let names = names.join(", ");
            Problem::Malformed(format!("format is {text:?}: expected one of {names}"))
        })
}

/// Rows below a row of names.
///
/// # Errors
/// None: a vector in memory does not fail.
pub fn csv<T, const N: usize>(
    names: &[&str; N],
    rows: &[T],
    row: impl Fn(&T) -> [String; N],
) -> Result<Vec<u8>, String> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer
        .write_record(names)
        .map_err(|error| error.to_string())?;
    for item in rows {
        writer
            .write_record(row(item))
            .map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// Text from outside in a cell, as [`escaped`] has it.
pub fn cell(text: &str) -> String {
    escaped(text).into_owned()
}

/// A `Content-Disposition` that saves an answer under a name ([RFC 6266](https://www.rfc-editor.org/rfc/rfc6266)).
/// Separators of folders, and characters that some system forbids in names, become underscores.
pub fn attachment(name: &str) -> Option<HeaderValue> {
    let name = name.replace(['/', ':', '*', '%', '"', '\\'], "_");
    let plain = name.replace(|c: char| !c.is_ascii_graphic(), "_");
    let mut value = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        value += &format!(
            "; filename*=UTF-8''{}",
            utf8_percent_encode(&name, UNRESERVED)
        );
    }
    HeaderValue::try_from(value).ok()
}

/// A moment for people and spreadsheets, `2024-11-20T13:58:00Z`; empty beyond the year 9999.
pub fn iso(time: Millis) -> String {
    let time = i64::try_from(time).ok();
    let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
    time.map_or(String::new(), |time| time.to_string())
}

/// A `Link` to the next page: the same address with another value of one of its parameters
/// ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
pub fn next(uri: &Uri, name: &str, value: &dyn Display) -> Option<HeaderValue> {
    HeaderValue::try_from(format!(
        "<{}>; rel=\"next\"",
        with_parameter(uri, name, value)
    ))
    .ok()
}

/// An address with another value of one of its parameters.
pub fn with_parameter(uri: &Uri, name: &str, value: &dyn Display) -> String {
    let mut address = uri.path().to_owned();
    let others = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty())
        .filter(|part| part.split('=').next() != Some(name));
    for (n, part) in others.chain([&*format!("{name}={value}")]).enumerate() {
        address.push(if n == 0 { '?' } else { '&' });
        address.push_str(part);
    }
    // Characters that would end the address between these brackets.
    for (sign, written) in [('<', "%3C"), ('>', "%3E"), ('"', "%22")] {
        address = address.replace(sign, written);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_has_the_parameters_of_this_one() {
        for (address, next) in [
            ("/news", "/news?before=5-1"),
            (
                "/news?before=9-1&symbols=GOOG,%5EGSPC",
                "/news?symbols=GOOG,%5EGSPC&before=5-1",
            ),
            ("/news?&q=a&before=1-1&before=2-2", "/news?q=a&before=5-1"),
        ] {
            let uri: Uri = address.parse().unwrap();
            assert_eq!(with_parameter(&uri, "before", &"5-1"), next);
        }
    }

    #[test]
    fn a_file_is_saved_under_a_name_that_every_system_has() {
        for (name, value) in [
            ("^GSPC-1m.csv", "attachment; filename=\"^GSPC-1m.csv\""),
            ("BRK/A-1d.csv", "attachment; filename=\"BRK_A-1d.csv\""),
            (
                "龙虾USDT-1d.csv",
                "attachment; filename=\"__USDT-1d.csv\"; filename*=UTF-8''%E9%BE%99%E8%99%BEUSDT-1d.csv",
            ),
        ] {
            assert_eq!(attachment(name).unwrap(), value);
        }
    }

    #[test]
    fn a_moment_is_written_as_iso_8601() {
        assert_eq!(iso(1_732_111_080_000), "2024-11-20T13:58:00Z");
        assert_eq!(iso(1_732_111_080_001), "2024-11-20T13:58:00.001Z");
        assert_eq!(iso(Millis::MAX), "");
    }
}
