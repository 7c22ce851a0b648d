use gloo_net::http::Request;
use market::Millis;
use serde::de::DeserializeOwned;
use web_sys::AbortSignal;

use crate::browser::json;

/// How long an answer may take that the server does not wait with, in milliseconds.
const TIMEOUT_MS: u32 = 20_000;
/// The status for a symbol that nobody quotes.
const UNKNOWN: u16 = 404;
/// The statuses of a server without room for one more request.
const FULL: [u16; 2] = [429, 503];

/// Why there is no answer.
pub(super) struct Failure {
    /// In words.
    pub(super) error: String,
    /// Whether nobody quotes one of the symbols that were asked for.
    pub(super) is_unknown: bool,
    /// Where the server has no room, after how many milliseconds to ask again.
    pub(super) retry_after: Option<Millis>,
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Failure {
            error,
            is_unknown: false,
            retry_after: None,
        }
    }
}

/// Asks for JSON, with which the server may wait for some milliseconds. Why there is none, in words.
pub(super) async fn get<T: DeserializeOwned>(address: &str, wait: u32) -> Result<T, String> {
    ask(address, wait).await.map_err(|failure| failure.error)
}

/// The same, where it matters why there is none.
pub(super) async fn ask<T: DeserializeOwned>(address: &str, wait: u32) -> Result<T, Failure> {
    let signal = AbortSignal::timeout_with_u32(wait + TIMEOUT_MS);
    let request = Request::get(address)
        .header("accept", "application/json")
        .abort_signal(Some(&signal));
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.ok() {
        let status = response.status();
        let seconds = response
            .headers()
            .get("retry-after")
            .and_then(|text| text.parse::<u32>().ok());
        return Err(Failure {
            error: format!("the server answered {status}"),
            is_unknown: status == UNKNOWN,
            retry_after: seconds
                .filter(|_| FULL.contains(&status))
                .map(|seconds| Millis::from(seconds) * 1_000),
        });
    }
    let text = response.text().await.map_err(|error| error.to_string())?;
    Ok(json::read(&text)?)
}
