use std::fmt;

use market::{Action, Basis, Link, Millis, News, NewsType, Symbol};
use reqwest::Url;
use sha2::{Digest, Sha256};

use crate::{
    kit::{
        headline,
        markup::{self, Date, Item},
    },
    sources::rss::{Options, mentions, options::MAX_SYMBOLS},
};

/// The longest headline, in characters.
const MAX_HEADLINE: usize = 500;

/// The longest headline that is the beginning of a description, in characters.
const MAX_BORROWED: usize = 140;

/// The longest summary, in characters.
const MAX_SUMMARY: usize = 1_000;

/// The longest id, in characters.
const MAX_ID: usize = 200;

/// The longest part of an id that names an address, in characters.
const MAX_PLACE: usize = 100;

/// A story of either format of document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Story {
    pub(super) headline: String,
    pub(super) summary: Option<String>,
    pub(super) link: Option<Link>,
    pub(super) date: Date,
    pub(super) symbols: Vec<Symbol>,
    pub(super) is_release: bool,
}

impl Story {
    pub(super) fn of(item: &Item, host: &str) -> Self {
        let summary = item.summary.as_ref().map(|text| text.plain());
        let summary = summary.filter(|text| !text.is_empty());
        let title = item.title.as_ref().map(|text| text.plain());
        let title = title.filter(|text| !text.is_empty());
        let mut symbols = Vec::new();
        let mut is_release = host == "globenewswire.com" || host.ends_with(".globenewswire.com");
        for (domain, name) in &item.categories {
            is_release |= domain.contains("globenewswire.com/");
            if domain.trim_end_matches('/').ends_with("/rss/stock")
                && let Some(symbol) = american(name)
                && !symbols.contains(&symbol)
            {
                symbols.push(symbol);
            }
        }
        for text in title.iter().chain(&summary) {
            mentions::collect(text, &mut symbols, MAX_SYMBOLS);
        }
        let headline = match (title, &summary) {
            (Some(title), _) => markup::cut(title, MAX_HEADLINE),
            (None, Some(summary)) => markup::cut_at_word(summary, MAX_BORROWED),
            (None, None) => String::new(),
        };
        Story {
            headline,
            summary: summary.map(|text| markup::cut(text, MAX_SUMMARY)),
            link: item.link.clone(),
            date: item.date.clone(),
            symbols,
            is_release,
        }
    }

    /// The publication time in the document.
    pub(super) fn time(&self) -> Option<Millis> {
        match self.date {
            Date::At(time) => Some(time),
            _ => None,
        }
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(format!("{self:?}")).into()
    }

    pub(super) fn news(
        self,
        id: String,
        options: &Options,
        source: &str,
        published: Millis,
    ) -> News {
        let (kind, basis) = match options.kind {
            Some(kind) => (kind, Basis::Mapped),
            None if self.is_release => (NewsType::PressRelease, Basis::Mapped),
            None => match headline::infer(&self.headline) {
                // Without an explicit type it is a headline.
                NewsType::Headline => (NewsType::Headline, Basis::Native),
                kind => (kind, Basis::Inferred),
            },
        };
        let mut symbols = options.symbols.clone();
        for symbol in self.symbols {
            if symbols.len() < MAX_SYMBOLS && !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
        News {
            id,
            kind,
            basis,
            action: Action::Created,
            symbols,
            headline: self.headline,
            summary: self.summary,
            url: self.link,
            source: source.to_owned(),
            published,
            form: None,
            accession: None,
            code: None,
        }
    }
}

/// The identity of a story within its document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// Its own id.
    Given(String),
    /// Its address, if no other story has it.
    Link(String),
    /// Its address and its words.
    LinkAndWords(String, String),
    /// Its words.
    Words(String),
}

impl Identity {
    /// The identity of a story. `shares` returns whether an address belongs to several stories.
    pub(super) fn of(item: &Item, headline: &str, shares: impl Fn(&str) -> bool) -> Self {
        if let Some(id) = given(item.id.as_deref()) {
            return Identity::Given(id);
        }
        match address(item) {
            Some(link) if shares(&link) => Identity::LinkAndWords(link, headline.to_owned()),
            Some(link) => Identity::Link(link),
            None => Identity::Words(headline.to_owned()),
        }
    }

    /// The id of the story in the feed at this address.
    pub(super) fn id(&self, feed: &Url) -> String {
        let place = place(feed);
        let id = match self {
            Identity::Given(own) | Identity::Link(own) => format!("rss:{place}:{own}"),
            Identity::LinkAndWords(link, words) => format!("rss:{place}:{link}#{}", hash(words)),
            Identity::Words(words) => format!("rss:{place}:{}", hash(words)),
        };
        bounded(id, &place)
    }

    /// The ids under which the story may be on a tape already: that of its address alone, from before another story had
    /// the same, and those of versions that did not name the whole address of the feed.
    pub(super) fn former(&self, item: &Item, feed: &Url) -> Vec<String> {
        let host = feed.host_str().unwrap_or_default();
        let written = given(item.address.as_deref());
        let by_link = |link: &str| bounded(format!("rss:{link}"), host);
        match self {
            Identity::Given(own) if is_global(own) => vec![by_link(own)],
            Identity::Given(own) => vec![bounded(format!("rss:{host}:{own}"), host)],
            Identity::Link(_) => written.as_deref().map(by_link).into_iter().collect(),
            Identity::LinkAndWords(link, _) => {
                let before = Identity::Link(link.clone()).id(feed);
                let written = written.as_deref().map(by_link);
                [before].into_iter().chain(written).collect()
            }
            Identity::Words(words) => vec![bounded(format!("rss:{host}:{}", hash(words)), host)],
        }
    }

    /// The globally unique identity of the story, if it has one.
    pub(super) fn global(&self) -> Option<&str> {
        match self {
            Identity::Given(own) if is_global(own) => Some(own),
            _ => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Identity::Given(text) | Identity::Link(text) => text,
            Identity::LinkAndWords(link, _) => link,
            Identity::Words(words) => words,
        };
        let text: String = text.chars().take(MAX_PLACE).collect();
        write!(f, "{text:?}")
    }
}

/// The address of a story, if it can identify it.
pub(super) fn address(item: &Item) -> Option<String> {
    let link = item.link.as_ref().map(|link| link.as_str().to_owned());
    link.or_else(|| given(item.address.as_deref()))
}

fn given(text: Option<&str>) -> Option<String> {
    let text = market::plain(text?);
    Some(text).filter(|text| !text.is_empty())
}

/// The address of a feed in the ids of its stories: host, port and path. A query, which may have a key in it, is
/// represented by a part of its hash.
fn place(feed: &Url) -> String {
    let host = feed.host_str().unwrap_or_default();
    let port = feed.port().map_or(String::new(), |port| format!(":{port}"));
    let query = feed.query().map_or(String::new(), |query| {
        let hash = hash(query).to_string();
        format!("?{}", &hash[..8])
    });
    format!("{host}{port}{}{query}", feed.path())
}

fn bounded(id: String, place: &str) -> String {
    if id.chars().count() <= MAX_ID {
        return id;
    }
    format!(
        "rss:{}:{}",
        markup::cut(place.to_owned(), MAX_PLACE),
        hash(&id)
    )
}

fn is_global(guid: &str) -> bool {
    ["http://", "https://", "urn:", "tag:"]
        .iter()
        .any(|scheme| guid.starts_with(scheme))
}

pub(super) fn hash(text: &str) -> impl fmt::Display + use<> {
    let digest: [u8; 32] = Sha256::digest(text).into();
    base16ct::lower::encode_string(&digest[..16])
}

/// The symbol of a stock category, `Nasdaq:SMCI`, if it is one of the US: elsewhere the same letters are other stocks.
fn american(category: &str) -> Option<Symbol> {
    let (exchange, symbol) = category.split_once(':')?;
    mentions::is_american(exchange).then(|| symbol.trim().parse().ok())?
}

#[cfg(test)]
mod tests;
