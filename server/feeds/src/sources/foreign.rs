//! Recordings of other programs, plain or compressed with gzip.
//!
//! - [hftbacktest](https://github.com/nkaz001/hftbacktest): the time of receipt in nanoseconds since the
//!   epoch, a space, the frame;
//! - [cryptofeed](https://github.com/bmoscon/cryptofeed): `SECONDS: {frame}` from the server,
//!   `URL <- SECONDS: {frame}` to it, `URL <-> SECONDS` on connecting.
//!
//! Both formats are supported with frames of Binance and of Coinbase Exchange, which the frames themselves identify. A
//! file without any valid frame is refused, with a description of its content.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead},
    path::Path,
    time::Duration,
};

use market::{Millis, Quality, Session, Symbol, Tick, TimeUnit};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    FrameError,
    kit::recording::{ReadLine, next_line, open},
    sources::{binance, coinbase, kraken},
};

/// The longest line that is read; a longer one is no frame. Snapshots of whole books have 60 KB.
pub(crate) const MAX_LINE: usize = 4 << 20;

/// How many frames are examined for a valid one, before a recording is played.
const MAX_LOOKED_AT: u64 = 10_000;

/// A frame of a recording, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Its line, from 1.
    pub(crate) line: u64,
    /// When it was received, since the epoch; zero for a line without a time.
    pub(crate) received: Duration,
    /// Its source.
    pub(crate) source: Source,
    /// Its content: nothing if it is of a type that is not used.
    pub(crate) content: Result<Option<Tick>, FrameError>,
    /// Its other errors.
    pub(crate) faults: Vec<FrameError>,
}

/// The sources of recorded frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Binance.
    Binance,
    /// Coinbase Exchange.
    Coinbase,
}

/// The outermost fields of the sources' frames.
#[derive(Deserialize)]
struct Outermost<'a> {
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(rename = "e", borrow)]
    event_type: Option<&'a RawValue>,
    #[serde(rename = "B", borrow)]
    bid_size: Option<&'a RawValue>,
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    product_id: Option<&'a RawValue>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
}

impl Source {
    /// The source of a frame; `None` if it may be any.
    ///
    /// # Errors
    /// If it is from a source whose recordings are not supported, with what to do.
    fn of(frame: &str) -> Result<Option<Self>, String> {
        if kraken::is_of_version_1(frame) {
            return Err(kraken::VERSION_1.to_owned());
        }
        let Ok(outermost) = serde_json::from_str::<Outermost<'_>>(frame) else {
            return Ok(None);
        };
        let Outermost {
            stream,
            event_type,
            bid_size,
            kind,
            product_id,
            channel,
            method,
        } = outermost;
        if stream.or(event_type).or(bid_size).is_some() {
            return Ok(Some(Source::Binance));
        }
        let kind = kind.as_deref();
        if product_id.is_some() || matches!(kind, Some("subscriptions" | "error")) {
            return Ok(Some(Source::Coinbase));
        }
        if channel.or(method).is_some() {
            return Err(
                "these are messages of Kraken: expected a recording of `tickertape record kraken:…`"
                    .to_owned(),
            );
        }
        Ok(None)
    }

    /// The properties of a symbol that need no request.
    pub(crate) fn session(self, symbol: Symbol, name: &str) -> Session {
        match self {
            Source::Binance => binance::session(symbol, name, Quality::Replay),
            Source::Coinbase => coinbase::session(symbol, name, Quality::Replay),
        }
    }
}

/// Whether any frame of a recording is valid.
///
/// # Errors
/// If it cannot be opened, or none of its first frames is valid.
pub(crate) fn ready(file: &Path) -> Result<(), String> {
    let (mut count, mut is_understood, mut wrong) = (0, false, None);
    let looked = read(file, |frame| {
        count += 1;
        match frame.content {
            Ok(Some(_)) => is_understood = true,
            Ok(None) => {}
            Err(error) => {
                wrong.get_or_insert(format!("line {}: {error}", frame.line));
            }
        }
        !is_understood && count < MAX_LOOKED_AT
    });
    looked.map_err(|error| error.to_string())?;
    match is_understood {
        true => Ok(()),
        false => Err(format!(
            "{}: {}",
            file.display(),
            nothing(count, wrong.as_deref())
        )),
    }
}

/// The error of a recording of this many frames, none of which is valid, with the first invalid one.
pub(crate) fn nothing(count: u64, wrong: Option<&str>) -> String {
    let wrong = wrong.map_or_else(String::new, |wrong| format!("; {wrong}"));
    format!(
        "none of its {count} frames is understood: expected trades or best prices of Binance, or tickers of Coinbase{wrong}"
    )
}

/// Reads a recording and passes its frames to `each` until it wants no more. An invalid line is passed as an error, and
/// the next one is read.
///
/// # Errors
/// If the file cannot be opened, or the source of its frames is unknown.
pub(crate) fn read(file: &Path, each: impl FnMut(Recorded) -> bool) -> io::Result<()> {
    open(file)
        .and_then(|mut lines| read_from(&mut *lines, each))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

/// Reads the content of a recording, as [`read`] does.
///
/// # Errors
/// If the source of its frames is unknown.
pub(crate) fn read_from(
    lines: &mut dyn BufRead,
    mut each: impl FnMut(Recorded) -> bool,
) -> io::Result<()> {
    let mut reader = Reader::default();
    let mut first = None;
    let mut bytes = Vec::new();
    for line in 1.. {
        let text = match next_line(lines, &mut bytes, MAX_LINE) {
            Ok(ReadLine::End) => break,
            Ok(ReadLine::TooLong) => Err(FrameError(format!("longer than {MAX_LINE} bytes"))),
            Ok(ReadLine::Read) => {
                std::str::from_utf8(&bytes).map_err(|error| FrameError(error.to_string()))
            }
            Err(error) => {
                let Some(source) = reader.source else {
                    return Err(error);
                };
                // Most likely the archive was cut off. The frames before it are valid.
                let why = FrameError(format!("the file breaks off: {error}"));
                each(Recorded::wrong(line, source, why));
                break;
            }
        };
        if first.is_none() {
            first = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        match reader.line(line, text) {
            Ok(None) => {}
            Ok(Some(frame)) => {
                if !each(frame) {
                    break;
                }
            }
            Err(why) => return Err(unknown(&why)),
        }
    }
    match (reader.source, first) {
        (Some(_), _) => Ok(()),
        (None, None) => Err(unknown("the file is empty")),
        (None, Some(first)) => Err(unknown(&format!(
            "there is no frame of either; the first line is {}",
            crate::kit::frame::quoted(&first)
        ))),
    }
}

impl Recorded {
    fn wrong(line: u64, source: Source, why: FrameError) -> Self {
        Recorded {
            line,
            received: Duration::ZERO,
            source,
            content: Err(why),
            faults: Vec::new(),
        }
    }
}

/// The properties of a recording found so far.
#[derive(Debug, Default)]
struct Reader {
    source: Option<Source>,
    coinbase: coinbase::Parser,
    /// Whether the trades of a symbol are reported as aggregates: if both are recorded, the first ones count, so that
    /// none is counted twice.
    aggregates: HashMap<Symbol, bool>,
}

impl Reader {
    /// Parses a line; `None` if it has no frame of a source.
    ///
    /// # Errors
    /// If the recording cannot be read, and why.
    fn line(
        &mut self,
        line: u64,
        text: Result<&str, FrameError>,
    ) -> Result<Option<Recorded>, String> {
        let text = match (text, self.source) {
            (Ok(text), _) if text.is_empty() || is_of_client(text) => return Ok(None),
            (Ok(text), _) => text,
            (Err(why), Some(source)) => return Ok(Some(Recorded::wrong(line, source, why))),
            (Err(_), None) => return Ok(None),
        };
        let split = split_line(text);
        let source = match (self.source, split) {
            (Some(source), _) => source,
            (None, Some((_, frame))) => match Source::of(frame)? {
                Some(source) => *self.source.insert(source),
                None => return Ok(None),
            },
            // A recording begins with a description of itself.
            (None, None) => {
                let start = crate::kit::frame::quoted(text);
                return Err(format!("line {line} is {start}"));
            }
        };
        let Some((received, frame)) = split else {
            let why = FrameError::new(&"no time and frame", text);
            return Ok(Some(Recorded::wrong(line, source, why)));
        };
        let mut faults = Vec::new();
        let at = millis(received);
        let content = match source {
            Source::Binance => binance::parse(frame, at, &mut faults),
            Source::Coinbase => self.coinbase.parse(frame, at, &mut faults),
        };
        let content = content.map(|tick| tick.filter(|tick| self.counts(tick, frame)));
        Ok(Some(Recorded {
            line,
            received,
            source,
            content,
            faults,
        }))
    }

    fn counts(&mut self, tick: &Tick, frame: &str) -> bool {
        let is_aggregate = frame.contains("aggTrade");
        tick.trade.is_none()
            || *self.aggregates.entry(tick.symbol).or_insert(is_aggregate) == is_aggregate
    }
}

fn unknown(what: &str) -> io::Error {
    let expected =
        "expected frames of Binance or Coinbase, as `NANOSECONDS {frame}` or `SECONDS: {frame}`";
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {expected}"))
}

fn millis(received: Duration) -> Millis {
    Millis::try_from(received.as_millis()).unwrap_or(Millis::MAX)
}

/// The time of receipt of a line, in the unit that its magnitude shows, and the frame.
pub(crate) fn split_line(line: &str) -> Option<(Duration, &str)> {
    let (time, frame) = line.split_once(' ')?;
    let time = time.strip_suffix(':').unwrap_or(time);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !frame.starts_with(['{', '[']) || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let number: u64 = whole.parse().ok()?;
    let received = match TimeUnit::of(number)? {
        TimeUnit::Seconds => Duration::new(number, format!("{fraction:0<9}").parse().ok()?),
        TimeUnit::Millis => Duration::from_millis(number),
        TimeUnit::Micros => Duration::from_micros(number),
        TimeUnit::Nanos => Duration::from_nanos(number),
    };
    Some((received, frame))
}

/// The messages of the recording's own client, and its connections.
pub(crate) fn is_of_client(line: &str) -> bool {
    let address = ["ws://", "wss://"]
        .iter()
        .any(|scheme| line.starts_with(scheme));
    address && (line.contains(" <- ") || line.contains(" <-> "))
}
