use std::{collections::HashSet, fmt, str::FromStr, time::Duration};

use reqwest::Url;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_path_to_error::{Path, Segment};
use tokio_tungstenite::tungstenite::http::Uri;
use toml::{Table, Value};

use super::{
    About, Feed, Licence, alpaca,
    binance::{self, Binance},
    coinbase::{self, Coinbase},
    finnhub::{self, Finnhub},
    halts::{self, Halts},
    json::{self, Json},
    kraken::{self, Kraken},
    pairs::Pair,
    replay::{self, Replay},
    rss::{self, Rss},
    sec::{self, Sec},
    simulate::{self, Simulate},
    socket,
    stdin::{self, Stdin},
};
use crate::Secret;

/// A feed as it is asked for: a name, what it is about, and options. On the command line that is
/// one text, in the file of the configuration a table; both are read into the same options.
///
/// - `none`
/// - `simulate`
/// - `alpaca:AAPL,MSFT`, with `?feed=test` or another of its endpoints
/// - `alpaca-news:AAPL,MSFT`, of all symbols without any
/// - `binance:BTCUSDT,ETHUSDT`, with `?url=ws://127.0.0.1:9000/stream` at another address
/// - `sec:8-K,4?user_agent=Jane Doe jane@example.com`, of all forms without any
/// - `nasdaq-halts`
/// - `coinbase:BTC-USD,ETH-USD` and `kraken:BTC-USD,ETH-USD`, at another address likewise
/// - `rss:https://…`
/// - `json:https://…`
/// - `stdin`
/// - `finnhub:AAPL,MSFT`
/// - `replay:FILE`, with `?speed=50` so many times quicker, with `?speed=max` as quick as it goes
#[derive(Debug, Clone, PartialEq)]
pub enum FeedSpec {
    /// Nothing: all that there is, is published.
    None,
    /// The built-in market of 30 US stocks.
    Simulate,
    /// Stocks from Alpaca.
    Alpaca(alpaca::Options),
    /// News from Alpaca.
    AlpacaNews(alpaca::StoriesOptions),
    /// Trades and best prices from Binance.
    Binance(binance::Options),
    /// Trades and best prices from Coinbase Exchange.
    Coinbase(coinbase::Options),
    /// Trades and best prices from Kraken.
    Kraken(kraken::Options),
    /// Trades of stocks from Finnhub.
    Finnhub(finnhub::Options),
    /// A recording.
    Replay(replay::Options),
    /// The SEC's latest filings.
    Sec(sec::Options),
    /// Trading halts of the US exchanges.
    NasdaqHalts(halts::Options),
    /// Stories from addresses of RSS or Atom.
    Rss(rss::Options),
    /// Prices from an address of JSON.
    Json(Box<json::Options>),
    /// Events from the standard input.
    Stdin(stdin::Options),
}

/// What can be said of a feed of one kind.
pub(super) trait FeedOptions: DeserializeOwned {
    /// How the feed is called.
    const NAME: &'static str;

    /// The keys of its table, the one that [`FeedOptions::MAIN`] names included.
    const KEYS: &'static [&'static str];

    /// What stands behind the colon.
    const MAIN: Main;

    /// The fields that are a [`Secret`], beside the keys: of `key` the table has `key_env` or
    /// `key_file`.
    const SECRETS: &'static [&'static str] = &[];

    /// The secrets that are to be there when the feed starts.
    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    /// What the feed would do.
    fn about(&self) -> About;

    /// Checks what a type cannot.
    ///
    /// # Errors
    /// What is wrong, with the value and what was expected.
    fn checked(self) -> Result<Self, String> {
        Ok(self)
    }
}

/// What the text behind the colon of a feed is, by the key of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Main {
    /// Nothing stands there; options may follow.
    Nothing,
    /// A list, separated by commas; options follow the first question mark.
    List(&'static str),
    /// A text; options follow the last question mark, because the name of a file may have one.
    Text(&'static str),
    /// An address, which may have anything in it; no options follow.
    Address(&'static str),
}

/// Why a text or a table is not a [`FeedSpec`]: all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError(Vec<SpecFault>);

/// One thing that is wrong with a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecFault {
    /// The key of the table that it is about, if it is about one.
    pub key: Option<String>,
    /// The place in the list of that key, if it is one.
    pub item: Option<usize>,
    /// Whether a feed of that kind has no such key.
    pub unknown: bool,
    /// What is wrong, with the value and what was expected.
    pub message: String,
}

impl SpecError {
    /// What is wrong, one by one.
    pub fn faults(&self) -> &[SpecFault] {
        &self.0
    }

    fn of(message: String) -> Self {
        SpecError(vec![SpecFault::of_all(message)])
    }
}

impl SpecFault {
    fn of_all(message: String) -> Self {
        SpecFault {
            key: None,
            item: None,
            unknown: false,
            message,
        }
    }

    fn of(key: &str, message: String) -> Self {
        SpecFault {
            key: Some(key.to_owned()),
            item: None,
            unknown: false,
            message,
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{}", fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecError {}

/// All names of feeds.
const FEEDS: [&str; 14] = [
    "none",
    "simulate",
    alpaca::Options::NAME,
    alpaca::StoriesOptions::NAME,
    binance::Options::NAME,
    coinbase::Options::NAME,
    kraken::Options::NAME,
    finnhub::Options::NAME,
    replay::Options::NAME,
    sec::Options::NAME,
    halts::Options::NAME,
    rss::Options::NAME,
    json::Options::NAME,
    stdin::Options::NAME,
];

impl FeedSpec {
    /// The feed, if it is one. A seed decides what the simulated market does.
    pub fn build(self, seed: u64) -> Option<Box<dyn Feed>> {
        Some(match self {
            FeedSpec::None => return None,
            FeedSpec::Simulate => Box::new(Simulate::new(seed)),
            FeedSpec::Alpaca(options) => Box::new(alpaca::Stocks::new(options)),
            FeedSpec::AlpacaNews(options) => Box::new(alpaca::Stories::new(options)),
            FeedSpec::Binance(options) => Box::new(Binance::new(options.symbols, options.url)),
            FeedSpec::Coinbase(options) => Box::new(Coinbase::new(options.symbols, options.url)),
            FeedSpec::Kraken(options) => Box::new(Kraken::new(options.symbols, options.url)),
            FeedSpec::Finnhub(options) => Box::new(Finnhub::new(options)),
            FeedSpec::Replay(options) => Box::new(Replay::new(options.file, options.speed)),
            FeedSpec::Sec(options) => Box::new(Sec::new(options)),
            FeedSpec::NasdaqHalts(options) => Box::new(Halts::new(options)),
            FeedSpec::Rss(options) => Box::new(Rss::new(options)),
            FeedSpec::Json(options) => Box::new(Json::new(*options)),
            FeedSpec::Stdin(_) => Box::new(Stdin::new()),
        })
    }

    /// Reads a feed of that name from its table.
    ///
    /// # Errors
    /// When there is no such feed, or its options are wrong.
    pub fn from_table(name: &str, table: Table) -> Result<Self, SpecError> {
        match name {
            "none" | "simulate" => match table.keys().next() {
                None if name == "none" => Ok(FeedSpec::None),
                None => Ok(FeedSpec::Simulate),
                Some(key) => Err(SpecError(vec![SpecFault {
                    unknown: true,
                    ..SpecFault::of(
                        key,
                        format!("{key:?} is not an option of {name}: expected none"),
                    )
                }])),
            },
            alpaca::Options::NAME => options(table).map(FeedSpec::Alpaca),
            alpaca::StoriesOptions::NAME => options(table).map(FeedSpec::AlpacaNews),
            binance::Options::NAME => options(table).map(FeedSpec::Binance),
            coinbase::Options::NAME => options(table).map(FeedSpec::Coinbase),
            kraken::Options::NAME => options(table).map(FeedSpec::Kraken),
            finnhub::Options::NAME => options(table).map(FeedSpec::Finnhub),
            replay::Options::NAME => options(table).map(FeedSpec::Replay),
            sec::Options::NAME => options(table).map(FeedSpec::Sec),
            halts::Options::NAME => options(table).map(FeedSpec::NasdaqHalts),
            rss::Options::NAME => options(table).map(FeedSpec::Rss),
            json::Options::NAME => options(table).map(Box::new).map(FeedSpec::Json),
            stdin::Options::NAME => options(table).map(FeedSpec::Stdin),
            _ => Err(unknown(name)),
        }
    }

    /// The name of its kind.
    pub fn name(&self) -> &'static str {
        match self {
            FeedSpec::None => "none",
            FeedSpec::Simulate => "simulate",
            FeedSpec::Alpaca(_) => alpaca::Options::NAME,
            FeedSpec::AlpacaNews(_) => alpaca::StoriesOptions::NAME,
            FeedSpec::Binance(_) => binance::Options::NAME,
            FeedSpec::Coinbase(_) => coinbase::Options::NAME,
            FeedSpec::Kraken(_) => kraken::Options::NAME,
            FeedSpec::NasdaqHalts(_) => halts::Options::NAME,
            FeedSpec::Sec(_) => sec::Options::NAME,
            FeedSpec::Rss(_) => rss::Options::NAME,
            FeedSpec::Json(_) => json::Options::NAME,
            FeedSpec::Stdin(_) => stdin::Options::NAME,
            FeedSpec::Finnhub(_) => finnhub::Options::NAME,
            FeedSpec::Replay(_) => replay::Options::NAME,
        }
    }

    /// What the feed would do.
    pub fn about(&self) -> About {
        match self {
            FeedSpec::None => About {
                does: "does nothing".to_owned(),
                symbols: Vec::new(),
                licence: Licence::Public,
            },
            FeedSpec::Simulate => simulate::about(),
            FeedSpec::Alpaca(options) => options.about(),
            FeedSpec::AlpacaNews(options) => options.about(),
            FeedSpec::Binance(options) => options.about(),
            FeedSpec::Coinbase(options) => options.about(),
            FeedSpec::Kraken(options) => options.about(),
            FeedSpec::NasdaqHalts(options) => options.about(),
            FeedSpec::Sec(options) => options.about(),
            FeedSpec::Rss(options) => options.about(),
            FeedSpec::Json(options) => options.about(),
            FeedSpec::Stdin(options) => options.about(),
            FeedSpec::Finnhub(options) => options.about(),
            FeedSpec::Replay(options) => options.about(),
        }
    }

    /// Whether the feed receives what can be recorded.
    pub fn receives(&self) -> bool {
        !matches!(
            self,
            FeedSpec::None | FeedSpec::Simulate | FeedSpec::Replay(_) | FeedSpec::Stdin(_)
        )
    }

    /// Whether what the feed needs is there, its secrets apart.
    ///
    /// # Errors
    /// What is not, and what was expected.
    pub fn ready(&self) -> Result<(), String> {
        match self {
            FeedSpec::Replay(options) => replay::ready(&options.file),
            _ => Ok(()),
        }
    }

    /// What may be wrong with its options although they can be read.
    pub fn doubts(&self) -> Vec<String> {
        match self {
            FeedSpec::Sec(options) => options.doubts(),
            _ => Vec::new(),
        }
    }

    /// The secrets that the feed needs.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            FeedSpec::None | FeedSpec::Simulate => Vec::new(),
            FeedSpec::Alpaca(options) => options.secrets(),
            FeedSpec::AlpacaNews(options) => options.secrets(),
            FeedSpec::Binance(options) => options.secrets(),
            FeedSpec::Coinbase(options) => options.secrets(),
            FeedSpec::Kraken(options) => options.secrets(),
            FeedSpec::Finnhub(options) => options.secrets(),
            FeedSpec::Replay(options) => options.secrets(),
            FeedSpec::Sec(options) => options.secrets(),
            FeedSpec::NasdaqHalts(options) => options.secrets(),
            FeedSpec::Rss(options) => options.secrets(),
            FeedSpec::Json(options) => options.secrets(),
            FeedSpec::Stdin(options) => options.secrets(),
        }
    }

    /// All names of feeds.
    pub fn names() -> &'static [&'static str] {
        &FEEDS
    }

    /// Whether these feeds can run beside each other. Several may quote the same symbol: the first one
    /// that is well speaks for it.
    ///
    /// # Errors
    /// The place of the first one that cannot, and why.
    pub fn together(feeds: &[FeedSpec]) -> Result<(), (usize, String)> {
        for (place, feed) in feeds.iter().enumerate() {
            if *feed == FeedSpec::None && feeds.len() > 1 {
                let why = "none is given beside other feeds: expected it alone";
                return Err((place, why.to_owned()));
            }
            let before = &feeds[..place];
            if let Some((what, why)) = feed.alone()
                && before
                    .iter()
                    .any(|other| other.alone().is_some_and(|(other, _)| other == what))
            {
                return Err((place, format!("{what} is given twice: {why}")));
            }
            if before.contains(feed) {
                // An address may have a key in its query.
                let shown = feed.subjects().into_iter().map(|subject| {
                    let address = subject.split_once('?').filter(|_| subject.contains("://"));
                    address.map_or(subject.clone(), |(place, _)| place.to_owned())
                });
                let shown = shown.collect::<Vec<_>>().join(", ");
                return Err((
                    place,
                    format!("{shown} is given twice: expected each feed once"),
                ));
            }
        }
        Ok(())
    }

    /// What of this feed there can be only once, whatever else is said of it; and why, and what to do.
    fn alone(&self) -> Option<(String, &'static str)> {
        match self {
            FeedSpec::Alpaca(options) => {
                let own = match &options.url {
                    Some(url) => format!(" at {}", socket::shown(url)),
                    None => format!(" with feed={}", options.feed),
                };
                Some((
                    format!("alpaca{own} and the key in {}", options.key),
                    "an account has one connection to each of Alpaca's addresses, and the second would be refused: expected one feed with the symbols of both",
                ))
            }
            FeedSpec::AlpacaNews(options) => Some((
                format!("alpaca-news with the key in {}", options.key),
                "an account has one connection for news, and the second would be refused: expected one feed with the symbols of both, or with none for all stories",
            )),
            FeedSpec::Finnhub(options) => Some((
                format!("finnhub with the key in {}", options.key),
                "a key has one connection, and the second would be refused: expected one feed with the symbols of both",
            )),
            FeedSpec::Sec(_) => Some((
                "sec".to_owned(),
                "the SEC counts requests by address, for all feeds together: expected one feed with the forms of both, or with none for all forms",
            )),
            FeedSpec::Stdin(_) => Some((
                "stdin".to_owned(),
                "there is one standard input: expected it once",
            )),
            _ => None,
        }
    }

    /// What the feed is about, for a person.
    fn subjects(&self) -> Vec<String> {
        match self {
            FeedSpec::None
            | FeedSpec::Alpaca(_)
            | FeedSpec::AlpacaNews(_)
            | FeedSpec::Finnhub(_)
            | FeedSpec::Sec(_)
            | FeedSpec::Stdin(_) => self.alone().into_iter().map(|(what, _)| what).collect(),
            FeedSpec::Simulate => vec!["simulate".to_owned()],
            FeedSpec::Binance(options) => options
                .symbols
                .iter()
                .map(|symbol| format!("binance:{symbol}"))
                .collect(),
            FeedSpec::Coinbase(options) => of_pairs(coinbase::Options::NAME, &options.symbols),
            FeedSpec::Kraken(options) => of_pairs(kraken::Options::NAME, &options.symbols),
            FeedSpec::Replay(options) => vec![format!("replay:{}", options.file.display())],
            FeedSpec::NasdaqHalts(_) => vec!["nasdaq-halts".to_owned()],
            FeedSpec::Json(options) => vec![format!("json:{}", options.url)],
            FeedSpec::Rss(options) => options.url.iter().map(|url| format!("rss:{url}")).collect(),
        }
    }
}

fn of_pairs(name: &str, pairs: &[Pair]) -> Vec<String> {
    pairs
        .iter()
        .map(|pair| format!("{name}:{}", pair.symbol()))
        .collect()
}

fn unknown(name: &str) -> SpecError {
    SpecError::of(format!(
        "{name:?} is not a feed: expected {}{}",
        FEEDS.join(", "),
        suggestion(name, &FEEDS)
    ))
}

fn options<T: FeedOptions>(mut table: Table) -> Result<T, SpecError> {
    let mut faults = Vec::new();
    let mut taken = HashSet::new();
    for &secret in T::SECRETS {
        if let Err(fault) = place(secret, &mut table, T::NAME) {
            taken.insert(secret.to_owned());
            faults.push(fault);
        }
    }
    let keys = keys::<T>();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    table.retain(|key, _| {
        let known = keys.contains(&key) || T::SECRETS.contains(&key);
        if !known {
            let message = format!(
                "{key:?} is not an option of {}: expected {}{}",
                T::NAME,
                keys.join(", "),
                suggestion(key, &keys)
            );
            faults.push(SpecFault {
                unknown: true,
                ..SpecFault::of(key, message)
            });
        }
        known
    });
    // A wrong value is taken out, so that the next one is found too.
    let options = loop {
        let table_again = Value::Table(table.clone());
        let error = match serde_path_to_error::deserialize::<_, T>(table_again) {
            Ok(options) => break options,
            Err(error) => error,
        };
        let (key, item) = at(error.path());
        let message = error.inner().message();
        let missing = missing(message);
        if let Some(key) = key.filter(|key| table.remove(key).is_some()) {
            // A list is a sequence to who reads, not to who writes.
            let message = message.replace("expected a sequence", "expected a list in [ ]");
            faults.push(SpecFault {
                item,
                ..SpecFault::of(&key, format!("{}: {message}", T::NAME))
            });
            taken.insert(key);
            continue;
        }
        // What was taken out is missing for no fault of its own.
        if missing.is_none_or(|field| !taken.contains(field)) {
            let message = match missing.filter(|field| T::SECRETS.contains(field)) {
                Some(field) => format!("without {field}_env or {field}_file: expected one of them"),
                None => message.to_owned(),
            };
            faults.push(SpecFault::of_all(format!("{}: {message}", T::NAME)));
        }
        return Err(SpecError(faults));
    };
    match options.checked() {
        Ok(options) if faults.is_empty() => Ok(options),
        Err(message) if taken.is_empty() => {
            faults.push(SpecFault::of_all(format!("{}: {message}", T::NAME)));
            Err(SpecError(faults))
        }
        _ => Err(SpecError(faults)),
    }
}

/// The keys of a table of such a feed, those of its secrets included.
fn keys<T: FeedOptions>() -> Vec<String> {
    let secrets = T::SECRETS
        .iter()
        .flat_map(|secret| [format!("{secret}_env"), format!("{secret}_file")]);
    let keys = T::KEYS.iter().map(|&key| key.to_owned());
    keys.chain(secrets).collect()
}

/// Puts the place of a secret, as the table has it, under the name of the secret.
fn place(secret: &str, table: &mut Table, feed: &str) -> Result<(), SpecFault> {
    let [env, file] = ["env", "file"].map(|place| format!("{secret}_{place}"));
    let fault = |key: &str, why: &str| {
        Err(SpecFault::of(
            key,
            format!(
                "{feed}: {why}: expected {env} with the name of a variable, or {file} with a path"
            ),
        ))
    };
    // What stands there is not repeated: it may be the secret.
    if table.remove(secret).is_some() {
        let why = format!("{secret:?} is a secret, which is not written down here");
        return fault(secret, &why);
    }
    let (key, place, value) = match (table.remove(&env), table.remove(&file)) {
        (Some(_), Some(_)) => return fault(&file, &format!("{env} beside {file}")),
        (Some(value), None) => (env.as_str(), "env", value),
        (None, Some(value)) => (file.as_str(), "file", value),
        (None, None) => return Ok(()),
    };
    let right = match &value {
        Value::String(text) => !text.is_empty() && (place == "file" || is_variable(text)),
        _ => false,
    };
    if !right {
        return fault(key, &format!("{key} is no name of that"));
    }
    let place = Table::from_iter([(place.to_owned(), value)]);
    table.insert(secret.to_owned(), Value::Table(place));
    Ok(())
}

/// Whether a variable can be called so. A key of a source seldom can, so that one that was given in
/// place of the name of its variable is not shown.
fn is_variable(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The key, and the place in its list, that an error is about.
fn at(path: &Path) -> (Option<String>, Option<usize>) {
    let mut path = path.iter();
    let key = match path.next() {
        Some(Segment::Map { key }) => Some(key.clone()),
        _ => None,
    };
    let item = match path.next() {
        Some(Segment::Seq { index }) => Some(*index),
        _ => None,
    };
    (key, item)
}

/// The field that serde misses, if it misses one.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// A feed as a text of the command line asks for it, with the table that the text stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedFeed {
    /// The name of its kind.
    pub kind: String,
    /// The table of its options.
    pub options: Table,
    /// What it is.
    pub spec: FeedSpec,
}

impl FromStr for FeedSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        AskedFeed::from_str(text).map(|asked| asked.spec)
    }
}

impl FromStr for AskedFeed {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        // The name ends at the first colon or question mark; what follows belongs to the feed.
        let end = text.find([':', '?']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let main = match name {
            "none" | "simulate" if rest.is_empty() => Main::Nothing,
            "none" | "simulate" => {
                return Err(SpecError::of(format!(
                    "{rest:?} after {name}: expected nothing more"
                )));
            }
            alpaca::Options::NAME => alpaca::Options::MAIN,
            alpaca::StoriesOptions::NAME => alpaca::StoriesOptions::MAIN,
            binance::Options::NAME => binance::Options::MAIN,
            coinbase::Options::NAME => coinbase::Options::MAIN,
            kraken::Options::NAME => kraken::Options::MAIN,
            finnhub::Options::NAME => finnhub::Options::MAIN,
            replay::Options::NAME => replay::Options::MAIN,
            sec::Options::NAME => sec::Options::MAIN,
            halts::Options::NAME => halts::Options::MAIN,
            rss::Options::NAME => rss::Options::MAIN,
            json::Options::NAME => json::Options::MAIN,
            stdin::Options::NAME => stdin::Options::MAIN,
            _ => return Err(unknown(name)),
        };
        let options = main.read(rest);
        Ok(AskedFeed {
            kind: name.to_owned(),
            spec: FeedSpec::from_table(name, options.clone())?,
            options,
        })
    }
}

impl Main {
    /// What stands behind the name on the command line, as a table.
    fn read(self, rest: &str) -> Table {
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let split = match self {
            Main::Nothing | Main::List(_) => rest.split_once('?'),
            Main::Text(_) => rest.rsplit_once('?'),
            Main::Address(_) => None,
        };
        let (main, mut more) = split.unwrap_or((rest, ""));
        let mut table = Table::new();
        match self {
            Main::Nothing => {}
            Main::List(key) => {
                let list = main
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Value::String(item.to_owned()));
                table.insert(key.to_owned(), Value::Array(list.collect()));
            }
            Main::Text(key) | Main::Address(key) => {
                table.insert(key.to_owned(), Value::String(main.to_owned()));
            }
        }
        while !more.is_empty() {
            // An address may have anything in it, so that it stands last.
            let end = match more.starts_with("url=") {
                true => more.len(),
                false => more.find('&').unwrap_or(more.len()),
            };
            let (option, rest) = more.split_at(end);
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            table.insert(key.to_owned(), scalar(value));
            more = rest.strip_prefix('&').unwrap_or(rest);
        }
        table
    }
}

/// A value of the command line as the file of the configuration would have it.
fn scalar(text: &str) -> Value {
    if let Ok(truth) = text.parse() {
        return Value::Boolean(truth);
    }
    if let Ok(number) = text.parse() {
        return Value::Integer(number);
    }
    Value::String(text.to_owned())
}

/// Checks that there is a symbol; `example` is a feed with some.
pub(super) fn some<T>(symbols: &[T], example: &str) -> Result<(), String> {
    match symbols {
        [] => Err(format!(
            "without a symbol: expected symbols, as in {example}"
        )),
        _ => Ok(()),
    }
}

/// Reads the address of a WebSocket.
pub(super) fn websocket<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uri: Option<Uri> = text.parse().ok().filter(|uri: &Uri| {
        matches!(uri.scheme_str(), Some("ws" | "wss"))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    uri.ok_or_else(|| {
        D::Error::custom(format!(
            "{text:?} is not an address of a WebSocket: expected ws://HOST… or wss://HOST…"
        ))
    })
}

/// Reads the address of something that is asked for over HTTP.
pub(super) fn http<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    http_address(&text).map_err(D::Error::custom)
}

/// As [`http`], of a text.
pub(super) fn http_address(text: &str) -> Result<Url, String> {
    let url: Option<Url> = text.parse().ok();
    let right = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // An address may have a key in it, so that only its beginning is shown.
    right.ok_or_else(|| {
        let start = text.split(['?', '@']).next().unwrap_or_default();
        format!("{start:?} is not an address: expected http://HOST… or https://HOST…")
    })
}

/// An address that stands in the code.
pub(super) fn fixed(address: &'static str) -> Url {
    address
        .parse()
        .expect("an address in the code is an address")
}

/// Checks the name that somebody gives to a feed.
pub(super) fn name(name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if market::plain(name) != name || !(1..=60).contains(&name.chars().count()) => {
            Err(format!(
                "{name:?} is not a name: expected 1 to 60 characters on one line"
            ))
        }
        _ => Ok(()),
    }
}

/// Checks what a feed calls itself when it asks.
pub(super) fn user_agent(user_agent: &str) -> Result<(), String> {
    let is_printable = user_agent.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_printable && (1..=200).contains(&user_agent.len()) {
        return Ok(());
    }
    Err(format!(
        "{user_agent:?} is no user_agent: expected 1 to 200 characters of ASCII on one line"
    ))
}

/// Reads a time in whole seconds: from one to a day.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = i64::deserialize(deserializer)?;
    match u64::try_from(seconds) {
        Ok(right) if (1..=DAY).contains(&seconds) => Ok(Duration::from_secs(right)),
        _ => Err(D::Error::custom(format!(
            "{seconds} is no time between two polls: expected 1 to {DAY} seconds"
        ))),
    }
}

/// `; did you mean …?` where a known name is near.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    let name = name.to_ascii_lowercase();
    let distance = |known: &&&str| strsim::osa_distance(&name, known);
    known
        .iter()
        .min_by_key(distance)
        .filter(|nearest| distance(nearest) <= nearest.len() / 2)
        .map_or(String::new(), |nearest| {
            format!("; did you mean {nearest}?")
        })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use market::Symbol;

    use super::{super::Speed, *};

    fn read(text: &str) -> FeedSpec {
        text.parse().unwrap()
    }

    fn error(text: &str) -> String {
        text.parse::<FeedSpec>().unwrap_err().to_string()
    }

    #[test]
    fn reads_every_form() {
        assert_eq!(read("simulate"), FeedSpec::Simulate);
        assert_eq!(read("none"), FeedSpec::None);
        assert!(read("none").build(1).is_none());
        let symbols = |names: &[&str]| {
            names
                .iter()
                .map(|name| name.parse().unwrap())
                .collect::<Vec<Symbol>>()
        };
        assert_eq!(
            read("binance:btcusdt, ETHUSDT,BTCUSDT"),
            FeedSpec::Binance(binance::Options {
                symbols: symbols(&["BTCUSDT", "ETHUSDT"]),
                url: Binance::URL.parse().unwrap(),
            })
        );
        assert_eq!(
            read("binance:BTCUSDT?url=ws://127.0.0.1:9000/stream?key=1&b=2"),
            FeedSpec::Binance(binance::Options {
                symbols: symbols(&["BTCUSDT"]),
                url: "ws://127.0.0.1:9000/stream?key=1&b=2".parse().unwrap(),
            })
        );
        let pairs = |names: &[&str]| names.iter().map(|name| Pair::read(name).unwrap()).collect();
        assert_eq!(
            read("coinbase:btc-usd, ETH-USD,BTC-USD"),
            FeedSpec::Coinbase(coinbase::Options {
                symbols: pairs(&["BTC-USD", "ETH-USD"]),
                url: Coinbase::URL.parse().unwrap(),
            })
        );
        assert_eq!(
            read("kraken:BTC/USD,ETH-EUR?url=ws://127.0.0.1:9000/v2"),
            FeedSpec::Kraken(kraken::Options {
                symbols: pairs(&["BTC-USD", "ETH-EUR"]),
                url: "ws://127.0.0.1:9000/v2".parse().unwrap(),
            })
        );
        let FeedSpec::Alpaca(alpaca) = read("alpaca:fakepaca?feed=test&key_env=KEY") else {
            panic!("it is alpaca");
        };
        assert_eq!(alpaca.symbols, symbols(&["FAKEPACA"]));
        assert_eq!(alpaca.feed, alpaca::Endpoint::Test);
        assert_eq!(alpaca.key, Secret::Env("KEY".to_owned()));
        let secret = Secret::Env("TICKERTAPE_ALPACA_SECRET".to_owned());
        assert_eq!(alpaca.secret, secret);
        let FeedSpec::AlpacaNews(news) = read("alpaca-news?backfill=0") else {
            panic!("it is alpaca-news");
        };
        assert_eq!((news.backfill, news.symbols), (0, Vec::new()));
        let FeedSpec::Finnhub(finnhub) = read("finnhub:BRK.B?url=ws://127.0.0.1:9/") else {
            panic!("it is finnhub");
        };
        assert_eq!(finnhub.symbols, symbols(&["BRK.B"]));
        for (text, file, speed) in [
            ("replay:a/b.gz", "a/b.gz", Speed::Times(1.0)),
            ("replay:C:b?c.gz?speed=50", "C:b?c.gz", Speed::Times(50.0)),
            ("replay:b.gz?speed=max", "b.gz", Speed::Max),
            ("replay:b.gz?speed=0.5", "b.gz", Speed::Times(0.5)),
        ] {
            let file = PathBuf::from(file);
            assert_eq!(
                read(text),
                FeedSpec::Replay(replay::Options { file, speed })
            );
        }
    }

    #[test]
    fn names_what_is_wrong_and_what_was_expected() {
        for (text, parts) in [
            ("", ["\"\" is not a feed", "simulate, alpaca,"]),
            ("alpacca:AAPL", ["\"alpacca\"", "did you mean alpaca?"]),
            ("alpaca", ["without a symbol", "alpaca:AAPL"]),
            ("alpaca:BTC/USD", ["\"BTC/USD\"", "BRK.B"]),
            ("alpaca:AAPL?feed=ieks", ["`ieks`", "delayed_sip"]),
            ("alpaca-news?backfill=1001", ["1001", "0 to 1000"]),
            ("alpaca-news?rest=ftp://a", ["\"ftp://a\"", "https://HOST"]),
            ("finnhub:AAPL?key=K3Y", ["\"key\" is a secret", "key_env"]),
            ("finnhub", ["without a symbol", "finnhub:AAPL"]),
            ("simulat", ["\"simulat\"", "did you mean simulate?"]),
            ("Binanse:BTCUSDT", ["\"Binanse\"", "did you mean binance?"]),
            ("reply:x", ["\"reply\"", "did you mean replay?"]),
            ("simulate?seed=5", ["\"?seed=5\"", "nothing more"]),
            ("binance", ["without a symbol", "binance:BTCUSDT"]),
            ("binance:,", ["without a symbol", "binance:BTCUSDT"]),
            ("binance:BTC-USDT", ["\"BTC-USDT\"", "BTCUSDT"]),
            ("binance:BTC", ["\"BTC\"", "5 to 20"]),
            (
                "binance:BTCUSDT?url=http://a",
                ["\"http://a\"", "wss://HOST"],
            ),
            ("binance:BTCUSDT?url=", ["\"\"", "wss://HOST"]),
            (
                "binance:BTCUSDT?ulr=ws://a",
                ["\"ulr\"", "did you mean url?"],
            ),
            ("coinbase:", ["without a symbol", "coinbase:BTC-USD"]),
            ("coinbase:BTCUSD", ["\"BTCUSD\"", "BTC-USD"]),
            ("kraken:BTC/USD/X", ["\"BTC/USD/X\"", "BTC-USD"]),
            ("kraken:BTC-USD?url=x", ["\"x\"", "wss://HOST"]),
            ("krakn:BTC-USD", ["\"krakn\"", "did you mean kraken?"]),
            ("replay:", ["without a file", "replay:recording"]),
            ("replay:f?speed=quick", ["\"quick\"", "or max"]),
            ("replay:f?speed=0", ["\"0\"", "or max"]),
            ("replay:f?speed=NaN", ["\"NaN\"", "or max"]),
            ("replay:f?sped=2", ["\"sped\"", "did you mean speed?"]),
        ] {
            let error = error(text);
            for part in parts {
                assert!(error.contains(part), "{text:?}: {error}");
            }
        }
        assert!(!error("nasdaq").contains("did you mean"));
        let many: Vec<String> = (10_000..10_101)
            .map(|number| format!("A{number}"))
            .collect();
        assert!(error(&format!("binance:{}", many.join(","))).contains("101 symbols"));
    }

    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Keyed {
        key: Secret,
        #[serde(default)]
        word: Option<Secret>,
        #[serde(default)]
        rows: u8,
        #[serde(default)]
        names: Vec<Symbol>,
    }

    impl FeedOptions for Keyed {
        const NAME: &'static str = "keyed";
        const KEYS: &'static [&'static str] = &["rows", "names"];
        const SECRETS: &'static [&'static str] = &["key", "word"];
        const MAIN: Main = Main::List("names");

        fn about(&self) -> About {
            FeedSpec::None.about()
        }

        fn secrets(&self) -> Vec<&Secret> {
            std::iter::once(&self.key).chain(&self.word).collect()
        }
    }

    fn keyed(text: &str) -> Result<Keyed, SpecError> {
        options(Keyed::MAIN.read(text))
    }

    #[test]
    fn a_secret_is_named_by_its_place() {
        let read = keyed(":GOOG?key_env=ALPACA_KEY&word_file=/run/secrets/word").unwrap();
        let key = Secret::Env("ALPACA_KEY".to_owned());
        let word = Secret::File("/run/secrets/word".into());
        assert_eq!(read.secrets(), [&key, &word]);
        assert_eq!(keyed("?key_env=A").unwrap().word, None);
        for (text, words) in [
            ("", "without key_env or key_file"),
            ("?key=hunter2", "\"key\" is a secret, which is not written"),
            ("?key_env=hunter2", "key_env is no name"),
            ("?key_env=", "key_env is no name"),
            ("?key_env=A&key_file=b", "key_env beside key_file"),
            ("?key_evn=A", "did you mean key_env?"),
        ] {
            let error = keyed(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_table_is_told_and_where() {
        let text = r#"key = "hunter2"
            rows = "many"
            names = ["GOOG", "two words", "AAPL"]
            colour = "red""#;
        let error = options::<Keyed>(text.parse().unwrap()).unwrap_err();
        let places: Vec<_> = error
            .faults()
            .iter()
            .map(|fault| (fault.key.as_deref(), fault.item))
            .collect();
        assert_eq!(
            places,
            [
                (Some("key"), None),
                (Some("colour"), None),
                (Some("rows"), None),
                (Some("names"), Some(1)),
            ]
        );
        let message = error.to_string();
        assert!(
            message.contains("two words") && message.contains("many"),
            "{message}"
        );
        assert!(!message.contains("hunter"), "{message}");
    }
}
