//! A careful client of HTTP for feeds that poll.
//!
//! It follows [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110) (conditional requests, section 13;
//! `Retry-After`, section 10.2.3; redirects, section 15.4) and
//! [RFC 9111](https://www.rfc-editor.org/rfc/rfc9111) (how long an answer is fresh, section 4.2).
//!
//! A response is held only up to [`LIMIT`]. A redirect is followed on the same host only, and never from https to http:
//! a source that has moved needs a change of the configuration, and headers with keys never reach another host.
//!
//! Texts of errors name an address without its query and its user, which may be secrets.

mod coding;
mod error;
mod pacing;
mod page;
mod place;

use std::{borrow::Cow, error::Error, future::pending, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, ETAG, LAST_MODIFIED},
    redirect,
};
use tokio::time::Instant;

use self::{coding::coding, error::too_large, pacing::refused};
use crate::provide_tls;
use crate::{
    FeedError, Publisher,
    kit::{
        recording::{Line, bare},
        wire::Wire,
    },
};

pub use self::{
    error::FetchError,
    pacing::pause,
    page::{Answer, Document, Page},
    place::place,
};
pub(crate) use self::{error::REFUSED, pacing::fresh};

/// The `User-Agent` for sources that require nothing more.
pub const USER_AGENT: &str = concat!("Tickertape/", env!("CARGO_PKG_VERSION"));

pub use super::recording::LIMIT;

/// The largest number of redirects to a response.
const REDIRECTS: usize = 5;

/// The timeouts of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is established.
    pub connect: Duration,
    /// Until the next bytes.
    pub silence: Duration,
    /// Until the whole response.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(20),
            answer: Duration::from_secs(60),
        }
    }
}

/// A client with timeouts, a name and limits.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    timeouts: Timeouts,
    wire: Wire,
}

impl Fetcher {
    /// A client with this name.
    ///
    /// # Errors
    /// If a header cannot carry the name, or the system has no trusted certificates.
    pub fn new(user_agent: &str, timeouts: Timeouts) -> Result<Self, FeedError> {
        provide_tls();
        let builder = Client::builder();
        // A fuzz target makes one client for each input and connects to no server: loading the system's certificates
        // would take most of the time.
        #[cfg(fuzzing)]
        let builder = builder.tls_certs_only([]);
        builder
            .user_agent(user_agent)
            .gzip(true)
            .referer(false)
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.silence)
            .timeout(timeouts.answer)
            .redirect(redirect::Policy::custom(follow))
            .build()
            .map(|client| Fetcher {
                client,
                timeouts,
                wire: Wire::Live(None),
            })
            .map_err(|error| {
                FeedError::Fatal(format!("no client of HTTP can be made: {}", chain(&error)))
            })
    }

    /// The same client for the feed of a publisher: its responses can be recorded, and come from a recording while one
    /// is played.
    pub fn of(self, publisher: &Publisher) -> Self {
        Fetcher {
            wire: publisher.wire(),
            ..self
        }
    }

    /// Requests a page, and stores the validators of the response in it.
    ///
    /// # Errors
    /// If no complete response came, or an unsuccessful one.
    pub async fn get(&self, page: &mut Page) -> Result<Answer, FetchError> {
        let place = place(&page.url);
        let address = bare(page.url.as_str());
        let recorder = match &self.wire {
            Wire::Live(recorder) => recorder.as_deref(),
            Wire::Played(played) => match played.answer(&address).await {
                Some(line) => return again(line, &place),
                // The recording is over, which its player notices.
                None => return pending().await,
            },
        };
        let result = self.request(page, &place).await;
        if let Some(recorder) = recorder {
            match &result {
                Ok(answer) => {
                    let document = answer.document.as_ref();
                    let status = match document {
                        Some(_) => StatusCode::OK,
                        None => StatusCode::NOT_MODIFIED,
                    };
                    let media = document.and_then(|document| document.content_type.as_deref());
                    let body = document.map(|document| &document.body[..]);
                    recorder.answer(&address, status.as_u16(), media, body);
                }
                Err(_) => recorder.failed(&address),
            }
        }
        result
    }

    async fn request(&self, page: &mut Page, place: &str) -> Result<Answer, FetchError> {
        let mut request = self
            .client
            .get(page.url.clone())
            .headers(page.headers.clone());
        let validators = page.validators();
        let is_conditional = !validators.is_empty();
        request = request.headers(validators);
        let response = request
            .send()
            .await
            .map_err(|error| self.broken(place, &error))?;
        let status = response.status();
        let fresh = fresh(response.headers());
        if status == StatusCode::NOT_MODIFIED && is_conditional {
            page.has_answered = true;
            return Ok(Answer {
                document: None,
                fresh,
            });
        }
        if !status.is_success() {
            return Err(refused(place, &response, page.has_answered));
        }
        let headers = response.headers();
        let (etag, modified) = (
            headers.get(ETAG).cloned(),
            headers.get(LAST_MODIFIED).cloned(),
        );
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let coding = coding(place, headers)?;
        let body = self.body(place, response).await?;
        let body = match coding {
            None => body,
            Some(coding) => coding.unpacked(place, body).await?,
        };
        page.has_answered = true;
        page.etag = etag;
        page.modified = modified;
        page.answered = Some(Instant::now());
        Ok(Answer {
            document: Some(Document { content_type, body }),
            fresh,
        })
    }

    async fn body(&self, place: &str, mut response: Response) -> Result<Bytes, FetchError> {
        if response.content_length() > Some(LIMIT as u64) {
            return Err(too_large(place));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.broken(place, &error))?
        {
            if body.len() + chunk.len() > LIMIT {
                return Err(too_large(place));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// Why no complete response came.
    fn broken(&self, place: &str, error: &reqwest::Error) -> FetchError {
        let Timeouts {
            connect,
            silence,
            answer,
        } = self.timeouts;
        // A timeout of the connection is an error of both kinds.
        let why = if error.is_redirect() {
            format!("{place} {}", innermost(error))
        } else if error.is_connect() && error.is_timeout() {
            format!("no connection to {place} within {connect:?}")
        } else if error.is_connect() {
            format!("no connection to {place}: {}", innermost(error))
        } else if error.is_timeout() {
            format!(
                "no whole answer of {place}: nothing came for {silence:?}, or not all within {answer:?}"
            )
        } else {
            format!("no whole answer of {place}: {}", innermost(error))
        };
        FetchError {
            status: None,
            why,
            wait: None,
            is_fatal: error.is_redirect(),
        }
    }
}

/// The recorded response of an address.
fn again(line: Line<'static>, place: &str) -> Result<Answer, FetchError> {
    let error = |why: &str| FetchError {
        status: None,
        why: format!("{place} {why}"),
        wait: None,
        is_fatal: false,
    };
    if line.status.is_none() {
        return Err(error("did not answer when it was recorded"));
    }
    let content_type = line.media.clone().map(Cow::into_owned);
    let body = line.bytes().map_err(|why| error(&why.to_string()))?;
    Ok(Answer {
        document: body.map(|body| Document {
            content_type,
            body: body.into(),
        }),
        fresh: None,
    })
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let to = attempt.url();
    let Some(from) = attempt.previous().last() else {
        return attempt.stop();
    };
    let is_default = from.port().is_none() && to.port().is_none();
    let same_host = from.host() == to.host() && (is_default || from.port() == to.port());
    let no_worse = from.scheme() == to.scheme() || to.scheme() == "https";
    let why = if !same_host || !no_worse {
        format!(
            "redirects to {}: if that is right, put the new address into the configuration",
            place(to)
        )
    } else if attempt.previous().len() > REDIRECTS {
        format!("redirects more than {REDIRECTS} times: expected an answer at its address")
    } else {
        return attempt.follow();
    };
    attempt.error(why)
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// The root cause of an error: the outer texts only repeat that a request failed, and its address.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
