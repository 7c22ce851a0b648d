//! `/symbols`: the directory, searched.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use market::{Event, Price, Symbol};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::{
    Service, asked, conditional,
    format::{self, Format},
    problem::Problem,
    stocks::IfNoneMatch,
};
use crate::{Directory, Entry, Listing, Tape, Topic};

/// How old what is known of the tape may be. Somebody who types asks several times a second.
const FRESH: Duration = Duration::from_millis(250);

/// The directory of symbols with those that are on the tape.
#[derive(Debug, Default)]
pub struct Search {
    directory: Arc<Directory>,
    // A std mutex, held for a look or an exchange.
    quoted: Mutex<Option<Quoted>>,
}

/// The symbols of the tape, as they were at a moment.
#[derive(Debug, Clone)]
struct Quoted {
    at: Instant,
    /// What tells whether there are more by now: symbols never leave the tape.
    merge_keys: usize,
    symbols: Arc<HashSet<Symbol>>,
}

impl Search {
    /// With what the feeds list.
    pub fn new(directory: Arc<Directory>) -> Self {
        Search {
            directory,
            quoted: Mutex::default(),
        }
    }

    /// What is known of a symbol besides what the tape says.
    pub(crate) fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.directory.get(symbol)
    }

    /// The symbols of the tape that are nearest to what is not on it: by their names and spelling.
    pub(crate) fn suggest(&self, tape: &Tape, symbol: Symbol, limit: usize) -> Vec<Symbol> {
        let quoted = self.quoted(tape);
        let found = self.directory.search(symbol.as_str(), &quoted, ENOUGH);
        let found = found.into_iter().map(|listing| listing.symbol);
        let mut suggestions: Vec<Symbol> = found
            .filter(|found| *found != symbol && quoted.contains(found))
            .take(limit)
            .collect();
        if suggestions.len() < limit {
            let mut others: Vec<Symbol> = quoted
                .iter()
                .copied()
                .filter(|other| !suggestions.contains(other))
                .collect();
            let likeness = |other: &Symbol| strsim::jaro_winkler(symbol.as_str(), other.as_str());
            others.sort_by(|one, other| {
                let order = likeness(other).total_cmp(&likeness(one));
                order.then(one.cmp(other))
            });
            suggestions.extend(others.into_iter().take(limit - suggestions.len()));
        }
        suggestions
    }

    /// The listings that fit a text best, with whether each is quoted.
    pub(crate) fn search(&self, tape: &Tape, text: &str, limit: usize) -> Vec<(Listing, bool)> {
        let quoted = self.quoted(tape);
        let found = self.directory.search(text, &quoted, limit);
        let is_quoted = |listing: Listing| {
            let is_quoted = quoted.contains(&listing.symbol);
            (listing, is_quoted)
        };
        found.into_iter().map(is_quoted).collect()
    }

    /// The symbols of the tape. What is said of them there comes into the directory, too.
    fn quoted(&self, tape: &Tape) -> Arc<HashSet<Symbol>> {
        let merge_keys = tape.view(|view| view.merge_keys());
        let known = self.quoted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quoted) = &*known
            && quoted.merge_keys == merge_keys
            && quoted.at.elapsed() < FRESH
        {
            return Arc::clone(&quoted.symbols);
        }
        drop(known);
        // Of thousands, the tape is locked only to take note of them.
        let entries: Vec<Entry> = tape.view(|view| {
            let entries = view.merging(&Topic::Symbols);
            entries.map(|(_, entry)| entry.clone()).collect()
        });
        let mut quoted = HashSet::new();
        let mut said = Vec::new();
        for entry in &entries {
            let listing = match &*entry.event {
                Event::Quote(quote) => Listing::new(quote.symbol),
                Event::Session(session) => Listing {
                    name: session.name.clone(),
                    venue: session.venue.clone(),
                    currency: session.currency.clone(),
                    tick: session.tick,
                    ..Listing::new(session.symbol)
                },
                _ => continue,
            };
            quoted.insert(listing.symbol);
            said.push(listing);
        }
        self.directory.list(said);
        let symbols = Arc::new(quoted);
        let mut known = self.quoted.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Quoted {
            at: Instant::now(),
            merge_keys,
            symbols: Arc::clone(&symbols),
        });
        symbols
    }
}

/// How many listings are looked through for suggestions: most of them may not be quoted.
const ENOUGH: usize = 200;

/// What is asked of `/symbols`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SymbolsQuery {
    /// What to search for: a symbol, a name, or the beginning of one. Without it, all.
    #[param(max_length = 64, example = "alph")]
    q: Option<String>,
    /// How many symbols at the most.
    #[param(value_type = Option<u64>, maximum = 20000, default = 20)]
    limit: Option<String>,
    /// What to answer with, whatever `Accept` says.
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
    /// What can be traded.
    symbol: Symbol,
    /// Its name as people say it; empty where nobody has said it.
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
    /// Whether a feed speaks of it.
    quoted: bool,
}

/// The most symbols that one answer carries.
const MAX_SYMBOLS: u64 = 20_000;

/// The longest text that is searched for, in characters.
const MAX_TEXT: usize = 64;

/// What it can be answered with.
const FORMATS: [Format; 2] = [Format::Json, Format::Csv];

/// The directory of symbols, searched.
///
/// The symbol itself comes first, then what begins with the text, then names that begin with it or have a
/// word that does, then what has it anywhere; where there are not enough, what is spelled like it. Of equal
/// matches those that a feed speaks of come first.
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
    let query: SymbolsQuery = asked::strict(&uri)?;
    let text = query.q.unwrap_or_default();
    asked::at_most("q", &text, MAX_TEXT)?;
    let limit = asked::number(
        "limit",
        query.limit.as_deref(),
        "a number of symbols from 0 to 20000",
        MAX_SYMBOLS,
    )?
    .map_or(20, |limit| limit as usize);
    let format = format::choose(&headers, query.format.as_deref(), &FORMATS)?;
    let found = service.search.search(&service.tape, &text, limit);
    let found: Vec<Match> = found.into_iter().map(Match::from).collect();
    let content = match format {
        Format::Csv => csv(&found),
        _ => serde_json::to_vec(&Found { symbols: found }).map_err(|error| error.to_string()),
    };
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

impl From<(Listing, bool)> for Match {
    fn from((listing, quoted): (Listing, bool)) -> Self {
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
        }
    }
}

fn csv(found: &[Match]) -> Result<Vec<u8>, String> {
    let names = ["symbol", "name", "venue", "currency", "tick", "quoted"];
    let optional = |text: &Option<String>| text.as_deref().map_or(String::new(), format::cell);
    format::csv(&names, found, |of| {
        [
            format::cell(of.symbol.as_str()),
            format::cell(&of.name),
            optional(&of.venue),
            optional(&of.currency),
            of.tick.map_or(String::new(), |tick| tick.to_string()),
            of.quoted.to_string(),
        ]
    })
}
