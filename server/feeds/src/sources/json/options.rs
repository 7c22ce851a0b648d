use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use market::{Quality, Symbol, TimeUnit};
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::pointer::Pointer;
use crate::{
    About, Licence, Secret,
    kit::{
        fetch,
        options::{self, FeedOptions, Main},
    },
};

/// The most headers that can be set.
const MAX_HEADERS: usize = 20;

/// The options of the feed. A pointer that is not given is the name of its figure: `/price`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The address.
    #[serde(deserialize_with = "options::http")]
    pub url: Url,
    /// The name of the feed; by default the host's name.
    #[serde(default)]
    pub feed_name: Option<String>,
    /// The interval of polls; the source's own interval may be longer.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// Headers of the request.
    #[serde(default, deserialize_with = "headers")]
    pub headers: BTreeMap<String, HeaderText>,
    /// The `User-Agent`.
    #[serde(default = "user_agent")]
    pub user_agent: String,
    /// Where the prices are: an object, or an array of objects; by default the whole document.
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
    /// The best bid.
    #[serde(default = "at_bid")]
    pub bid: Pointer,
    /// Its size.
    #[serde(default = "at_bid_size")]
    pub bid_size: Pointer,
    /// The best ask.
    #[serde(default = "at_ask")]
    pub ask: Pointer,
    /// Its size.
    #[serde(default = "at_ask_size")]
    pub ask_size: Pointer,
    /// The day's volume.
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
    /// The previous close.
    #[serde(default = "at_prev_close")]
    pub prev_close: Pointer,
    /// The time of the figures.
    #[serde(default = "at_time")]
    pub time: Pointer,
    /// The unit of a time that is a number; by its magnitude if not given.
    #[serde(default)]
    pub time_unit: Option<Unit>,
    /// The name of the symbol.
    #[serde(default = "at_name")]
    pub name: Pointer,
    /// The currency of all prices.
    #[serde(default)]
    pub currency: Option<String>,
    /// The venue of all symbols.
    #[serde(default)]
    pub venue: Option<String>,
    /// The kind of data.
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

/// How the symbol of an object is determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// It is there.
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

/// The unit of a time that is a number, since the epoch.
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

/// The value of a header: a text, or a secret by its place.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, or { env = \"NAME\" } or { file = \"PATH\" } for one that is secret"
)]
pub enum HeaderText {
    /// This text.
    Plain(String),
    /// The content of a variable or a file.
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
                "polls {} every {:?} for prices",
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

    fn subjects(&self) -> Vec<String> {
        vec![format!("json:{}", self.url)]
    }
}
