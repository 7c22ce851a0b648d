use tokio_tungstenite::tungstenite::http::Uri;

/// An address without its parts that may be secret.
pub(crate) fn shown(address: &Uri) -> String {
    let host = address.host().unwrap_or_default();
    let port = address
        .port()
        .map_or(String::new(), |port| format!(":{port}"));
    format!(
        "{}://{host}{port}{}",
        address.scheme_str().unwrap_or("ws"),
        address.path()
    )
}

/// The most characters of a source's own words that are shown.
const MAX_WORDS: usize = 200;

/// A source's own words in a form that may be shown.
pub(crate) fn words(text: &str) -> String {
    let text = market::plain(text);
    text.trim().chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (address, expected) in [
            ("wss://ws.finnhub.io?token=K", "wss://ws.finnhub.io/"),
            ("ws://me:secret@127.0.0.1:9/a/b?c=d", "ws://127.0.0.1:9/a/b"),
        ] {
            assert_eq!(shown(&address.parse().unwrap()), expected);
        }
    }
}
