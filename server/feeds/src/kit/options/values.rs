//! Parsing and checking the values of options.

use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio_tungstenite::tungstenite::http::Uri;

/// Checks that there is a symbol; `example` is a feed with some.
pub(crate) fn some<T>(symbols: &[T], example: &str) -> Result<(), String> {
    match symbols {
        [] => Err(format!(
            "without a symbol: expected symbols, as in {example}"
        )),
        _ => Ok(()),
    }
}

/// Parses the address of a WebSocket.
pub(crate) fn websocket<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uri, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uri: Option<Uri> = text.parse().ok().filter(|uri: &Uri| {
        matches!(uri.scheme_str(), Some("ws" | "wss"))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    uri.ok_or_else(|| {
        D::Error::custom(format!(
            "{text:?} is not an address of a WebSocket: expected ws://HOST… or wss://HOST…"
        ))
    })
}

/// Parses an address for HTTP.
pub(crate) fn http<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    http_address(&text).map_err(D::Error::custom)
}

/// As [`http`], from a text.
pub(crate) fn http_address(text: &str) -> Result<Url, String> {
    let url: Option<Url> = text.parse().ok();
    let right = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // An address may contain a key, so only its beginning is shown.
    right.ok_or_else(|| {
        let start = text.split(['?', '@']).next().unwrap_or_default();
        format!("{start:?} is not an address: expected http://HOST… or https://HOST…")
    })
}

/// An address in the code.
pub(crate) fn fixed(address: &'static str) -> Url {
    address
        .parse()
        .expect("an address in the code is an address")
}

/// Checks the configured name of a feed.
pub(crate) fn name(name: Option<&str>) -> Result<(), String> {
    match name {
        Some(name) if market::plain(name) != name || !(1..=60).contains(&name.chars().count()) => {
            Err(format!(
                "{name:?} is not a name: expected 1 to 60 characters on one line"
            ))
        }
        _ => Ok(()),
    }
}

/// Checks the `User-Agent` of a feed.
pub(crate) fn user_agent(user_agent: &str) -> Result<(), String> {
    let is_printable = user_agent.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_printable && (1..=200).contains(&user_agent.len()) {
        return Ok(());
    }
    Err(format!(
        "{user_agent:?} is no user_agent: expected 1 to 200 characters of ASCII on one line"
    ))
}

/// Parses a time in whole seconds: from one to a day.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = i64::deserialize(deserializer)?;
    match u64::try_from(seconds) {
        Ok(right) if (1..=DAY).contains(&seconds) => Ok(Duration::from_secs(right)),
        _ => Err(D::Error::custom(format!(
            "{seconds} is no time between two polls: expected 1 to {DAY} seconds"
        ))),
    }
}
