//! `/symbols`: the directory, searched.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use market::{Price, Symbol};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::service::Service;
use directory::Listing;
use web::{
    conditional::{self, IfNoneMatch},
    format::{self, Format},
    problem::Problem,
    query,
};

/// The query of `/symbols`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SymbolsQuery {
    /// What to search for: a symbol, a name, or the beginning of one. By default all.
    #[param(max_length = 64, example = "alph")]
    q: Option<String>,
    /// The largest number of symbols.
    #[param(value_type = Option<u64>, maximum = 20000, default = 20)]
    limit: Option<String>,
    /// The format of the answer, in place of `Accept`.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
}

/// Symbols, the best match first.
#[derive(Serialize, ToSchema)]
struct Found {
    /// The symbols.
    symbols: Vec<Match>,
}

/// A symbol of the directory.
#[derive(Serialize, ToSchema)]
struct Match {
    /// The symbol.
    symbol: Symbol,
    /// Its usual name; empty if unknown.
    name: String,
    /// Where it is traded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    venue: Option<String>,
    /// The currency of its prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    currency: Option<String>,
    /// The smallest step of a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    tick: Option<Price>,
    /// Whether a feed publishes it.
    quoted: bool,
    /// Whether the archive has bars of it.
    archived: bool,
}

/// The most symbols in one answer.
const MAX_SYMBOLS: u64 = 20_000;

/// The longest text that is searched for, in characters.
const MAX_TEXT: usize = 64;

/// The formats of the answer.
const FORMATS: [Format; 2] = [Format::Json, Format::Csv];

/// The directory of symbols, searched.
///
/// The symbol itself comes first, then symbols that begin with the text, then names that begin with it or have a word
/// that does, then those that contain it anywhere; if these are too few, similar spellings. Of equal matches those that
/// a feed publishes come first.
#[utoipa::path(
    get,
    path = "/symbols",
    params(SymbolsQuery, IfNoneMatch),
    responses(
        (status = 200, description = "The symbols", content(
            (Found = "application/json"),
            (String = "text/csv"),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed"),
        (status = 406, description = "Neither is accepted"),
    )
)]
pub(crate) async fn symbols(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query: SymbolsQuery = query::strict(&uri)?;
    let text = query.q.unwrap_or_default();
    query::at_most("q", &text, MAX_TEXT)?;
    let limit = query::number(
        "limit",
        query.limit.as_deref(),
        "a number of symbols from 0 to 20000",
        MAX_SYMBOLS,
    )?
    .map_or(20, |limit| limit as usize);
    let format = format::choose(&headers, query.format.as_deref(), &FORMATS)?;
    let archived = service.all_remembered().await;
    let named = match text.trim().parse() {
        Ok(symbol) => remembered_by_name(&service, symbol, &archived).await,
        Err(_) => None,
    };
    let shared = Arc::clone(&service);
    let search = move || {
        let mut found = shared.search.search(&shared.tape, &text, limit);
        if let Some(symbol) = named
            && found.iter().all(|(listing, _)| listing.symbol != symbol)
        {
            found.insert(0, (Listing::new(symbol), false));
            found.truncate(limit);
        }
        let is_archived = |symbol: &Symbol| named == Some(*symbol) || archived.contains(symbol);
        let found = found.into_iter().map(|(listing, quoted)| {
            let archived = is_archived(&listing.symbol);
            Match::new(listing, quoted, archived)
        });
        let found: Vec<Match> = found.collect();
        match format {
            Format::Csv => csv(&found),
            _ => serde_json::to_vec(&Found { symbols: found }).map_err(|error| error.to_string()),
        }
    };
    let content = service.work.run(search).await?;
    let content = content.map_err(|error| {
        tracing::error!("the directory cannot be written: {error}");
        Problem::Unavailable("the directory cannot be written: try again".to_owned())
    })?;
    Ok(conditional::content(
        &headers,
        format.content_type(),
        content,
    ))
}

/// A symbol that nothing quotes, if the archive has bars of it and the cached list does not have it: it was imported a
/// moment ago, or there are more than are listed.
async fn remembered_by_name(
    service: &Service,
    symbol: Symbol,
    archived: &HashSet<Symbol>,
) -> Option<Symbol> {
    if archived.contains(&symbol) || service.recall(&[symbol]).await.is_err() {
        return None;
    }
    Some(symbol).filter(|symbol| service.remembered.has(*symbol))
}

impl Match {
    fn new(listing: Listing, quoted: bool, archived: bool) -> Self {
        let Listing {
            symbol,
            name,
            venue,
            currency,
            tick,
        } = listing;
        Match {
            symbol,
            name,
            venue,
            currency,
            tick,
            quoted,
            archived,
        }
    }
}

fn csv(found: &[Match]) -> Result<Vec<u8>, String> {
    let names = [
        "symbol", "name", "venue", "currency", "tick", "quoted", "archived",
    ];
    let optional = |text: &Option<String>| text.as_deref().map_or(String::new(), format::cell);
    format::csv(&names, found, |of| {
        [
            format::cell(of.symbol.as_str()),
            format::cell(&of.name),
            optional(&of.venue),
            optional(&of.currency),
            of.tick.map_or(String::new(), |tick| tick.to_string()),
            of.quoted.to_string(),
            of.archived.to_string(),
        ]
    })
}
