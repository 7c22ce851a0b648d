//! Pairs of currencies in the notation of Coinbase and Kraken: both sides with a separator between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
};

use market::{Quality, Session, Symbol};
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::{
    About, Licence, Publisher,
    kit::options::{self, FeedOptions, Main},
    kit::{currency, socket},
    list,
};

/// A pair of currencies. Tickertape writes it `BTC-USD` for every source, so that one source can stand in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    symbol: Symbol,
    /// Whether the base ends in a small `x`, Kraken's mark of tokenized shares: `AAPLx`.
    token: bool,
}

impl Pair {
    /// Parses a pair with a dash or a slash between its sides, in any case.
    ///
    /// # Errors
    /// If it is invalid, with what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let (base, quoted) = text
            .split_once(['-', '/'])
            .filter(|sides| is_code(sides.0) && is_code(sides.1))
            .ok_or_else(|| not_a_pair(text))?;
        let symbol = format!("{base}-{quoted}");
        Ok(Pair {
            symbol: symbol.parse().map_err(|_| not_a_pair(text))?,
            token: base
                .strip_suffix('x')
                .is_some_and(|share| share.bytes().any(|byte| byte.is_ascii_uppercase())),
        })
    }

    /// Tickertape's notation.
    pub fn symbol(&self) -> Symbol {
        self.symbol
    }

    /// Kraken's notation, `BTC/USD`.
    pub(crate) fn with_slash(&self) -> String {
        let text = self.symbol.as_str();
        let (base, quoted) = text.split_once('-').unwrap_or((text, ""));
        match base.strip_suffix('X').filter(|_| self.token) {
            Some(share) => format!("{share}x/{quoted}"),
            None => format!("{base}/{quoted}"),
        }
    }
}

/// An exchange that lists pairs.
pub trait Exchange {
    /// The name of the kind of feed.
    const KIND: &'static str;

    /// The address of its public market data.
    const URL: &'static str;
}

/// The options of a feed of such an exchange.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(bound = "E: Exchange")]
pub struct Options<E> {
    /// The pairs to subscribe to, each once.
    #[serde(deserialize_with = "read")]
    pub symbols: Vec<Pair>,
    /// The address of the feed.
    #[serde(default = "url::<E>", deserialize_with = "options::websocket")]
    pub url: Uri,
    #[serde(skip)]
    exchange: PhantomData<E>,
}

fn url<E: Exchange>() -> Uri {
    Uri::from_static(E::URL)
}

impl<E: Exchange> Options<E> {
    /// Options of these pairs at this address.
    pub fn new(symbols: Vec<Pair>, url: Uri) -> Self {
        Options {
            symbols,
            url,
            exchange: PhantomData,
        }
    }
}

impl<E: Exchange> FeedOptions for Options<E> {
    const NAME: &'static str = E::KIND;
    const KEYS: &'static [&'static str] = &["symbols", "url"];
    const MAIN: Main = Main::List("symbols");

    fn about(&self) -> About {
        let symbols: Vec<Symbol> = self.symbols.iter().map(Pair::symbol).collect();
        About {
            does: format!(
                "connects to {} and subscribes to best prices and trades of {}",
                socket::shown(&self.url),
                list(&symbols)
            ),
            symbols,
            licence: Licence::Terms,
        }
    }

    fn checked(self) -> Result<Self, String> {
        check(&self.symbols, E::KIND)?;
        Ok(self)
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn not_a_pair(text: &str) -> String {
    format!("{text:?} is not a pair: expected two codes of letters and digits, as in BTC-USD")
}

/// Parses a list of pairs, each once.
fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pair>, D::Error> {
    let mut pairs: Vec<Pair> = Vec::new();
    for text in Vec::<String>::deserialize(deserializer)? {
        let pair = Pair::read(&text).map_err(D::Error::custom)?;
        if !pairs.iter().any(|known| known.symbol == pair.symbol) {
            pairs.push(pair);
        }
    }
    Ok(pairs)
}

/// The most pairs of one feed: they are all in one message.
const MAX_PAIRS: usize = 200;

/// Checks the number of pairs.
fn check(pairs: &[Pair], name: &str) -> Result<(), String> {
    options::some(pairs, &format!("{name}:BTC-USD,ETH-USD"))?;
    match pairs.len() {
        ..=MAX_PAIRS => Ok(()),
        many => Err(format!(
            "{many} symbols in one feed: expected at most {MAX_PAIRS}; use several feeds"
        )),
    }
}

/// The properties of a pair that its letters show: name and currency.
pub(crate) fn session(pair: Symbol, venue: &str, source: &str, quality: Quality) -> Session {
    let sides = pair.as_str().split_once('-');
    currency::session(pair, sides, venue, source, quality)
}

/// The results of the subscriptions that a feed requested.
#[derive(Debug)]
pub(crate) struct Subscribed<'a> {
    source: &'static str,
    pairs: &'a [Pair],
    /// The pairs whose session was published, which happens once per feed: the day's references have been added to it
    /// since.
    published: &'a mut BTreeSet<Symbol>,
    refused: BTreeMap<Symbol, String>,
}

impl<'a> Subscribed<'a> {
    pub(crate) fn new(
        source: &'static str,
        pairs: &'a [Pair],
        published: &'a mut BTreeSet<Symbol>,
    ) -> Self {
        Subscribed {
            source,
            pairs,
            published,
            refused: BTreeMap::new(),
        }
    }

    /// The pairs that have not been refused.
    pub(crate) fn left(&self) -> impl Iterator<Item = Pair> + '_ {
        let left = |pair: &&Pair| !self.refused.contains_key(&pair.symbol);
        self.pairs.iter().filter(left).copied()
    }

    pub(crate) fn is_refused(&self, symbol: Symbol) -> bool {
        self.refused.contains_key(&symbol)
    }

    pub(crate) fn has(&self, symbol: Symbol) -> bool {
        self.pairs.iter().any(|pair| pair.symbol == symbol)
    }

    /// The source accepts a pair.
    pub(crate) fn given(&mut self, symbol: Symbol, publisher: &Publisher) {
        if self.published.insert(symbol) {
            publisher.session(session(symbol, self.source, self.source, Quality::Live));
        }
    }

    /// The source refuses a pair, with this reason.
    ///
    /// # Errors
    /// If it has refused all of them, with the reason.
    pub(crate) fn refused(
        &mut self,
        symbol: Symbol,
        words: &str,
        publisher: &Publisher,
    ) -> Result<(), String> {
        self.refused.insert(symbol, socket::words(words));
        let refused: Vec<String> = self
            .refused
            .iter()
            .map(|(symbol, words)| format!("{symbol} ({words})"))
            .collect();
        let refused = format!("{} refuses {}", self.source, refused.join(", "));
        if self.left().next().is_none() {
            return Err(format!("{refused}; the symbols are to be checked"));
        }
        publisher.set_partial_entitlement(Some(refused));
        Ok(())
    }

    /// The pairs that a text names, in any notation.
    pub(crate) fn named_in(&self, text: &str) -> Vec<Symbol> {
        let text = text.replace('/', "-").to_ascii_uppercase();
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .collect();
        let named = self.pairs.iter().map(|pair| pair.symbol);
        named
            .filter(|symbol| words.contains(symbol.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs_and_writes_them_in_either_notation() {
        for (text, symbol, slash) in [
            ("BTC-USD", "BTC-USD", "BTC/USD"),
            ("btc/usd", "BTC-USD", "BTC/USD"),
            ("AAPLx/USD", "AAPLX-USD", "AAPLx/USD"),
            ("avax-eur", "AVAX-EUR", "AVAX/EUR"),
            ("stx-usd", "STX-USD", "STX/USD"),
            ("1INCH-USD", "1INCH-USD", "1INCH/USD"),
        ] {
            let pair = Pair::read(text).unwrap();
            assert_eq!(pair.symbol().as_str(), symbol);
            assert_eq!(pair.with_slash(), slash);
        }
        for text in [
            "",
            "BTCUSD",
            "BTC-",
            "-USD",
            "BTC-USD-X",
            "B C-USD",
            "ABCDEFGHIJKLMNOP-ABCDEFGHIJ",
        ] {
            let error = Pair::read(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn finds_the_pairs_that_a_text_names() {
        let pairs = ["BTC-USD", "ETH-USD", "BT-USD"].map(|text| Pair::read(text).unwrap());
        let mut published = BTreeSet::new();
        let subscriptions = Subscribed::new("Test", &pairs, &mut published);
        let named = |text| -> Vec<String> {
            let named = subscriptions.named_in(text).into_iter();
            named.map(|symbol| symbol.to_string()).collect()
        };
        assert_eq!(
            named("eth/usd is not a valid product, nor BT-USD."),
            ["ETH-USD", "BT-USD"]
        );
        assert_eq!(named("rate limit exceeded"), [""; 0]);
    }
}
