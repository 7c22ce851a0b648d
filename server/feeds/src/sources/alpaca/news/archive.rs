//! Stories from the archive.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use market::{Millis, Symbol};
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use text::without_bom;
use tokio::time::Instant;

use super::{
    options::{MAX_BACKFILL, NAME, Options, PAGE},
    story::{Story, story},
};
use crate::{
    FeedError, Publisher,
    kit::{
        fetch::{self, FetchError, Fetcher, Page},
        fields::Field,
    },
    sources::alpaca::Account,
};

/// An account may send 200 requests a minute, and may have other uses for them.
pub(super) const PACE: Duration = Duration::from_millis(500);

/// How long to wait after a request that failed, at first and at the most.
pub(super) const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A request to the archive.
pub(super) struct Missed {
    pub(super) address: Url,
    pub(super) most: usize,
}

#[derive(Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) news: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) next_page_token: Field<'a>,
}

/// A page of the archive.
pub(super) struct ArchivePage {
    pub(super) stories: Vec<Story>,
    /// How many there were, including invalid ones.
    pub(super) entries: usize,
    pub(super) next: Option<String>,
}

impl Missed {
    /// The newest stories, or those after the newest one known.
    pub(super) fn new(
        options: &Options,
        account: &Account,
        since: Option<Millis>,
    ) -> Result<Self, FeedError> {
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
    pub(super) async fn fetch(
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

    pub(super) async fn page(
        &self,
        fetcher: &Fetcher,
        account: &Account,
        address: Url,
        limit: usize,
        publisher: &Publisher,
    ) -> Result<ArchivePage, FetchError> {
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
        Ok(ArchivePage {
            stories,
            entries: entries.len(),
            next: answer.next_page_token.text().map(Cow::into_owned),
        })
    }
}

/// A value that is not written into any log.
pub(super) fn header(secret: &str) -> Result<HeaderValue, FeedError> {
    let mut value = HeaderValue::from_str(secret).map_err(|_| {
        FeedError::Fatal(
            "the key or the secret has characters that no header carries: expected letters and digits"
                .to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
