use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
};

use futures_util::future::BoxFuture;
use market::{Action, Basis, Clock, Millis, News, NewsType, Quality, Symbol, Tick};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::json;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::sources::alpaca::{
    Account, Dialogue,
    frames::{self, Bands, Change, Message, Status},
};
use crate::{
    About, End, Feed, FeedError, Licence, Publisher, Secret, Timeouts,
    kit::about::list,
    kit::options::{self, FeedOptions, Main},
    kit::{
        conditions::Scope,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
        us_stock,
    },
};

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The symbols, without repetition.
    #[serde(deserialize_with = "symbols")]
    pub symbols: Vec<Symbol>,
    /// The origin of the trades and quotes.
    #[serde(default)]
    pub feed: Endpoint,
    /// The account's key.
    #[serde(default = "crate::sources::alpaca::key")]
    pub key: Secret,
    /// The secret of the key.
    #[serde(default = "crate::sources::alpaca::secret")]
    pub secret: Secret,
    /// The address, if it is not that of [`Options::feed`].
    #[serde(default, deserialize_with = "address")]
    pub url: Option<Uri>,
}

impl Options {
    fn address(&self) -> Uri {
        let default = || Uri::from_static(self.feed.url());
        self.url.clone().unwrap_or_else(default)
    }
}

/// The origin of a feed's trades and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The exchange IEX, some hundredths of all trades: what a free account has.
    #[default]
    Iex,
    /// All exchanges.
    Sip,
    /// All exchanges, a quarter of an hour late.
    DelayedSip,
    /// Simulated, at any time, for the symbol `FAKEPACA`.
    Test,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Endpoint::Iex => "iex",
            Endpoint::Sip => "sip",
            Endpoint::DelayedSip => "delayed_sip",
            Endpoint::Test => "test",
        })
    }
}

impl Endpoint {
    const fn url(self) -> &'static str {
        match self {
            Endpoint::Iex => "wss://stream.data.alpaca.markets/v2/iex",
            Endpoint::Sip => "wss://stream.data.alpaca.markets/v2/sip",
            Endpoint::DelayedSip => "wss://stream.data.alpaca.markets/v2/delayed_sip",
            Endpoint::Test => "wss://stream.data.alpaca.markets/v2/test",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Endpoint::Iex => "Alpaca",
            Endpoint::Sip => "Alpaca SIP",
            Endpoint::DelayedSip => "Alpaca delayed",
            Endpoint::Test => "Alpaca test",
        }
    }

    const fn venue(self) -> &'static str {
        match self {
            Endpoint::Iex => "IEX",
            Endpoint::Sip | Endpoint::DelayedSip => "US",
            Endpoint::Test => "Alpaca test",
        }
    }

    const fn scope(self) -> Scope {
        match self {
            Endpoint::Iex | Endpoint::Test => Scope::OneExchange,
            Endpoint::Sip | Endpoint::DelayedSip => Scope::Consolidated,
        }
    }

    /// How late its data arrives, in milliseconds; `None` if the times are simulated.
    const fn delay(self) -> Option<Millis> {
        match self {
            Endpoint::Iex | Endpoint::Sip => Some(0),
            Endpoint::DelayedSip => Some(15 * 60_000),
            Endpoint::Test => None,
        }
    }

    const fn quality(self) -> Quality {
        match self {
            Endpoint::Iex | Endpoint::Sip => Quality::Live,
            Endpoint::DelayedSip => Quality::Delayed,
            Endpoint::Test => Quality::Simulated,
        }
    }
}

fn address<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Uri>, D::Error> {
    options::websocket(reader).map(Some)
}

pub(super) fn symbols<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<Symbol>, D::Error> {
    let mut symbols = Vec::new();
    for name in Vec::<String>::deserialize(reader)? {
        let right = name.len() <= 12
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        let symbol: Option<Symbol> = name.parse().ok().filter(|_| right);
        let symbol = symbol.ok_or_else(|| {
            D::Error::custom(format!(
                "{name:?} is not a symbol of a US stock: expected up to 12 letters, digits and points, as in AAPL or BRK.B"
            ))
        })?;
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

impl FeedOptions for Options {
    const NAME: &'static str = "alpaca";
    const KEYS: &'static [&'static str] = &["symbols", "feed", "url"];
    const MAIN: Main = Main::List("symbols");
    const SECRETS: &'static [&'static str] = &["key", "secret"];

    fn about(&self) -> About {
        About {
            does: format!(
                "connects to {} and subscribes to quotes, trades, corrections and halts of {}",
                socket::shown(&self.address()),
                list(&self.symbols)
            ),
            symbols: self.symbols.clone(),
            licence: match self.feed {
                Endpoint::Test => Licence::Terms,
                _ => Licence::Personal,
            },
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key, &self.secret]
    }

    fn checked(self) -> Result<Self, String> {
        options::some(&self.symbols, "alpaca:AAPL,MSFT")?;
        Ok(self)
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        let own = match &self.url {
            Some(url) => format!(" at {}", socket::shown(url)),
            None => format!(" with feed={}", self.feed),
        };
        Some((
            format!("alpaca{own} and the key in {}", self.key),
            "an account has one connection to each of Alpaca's addresses, and the second would be refused: expected one feed with the symbols of both",
        ))
    }
}

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
