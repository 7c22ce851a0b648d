//! The format of Tickertape's own recordings: `docs/inside/recordings.md` describes it.
//!
//! Lines of JSON, plain or compressed with gzip: a [`Header`], then a [`Line`] for everything received. Sent messages
//! are not recorded, because they may contain a key.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use market::TimeUnit;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::FrameError;
use text::without_bom;

/// The version of the format.
const VERSION: u32 = 1;

/// The largest response of a source, in bytes, after it has been decompressed.
pub const LIMIT: usize = 8 << 20;

/// The longest line that is read, in bytes: a response of [`LIMIT`] bytes, each written as `\u0000`.
const MAX_LINE: usize = 6 * LIMIT + 4096;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format, under the name that identifies the file.
    tickertape_recording: u32,
    /// When the recording began, in nanoseconds since the epoch.
    pub started: u64,
    /// The kind of the feed.
    pub kind: String,
    /// Its options, without anything that may be a secret in an address.
    pub options: Table,
}

impl Header {
    pub(crate) fn new(started: u64, kind: &str, options: &Table) -> Self {
        // Headers are sent to a source, and may be keys.
        let options = options
            .iter()
            .filter(|(key, _)| *key != "headers")
            .map(|(key, value)| (key.clone(), without_secrets(value)));
        Header {
            tickertape_recording: VERSION,
            started,
            kind: kind.to_owned(),
            options: options.collect(),
        }
    }
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("://") => Value::String(bare(text)),
        Value::Array(items) => Value::Array(items.iter().map(without_secrets).collect()),
        other => other.clone(),
    }
}

/// The replacement of a query in a recording.
const RECORDED: &str = "recorded=";

/// An address without its user, and with the beginning of a hash in place of its query: two addresses can still be
/// distinguished, and no key can be read. Applying it twice has the same result as once.
pub(crate) fn bare(address: &str) -> String {
    let (address, _) = address.split_once('#').unwrap_or((address, ""));
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let query = match query.strip_prefix(RECORDED) {
        _ if query.is_empty() => String::new(),
        Some(hash) if hash.len() == 16 => format!("?{query}"),
        _ => {
            let hash = base16ct::lower::encode_string(&Sha256::digest(query)[..8]);
            format!("?{RECORDED}{hash}")
        }
    };
    let (host, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}{query}")
}

/// A received message or response.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    /// When, in nanoseconds since the epoch.
    pub(crate) at: u64,
    /// The number of the connection over which it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<u64>,
    /// With a connection: it was established just now, to this address. Alone: the requested address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<Cow<'a, str>>,
    /// The status of a response; an address without one did not respond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The response's media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media: Option<Cow<'a, str>>,
    /// The raw message or response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Cow<'a, str>>,
    /// The same in hexadecimal digits, if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hex: Option<String>,
}

impl<'a> Line<'a> {
    /// The line with these bytes.
    pub(crate) fn holding(self, bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Line {
                text: Some(text.into()),
                ..self
            },
            Err(_) => Line {
                hex: Some(base16ct::lower::encode_string(bytes)),
                ..self
            },
        }
    }

    /// The length of its bytes.
    pub(crate) fn length(&self) -> usize {
        let text = self.text.as_deref().map_or(0, str::len);
        text + self.hex.as_deref().map_or(0, str::len)
    }

    /// Its bytes.
    pub(crate) fn bytes(self) -> Result<Option<Vec<u8>>, FrameError> {
        match (self.text, self.hex) {
            (Some(text), _) => Ok(Some(text.into_owned().into_bytes())),
            (None, Some(hex)) => base16ct::mixed::decode_vec(&hex)
                .map(Some)
                .map_err(|error| FrameError::new(&error, &hex)),
            (None, None) => Ok(None),
        }
    }
}

/// The header of a file, if it is a recording of Tickertape. A pipe never is.
///
/// # Errors
/// If the file cannot be read, or its header has an unknown version.
pub(crate) fn header(file: &Path) -> io::Result<Option<Header>> {
    // A pipe has nothing yet, and what is read from it is gone.
    if !std::fs::metadata(file)?.is_file() {
        return Ok(None);
    }
    header_of(&mut *open(file)?)
}

/// The header of `lines`, if they are a recording of Tickertape. The lines after it are left.
///
/// # Errors
/// As [`header`].
pub(crate) fn header_of(lines: &mut dyn BufRead) -> io::Result<Option<Header>> {
    let mut line = Vec::new();
    next_line(lines, &mut line, MAX_LINE)?;
    parse_header(&line)
}

fn parse_header(line: &[u8]) -> io::Result<Option<Header>> {
    let line = without_bom(line);
    if !line.starts_with(b"{\"tickertape_recording\":") {
        return Ok(None);
    }
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let header: Header = serde_json::from_slice(line)
        .map_err(|error| invalid(format!("the first line cannot be read: {error}")))?;
    match header.tickertape_recording {
        VERSION => Ok(Some(header)),
        other => Err(invalid(format!(
            "a recording of version {other}: expected {VERSION}"
        ))),
    }
}

/// Passes the lines of a recording to `each` until it wants no more. An invalid line is passed as an error with its
/// number, and the next one is read.
///
/// # Errors
/// If the file cannot be read at all.
pub(crate) fn read(
    file: &Path,
    each: impl FnMut(u64, Result<Line<'static>, FrameError>) -> bool,
) -> io::Result<()> {
    let mut lines = open(file)?;
    next_line(&mut *lines, &mut Vec::new(), MAX_LINE)?;
    read_after_header(&mut *lines, each);
    Ok(())
}

/// Passes the lines after the header, as [`read`] does.
pub(crate) fn read_after_header(
    lines: &mut dyn BufRead,
    mut each: impl FnMut(u64, Result<Line<'static>, FrameError>) -> bool,
) {
    let mut bytes = Vec::new();
    for number in 2.. {
        let line = match next_line(lines, &mut bytes, MAX_LINE) {
            Ok(ReadLine::End) => break,
            Ok(ReadLine::Read) if bytes.is_empty() => continue,
            Ok(ReadLine::Read) => serde_json::from_slice(&bytes)
                .map_err(|error| FrameError::new(&error, &String::from_utf8_lossy(&bytes)))
                .and_then(in_nanoseconds),
            Ok(ReadLine::TooLong) => Err(FrameError(format!("longer than {MAX_LINE} bytes"))),
            Err(error) => {
                // The writer was stopped in the middle. The lines before it are valid.
                each(
                    number,
                    Err(FrameError(format!("the file breaks off: {error}"))),
                );
                break;
            }
        };
        if !each(number, line) {
            break;
        }
    }
}

/// The line with its time in nanoseconds, in whatever unit another program wrote it.
fn in_nanoseconds(line: Line<'static>) -> Result<Line<'static>, FrameError> {
    let factor = TimeUnit::of(line.at).map(|unit| match unit {
        TimeUnit::Seconds => 1_000_000_000,
        TimeUnit::Millis => 1_000_000,
        TimeUnit::Micros => 1_000,
        TimeUnit::Nanos => 1,
    });
    let at = factor.and_then(|factor| line.at.checked_mul(factor));
    let at = at.ok_or_else(|| {
        let at = line.at;
        FrameError(format!(
            "{at} is not a time: expected nanoseconds since 1970, from March 3, 1973 on"
        ))
    })?;
    Ok(Line { at, ..line })
}

/// Opens a file, plain or compressed with gzip.
pub(crate) fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    unpack(BufReader::with_capacity(1 << 16, File::open(file)?))
}

/// Opens content, plain or compressed with gzip.
///
/// # Errors
/// If its beginning cannot be read.
pub(crate) fn unpack<'a>(mut file: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    if file.fill_buf()?.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(file),
        )));
    }
    Ok(Box::new(file))
}

pub(crate) enum ReadLine {
    Read,
    TooLong,
    End,
}

/// Reads a line without its end. Of one that is too long, no more than the limit is ever held.
pub(crate) fn next_line(
    reader: &mut dyn BufRead,
    line: &mut Vec<u8>,
    longest: usize,
) -> io::Result<ReadLine> {
    line.clear();
    let most = longest as u64 + 1;
    if io::Read::take(&mut *reader, most).read_until(b'\n', line)? == 0 {
        return Ok(ReadLine::End);
    }
    if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() as u64 == most {
        reader.skip_until(b'\n')?;
        return Ok(ReadLine::TooLong);
    }
    line.pop_if(|byte| *byte == b'\r');
    Ok(ReadLine::Read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_without_their_secrets() {
        for (address, expected) in [
            ("wss://ws.finnhub.io", "wss://ws.finnhub.io"),
            // SHA-256 of "abc", from FIPS 180-2, appendix B.1.
            (
                "https://me:pw@a.example:8/b@c?abc#f",
                "https://a.example:8/b@c?recorded=ba7816bf8f01cfea",
            ),
        ] {
            assert_eq!(bare(address), expected);
            assert_eq!(bare(expected), expected);
        }
        let other = bare("https://a.example?key=hunter2");
        assert!(other != bare("https://a.example?key=hunter3") && !other.contains("hunter"));
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        for bytes in [&b"{\"a\":\"\\u00e9\"}\n"[..], b"", b"\xff\x00"] {
            let line = Line {
                at: u64::MAX,
                connection: Some(3),
                ..Line::default()
            };
            let text = serde_json::to_string(&line.holding(bytes)).unwrap();
            let read: Line<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!((read.at, read.connection), (u64::MAX, Some(3)));
            assert_eq!(read.bytes().unwrap().unwrap(), bytes);
        }
    }

    #[test]
    fn another_version_is_refused() {
        let header = Header::new(7, "simulate", &Table::new());
        let text = serde_json::to_string(&header).unwrap();
        assert_eq!(parse_header(text.as_bytes()).unwrap(), Some(header));
        let other = text.replace(":1,", ":2,");
        let error = parse_header(other.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("version 2: expected 1"), "{error}");
        assert_eq!(parse_header(b"17 {}").unwrap(), None);
    }
}
