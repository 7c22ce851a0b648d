use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use market::{Action, Basis, Link, Millis, News, Symbol};
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{json, value::RawValue};
use tokio::{select, sync::Notify, time::Instant};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::sources::alpaca::{Account, Dialogue, frames, stocks};
use crate::{
    About, End, Feed, FeedError, FrameError, Licence, Publisher, Secret, Timeouts,
    kit::about::list,
    kit::options::{self, FeedOptions, Main},
    kit::{
        fetch::{self, FetchError, Fetcher, Page},
        fields::Field,
        headline, markup,
        seen::Seen,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
    },
};
use text::without_bom;

const NAME: &str = "Alpaca news";

/// An account may send 200 requests a minute, and may have other uses for them.
const PACE: Duration = Duration::from_millis(500);

/// The most stories on one page.
const PAGE: usize = 50;

/// The most stories that are requested after a break.
const MAX_BACKFILL: u16 = 1_000;

/// For how many stories the published version is recorded.
const MAX_KNOWN: usize = 10_000;

/// How long to wait after a request that failed, at first and at the most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The most symbols of a story that are kept.
const MAX_SYMBOLS: usize = 50;

/// The longest summary, in characters.
const MAX_SUMMARY: usize = 500;

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

fn backfill() -> u16 {
    PAGE as u16
}

fn count<'de, D: Deserializer<'de>>(reader: D) -> Result<u16, D::Error> {
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

fn rest() -> Url {
    options::fixed("https://data.alpaca.markets/v1beta1/news")
}

fn url() -> Uri {
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

/// A feed of stories: the [stream](https://docs.alpaca.markets/docs/streaming-real-time-news), and missed stories from
/// the [archive](https://docs.alpaca.markets/reference/news-3), which is requested whenever the stream has opened, so
/// that there is no gap between the two.
#[derive(Debug)]
pub struct Stories {
    options: Options,
    timeouts: Timeouts,
    made: ConnectBudget,
    versions: StoryVersions,
    /// The time from which stories may be missing; `None` for the beginning.
    from: Option<Millis>,
    /// Whether the archive has returned everything that was missing when the stream last opened.
    is_filled: bool,
}

impl Stories {
    /// A feed with these options.
    pub fn new(options: Options) -> Self {
        Stories {
            options,
            timeouts: crate::sources::alpaca::timeouts(),
            made: ConnectBudget::default(),
            versions: StoryVersions {
                versions: Seen::new(MAX_KNOWN),
                newest: None,
            },
            from: None,
            is_filled: false,
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Stories { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let account = Account::read(&self.options.key, &self.options.secret, publisher)?;
        let fetcher = Fetcher::new(fetch::USER_AGENT, fetch::Timeouts::default())?.of(publisher);
        let symbols = match &self.options.symbols[..] {
            [] => json!(["*"]),
            symbols => json!(symbols),
        };
        self.made.one_more(&self.timeouts, publisher).await;
        if self.is_filled {
            (self.from, self.is_filled) = (self.versions.newest, false);
        }
        let missed = Missed::new(&self.options, &account, self.from)?;
        let opened = Notify::new();
        // A std lock: there is no await while it is held.
        let known = Mutex::new(&mut self.versions);
        let publish = |story: Story, publisher: &Publisher| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.is_new(&story) {
                publisher.news(story.news);
            }
        };
        let mut conversation = Conversation {
            dialogue: Dialogue::new(&account, json!({"action": "subscribe", "news": symbols})),
            url: &self.options.url,
            opened: &opened,
            publish: &publish,
        };
        let hidden = |error: FeedError| error.hiding(&account.key).hiding(&account.secret);
        let stream = socket::run(&mut conversation, self.timeouts, publisher);
        let backfill = async {
            opened.notified().await;
            for story in missed.fetch(&fetcher, &account, publisher).await? {
                publish(story, publisher);
            }
            Ok::<_, FeedError>(())
        };
        tokio::pin!(stream);
        select! {
            biased;
            end = &mut stream => return end.map_err(hidden),
            done = backfill => done?,
        }
        self.is_filled = true;
        stream.await.map_err(hidden)
    }
}

impl Feed for Stories {
    fn name(&self) -> &str {
        NAME
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.listen(publisher))
    }
}

/// A version of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Story {
    id: u64,
    updated: Millis,
    news: News,
}

/// The published version of each story. An older one may arrive after a newer one, since stream and archive have the
/// same stories.
#[derive(Debug)]
struct StoryVersions {
    versions: Seen<u64, Millis>,
    newest: Option<Millis>,
}

impl StoryVersions {
    /// Whether this version is newer than the published one. It is then recorded as published.
    fn is_new(&mut self, story: &Story) -> bool {
        self.newest = self.newest.max(Some(story.updated));
        let published = self.versions.get(&story.id);
        let is_new = published.is_none_or(|published| story.updated > *published);
        if is_new {
            self.versions.insert(story.id, story.updated);
        }
        is_new
    }
}

/// One connection of the stream.
struct Conversation<'a> {
    dialogue: Dialogue<'a>,
    url: &'a Uri,
    opened: &'a Notify,
    publish: &'a (dyn Fn(Story, &Publisher) + Sync),
}

impl Protocol for Conversation<'_> {
    fn address(&self) -> Uri {
        self.url.clone()
    }

    fn awaits(&self) -> Option<&'static str> {
        self.dialogue.awaits()
    }

    fn read(
        &mut self,
        text: &str,
        publisher: &Publisher,
        outbox: &mut Outbox,
    ) -> Result<Received, Fault> {
        let was_open = self.dialogue.awaits().is_none();
        let publish = self.publish;
        let account = self.dialogue.account;
        let received = self
            .dialogue
            .read(text, publisher, outbox, |kind, object| match kind {
                "n" => {
                    let mut faults = Vec::new();
                    let story = story(object, publisher.now(), &mut faults)?;
                    let faults = faults.into_iter();
                    publisher.wrongs(faults.map(|fault| account.hidden(fault)).collect());
                    publish(story, publisher);
                    Ok(true)
                }
                _ => Ok(false),
            })?;
        if !was_open && self.dialogue.awaits().is_none() {
            self.opened.notify_one();
        }
        Ok(received)
    }
}

#[derive(Deserialize)]
struct StoryFrame<'a> {
    id: u64,
    #[serde(borrow, default)]
    headline: Field<'a>,
    #[serde(borrow, default)]
    summary: Field<'a>,
    #[serde(borrow, default)]
    created_at: Field<'a>,
    #[serde(borrow, default)]
    updated_at: Field<'a>,
    #[serde(borrow, default)]
    url: Field<'a>,
    #[serde(borrow, default)]
    symbols: Field<'a>,
    #[serde(borrow, default)]
    source: Field<'a>,
}

/// Parses a story of either the stream or the archive. Its texts contain HTML entities. One without a valid time has
/// that of its receipt; errors go to `faults`.
fn story(text: &str, received: Millis, faults: &mut Vec<FrameError>) -> Result<Story, FrameError> {
    let frame: StoryFrame<'_> = frames::read(text)?;
    let headline = markup::text_of(&frame.headline.text().unwrap_or_default());
    if headline.is_empty() {
        return Err(FrameError::new(&"a story without a headline", text));
    }
    let mut moment = |field: Field<'_>, otherwise: Millis| {
        frames::moment(field, otherwise, text).unwrap_or_else(|error| {
            faults.push(error);
            otherwise
        })
    };
    let published = match frame.created_at.text() {
        None => moment(frame.updated_at, received),
        Some(_) => moment(frame.created_at, received),
    };
    let updated = match frame.updated_at.text() {
        None => published,
        Some(_) => moment(frame.updated_at, received),
    };
    let summary = frame.summary.text();
    let summary = summary.map(|summary| markup::text_of(&summary));
    let symbols = frame.symbols.list().unwrap_or_default().into_iter();
    let symbols = symbols.filter_map(Field::text);
    let mut kept: Vec<Symbol> = Vec::new();
    for symbol in symbols.filter_map(|symbol| symbol.parse().ok()) {
        if !kept.contains(&symbol) && kept.len() < MAX_SYMBOLS {
            kept.push(symbol);
        }
    }
    let url: Option<Link> = frame.url.text().and_then(|url| url.parse().ok());
    let news = News {
        id: format!("alpaca:{}", frame.id),
        kind: headline::infer(&headline),
        basis: Basis::Inferred,
        action: Action::Created,
        symbols: kept,
        headline,
        summary: summary
            .filter(|summary| !summary.is_empty())
            .map(|summary| markup::cut(summary, MAX_SUMMARY)),
        url,
        source: source_name(&frame.source.text().unwrap_or_default()),
        published,
        form: None,
        accession: None,
        code: None,
    };
    Ok(Story {
        id: frame.id,
        updated,
        news,
    })
}

/// `benzinga`, as people write it.
fn source_name(source: &str) -> String {
    let source = market::plain(source);
    let mut letters = source.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Alpaca".to_owned(),
    }
}

/// A request to the archive.
struct Missed {
    address: Url,
    most: usize,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    news: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    next_page_token: Field<'a>,
}

/// A page of the archive.
struct HighWaterMark {
    stories: Vec<Story>,
    /// How many there were, including invalid ones.
    entries: usize,
    next: Option<String>,
}

impl Missed {
    /// The newest stories, or those after the newest one known.
    fn new(options: &Options, account: &Account, since: Option<Millis>) -> Result<Self, FeedError> {
        // So that an invalid key is reported before any request.
        for secret in [&account.key, &account.secret] {
            header(secret.expose())?;
        }
        let mut address = options.rest.clone();
        {
            let mut query = address.query_pairs_mut();
            query
                .append_pair("sort", "desc")
                .append_pair("include_content", "false");
            if !options.symbols.is_empty() {
                let symbols: Vec<&str> = options.symbols.iter().map(Symbol::as_str).collect();
                query.append_pair("symbols", &symbols.join(","));
            }
            let since = since.and_then(|since| i64::try_from(since).ok());
            let since = since.and_then(|since| Timestamp::from_millisecond(since).ok());
            if let Some(since) = since {
                query.append_pair("start", &since.to_string());
            }
        }
        Ok(Missed {
            address,
            most: match since {
                Some(_) => MAX_BACKFILL.into(),
                None => options.backfill.into(),
            },
        })
    }

    /// The stories, the oldest first. Failures are retried, unless a person has to act.
    async fn fetch(
        &self,
        fetcher: &Fetcher,
        account: &Account,
        publisher: &Publisher,
    ) -> Result<Vec<Story>, FeedError> {
        let mut stories = Vec::new();
        let mut entries = 0;
        let mut token: Option<String> = None;
        let mut pause = AGAIN.0;
        while entries < self.most {
            let begun = Instant::now();
            let limit = (self.most - entries).min(PAGE);
            let mut address = self.address.clone();
            address
                .query_pairs_mut()
                .append_pair("limit", &limit.to_string())
                .extend_pairs(token.as_deref().map(|token| ("page_token", token)));
            let page = self.page(fetcher, account, address, limit, publisher).await;
            match page {
                Ok(page) => {
                    pause = AGAIN.0;
                    // An empty page with a next token would never end.
                    let ends = page.entries == 0 || page.next.is_none() || page.next == token;
                    entries += page.entries;
                    stories.extend(page.stories);
                    token = page.next;
                    if ends {
                        break;
                    }
                    publisher.rest(PACE.saturating_sub(begun.elapsed())).await;
                }
                Err(error) if error.is_fatal => return Err(error.into()),
                Err(error) => {
                    let wait = error.wait.unwrap_or_default().max(pause);
                    pause = (pause * 2).min(AGAIN.1);
                    publisher.degraded(format!("stories may be missing: {error}"));
                    tracing::warn!(feed = NAME, ?wait, "stories may be missing: {error}");
                    publisher.rest(wait).await;
                }
            }
        }
        stories.reverse();
        Ok(stories)
    }

    async fn page(
        &self,
        fetcher: &Fetcher,
        account: &Account,
        address: Url,
        limit: usize,
        publisher: &Publisher,
    ) -> Result<HighWaterMark, FetchError> {
        let wrong = |why: String| FetchError {
            status: None,
            why,
            wait: None,
            is_fatal: false,
        };
        let place = fetch::place(&address);
        let mut page = Page::new(address);
        for (name, secret) in [
            ("apca-api-key-id", &account.key),
            ("apca-api-secret-key", &account.secret),
        ] {
            let value = header(secret.expose()).map_err(|error| wrong(error.to_string()))?;
            page = page.with_header(HeaderName::from_static(name), value);
        }
        let answer = fetcher.get(&mut page).await?;
        let body = answer.document.map(|document| document.body);
        let body = body.unwrap_or_default();
        let answer: Answer<'_> = serde_json::from_slice(without_bom(&body))
            .map_err(|error| wrong(format!("the answer of {place} cannot be read: {error}")))?;
        let mut stories = Vec::new();
        let entries = answer.news.unwrap_or_default();
        for entry in entries.iter().take(limit) {
            let mut faults = Vec::new();
            match story(entry.get(), publisher.now(), &mut faults) {
                Ok(story) => stories.push(story),
                Err(error) => faults.push(error),
            }
            let faults = faults.into_iter();
            publisher.wrongs(faults.map(|fault| account.hidden(fault)).collect());
        }
        Ok(HighWaterMark {
            stories,
            entries: entries.len(),
            next: answer.next_page_token.text().map(Cow::into_owned),
        })
    }
}

/// A value that is not written into any log.
fn header(secret: &str) -> Result<HeaderValue, FeedError> {
    let mut value = HeaderValue::from_str(secret).map_err(|_| {
        FeedError::Fatal(
            "the key or the secret has characters that no header carries: expected letters and digits"
                .to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_700_000_000_000;

    fn read(text: &str) -> (Story, Vec<String>) {
        let mut faults = Vec::new();
        let story = story(text, NOW, &mut faults).unwrap();
        (story, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_story_needs_no_more_than_its_number_and_a_headline() {
        let (story, faults) = read(
            r#"{"id":1,"headline":"A","summary":null,"created_at":null,"updated_at":"","url":"","symbols":null,"source":null}"#,
        );
        assert_eq!((story.updated, story.news.published), (NOW, NOW));
        assert_eq!((story.news.url, &*story.news.source), (None, "Alpaca"));
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn what_is_wrong_in_a_story_costs_itself_alone() {
        let (story, faults) = read(
            r#"{"id":1,"headline":"A","created_at":"soon","updated_at":1699999999,"symbols":["AAPL",null,5,"no symbol",{}]}"#,
        );
        assert_eq!(story.updated, 1_699_999_999_000);
        assert_eq!(story.news.published, NOW);
        let symbols: Vec<&str> = story.news.symbols.iter().map(Symbol::as_str).collect();
        assert_eq!(symbols, ["AAPL", "5"]);
        assert!(
            faults.len() == 1 && faults[0].contains("\"soon\""),
            "{faults:?}"
        );
    }
}
