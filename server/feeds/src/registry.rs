//! The feeds that there are, by name.

use std::str::FromStr;

use toml::Table;

use crate::{
    About, Feed, Licence, Secret,
    kit::{
        options::{FeedOptions, Main, SpecError, SpecFault, options, suggestion},
        pairs::Pair,
        recording::{self, Header},
        socket,
    },
    sources::{
        alpaca,
        binance::{self, Binance},
        coinbase::{self, Coinbase},
        finnhub::{self, Finnhub},
        halts::{self, Halts},
        json::{self, Json},
        kraken::{self, Kraken},
        replay::{self, Replay},
        rss::{self, Rss},
        sec::{self, Sec},
        simulate::{self, Simulate},
        stdin::{self, Stdin},
    },
};

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
            FeedSpec::Replay(options) => {
                Box::new(Replay::new(options.file, options.speed, recorded_feed))
            }
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
            FeedSpec::Replay(options) => {
                // What may not be shown live may not be shown later.
                let recorded = recording::header(&options.file).ok().flatten();
                let recorded = recorded.and_then(|header| recorded_spec(&header).ok());
                let about = options.about();
                About {
                    licence: recorded.map_or(about.licence, |feed| feed.about().licence),
                    ..about
                }
            }
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
            FeedSpec::Replay(options) => replay::ready(&options.file, recorded_feed),
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

/// The feed of a recording.
pub(crate) fn recorded_spec(header: &Header) -> Result<FeedSpec, String> {
    let feed = FeedSpec::from_table(&header.kind, header.options.clone())
        .map_err(|error| format!("the recorded feed: {error}"))?;
    // A recording of a recording would lead to another file, or to itself.
    if !feed.receives() {
        return Err(format!(
            "the recorded feed: {:?} receives nothing that could have been recorded",
            header.kind
        ));
    }
    Ok(feed)
}

/// Makes the feed of a recording.
pub(crate) fn recorded_feed(header: &Header) -> Result<Box<dyn Feed>, String> {
    let feed = recorded_spec(header)?.build(0);
    feed.ok_or_else(|| "a recording of no feed".to_owned())
}

/// The names of the feeds whose data is for personal use.
pub fn personal(feeds: &[FeedSpec]) -> Vec<&'static str> {
    let mut names: Vec<_> = feeds
        .iter()
        .filter(|feed| feed.about().licence == Licence::Personal)
        .map(FeedSpec::name)
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
