use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use market::Symbol;
use serde::Serialize;

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
    /// 503: not yet, or no longer. The text says why.
    Unavailable(String),
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    suggestions: &'a [Symbol],
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Problem::Malformed(_) => StatusCode::BAD_REQUEST,
            Problem::UnknownSymbol { .. } | Problem::UnknownPath(_) => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
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
            Problem::Unavailable(_) => "Not available now",
        }
    }

    /// A sentence that a person can act on.
    pub(crate) fn detail(&self) -> String {
        match self {
            Problem::Malformed(detail) | Problem::Unavailable(detail) => detail.clone(),
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
            Problem::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }
}
