//! Headers that are not of a standard.

use axum::http::HeaderName;

/// The header of a request's id.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// The header that names the symbols of a request which no feed has named: quotes as JSON are an
/// array, which has no place for them.
pub(crate) const UNKNOWN_SYMBOLS: HeaderName = HeaderName::from_static("unknown-symbols");
