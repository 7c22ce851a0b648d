mod archive;
mod options;
mod story;

use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use market::Millis;
use serde_json::json;
use tokio::{select, sync::Notify};
use tokio_tungstenite::tungstenite::http::Uri;

use self::{
    archive::Missed,
    options::NAME,
    story::{Story, story},
};
use crate::sources::alpaca::{Account, Dialogue};
use crate::{
    End, Feed, FeedError, Publisher, Timeouts,
    kit::{
        fetch::{self, Fetcher},
        seen::Seen,
        socket::{self, ConnectBudget, Fault, Outbox, Protocol, Received},
    },
};

pub use options::Options;

/// For how many stories the published version is recorded.
const MAX_KNOWN: usize = 10_000;

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

#[cfg(test)]
mod tests {
    use market::Symbol;

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
