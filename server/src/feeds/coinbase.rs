//! Trades and best prices from Coinbase Exchange, after its
//! [WebSocket feed](https://docs.cdp.coinbase.com/exchange/websocket-feed/channels), no key.
//!
//! Everything comes from the `ticker` channel: it carries each trade's price and size with the best
//! prices and the figures of the last 24 hours. `match` and `last_match` tell of the same trades
//! and are passed over, so that none is counted twice; where trades cascade, the source itself
//! folds several into one `ticker`, and volumes of bars are those of what it told.
//!
//! The `heartbeat` channel says each second which trade was the last one, and so whether a `ticker`
//! has been missed. Then the product is subscribed to anew, which brings its newest `ticker`.
//!
//! The source takes 8 requests a second from an address, and closes a connection that has not
//! subscribed within 5 seconds.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{Best, Clock, Day, Millis, Price, Quality, Session, Size, Symbol, Tick, Trade};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{
    About, End, Feed, FeedError, FrameError, Patience, Publisher, exchange_time, millis,
    pairs::{self, Asked, Pair},
    rolling::Rolling,
    socket::{self, Fault, Heard, Made, Protocol, Say},
    spec::{self, FeedOptions, Main},
};

const NAME: &str = "Coinbase";

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
    Uri::from_static(Coinbase::URL)
}

impl FeedOptions for Options {
    const NAME: &'static str = "coinbase";
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

/// A feed of some products.
#[derive(Debug)]
pub struct Coinbase {
    pairs: Vec<Pair>,
    url: Uri,
    patience: Patience,
    made: Made,
    told: BTreeSet<Symbol>,
    parser: Parser,
    rolling: Rolling,
}

impl Coinbase {
    /// Public market data, with no account behind it.
    pub const URL: &'static str = "wss://ws-feed.exchange.coinbase.com";

    /// A feed of these products from this address.
    pub fn new(pairs: Vec<Pair>, url: Uri) -> Self {
        Coinbase {
            pairs,
            url,
            patience: Patience::default(),
            made: Made::default(),
            told: BTreeSet::new(),
            parser: Parser::new(),
            rolling: Rolling::default(),
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_patience(self, patience: Patience) -> Self {
        Coinbase { patience, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        self.made.one_more(&self.patience, publisher).await;
        self.parser.begin();
        let mut conversation = Conversation {
            url: &self.url,
            asked: Asked::new(NAME, &self.pairs, &mut self.told),
            parser: &mut self.parser,
            rolling: &mut self.rolling,
            answers_due: 0,
            owed: HashMap::new(),
            missed: BTreeSet::new(),
            asked_anew: None,
        };
        socket::run(&mut conversation, self.patience, publisher).await
    }
}

impl Feed for Coinbase {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// How often products may be subscribed to anew: two requests each time, of eight a second.
const ANEW: Duration = Duration::from_secs(1);

/// One connection.
struct Conversation<'a> {
    url: &'a Uri,
    asked: Asked<'a>,
    parser: &'a mut Parser,
    rolling: &'a mut Rolling,
    /// Each request is answered by one message: the subscriptions that stand, or an error.
    answers_due: u32,
    owed: HashMap<Symbol, Owed>,
    /// The products of which a `ticker` was missed, to be subscribed to anew.
    missed: BTreeSet<Symbol>,
    asked_anew: Option<Instant>,
}

/// What the heartbeats of a product have told of.
#[derive(Debug, Default)]
struct Owed {
    /// The last trade, by the newest of them.
    trade: u64,
    /// The last trade that was counted as missed.
    counted: u64,
}

#[derive(Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    channels: Vec<Channel<'a>>,
}

#[derive(Deserialize)]
struct Channel<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Heartbeat<'a> {
    product_id: Symbol,
    last_trade_id: u64,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Cow<'a, str>,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.url.clone()
    }

    fn greet(&mut self, say: &mut Say) {
        let products: Vec<Symbol> = self.asked.left().map(|pair| pair.symbol()).collect();
        self.request(say, "subscribe", &["ticker", "heartbeat"], &products);
    }

    fn awaits(&self) -> Option<&'static str> {
        (self.answers_due > 0).then_some("an answer to the subscription")
    }

    fn read(&mut self, text: &str, publisher: &Publisher, say: &mut Say) -> Result<Heard, Fault> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let typed: Typed<'_> = serde_json::from_str(text).map_err(error)?;
        let heard = match typed.kind.as_deref() {
            Some("ticker") => {
                let ticker = self.parser.ticker(text, publisher.now())?;
                match ticker {
                    Some(tick) if self.asked.has(tick.symbol) => {
                        self.tick(tick, publisher);
                        Heard::Speech
                    }
                    _ => Heard::Unknown,
                }
            }
            Some("heartbeat") => {
                let beat: Heartbeat<'_> = serde_json::from_str(text).map_err(error)?;
                publisher.clock(millis(&beat.time, text)?);
                if self.asked.has(beat.product_id) {
                    self.beat(&beat, publisher);
                }
                Heard::Speech
            }
            Some("subscriptions") => {
                let answer: Subscriptions<'_> = serde_json::from_str(text).map_err(error)?;
                self.subscribed(&answer, publisher)?
            }
            Some("error") => {
                let refusal: Refusal<'_> = serde_json::from_str(text).map_err(error)?;
                self.refused(&refusal, publisher, say)?
            }
            _ => Heard::Unknown,
        };
        self.ask_anew(say);
        Ok(heard)
    }
}

impl Conversation<'_> {
    fn request(&mut self, say: &mut Say, kind: &str, channels: &[&str], products: &[Symbol]) {
        let request = json!({"type": kind, "product_ids": products, "channels": channels});
        say.text(request.to_string());
        self.answers_due += 1;
    }

    fn tick(&mut self, mut tick: Tick, publisher: &Publisher) {
        self.asked.given(tick.symbol, publisher);
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
    }

    /// A heartbeat may overtake the `ticker` of its trade, but not the next one, a second later.
    fn beat(&mut self, beat: &Heartbeat<'_>, publisher: &Publisher) {
        let product = beat.product_id;
        let told = self.parser.newest_trade(product);
        let owed = self.owed.entry(product).or_default();
        if owed.trade > told.max(owed.counted) {
            publisher.gap();
            self.missed.insert(product);
            // It is counted once, also where the source never tells of it.
            owed.counted = owed.trade;
        }
        owed.trade = beat.last_trade_id;
    }

    fn ask_anew(&mut self, say: &mut Say) {
        let soon = self.asked_anew.is_some_and(|at| at.elapsed() < ANEW);
        if self.missed.is_empty() || self.answers_due > 0 || soon {
            return;
        }
        self.asked_anew = Some(Instant::now());
        let products: Vec<Symbol> = std::mem::take(&mut self.missed).into_iter().collect();
        for kind in ["unsubscribe", "subscribe"] {
            self.request(say, kind, &["ticker"], &products);
        }
    }

    fn subscribed(
        &mut self,
        answer: &Subscriptions<'_>,
        publisher: &Publisher,
    ) -> Result<Heard, FeedError> {
        let ticker = |channel: &&Channel<'_>| channel.name == "ticker";
        let ticker = answer.channels.iter().find(ticker);
        // While products are asked for anew there may be no such channel for a moment.
        if ticker.is_some() || self.answers_due > 1 {
            self.answers_due = self.answers_due.saturating_sub(1);
        }
        let Some(ticker) = ticker.filter(|_| self.answers_due == 0) else {
            return Ok(Heard::Step);
        };
        let products = ticker.product_ids.iter();
        let given: BTreeSet<Symbol> = products
            .filter_map(|product| product.parse().ok())
            .collect();
        let asked: Vec<Symbol> = self.asked.left().map(|pair| pair.symbol()).collect();
        for symbol in asked {
            if given.contains(&symbol) {
                self.asked.given(symbol, publisher);
            } else {
                self.asked
                    .refused(symbol, "it is not among the subscriptions", publisher)
                    .map_err(FeedError::Fatal)?;
            }
        }
        Ok(Heard::Speech)
    }

    fn refused(
        &mut self,
        refusal: &Refusal<'_>,
        publisher: &Publisher,
        say: &mut Say,
    ) -> Result<Heard, FeedError> {
        let between = if refusal.reason.is_empty() { "" } else { ": " };
        let words = format!("{}{between}{}", refusal.message, refusal.reason);
        let words = socket::words(&words);
        let mut named = self.asked.named_in(&words);
        named.retain(|symbol| !self.asked.is_refused(*symbol));
        if named.is_empty() || self.answers_due == 0 {
            let why = format!("{NAME} answers: {words}");
            let lower = words.to_ascii_lowercase();
            if lower.contains("rate limit") || lower.contains("too many") {
                let wait = Duration::from_secs(60);
                return Err(FeedError::Later { why, wait });
            }
            // Words about the request itself will be the same the next time.
            return Err(match lower.contains("failed to subscribe") {
                true => FeedError::Fatal(why),
                false => FeedError::Transient(why),
            });
        }
        // One that it does not know, and it subscribes to none of them.
        self.answers_due -= 1;
        for symbol in named {
            self.asked
                .refused(symbol, &words, publisher)
                .map_err(FeedError::Fatal)?;
        }
        self.greet(say);
        Ok(Heard::Step)
    }
}

/// Reads frames that carry ticks.
#[derive(Debug, Default)]
pub struct Parser {
    // The newest sequence number of each product: the source says to ignore what is older.
    sequences: HashMap<Symbol, u64>,
    // The number of each product's newest trade. They outlive the connection: the next one begins
    // with the last trade again.
    trades: HashMap<Symbol, u64>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Ticker<'a> {
    sequence: u64,
    product_id: Symbol,
    price: Price,
    last_size: Option<Size>,
    open_24h: Option<Price>,
    high_24h: Option<Price>,
    low_24h: Option<Price>,
    volume_24h: Option<Size>,
    best_bid: Option<Price>,
    best_bid_size: Option<Size>,
    best_ask: Option<Price>,
    best_ask_size: Option<Size>,
    trade_id: Option<u64>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
}

impl Parser {
    /// A parser at the beginning of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another connection begins.
    fn begin(&mut self) {
        self.sequences.clear();
    }

    /// The number of a product's newest trade.
    fn newest_trade(&self, product: Symbol) -> u64 {
        self.trades.get(&product).copied().unwrap_or_default()
    }

    /// Reads a frame; `None` for one of another type, or one that is older than another before it.
    ///
    /// # Errors
    /// When the frame is not JSON, or not what its type promises.
    pub fn parse(&mut self, text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let typed: Typed<'_> = serde_json::from_str(text).map_err(error)?;
        match typed.kind.as_deref() {
            Some("ticker") => self.ticker(text, received),
            _ => Ok(None),
        }
    }

    /// Reads a `ticker`; `None` for one that is older than another before it.
    fn ticker(&mut self, text: &str, received: Millis) -> Result<Option<Tick>, FrameError> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let ticker: Ticker<'_> = serde_json::from_str(text).map_err(error)?;
        let negative = ticker.last_size.is_some_and(|size| size < Size::ZERO);
        if ticker.price <= Price::ZERO || negative {
            return Err(FrameError::new(&"a price or a size below zero", text));
        }
        let (time, clock) = match &ticker.time {
            Some(time) => {
                let time = exchange_time(millis(time, text)?, received, text)?;
                (time, Clock::Exchange)
            }
            None => (received, Clock::Receipt),
        };
        let first = match self.sequences.entry(ticker.product_id) {
            Entry::Occupied(newest) if ticker.sequence <= *newest.get() => return Ok(None),
            Entry::Occupied(mut newest) => {
                newest.insert(ticker.sequence);
                false
            }
            Entry::Vacant(none) => {
                none.insert(ticker.sequence);
                true
            }
        };
        let mut tick = Tick::new(ticker.product_id, time, clock);
        let trade = Trade::new(ticker.price, ticker.last_size);
        tick.trade = match ticker.trade_id {
            Some(id) => self
                .is_new(ticker.product_id, id, first)
                .then_some(trade.with_id(id)),
            None => Some(trade),
        };
        tick.bid = side(ticker.best_bid, ticker.best_bid_size);
        tick.ask = side(ticker.best_ask, ticker.best_ask_size);
        tick.day = Day {
            volume: ticker.volume_24h,
            high: ticker.high_24h,
            low: ticker.low_24h,
            open: ticker.open_24h,
            // The day rolls: it began with the price that changes are counted from.
            prev_close: ticker.open_24h,
        };
        Ok(Some(tick))
    }
}

impl Parser {
    /// Whether a trade has not been told before. The first of a connection is the newest that there
    /// is: a number below the one before it says that the source counts from the beginning again.
    fn is_new(&mut self, product: Symbol, id: u64, first: bool) -> bool {
        match self.trades.get_mut(&product) {
            Some(newest) if id == *newest || (id < *newest && !first) => false,
            Some(newest) => {
                *newest = id;
                true
            }
            None => {
                self.trades.insert(product, id);
                true
            }
        }
    }
}

/// The size of a side is optional: older recordings have none.
fn side(price: Option<Price>, size: Option<Size>) -> Best {
    match price {
        None => Best::Unchanged,
        Some(price) if price <= Price::ZERO => Best::Nobody,
        Some(price) => Best::At { price, size },
    }
}

/// What is known of a product without asking: its name and currency, from its letters.
pub fn session(product: Symbol, source: &str, quality: Quality) -> Session {
    pairs::session(product, NAME, source, quality)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECEIVED: Millis = 1_618_677_817_079;
    const TICKER: &str = r#"{"type":"ticker","sequence":333938798,"product_id":"BAND-GBP","price":"14.7775","open_24h":"14.6647","volume_24h":"94381.28000000","low_24h":"14.3691","high_24h":"16.55","volume_30d":"2295579.57000000","best_bid":"14.7550","best_ask":"14.8060","side":"buy","time":"2021-04-17T16:43:30.244075Z","trade_id":881613,"last_size":"0.04"}"#;

    #[test]
    fn reads_a_ticker_with_and_without_sizes() {
        let tick = Parser::new().parse(TICKER, RECEIVED).unwrap().unwrap();
        assert_eq!(tick.symbol.as_str(), "BAND-GBP");
        assert_eq!(
            (tick.time, tick.clock),
            (1_618_677_810_244, Clock::Exchange)
        );
        let trade = tick.trade.unwrap();
        assert_eq!(trade.price.to_string(), "14.7775");
        assert_eq!(trade.size.unwrap().to_string(), "0.04");
        assert_eq!(tick.bid, side(Some("14.7550".parse().unwrap()), None));
        assert_eq!(tick.day.volume.unwrap().to_string(), "94381.28000000");
        assert_eq!(tick.day.high.unwrap().to_string(), "16.55");
        assert_eq!(tick.day.low.unwrap().to_string(), "14.3691");
        assert_eq!(tick.day.open.unwrap().to_string(), "14.6647");

        let sized = TICKER.replace("\"side\"", "\"best_bid_size\":\"1.50\",\"side\"");
        let tick = Parser::new().parse(&sized, RECEIVED).unwrap().unwrap();
        assert_eq!(
            tick.bid,
            side(
                Some("14.7550".parse().unwrap()),
                Some("1.50".parse().unwrap())
            )
        );
    }

    #[test]
    fn passes_over_what_is_older_and_what_is_of_another_type() {
        let mut parser = Parser::new();
        assert!(parser.parse(TICKER, RECEIVED).unwrap().is_some());
        assert_eq!(parser.parse(TICKER, RECEIVED), Ok(None), "the same again");
        let older = TICKER.replace("333938798", "333938797");
        assert_eq!(parser.parse(&older, RECEIVED), Ok(None));
        let other = older.replace("BAND-GBP", "BAND-BTC");
        assert!(
            parser.parse(&other, RECEIVED).unwrap().is_some(),
            "numbers are a product's own"
        );
        for text in [
            r#"{"type":"match","size":"985","price":"0.00001305","product_id":"SKL-BTC","sequence":1}"#,
            r#"{"type":"heartbeat","sequence":90}"#,
            r#"{"type":"anything new"}"#,
            "{}",
        ] {
            assert_eq!(parser.parse(text, RECEIVED), Ok(None), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_wrong_and_remembers_none_of_it() {
        let mut parser = Parser::new();
        for text in [
            "",
            "{",
            &TICKER.replace("14.7775", "much"),
            &TICKER.replace("2021-04-17T", "yesterday "),
            &TICKER.replace("0.04", "-0.04"),
            &TICKER.replace("2021-04-17", "2021-05-17"),
            &TICKER.replace("333938798", "-1"),
        ] {
            assert!(parser.parse(text, RECEIVED).is_err(), "{text}");
        }
        assert!(parser.parse(TICKER, RECEIVED).unwrap().is_some());
    }

    #[test]
    fn names_products() {
        let session = session("YFI-BTC".parse().unwrap(), "x", Quality::Replay);
        assert_eq!(session.name, "yearn.finance / Bitcoin");
        assert_eq!(session.currency.as_deref(), Some("BTC"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", cut in 0..TICKER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,4}") {
            let mut parser = Parser::new();
            let _ = parser.parse(&text, RECEIVED);
            let _ = parser.parse(&format!("{}{with}{}", &TICKER[..cut], &TICKER[cut..]), 0);
        }
    }
}
