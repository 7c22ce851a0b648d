use std::time::Duration;

use market::{NewsType, Symbol};
use reqwest::Url;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    About, Licence,
    kit::fetch,
    kit::options::{self, FeedOptions, Main},
    list,
};

/// The most addresses of one feed.
const ADDRESSES: usize = 50;

/// The most stories of one document that can be requested.
const MAX_ITEMS: usize = 1_000;

/// The most symbols of one story.
pub(super) const MAX_SYMBOLS: usize = 50;

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The addresses.
    #[serde(deserialize_with = "addresses")]
    pub url: Vec<Url>,
    /// The name of the feed and of the source of its stories; by default the host's name, and each document's own
    /// title.
    #[serde(default)]
    pub name: Option<String>,
    /// The symbols of all of its stories.
    #[serde(default)]
    pub symbols: Vec<Symbol>,
    /// The type of all of its stories.
    #[serde(default, rename = "type")]
    pub kind: Option<NewsType>,
    /// The interval of polls of each address; the source's own interval may be longer.
    #[serde(default = "interval", deserialize_with = "options::seconds")]
    pub interval: Duration,
    /// How many stories of a document are read.
    #[serde(default = "items")]
    pub items: usize,
    /// The `User-Agent`.
    #[serde(default = "user_agent")]
    pub user_agent: String,
}

fn interval() -> Duration {
    Duration::from_secs(60)
}

fn items() -> usize {
    100
}

fn user_agent() -> String {
    fetch::USER_AGENT.to_owned()
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Url>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected an address, or a list of addresses")]
    enum Addresses {
        One(String),
        Several(Vec<String>),
    }
    let texts = match Addresses::deserialize(deserializer)? {
        Addresses::One(text) => vec![text],
        Addresses::Several(texts) => texts,
    };
    let mut addresses = Vec::new();
    for text in texts {
        let address = options::http_address(&text).map_err(D::Error::custom)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

impl FeedOptions for Options {
    const NAME: &'static str = "rss";
    const KEYS: &'static [&'static str] = &[
        "url",
        "name",
        "symbols",
        "type",
        "interval",
        "items",
        "user_agent",
    ];
    const MAIN: Main = Main::Address("url");

    fn about(&self) -> About {
        let places: Vec<String> = self.url.iter().map(fetch::place).collect();
        About {
            does: format!(
                "polls {} every {:?} for stories",
                list(&places),
                self.interval
            ),
            symbols: Vec::new(),
            licence: Licence::Terms,
        }
    }

    fn checked(self) -> Result<Self, String> {
        let (addresses, symbols) = (self.url.len(), self.symbols.len());
        if !(1..=ADDRESSES).contains(&addresses) {
            return Err(format!("{addresses} addresses: expected 1 to {ADDRESSES}"));
        }
        if symbols > MAX_SYMBOLS {
            return Err(format!("{symbols} symbols: expected at most {MAX_SYMBOLS}"));
        }
        if !(1..=MAX_ITEMS).contains(&self.items) {
            let items = self.items;
            return Err(format!("items {items}: expected 1 to {MAX_ITEMS}"));
        }
        options::name(self.name.as_deref())?;
        options::user_agent(&self.user_agent)?;
        Ok(self)
    }

    fn subjects(&self) -> Vec<String> {
        self.url.iter().map(|url| format!("rss:{url}")).collect()
    }
}
