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
use tape::EventId;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use crate::http::{
    Service, asked, conditional,
    format::{self, Format},
    problem::Problem,
    stocks::IfNoneMatch,
};
use directory::{Directory, Listing};
use events::{Tape, slices};

/// How old what is known of the tape may be. Somebody who types asks several times a second.
const FRESH: Duration = Duration::from_millis(250);

/// The directory of symbols with those that are on the tape.
#[derive(Debug, Default)]
pub struct Search {
    directory: Arc<Directory>,
    // A std mutex, held while what has changed on the tape is looked through, and never across an await.
    quoted: Mutex<Option<Quoted>>,
}

/// The symbols of the tape, as they were at a moment.
#[derive(Debug, Clone)]
struct Quoted {
    at: Instant,
    /// What tells whether there are more by now: symbols never leave the tape.
    conflation_keys: usize,
    /// Up to where the tape was looked through.
    seen: EventId,
    symbols: Arc<HashSet<Symbol>>,
    /// The same in their order.
    sorted: Arc<[Symbol]>,
}

impl Search {
    /// With what the feeds list.
    pub fn new(directory: Arc<Directory>) -> Self {
        Search {
            directory,
            quoted: Mutex::default(),
        }
    }

    /// Has the directory list symbols of which nothing else is known.
    pub(crate) fn list(&self, symbols: impl IntoIterator<Item = Symbol>) {
        self.directory.list(symbols.into_iter().map(Listing::new));
    }

    /// What is known of a symbol besides what the tape says.
    pub(crate) fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.directory.get(symbol)
    }

    /// The symbols of the tape, in their order.
    pub(crate) fn symbols(&self, tape: &Tape) -> Arc<[Symbol]> {
        self.quoted(tape).sorted
    }

    /// The symbols of the tape that are nearest to what is not on it: by their names and spelling.
    pub(crate) fn suggest(&self, tape: &Tape, symbol: Symbol, limit: usize) -> Vec<Symbol> {
        let quoted = self.quoted(tape).symbols;
        let found = self.directory.search(symbol.as_str(), &quoted, ENOUGH);
        let found = found.into_iter().map(|listing| listing.symbol);
        let mut suggestions: Vec<Symbol> = found
            .filter(|found| *found != symbol && quoted.contains(found))
            .take(limit)
            .collect();
        let missing = limit - suggestions.len();
        if missing > 0 {
            let others = quoted.iter().filter(|other| !suggestions.contains(other));
            let likeness = |other: &Symbol| strsim::jaro_winkler(symbol.as_str(), other.as_str());
            let mut others: Vec<(f64, Symbol)> =
                others.map(|other| (likeness(other), *other)).collect();
            let order = |(one, one_symbol): &(f64, Symbol),
                         (other, other_symbol): &(f64, Symbol)| {
                other.total_cmp(one).then(one_symbol.cmp(other_symbol))
            };
            if others.len() > missing {
                others.select_nth_unstable_by(missing - 1, order);
                others.truncate(missing);
            }
            others.sort_unstable_by(order);
            suggestions.extend(others.into_iter().map(|(_, other)| other));
        }
        suggestions
    }

    /// The listings that fit a text best, with whether each is quoted.
    pub(crate) fn search(&self, tape: &Tape, text: &str, limit: usize) -> Vec<(Listing, bool)> {
        let quoted = self.quoted(tape).symbols;
        let found = self.directory.search(text, &quoted, limit);
        let is_quoted = |listing: Listing| {
            let is_quoted = quoted.contains(&listing.symbol);
            (listing, is_quoted)
        };
        found.into_iter().map(is_quoted).collect()
    }

    /// The symbols of the tape. What is said of them there comes into the directory, too. Only what has
    /// changed since the last time is looked at.
    fn quoted(&self, tape: &Tape) -> Quoted {
        let conflation_keys = tape.view(|view| view.conflation_keys());
        // Held while the tape is looked through: whoever comes meanwhile need not do it again.
        let mut known = self.quoted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quoted) = &*known
            && quoted.conflation_keys == conflation_keys
            && quoted.at.elapsed() < FRESH
        {
            return quoted.clone();
        }
        let at = Instant::now();
        let (seen, mut symbols, sorted) = match known.take() {
            Some(quoted) => (quoted.seen, quoted.symbols, quoted.sorted),
            None => (slices::BEGINNING, Arc::default(), Arc::default()),
        };
        let changes = slices::changes(tape, seen);
        let before = symbols.len();
        let mut said = Vec::new();
        for (_, entry) in &changes {
            let symbol = match &*entry.event {
                Event::Quote(quote) => quote.symbol,
                Event::Session(session) => session.symbol,
                Event::Bar(_) | Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {
                    continue;
                }
            };
            let is_new = !symbols.contains(&symbol);
            if is_new {
                Arc::make_mut(&mut symbols).insert(symbol);
            }
            match &*entry.event {
                Event::Session(session) => said.push(Listing {
                    name: session.name.clone(),
                    venue: session.venue.clone(),
                    currency: session.currency.clone(),
                    tick: session.tick,
                    ..Listing::new(symbol)
                }),
                _ if is_new => said.push(Listing::new(symbol)),
                _ => {}
            }
        }
        self.directory.list(said);
        let sorted = match symbols.len() == before {
            true => sorted,
            false => {
                let mut sorted: Vec<Symbol> = symbols.iter().copied().collect();
                sorted.sort_unstable();
                sorted.into()
            }
        };
        let quoted = Quoted {
            at,
            conflation_keys,
            seen: changes.last().map_or(seen, |(id, _)| *id),
            symbols,
            sorted,
        };
        known.insert(quoted).clone()
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
    /// Whether the archive has bars of it.
    archived: bool,
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

/// A symbol that nothing quotes, where the archive has bars of it and the list of what it has does not have it: it was
/// imported a moment ago, or there are more than are listed.
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
