//! Trades and best prices from Kraken, after its
//! [WebSocket API, version 2](https://docs.kraken.com/api/docs/websocket-v2/ticker): the channels
//! `ticker` and [`trade`](https://docs.kraken.com/api/docs/websocket-v2/trade), no key.
//!
//! Best prices and the figures of the last 24 hours come from `ticker`, each trade from `trade`. The numbers of trades
//! rise by one. If one is missing, the channel is subscribed to again, which brings the last fifty; that also fills the
//! gap of a lost connection.
//!
//! All numbers are numbers in JSON and exact: they are taken from the text.
//!
//! The source allows about 150 connections in 10 minutes from an address, then refuses it for 10. It sends a heartbeat
//! each second when it has nothing else to send, and closes a connection that is idle for a minute.

mod frames;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{Clock, Symbol, Tick};
use serde_json::{json, value::RawValue};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Message, http::Uri};

use self::frames::{Frame, System, TradeEntry, list, symbol, tickers, trades};
pub(crate) use self::frames::{VERSION_1, is_of_version_1};
use crate::{
    End, Feed, FeedError, FrameError, Publisher, Timeouts,
    kit::{
        numbers::{Number, Numbers},
        pairs::{self, Exchange, Pair, Subscribed},
        rolling::Rolling,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
    },
};

const NAME: &str = "Kraken";

/// The exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {}

impl Exchange for Site {
    const KIND: &'static str = "kraken";
    const URL: &'static str = "wss://ws.kraken.com/v2";
}

/// The options of the feed.
pub type Options = pairs::Options<Site>;

/// A feed of some pairs.
#[derive(Debug)]
pub struct Kraken {
    pairs: Vec<Pair>,
    url: Uri,
    timeouts: Timeouts,
    made: ConnectBudget,
    published: BTreeSet<Symbol>,
    trades: Numbers,
    rolling: Rolling,
}

impl Kraken {
    /// A feed of these pairs from this address.
    pub fn new(pairs: Vec<Pair>, url: Uri) -> Self {
        Kraken {
            pairs,
            url,
            // Half of the connections that an address may make.
            timeouts: Timeouts {
                connections: (75, Duration::from_secs(10 * 60)),
                ..Timeouts::default()
            },
            made: ConnectBudget::default(),
            published: BTreeSet::new(),
            trades: Numbers::default(),
            rolling: Rolling::default(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Kraken { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        self.made.one_more(&self.timeouts, publisher).await;
        let mut conversation = Conversation {
            url: &self.url,
            subscriptions: Subscribed::new(NAME, &self.pairs, &mut self.published),
            trades: &mut self.trades,
            rolling: &mut self.rolling,
            answers_due: BTreeSet::new(),
            missed: BTreeSet::new(),
            asked_anew: None,
            requests: 0,
            is_down: false,
        };
        socket::run(&mut conversation, self.timeouts, publisher).await
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

/// How often pairs may be subscribed to again.
const ANEW: Duration = Duration::from_secs(1);

/// One connection.
struct Conversation<'a> {
    url: &'a Uri,
    subscriptions: Subscribed<'a>,
    trades: &'a mut Numbers,
    rolling: &'a mut Rolling,
    /// Each pair of a request is answered by a message of its own.
    answers_due: BTreeSet<(Channel, Symbol)>,
    /// The pairs of which a trade is missing, to be subscribed to again.
    missed: BTreeSet<Symbol>,
    asked_anew: Option<Instant>,
    requests: u64,
    /// The source's own report that its system is not fully working.
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

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.url.clone()
    }

    fn greet(&mut self, outbox: &mut Outbox) {
        let pairs: Vec<Pair> = self.subscriptions.left().collect();
        for channel in Channel::ALL {
            self.subscribe(outbox, channel, &pairs);
        }
    }

    fn awaits(&self) -> Option<&'static str> {
        (!self.answers_due.is_empty()).then_some("an answer to the subscription")
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, Fault> {
        if text.starts_with('[') && is_of_version_1(text) {
            return Err(FeedError::Fatal(VERSION_1.to_owned()).into());
        }
        let frame: Frame<'_> =
            serde_json::from_str(text).map_err(|error| FrameError::new(&error, text))?;
        let received = match (frame.channel.as_deref(), frame.method.as_deref()) {
            (Some("ticker"), _) => {
                let mut faults = Vec::new();
                let ticks = tickers(frame.data, publisher.now(), text, &mut faults)?;
                let is_any = !ticks.is_empty();
                for tick in ticks {
                    let is_update = frame.kind.as_deref() == Some("update");
                    if is_update
                        && tick.clock == Clock::Exchange
                        && self.subscriptions.has(tick.symbol)
                    {
                        publisher.clock(tick.time);
                    }
                    self.tick(tick, publisher);
                }
                some_of(is_any, faults, publisher)?
            }
            (Some("trade"), _) => {
                let snapshot = frame.kind.as_deref() == Some("snapshot");
                let mut faults = Vec::new();
                let entries = trades(frame.data, publisher.now(), text, &mut faults)?;
                let is_any = entries.iter().any(|entry| entry.tick.is_some());
                self.trades(entries, snapshot, publisher);
                some_of(is_any, faults, publisher)?
            }
            (Some("heartbeat"), _) if self.answers_due.is_empty() => Received::Data,
            (Some("heartbeat"), _) | (None, Some("pong")) => Received::Handshake,
            (Some("status"), _) => {
                self.status(frame.data, publisher, text)?;
                Received::Handshake
            }
            (None, Some("subscribe")) => self.answered(&frame, publisher)?,
            (None, Some("unsubscribe")) => Received::Handshake,
            (None, None) if frame.event.is_some() => {
                return Err(FeedError::Fatal(VERSION_1.to_owned()).into());
            }
            _ => Received::Unknown,
        };
        self.resubscribe(outbox);
        match received {
            // It sends heartbeats all the same, but its system is not well.
            Received::Data if self.is_down => Ok(Received::Handshake),
            received => Ok(received),
        }
    }

    fn ping(&mut self) -> Message {
        self.requests += 1;
        Message::text(json!({"method": "ping", "req_id": self.requests}).to_string())
    }
}

impl Conversation<'_> {
    fn request(&mut self, outbox: &mut Outbox, method: &str, channel: Channel, pairs: &[Pair]) {
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
        outbox.text(request.to_string());
    }

    fn subscribe(&mut self, outbox: &mut Outbox, channel: Channel, pairs: &[Pair]) {
        self.request(outbox, "subscribe", channel, pairs);
        let due = pairs.iter().map(|pair| (channel, pair.symbol()));
        self.answers_due.extend(due);
    }

    fn resubscribe(&mut self, outbox: &mut Outbox) {
        let soon = self.asked_anew.is_some_and(|at| at.elapsed() < ANEW);
        if self.missed.is_empty() || !self.answers_due.is_empty() || soon {
            return;
        }
        self.asked_anew = Some(Instant::now());
        let missed = std::mem::take(&mut self.missed);
        let pairs = self.subscriptions.left();
        let pairs: Vec<Pair> = pairs
            .filter(|pair| missed.contains(&pair.symbol()))
            .collect();
        self.request(outbox, "unsubscribe", Channel::Trade, &pairs);
        self.subscribe(outbox, Channel::Trade, &pairs);
    }

    fn tick(&mut self, mut tick: Tick, publisher: &Publisher) {
        if !self.subscriptions.has(tick.symbol) {
            publisher.ignore();
            return;
        }
        self.subscriptions.given(tick.symbol, publisher);
        self.rolling.thin(tick.symbol, &mut tick.day);
        publisher.tick(&tick);
    }

    fn trades(&mut self, mut entries: Vec<TradeEntry>, snapshot: bool, publisher: &Publisher) {
        entries.sort_by_key(|entry| entry.id);
        if snapshot {
            self.begin_with(&mut entries);
        }
        for TradeEntry { id, symbol, tick } in entries {
            if !self.subscriptions.has(symbol) {
                publisher.ignore();
                continue;
            }
            let Some(mut tick) = tick else {
                // It is counted as wrong, and need not be requested again.
                self.trades.skip(symbol, id);
                continue;
            };
            if let Some(trade) = &mut tick.trade {
                match self.trades.take(symbol, tick.time, trade, snapshot) {
                    Number::Next | Number::Missed => {}
                    // In a snapshot it is the trade that fills the gap.
                    Number::Known if snapshot => continue,
                    Number::Known => {
                        publisher.ignore();
                        continue;
                    }
                    Number::Again => publisher.gap(),
                    Number::AfterGap => {
                        publisher.gap();
                        if !snapshot {
                            self.missed.insert(symbol);
                        }
                    }
                }
            }
            if !snapshot && tick.clock == Clock::Exchange {
                publisher.clock(tick.time);
            }
            self.tick(tick, publisher);
        }
    }

    /// Removes from a snapshot the trades before the subscription. A snapshot has the newest trades of each pair: a
    /// number below the previous one shows that the source has restarted its numbers. For a pair without any data yet,
    /// the trades before the last one belong to the time before.
    fn begin_with(&mut self, entries: &mut Vec<TradeEntry>) {
        let mut newest: BTreeMap<Symbol, u64> = BTreeMap::new();
        for entry in entries.iter() {
            newest.insert(entry.symbol, entry.id);
        }
        for (symbol, last) in newest {
            if self.trades.newest(symbol).is_some_and(|known| last < known) {
                self.trades.restart(symbol);
            }
            if self.trades.newest(symbol).is_none() {
                entries.retain(|entry| entry.symbol != symbol || entry.id == last);
            }
        }
    }

    fn status(
        &mut self,
        data: Option<&RawValue>,
        publisher: &Publisher,
        text: &str,
    ) -> Result<(), FrameError> {
        let systems = list(data, text)?;
        let systems = systems
            .into_iter()
            .filter_map(|system| serde_json::from_str::<System<'_>>(system.get()).ok());
        let system = systems.filter_map(|system| system.system).next();
        if let Some(system) = system.as_deref() {
            self.is_down = system != "online";
            if self.is_down {
                let system = socket::words(system);
                publisher.degraded(format!("{NAME} reports the state of its system: {system}"));
            }
        }
        Ok(())
    }

    fn answered(
        &mut self,
        frame: &Frame<'_>,
        publisher: &Publisher,
    ) -> Result<Received, FeedError> {
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
                if self.subscriptions.has(symbol) {
                    self.subscriptions.given(symbol, publisher);
                }
            }
        } else {
            let words = socket::words(frame.error.as_deref().unwrap_or("without a reason"));
            let mut named = self.subscriptions.named_in(&words);
            named.extend(symbol.filter(|symbol| self.subscriptions.has(*symbol)));
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
                    self.subscriptions
                        .refused(symbol, &words, publisher)
                        .map_err(FeedError::Fatal)?;
                }
            }
        }
        Ok(match self.answers_due.is_empty() {
            true => Received::Data,
            false => Received::Handshake,
        })
    }
}

/// The result of a message of several entries, some of them invalid: a message without any valid entry is itself
/// invalid.
fn some_of(
    is_any: bool,
    mut faults: Vec<FrameError>,
    publisher: &Publisher,
) -> Result<Received, FrameError> {
    let last = if is_any { None } else { faults.pop() };
    publisher.wrongs(faults);
    last.map_or(Ok(Received::Data), Err)
}

#[cfg(test)]
mod tests;
