use market::{Quality, Session, Symbol, TradingState};

use crate::Publisher;

/// The session of a stock of the United States, with its name and tick from the directory.
pub(crate) fn session(
    symbol: Symbol,
    venue: &str,
    source: &str,
    quality: Quality,
    publisher: &Publisher,
) -> Session {
    let listing = publisher.listing(symbol);
    let listing = listing.as_ref();
    Session {
        symbol,
        name: listing
            .map(|listing| listing.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| symbol.to_string()),
        currency: Some("USD".to_owned()),
        venue: Some(venue.to_owned()),
        source: source.to_owned(),
        quality,
        state: TradingState::Open,
        halt_code: None,
        hours: None,
        open: None,
        prev_close: None,
        tick: listing.and_then(|listing| listing.tick),
    }
}
