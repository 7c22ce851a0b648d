//! The page: the same resources as HTML, complete before any script.

use std::{collections::HashSet, sync::Arc};

use app::{Days, FoundBars, PageData, Range};

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use leptos::{nonce::Nonce, prelude::provide_context};
use market::{Interval, Millis, Symbol};

use crate::http::{
    known::no_such_symbol,
    market_view, news,
    selection::{NewsChoice, Query, Selection, Symbols},
    service::Service,
};
use history::{Adjust, BarQuery, older_interval, read_bars};
use web::{accept::Representation, problem::Problem, query};

/// How many symbols the watchlist shows if the address names none.
const USUAL_WATCHLIST: usize = 30;

/// The largest page: many times that of the most symbols.
const MAX_PAGE_BYTES: usize = 64 * 1024 * 1024;

/// `GET /stocks/{symbol}` as HTML.
pub(crate) async fn one(
    service: Arc<Service>,
    symbol: Result<Symbol, Problem>,
    request: Request,
) -> Response {
    let (watchlist, mut problem) = watchlist(&service, request.uri()).await;
    let symbol = match symbol {
        Ok(symbol) => Some(symbol),
        Err(error) => {
            problem = Some(error);
            None
        }
    };
    render(service, watchlist, symbol, problem, request).await
}

/// `GET /stocks` and `GET /` as HTML.
pub(crate) async fn several(service: Arc<Service>, request: Request) -> Response {
    let (watchlist, problem) = watchlist(&service, request.uri()).await;
    let symbol = match &watchlist {
        Symbols::These(symbols) => symbols.first().copied(),
        Symbols::All if problem.is_some() => None,
        Symbols::All => usual_watchlist(&service).await.first().copied(),
    };
    render(service, watchlist, symbol, problem, request).await
}

/// Unknown paths: a page for a person, a problem for a program.
pub(crate) async fn fallback(State(service): State<Arc<Service>>, request: Request) -> Response {
    let problem = Problem::UnknownPath(request.uri().path().to_owned());
    match Representation::negotiate(request.headers()) {
        Ok(Representation::Page) => {
            render(service, Symbols::All, None, Some(problem), request).await
        }
        _ => problem.into_response(),
    }
}

/// The watchlist of an address; unknown symbols are left out and reported.
async fn watchlist(service: &Arc<Service>, address: &Uri) -> (Symbols, Option<Problem>) {
    let query: Query = match query::lenient(address) {
        Ok(query) => query,
        Err(problem) => return (Symbols::All, Some(problem)),
    };
    let Some(text) = &query.symbols else {
        return (Symbols::All, None);
    };
    match Symbols::parse("symbols", text, service.limits.symbols) {
        Err(problem) => (Symbols::All, Some(problem)),
        Ok(Symbols::All) => (Symbols::All, None),
        Ok(Symbols::These(mut symbols)) => {
            // If the archive cannot be read, symbols that only it has are left out.
            let _ = service.recall(&symbols).await;
            let unknown = market_view::unknown_of(&service.tape, &service.remembered, &symbols);
            // Suggestions are made for one of them, however many there are.
            let problem = match unknown.first() {
                Some(first) => Some(no_such_symbol(service, *first).await),
                None => None,
            };
            let unknown: HashSet<Symbol> = unknown.into_iter().collect();
            symbols.retain(|symbol| !unknown.contains(symbol));
            if symbols.is_empty() {
                (Symbols::All, problem)
            } else {
                (Symbols::These(symbols), problem)
            }
        }
    }
}

async fn render(
    service: Arc<Service>,
    watchlist: Symbols,
    symbol: Option<Symbol>,
    problem: Option<Problem>,
    request: Request,
) -> Response {
    // The error of one symbol of several is shown on the page of the others.
    let status = match &problem {
        Some(problem) if symbol.is_none() => problem.status(),
        _ => StatusCode::OK,
    };
    let address = request.uri().clone();
    let data = page_data(&service, &address, watchlist, symbol, problem).await;
    let options = service.leptos.clone();
    // The inline scripts and the policy of the page must have the same nonce.
    let nonce = Nonce::new();
    let given = nonce.clone();
    let renderer = leptos_axum::render_app_async_with_context(
        move || {
            provide_context(given.clone());
            provide_context(data.clone());
        },
        move || app::shell(options.clone()),
    );
    let headers = [
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "accept"),
    ];
    let (parts, body) = renderer(request).await.into_parts();
    // It is complete already; with its length it is known how much of it is pending.
    let page = match to_bytes(body, MAX_PAGE_BYTES).await {
        Ok(page) => Response::from_parts(parts, Body::from(page)),
        Err(error) => {
            tracing::error!("a page cannot be drawn: {error}");
            return Problem::Unavailable("the page cannot be drawn: try again".to_owned())
                .into_response();
        }
    };
    (status, headers, Extension(nonce), page).into_response()
}

fn newest(service: &Service, symbol: Symbol, interval: Interval, limit: usize) -> BarQuery {
    BarQuery {
        symbol,
        interval,
        starts: 0..Millis::MAX,
        limit,
        now: service.now(),
        adjust: Adjust::default(),
    }
}

/// The newest bars of a symbol: those of the tape if the archive cannot be read, so that there is a page at all.
async fn bars(service: &Service, symbol: Symbol, interval: Interval, limit: usize) -> FoundBars {
    let wanted = newest(service, symbol, interval, limit);
    let (tape, query) = (service.tape.clone(), wanted.clone());
    let minutes = service.history.minutes();
    let read = service
        .history
        .read(move |past| read_bars(past, &tape, &minutes, &query))
        .await;
    let read = read.or_else(|error| {
        tracing::error!("the page is drawn without the archive: {error}");
        read_bars(None, &service.tape, &service.history.minutes(), &wanted)
    });
    read.map_or_else(
        |_| FoundBars::default(),
        |read| FoundBars {
            bars: read.bars,
            until: read.until,
            older: None,
        },
    )
}

async fn bars_of_range(service: &Service, symbol: Symbol, range: Range) -> FoundBars {
    let archived = service.history.is_archived();
    let most = PageData::most_bars(range, archived);
    bars(service, symbol, range.interval(archived), most).await
}

/// The first state of the chart: the range and its newest bars. The range is that of the address; or if that is a day
/// and there are no minutes, the range of the stored bars.
async fn opening(service: &Service, symbol: Symbol, requested: Range) -> (Range, FoundBars) {
    let found = bars_of_range(service, symbol, requested).await;
    if requested != Range::default() || found.bars.len() >= Range::LEAST_BARS {
        return (requested, found);
    }
    let interval = requested.interval(service.history.is_archived());
    let query = newest(service, symbol, interval, Range::LEAST_BARS);
    let (tape, minutes) = (service.tape.clone(), service.history.minutes());
    let older = service.history.read(move |past| {
        let found = read_bars(past, &tape, &minutes, &query)?;
        older_interval(past, &tape, &minutes, &query, &found)
    });
    match Range::opening(found.bars.len(), older.await.unwrap_or_default()) {
        Some(range) => (range, bars_of_range(service, symbol, range).await),
        None => (requested, found),
    }
}

/// The default watchlist: the first symbols of the tape; if nothing is quoted, those of the archive.
async fn usual_watchlist(service: &Service) -> Vec<Symbol> {
    let symbols = service.search.symbols(&service.tape);
    match symbols.is_empty() && service.history.is_archived() {
        true => service.first_remembered(USUAL_WATCHLIST).await,
        false => symbols.iter().take(USUAL_WATCHLIST).copied().collect(),
    }
}

async fn page_data(
    service: &Service,
    address: &Uri,
    symbols: Symbols,
    symbol: Option<Symbol>,
    problem: Option<Problem>,
) -> PageData {
    let chosen = matches!(symbols, Symbols::These(_));
    let mut watchlist = match symbols {
        Symbols::These(symbols) => symbols,
        Symbols::All => usual_watchlist(service).await,
    };
    let mut shown = watchlist.clone();
    if let Some(symbol) = symbol
        && !watchlist.contains(&symbol)
    {
        shown.push(symbol);
        // A person's own list stays unchanged, whatever is open beside it.
        if !chosen {
            watchlist.insert(0, symbol);
        }
    }
    let query = address.query().unwrap_or_default();
    let (requested, mut compared) = app::charted_by(query);
    let _ = service.recall(&[&*shown, &*compared].concat()).await;
    let unknown = market_view::unknown_of(&service.tape, &service.remembered, &compared);
    compared.retain(|other| !unknown.contains(other) && Some(*other) != symbol);
    for other in &compared {
        if !shown.contains(other) {
            shown.push(*other);
        }
    }
    let selection = Selection {
        symbols: Symbols::These(shown),
        news: NewsChoice::Symbols,
        min_interval: None,
        added: None,
    };
    let feeds = service.feed_statuses();
    // The stream continues after the position, and misses nothing.
    let position = service.tape.view(|view| view.position());
    let (tape, now) = (&service.tape, service.now());
    let remembered = &service.remembered;
    let snapshot = market_view::snapshot(tape, remembered, &selection, position, feeds, now, false)
        .into_snapshot();
    // Stories of a filter may be older than those of a snapshot.
    let filtered = app::address_of_news(query, symbol, chosen.then_some(&*watchlist));
    let older = match filtered {
        Some(address) => news::found(service, &address, position).await,
        None => None,
    };
    // Afterwards: a minute that closes meanwhile may be there twice, and is never missing.
    let archived = service.history.is_archived();
    let (mut range, mut found, mut days) = (requested, FoundBars::default(), FoundBars::default());
    let mut others = Vec::with_capacity(compared.len());
    if let Some(symbol) = symbol {
        (range, found) = opening(service, symbol, requested).await;
        days = bars(service, symbol, Interval::Day, Days::BARS).await;
        for other in compared {
            others.push(bars_of_range(service, other, range).await);
        }
    }
    let days = Days::of(&days.bars, service.now());
    PageData {
        id: position.to_string(),
        path: address.path().to_owned(),
        query: query.to_owned(),
        watchlist,
        chosen,
        symbol,
        snapshot,
        older,
        range: (range != requested).then(|| range.to_string()),
        bars: found.bars,
        until: found.until,
        compared: others,
        days,
        archived,
        problem: problem.as_ref().map(for_page),
    }
}

/// A problem in the form of the page.
fn for_page(problem: &Problem) -> app::Problem {
    if let Problem::UnknownSymbol {
        symbol,
        listed,
        suggestions,
    } = problem
    {
        return app::Problem {
            detail: instead_of(listed.as_deref(), suggestions),
            suggestions: suggestions.clone(),
            ..app::Problem::unknown_symbol(*symbol)
        };
    }
    app::Problem {
        status: problem.status().as_u16(),
        title: problem.title().to_owned(),
        detail: problem.detail(),
        suggestions: Vec::new(),
    }
}

/// What there is in place of a symbol that is not quoted, in sentences; empty where nothing is near. `listed` is its name in
/// the directory, where it is listed.
fn instead_of(listed: Option<&str>, suggestions: &[Symbol]) -> String {
    let listed = listed.map(|name| match name {
        "" => "It is in the directory, but no feed here quotes it.".to_owned(),
        name => format!("It is in the directory as {name}, but no feed here quotes it."),
    });
    let names: Vec<&str> = suggestions.iter().map(Symbol::as_str).collect();
    let question = match &*names {
        [] => None,
        [one] => Some(format!("Did you mean {one}?")),
        [others @ .., last] => Some(format!("Did you mean {} or {last}?", others.join(", "))),
    };
    let sentences: Vec<String> = listed.into_iter().chain(question).collect();
    sentences.join(" ")
}
