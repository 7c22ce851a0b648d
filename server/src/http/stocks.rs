//! `/stocks/{symbol}` and `/stocks?symbols=`: as a page, as JSON and as a stream.

use std::sync::Arc;

use axum::{
    extract::{
        Path, Query as AxumQuery, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use market::{Bar, Millis, Quote, Symbol};
use serde::{Deserialize, Serialize};
use tape::EventId;

use super::{
    Service,
    accept::Representation,
    conditional::{self, EntityTag},
    market_view, page, poll,
    problem::Problem,
    selection::{Query, Selection, Symbols, number, parse_symbol},
    stream::{self, WritesStreams},
};

type QueryResult<T> = Result<AxumQuery<T>, QueryRejection>;
type PathResult = Result<Path<String>, PathRejection>;

/// `GET /stocks/{symbol}`
pub(crate) async fn one(
    State(service): State<Arc<Service>>,
    path: PathResult,
    query: QueryResult<Query>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let symbol = known(&service, path);
    let representation = match Representation::negotiate(&headers) {
        Ok(Representation::Page) => return page::one(service, symbol, query, request).await,
        Ok(representation) => representation,
        Err(problem) => return problem.into_response(),
    };
    let writer = request.extensions().get().copied();
    let answer = async {
        let query = read(query)?;
        let symbol = symbol?;
        let selection = Selection::parse(Symbols::These(vec![symbol]), &query)?;
        let current = |quotes: Vec<_>| {
            let (id, quote) = match quotes.into_iter().next() {
                Some(known) => known,
                None => (None, Quote::new(symbol, service.now())),
            };
            conditional::answer(&headers, id.map(|id| EntityTag::of([id])), quote)
        };
        represent(
            &service,
            representation,
            selection,
            &query,
            &headers,
            writer,
            current,
        )
        .await
    };
    answer.await.unwrap_or_else(Problem::into_response)
}

/// `GET /stocks?symbols=`
pub(crate) async fn several(
    State(service): State<Arc<Service>>,
    query: QueryResult<Query>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let representation = match Representation::negotiate(&headers) {
        Ok(Representation::Page) => return page::several(service, query, request).await,
        Ok(representation) => representation,
        Err(problem) => return problem.into_response(),
    };
    let writer = request.extensions().get().copied();
    let answer = async {
        let query = read(query)?;
        let Some(text) = &query.symbols else {
            return Err(Problem::Malformed(
                "symbols is missing: expected /stocks?symbols=GOOG,AAPL, or * for all".to_owned(),
            ));
        };
        let symbols = Symbols::parse(text)?;
        if let Symbols::These(symbols) = &symbols {
            for symbol in symbols {
                require_known(&service, *symbol)?;
            }
        }
        let selection = Selection::parse(symbols, &query)?;
        let current = |quotes: Vec<_>| {
            let (ids, quotes): (Vec<Option<EventId>>, Vec<Quote>) = quotes.into_iter().unzip();
            // A quote that is not on the tape is of this moment, and another one of the next.
            let ids: Option<Vec<EventId>> = ids.into_iter().collect();
            conditional::answer(&headers, ids.map(EntityTag::of), quotes)
        };
        represent(
            &service,
            representation,
            selection,
            &query,
            &headers,
            writer,
            current,
        )
        .await
    };
    answer.await.unwrap_or_else(Problem::into_response)
}

/// A stream, a poll, or the plain current state.
async fn represent(
    service: &Arc<Service>,
    representation: Representation,
    selection: Selection,
    query: &Query,
    headers: &HeaderMap,
    writer: Option<WritesStreams>,
    current: impl FnOnce(Vec<(Option<EventId>, Quote)>) -> Response,
) -> Result<Response, Problem> {
    if representation == Representation::Stream {
        let header = headers
            .get("last-event-id")
            .map(|value| value.to_str().unwrap_or("malformed"));
        let last_event_id = header.or(query.last_event_id.as_deref());
        return Ok(stream::open(service, selection, last_event_id, writer));
    }
    let wait = poll::parse_wait(query.wait.as_deref())?;
    if let Some(after) = &query.after {
        return Ok(poll::answer(service, &selection, after, wait).await);
    }
    let quotes = service
        .tape
        .view(|view| market_view::quotes(view, &selection.symbols, service.now()));
    Ok(current(quotes))
}

/// What is asked of `/stocks/{symbol}/bars`.
#[derive(Debug, Deserialize)]
pub(crate) struct BarsQuery {
    interval: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct Bars {
    symbol: Symbol,
    interval: &'static str,
    bars: Vec<Bar>,
}

/// The most bars that one answer carries: a week of minutes.
const MAX_BARS: usize = 10_080;

/// `GET /stocks/{symbol}/bars`: the bars that are on the tape.
pub(crate) async fn bars(
    State(service): State<Arc<Service>>,
    path: PathResult,
    query: QueryResult<BarsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = read(query)?;
    let symbol = known(&service, path)?;
    if let Some(other) = query
        .interval
        .as_deref()
        .filter(|interval| *interval != "1m")
    {
        return Err(Problem::Malformed(format!(
            "interval is {other:?}: expected 1m"
        )));
    }
    let from: Millis = number(
        "from",
        query.from.as_deref(),
        "ms since the epoch",
        Millis::MAX,
    )?
    .unwrap_or(0);
    let to: Millis = number("to", query.to.as_deref(), "ms since the epoch", Millis::MAX)?
        .unwrap_or(Millis::MAX);
    let limit = number(
        "limit",
        query.limit.as_deref(),
        "a number of bars from 0 to 10080",
        MAX_BARS as u64,
    )?
    .map_or(500, |limit| limit as usize);
    let bars = service
        .tape
        .view(|view| market_view::bars(view, symbol, from, to, limit));
    let (ids, bars): (Vec<EventId>, Vec<Bar>) = bars.into_iter().unzip();
    let answer = Bars {
        symbol,
        interval: "1m",
        bars,
    };
    Ok(conditional::answer(
        &headers,
        Some(EntityTag::of(ids)),
        answer,
    ))
}

pub(super) fn read<T>(query: QueryResult<T>) -> Result<T, Problem> {
    query
        .map(|AxumQuery(query)| query)
        .map_err(|error| Problem::Malformed(error.body_text()))
}

/// The symbol of an address, if a feed speaks of it.
fn known(service: &Service, path: PathResult) -> Result<Symbol, Problem> {
    let Path(text) = path.map_err(|_| {
        Problem::Malformed(
            "the symbol in the address is not UTF-8 once its percent signs are decoded: expected one such as GOOG"
                .to_owned(),
        )
    })?;
    let symbol = parse_symbol(&text)?;
    require_known(service, symbol)?;
    Ok(symbol)
}

pub(super) fn require_known(service: &Service, symbol: Symbol) -> Result<(), Problem> {
    if market_view::is_known(&service.tape, symbol) {
        return Ok(());
    }
    Err(Problem::UnknownSymbol {
        symbol,
        suggestions: market_view::nearest(&service.tape, symbol),
    })
}
