use market::Symbol;
use serde::{Deserialize, de::IgnoredAny};

use super::request;
use crate::{address, combobox::Suggestion};

/// What the server suggests for a text.
pub(crate) async fn suggestions(text: &str, limit: usize) -> Result<Vec<Suggestion>, String> {
    #[derive(Deserialize)]
    struct Found {
        symbols: Vec<Suggestion>,
    }
    let found = request::get::<Found>(&address::of_search(text, limit), 0).await;
    found.map(|found| found.symbols)
}

/// Those of some symbols that a feed speaks of.
pub(crate) async fn quoted(symbols: &[Symbol]) -> Result<Vec<Symbol>, String> {
    // Mostly all of them are, which is one question.
    let all = address::with_watchlist("/stocks", symbols);
    if request::get::<IgnoredAny>(&all, 0).await.is_ok() {
        return Ok(symbols.to_vec());
    }
    let mut quoted = Vec::new();
    for symbol in symbols {
        let found = suggestions(symbol.as_str(), 1).await?;
        let is_it = |found: &Suggestion| found.symbol == *symbol && found.quoted;
        if found.iter().any(is_it) {
            quoted.push(*symbol);
        }
    }
    Ok(quoted)
}
