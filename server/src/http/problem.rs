use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use market::Symbol;
use serde::Serialize;
use utoipa::ToSchema;

/// Everything that a request can be refused for.
///
/// One place knows which status each reason has and how it reads, so that no resource chooses a
/// status of its own: [`Problem::into_response`] writes it as `application/problem+json`
/// ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), and the page shows the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// 400: something in the address or a header is not what it has to be. The text names it.
    Malformed(String),
    /// 404: no feed speaks of the symbol.
    UnknownSymbol {
        /// What was asked for.
        symbol: Symbol,
        /// Known symbols, nearest first.
        suggestions: Vec<Symbol>,
    },
    /// 404: nothing is served at this path.
    UnknownPath(String),
    /// 405: the path is right, the method is not.
    MethodNotAllowed(String),
    /// 406: no representation that the client accepts.
    NotAcceptable {
        /// The client's `Accept`.
        accept: String,
        /// What there is.
        offered: &'static str,
    },
    /// 408: a request that did not arrive in time. The text says how long that is.
    Timeout(String),
    /// 413: more than may be sent at once. The text says how much may.
    TooLarge(String),
    /// 429: more than is allowed in so short a time, or at the same time.
    TooMany {
        /// How much is allowed.
        detail: String,
        /// After how many seconds it may be tried again.
        retry_after: u64,
    },
    /// 503: not yet, or no longer. The text says why.
    Unavailable(String),
}

/// Why a request was refused ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank",
    "title": "No such symbol",
    "status": 404,
    "detail": "no feed speaks of GOGO; the nearest known symbols are GOOG, GS",
    "suggestions": ["GOOG", "GS"],
}))]
pub(crate) struct Body<'a> {
    /// Always `about:blank`: the status says what kind of problem it is.
    r#type: &'static str,
    /// What kind of problem it is, for people.
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
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Problem::Malformed(_) => StatusCode::BAD_REQUEST,
            Problem::UnknownSymbol { .. } | Problem::UnknownPath(_) => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
            Problem::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Problem::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn title(&self) -> &'static str {
        match self {
            Problem::Malformed(_) => "The request is malformed",
            Problem::UnknownSymbol { .. } => "No such symbol",
            Problem::UnknownPath(_) => "Nothing is here",
            Problem::MethodNotAllowed(_) => "Wrong method",
            Problem::NotAcceptable { .. } => "No acceptable representation",
            Problem::Timeout(_) => "Too slow",
            Problem::TooLarge(_) => "Too much at once",
            Problem::TooMany { .. } => "Too many requests",
            Problem::Unavailable(_) => "Not available now",
        }
    }

    /// A sentence that a person can act on.
    pub(crate) fn detail(&self) -> String {
        match self {
            Problem::Malformed(detail)
            | Problem::Timeout(detail)
            | Problem::TooLarge(detail)
            | Problem::TooMany { detail, .. }
            | Problem::Unavailable(detail) => detail.clone(),
            Problem::UnknownSymbol {
                symbol,
                suggestions,
            } if suggestions.is_empty() => {
                format!(
                    "no feed speaks of {symbol}, and no symbol is known yet: try again in a moment"
                )
            }
            Problem::UnknownSymbol {
                symbol,
                suggestions,
            } => {
                let known: Vec<&str> = suggestions.iter().map(Symbol::as_str).collect();
                format!(
                    "no feed speaks of {symbol}; the nearest known symbols are {}",
                    known.join(", ")
                )
            }
            Problem::UnknownPath(path) => {
                format!("{path} is not served here: try / or /stocks/GOOG")
            }
            Problem::MethodNotAllowed(method) => {
                format!("{method} does nothing here: use GET")
            }
            Problem::NotAcceptable { accept, offered } => {
                format!("{accept:?} accepts none of what is here: {offered}")
            }
        }
    }

    pub(crate) fn suggestions(&self) -> &[Symbol] {
        match self {
            Problem::UnknownSymbol { suggestions, .. } => suggestions,
            _ => &[],
        }
    }

    /// The same, for the page.
    pub(crate) fn for_page(&self) -> app::Problem {
        app::Problem {
            status: self.status().as_u16(),
            title: self.title().to_owned(),
            detail: self.detail(),
            suggestions: self.suggestions().to_vec(),
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
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        // What is unknown now may be known in a moment: no cache may guess how long this holds.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        match self {
            Problem::MethodNotAllowed(_) => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
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
