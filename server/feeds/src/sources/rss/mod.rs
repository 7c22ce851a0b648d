//! Any feed of [RSS](https://www.rssboard.org/rss-specification) or
//! [Atom](https://www.rfc-editor.org/rfc/rfc4287), or several.
//!
//! A story is identified by the address of its feed and, within that, by its `guid` or `id`, else by its link, else by
//! its words. Its symbols are those of the [stock categories](https://www.globenewswire.com/rss/List) of GlobeNewswire,
//! those that its words mention with a US exchange, and those of the options; its type is that of the options, else a
//! press release if GlobeNewswire marks it, else the one that the words of its headline imply.

mod address;
mod mentions;
mod options;
mod story;

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Url;
use tokio::time::Instant;

use self::address::{Address, Shared, Standing, remembered};
use crate::{
    End, Feed, FeedError, Publisher,
    kit::{
        fetch::{self, Fetcher, Page},
        seen::{Reported, Seen},
    },
};

pub use options::Options;

/// A feed of stories from some addresses.
#[derive(Debug)]
pub struct Rss {
    name: String,
    options: Options,
    timeouts: fetch::Timeouts,
    addresses: Vec<Address>,
    shared: Shared,
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
            // The stories of a document, and as many earlier ones.
            seen: Seen::new(remembered(&options)),
            crowded: Seen::new(remembered(&options)),
            reported: Reported::new(remembered(&options)),
        });
        Rss {
            name,
            timeouts: fetch::Timeouts::default(),
            addresses: addresses.collect(),
            shared: Seen::new(remembered(&options) * options.url.len().max(1)),
            options,
        }
    }

    /// The same feed with other timeouts.
    pub fn with_timeouts(self, timeouts: fetch::Timeouts) -> Self {
        Rss { timeouts, ..self }
    }

    async fn listen(&mut self, publisher: &Publisher) -> Result<End, FeedError> {
        let fetcher = Fetcher::new(&self.options.user_agent, self.timeouts)?.of(publisher);
        // Spread over the interval, so that a host of all addresses does not receive all requests at once.
        let step = self.options.interval / self.addresses.len().max(1) as u32;
        let step = step.min(Duration::from_secs(2));
        for (address, place) in self.addresses.iter_mut().zip(0..) {
            address.due = Instant::now() + step * place;
        }
        loop {
            let living = self.addresses.iter_mut();
            let next = living
                .filter(|address| !matches!(address.standing, Standing::Failed(_)))
                .min_by_key(|address| address.due);
            let Some(next) = next else {
                return Err(FeedError::Fatal(self.problems().unwrap_or_default()));
            };
            publisher
                .rest(next.due.saturating_duration_since(Instant::now()))
                .await;
            let polled = next
                .poll(&fetcher, &self.options, &mut self.shared, publisher)
                .await;
            let before = next.standing.clone();
            next.note(polled, self.options.interval);
            if let Standing::Failing(why) | Standing::Failed(why) = &next.standing
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

    /// The problems of the addresses, if any.
    fn problems(&self) -> Option<String> {
        let problems: Vec<&str> = self
            .addresses
            .iter()
            .filter_map(|address| match &address.standing {
                Standing::Unknown | Standing::Live => None,
                Standing::Failing(why) | Standing::Failed(why) => Some(why.as_str()),
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
