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
        socket::{self, ConnectBudget, Fault, Heard, Protocol, Say},
    },
    list,
};

const NAME: &str = "Binance";

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// What to listen to, without repetition.
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
            timeouts: Timeouts::default(),
            made: ConnectBudget::default(),
            rolling: Rolling::default(),
            trades: Numbers::default(),
            told: BTreeSet::new(),
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Binance { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        for &symbol in &self.symbols {
            if self.told.insert(symbol) {
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
        // What is encoded is an address.
        address.parse().unwrap_or_else(|_| self.url.clone())
    }

    fn read(&mut self, text: &str, publisher: &Publisher, _say: &mut Say) -> Result<Heard, Fault> {
        let mut faults = Vec::new();
        let tick = parse(text, publisher.now(), &mut faults)?;
        publisher.wrongs(faults);
        let Some(mut tick) = tick.filter(|tick| self.symbols.contains(&tick.symbol)) else {
            return Ok(Heard::Unknown);
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
                    return Ok(Heard::Data);
                }
            }
        }
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
        Ok(Heard::Data)
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
    /// What went wrong, in the words of the source.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A message of a stream by itself, which has no name of its stream around it.
#[derive(Deserialize)]
struct Single<'a> {
    #[serde(rename = "e", borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(rename = "b", borrow, default)]
    bid: Option<&'a RawValue>,
    #[serde(rename = "a", borrow, default)]
    ask: Option<&'a RawValue>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    BookTicker,
    Trade,
    /// Trades of one order at one price, told as one. Its number is one of its own.
    AggregateTrade,
    MiniTicker,
}

impl Kind {
    /// By the name of a stream, without what follows a second `@`.
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

/// Reads a frame of a combined stream, or of a single one; `None` for one of another kind. A
/// `bookTicker` carries no time, so that the time of receipt stands in. Fields that can be done
/// without and cannot be read go to `faults`.
///
/// # Errors
/// When the frame is not JSON, or not what its stream's name promises.
pub fn parse(
    text: &str,
    received: Millis,
    faults: &mut Vec<FrameError>,
) -> Result<Option<Tick>, FrameError> {
    let error = |error: serde_json::Error| FrameError::new(&error, text);
    let combined: Combined<'_> = serde_json::from_str(text).map_err(error)?;
    if combined.error.is_some() {
        return Err(FrameError::new(&"the source says an error", text));
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
mod tests {
    use market::Best;
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
        let mut faults = Vec::new();
        let tick = crate::sources::binance::parse(text, received, &mut faults);
        match faults.pop() {
            Some(fault) if tick.is_ok() => Err(fault),
            _ => tick,
        }
    }

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
        let ask = Best::At {
            price: "61837.64000000".parse().unwrap(),
            size: Some("1.54698000".parse().unwrap()),
        };
        assert_eq!(book.ask, ask);
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
        let micros = TRADE.replace("\"T\":1723161255342", "\"T\":1723161255342123");
        let tick = parse(&micros, 1_723_161_254_087).unwrap().unwrap();
        assert_eq!(tick.time, 1_723_161_255_342);
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
    fn nothing_traded_yet_is_no_price_and_a_wrong_figure_leaves_the_others() {
        let day = r#"{"stream":"abcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1723161255344,"s":"ABCUSDT","c":"0.00000000","o":"0.00000000","h":"0.00000000","l":"0.00000000","v":"0.00000000","q":"0.00000000"}}"#;
        let tick = parse(day, 1_723_161_254_087).unwrap().unwrap();
        let nothing = Day {
            volume: Some("0.00000000".parse().unwrap()),
            ..Day::default()
        };
        assert_eq!(tick.day, nothing);
        let wrong = day.replace(r#""h":"0.00000000""#, r#""h":"n/a""#);
        let wrong = wrong.replace(r#""o":"0.00000000""#, r#""o":"0.5""#);
        let mut faults = Vec::new();
        let tick = crate::sources::binance::parse(&wrong, 1_723_161_254_087, &mut faults);
        let day = tick.unwrap().unwrap().day;
        assert_eq!((day.high, day.open), (None, Some("0.5".parse().unwrap())));
        assert!(
            faults.len() == 1 && faults[0].to_string().contains("\"n/a\""),
            "{faults:?}"
        );
    }

    #[test]
    fn reads_aggregate_trades_and_single_streams() {
        let data = r#"{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":26129,"p":"8.93E-6","q":"1E+3","f":100,"l":105,"T":1723161255342,"m":true,"M":true}"#;
        let combined = format!(r#"{{"stream":"btcusdt@aggTrade","data":{data}}}"#);
        for text in [data, &combined] {
            let trade = parse(text, 1_723_161_254_087).unwrap().unwrap().trade;
            let trade = trade.unwrap();
            assert_eq!(
                (trade.price.to_string(), trade.id),
                ("0.00000893".to_owned(), Some(26_129))
            );
            assert_eq!(trade.size.unwrap().to_string(), "1000");
        }
        let book = r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"2","a":"3.0","A":"4"}"#;
        let tick = parse(book, 5).unwrap().unwrap();
        assert!(matches!(tick.ask, Best::At { .. }), "{tick:?}");
        let error = r#"{"error":{"code":2,"msg":"Invalid request"},"id":null}"#;
        let error = parse(error, 5).unwrap_err().to_string();
        assert!(error.contains("Invalid request"), "{error}");
    }

    #[test]
    fn an_empty_side_is_nobody() {
        let text = BOOK.replace("61837.63000000", "0.00000000");
        assert_eq!(parse(&text, 0).unwrap().unwrap().bid, Best::Empty);
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
            &TRADE.replace("1723161255342", "17231612"),
            &TRADE.replace("61837.63000000", "0.00000000"),
            &TRADE.replace("1723161255342", "1823161255342"),
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
            trades: &mut Numbers::default(),
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
            trades: &mut Numbers::default(),
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
