//! Reading from pages of other origins.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::http::headers::{REQUEST_ID, UNKNOWN_SYMBOLS};

/// How long a browser may cache a preflight; Chromium's own limit.
const MAX_AGE: Duration = Duration::from_secs(7200);

/// An origin whose pages may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Every origin: `*`.
    Any,
    /// One origin, as a browser writes it: `https://example.org`.
    One(HeaderValue),
}

/// Why a text is not an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginError;

impl std::fmt::Display for OriginError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected *, or a scheme and a host as in https://example.org, without a path")
    }
}

impl std::error::Error for OriginError {}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let text = text.trim();
        if text == "*" {
            return Ok(Origin::Any);
        }
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(OriginError);
        };
        // A browser writes origins in lower case and without a slash, and they are compared as text.
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        let web = ["http", "https"].contains(&scheme) && !authority.as_str().contains('@');
        if web && origin.eq_ignore_ascii_case(text.trim_end_matches('/')) {
            HeaderValue::try_from(origin)
                .map(Origin::One)
                .map_err(|_| OriginError)
        } else {
            Err(OriginError)
        }
    }
}

/// Lets the pages of these origins read, if there are any. There are no credentials to allow: every client can read the
/// same.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let listed: Option<Vec<HeaderValue>> = origins
        .iter()
        .map(|origin| match origin {
            Origin::Any => None,
            Origin::One(origin) => Some(origin.clone()),
        })
        .collect();
    let request_id = HeaderName::from_static(REQUEST_ID);
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([
            header::ACCEPT,
            header::CACHE_CONTROL,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            request_id,
            UNKNOWN_SYMBOLS,
        ])
        .max_age(MAX_AGE);
    Some(match listed {
        None => layer.allow_origin(Any).vary([]),
        Some(listed) => layer
            .allow_origin(AllowOrigin::list(listed))
            .vary([header::ORIGIN]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_a_browser_writes_it() {
        for (text, origin) in [
            ("https://example.org", "https://example.org"),
            ("https://Example.org/", "https://example.org"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let expected = Origin::One(HeaderValue::from_static(origin));
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!("*".parse(), Ok(Origin::Any));
        for text in [
            "",
            "example.org",
            "https://",
            "ftp://example.org",
            "https://example.org/path",
            "https://example.org?query",
            "https://user@example.org",
            "https://*.example.org /",
            "null",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text:?}");
        }
    }
}
