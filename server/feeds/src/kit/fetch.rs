//! A careful client of HTTP for feeds that poll.
//!
//! It follows [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110) (conditional requests, section 13;
//! `Retry-After`, section 10.2.3; redirects, section 15.4) and
//! [RFC 9111](https://www.rfc-editor.org/rfc/rfc9111) (how long an answer is fresh, section 4.2).
//!
//! What comes back is held only up to [`LIMIT`]. A redirect is followed on the same host alone, and never
//! from https to http: an address that has moved is a change of the configuration, not of whom we trust,
//! and headers with keys in them never reach another host.
//!
//! Texts of errors name an address without its query and its user, which may be secrets.

use std::{
    borrow::Cow,
    error::Error,
    fmt,
    future::pending,
    io::Read as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{Bytes, BytesMut};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use market::Millis;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{
        AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderMap,
        HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    },
    redirect,
};
use tokio::{task::spawn_blocking, time::Instant};

use crate::provide_tls;
use crate::{
    FeedError, Publisher,
    kit::{
        recording::{Line, bare},
        retry_after,
        wire::Wire,
    },
};

/// How we call ourselves where a source does not ask for more.
pub const USER_AGENT: &str = concat!("Tickertape/", env!("CARGO_PKG_VERSION"));

pub use super::recording::LIMIT;

/// How many redirects lead to an answer at the most.
const REDIRECTS: usize = 5;

/// The longest time between polls that a source may ask for, so that one wrong header does not end them for a year.
const LONGEST_FRESH: Duration = Duration::from_secs(60 * 60);

/// How long a source is left alone that says "too often" and not for how long.
const TOO_OFTEN: Duration = Duration::from_secs(60);

/// How long an address is left alone that has answered before and now refuses to.
pub(crate) const REFUSED: Duration = Duration::from_secs(10 * 60);

/// For how long "nothing has changed" is believed: there are servers that say so for ever.
const BELIEVED: Duration = Duration::from_secs(60 * 60);

/// How long the client waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the next bytes.
    pub silence: Duration,
    /// For the whole answer.
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
    /// A client that calls itself so.
    ///
    /// # Errors
    /// When that is no name that a header can carry, or the system has no certificates to trust.
    pub fn new(user_agent: &str, timeouts: Timeouts) -> Result<Self, FeedError> {
        provide_tls();
        let builder = Client::builder();
        // A fuzz target makes one for each input and asks nobody: to read the system's would be most of it.
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

    /// The same client for the feed of a publisher: what it gets can be recorded, and comes from a
    /// recording where one is played.
    pub fn of(self, publisher: &Publisher) -> Self {
        Fetcher {
            wire: publisher.wire(),
            ..self
        }
    }

    /// Asks for a page, and notes in it what the answer says for the next time.
    ///
    /// # Errors
    /// When no whole answer came, or one that says no.
    pub async fn get(&self, page: &mut Page) -> Result<Answer, FetchError> {
        let place = place(&page.url);
        let address = bare(page.url.as_str());
        let recorder = match &self.wire {
            Wire::Live(recorder) => recorder.as_deref(),
            Wire::Played(played) => match played.answer(&address).await {
                Some(line) => return again(line, &place),
                // Whoever plays the recording knows that it is over.
                None => return pending().await,
            },
        };
        let result = self.ask(page, &place).await;
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

    async fn ask(&self, page: &mut Page, place: &str) -> Result<Answer, FetchError> {
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
        page.told = Some(Instant::now());
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

    /// Why no whole answer came.
    fn broken(&self, place: &str, error: &reqwest::Error) -> FetchError {
        let Timeouts {
            connect,
            silence,
            answer,
        } = self.timeouts;
        // A connection that is not made in time is an error of both kinds.
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

fn too_large(place: &str) -> FetchError {
    FetchError {
        status: Some(StatusCode::OK),
        why: format!("the answer of {place} is longer than {LIMIT} bytes"),
        wait: Some(REFUSED),
        is_fatal: false,
    }
}

/// A coding of content that the client below does not undo: it was not asked for, and some servers send it all
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    /// As [RFC 9110, section 8.4.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2) has it, with
    /// the wrapping of zlib, or without, as some servers have it.
    Deflate,
}

/// The coding that is left on an answer.
fn coding(place: &str, headers: &HeaderMap) -> Result<Option<Coding>, FetchError> {
    let lines = headers.get_all(CONTENT_ENCODING).iter();
    let names = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase());
    let names = names.collect::<Vec<_>>().join(",");
    let mut codings = names
        .split(',')
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "identity"));
    let coding = match (codings.next(), codings.next()) {
        (None, _) => return Ok(None),
        (Some("deflate"), None) => Coding::Deflate,
        (Some("gzip" | "x-gzip"), None) => Coding::Gzip,
        _ => {
            let names: String = names.chars().take(40).collect();
            return Err(FetchError {
                status: Some(StatusCode::OK),
                why: format!(
                    "the answer of {place} comes in the Content-Encoding {names:?}: expected gzip, deflate or none"
                ),
                wait: None,
                is_fatal: false,
            });
        }
    };
    Ok(Some(coding))
}

impl Coding {
    /// The content, unpacked away from the threads that serve, up to [`LIMIT`].
    async fn unpacked(self, place: &str, body: Bytes) -> Result<Bytes, FetchError> {
        let unpack = move || {
            let mut content = Vec::new();
            let most = LIMIT as u64 + 1;
            let is_zlib = matches!(body[..], [first, second, ..]
                if first & 0x0f == 8 && u16::from_be_bytes([first, second]) % 31 == 0);
            match self {
                Coding::Gzip => MultiGzDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
                Coding::Deflate if is_zlib => ZlibDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
                Coding::Deflate => DeflateDecoder::new(&body[..])
                    .take(most)
                    .read_to_end(&mut content),
            }
            .map(|_| content)
        };
        let unpacked = spawn_blocking(unpack).await;
        let content = unpacked
            .map_err(|error| error.to_string())
            .and_then(|content| content.map_err(|error| error.to_string()))
            .map_err(|why| FetchError {
                status: None,
                why: format!("the answer of {place} cannot be unpacked as {self:?}: {why}"),
                wait: None,
                is_fatal: false,
            })?;
        match content.len() > LIMIT {
            true => Err(too_large(place)),
            false => Ok(content.into()),
        }
    }
}

/// What an address answered when it was recorded.
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

/// An address that is asked again and again, with what its last answer said.
#[derive(Debug)]
pub struct Page {
    url: Url,
    headers: HeaderMap,
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
    told: Option<Instant>,
    has_answered: bool,
}

impl Page {
    /// A page that has not been asked for.
    pub fn new(url: Url) -> Self {
        Page {
            url,
            headers: HeaderMap::new(),
            etag: None,
            modified: None,
            told: None,
            has_answered: false,
        }
    }

    /// The same page, asked for with this header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it has ever been answered.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Forgets what the last answer said, because it could not be read: the next one is to come whole.
    pub fn forget(&mut self) {
        self.told = None;
    }

    fn validators(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.told.is_some_and(|told| told.elapsed() < BELIEVED) {
            headers.extend(self.etag.clone().map(|etag| (IF_NONE_MATCH, etag)));
            headers.extend(self.modified.clone().map(|time| (IF_MODIFIED_SINCE, time)));
        }
        headers
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// What stands there; `None` where nothing has changed since the last time.
    pub document: Option<Document>,
    /// For how long the source says that this will do.
    pub fresh: Option<Duration>,
}

/// A body and what it is said to be.
#[derive(Debug, Clone)]
pub struct Document {
    /// The media type, with its parameters.
    pub content_type: Option<String>,
    /// At most [`LIMIT`] bytes.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// What the server said, where it said something.
    pub status: Option<StatusCode>,
    /// What went wrong, and what to do about it where somebody has to.
    pub why: String,
    /// How long the source is to be left alone.
    pub wait: Option<Duration>,
    /// Whether somebody has to act before another try makes sense.
    pub is_fatal: bool,
}

impl FetchError {
    /// The same error for a feed that never asks more often than this.
    pub fn paced(mut self, interval: Duration) -> Self {
        self.wait = Some(self.wait.map_or(interval, |wait| wait.max(interval)));
        self
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for FetchError {}

impl From<FetchError> for FeedError {
    fn from(error: FetchError) -> Self {
        match error.wait {
            _ if error.is_fatal => FeedError::Fatal(error.why),
            Some(wait) => FeedError::Later {
                why: error.why,
                wait,
            },
            None => FeedError::Transient(error.why),
        }
    }
}

/// How long to wait after an answer: as long as the feed would, or as the source asks for, and a little
/// longer by chance, so that those who poll the same source do not do so in step.
pub fn pause(interval: Duration, asked: Option<Duration>) -> Duration {
    let asked = asked.unwrap_or_default().min(LONGEST_FRESH);
    interval.max(asked).mul_f64(1.0 + fastrand::f64() / 20.0)
}

/// An address as it may be shown.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{host}{port}{}", url.scheme(), url.path())
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

/// What an answer that says no means.
fn refused(place: &str, response: &Response, has_answered: bool) -> FetchError {
    let status = response.status();
    let wait = retry_after::after(response.headers(), clock(response.headers()));
    let what_to_do = match status {
        StatusCode::UNAUTHORIZED => ": the key is missing or wrong",
        StatusCode::FORBIDDEN => ": this client or its key may not read it",
        StatusCode::NOT_FOUND => ": nothing is there; check the address",
        StatusCode::GONE => ": it is gone for good; take it out of the configuration",
        StatusCode::TOO_MANY_REQUESTS => ": it was asked too often",
        status if status.is_redirection() => ": it redirects to nowhere",
        status if status.is_client_error() => ": it does not take the request; check the address",
        _ => "",
    };
    // What worked before may work again: servers answer so while they are being replaced, too.
    let passes =
        matches!(status.as_u16(), 408 | 421 | 423 | 425 | 429) || !status.is_client_error();
    let is_fatal = status == StatusCode::GONE || !passes && !has_answered;
    let least = match status {
        StatusCode::TOO_MANY_REQUESTS => Some(TOO_OFTEN).filter(|_| wait.is_none()),
        _ if passes || is_fatal => None,
        _ => Some(REFUSED),
    };
    FetchError {
        status: Some(status),
        why: format!("{place} answers {status}{what_to_do}"),
        wait: wait.max(least),
        is_fatal,
    }
}

/// How long an answer says that it will do.
pub(crate) fn fresh(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let control = text(CACHE_CONTROL).unwrap_or_default();
    let mut age = None;
    for directive in control.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => return None,
            "max-age" => age = value.trim().trim_matches('"').parse().ok(),
            _ => {}
        }
    }
    if let Some(age) = age {
        let spent = text(AGE).and_then(|age| age.trim().parse().ok());
        let left = u64::saturating_sub(age, spent.unwrap_or(0));
        return Some(Duration::from_secs(left)).filter(|left| !left.is_zero());
    }
    // By the source's own clock, which may be a day off ours.
    let expires = httpdate::parse_http_date(text(EXPIRES)?).ok()?;
    let date = httpdate::parse_http_date(text(DATE)?).ok()?;
    expires.duration_since(date).ok()
}

/// The time by the source's own clock, which may be a day off ours; by ours where it says none.
fn clock(headers: &HeaderMap) -> Millis {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now)
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

/// An error with everything that led to it.
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

/// What an error goes back to: the words around it only repeat that a request failed, and for which
/// address.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        lines.collect()
    }

    const NOW: &str = "Sat, 21 Nov 2026 06:00:00 GMT";
    const LATER: &str = "Sat, 21 Nov 2026 06:02:00 GMT";

    #[test]
    fn an_answer_says_how_long_it_will_do() {
        let seconds = Duration::from_secs;
        for (lines, expected) in [
            (&[][..], None),
            (&[("cache-control", "max-age=60")], Some(seconds(60))),
            (
                &[("cache-control", "public, Max-Age=\"60\""), ("age", "45")],
                Some(seconds(15)),
            ),
            (&[("cache-control", "max-age=60"), ("age", "61")], None),
            (&[("cache-control", "no-cache, max-age=60")], None),
            (&[("cache-control", "max-age=x")], None),
            (&[("cache-control", "max-age=-1")], None),
            (&[("expires", LATER), ("date", NOW)], Some(seconds(120))),
            (&[("expires", NOW), ("date", LATER)], None),
            (&[("expires", LATER)], None),
            (&[("expires", "0"), ("date", NOW)], None),
            (
                &[
                    ("cache-control", "max-age=5"),
                    ("expires", LATER),
                    ("date", NOW),
                ],
                Some(seconds(5)),
            ),
        ] {
            assert_eq!(fresh(&headers(lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_wish_only_makes_it_slower_and_not_for_ever() {
        let second = Duration::from_secs(1);
        let within = |pause: Duration, from: Duration| {
            assert!(pause >= from && pause <= from.mul_f64(1.06), "{pause:?}");
        };
        within(pause(5 * second, None), 5 * second);
        within(pause(5 * second, Some(second)), 5 * second);
        within(pause(5 * second, Some(9 * second)), 9 * second);
        within(pause(5 * second, Some(99_999 * second)), LONGEST_FRESH);
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let url: Url = "https://me:secret@a.example:8443/b?key=secret#c"
            .parse()
            .unwrap();
        assert_eq!(place(&url), "https://a.example:8443/b");
    }
}
