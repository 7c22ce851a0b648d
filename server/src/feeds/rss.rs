//! Any feed of [RSS](https://www.rssboard.org/rss-specification) or
//! [Atom](https://www.rfc-editor.org/rfc/rfc4287), or several.
//!
//! A story is known by its `guid` or `id`, else by its link, else by its words. Its symbols are those of the
//! [stock categories](https://www.globenewswire.com/rss/List) that GlobeNewswire gives, and those that the
//! options name; its type is that of the options, else a press release where GlobeNewswire tells it, else
//! what the words of its headline suggest.

use std::{fmt, time::Duration};

use atom_syndication::Entry;
use futures_util::future::BoxFuture;
use market::{Action, Basis, Link, Millis, News, NewsType, Symbol};
use reqwest::Url;
use rss::Item;
use serde::{Deserialize, Deserializer, de::Error as _};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    About, End, Feed, FeedError, Licence, Publisher, exchange_time,
    fetch::{self, Document, Fetcher, Page, pause},
    halts::ttl,
    headline, list,
    markup::{self, Syndication},
    seen::Seen,
    spec::{self, FeedOptions, Main},
};

/// The most addresses of one feed.
const ADDRESSES: usize = 50;

/// The most stories of one document that can be asked for.
const MOST_ITEMS: usize = 1_000;

/// The most symbols of one story.
const MAX_SYMBOLS: usize = 50;

/// The longest that an address is let alone that does not answer, by the feed's own will.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The addresses.
    #[serde(deserialize_with = "addresses")]
    pub url: Vec<Url>,
    /// What the feed is called, and who is said to tell its stories; else the host's name, and what each
    /// document calls itself.
    #[serde(default)]
    pub name: Option<String>,
    /// What all of its stories speak of.
    #[serde(default)]
    pub symbols: Vec<Symbol>,
    /// The type of all of its stories.
    #[serde(default, rename = "type")]
    pub kind: Option<NewsType>,
    /// How often each address is asked; never more often than it allows.
    #[serde(default = "interval", deserialize_with = "spec::seconds")]
    pub interval: Duration,
    /// How many stories of a document are looked at.
    #[serde(default = "items")]
    pub items: usize,
    /// Who asks.
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
        let address = spec::http_address(&text).map_err(D::Error::custom)?;
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
                "asks {} every {:?} for stories",
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
        if !(1..=MOST_ITEMS).contains(&self.items) {
            let items = self.items;
            return Err(format!("items {items}: expected 1 to {MOST_ITEMS}"));
        }
        spec::name(self.name.as_deref())?;
        spec::user_agent(&self.user_agent)?;
        Ok(self)
    }
}

/// A feed of stories from some addresses.
#[derive(Debug)]
pub struct Rss {
    name: String,
    options: Options,
    patience: fetch::Patience,
    addresses: Vec<Address>,
}

#[derive(Debug)]
struct Address {
    page: Page,
    due: Instant,
    failures: u32,
    standing: Standing,
    /// What was told of a story, by its id. The time stands for the one that a story does not give.
    seen: Seen<String, Told>,
}

#[derive(Debug)]
struct Told {
    digest: [u8; 32],
    published: Millis,
}

/// How an address does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Unknown,
    Good,
    /// It is asked again.
    Ill(String),
    /// It is not.
    Dead(String),
}

impl Rss {
    /// A feed of these addresses.
    pub fn new(options: Options) -> Self {
        let host = options.url.first().and_then(Url::host_str);
        let name = match &options.name {
            Some(name) => name.clone(),
            None => format!("RSS of {}", host.unwrap_or_default()),
        };
        let addresses = options.url.iter().map(|url| Address {
            page: Page::new(url.clone()),
            due: Instant::now(),
            failures: 0,
            standing: Standing::Unknown,
            // What stands in a document now, and as much again of what stood there before.
            seen: Seen::new(2 * options.items.max(50)),
        });
        Rss {
            name,
            patience: fetch::Patience::default(),
            addresses: addresses.collect(),
            options,
        }
    }

    /// The same feed with other limits of waiting.
    pub fn with_patience(self, patience: fetch::Patience) -> Self {
        Rss { patience, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let fetcher = Fetcher::new(&self.options.user_agent, self.patience)?.of(publisher);
        // Spread over the interval, so that one host that has them all is not asked for all at once.
        let step = self.options.interval / self.addresses.len().max(1) as u32;
        let step = step.min(Duration::from_secs(2));
        for (address, place) in self.addresses.iter_mut().zip(0..) {
            address.due = Instant::now() + step * place;
        }
        loop {
            let living = self.addresses.iter_mut();
            let next = living
                .filter(|address| !matches!(address.standing, Standing::Dead(_)))
                .min_by_key(|address| address.due);
            let Some(next) = next else {
                return Err(FeedError::Fatal(self.problems().unwrap_or_default()));
            };
            publisher
                .rest(next.due.saturating_duration_since(Instant::now()))
                .await;
            let asked = next.ask(&fetcher, &self.options, publisher).await;
            let before = next.standing.clone();
            next.note(asked, self.options.interval);
            if let Standing::Ill(why) | Standing::Dead(why) = &next.standing
                && next.standing != before
            {
                tracing::warn!(feed = self.name, "{why}");
            }
            match self.problems() {
                None => publisher.live(),
                Some(problems) => publisher.degraded(problems),
            }
        }
    }

    /// What is wrong with the addresses, if anything is.
    fn problems(&self) -> Option<String> {
        let problems: Vec<&str> = self
            .addresses
            .iter()
            .filter_map(|address| match &address.standing {
                Standing::Unknown | Standing::Good => None,
                Standing::Ill(why) | Standing::Dead(why) => Some(why.as_str()),
            })
            .collect();
        let all = self.addresses.len();
        match problems[..] {
            [] => None,
            [one] if all == 1 => Some(one.to_owned()),
            [first, ..] => Some(format!(
                "{} of {all} addresses fail: {first}",
                problems.len()
            )),
        }
    }
}

impl Feed for Rss {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// What came of asking: how long the answer does, or why there is none, how long to wait, and whether for
/// ever.
type Asked = Result<Option<Duration>, (String, Option<Duration>, bool)>;

impl Address {
    async fn ask(&mut self, fetcher: &Fetcher, options: &Options, publisher: &Publisher) -> Asked {
        let answer = fetcher
            .get(&mut self.page)
            .await
            .map_err(|error| (error.why, error.wait, error.is_fatal))?;
        publisher.heard();
        let Some(document) = answer.document else {
            return Ok(answer.fresh);
        };
        match self.take(document, options, publisher).await {
            Ok(wish) => Ok(wish.max(answer.fresh)),
            Err(why) => {
                self.page.forget();
                let why = format!("{}: {why}", fetch::place(self.page.url()));
                Err((why, None, false))
            }
        }
    }

    fn note(&mut self, asked: Asked, interval: Duration) {
        let wait = match asked {
            Ok(wish) => {
                self.failures = 0;
                self.standing = Standing::Good;
                pause(interval, wish)
            }
            Err((why, wait, is_fatal)) => {
                self.failures += 1;
                self.standing = match is_fatal {
                    true => Standing::Dead(why),
                    false => Standing::Ill(why),
                };
                // No more often than if it were well, and ever more seldom.
                let span = interval * 2_u32.saturating_pow(self.failures.min(7) - 1);
                pause(span.min(LONGEST.max(interval)), None).max(wait.unwrap_or_default())
            }
        };
        self.due = Instant::now() + wait;
    }

    /// Tells what is new in a document, and answers how long it does by its own word.
    async fn take(
        &mut self,
        document: Document,
        options: &Options,
        publisher: &Publisher,
    ) -> Result<Option<Duration>, String> {
        let host = self.page.url().host_str().unwrap_or_default().to_owned();
        let (source, mut stories, wish): (_, Vec<Story>, _) = match markup::read(document).await? {
            Syndication::Rss(channel) => {
                let items = channel.items().iter().take(options.items);
                let stories = items.map(|item| Story::of_item(item, &host)).collect();
                (channel.title().to_owned(), stories, ttl(&channel))
            }
            Syndication::Atom(feed) => {
                let entries = feed.entries.iter().take(options.items);
                let stories = entries.map(|entry| Story::of_entry(entry, &host)).collect();
                (feed.title.value.clone(), stories, None)
            }
        };
        let source = match &options.name {
            Some(name) => name.clone(),
            None => markup::cut(markup::text_of(&source), 100),
        };
        let source = if source.is_empty() { host } else { source };
        // The newest stand first, and are told last.
        stories.reverse();
        for story in stories {
            if story.headline.is_empty() {
                publisher.wrong(&format_args!("a story of {source} without a title"));
                continue;
            }
            let digest = story.digest();
            let told = self.seen.get(&story.id);
            if told.is_some_and(|told| told.digest == digest) {
                continue;
            }
            let now = publisher.now();
            let time = story
                .time
                .map(|time| exchange_time(time, now, &story.headline));
            let published = match time {
                Some(Ok(time)) => time,
                other => {
                    if let Some(Err(error)) = other {
                        publisher.wrong(&error);
                    }
                    // The first time that it was seen stands for it.
                    told.map_or(now, |told| told.published)
                }
            };
            self.seen
                .insert(story.id.clone(), Told { digest, published });
            publisher.news(story.news(options, &source, published));
        }
        Ok(wish)
    }
}

/// A story of either kind of document.
#[derive(Debug, PartialEq)]
struct Story {
    id: String,
    headline: String,
    summary: Option<String>,
    link: Option<Link>,
    time: Option<Millis>,
    symbols: Vec<Symbol>,
    is_release: bool,
}

impl Story {
    fn of_item(item: &Item, host: &str) -> Self {
        let headline = markup::cut(markup::text_of(item.title().unwrap_or_default()), 500);
        let guid = item.guid().map(|guid| guid.value());
        let summary = item.description().or(item.content());
        let date = item.pub_date().or_else(|| {
            let dublin_core = item.dublin_core_ext()?;
            dublin_core.dates().first().map(String::as_str)
        });
        let mut symbols = Vec::new();
        let mut is_release = host == "globenewswire.com" || host.ends_with(".globenewswire.com");
        for category in item.categories() {
            let domain = category.domain().unwrap_or_default();
            is_release |= domain.contains("globenewswire.com/");
            if domain.trim_end_matches('/').ends_with("/rss/stock")
                && let Some(symbol) = american(category.name())
                && !symbols.contains(&symbol)
            {
                symbols.push(symbol);
            }
        }
        Story {
            id: id(host, guid, item.link(), &headline),
            summary: summary.and_then(short),
            link: link(item.link().or(guid)),
            time: date.and_then(markup::time),
            headline,
            symbols,
            is_release,
        }
    }

    fn of_entry(entry: &Entry, host: &str) -> Self {
        let headline = markup::cut(markup::text_of(&entry.title.value), 500);
        let links = entry.links.iter();
        let address = links
            .clone()
            .find(|link| link.rel == "alternate")
            .or_else(|| entry.links.first())
            .map(|link| link.href.as_str());
        let content = entry.content.as_ref().and_then(|content| content.value());
        let summary = entry.summary.as_ref().map(|text| text.value.as_str());
        let time = entry.published.unwrap_or(entry.updated).timestamp_millis();
        Story {
            id: id(host, Some(&entry.id), address, &headline),
            summary: summary.or(content).and_then(short),
            link: link(address),
            // The crate's stand-in for none is the beginning of the epoch.
            time: Millis::try_from(time).ok().filter(|time| *time > 0),
            headline,
            symbols: Vec::new(),
            is_release: false,
        }
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(format!("{self:?}"));
        digest.finalize().into()
    }

    fn news(self, options: &Options, source: &str, published: Millis) -> News {
        let (kind, basis) = match options.kind {
            Some(kind) => (kind, Basis::Mapped),
            None if self.is_release => (NewsType::PressRelease, Basis::Mapped),
            None => match headline::infer(&self.headline) {
                // Nothing is guessed: it is a headline.
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
            id: self.id,
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

/// The id of a story: its own where that is one for the whole world, else with the host in it.
fn id(host: &str, guid: Option<&str>, link: Option<&str>, headline: &str) -> String {
    let given = |text: Option<&str>| {
        let text = market::plain(text?);
        Some(text).filter(|text| !text.is_empty())
    };
    let id = match (given(guid), given(link)) {
        (Some(guid), _) if is_global(&guid) => format!("rss:{guid}"),
        (Some(guid), _) => format!("rss:{host}:{guid}"),
        (None, Some(link)) => format!("rss:{link}"),
        (None, None) => format!("rss:{host}:{}", hash(headline)),
    };
    if id.chars().count() <= 200 {
        return id;
    }
    format!("rss:{}:{}", markup::cut(host.to_owned(), 100), hash(&id))
}

fn is_global(guid: &str) -> bool {
    ["http://", "https://", "urn:", "tag:"]
        .iter()
        .any(|scheme| guid.starts_with(scheme))
}

fn hash(text: &str) -> impl fmt::Display {
    let digest: [u8; 32] = Sha256::digest(text).into();
    base16ct::lower::encode_string(&digest[..16])
}

/// What a description says, if it says anything.
fn short(html: &str) -> Option<String> {
    let text = markup::cut(markup::text_of(html), 1_000);
    Some(text).filter(|text| !text.is_empty())
}

fn link(address: Option<&str>) -> Option<Link> {
    let address = address?.trim();
    (address.len() <= 2_000).then(|| address.parse().ok())?
}

/// The symbol of a stock category, `Nasdaq:SMCI`, where it is one of the US: under the same letters other
/// stocks are traded elsewhere.
fn american(category: &str) -> Option<Symbol> {
    let (exchange, symbol) = category.split_once(':')?;
    let exchange = exchange.trim().to_ascii_lowercase();
    let is_american = ["nasdaq", "nyse", "amex", "cboe", "otc", "other otc"]
        .iter()
        .any(|name| exchange == *name || exchange.starts_with(&format!("{name} ")));
    is_american.then(|| symbol.trim().parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_story_is_known_by_what_is_its_own() {
        let id = |guid, link, headline| id("a.example", guid, link, headline);
        assert_eq!(
            id(Some("https://b.example/1"), None, "h"),
            "rss:https://b.example/1"
        );
        assert_eq!(id(Some(" 7 "), Some("https://l"), "h"), "rss:a.example:7");
        assert_eq!(id(Some(" "), Some("https://l"), "h"), "rss:https://l");
        let hashed = id(None, None, "h");
        assert_eq!(hashed.len(), "rss:a.example:".len() + 32);
        assert_ne!(hashed, id(None, None, "i"));
        let long = "x".repeat(300);
        assert!(id(Some(&long), None, "h").len() < 200);
        assert_ne!(
            id(Some(&long), None, "h"),
            id(Some(&format!("{long}y")), None, "h")
        );
    }

    #[test]
    fn only_symbols_of_the_us_are_taken() {
        for (category, symbol) in [
            ("Nasdaq:SMCI", Some("SMCI")),
            ("NYSE: BRK.A", Some("BRK.A")),
            ("NYSE American:UEC", Some("UEC")),
            ("Other OTC:ABCD", Some("ABCD")),
            ("Frankfurt:SMCI", None),
            ("TSX:SHOP", None),
            ("Nasdaqx:A", None),
            ("Nasdaq:", None),
            ("SMCI", None),
            ("", None),
        ] {
            let expected = symbol.map(|symbol| symbol.parse().unwrap());
            assert_eq!(american(category), expected, "{category}");
        }
    }

    proptest! {
        #[test]
        fn no_item_makes_it_panic(title in "\\PC*", guid in "\\PC*", link in "\\PC*", date in "\\PC*") {
            let mut item = Item::default();
            item.set_title(title.clone());
            item.set_link(link);
            item.set_pub_date(date);
            item.set_description(title.clone());
            let mut own = rss::Guid::default();
            own.set_value(guid.clone());
            item.set_guid(own);
            let mut category = rss::Category::default();
            category.set_name(guid);
            category.set_domain("https://a.example/rss/stock".to_owned());
            item.set_categories(vec![category]);
            let story = Story::of_item(&item, "a.example");
            prop_assert!(story.id.chars().count() <= 200 && story.headline.chars().count() <= 500);
            prop_assert_eq!(market::plain(&story.headline), story.headline.clone());
        }
    }
}
