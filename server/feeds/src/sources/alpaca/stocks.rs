mod options;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use futures_util::future::BoxFuture;
use market::{Action, Basis, Clock, Millis, News, NewsType, Symbol, Tick};
use serde_json::json;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::sources::alpaca::{
    Account, Dialogue,
    frames::{self, Bands, Change, Message, Status},
};
use crate::{
    End, Feed, FeedError, Publisher, Timeouts,
    kit::{
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
        us_stock,
    },
};

pub(super) use options::symbols;
pub use options::{Endpoint, Options};

/// A feed of trades, quotes, halts and corrections.
#[derive(Debug)]
pub struct Stocks {
    options: Options,
    timeouts: Timeouts,
    made: ConnectBudget,
    // Both only for subscribed symbols, and kept across connections.
    halts: HashMap<Symbol, Millis>,
    bands: HashMap<Symbol, Bands>,
}

impl Stocks {
    /// A feed with these options.
    pub fn new(options: Options) -> Self {
        Stocks {
            options,
            timeouts: crate::sources::alpaca::timeouts(),
            made: ConnectBudget::default(),
            halts: HashMap::new(),
            bands: HashMap::new(),
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Stocks { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let account = Account::read(&self.options.key, &self.options.secret, publisher)?;
        for &symbol in &self.options.symbols {
            let feed = self.options.feed;
            publisher.session(us_stock::session(
                symbol,
                feed.venue(),
                feed.name(),
                feed.quality(),
                publisher,
            ));
        }
        let symbols = &self.options.symbols;
        let subscription = match self.options.feed {
            // It has no other channels.
            Endpoint::Test => {
                json!({"action": "subscribe", "trades": symbols, "quotes": symbols})
            }
            // Corrections and cancels arrive with the trades.
            _ => json!({
                "action": "subscribe",
                "trades": symbols,
                "quotes": symbols,
                "statuses": symbols,
                "lulds": symbols,
            }),
        };
        self.made.one_more(&self.timeouts, publisher).await;
        let mut conversation = Conversation {
            dialogue: Dialogue::new(&account, subscription),
            options: &self.options,
            halts: &mut self.halts,
            bands: &mut self.bands,
        };
        let end = socket::run(&mut conversation, self.timeouts, publisher).await;
        end.map_err(|error| error.hiding(&account.key).hiding(&account.secret))
    }
}

impl Feed for Stocks {
    fn name(&self) -> &str {
        self.options.feed.name()
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// One connection.
struct Conversation<'a> {
    dialogue: Dialogue<'a>,
    options: &'a Options,
    halts: &'a mut HashMap<Symbol, Millis>,
    bands: &'a mut HashMap<Symbol, Bands>,
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.options.address()
    }

    fn awaits(&self) -> Option<&'static str> {
        self.dialogue.awaits()
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, Fault> {
        let Conversation {
            dialogue,
            options,
            halts,
            bands,
        } = self;
        let ours = |symbol: Symbol| options.symbols.contains(&symbol);
        let scope = options.feed.scope();
        let account = dialogue.account;
        dialogue.read(text, publisher, outbox, |kind, object| {
            let mut faults = Vec::new();
            let message = frames::parse(scope, kind, object, publisher.now(), &mut faults)?;
            let faults = faults.into_iter();
            publisher.wrongs(faults.map(|fault| account.hidden(fault)).collect());
            match message {
                Some(Message::Tick(tick)) if ours(tick.symbol) => {
                    timely(&tick, options.feed, publisher);
                    publisher.tick(&tick);
                    traded(&tick, halts, publisher);
                }
                Some(Message::Correction(correction)) if ours(correction.symbol) => {
                    publisher.correct(&correction);
                }
                Some(Message::Status(status)) if ours(status.symbol) => {
                    changed(&status, options.feed, halts, bands, publisher);
                }
                Some(Message::Bands(limits)) if ours(limits.symbol) => {
                    bands.insert(limits.symbol, limits);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

/// Compares the time of a report that is sent at once with the server's clock. Trades that move no last price may be
/// reported long after.
fn timely(tick: &Tick, feed: Endpoint, publisher: &Publisher) {
    let is_of_now = tick.trade.is_none_or(|trade| trade.moves.last);
    if let Some(delay) = feed.delay()
        && is_of_now
        && tick.clock == Clock::Exchange
    {
        publisher.clock_behind(tick.time, delay);
    }
}

/// Nothing is traded during a halt: if the resumption was missed, because there was no connection, a regular trade
/// after the halt shows it.
fn traded(tick: &Tick, halts: &mut HashMap<Symbol, Millis>, publisher: &Publisher) {
    let Entry::Occupied(halt) = halts.entry(tick.symbol) else {
        return;
    };
    let regular = tick
        .trade
        .is_some_and(|trade| trade.moves.last && trade.moves.volume);
    if regular && tick.time > *halt.get() {
        halt.remove();
        publisher.resume(tick.symbol);
    }
}

fn changed(
    status: &Status,
    feed: Endpoint,
    halts: &mut HashMap<Symbol, Millis>,
    bands: &HashMap<Symbol, Bands>,
    publisher: &Publisher,
) {
    let Status {
        symbol,
        time,
        words,
        reason,
        ..
    } = status;
    match &status.change {
        Change::Halt(code) => {
            halts.insert(*symbol, *time);
            publisher.halt(*symbol, code);
            let bands = bands
                .get(symbol)
                .filter(|_| code.starts_with("LUD"))
                .map(|bands| {
                    format!(
                        "It was to be traded between {} and {}.",
                        bands.down, bands.up
                    )
                });
            let sentences = [Some(reason.clone()), bands].into_iter().flatten();
            let sentences: Vec<String> = sentences.filter(|text| !text.is_empty()).collect();
            publisher.news(News {
                summary: Some(sentences.join(" ")).filter(|text| !text.is_empty()),
                code: Some(code.clone()),
                ..story(NewsType::Halt, status, feed, &or(words, "Trading halt"))
            });
        }
        Change::Resume => {
            halts.remove(symbol);
            publisher.resume(*symbol);
            publisher.news(story(
                NewsType::Resume,
                status,
                feed,
                &or(words, "Trading resumption"),
            ));
        }
        Change::Nothing => {}
    }
}

fn or<'a>(words: &'a str, otherwise: &'a str) -> impl fmt::Display + 'a {
    if words.is_empty() { otherwise } else { words }
}

fn story(kind: NewsType, status: &Status, feed: Endpoint, words: &dyn fmt::Display) -> News {
    let Status { symbol, time, .. } = status;
    let what = match kind {
        NewsType::Resume => "resume",
        _ => "halt",
    };
    News {
        id: format!("alpaca:{what}:{symbol}:{time}"),
        kind,
        basis: Basis::Native,
        action: Action::Created,
        symbols: vec![*symbol],
        headline: format!("{symbol}: {words}"),
        summary: None,
        url: None,
        source: feed.name().to_owned(),
        published: *time,
        form: None,
        accession: None,
        code: None,
    }
}
