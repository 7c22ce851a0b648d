//! The reasons for which requests are refused.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use market::Symbol;
use serde::Serialize;
use utoipa::ToSchema;

/// Every reason for which a request can be refused.
///
/// One place maps each reason to its status and its words, so that no resource chooses a status:
/// [`Problem::into_response`] writes it as `application/problem+json` ([RFC
/// 9457](https://www.rfc-editor.org/rfc/rfc9457)), and the page shows the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// 400: something in the address or a header is invalid. The text names it.
    Malformed(String),
    /// 404: no feed quotes the symbol.
    UnknownSymbol {
        /// The requested symbol.
        symbol: Symbol,
        /// Its name, which may be empty, if the directory lists it without a quote.
        listed: Option<String>,
        /// Known symbols, nearest first.
        suggestions: Vec<Symbol>,
    },
    /// 404: it is not kept here. The text names what is.
    NotKept(String),
    /// 404: nothing is served at this path.
    UnknownPath(String),
    /// 405: the path is right, the method is not.
    MethodNotAllowed {
        /// The requested path.
        method: String,
        /// The allowed methods, as in `Allow`.
        allowed: &'static str,
    },
    /// 406: no representation that the client accepts.
    NotAcceptable {
        /// The client's `Accept`.
        accept: String,
        /// The available representations.
        offered: &'static str,
    },
    /// 401: no token, or an unknown one
    /// ([RFC 6750, section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
    Unauthorized {
        /// What to do about it.
        detail: String,
        /// Whether a token was sent.
        wrong_token: bool,
    },
    /// 403: no token would help. The text explains what would.
    Forbidden(String),
    /// 408: a request that did not arrive in time. The text has the limit.
    Timeout(String),
    /// 413: more than may be sent at once. The text has the limit.
    TooLarge(String),
    /// 415: the content type or encoding is not supported.
    UnsupportedContent {
        /// The received type and what to do about it.
        detail: String,
        /// The supported types, as in `Accept`.
        types: &'static str,
    },
    /// 421: the request is for another host. The text names it.
    Misdirected(String),
    /// 501: the server does not support the request. The text names what is missing.
    NotImplemented(String),
    /// 422: the content can be parsed and is invalid. Nothing of it was published.
    Invalid {
        /// The summary.
        detail: String,
        /// Every invalid place.
        faults: Vec<Fault>,
    },
    /// 429: more than is allowed in a time, or at the same time.
    TooMany {
        /// The limit.
        detail: String,
        /// The number of seconds after which to try again.
        retry_after: u64,
    },
    /// 503: not yet, or no longer. The text has the reason.
    Unavailable(String),
}

/// An error at one place of a request's content, written as the `errors` of [RFC 9457, section
/// 3](https://www.rfc-editor.org/rfc/rfc9457#section-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// The line, from 1, if the content is lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The element, from 0, if the content is an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// The field of that line or element, as a JSON pointer
    /// ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)).
    pub pointer: String,
    /// What is wrong with it and what was expected.
    pub detail: String,
}

/// Why a request was refused ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank",
    "title": "No such symbol",
    "status": 404,
    "detail": "unknown symbol GOGO; the nearest known symbols are GOOG",
    "suggestions": ["GOOG"],
}))]
pub struct Body<'a> {
    /// Always `about:blank`: the status identifies the kind of problem.
    r#type: &'static str,
    /// The kind of problem, for people.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong and what to do about it.
    detail: String,
    /// The known symbols nearest to an unknown one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Symbol>, required = false)]
    suggestions: &'a [Symbol],
    /// Every invalid place of the content.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Fault>, required = false)]
    errors: &'a [Fault],
}

impl Problem {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Problem::Malformed(_) => StatusCode::BAD_REQUEST,
            Problem::UnknownSymbol { .. } | Problem::NotKept(_) | Problem::UnknownPath(_) => {
                StatusCode::NOT_FOUND
            }
            Problem::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Problem::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
            Problem::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Problem::Forbidden(_) => StatusCode::FORBIDDEN,
            Problem::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Problem::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::UnsupportedContent { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Problem::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Problem::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The meaning of the status, in a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Problem::Malformed(_) => "The request is malformed",
            Problem::UnknownSymbol { .. } => "No such symbol",
            Problem::NotKept(_) => "Not kept here",
            Problem::UnknownPath(_) => "Nothing is here",
            Problem::MethodNotAllowed { .. } => "Wrong method",
            Problem::NotAcceptable { .. } => "No acceptable representation",
            Problem::Unauthorized { .. } => "Not authorized",
            Problem::Forbidden(_) => "Not allowed",
            Problem::Timeout(_) => "Too slow",
            Problem::TooLarge(_) => "Too much at once",
            Problem::UnsupportedContent { .. } => "The content is of another type",
            Problem::Misdirected(_) => "Another host",
            Problem::NotImplemented(_) => "Not done here",
            Problem::Invalid { .. } => "The content is not valid",
            Problem::TooMany { .. } => "Too many requests",
            Problem::Unavailable(_) => "Not available now",
        }
    }

    /// A sentence that a person can act on.
    pub fn detail(&self) -> String {
        match self {
            Problem::Malformed(detail)
            | Problem::NotKept(detail)
            | Problem::Unauthorized { detail, .. }
            | Problem::Forbidden(detail)
            | Problem::Timeout(detail)
            | Problem::TooLarge(detail)
            | Problem::Misdirected(detail)
            | Problem::NotImplemented(detail)
            | Problem::UnsupportedContent { detail, .. }
            | Problem::Invalid { detail, .. }
            | Problem::TooMany { detail, .. }
            | Problem::Unavailable(detail) => detail.clone(),
            Problem::UnknownSymbol {
                symbol,
                listed,
                suggestions,
            } => {
                let mut detail = match listed.as_deref() {
                    None => format!("unknown symbol {symbol}"),
                    Some("") => {
                        format!("{symbol} is in the directory, but no feed here quotes it")
                    }
                    Some(name) => format!(
                        "{symbol} is in the directory as {name}, but no feed here quotes it"
                    ),
                };
                if !suggestions.is_empty() {
                    let known: Vec<&str> = suggestions.iter().map(Symbol::as_str).collect();
                    detail += "; the nearest known symbols are ";
                    detail += &known.join(", ");
                }
                detail
            }
            Problem::UnknownPath(path) => {
                let mut detail = format!("{path} is not served here: try / or /stocks/GOOG");
                let name = path.strip_prefix("/stocks/").unwrap_or_default();
                if let Some((first, rest)) = name.split_once('/') {
                    let rest = rest.replace('/', "%2F");
                    detail +=
                        &format!("; a slash within a symbol is %2F: /stocks/{first}%2F{rest}");
                }
                detail
            }
            Problem::MethodNotAllowed { method, allowed } => {
                format!("{method} does nothing here: use {allowed}")
            }
            Problem::NotAcceptable { accept, offered } => {
                format!("{accept:?} accepts none of what is here: {offered}")
            }
        }
    }

    /// Known symbols near an unknown one.
    pub fn suggestions(&self) -> &[Symbol] {
        match self {
            Problem::UnknownSymbol { suggestions, .. } => suggestions,
            _ => &[],
        }
    }

    fn faults(&self) -> &[Fault] {
        match self {
            Problem::Invalid { faults, .. } => faults,
            _ => &[],
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = Body {
            r#type: "about:blank",
            title: self.title(),
            status: status.as_u16(),
            detail: self.detail(),
            suggestions: self.suggestions(),
            errors: self.faults(),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        // An unknown symbol may be known a moment later: no cache may guess how long this holds.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        match self {
            Problem::MethodNotAllowed { allowed, .. } => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            Problem::Unauthorized { wrong_token, .. } => {
                let challenge = if wrong_token {
                    r#"Bearer realm="tickertape", error="invalid_token""#
                } else {
                    r#"Bearer realm="tickertape""#
                };
                let challenge = HeaderValue::from_static(challenge);
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Problem::UnsupportedContent { types, .. } => {
                headers.insert(header::ACCEPT, HeaderValue::from_static(types));
            }
            Problem::TooMany { retry_after, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            Problem::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }
}
