//! Trades and best prices from Binance, after its
//! [WebSocket streams](https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams):
//! a combined stream of `<symbol>@bookTicker`, `<symbol>@trade` and `<symbol>@miniTicker`, no key.
//! The last one comes each second and gives the figures of the last 24 hours.
//!
//! The numbers of trades rise by one; one that is missing is counted. Nothing has to be asked for
//! anew, because each message of the other streams is whole by itself.
//!
//! The server pings every 20 seconds, cuts a connection that is 24 hours old, and allows an address
//! 300 connections in 5 minutes.

use std::{borrow::Cow, collections::BTreeSet};

use futures_util::future::BoxFuture;
use market::{Best, Clock, Day, Millis, Price, Quality, Session, Size, Symbol, Tick, Trade};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{
    About, End, Feed, FeedError, FrameError, Licence, Patience, Publisher, currency, exchange_time,
    list,
    numbers::{Number, Numbers},
    rolling::Rolling,
    socket::{self, Fault, Heard, Made, Protocol, Say},
    spec::{self, FeedOptions, Main},
};

const NAME: &str = "Binance";

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// What to listen to, without repetition.
    #[serde(deserialize_with = "symbols")]
    pub symbols: Vec<Symbol>,
    /// The address of the combined stream.
    #[serde(default = "url", deserialize_with = "spec::websocket")]
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
            // A stream is named in lower case, and its symbol comes back in upper case.
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

/// What is encoded of a symbol in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A symbol as the names of streams have it.
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
                "connects to {} and listens to best prices and trades of {}",
                socket::shown(&self.url),
                list(&self.symbols)
            ),
            symbols: self.symbols.clone(),
            licence: Licence::Terms,
        }
    }

    fn checked(self) -> Result<Self, String> {
        spec::some(&self.symbols, "binance:BTCUSDT,ETHUSDT")?;
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
    patience: Patience,
    made: Made,
    rolling: Rolling,
    /// The symbols whose session was told, which is once in the life of a feed: the day's
    /// references have been added to it since.
    told: BTreeSet<Symbol>,
}

impl Binance {
    /// Public market data alone, with no account behind it.
    pub const URL: &'static str = "wss://data-stream.binance.vision/stream";

    /// One connection carries 1,024 streams, but all of them stand in one address, of some 8,000
    /// characters then.
    pub const MAX_SYMBOLS: usize = 100;

    /// A feed of these symbols from this address.
    pub fn new(symbols: Vec<Symbol>, url: Uri) -> Self {
        Binance {
            symbols,
            url,
            patience: Patience::default(),
            made: Made::default(),
            rolling: Rolling::default(),
            told: BTreeSet::new(),
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_patience(self, patience: Patience) -> Self {
        Binance { patience, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        for &symbol in &self.symbols {
            if self.told.insert(symbol) {
                publisher.session(session(symbol, NAME, Quality::Live));
            }
        }
        self.made.one_more(&self.patience, publisher).await;
        let mut conversation = Conversation {
            symbols: &self.symbols,
            url: &self.url,
            rolling: &mut self.rolling,
            trades: Numbers::default(),
        };
        socket::run(&mut conversation, self.patience, publisher).await
    }
}

/// One connection.
struct Conversation<'a> {
    symbols: &'a [Symbol],
    url: &'a Uri,
    rolling: &'a mut Rolling,
    trades: Numbers,
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
        // What is encoded is an address.
        address.parse().unwrap_or_else(|_| self.url.clone())
    }

    fn read(&mut self, text: &str, publisher: &Publisher, _say: &mut Say) -> Result<Heard, Fault> {
        match parse(text, publisher.now())? {
            Some(mut tick) if self.symbols.contains(&tick.symbol) => {
                if tick.clock == Clock::Exchange {
                    publisher.clock(tick.time);
                }
                if let Some(id) = tick.trade.and_then(|trade| trade.id) {
                    match self.trades.take(tick.symbol, id) {
                        Number::Next | Number::Missed => {}
                        Number::AfterGap => publisher.gap(),
                        Number::Known => return Ok(Heard::Speech),
                    }
                }
                self.rolling.thin(tick.symbol, &mut tick.day);
                publisher.tick(&tick);
                Ok(Heard::Speech)
            }
            _ => Ok(Heard::Unknown),
        }
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

/// What is known of a symbol without asking: its name and currency, from its letters.
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
}

#[derive(Deserialize)]
struct BookTicker {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "b")]
    bid: Price,
    #[serde(rename = "B")]
    bid_size: Size,
    #[serde(rename = "a")]
    ask: Price,
    #[serde(rename = "A")]
    ask_size: Size,
}

#[derive(Deserialize)]
struct TradeFrame {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "p")]
    price: Price,
    #[serde(rename = "q")]
    size: Size,
    #[serde(rename = "T")]
    time: Millis,
    #[serde(rename = "t")]
    id: Option<u64>,
}

#[derive(Deserialize)]
struct MiniTicker {
    #[serde(rename = "s")]
    symbol: Symbol,
    #[serde(rename = "E")]
    time: Millis,
    #[serde(rename = "o")]
    open: Price,
    #[serde(rename = "h")]
    high: Price,
    #[serde(rename = "l")]
    low: Price,
    #[serde(rename = "v")]
    volume: Size,
}

/// Reads a frame of a combined stream; `None` for one of another kind. A `bookTicker` carries no
/// time, so that the time of receipt stands in.
///
/// # Errors
/// When the frame is not JSON, or not what its stream's name promises.
pub fn parse(text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
    let error = |error: serde_json::Error| FrameError::new(&error, text);
    let combined: Combined<'_> = serde_json::from_str(text).map_err(error)?;
    let (Some(stream), Some(data)) = (combined.stream, combined.data) else {
        return Ok(None);
    };
    let tick = match stream.split_once('@') {
        Some((_, "bookTicker")) => {
            let book: BookTicker = serde_json::from_str(data.get()).map_err(error)?;
            let mut tick = Tick::new(book.symbol, received, Clock::Receipt);
            tick.bid = side(book.bid, book.bid_size);
            tick.ask = side(book.ask, book.ask_size);
            tick
        }
        Some((_, "trade")) => {
            let trade: TradeFrame = serde_json::from_str(data.get()).map_err(error)?;
            if trade.price <= Price::ZERO || trade.size < Size::ZERO {
                return Err(FrameError::new(&"a price or a size below zero", text));
            }
            let time = exchange_time(trade.time, received, text)?;
            let mut tick = Tick::new(trade.symbol, time, Clock::Exchange);
            let id = trade.id;
            let trade = Trade::new(trade.price, Some(trade.size));
            tick.trade = Some(id.map_or(trade, |id| trade.with_id(id)));
            tick
        }
        Some((_, "miniTicker")) => {
            let day: MiniTicker = serde_json::from_str(data.get()).map_err(error)?;
            if day.low <= Price::ZERO || day.open <= Price::ZERO || day.volume < Size::ZERO {
                return Err(FrameError::new(&"a price or a size below zero", text));
            }
            let time = exchange_time(day.time, received, text)?;
            let mut tick = Tick::new(day.symbol, time, Clock::Exchange);
            tick.day = Day {
                volume: Some(day.volume),
                high: Some(day.high),
                low: Some(day.low),
                open: Some(day.open),
                // The day rolls: it began with the price that changes are counted from.
                prev_close: Some(day.open),
            };
            tick
        }
        _ => return Ok(None),
    };
    Ok(Some(tick))
}

/// An empty side of the book is sent as zeros.
fn side(price: Price, size: Size) -> Best {
    if price <= Price::ZERO {
        return Best::Nobody;
    }
    Best::At {
        price,
        size: Some(size),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOOK: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#;
    const TRADE: &str = r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#;

    #[test]
    fn reads_both_streams_with_their_digits() {
        let book = parse(BOOK, 77).unwrap().unwrap();
        assert_eq!(
            (book.symbol.as_str(), book.time, book.clock),
            ("BTCUSDT", 77, Clock::Receipt)
        );
        let Best::At { price, size } = book.bid else {
            panic!("{book:?}");
        };
        assert_eq!(price.to_string(), "61837.63000000");
        assert_eq!(size.unwrap().to_string(), "3.78826000");
        assert_eq!(
            book.ask,
            side(
                "61837.64000000".parse().unwrap(),
                "1.54698000".parse().unwrap()
            )
        );
        assert_eq!(book.trade, None);

        let tick = parse(TRADE, 1_723_161_254_087).unwrap().unwrap();
        assert_eq!(
            (tick.time, tick.clock),
            (1_723_161_255_342, Clock::Exchange)
        );
        let trade = tick.trade.unwrap();
        assert_eq!(trade.price.to_string(), "61837.63000000");
        assert_eq!(trade.size.unwrap().to_string(), "0.02000000");
        assert_eq!((tick.bid, tick.ask), (Best::Unchanged, Best::Unchanged));
    }

    #[test]
    fn reads_the_figures_of_the_day() {
        let day = r#"{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1723161255344,"s":"BTCUSDT","c":"61837.63000000","o":"55133.20000000","h":"62745.14000000","l":"54730.00000000","v":"57123.45678000","q":"3312345678.12"}}"#;
        let tick = parse(day, 1_723_161_254_087).unwrap().unwrap();
        assert_eq!(
            (tick.time, tick.clock, tick.trade),
            (1_723_161_255_344, Clock::Exchange, None)
        );
        assert_eq!(tick.day.prev_close.unwrap().to_string(), "55133.20000000");
        assert_eq!(tick.day.high.unwrap().to_string(), "62745.14000000");
        assert_eq!(tick.day.volume.unwrap().to_string(), "57123.45678000");
        let wrong = day.replace("57123.45678000", "-1");
        assert!(parse(&wrong, 1_723_161_254_087).is_err());
    }

    #[test]
    fn an_empty_side_is_nobody() {
        let text = BOOK.replace("61837.63000000", "0.00000000");
        assert_eq!(parse(&text, 0).unwrap().unwrap().bid, Best::Nobody);
    }

    #[test]
    fn passes_over_what_is_unknown_and_refuses_what_is_wrong() {
        for text in [
            r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}"#,
            r#"{"result":null,"id":1}"#,
            r#"{"lastUpdateId":50093239218,"bids":[],"asks":[]}"#,
            r#"{"stream":"!miniTicker","data":[]}"#,
        ] {
            assert_eq!(parse(text, 0), Ok(None), "{text}");
        }
        for text in [
            "",
            "null",
            "{\"stream\":",
            &TRADE.replace("\"0.02000000\"", "\"x\""),
            &TRADE.replace("0.02000000", "-1"),
            &TRADE.replace("1723161255342", "1723161255342000"),
            &TRADE.replace("\"61837.63000000\"", "61837.63"),
            &BOOK.replace("BTCUSDT", "BTC,USDT"),
        ] {
            assert!(parse(text, 1_723_161_254_087).is_err(), "{text}");
        }
    }

    #[test]
    fn names_what_it_listens_to() {
        let symbols = ["BTCUSDT", "ETHUSDT"]
            .map(|name| name.parse().unwrap())
            .to_vec();
        let feed = Binance::new(symbols, Binance::URL.parse().unwrap());
        let conversation = Conversation {
            symbols: &feed.symbols,
            url: &feed.url,
            rolling: &mut Rolling::default(),
            trades: Numbers::default(),
        };
        assert_eq!(
            conversation.address(),
            "wss://data-stream.binance.vision/stream?streams=btcusdt@bookTicker/btcusdt@trade/btcusdt@miniTicker/ethusdt@bookTicker/ethusdt@trade/ethusdt@miniTicker"
        );
        let options = Options {
            symbols: vec!["币安人生USDT".parse().unwrap()],
            url: url(),
        };
        let conversation = Conversation {
            symbols: &options.symbols,
            url: &options.url,
            rolling: &mut Rolling::default(),
            trades: Numbers::default(),
        };
        assert_eq!(
            conversation.address().query().unwrap().split('/').next(),
            Some("streams=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@bookTicker")
        );
        let own = session(options.symbols[0], NAME, Quality::Live);
        assert_eq!(own.name, "币安人生 / Tether");
        let session = session(feed.symbols[0], NAME, Quality::Live);
        assert_eq!(session.name, "Bitcoin / Tether");
        assert_eq!(session.currency.as_deref(), Some("USDT"));
    }

    #[test]
    fn symbols_in_other_scripts_are_those_of_their_streams() {
        let read = |names: &[&str]| {
            let table = format!("symbols = {names:?}")
                .parse::<toml::Table>()
                .unwrap();
            table.try_into::<Options>().map(|options| options.symbols)
        };
        let names = ["币安人生usdt", "龙虾USDT", "BTCUSDT_261225"];
        let symbols = names.map(|name| name.parse().unwrap());
        assert_eq!(read(&names).unwrap(), symbols);
        for name in ["BTC/USDT", "龙虾", "币安 USDT", "ACHR+"] {
            let error = read(&[name]).unwrap_err().to_string();
            assert!(
                error.contains(&format!("{name:?} is not a symbol of Binance")),
                "{error}"
            );
        }
        let frame = TRADE.replace("\"s\":\"BTCUSDT\"", "\"s\":\"币安人生USDT\"");
        assert_ne!(frame, TRADE);
        let tick = parse(&frame, 1_723_161_255_400).unwrap().unwrap();
        assert_eq!(tick.symbol, symbols[0]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TRADE.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let _ = parse(&text, 0);
            let _ = parse(&format!("{}{with}{}", &TRADE[..cut], &TRADE[cut..]), 0);
            let _ = parse(&TRADE[..cut], 0);
        }
    }
}
