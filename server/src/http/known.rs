//! The symbols of a request: known, or refused with suggestions.

use std::sync::Arc;

use axum::extract::{Path, rejection::PathRejection};
use market::Symbol;
use web::problem::Problem;

use crate::http::{
    market_view,
    selection::{Symbols, parse_symbol},
    service::Service,
};

/// How many known symbols are suggested in place of an unknown one.
const SUGGESTIONS: usize = 5;

/// A symbol in the path of an address.
pub(super) type PathResult = Result<Path<String>, PathRejection>;

/// The symbol of an address.
fn named(path: PathResult) -> Result<Symbol, Problem> {
    let Path(text) = path.map_err(|_| {
        Problem::Malformed(
            "the symbol in the address is not UTF-8 once its percent signs are decoded: expected one such as GOOG"
                .to_owned(),
        )
    })?;
    parse_symbol(&text)
}

/// The symbol of an address, if a feed has published it or the archive has bars of it.
pub(super) async fn known(service: &Arc<Service>, path: PathResult) -> Result<Symbol, Problem> {
    let symbol = named(path)?;
    let recalled = service.recall(&[symbol]).await;
    if market_view::is_known(&service.tape, symbol) || service.remembered.has(symbol) {
        return Ok(symbol);
    }
    recalled?;
    Err(no_such_symbol(service, symbol).await)
}

/// Refuses symbols if no feed has published and the archive has no bars of any of them. If some are known, the others
/// are listed in the answer: an `EventSource` cannot read an error, and one wrong symbol should not cost the rest.
pub(super) async fn require_any_known(
    service: &Arc<Service>,
    symbols: &Symbols,
) -> Result<(), Problem> {
    let Symbols::These(named) = symbols else {
        return Ok(());
    };
    let recalled = service.recall(named).await;
    let unknown = service.unknown(symbols);
    match unknown.first() {
        Some(first) if unknown.len() == named.len() => {
            recalled?;
            Err(no_such_symbol(service, *first).await)
        }
        _ => Ok(()),
    }
}

/// Refuses a symbol that is not on the tape, with the nearest that are.
pub(super) async fn no_such_symbol(service: &Arc<Service>, symbol: Symbol) -> Problem {
    let shared = Arc::clone(service);
    let suggest = move || shared.search.suggest(&shared.tape, symbol, SUGGESTIONS);
    let suggestions = match service.work.run(suggest).await {
        Ok(suggestions) => suggestions,
        Err(problem) => return problem,
    };
    let listing = service.search.listing(symbol);
    Problem::UnknownSymbol {
        symbol,
        listed: listing.map(|listing| listing.name),
        suggestions,
    }
}
