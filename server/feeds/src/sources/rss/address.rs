//! One address of the feed: its polls and its stories.

use std::{collections::HashMap, time::Duration};

use market::Millis;
use reqwest::Url;
use tokio::time::Instant;

use super::{
    options::Options,
    story::{self, Identity, Story},
};
use crate::{
    Publisher,
    kit::{
        fetch::{self, Document, Fetcher, Page, pause},
        markup::{self, Date, Item, Syndication},
        seen::{Reported, Seen},
        time::exchange_time,
    },
};

/// The longest interval between attempts for an address that does not respond.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The stories with a globally unique identity, by host and identity: the address that published each, and its
/// headline. A publisher lists one release in several of its feeds.
pub(super) type Shared = Seen<(String, String), (Url, String)>;

#[derive(Debug)]
pub(super) struct Address {
    pub(super) page: Page,
    pub(super) due: Instant,
    pub(super) failures: u32,
    pub(super) standing: Standing,
    /// What was published for a story, by its identity.
    pub(super) seen: Seen<Identity, PublishedStory>,
    /// Addresses that several stories of the feed have had.
    pub(super) crowded: Seen<String, ()>,
    /// The faults that have been counted already.
    pub(super) reported: Reported,
}

#[derive(Debug)]
pub(super) struct PublishedStory {
    /// The id under which the story is on the tape.
    pub(super) id: String,
    pub(super) digest: [u8; 32],
    /// The time of a story that does not give one.
    pub(super) published: Millis,
}

/// The state of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Unknown,
    Live,
    /// It is polled again.
    Failing(String),
    /// It is not polled again.
    Failed(String),
}

/// The result of a request: how long the response is fresh, or why there is none, how long to wait, and whether for
/// ever.
pub(super) type Polled = Result<Option<Duration>, (String, Option<Duration>, bool)>;

impl Address {
    pub(super) async fn poll(
        &mut self,
        fetcher: &Fetcher,
        options: &Options,
        shared: &mut Shared,
        publisher: &Publisher,
    ) -> Polled {
        let answer = fetcher
            .get(&mut self.page)
            .await
            .map_err(|error| (error.why, error.wait, error.is_fatal))?;
        publisher.record_receipt();
        let Some(document) = answer.document else {
            return Ok(answer.fresh);
        };
        match self.take(document, options, shared, publisher).await {
            Ok(ttl) => Ok(ttl.max(answer.fresh)),
            Err(why) => {
                self.page.forget();
                let why = format!("{}: {why}", fetch::place(self.page.url()));
                Err((why, None, false))
            }
        }
    }

    pub(super) fn note(&mut self, polled: Polled, interval: Duration) {
        let wait = match polled {
            Ok(fresh) => {
                self.failures = 0;
                self.standing = Standing::Live;
                pause(interval, fresh)
            }
            Err((why, wait, is_fatal)) => {
                self.failures += 1;
                self.standing = match is_fatal {
                    true => Standing::Failed(why),
                    false => Standing::Failing(why),
                };
                // No more often than if it were well, and with growing intervals.
                let span = interval * 2_u32.saturating_pow(self.failures.min(7) - 1);
                pause(span.min(LONGEST.max(interval)), None).max(wait.unwrap_or_default())
            }
        };
        self.due = Instant::now() + wait;
    }

    /// Publishes the new stories of a document, and returns the shortest interval that it requests.
    pub(super) async fn take(
        &mut self,
        document: Document,
        options: &Options,
        shared: &mut Shared,
        publisher: &Publisher,
    ) -> Result<Option<Duration>, String> {
        let address = self.page.url().clone();
        let mut read = markup::read(document, address.clone()).await?;
        if !read.is_whole {
            // Missing stories are requested again, whatever validators the response had.
            self.page.forget();
        }
        self.reported.faults(&read.faults, &address, publisher);
        read.items.truncate(options.items);
        let host = address.host_str().unwrap_or_default().to_owned();
        let source = match &options.name {
            Some(name) => name.clone(),
            None => markup::cut(read.title.clone(), 100),
        };
        let source = if source.is_empty() { host } else { source };
        // The newest come first, and are published last.
        for Listed {
            identity,
            item,
            story,
        } in self.listed(&read, &source, publisher).into_iter().rev()
        {
            if let Some(global) = identity.global()
                && is_elsewhere(shared, &address, global, &story.headline)
            {
                publisher.ignore();
                continue;
            }
            self.publish(identity, item, story, options, &source, publisher);
        }
        Ok(read.ttl)
    }

    /// The stories of a document, each identity once. If several have one, the one with the latest time counts; of
    /// those with the same or without any, the first.
    pub(super) fn listed<'a>(
        &mut self,
        read: &'a Syndication,
        source: &str,
        publisher: &Publisher,
    ) -> Vec<Listed<'a>> {
        let host = self.page.url().host_str().unwrap_or_default().to_owned();
        self.find_crowded(read);
        let mut listed: Vec<Listed<'a>> = Vec::with_capacity(read.items.len());
        let mut places: HashMap<Identity, usize> = HashMap::new();
        for item in &read.items {
            let story = Story::of(item, &host);
            let crowded = |link: &str| self.crowded.get(&link.to_owned()).is_some();
            let identity = Identity::of(item, &story.headline, crowded);
            if story.headline.is_empty() {
                let what =
                    format!("a story of {source} without a title or a description: {identity}");
                if self.reported.is_new(&what) {
                    publisher.wrong(&what);
                }
                continue;
            }
            let this = Listed {
                identity: identity.clone(),
                item,
                story,
            };
            let Some(place) = places.get(&identity).copied() else {
                places.insert(identity, listed.len());
                listed.push(this);
                continue;
            };
            let other = &mut listed[place];
            let left_out = match this.story.time() > other.story.time() {
                true => std::mem::replace(other, this),
                false => this,
            };
            let what = format!(
                "{source} lists several stories as {identity}: publishes {:?}, leaves out {:?}",
                other.story.headline, left_out.story.headline
            );
            if self.reported.is_new(&what) {
                publisher.duplicate(&what);
            }
        }
        listed
    }

    /// Records the addresses that do not identify a story: those of several, and that of the feed's own page.
    pub(super) fn find_crowded(&mut self, read: &Syndication) {
        let mut first: HashMap<String, &Item> = HashMap::new();
        let unnamed = |item: &&Item| {
            let id = item.id.as_deref().unwrap_or_default();
            id.trim().is_empty()
        };
        for item in read.items.iter().filter(unnamed) {
            let Some(link) = story::address(item) else {
                continue;
            };
            let is_own_page = read.link.as_ref().is_some_and(|page| page.as_str() == link);
            match first.get(&link) {
                Some(other) if other.title != item.title => self.crowded.insert(link, ()),
                _ if is_own_page => self.crowded.insert(link, ()),
                Some(_) => {}
                None => {
                    first.insert(link, item);
                }
            }
        }
    }

    /// Publishes a story that has not been published, or not with these words.
    pub(super) fn publish(
        &mut self,
        identity: Identity,
        item: &Item,
        story: Story,
        options: &Options,
        source: &str,
        publisher: &Publisher,
    ) {
        let digest = story.digest();
        let earlier = self.seen.get(&identity);
        if earlier.is_some_and(|earlier| earlier.digest == digest) {
            return;
        }
        let earlier = earlier.map(|earlier| (earlier.id.clone(), earlier.published));
        let earlier = earlier.or_else(|| self.on_tape(&identity, item, &story, publisher));
        // The time at which it was first seen replaces a missing one.
        let first_seen = earlier.as_ref().map(|(_, published)| *published);
        let published = time_of(&story, source, publisher)
            .or(first_seen)
            .unwrap_or_else(|| publisher.now());
        let id = earlier.map_or_else(|| identity.id(self.page.url()), |(id, _)| id);
        let news = story.news(id.clone(), options, source, published);
        self.seen.insert(
            identity,
            PublishedStory {
                id,
                digest,
                published,
            },
        );
        publisher.news(news);
    }

    /// The id and the time under which a story is on the tape from before a restart: its own id, or one that an earlier
    /// version gave it.
    pub(super) fn on_tape(
        &self,
        identity: &Identity,
        item: &Item,
        story: &Story,
        publisher: &Publisher,
    ) -> Option<(String, Millis)> {
        let url = self.page.url();
        let own = publisher.newest(&identity.id(url));
        let former = || {
            let former = identity.former(item, url);
            let mut former = former.iter().filter_map(|id| publisher.newest(id));
            former.find(|news| news.headline == story.headline)
        };
        own.or_else(former).map(|news| (news.id, news.published))
    }
}

/// The time of a story. An invalid one is counted.
pub(super) fn time_of(story: &Story, source: &str, publisher: &Publisher) -> Option<Millis> {
    match &story.date {
        Date::Missing => None,
        Date::At(time) => exchange_time(*time, publisher.now(), &story.headline)
            .map_err(|error| publisher.wrong(&error))
            .ok(),
        Date::Unread(text) => {
            publisher.wrong(&format_args!(
                "the date {text:?} of {:?} of {source}: expected a date with a known zone, as in RFC 2822 or RFC 3339",
                story.headline
            ));
            None
        }
    }
}

/// How many stories of an address are recorded.
pub(super) fn remembered(options: &Options) -> usize {
    2 * options.items.max(50)
}

/// A story of a document.
pub(super) struct Listed<'a> {
    pub(super) identity: Identity,
    pub(super) item: &'a Item,
    pub(super) story: Story,
}

/// Whether another address of the same host has published a story already, in the same words.
pub(super) fn is_elsewhere(
    shared: &mut Shared,
    address: &Url,
    global: &str,
    headline: &str,
) -> bool {
    let host = address.host_str().unwrap_or_default();
    let host = format!(
        "{host}:{}",
        address.port_or_known_default().unwrap_or_default()
    );
    let key = (host, global.to_owned());
    match shared.get(&key) {
        Some((other, words)) if other != address => words == headline,
        _ => {
            shared.insert(key, (address.clone(), headline.to_owned()));
            false
        }
    }
}
