//! The options of the feed of news.

use market::Symbol;
use reqwest::Url;
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::{
    About, Licence, Secret,
    kit::about::list,
    kit::options::{self, FeedOptions, Main},
    kit::{fetch, socket},
    sources::alpaca::stocks,
};

pub(super) const NAME: &str = "Alpaca news";

/// The most stories on one page.
pub(super) const PAGE: usize = 50;

/// The most stories that are requested after a break.
pub(super) const MAX_BACKFILL: u16 = 1_000;

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The symbols of the stories, without repetition; all if empty.
    #[serde(default, deserialize_with = "stocks::symbols")]
    pub symbols: Vec<Symbol>,
    /// How many of the stories before the start are published.
    #[serde(default = "backfill", deserialize_with = "count")]
    pub backfill: u16,
    /// The account's key.
    #[serde(default = "crate::sources::alpaca::key")]
    pub key: Secret,
    /// The secret of the key.
    #[serde(default = "crate::sources::alpaca::secret")]
    pub secret: Secret,
    /// The address of missed stories.
    #[serde(default = "rest", deserialize_with = "options::http")]
    pub rest: Url,
    /// The address of the stream.
    #[serde(default = "url", deserialize_with = "options::websocket")]
    pub url: Uri,
}

pub(super) fn backfill() -> u16 {
    PAGE as u16
}

pub(super) fn count<'de, D: Deserializer<'de>>(reader: D) -> Result<u16, D::Error> {
    let count = i64::deserialize(reader)?;
    u16::try_from(count)
        .ok()
        .filter(|count| *count <= MAX_BACKFILL)
        .ok_or_else(|| {
            D::Error::custom(format!(
                "{count} is no number of stories to begin with: expected 0 to {MAX_BACKFILL}"
            ))
        })
}

pub(super) fn rest() -> Url {
    options::fixed("https://data.alpaca.markets/v1beta1/news")
}

pub(super) fn url() -> Uri {
    Uri::from_static("wss://stream.data.alpaca.markets/v1beta1/news")
}

impl FeedOptions for Options {
    const NAME: &'static str = "alpaca-news";
    const KEYS: &'static [&'static str] = &["symbols", "backfill", "rest", "url"];
    const MAIN: Main = Main::List("symbols");
    const SECRETS: &'static [&'static str] = &["key", "secret"];

    fn about(&self) -> About {
        let of = match &self.symbols[..] {
            [] => "all symbols".to_owned(),
            symbols => list(symbols),
        };
        About {
            does: format!(
                "connects to {} and subscribes to stories of {of}; requests missed ones from {}",
                socket::shown(&self.url),
                fetch::place(&self.rest)
            ),
            symbols: Vec::new(),
            licence: Licence::Personal,
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.key, &self.secret]
    }

    fn alone(&self) -> Option<(String, &'static str)> {
        Some((
            format!("alpaca-news with the key in {}", self.key),
            "an account has one connection for news, and the second would be refused: expected one feed with the symbols of both, or with none for all stories",
        ))
    }
}
