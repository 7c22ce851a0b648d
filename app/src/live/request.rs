use gloo_net::http::Request;
use serde::de::DeserializeOwned;
use web_sys::AbortSignal;

use crate::json;

/// How long an answer may take that the server does not wait with, in milliseconds.
const PATIENCE: u32 = 20_000;

/// Asks for JSON, with which the server may wait for some milliseconds.
pub(super) async fn get<T: DeserializeOwned>(address: &str, wait: u32) -> Result<T, String> {
    let signal = AbortSignal::timeout_with_u32(wait + PATIENCE);
    let request = Request::get(address)
        .header("accept", "application/json")
        .abort_signal(Some(&signal));
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.ok() {
        return Err(format!("the server answered {}", response.status()));
    }
    let text = response.text().await.map_err(|error| error.to_string())?;
    json::read(&text)
}
