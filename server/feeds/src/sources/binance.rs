//! Trades and best prices from Binance, after its
//! [WebSocket streams](https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams):
//! a combined stream of `<symbol>@bookTicker`, `<symbol>@trade` and `<symbol>@miniTicker`, no key.
//! The last one comes each second and gives the figures of the last 24 hours.
//!
//! The numbers of trades rise by one; a missing one is counted. Nothing has to be requested again, because each message
//! of the other streams is complete.
//!
//! The server pings every 20 seconds, cuts a connection that is 24 hours old, and allows an address
//! 300 connections in 5 minutes.

use std::{borrow::Cow, collections::BTreeSet};

use futures_util::future::BoxFuture;
use market::{Clock, Day, Millis, Quality, Session, Symbol, Tick, Trade};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::{
    About, End, Feed, FeedError, FrameError, Licence, Publisher, Timeouts,
    kit::options::{self, FeedOptions, Main},
    kit::{
        currency,
        fields::{self, Field, Fields},
        numbers::{Number, Numbers},
        rolling::Rolling,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
    },
    list,
};

const NAME: &str = "Binance";

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The symbols, without repetition.
    #[serde(deserialize_with = "symbols")]
    pub symbols: Vec<Symbol>,
    /// The address of the combined stream.
    #[serde(default = "url", deserialize_with = "options::websocket")]
    pub url: Uri,
}

fn url() -> Uri {
    Uri::from_static(Binance::URL)
}

fn symbols<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Symbol>, D::Error> {
    let mut symbols = Vec::new();
    for name in Vec::<String>::deserialize(deserializer)? {
        let symbol = name.parse().ok().filter(|symbol| {
            let right = |c: char| c.is_alphanumeric() || c == '_';
            // Streams have names in lower case, and their messages symbols in upper case.
            (5..=20).contains(&name.chars().count())
                && name.chars().all(right)
                && in_lower_case(*symbol).parse() == Ok(*symbol)
        });
        let symbol = symbol.ok_or_else(|| {
            D::Error::custom(format!(
                "{name:?} is not a symbol of Binance: expected 5 to 20 letters and digits, and _, as in BTCUSDT or 币安人生USDT"
            ))
        })?;
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

/// The characters of a symbol that are encoded in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A symbol in the names of streams.
fn in_lower_case(symbol: Symbol) -> String {
    symbol.as_str().to_lowercase()
}

impl FeedOptions for Options {
    const NAME: &'static str = "binance";
    const KEYS: &'static [&'static str] = &["symbols", "url"];
    const MAIN: Main = Main::List("symbols");

    fn about(&self) -> About {
        About {
            does: format!(
                "connects to {} and subscribes to best prices and trades of {}",
                socket::shown(&self.url),
                list(&self.symbols)
            ),
            symbols: self.symbols.clone(),
            licence: Licence::Terms,
        }
    }

    fn checked(self) -> Result<Self, String> {
        options::some(&self.symbols, "binance:BTCUSDT,ETHUSDT")?;
        match self.symbols.len() {
            ..=Binance::MAX_SYMBOLS => Ok(self),
            many => Err(format!(
                "{many} symbols in one feed: expected at most {}, because they all stand in one address; use several feeds",
                Binance::MAX_SYMBOLS
            )),
        }
    }
}

/// A feed of one combined stream.
#[derive(Debug)]
pub struct Binance {
    symbols: Vec<Symbol>,
    url: Uri,
    timeouts: Timeouts,
    made: ConnectBudget,
    rolling: Rolling,
    trades: Numbers,
    /// The symbols whose session was published, which happens once per feed: the day's references have been added to it
    /// since.
    published: BTreeSet<Symbol>,
}

impl Binance {
    /// Public market data, without an account.
    pub const URL: &'static str = "wss://data-stream.binance.vision/stream";

    /// One connection carries 1,024 streams, but all of them are in one address, which then has some 8,000 characters.
    pub const MAX_SYMBOLS: usize = 100;

    /// A feed of these symbols from this address.
    pub fn new(symbols: Vec<Symbol>, url: Uri) -> Self {
        Binance {
            symbols,
            url,
            timeouts: Timeouts::default(),
            made: ConnectBudget::default(),
            rolling: Rolling::default(),
            trades: Numbers::default(),
            published: BTreeSet::new(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Binance { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        for &symbol in &self.symbols {
            if self.published.insert(symbol) {
                publisher.session(session(symbol, NAME, Quality::Live));
            }
        }
        self.made.one_more(&self.timeouts, publisher).await;
        let mut conversation = Conversation {
            symbols: &self.symbols,
            url: &self.url,
            rolling: &mut self.rolling,
            trades: &mut self.trades,
        };
        conversation.trades.begin();
        socket::run(&mut conversation, self.timeouts, publisher).await
    }
}

/// One connection.
struct Conversation<'a> {
    symbols: &'a [Symbol],
    url: &'a Uri,
    rolling: &'a mut Rolling,
    trades: &'a mut Numbers,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        let streams: Vec<String> = self
            .symbols
            .iter()
            .map(|symbol| utf8_percent_encode(&in_lower_case(*symbol), ENCODED).to_string())
            .flat_map(|name| {
                ["bookTicker", "trade", "miniTicker"].map(|kind| format!("{name}@{kind}"))
            })
            .collect();
        let mark = if self.url.query().is_some() { '&' } else { '?' };
        let address = format!("{}{mark}streams={}", self.url, streams.join("/"));
        // The encoded text is an address.
        address.parse().unwrap_or_else(|_| self.url.clone())
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        _say: &mut Outbox,
    ) -> Result<Received, Fault> {
        let mut faults = Vec::new();
        let tick = parse(text, publisher.now(), &mut faults)?;
        publisher.wrongs(faults);
        let Some(mut tick) = tick.filter(|tick| self.symbols.contains(&tick.symbol)) else {
            return Ok(Received::Unknown);
        };
        if tick.clock == Clock::Exchange {
            publisher.clock(tick.time);
        }
        if let Some(trade) = &mut tick.trade {
            match self.trades.take(tick.symbol, tick.time, trade, false) {
                Number::Next | Number::Missed => {}
                Number::AfterGap | Number::Again => publisher.gap(),
                Number::Known => {
                    publisher.ignore();
                    return Ok(Received::Data);
                }
            }
        }
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
        Ok(Received::Data)
    }
}

impl Feed for Binance {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// The properties of a symbol that its letters show: name and currency.
pub fn session(symbol: Symbol, source: &str, quality: Quality) -> Session {
    let sides = currency::split(symbol.as_str());
    currency::session(symbol, sides, NAME, source, quality)
}

#[derive(Deserialize)]
struct Combined<'a> {
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// The error, in the words of the source.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A message of a single stream, without the name of its stream around it.
#[derive(Deserialize)]
struct Single<'a> {
    #[serde(rename = "e", borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(rename = "b", borrow, default)]
    bid: Option<&'a RawValue>,
    #[serde(rename = "a", borrow, default)]
    ask: Option<&'a RawValue>,
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    BookTicker,
    Trade,
    /// Trades of one order at one price, reported as one. Their number is separate.
    AggregateTrade,
    MiniTicker,
}

impl Kind {
    /// By the name of a stream, without the part after a second `@`.
    fn of_stream(stream: &str) -> Option<Self> {
        let (_, kind) = stream.split_once('@')?;
        match kind {
            "bookTicker" => Some(Kind::BookTicker),
            "miniTicker" => Some(Kind::MiniTicker),
            "trade" => Some(Kind::Trade),
            "aggTrade" => Some(Kind::AggregateTrade),
            _ => None,
        }
    }

    /// By the name of an event, which a best price does not have.
    fn of_event(single: &Single<'_>) -> Option<Self> {
        match single.event.as_deref() {
            Some("trade") => Some(Kind::Trade),
            Some("aggTrade") => Some(Kind::AggregateTrade),
            Some("24hrMiniTicker") => Some(Kind::MiniTicker),
            Some("bookTicker") => Some(Kind::BookTicker),
            None if single.bid.is_some() && single.ask.is_some() => Some(Kind::BookTicker),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct BookTicker<'a> {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "b", borrow, default)]
    bid: Field<'a>,
    #[serde(rename = "B", borrow, default)]
    bid_size: Field<'a>,
    #[serde(rename = "a", borrow, default)]
    ask: Field<'a>,
    #[serde(rename = "A", borrow, default)]
    ask_size: Field<'a>,
}

#[derive(Deserialize)]
struct TradeFrame<'a> {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "p", borrow, default)]
    price: Field<'a>,
    #[serde(rename = "q", borrow, default)]
    size: Field<'a>,
    #[serde(rename = "T", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "t")]
    id: Option<u64>,
    #[serde(rename = "a")]
    aggregate: Option<u64>,
}

#[derive(Deserialize)]
struct MiniTicker<'a> {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "E", borrow, default)]
    time: Field<'a>,
    #[serde(rename = "o", borrow, default)]
    open: Field<'a>,
    #[serde(rename = "h", borrow, default)]
    high: Field<'a>,
    #[serde(rename = "l", borrow, default)]
    low: Field<'a>,
    #[serde(rename = "v", borrow, default)]
    volume: Field<'a>,
}

/// Parses a frame of a combined stream, or of a single one; `None` for one of another type. A `bookTicker` carries no
/// time, so the time of receipt stands in. Invalid optional fields go to `faults`.
///
/// # Errors
/// If the frame is not JSON, or not valid for its stream.
pub fn parse(
    text: &str,
    received: Millis,
    faults: &mut Vec<FrameError>,
) -> Result<Option<Tick>, FrameError> {
    let error = |error: serde_json::Error| FrameError::new(&error, text);
    let combined: Combined<'_> = serde_json::from_str(text).map_err(error)?;
    if combined.error.is_some() {
        return Err(FrameError::new(&"the source reports an error", text));
    }
    let (kind, data) = match (combined.stream, combined.data) {
        (Some(stream), Some(data)) => (Kind::of_stream(&stream), data.get()),
        (None, None) => {
            let single: Single<'_> = serde_json::from_str(text).map_err(error)?;
            (Kind::of_event(&single), text)
        }
        _ => return Ok(None),
    };
    let Some(kind) = kind else {
        return Ok(None);
    };
    let mut fields = Fields::new(text, faults);
    let tick = match kind {
        Kind::BookTicker => {
            let book: BookTicker<'_> = serde_json::from_str(data).map_err(error)?;
            let mut tick = Tick::new(book.symbol, received, Clock::Receipt);
            tick.bid = fields.side(("b", book.bid), ("B", book.bid_size));
            tick.ask = fields.side(("a", book.ask), ("A", book.ask_size));
            tick
        }
        Kind::Trade | Kind::AggregateTrade => {
            let frame: TradeFrame<'_> = serde_json::from_str(data).map_err(error)?;
            let (time, clock) = fields::moment(frame.time, received, text)?;
            let mut tick = Tick::new(frame.symbol, time, clock);
            let price = fields::traded("p", frame.price, text)?;
            let trade = Trade::new(price, fields::quantity("q", frame.size, text)?);
            let id = match kind {
                Kind::AggregateTrade => frame.aggregate,
                _ => frame.id,
            };
            tick.trade = Some(id.map_or(trade, |id| trade.with_id(id)));
            tick
        }
        Kind::MiniTicker => {
            let day: MiniTicker<'_> = serde_json::from_str(data).map_err(error)?;
            let (time, clock) = fields::moment(day.time, received, text)?;
            let mut tick = Tick::new(day.symbol, time, clock);
            // The day rolls: it began with the price that changes are counted from.
            let open = fields.price("o", day.open);
            tick.day = Day {
                volume: fields.size("v", day.volume),
                high: fields.price("h", day.high),
                low: fields.price("l", day.low),
                open,
                prev_close: open,
            };
            tick
        }
    };
    Ok(Some(tick))
}

#[cfg(test)]
mod tests;
