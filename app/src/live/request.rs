use gloo_net::http::Request;
use market::Millis;
use serde::de::DeserializeOwned;
use web_sys::AbortSignal;

use crate::browser::json;

/// How long an answer may take besides the time that the server waits, in milliseconds.
const TIMEOUT_MS: u32 = 20_000;
/// The status for an unknown symbol.
const UNKNOWN: u16 = 404;
/// The statuses of a server without room for one more request.
const FULL: [u16; 2] = [429, 503];

/// Why there is no answer.
pub(super) struct Failure {
    /// The error in words.
    pub(super) error: String,
    /// Whether the requested symbols are unknown.
    pub(super) is_unknown: bool,
    /// After how many milliseconds to ask again, if the server has no room.
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

/// Requests JSON. The server may wait for `wait` milliseconds before it answers. The error is in words.
pub(super) async fn get<T: DeserializeOwned>(address: &str, wait: u32) -> Result<T, String> {
    ask(address, wait).await.map_err(|failure| failure.error)
}

/// The same, with a detailed error.
pub(super) async fn ask<T: DeserializeOwned>(address: &str, wait: u32) -> Result<T, Failure> {
    let text = text(address, wait).await?;
    Ok(json::read(&text)?)
}

/// The text of an answer. It is a separate function so that its code is compiled only once and not for each type.
async fn text(address: &str, wait: u32) -> Result<String, Failure> {
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
    let text = response.text().await;
    text.map_err(|error| error.to_string().into())
}
