//! The options of the feed of stocks.

use std::fmt;

use market::{Millis, Quality, Symbol};
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::{
    About, Licence, Secret,
    kit::about::list,
    kit::options::{self, FeedOptions, Main},
    kit::{conditions::Scope, socket},
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
    pub(super) fn address(&self) -> Uri {
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
    pub(super) const fn url(self) -> &'static str {
        match self {
            Endpoint::Iex => "wss://stream.data.alpaca.markets/v2/iex",
            Endpoint::Sip => "wss://stream.data.alpaca.markets/v2/sip",
            Endpoint::DelayedSip => "wss://stream.data.alpaca.markets/v2/delayed_sip",
            Endpoint::Test => "wss://stream.data.alpaca.markets/v2/test",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Endpoint::Iex => "Alpaca",
            Endpoint::Sip => "Alpaca SIP",
            Endpoint::DelayedSip => "Alpaca delayed",
            Endpoint::Test => "Alpaca test",
        }
    }

    pub(super) const fn venue(self) -> &'static str {
        match self {
            Endpoint::Iex => "IEX",
            Endpoint::Sip | Endpoint::DelayedSip => "US",
            Endpoint::Test => "Alpaca test",
        }
    }

    pub(super) const fn scope(self) -> Scope {
        match self {
            Endpoint::Iex | Endpoint::Test => Scope::OneExchange,
            Endpoint::Sip | Endpoint::DelayedSip => Scope::Consolidated,
        }
    }

    /// How late its data arrives, in milliseconds; `None` if the times are simulated.
    pub(super) const fn delay(self) -> Option<Millis> {
        match self {
            Endpoint::Iex | Endpoint::Sip => Some(0),
            Endpoint::DelayedSip => Some(15 * 60_000),
            Endpoint::Test => None,
        }
    }

    pub(super) const fn quality(self) -> Quality {
        match self {
            Endpoint::Iex | Endpoint::Sip => Quality::Live,
            Endpoint::DelayedSip => Quality::Delayed,
            Endpoint::Test => Quality::Simulated,
        }
    }
}

pub(super) fn address<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Uri>, D::Error> {
    options::websocket(reader).map(Some)
}

pub(in crate::sources::alpaca) fn symbols<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Vec<Symbol>, D::Error> {
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
