//! Trades and best prices from Kraken, after its
//! [WebSocket API, version 2](https://docs.kraken.com/api/docs/websocket-v2/ticker): the channels
//! `ticker` and [`trade`](https://docs.kraken.com/api/docs/websocket-v2/trade), no key.
//!
//! Best prices and the figures of the last 24 hours come from `ticker`, each trade from `trade`. The
//! numbers of trades rise by one. Where one is missing, the channel is subscribed to anew, which
//! brings the last fifty; that also fills what passed while there was no connection.
//!
//! All numbers are numbers in JSON and meant exactly: they are taken from the text.
//!
//! The source allows about 150 connections in 10 minutes from an address, then refuses it for 10. It
//! sends a heartbeat each second when it has nothing else to say, and closes a connection that is
//! idle for a minute.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use futures_util::future::BoxFuture;
use market::{Best, Clock, Day, Millis, Price, Size, Symbol, Tick, Trade};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Message, http::Uri};

use super::{
    About, End, Feed, FeedError, FrameError, Patience, Publisher, exchange_time, millis,
    numbers::{Number, Numbers},
    pairs::{self, Asked, Pair},
    rolling::Rolling,
    socket::{self, Fault, Heard, Made, Protocol, Say},
    spec::{self, FeedOptions, Main},
};

const NAME: &str = "Kraken";

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// What to listen to, without repetition.
    #[serde(deserialize_with = "pairs::read")]
    pub symbols: Vec<Pair>,
    /// The address of the feed.
    #[serde(default = "url", deserialize_with = "spec::websocket")]
    pub url: Uri,
}

fn url() -> Uri {
    Uri::from_static(Kraken::URL)
}

impl FeedOptions for Options {
    const NAME: &'static str = "kraken";
    const KEYS: &'static [&'static str] = &["symbols", "url"];
    const MAIN: Main = Main::List("symbols");

    fn about(&self) -> About {
        pairs::about(&self.symbols, &self.url)
    }

    fn checked(self) -> Result<Self, String> {
        pairs::check(&self.symbols, Self::NAME)?;
        Ok(self)
    }
}

/// A feed of some pairs.
#[derive(Debug)]
pub struct Kraken {
    pairs: Vec<Pair>,
    url: Uri,
    patience: Patience,
    made: Made,
    told: BTreeSet<Symbol>,
    trades: Numbers,
    rolling: Rolling,
}

impl Kraken {
    /// Public market data, with no account behind it.
    pub const URL: &'static str = "wss://ws.kraken.com/v2";

    /// A feed of these pairs from this address.
    pub fn new(pairs: Vec<Pair>, url: Uri) -> Self {
        Kraken {
            pairs,
            url,
            // Half of what is allowed to an address.
            patience: Patience {
                connections: (75, Duration::from_secs(10 * 60)),
                ..Patience::default()
            },
            made: Made::default(),
            told: BTreeSet::new(),
            trades: Numbers::default(),
            rolling: Rolling::default(),
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_patience(self, patience: Patience) -> Self {
        Kraken { patience, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        self.made.one_more(&self.patience, publisher).await;
        let mut conversation = Conversation {
            url: &self.url,
            asked: Asked::new(NAME, &self.pairs, &mut self.told),
            trades: &mut self.trades,
            rolling: &mut self.rolling,
            answers_due: BTreeSet::new(),
            missed: BTreeSet::new(),
            asked_anew: None,
            requests: 0,
            is_down: false,
        };
        socket::run(&mut conversation, self.patience, publisher).await
    }
}

impl Feed for Kraken {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// How often pairs may be subscribed to anew.
const ANEW: Duration = Duration::from_secs(1);

/// One connection.
struct Conversation<'a> {
    url: &'a Uri,
    asked: Asked<'a>,
    trades: &'a mut Numbers,
    rolling: &'a mut Rolling,
    /// Each pair of a request is answered by a message of its own.
    answers_due: BTreeSet<(Channel, Symbol)>,
    /// The pairs of which a trade is missing, to be subscribed to anew.
    missed: BTreeSet<Symbol>,
    asked_anew: Option<Instant>,
    requests: u64,
    /// Whether the source says of its own system that it is not as it should be.
    is_down: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    Ticker,
    Trade,
}

impl Channel {
    const ALL: [Channel; 2] = [Channel::Ticker, Channel::Trade];

    fn name(self) -> &'static str {
        match self {
            Channel::Ticker => "ticker",
            Channel::Trade => "trade",
        }
    }
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    success: Option<bool>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<Subscription<'a>>,
}

#[derive(Deserialize)]
struct Subscription<'a> {
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct System<'a> {
    #[serde(borrow)]
    system: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TickerData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    bid: Option<&'a RawValue>,
    #[serde(borrow)]
    bid_qty: Option<&'a RawValue>,
    #[serde(borrow)]
    ask: Option<&'a RawValue>,
    #[serde(borrow)]
    ask_qty: Option<&'a RawValue>,
    #[serde(borrow)]
    last: Option<&'a RawValue>,
    #[serde(borrow)]
    volume: Option<&'a RawValue>,
    #[serde(borrow)]
    low: Option<&'a RawValue>,
    #[serde(borrow)]
    high: Option<&'a RawValue>,
    #[serde(borrow)]
    change: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
    trade_id: u64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.url.clone()
    }

    fn greet(&mut self, say: &mut Say) {
        let pairs: Vec<Pair> = self.asked.left().collect();
        for channel in Channel::ALL {
            self.subscribe(say, channel, &pairs);
        }
    }

    fn awaits(&self) -> Option<&'static str> {
        (!self.answers_due.is_empty()).then_some("an answer to the subscription")
    }

    fn read(&mut self, text: &str, publisher: &Publisher, say: &mut Say) -> Result<Heard, Fault> {
        let frame: Frame<'_> =
            serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
        let heard = match (frame.channel.as_deref(), frame.method.as_deref()) {
            (Some("ticker"), _) => {
                for tick in tickers(frame.data, publisher.now(), text)? {
                    self.tick(tick, publisher);
                }
                Heard::Speech
            }
            (Some("trade"), _) => {
                let snapshot = frame.kind.as_deref() == Some("snapshot");
                self.trades(
                    trades(frame.data, publisher.now(), text)?,
                    snapshot,
                    publisher,
                );
                Heard::Speech
            }
            (Some("heartbeat"), _) if self.answers_due.is_empty() => Heard::Speech,
            (Some("heartbeat"), _) | (None, Some("pong")) => Heard::Step,
            (Some("status"), _) => {
                self.status(frame.data, publisher, text)?;
                Heard::Step
            }
            (None, Some("subscribe")) => self.answered(&frame, publisher)?,
            (None, Some("unsubscribe")) => Heard::Step,
            _ => Heard::Unknown,
        };
        self.ask_anew(say);
        match heard {
            // It speaks, but is not well: heartbeats come all the same.
            Heard::Speech if self.is_down => Ok(Heard::Step),
            heard => Ok(heard),
        }
    }

    fn ping(&mut self) -> Message {
        self.requests += 1;
        Message::text(json!({"method": "ping", "req_id": self.requests}).to_string())
    }
}

impl Conversation<'_> {
    fn request(&mut self, say: &mut Say, method: &str, channel: Channel, pairs: &[Pair]) {
        self.requests += 1;
        let symbols: Vec<String> = pairs.iter().map(Pair::with_slash).collect();
        let mut params = json!({"channel": channel.name(), "symbol": symbols});
        if method == "subscribe" {
            params["snapshot"] = true.into();
            if channel == Channel::Ticker {
                params["event_trigger"] = "bbo".into();
            }
        }
        let request = json!({"method": method, "params": params, "req_id": self.requests});
        say.text(request.to_string());
    }

    fn subscribe(&mut self, say: &mut Say, channel: Channel, pairs: &[Pair]) {
        self.request(say, "subscribe", channel, pairs);
        let due = pairs.iter().map(|pair| (channel, pair.symbol()));
        self.answers_due.extend(due);
    }

    fn ask_anew(&mut self, say: &mut Say) {
        let soon = self.asked_anew.is_some_and(|at| at.elapsed() < ANEW);
        if self.missed.is_empty() || !self.answers_due.is_empty() || soon {
            return;
        }
        self.asked_anew = Some(Instant::now());
        let missed = std::mem::take(&mut self.missed);
        let pairs = self.asked.left();
        let pairs: Vec<Pair> = pairs
            .filter(|pair| missed.contains(&pair.symbol()))
            .collect();
        self.request(say, "unsubscribe", Channel::Trade, &pairs);
        self.subscribe(say, Channel::Trade, &pairs);
    }

    fn tick(&mut self, mut tick: Tick, publisher: &Publisher) {
        if !self.asked.has(tick.symbol) {
            publisher.ignore();
            return;
        }
        self.asked.given(tick.symbol, publisher);
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
    }

    fn trades(&mut self, mut ticks: Vec<(u64, Tick)>, snapshot: bool, publisher: &Publisher) {
        ticks.sort_by_key(|(id, _)| *id);
        if snapshot {
            // The newest that there is of each: a number below the one before it says that the
            // source counts from the beginning again. Of a pair that nothing is known of yet, the
            // trades before the last one belong to the time before we listened.
            let newest: Vec<(u64, Symbol)> =
                ticks.iter().map(|(id, tick)| (*id, tick.symbol)).collect();
            let last = |symbol: Symbol| {
                let of = newest.iter().rev().find(|(_, other)| *other == symbol);
                of.map_or(0, |(id, _)| *id)
            };
            let symbols: BTreeSet<Symbol> = newest.iter().map(|(_, symbol)| *symbol).collect();
            for symbol in symbols {
                if self
                    .trades
                    .newest(symbol)
                    .is_some_and(|known| last(symbol) < known)
                {
                    self.trades.forget(symbol);
                }
                if self.trades.newest(symbol).is_none() {
                    ticks.retain(|(id, tick)| tick.symbol != symbol || *id == last(symbol));
                }
            }
        }
        for (id, tick) in ticks {
            let symbol = tick.symbol;
            if !self.asked.has(symbol) {
                publisher.ignore();
                continue;
            }
            match self.trades.take(symbol, id) {
                Number::Next | Number::Missed => {}
                Number::Known => continue,
                Number::AfterGap => {
                    publisher.gap();
                    if !snapshot {
                        self.missed.insert(symbol);
                    }
                }
            }
            if !snapshot {
                publisher.clock(tick.time);
            }
            self.tick(tick, publisher);
        }
    }

    fn status(
        &mut self,
        data: Option<&RawValue>,
        publisher: &Publisher,
        text: &str,
    ) -> Result<(), FrameError> {
        let systems: Vec<System<'_>> = list(data, text)?;
        if let Some(system) = systems.iter().find_map(|system| system.system.as_deref()) {
            self.is_down = system != "online";
            if self.is_down {
                let system = socket::words(system);
                publisher.degraded(format!("{NAME} says of its system: {system}"));
            }
        }
        Ok(())
    }

    fn answered(&mut self, frame: &Frame<'_>, publisher: &Publisher) -> Result<Heard, FeedError> {
        let result = frame.result.as_ref();
        let channel = result.and_then(|result| result.channel.as_deref());
        let symbol = frame
            .symbol
            .as_deref()
            .or(result.and_then(|result| result.symbol.as_deref()))
            .and_then(symbol);
        if frame.success == Some(true) {
            let channel = Channel::ALL
                .into_iter()
                .find(|known| Some(known.name()) == channel);
            if let (Some(channel), Some(symbol)) = (channel, symbol) {
                self.answers_due.remove(&(channel, symbol));
                if self.asked.has(symbol) {
                    self.asked.given(symbol, publisher);
                }
            }
        } else {
            let words = socket::words(frame.error.as_deref().unwrap_or("without a reason"));
            let mut named = self.asked.named_in(&words);
            named.extend(symbol.filter(|symbol| self.asked.has(*symbol)));
            let lower = words.to_ascii_lowercase();
            if named.is_empty() {
                let why = format!("{NAME} refuses the subscription: {words}");
                if lower.contains("rate") {
                    let wait = Duration::from_secs(60);
                    return Err(FeedError::Later { why, wait });
                }
                return Err(FeedError::Fatal(why));
            }
            for symbol in named {
                self.answers_due.retain(|(_, due)| *due != symbol);
                if !lower.contains("already subscribed") {
                    self.asked
                        .refused(symbol, &words, publisher)
                        .map_err(FeedError::Fatal)?;
                }
            }
        }
        Ok(match self.answers_due.is_empty() {
            true => Heard::Speech,
            false => Heard::Step,
        })
    }
}

/// A pair as it is written here.
fn symbol(text: &str) -> Option<Symbol> {
    Pair::read(text).ok().map(|pair| pair.symbol())
}

fn list<'a, T: Deserialize<'a>>(
    data: Option<&'a RawValue>,
    text: &str,
) -> Result<Vec<T>, FrameError> {
    let data = data.ok_or_else(|| FrameError::new(&"no data", text))?;
    serde_json::from_str(data.get()).map_err(|error| FrameError::new(&error, text))
}

/// A number of JSON, exactly as it is written. Very small ones may have an exponent.
fn number(raw: &RawValue, text: &str) -> Result<Decimal, FrameError> {
    let digits = raw.get().trim_matches('"');
    let number = match digits.contains(['e', 'E']) {
        true => Decimal::from_scientific(digits).ok(),
        false => digits.parse::<Price>().ok().map(Price::decimal),
    };
    number.ok_or_else(|| {
        let why = format_args!("{digits:?} is not a number that can be kept exactly");
        FrameError::new(&why, text)
    })
}

fn price(raw: Option<&RawValue>, text: &str) -> Result<Option<Price>, FrameError> {
    raw.map(|raw| number(raw, text).map(Price::from))
        .transpose()
}

fn size(raw: Option<&RawValue>, text: &str) -> Result<Option<Size>, FrameError> {
    let size = raw
        .map(|raw| number(raw, text).map(Size::from))
        .transpose()?;
    match size {
        Some(size) if size < Size::ZERO => Err(FrameError::new(&"a size below zero", text)),
        size => Ok(size),
    }
}

fn side(price: Option<Price>, size: Option<Size>) -> Best {
    match price {
        None => Best::Unchanged,
        Some(price) if price <= Price::ZERO => Best::Nobody,
        Some(price) => Best::At { price, size },
    }
}

fn pair(text: &str, frame: &str) -> Result<Symbol, FrameError> {
    Pair::read(text)
        .map(|pair| pair.symbol())
        .map_err(|error| FrameError::new(&error, frame))
}

fn tickers(data: Option<&RawValue>, received: Millis, text: &str) -> Result<Vec<Tick>, FrameError> {
    let mut ticks = Vec::new();
    for ticker in list::<TickerData<'_>>(data, text)? {
        let (time, clock) = match &ticker.timestamp {
            Some(time) => {
                let time = exchange_time(millis(time, text)?, received, text)?;
                (time, Clock::Exchange)
            }
            None => (received, Clock::Receipt),
        };
        let mut tick = Tick::new(pair(&ticker.symbol, text)?, time, clock);
        tick.bid = side(price(ticker.bid, text)?, size(ticker.bid_qty, text)?);
        tick.ask = side(price(ticker.ask, text)?, size(ticker.ask_qty, text)?);
        let last = price(ticker.last, text)?.map(Price::decimal);
        let change = price(ticker.change, text)?.map(Price::decimal);
        // The day rolls: it began with the price that changes are counted from.
        let open = last
            .zip(change)
            .and_then(|(last, change)| last.checked_sub(change))
            .map(Price::from);
        tick.day = Day {
            volume: size(ticker.volume, text)?,
            high: price(ticker.high, text)?,
            low: price(ticker.low, text)?,
            open,
            prev_close: open,
        };
        ticks.push(tick);
    }
    Ok(ticks)
}

fn trades(
    data: Option<&RawValue>,
    received: Millis,
    text: &str,
) -> Result<Vec<(u64, Tick)>, FrameError> {
    let mut ticks = Vec::new();
    for trade in list::<TradeData<'_>>(data, text)? {
        let time = exchange_time(millis(&trade.timestamp, text)?, received, text)?;
        let at = Price::from(number(trade.price, text)?);
        if at <= Price::ZERO {
            return Err(FrameError::new(&"a price that is not above zero", text));
        }
        let mut tick = Tick::new(pair(&trade.symbol, text)?, time, Clock::Exchange);
        let of = size(Some(trade.qty), text)?;
        tick.trade = Some(Trade::new(at, of).with_id(trade.trade_id));
        ticks.push((trade.trade_id, tick));
    }
    Ok(ticks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    const RECEIVED: Millis = 1_695_632_671_800;
    const TRADE: &str = r#"[{"symbol":"MATIC/USD","side":"buy","price":0.5147,"qty":6423.46326,"ord_type":"limit","trade_id":4665846,"timestamp":"2023-09-25T07:48:36.925533Z"}]"#;
    const TICKER: &str = r#"[{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17}]"#;

    fn raw(text: &str) -> Option<&RawValue> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn numbers_are_taken_as_they_are_written() {
        for (text, expected) in [
            ("0.10", "0.10"),
            ("740.0", "740.0"),
            ("12345678901234567.89", "12345678901234567.89"),
            ("1e-7", "0.0000001"),
            ("1.50E2", "150"),
            ("\"0.30\"", "0.30"),
        ] {
            let number = number(raw(text).unwrap(), text).unwrap();
            assert_eq!(number.to_string(), expected, "{text}");
        }
        for text in [
            "true",
            "null",
            "1e400",
            "\"\"",
            "[1]",
            "0.00000000000000000000000000001",
        ] {
            assert!(number(raw(text).unwrap(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_a_ticker_without_a_time_and_with_an_empty_side() {
        let ticks = tickers(raw(TICKER), RECEIVED, TICKER).unwrap();
        assert_eq!((ticks[0].time, ticks[0].clock), (RECEIVED, Clock::Receipt));
        assert_eq!(ticks[0].ask, Best::Nobody);
        assert_eq!(ticks[0].day.prev_close.unwrap().to_string(), "0.10052");
        assert_eq!(ticks[0].trade, None);
    }

    #[test]
    fn reads_trades_with_their_numbers() {
        let read = trades(raw(TRADE), RECEIVED, TRADE).unwrap();
        let (id, tick) = &read[0];
        assert_eq!((*id, tick.symbol.as_str()), (4_665_846, "MATIC-USD"));
        assert_eq!(
            (tick.time, tick.clock),
            (1_695_628_116_925, Clock::Exchange)
        );
        let trade = tick.trade.unwrap();
        assert_eq!(
            (trade.price.to_string(), trade.id),
            ("0.5147".to_owned(), Some(4_665_846))
        );
        for (from, to) in [
            ("0.5147", "0"),
            ("0.5147", "-1"),
            ("0.5147", "null"),
            ("6423.46326", "-6423.46326"),
            ("MATIC/USD", "MATIC"),
            ("2023-09-25T07", "2023-09-27T07"),
            ("4665846", "-1"),
        ] {
            let text = TRADE.replace(from, to);
            assert!(trades(raw(&text), RECEIVED, &text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TICKER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let tape = testing::tape();
            let publisher = testing::publisher(&tape);
            let pairs = [Pair::read("ALGO-USD").unwrap()];
            let (mut told, mut numbers, mut rolling) =
                (BTreeSet::new(), Numbers::default(), Rolling::default());
            let mut conversation = Conversation {
                url: &url(),
                asked: Asked::new(NAME, &pairs, &mut told),
                trades: &mut numbers,
                rolling: &mut rolling,
                answers_due: BTreeSet::new(),
                missed: BTreeSet::new(),
                asked_anew: None,
                requests: 0,
                is_down: false,
            };
            let mut say = Say::default();
            let broken = format!("{}{with}{}", &TICKER[..cut], &TICKER[cut..]);
            for text in [
                text,
                format!(r#"{{"channel":"ticker","data":{broken}}}"#),
                format!(r#"{{"channel":"trade","type":"snapshot","data":{broken}}}"#),
                format!(r#"{{"method":"subscribe","success":{with},"result":{broken}}}"#),
            ] {
                let _ = conversation.read(&text, &publisher, &mut say);
            }
        }
    }
}
