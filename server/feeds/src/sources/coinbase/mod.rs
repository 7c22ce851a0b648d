//! Trades and best prices from Coinbase Exchange, after its
//! [WebSocket feed](https://docs.cdp.coinbase.com/exchange/websocket-feed/channels), no key.
//!
//! Everything comes from the `ticker` channel: it carries each trade's price and size with the best prices and the
//! figures of the last 24 hours. `match` and `last_match` report the same trades and are skipped, so that none is
//! counted twice; if trades cascade, the source itself folds several into one `ticker`, and volumes of bars are those
//! of what it published.
//!
//! The `heartbeat` channel has the number of the last trade each second, and so shows whether a `ticker` was missed.
//! Then the product is subscribed to again, which brings its newest `ticker`.
//!
//! The source accepts 8 requests a second from an address, and closes a connection that has not subscribed within 5
//! seconds.

mod parser;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{Quality, Session, Symbol, Tick};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::http::Uri;

pub use self::parser::Parser;
use self::parser::Typed;
use crate::kit::time::millis;
use crate::{
    End, Feed, FeedError, FrameError, Publisher, Timeouts,
    kit::{
        fields::Field,
        pairs::{self, Exchange, Pair, Subscribed},
        rolling::Rolling,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
    },
};

const NAME: &str = "Coinbase";

/// The exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {}

impl Exchange for Site {
    const KIND: &'static str = "coinbase";
    const URL: &'static str = "wss://ws-feed.exchange.coinbase.com";
}

/// The options of the feed.
pub type Options = pairs::Options<Site>;

/// A feed of some products.
#[derive(Debug)]
pub struct Coinbase {
    pairs: Vec<Pair>,
    url: Uri,
    timeouts: Timeouts,
    made: ConnectBudget,
    published: BTreeSet<Symbol>,
    parser: Parser,
    rolling: Rolling,
}

impl Coinbase {
    /// A feed of these products from this address.
    pub fn new(pairs: Vec<Pair>, url: Uri) -> Self {
        Coinbase {
            pairs,
            url,
            timeouts: Timeouts::default(),
            made: ConnectBudget::default(),
            published: BTreeSet::new(),
            parser: Parser::new(),
            rolling: Rolling::default(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Coinbase { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        self.made.one_more(&self.timeouts, publisher).await;
        self.parser.begin();
        let mut conversation = Conversation {
            url: &self.url,
            subscriptions: Subscribed::new(NAME, &self.pairs, &mut self.published),
            parser: &mut self.parser,
            rolling: &mut self.rolling,
            answers_due: 0,
            owed: HashMap::new(),
            is_late: false,
            missed: BTreeSet::new(),
            asked_anew: None,
        };
        socket::run(&mut conversation, self.timeouts, publisher).await
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

/// How often products may be subscribed to again: two requests each time, of eight a second.
const ANEW: Duration = Duration::from_secs(1);

/// One connection.
struct Conversation<'a> {
    url: &'a Uri,
    subscriptions: Subscribed<'a>,
    parser: &'a mut Parser,
    rolling: &'a mut Rolling,
    /// Each request is answered by one message: the confirmed subscriptions, or an error.
    answers_due: u32,
    owed: HashMap<Symbol, Owed>,
    /// Whether the newest trade was late.
    is_late: bool,
    /// The products of which a `ticker` was missed, to be subscribed to again.
    missed: BTreeSet<Symbol>,
    asked_anew: Option<Instant>,
}

/// The state of a product according to its heartbeats.
#[derive(Debug, Default)]
struct Owed {
    /// The last trade, by the newest heartbeat.
    trade: u64,
    /// The last trade that was counted as missed.
    counted: u64,
}

#[derive(Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    channels: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Channel<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    product_ids: Field<'a>,
}

#[derive(Deserialize)]
struct Heartbeat<'a> {
    product_id: Symbol,
    /// `None` if nothing was traded yet.
    last_trade_id: Option<u64>,
    #[serde(borrow, default)]
    time: Field<'a>,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    #[serde(borrow, default)]
    message: Field<'a>,
    #[serde(borrow, default)]
    reason: Field<'a>,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.url.clone()
    }

    fn greet(&mut self, outbox: &mut Outbox) {
        let products: Vec<Symbol> = self
            .subscriptions
            .left()
            .map(|pair| pair.symbol())
            .collect();
        self.request(outbox, "subscribe", &["ticker", "heartbeat"], &products);
    }

    fn awaits(&self) -> Option<&'static str> {
        (self.answers_due > 0).then_some("an answer to the subscription")
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, Fault> {
        let error = |error: serde_json::Error| FrameError::new(&error, text);
        let typed: Typed<'_> = serde_json::from_str(text).map_err(error)?;
        let received = match typed.kind.as_deref() {
            Some("ticker") => {
                let mut faults = Vec::new();
                let ticker = self.parser.ticker(text, publisher.now(), &mut faults)?;
                publisher.wrongs(faults);
                for _ in 0..std::mem::take(&mut self.parser.again) {
                    publisher.gap();
                }
                match ticker {
                    Some(tick) if self.subscriptions.has(tick.symbol) => {
                        if self.parser.is_news {
                            self.is_late = !publisher.clock(tick.time);
                        }
                        self.tick(tick, publisher);
                        Received::Data
                    }
                    _ => Received::Unknown,
                }
            }
            Some("heartbeat") => {
                let beat: Heartbeat<'_> = serde_json::from_str(text).map_err(error)?;
                // A correct clock does not make late trades timely.
                if let Some(time) = beat.time.text().filter(|_| !self.is_late) {
                    publisher.clock(millis(&time, text)?);
                }
                if self.subscriptions.has(beat.product_id) {
                    self.beat(&beat, publisher);
                }
                Received::Data
            }
            Some("subscriptions") => {
                let answer: Subscriptions<'_> = serde_json::from_str(text).map_err(error)?;
                self.subscribed(&answer, publisher)?
            }
            Some("error") => {
                let refusal: Refusal<'_> = serde_json::from_str(text).map_err(error)?;
                self.refused(&refusal, publisher, outbox)?
            }
            _ => Received::Unknown,
        };
        self.resubscribe(outbox);
        Ok(received)
    }
}

impl Conversation<'_> {
    fn request(&mut self, outbox: &mut Outbox, kind: &str, channels: &[&str], products: &[Symbol]) {
        let request = json!({"type": kind, "product_ids": products, "channels": channels});
        outbox.text(request.to_string());
        self.answers_due += 1;
    }

    fn tick(&mut self, mut tick: Tick, publisher: &Publisher) {
        self.subscriptions.given(tick.symbol, publisher);
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
    }

    /// A heartbeat may overtake the `ticker` of its trade, but not the next one, a second later.
    fn beat(&mut self, beat: &Heartbeat<'_>, publisher: &Publisher) {
        let product = beat.product_id;
        let published = self.parser.newest_trade(product);
        let owed = self.owed.entry(product).or_default();
        if owed.trade > published.max(owed.counted) {
            publisher.gap();
            self.missed.insert(product);
            // It is counted once, even if the source never sends it.
            owed.counted = owed.trade;
        }
        owed.trade = beat.last_trade_id.unwrap_or_default();
    }

    fn resubscribe(&mut self, outbox: &mut Outbox) {
        let soon = self.asked_anew.is_some_and(|at| at.elapsed() < ANEW);
        if self.missed.is_empty() || self.answers_due > 0 || soon {
            return;
        }
        self.asked_anew = Some(Instant::now());
        let products: Vec<Symbol> = std::mem::take(&mut self.missed).into_iter().collect();
        for kind in ["unsubscribe", "subscribe"] {
            self.request(outbox, kind, &["ticker"], &products);
        }
    }

    fn subscribed(
        &mut self,
        answer: &Subscriptions<'_>,
        publisher: &Publisher,
    ) -> Result<Received, FeedError> {
        let channels = answer.channels.iter();
        let mut channels = channels.filter_map(|channel| serde_json::from_str(channel.get()).ok());
        let ticker = channels.find(|channel: &Channel<'_>| channel.name == "ticker");
        // While products are subscribed to again there may be no such channel for a moment.
        if ticker.is_some() || self.answers_due > 1 {
            self.answers_due = self.answers_due.saturating_sub(1);
        }
        let Some(ticker) = ticker.filter(|_| self.answers_due == 0) else {
            return Ok(Received::Handshake);
        };
        let products = ticker.product_ids.list().unwrap_or_default();
        let given: BTreeSet<Symbol> = products
            .into_iter()
            .filter_map(|product| product.text()?.parse().ok())
            .collect();
        let left: Vec<Symbol> = self
            .subscriptions
            .left()
            .map(|pair| pair.symbol())
            .collect();
        for symbol in left {
            if given.contains(&symbol) {
                self.subscriptions.given(symbol, publisher);
            } else {
                self.subscriptions
                    .refused(symbol, "it is not among the subscriptions", publisher)
                    .map_err(FeedError::Fatal)?;
            }
        }
        Ok(Received::Data)
    }

    fn refused(
        &mut self,
        refusal: &Refusal<'_>,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, FeedError> {
        let message = refusal.message.text().unwrap_or_default();
        let reason = refusal.reason.text().unwrap_or_default();
        let between = if reason.is_empty() { "" } else { ": " };
        let words = format!("{message}{between}{reason}");
        let words = socket::words(&words);
        let mut named = self.subscriptions.named_in(&words);
        named.retain(|symbol| !self.subscriptions.is_refused(*symbol));
        if named.is_empty() || self.answers_due == 0 {
            let why = format!("{NAME} answers: {words}");
            let lower = words.to_ascii_lowercase();
            if lower.contains("rate limit") || lower.contains("too many") {
                let wait = Duration::from_secs(60);
                return Err(FeedError::Later { why, wait });
            }
            // An error of the request itself will be the same the next time.
            return Err(match lower.contains("failed to subscribe") {
                true => FeedError::Fatal(why),
                false => FeedError::Transient(why),
            });
        }
        // The source does not list one of them, and subscribes to none.
        self.answers_due -= 1;
        for symbol in named {
            self.subscriptions
                .refused(symbol, &words, publisher)
                .map_err(FeedError::Fatal)?;
        }
        self.greet(outbox);
        Ok(Received::Handshake)
    }
}

/// The properties of a product that its letters show: name and currency.
pub fn session(product: Symbol, source: &str, quality: Quality) -> Session {
    pairs::session(product, NAME, source, quality)
}

#[cfg(test)]
mod tests;
