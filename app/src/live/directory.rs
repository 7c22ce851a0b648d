use market::Symbol;
use serde::Deserialize;

use super::request;
use crate::{state::address, widgets::suggestion::Suggestion};

/// The server's suggestions for a text. The error is in words.
pub(crate) async fn suggestions(text: &str, limit: usize) -> Result<Vec<Suggestion>, String> {
    #[derive(Deserialize)]
    struct Found {
        symbols: Vec<Suggestion>,
    }
    let found = request::get::<Found>(&address::of_search(text, limit), 0).await;
    found.map(|found| found.symbols)
}

/// Whether a symbol can be followed: a feed quotes it, or the archive has bars of it. The error is in words.
pub(crate) async fn is_offered(symbol: Symbol) -> Result<bool, String> {
    let found = suggestions(symbol.as_str(), 8).await?;
    match found.iter().find(|it| it.symbol == symbol) {
        Some(it) if it.quoted => Ok(true),
        Some(it) if it.archived => quoted(&[symbol]).await.map(|known| !known.is_empty()),
        _ => Ok(false),
    }
}

/// Those of `symbols` that a feed has named or the archive has bars of. The error is in words.
pub(crate) async fn quoted(symbols: &[Symbol]) -> Result<Vec<Symbol>, String> {
    #[derive(Deserialize)]
    struct Quoted {
        symbol: Symbol,
    }
    let address = address::with_watchlist("/stocks", symbols);
    match request::ask::<Vec<Quoted>>(&address, 0).await {
        Ok(known) => Ok(known.into_iter().map(|known| known.symbol).collect()),
        // None of them is known.
        Err(failure) if failure.is_unknown => Ok(Vec::new()),
        Err(failure) => Err(failure.error),
    }
}
