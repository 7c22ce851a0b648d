use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH},
};
use tokio::time::Instant;

/// How long "nothing has changed" is trusted: some servers respond so for ever.
const BELIEVED: Duration = Duration::from_secs(60 * 60);

/// An address that is polled, with the validators of its last response.
#[derive(Debug)]
pub struct Page {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) etag: Option<HeaderValue>,
    pub(super) modified: Option<HeaderValue>,
    pub(super) answered: Option<Instant>,
    pub(super) has_answered: bool,
}

impl Page {
    /// A page that has not been requested yet.
    pub fn new(url: Url) -> Self {
        Page {
            url,
            headers: HeaderMap::new(),
            etag: None,
            modified: None,
            answered: None,
            has_answered: false,
        }
    }

    /// The same page, requested with this header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it has ever responded.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Forgets the last response, because it could not be parsed: the next one is to be complete.
    pub fn forget(&mut self) {
        self.answered = None;
    }

    pub(super) fn validators(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.answered.is_some_and(|at| at.elapsed() < BELIEVED) {
            headers.extend(self.etag.clone().map(|etag| (IF_NONE_MATCH, etag)));
            headers.extend(self.modified.clone().map(|time| (IF_MODIFIED_SINCE, time)));
        }
        headers
    }
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The content; `None` if nothing has changed since the last time.
    pub document: Option<Document>,
    /// How long the response is fresh, if the source gives it.
    pub fresh: Option<Duration>,
}

/// A body and its media type.
#[derive(Debug, Clone)]
pub struct Document {
    /// The media type, with its parameters.
    pub content_type: Option<String>,
    /// At most [`LIMIT`](super::LIMIT) bytes.
    pub body: Bytes,
}
