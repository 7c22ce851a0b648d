//! Any address that answers JSON, polled: prices are picked out of it by JSON Pointers
//! ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
//!
//! A document has one object of prices, an array of them, or an object whose keys are the symbols. What has
//! not changed since the last poll is not told again. Numbers are taken from their digits, whether the
//! source writes them as numbers or as texts.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{
    Best, Clock, Day, Millis, Price, Quality, Session, Size, Symbol, Tick, TimeUnit, Trade,
    TradeEligibility, TradingState,
};
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Deserializer, de, de::Error as _};
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;

use crate::Secret;
use crate::kit::time::exchange_time;
use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::options::{self, FeedOptions, Main},
    kit::{
        exact,
        fetch::{self, Fetcher, Page, pause},
        markup,
    },
};
use text::without_bom;

/// The most symbols of one feed.
const MAX_SYMBOLS: usize = 1_000;

/// The most rows of a document that are looked at.
const MAX_ROWS: usize = 2 * MAX_SYMBOLS;

/// The most headers that can be set.
const MAX_HEADERS: usize = 20;

/// What can be said of the feed. Where a pointer is not given, it is the name of what it points to: `/price`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The address.
    #[serde(deserialize_with = "options::http")]
    pub url: Url,
    /// What the feed is called; else the host's name.
    #[serde(default)]
    pub feed_name: Option<String>,
    /// How often it is asked; never more often than it allows.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// Headers of the request.
    #[serde(default, deserialize_with = "headers")]
    pub headers: BTreeMap<String, HeaderText>,
    /// Who asks.
    #[serde(default = "user_agent")]
    pub user_agent: String,
    /// Where the prices are: an object, or an array of objects; the whole document if nothing is said.
    #[serde(default = "Pointer::whole")]
    pub items: Pointer,
    /// Whether the keys of that object are the symbols.
    #[serde(default)]
    pub keyed: bool,
    /// Where the symbol is, or the symbol itself.
    #[serde(default = "at_symbol")]
    pub symbol: Subject,
    /// Other symbols in place of the source's own.
    #[serde(default)]
    pub rename: HashMap<String, Symbol>,
    /// The last price.
    #[serde(default = "at_price")]
    pub price: Pointer,
    /// The size of the last trade.
    #[serde(default = "at_size")]
    pub size: Pointer,
    /// The best price at which somebody buys.
    #[serde(default = "at_bid")]
    pub bid: Pointer,
    /// How much is bought at it.
    #[serde(default = "at_bid_size")]
    pub bid_size: Pointer,
    /// The best price at which somebody sells.
    #[serde(default = "at_ask")]
    pub ask: Pointer,
    /// How much is sold at it.
    #[serde(default = "at_ask_size")]
    pub ask_size: Pointer,
    /// What has been traded today.
    #[serde(default = "at_volume")]
    pub volume: Pointer,
    /// The day's highest price.
    #[serde(default = "at_high")]
    pub high: Pointer,
    /// The day's lowest price.
    #[serde(default = "at_low")]
    pub low: Pointer,
    /// The day's first price.
    #[serde(default = "at_open")]
    pub open: Pointer,
    /// The close of the day before.
    #[serde(default = "at_prev_close")]
    pub prev_close: Pointer,
    /// When it was so.
    #[serde(default = "at_time")]
    pub time: Pointer,
    /// What a time that is a number counts; by its magnitude where that is not given.
    #[serde(default)]
    pub time_unit: Option<Unit>,
    /// The name of what is traded.
    #[serde(default = "at_name")]
    pub name: Pointer,
    /// The currency of all prices.
    #[serde(default)]
    pub currency: Option<String>,
    /// Where all of it is traded.
    #[serde(default)]
    pub venue: Option<String>,
    /// What kind of data it is.
    #[serde(default = "quality")]
    pub quality: Quality,
}

fn interval() -> Duration {
    Duration::from_secs(10)
}

fn user_agent() -> String {
    fetch::USER_AGENT.to_owned()
}

fn quality() -> Quality {
    Quality::Live
}

macro_rules! pointers {
    ($($function:ident $name:literal),*) => {
        $(fn $function() -> Pointer {
            Pointer(vec![$name.to_owned()])
        })*
    };
}

pointers! {
    at_price "price", at_size "size", at_bid "bid", at_bid_size "bid_size", at_ask "ask",
    at_ask_size "ask_size", at_volume "volume", at_high "high", at_low "low", at_open "open",
    at_prev_close "prev_close", at_time "time", at_name "name"
}

fn at_symbol() -> Subject {
    Subject::At(Pointer(vec!["symbol".to_owned()]))
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

impl Pointer {
    fn whole() -> Self {
        Pointer(Vec::new())
    }

    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::whole());
        }
        let steps = text.strip_prefix('/')?.split('/').map(|step| {
            let mut rest = step;
            while let Some(at) = rest.find('~') {
                rest = &rest[at + 1..];
                if !rest.starts_with(['0', '1']) {
                    return None;
                }
            }
            Some(step.replace("~1", "/").replace("~0", "~"))
        });
        steps.collect::<Option<_>>().map(Pointer)
    }

    /// What stands there, if something does that is not `null`.
    fn find<'a>(&self, mut value: &'a RawValue) -> Option<&'a RawValue> {
        for step in &self.0 {
            value = match value.get().as_bytes().first()? {
                b'{' => serde_json::from_str::<Picked<'_>>(value.get())
                    .ok()?
                    .last(step)?,
                b'[' => {
                    let index: usize = step.parse().ok()?;
                    // No zeros in front, as the document says.
                    if index.to_string() != *step {
                        return None;
                    }
                    let all: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
                    all.get(index)?
                }
                _ => return None,
            };
        }
        (value.get() != "null").then_some(value)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pointer::read(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not a JSON pointer: expected /KEY/KEY…, with ~1 for a slash in a key and ~0 for a tilde"
            ))
        })
    }
}

/// Whom an object speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The symbol stands there.
    At(Pointer),
    /// It is this one.
    Is(Symbol),
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(pointer) = Pointer::read(&text).filter(|_| text.starts_with('/')) {
            return Ok(Subject::At(pointer));
        }
        text.parse().map(Subject::Is).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is neither a JSON pointer, as /data/symbol, nor a symbol, as BTC-USD"
            ))
        })
    }
}

/// What a time that is a number counts, since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Unit {
    /// Seconds; digits after the point count.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
}

impl From<Unit> for TimeUnit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Seconds => TimeUnit::Seconds,
            Unit::Milliseconds => TimeUnit::Millis,
            Unit::Microseconds => TimeUnit::Micros,
            Unit::Nanoseconds => TimeUnit::Nanos,
        }
    }
}

/// What a header says: written down, or a secret by its place.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, or { env = \"NAME\" } or { file = \"PATH\" } for one that is secret"
)]
pub enum HeaderText {
    /// This.
    Plain(String),
    /// What stands in a variable or a file.
    Secret(Secret),
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It may be a key all the same.
            HeaderText::Plain(_) => f.write_str("Plain(…)"),
            HeaderText::Secret(secret) => f.debug_tuple("Secret").field(secret).finish(),
        }
    }
}

fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, HeaderText>, D::Error> {
    let headers = BTreeMap::<String, HeaderText>::deserialize(deserializer)?;
    if headers.len() > MAX_HEADERS {
        let many = headers.len();
        return Err(D::Error::custom(format!(
            "{many} headers: expected at most {MAX_HEADERS}"
        )));
    }
    for (name, text) in &headers {
        if name.parse::<HeaderName>().is_err() {
            return Err(D::Error::custom(format!(
                "{name:?} is not the name of a header"
            )));
        }
        if let HeaderText::Plain(text) = text
            && HeaderValue::from_str(text).is_err()
        {
            return Err(D::Error::custom(format!(
                "the header {name} has characters that none may have"
            )));
        }
    }
    Ok(headers)
}

impl FeedOptions for Options {
    const NAME: &'static str = "json";
    const KEYS: &'static [&'static str] = &[
        "url",
        "feed_name",
        "interval",
        "headers",
        "user_agent",
        "items",
        "keyed",
        "symbol",
        "rename",
        "price",
        "size",
        "bid",
        "bid_size",
        "ask",
        "ask_size",
        "volume",
        "high",
        "low",
        "open",
        "prev_close",
        "time",
        "time_unit",
        "name",
        "currency",
        "venue",
        "quality",
    ];
    const MAIN: Main = Main::Address("url");

    fn about(&self) -> About {
        About {
            does: format!(
                "asks {} every {:?} for prices",
                fetch::place(&self.url),
                self.interval
            ),
            symbols: match self.symbol {
                Subject::Is(symbol) => vec![symbol],
                Subject::At(_) => Vec::new(),
            },
            licence: Licence::Terms,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        let texts = self.headers.values();
        texts
            .filter_map(|text| match text {
                HeaderText::Plain(_) => None,
                HeaderText::Secret(secret) => Some(secret),
            })
            .collect()
    }

    fn checked(self) -> Result<Self, String> {
        options::name(self.feed_name.as_deref())?;
        options::name(self.currency.as_deref())?;
        options::name(self.venue.as_deref())?;
        options::user_agent(&self.user_agent)?;
        if self.keyed && matches!(self.symbol, Subject::Is(_)) {
            return Err(
                "keyed beside one symbol: the keys are the symbols, or it is one".to_owned(),
            );
        }
        Ok(self)
    }
}

/// A feed of prices from one address.
#[derive(Debug)]
pub struct Json {
    name: String,
    options: Options,
    timeouts: fetch::Timeouts,
    /// What was told of each symbol.
    told: HashMap<Symbol, Figures>,
    /// How long it was since the last poll.
    wait: Duration,
}

impl Json {
    /// A feed of this address.
    pub fn new(options: Options) -> Self {
        let host = options.url.host_str().unwrap_or_default();
        let name = match &options.feed_name {
            Some(name) => name.clone(),
            None => format!("JSON of {host}"),
        };
        Json {
            name,
            options,
            timeouts: fetch::Timeouts::default(),
            told: HashMap::new(),
            wait: Duration::ZERO,
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Json { timeouts, ..self }
    }

    fn page(&self) -> Result<Page, FeedError> {
        let mut page = Page::new(self.options.url.clone());
        for (name, text) in &self.options.headers {
            let fatal = |why: String| FeedError::Fatal(format!("the header {name}: {why}"));
            let revealed = match text {
                HeaderText::Plain(text) => text.clone(),
                HeaderText::Secret(secret) => secret
                    .read()
                    .map_err(|error| fatal(error.to_string()))?
                    .expose()
                    .to_owned(),
            };
            let parsed: Option<HeaderName> = name.parse().ok();
            let value = HeaderValue::from_str(&revealed).ok();
            let (Some(parsed), Some(mut value)) = (parsed, value) else {
                return Err(fatal("it has characters that none may have".to_owned()));
            };
            value.set_sensitive(true);
            page = page.with_header(parsed, value);
        }
        Ok(page)
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let interval = self.options.interval;
        let fetcher = Fetcher::new(&self.options.user_agent, self.timeouts)?.of(publisher);
        let mut page = self.page()?;
        let place = fetch::place(&self.options.url);
        let later = |why: String| FeedError::Later {
            why: format!("{place}: {why}"),
            wait: interval,
        };
        loop {
            let answer = fetcher
                .get(&mut page)
                .await
                .map_err(|error| error.paced(interval))?;
            publisher.record_receipt();
            if let Some(document) = answer.document {
                let options = self.options.clone();
                let read = spawn_blocking(move || read(&document.body, &options));
                let rows = read
                    .await
                    .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
                    .map_err(later)?;
                let told = self.tell_all(rows, publisher);
                if let Err(why) = told {
                    return Err(later(why));
                }
            }
            publisher.live();
            let wait = pause(interval, answer.fresh);
            self.wait = wait;
            // It is not silent in between.
            publisher.expect_every(wait);
            publisher.rest(wait).await;
        }
    }
}

impl Json {
    /// Publishes the rows of a document. Of those of one symbol the first one counts, also where it
    /// cannot be read: the next one is of something else.
    ///
    /// # Errors
    /// When none can be read: why the last one cannot.
    fn tell_all(&mut self, rows: Vec<Row>, publisher: &Publisher) -> Result<(), String> {
        let mut seen = HashSet::new();
        let (mut is_any, mut last) = (false, None);
        for row in rows {
            let is_known = row
                .symbol
                .is_none_or(|symbol| self.told.contains_key(&symbol));
            let figures = match row.symbol {
                Some(symbol) if !seen.insert(symbol) => Err(format!(
                    "{symbol} stands there twice: the first row counts, and not {}",
                    row.start
                )),
                _ if !is_known && self.told.len() >= MAX_SYMBOLS => Err(format!(
                    "{} is too many: expected at most {MAX_SYMBOLS} symbols",
                    row.start
                )),
                _ => row.figures,
            };
            for why in row.faults {
                publisher.wrong(&why);
            }
            match (row.symbol, figures) {
                (Some(symbol), Ok(figures)) => {
                    is_any = true;
                    self.tell(symbol, row.name, figures, publisher);
                }
                (_, Err(why)) => {
                    publisher.wrong(&why);
                    last = Some(why);
                }
                (None, Ok(_)) => {}
            }
        }
        match last {
            Some(why) if !is_any => Err(why),
            _ => Ok(()),
        }
    }

    /// Publishes what has changed.
    fn tell(
        &mut self,
        symbol: Symbol,
        name: Option<String>,
        figures: Figures,
        publisher: &Publisher,
    ) {
        let options = &self.options;
        let before = self.told.get(&symbol);
        if before.is_none() {
            publisher.session(Session {
                symbol,
                name: name.unwrap_or_else(|| symbol.to_string()),
                currency: options.currency.clone(),
                venue: options.venue.clone(),
                source: self.name.clone(),
                quality: options.quality,
                state: TradingState::Open,
                halt_code: None,
                hours: None,
                open: figures.open,
                prev_close: figures.prev_close,
                tick: None,
            });
        }
        let changed =
            |figure: fn(&Figures) -> Option<Price>| before.and_then(figure) != figure(&figures);
        if before.is_some_and(|before| before.is_as(&figures)) {
            publisher.ignore();
            return;
        }
        let now = publisher.now();
        let believed = figures
            .time
            .map(|time| exchange_time(time, now, &self.name));
        let (time, clock) = match believed {
            Some(Ok(time)) => (time, Clock::Exchange),
            Some(Err(error)) => {
                publisher.wrong(&error);
                (now, Clock::Receipt)
            }
            None => (now, Clock::Receipt),
        };
        // A figure that has changed since the last poll is as old as that, and no older.
        let is_news = before.is_some() && clock == Clock::Exchange;
        match options.quality {
            Quality::Live if is_news => {
                publisher.clock_behind(time, Millis::try_from(self.wait.as_millis()).unwrap_or(0));
            }
            _ => {}
        }
        let mut tick = Tick::new(symbol, time, clock);
        let is_traded = changed(|figures| figures.price)
            || before.is_none_or(|before| before.size != figures.size);
        if let Some(price) = figures.price.filter(|_| is_traded) {
            tick.trade = Some(Trade {
                // Of all the trades between two polls one is seen, which is no volume.
                moves: TradeEligibility {
                    volume: false,
                    ..TradeEligibility::ALL
                },
                ..Trade::new(price, figures.size)
            });
        }
        let side = |price: Option<Price>, size| match price {
            Some(price) => Best::At { price, size },
            None => Best::Empty,
        };
        tick.bid = side(figures.bid, figures.bid_size);
        tick.ask = side(figures.ask, figures.ask_size);
        tick.day = Day {
            volume: figures.volume,
            high: figures.high,
            low: figures.low,
            open: figures.open,
            prev_close: figures.prev_close,
        };
        self.told.insert(symbol, figures);
        publisher.tick(&tick);
    }
}

impl Feed for Json {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// What a document has of one symbol.
#[derive(Debug, PartialEq)]
struct Row {
    /// None where that could not be read.
    symbol: Option<Symbol>,
    name: Option<String>,
    /// The figures, or why there are none.
    figures: Result<Figures, String>,
    /// What is wrong with single figures.
    faults: Vec<String>,
    /// The beginning of the row, to show.
    start: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Figures {
    price: Option<Price>,
    size: Option<Size>,
    bid: Option<Price>,
    bid_size: Option<Size>,
    ask: Option<Price>,
    ask_size: Option<Size>,
    volume: Option<Size>,
    high: Option<Price>,
    low: Option<Price>,
    open: Option<Price>,
    prev_close: Option<Price>,
    time: Option<Millis>,
}

impl Figures {
    /// Whether they are the same, at whatever time.
    fn is_as(&self, other: &Figures) -> bool {
        let other = Figures {
            time: self.time,
            ..other.clone()
        };
        *self == other
    }
}

/// Reads a document, each of its rows for itself.
///
/// # Errors
/// When there are no rows in it.
fn read(body: &[u8], options: &Options) -> Result<Vec<Row>, String> {
    let document: &RawValue = serde_json::from_slice(without_bom(body))
        .map_err(|error| format!("it is no JSON: {error}"))?;
    let missing = || {
        let place = options.items.0.join("/");
        format!("there is nothing at /{place} in it")
    };
    let items = options.items.find(document).ok_or_else(missing)?;
    let error = |error: serde_json::Error| format!("it is no JSON: {error}");
    match items.get().as_bytes().first() {
        Some(b'{') if options.keyed => {
            let keyed: Picked<'_> = serde_json::from_str(items.get()).map_err(error)?;
            let rows = keyed.0.iter().map(|(key, item)| (Some(&**key), *item));
            Ok(all(rows, options))
        }
        Some(b'[') if !options.keyed => {
            let rows: Vec<&RawValue> = serde_json::from_str(items.get()).map_err(error)?;
            Ok(all(rows.into_iter().map(|item| (None, item)), options))
        }
        Some(b'{') => Ok(vec![row(None, items, options)]),
        _ => {
            let expected = match options.keyed {
                true => "an object whose keys are the symbols",
                false => "an object or an array of objects",
            };
            Err(format!(
                "{} is no row of prices: expected {expected}",
                start(items)
            ))
        }
    }
}

/// An object in its order, and with all of its keys.
struct Picked<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Picked<'a> {
    /// What stands under a key; the last one where it stands there twice, as everywhere.
    fn last(self, key: &str) -> Option<&'a RawValue> {
        let mut found = self.0.into_iter().rev();
        found.find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Picked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> de::Visitor<'de> for Visitor<'a> {
            type Value = Picked<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Picked<'a>, A::Error> {
                let mut all = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    all.push((key, map.next_value()?));
                }
                Ok(Picked(all))
            }
        }

        /// A text that is only copied where it has to be.
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

/// The rows of a document, as many as are looked at.
fn all<'a>(
    items: impl Iterator<Item = (Option<&'a str>, &'a RawValue)>,
    options: &Options,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut left_out = 0;
    for (key, item) in items {
        match rows.len() < MAX_ROWS {
            true => rows.push(row(key, item, options)),
            false => left_out += 1,
        }
    }
    if let Some(last) = rows.last_mut()
        && left_out > 0
    {
        let why = format!("{left_out} rows are left out: expected at most {MAX_ROWS}");
        last.faults.push(why);
    }
    rows
}

fn row(key: Option<&str>, item: &RawValue, options: &Options) -> Row {
    let mut row = Row {
        symbol: None,
        name: None,
        figures: Err(String::new()),
        faults: Vec::new(),
        start: start(item),
    };
    match symbol(key, item, options) {
        Err(why) => row.figures = Err(why),
        Ok(symbol) => {
            row.symbol = Some(symbol);
            let name = options.name.find(item).and_then(words);
            let name = name.map(|name| markup::cut(market::plain(&name), 200));
            row.name = name.filter(|name| !name.is_empty());
            row.figures = figures(symbol, item, options, &mut row.faults);
        }
    }
    row
}

fn symbol(key: Option<&str>, item: &RawValue, options: &Options) -> Result<Symbol, String> {
    match (&options.symbol, key) {
        (Subject::Is(symbol), _) => Ok(*symbol),
        (Subject::At(_), Some(key)) => named(key, options),
        (Subject::At(pointer), None) => {
            let text = pointer.find(item).and_then(words).ok_or_else(|| {
                format!("{} has no symbol at /{}", start(item), pointer.0.join("/"))
            })?;
            named(&text, options)
        }
    }
}

/// The figures of a row. One that is wrong goes to `faults` and leaves the others; zero is no price.
fn figures(
    symbol: Symbol,
    item: &RawValue,
    options: &Options,
    faults: &mut Vec<String>,
) -> Result<Figures, String> {
    let before = faults.len();
    let mut price = |pointer: &Pointer, what: &str| -> Option<Price> {
        let price: Price = number(pointer, item, symbol, what, faults)?;
        if price < Price::ZERO {
            faults.push(format!(
                "{symbol}: the {what} is {price}: expected a price above zero, or zero where there is none"
            ));
        }
        Some(price).filter(|price| *price > Price::ZERO)
    };
    let (last, bid, ask) = (
        price(&options.price, "price"),
        price(&options.bid, "bid"),
        price(&options.ask, "ask"),
    );
    let (high, low) = (price(&options.high, "high"), price(&options.low, "low"));
    let (open, prev_close) = (
        price(&options.open, "open"),
        price(&options.prev_close, "prev_close"),
    );
    let mut size = |pointer: &Pointer, what: &str| -> Option<Size> {
        let size: Size = number(pointer, item, symbol, what, faults)?;
        if size < Size::ZERO {
            faults.push(format!(
                "{symbol}: the {what} is {size}: expected a size of zero or more"
            ));
        }
        Some(size).filter(|size| *size >= Size::ZERO)
    };
    let figures = Figures {
        price: last,
        size: size(&options.size, "size"),
        bid,
        bid_size: size(&options.bid_size, "bid_size"),
        ask,
        ask_size: size(&options.ask_size, "ask_size"),
        volume: size(&options.volume, "volume"),
        high,
        low,
        open,
        prev_close,
        time: options.time.find(item).and_then(|value| {
            time(value, options.time_unit).unwrap_or_else(|why| {
                faults.push(format!("{symbol}: the time {why}"));
                None
            })
        }),
    };
    if (figures.price, figures.bid, figures.ask) == (None, None, None) {
        // A price that is wrong has said so.
        let why = faults.drain(before..).next();
        return Err(why.unwrap_or_else(|| {
            format!(
                "{symbol} has no price: nothing above zero at /{}, /{} or /{}",
                options.price.0.join("/"),
                options.bid.0.join("/"),
                options.ask.0.join("/")
            )
        }));
    }
    Ok(figures)
}

/// The symbol of a source's own name. What a symbol cannot have in it, as the slash of BTC/USD, is a dash.
fn named(text: &str, options: &Options) -> Result<Symbol, String> {
    if let Some(symbol) = options.rename.get(text) {
        return Ok(*symbol);
    }
    let dashed: String = text
        .trim()
        .chars()
        .map(|c| if "/: ".contains(c) { '-' } else { c })
        .collect();
    dashed.parse().map_err(|error| format!("{error}"))
}

/// A text, or the digits of a number.
fn words(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'-' | b'0'..=b'9' => Some(value.get().to_owned()),
        _ => None,
    }
}

/// A number with the digits that stand there, whether in quotes or not. An empty text is none.
fn number<T>(
    pointer: &Pointer,
    item: &RawValue,
    symbol: Symbol,
    what: &str,
    faults: &mut Vec<String>,
) -> Option<T>
where
    T: std::str::FromStr<Err: fmt::Display>,
{
    let value = pointer.find(item)?;
    let read = match words(value) {
        None => Err(format!("{} is no number", start(value))),
        Some(text) if text.trim().is_empty() => return None,
        Some(text) => exact::read(text.trim()).map_err(|error| format!("is wrong: {error}")),
    };
    read.map_err(|why| faults.push(format!("{symbol}: the {what} {why}")))
        .ok()
}

/// A time as a number in the unit that was given, or that its magnitude shows, or as a text that is a
/// date. An empty text is none.
fn time(value: &RawValue, unit: Option<Unit>) -> Result<Option<Millis>, String> {
    let refused = || format!("{} is no time", start(value));
    let text = words(value).ok_or_else(refused)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let Ok(number) = exact::read::<Price>(text) else {
        return markup::time(text).map(Some).ok_or_else(refused);
    };
    let number = number.decimal();
    let Some(unit) = unit.map(TimeUnit::from) else {
        let read = market::since_epoch(number);
        return read
            .map(|(time, _)| Some(time))
            .map_err(|error| error.to_string());
    };
    let time = unit.millis(number).ok_or_else(refused)?;
    // The unit is not the one that was given: nothing was told of before it could be written down so.
    match TimeUnit::of(time) {
        Some(TimeUnit::Millis) => Ok(Some(time)),
        _ => Err(format!(
            "{} is no time in {}: expected one from March 3, 1973 on",
            start(value),
            unit.name()
        )),
    }
}

/// The beginning of a value, to show.
fn start(value: &RawValue) -> String {
    let start: String = value.get().chars().take(60).collect();
    format!("{start:?}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(more: &str) -> Options {
        let table: toml::Table = format!("url = 'https://a.example'\n{more}")
            .parse()
            .unwrap();
        table.try_into().unwrap()
    }

    fn rows(body: &str, more: &str) -> Vec<Row> {
        read(body.as_bytes(), &options(more)).unwrap()
    }

    /// The first row, in which nothing is wrong: its symbol, name and figures.
    fn one(body: &str, more: &str) -> (Symbol, Option<String>, Figures) {
        let row = rows(body, more).remove(0);
        assert_eq!(row.faults, [""; 0]);
        (row.symbol.unwrap(), row.name, row.figures.unwrap())
    }

    #[test]
    fn a_pointer_goes_where_the_standard_says() {
        // The examples of RFC 6901, section 5.
        let document = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"x":null,"d":1,"d":2}"#;
        let document: &RawValue = serde_json::from_str(document).unwrap();
        for (pointer, value) in [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
            ("/d", "2"),
        ] {
            let found = Pointer::read(pointer).unwrap().find(document);
            assert_eq!(found.map(RawValue::get), Some(value), "{pointer}");
        }
        for pointer in [
            "/foo/2", "/foo/00", "/foo/-", "/foo/x", "/none", "/x", "/foo/0/a",
        ] {
            let found = Pointer::read(pointer).unwrap().find(document);
            assert_eq!(found.map(RawValue::get), None, "{pointer}");
        }
        for pointer in ["foo", "/a~", "/a~2b", "#/foo"] {
            assert_eq!(Pointer::read(pointer), None, "{pointer}");
        }
    }

    #[test]
    fn rows_are_found_in_every_shape() {
        let (symbol, name, figures) = one(
            r#"{"symbol":"goog","price":597.30,"name":"Alphabet\u202e"}"#,
            "",
        );
        assert_eq!(
            (symbol.as_str(), name.as_deref()),
            ("GOOG", Some("Alphabet"))
        );
        assert_eq!(figures.price.unwrap().to_string(), "597.30");

        let (symbol, ..) = one(
            r#"{"data":{"last":"1"}}"#,
            "items = '/data'\nsymbol = 'BTC-USD'\nprice = '/last'",
        );
        assert_eq!(symbol.as_str(), "BTC-USD");

        let several = rows(
            r#"[{"s":"BTC/USD","price":1},{"s":7203,"price":2},{"price":3},{"s":"x","price":{}},5]"#,
            "symbol = '/s'",
        );
        let symbols: Vec<_> = several
            .iter()
            .map(|row| row.symbol.filter(|_| row.figures.is_ok()))
            .map(|symbol| symbol.map(|symbol| symbol.to_string()))
            .collect();
        assert_eq!(
            symbols,
            [
                Some("BTC-USD".to_owned()),
                Some("7203".to_owned()),
                None,
                None,
                None
            ]
        );

        let keyed = rows(
            r#"{"bitcoin":{"usd":67187.3358936566},"ether":{"usd":1.5e-7}}"#,
            "keyed = true\nprice = '/usd'\nrename = { bitcoin = 'BTC' }",
        );
        let told: Vec<_> = keyed
            .iter()
            .filter_map(|row| {
                let price = row.figures.as_ref().ok()?.price?;
                Some((row.symbol?.to_string(), price.to_string()))
            })
            .collect();
        assert_eq!(
            told,
            [
                ("BTC".to_owned(), "67187.3358936566".to_owned()),
                ("ETHER".to_owned(), "0.00000015".to_owned())
            ]
        );
        for (body, more, words) in [
            ("", "", "no JSON"),
            ("5", "", "no row of prices: expected an object or an array"),
            ("[]", "keyed = true", "whose keys are the symbols"),
            ("{}", "items = '/data/rows'", "nothing at /data/rows"),
        ] {
            let error = read(body.as_bytes(), &options(more)).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
        for (body, words) in [
            ("{}", "no symbol at /symbol"),
            (r#"{"symbol":"A"}"#, "A has no price"),
            (r#"{"symbol":"A","price":0}"#, "A has no price"),
            (
                r#"{"symbol":"A","price":"1,5"}"#,
                "\"1,5\" is not a decimal",
            ),
            (r#"{"symbol":"A","price":true}"#, "is no number"),
            (r#"{"symbol":"A","price":1e400}"#, "1e400"),
            (r#"{"symbol":"A","price":-5}"#, "the price is -5"),
            (r#"{"symbol":"A,B","price":1}"#, "is not a symbol"),
        ] {
            let error = rows(body, "").remove(0).figures.unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
    }

    #[test]
    fn a_figure_that_is_wrong_or_missing_leaves_the_others() {
        let mut row = rows(
            r#"{"symbol":"A","price":"1.50","bid":"","ask":null,"volume":"n/a","high":-2,"low":"0","prev_close":0,"size":0,"time":"soon"}"#,
            "",
        )
        .remove(0);
        let figures = row.figures.unwrap();
        assert_eq!(figures.price.unwrap().to_string(), "1.50");
        assert_eq!(figures.size, Some(Size::ZERO));
        assert_eq!((figures.bid, figures.ask), (None, None));
        assert_eq!((figures.high, figures.low), (None, None));
        assert_eq!((figures.prev_close, figures.time), (None, None));
        row.faults.sort();
        let values = ["-2", "\\\"soon\\\"", "\"n/a\""];
        assert_eq!(row.faults.len(), values.len(), "{:?}", row.faults);
        for (fault, value) in row.faults.iter().zip(values) {
            assert!(
                fault.starts_with("A: the ") && fault.contains(value),
                "{fault}"
            );
        }
    }

    #[test]
    fn times_are_read_in_their_unit() {
        let read = |text: &str, unit| {
            let value: Box<RawValue> = serde_json::from_str(text).unwrap();
            time(&value, unit)
        };
        let six = Ok(Some(1_795_240_800_000));
        for (text, unit) in [
            ("1795240800000", Unit::Milliseconds),
            ("\"1795240800000\"", Unit::Milliseconds),
            ("1795240800", Unit::Seconds),
            ("1795240800.0009", Unit::Seconds),
            ("1.7952408e9", Unit::Seconds),
            ("1795240800000999", Unit::Microseconds),
            ("1795240800000999999", Unit::Nanoseconds),
            ("\"2026-11-21T06:00:00Z\"", Unit::Nanoseconds),
            ("\"Sat, 21 Nov 2026 01:00 EST\"", Unit::Seconds),
        ] {
            assert_eq!(read(text, Some(unit)), six, "{text}");
            assert_eq!(read(text, None), six, "{text}");
        }
        assert_eq!(read("\"\"", None), Ok(None));
        for text in ["-1", "true", "[]", "1e39", "5"] {
            for unit in [None, Some(Unit::Seconds)] {
                let error = read(text, unit).unwrap_err();
                assert!(error.contains(text) || text == "1e39", "{text}: {error}");
            }
        }
        // Seconds where milliseconds were promised are not of 1970.
        let error = read("1795240800", Some(Unit::Milliseconds)).unwrap_err();
        assert!(
            error.contains("1795240800") && error.contains("no time in milliseconds"),
            "{error}"
        );
    }

    #[test]
    fn what_is_secret_in_a_header_is_not_shown() {
        let options = options("headers = { x-key = 'hunter2', y-key = { env = 'KEY' } }");
        let shown = format!("{options:?}");
        assert!(
            !shown.contains("hunter2") && shown.contains("KEY"),
            "{shown}"
        );
        assert_eq!(options.secrets(), [&Secret::Env("KEY".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(text in "\\PC*", key in "\\PC{0,20}", value in "[-0-9.eE\"\\[\\]{}:,a-z]{0,30}") {
            let plain = options("");
            let keyed = options("keyed = true");
            let body = format!(r#"{{{:?}:{value},"symbol":"A","price":{value},"time":{value}}}"#, key);
            for body in [&text, &body, &value] {
                let _ = read(body.as_bytes(), &plain);
                let _ = read(body.as_bytes(), &keyed);
            }
            let _ = (Pointer::read(&text), Pointer::read(&key));
        }

        #[test]
        fn digits_come_through(whole in 0_u64..1_000_000_000, part in "[0-9]{0,8}") {
            let text = match part.is_empty() {
                true => whole.to_string(),
                false => format!("{whole}.{part}"),
            };
            let rows = rows(&format!(r#"{{"symbol":"A","price":1,"volume":{text}}}"#), "");
            let row = rows.into_iter().next().unwrap();
            prop_assert_eq!(row.figures.unwrap().volume.unwrap().to_string(), text);
        }
    }
}
