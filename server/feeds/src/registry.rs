//! All feeds, by name.

mod parsed;

use toml::Table;

use crate::{
    About, Feed, Licence, Secret,
    kit::{
        options::{FeedOptions, Main, SpecError, SpecFault, options},
        recording::{self, Header},
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
use text::suggestion;

pub use parsed::ParsedFeed;

/// A row of the registry: a kind of feed.
#[derive(Debug)]
pub struct FeedRow {
    /// The name of the kind.
    pub name: &'static str,
    /// The notation of the kind on the command line, for the help.
    pub usage: &'static str,
    /// What a feed of the kind publishes, for the help.
    pub help: &'static str,
    /// A feed of the kind.
    pub example: &'static str,
    /// Whether only the name may be given.
    is_bare: bool,
    main: Main,
    read: fn(Table) -> Result<FeedSpec, SpecError>,
}

/// No feed: only publications.
const NONE: FeedRow = FeedRow {
    name: "none",
    usage: "none",
    help: "nothing but what is published",
    example: "none",
    is_bare: true,
    main: Main::Nothing,
    read: |table| bare("none", FeedSpec::None, &table),
};

/// The built-in market.
const SIMULATE: FeedRow = FeedRow {
    name: "simulate",
    usage: "simulate",
    help: "made-up prices and news of thirty US stocks; the same --seed gives the same tape",
    example: "simulate",
    is_bare: true,
    main: Main::Nothing,
    read: |table| bare("simulate", FeedSpec::Simulate, &table),
};

/// A feed that has no options.
fn bare(name: &str, feed: FeedSpec, table: &Table) -> Result<FeedSpec, SpecError> {
    match table.keys().next() {
        None => Ok(feed),
        Some(key) => Err(SpecError(vec![SpecFault {
            unknown: true,
            ..SpecFault::of(
                key,
                format!("{key:?} is not an option of {name}: expected none"),
            )
        }])),
    }
}

/// Generates everything that depends on the kind of a feed from a table with a row for each kind that has options.
macro_rules! feeds {
    ($(
        $(#[$doc:meta])*
        $kind:ident($options:ty) {
            usage: $usage:literal,
            help: $help:literal,
            example: $example:literal,
            fuzzed_by: $fuzz:ident,
            build: $build:expr,
        }
    )*) => {
        /// A configured feed: a name, its main value, and options. On the command line it is one text, in the
        /// configuration file a table; both are parsed into the same options.
        ///
        /// - `none`
        /// - `simulate`
        /// - `alpaca:AAPL,MSFT`, with `?feed=test` or another of its endpoints
        /// - `alpaca-news:AAPL,MSFT`, for all symbols without any
        /// - `binance:BTCUSDT,ETHUSDT`, with `?url=ws://127.0.0.1:9000/stream` at another address
        /// - `sec:8-K,4?user_agent=Jane Doe jane@example.com`, of all forms without any
        /// - `nasdaq-halts`
        /// - `coinbase:BTC-USD,ETH-USD` and `kraken:BTC-USD,ETH-USD`, at another address likewise
        /// - `rss:https://…`
        /// - `json:https://…`
        /// - `stdin`
        /// - `finnhub:AAPL,MSFT`
        /// - `replay:FILE`, with `?speed=50` so many times faster, with `?speed=max` as fast as possible
        #[derive(Debug, Clone, PartialEq)]
        pub enum FeedSpec {
            /// No feed: all events are published.
            None,
            /// The built-in market of 30 US stocks.
            Simulate,
            $($(#[$doc])* $kind($options),)*
        }

        /// All names of feeds.
        const FEEDS: &[&str] = &[NONE.name, SIMULATE.name, $(<$options>::NAME,)*];

        static ROWS: &[FeedRow] = &[NONE, SIMULATE, $(FeedRow {
            name: <$options>::NAME,
            usage: $usage,
            help: $help,
            example: $example,
            is_bare: false,
            main: <$options>::MAIN,
            read: |table| options::<$options>(table).map(FeedSpec::$kind),
        },)*];

        /// The fuzz targets of the kinds.
        #[cfg(any(test, fuzzing, feature = "testing"))]
        pub(crate) const FUZZED: &[(&str, fn(&[u8]))] =
            &[$((stringify!($fuzz), crate::fuzzing::$fuzz),)*];

        impl FeedSpec {
            /// Creates the feed, if there is one. The seed determines the simulated market.
            pub fn build(self, seed: u64) -> Option<Box<dyn Feed>> {
                Some(match self {
                    FeedSpec::None => return None,
                    FeedSpec::Simulate => Box::new(Simulate::new(seed)),
                    $(FeedSpec::$kind(options) => {
                        let build: fn($options, u64) -> Box<dyn Feed> = $build;
                        build(options, seed)
                    })*
                })
            }

            /// The name of its kind.
            pub fn name(&self) -> &'static str {
                match self {
                    FeedSpec::None => NONE.name,
                    FeedSpec::Simulate => SIMULATE.name,
                    $(FeedSpec::$kind(_) => <$options>::NAME,)*
                }
            }

            /// What the feed would do, according to its options.
            fn does(&self) -> About {
                match self {
                    FeedSpec::None => About {
                        does: "does nothing".to_owned(),
                        symbols: Vec::new(),
                        licence: Licence::Public,
                    },
                    FeedSpec::Simulate => simulate::about(),
                    $(FeedSpec::$kind(options) => options.about(),)*
                }
            }

            /// Whether the feed receives what can be recorded.
            pub fn receives(&self) -> bool {
                match self {
                    FeedSpec::None | FeedSpec::Simulate => false,
                    $(FeedSpec::$kind(_) => <$options>::RECEIVES,)*
                }
            }

            /// A warning about options that are valid but suspicious.
            pub fn doubts(&self) -> Vec<String> {
                match self {
                    FeedSpec::None | FeedSpec::Simulate => Vec::new(),
                    $(FeedSpec::$kind(options) => options.doubts(),)*
                }
            }

            /// The secrets that the feed needs.
            pub fn secrets(&self) -> Vec<&Secret> {
                match self {
                    FeedSpec::None | FeedSpec::Simulate => Vec::new(),
                    $(FeedSpec::$kind(options) => options.secrets(),)*
                }
            }

            /// A property that only one feed may have, with the reason and what to do.
            fn alone(&self) -> Option<(String, &'static str)> {
                match self {
                    FeedSpec::None | FeedSpec::Simulate => None,
                    $(FeedSpec::$kind(options) => options.alone(),)*
                }
            }

            /// A description of the feed, for a person.
            fn subjects(&self) -> Vec<String> {
                match self {
                    FeedSpec::None => Vec::new(),
                    FeedSpec::Simulate => vec![SIMULATE.name.to_owned()],
                    $(FeedSpec::$kind(options) => options.subjects(),)*
                }
            }
        }
    };
}

feeds! {
    /// Stocks from Alpaca.
    Alpaca(alpaca::Options) {
        usage: "alpaca:AAPL,…",
        help: "quotes and trades of US stocks, by TICKERTAPE_ALPACA_KEY and TICKERTAPE_ALPACA_SECRET",
        example: "alpaca:AAPL",
        fuzzed_by: alpaca,
        build: |options, _| Box::new(alpaca::Stocks::new(options)),
    }

    /// News from Alpaca.
    AlpacaNews(alpaca::StoriesOptions) {
        usage: "alpaca-news:AAPL,…",
        help: "news of US stocks, by the same key; without symbols, of all",
        example: "alpaca-news",
        fuzzed_by: alpaca_news,
        build: |options, _| Box::new(alpaca::Stories::new(options)),
    }

    /// Trades and best prices from Binance.
    Binance(binance::Options) {
        usage: "binance:BTCUSDT,…",
        help: "trades and best prices of coins, without a key",
        example: "binance:BTCUSDT",
        fuzzed_by: binance,
        build: |options, _| Box::new(Binance::new(options.symbols, options.url)),
    }

    /// Trades and best prices from Coinbase Exchange.
    Coinbase(coinbase::Options) {
        usage: "coinbase:BTC-USD,…",
        help: "trades and best prices of coins, without a key",
        example: "coinbase:BTC-USD",
        fuzzed_by: coinbase,
        build: |options, _| Box::new(Coinbase::new(options.symbols, options.url)),
    }

    /// Trades and best prices from Kraken.
    Kraken(kraken::Options) {
        usage: "kraken:BTC-USD,…",
        help: "trades and best prices of coins, without a key",
        example: "kraken:BTC-USD",
        fuzzed_by: kraken,
        build: |options, _| Box::new(Kraken::new(options.symbols, options.url)),
    }

    /// Trades of stocks from Finnhub.
    Finnhub(finnhub::Options) {
        usage: "finnhub:AAPL,…",
        help: "trades of US stocks, by TICKERTAPE_FINNHUB_KEY",
        example: "finnhub:AAPL",
        fuzzed_by: finnhub,
        build: |options, _| Box::new(Finnhub::new(options)),
    }

    /// A recording.
    Replay(replay::Options) {
        usage: "replay:FILE",
        help: "a recording, plain or gzip, at its own pace; ?speed=N or ?speed=max to play it faster",
        example: "replay:recording.jsonl.gz",
        fuzzed_by: recording,
        build: |options, _| Box::new(Replay::new(options.file, options.speed, recorded_feed)),
    }

    /// The SEC's latest filings.
    Sec(sec::Options) {
        usage: "sec:8-K,4?user_agent=NAME MAIL",
        help: "filings with the SEC; without forms, all",
        example: "sec?user_agent=Jane Doe jane@example.com",
        fuzzed_by: sec,
        build: |options, _| Box::new(Sec::new(options)),
    }

    /// Trading halts of the US exchanges.
    NasdaqHalts(halts::Options) {
        usage: "nasdaq-halts",
        help: "trading halts of the US exchanges, and their ends",
        example: "nasdaq-halts",
        fuzzed_by: halts,
        build: |options, _| Box::new(Halts::new(options)),
    }

    /// Stories from addresses of RSS or Atom.
    Rss(rss::Options) {
        usage: "rss:ADDRESS",
        help: "stories of any RSS or Atom feed",
        example: "rss:https://example.com/news.rss",
        fuzzed_by: rss,
        build: |options, _| Box::new(Rss::new(options)),
    }

    /// Prices from an address of JSON.
    Json(Box<json::Options>) {
        usage: "json:ADDRESS?…",
        help: "prices of any address that answers JSON",
        example: "json:https://example.com/prices.json",
        fuzzed_by: json,
        build: |options, _| Box::new(Json::new(*options)),
    }

    /// Events from the standard input.
    Stdin(stdin::Options) {
        usage: "stdin",
        help: "events from the standard input, one a line",
        example: "stdin",
        fuzzed_by: stdin,
        build: |_, _| Box::new(Stdin::new()),
    }
}

impl FeedSpec {
    /// The rows of the registry.
    pub fn rows() -> &'static [FeedRow] {
        ROWS
    }

    /// All names of feeds.
    pub fn names() -> &'static [&'static str] {
        FEEDS
    }

    /// Parses a feed of that name from its table.
    ///
    /// # Errors
    /// If there is no such feed, or its options are invalid.
    pub fn from_table(name: &str, table: Table) -> Result<Self, SpecError> {
        (row(name)?.read)(table)
    }

    /// What the feed would do.
    pub fn about(&self) -> About {
        let about = self.does();
        let FeedSpec::Replay(options) = self else {
            return about;
        };
        // Data that may not be shown live may not be shown later.
        let recorded = recording::header(&options.file).ok().flatten();
        let recorded = recorded.and_then(|header| recorded_spec(&header).ok());
        About {
            licence: recorded.map_or(about.licence, |feed| feed.about().licence),
            ..about
        }
    }

    /// Whether everything that the feed needs exists, except its secrets.
    ///
    /// # Errors
    /// What is missing, and what was expected.
    pub fn ready(&self) -> Result<(), String> {
        match self {
            FeedSpec::Replay(options) => replay::ready(&options.file, recorded_feed),
            _ => Ok(()),
        }
    }

    /// Whether these feeds can run together. Several may quote the same symbol: the first live one is primary.
    ///
    /// # Errors
    /// The index of the first one that cannot, and why.
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
}

/// The row of a kind.
fn row(name: &str) -> Result<&'static FeedRow, SpecError> {
    let row = ROWS.iter().find(|row| row.name == name);
    row.ok_or_else(|| {
        SpecError::of(format!(
            "{name:?} is not a feed: expected {}{}",
            FEEDS.join(", "),
            suggestion(name, FEEDS)
        ))
    })
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

/// Creates the feed of a recording.
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
