//! `/stocks/{symbol}` and `/stocks?symbols=`: as a page, as JSON and as a stream.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use market::{Quote, Symbol};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use tape::EventId;
use utoipa::{IntoParams, ToSchema};

use crate::http::{
    admission::{Admission, Asker},
    headers::UNKNOWN_SYMBOLS,
    known::{PathResult, known, require_any_known},
    market_view, page, poll,
    selection::{HomeQuery, OneQuery, Query, Selection, Symbols},
    service::Service,
    stream,
};
use web::{
    accept::Representation,
    conditional::{self, EntityTag, IfNoneMatch},
    format::UNRESERVED,
    problem::Problem,
    query,
};

/// Where a client continues.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header, which is read as one")]
struct LastEventId {
    /// The id of the last event that the client has received: its stream continues after it, or opens with a snapshot
    /// marked `reset` if it is no longer on the tape. It takes precedence over `last_event_id`.
    #[param(rename = "Last-Event-ID", example = "1732111111202-4217001")]
    last_event_id: Option<String>,
}

/// The JSON of `/stocks/{symbol}`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes what is written as one or the other")]
enum QuoteOrEvents {
    /// Without `after`.
    Quote(Quote),
    /// With `after`.
    Events(poll::Answer),
}

/// The JSON of `/stocks`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes what is written as one or the other")]
pub(super) enum QuotesOrEvents {
    /// Without `after`.
    Quotes(Vec<Quote>),
    /// With `after`.
    Events(poll::Answer),
}

/// How a stream begins and continues.
const STREAM_EXAMPLE: &str = "\
: tickertape
retry: 2210
id: 1732111111111-4217000
event: snapshot
data: {\"time\":1732111111111,\"reset\":false,\"quotes\":[],\"sessions\":[],\"closes\":[],\"news\":[],\"feeds\":[]}

id: 1732111111202-4217000
data: {\"symbol\":\"GOOG\",\"time\":1732111111200,\"price\":\"597.32\"}

";

/// One symbol.
///
/// As a page for a person, its current quote as JSON, or its live stream. With `after`, JSON of the events since then
/// instead of the quote.
#[utoipa::path(
    get,
    path = "/stocks/{symbol}",
    params(
        ("symbol" = String, Path, description = "What is traded, in any case", example = "GOOG", pattern = r"^(?!\.{1,2}$)[A-Za-z0-9.^=_-]{1,24}$"),
        OneQuery,
        LastEventId,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The page, the quote or the events since then, or the stream. Where no feed quotes the symbol, the last close of the archive stands in for the quote, with its day in `close_of`", content(
            (QuoteOrEvents = "application/json"),
            (String = "text/event-stream", example = json!(STREAM_EXAMPLE)),
            (String = "text/html"),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed"),
        (status = 404, description = "No feed has named the symbol and the archive has no bars of it; the nearest known ones are suggested"),
        (status = 406, description = "None of the three is accepted"),
        (status = 429, description = "The client's address has too many streams"),
    )
)]
pub(crate) async fn one(
    State(service): State<Arc<Service>>,
    path: PathResult,
    headers: HeaderMap,
    Extension(asker): Extension<Asker>,
    request: Request,
) -> Response {
    let symbol = known(&service, path).await;
    let representation = match Representation::negotiate(&headers) {
        Ok(Representation::Page) => return page::one(service, symbol, request).await,
        Ok(representation) => representation,
        Err(problem) => return problem.into_response(),
    };
    let (parts, _) = request.into_parts();
    let answer = async {
        let query: Query = query::strict::<OneQuery>(&parts.uri)?.into();
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
            &parts,
            asker,
            current,
        )
        .await
    };
    answer.await.unwrap_or_else(Problem::into_response)
}

/// Several symbols, or all, in one answer.
///
/// As a page, as JSON, or as one stream. With `after`, JSON of the events since then.
#[utoipa::path(
    get,
    path = "/stocks",
    params(Query, LastEventId, IfNoneMatch),
    responses(
        (status = 200, description = "The page, the quotes or the events since then, or the stream. Symbols that are not known are left out of the quotes and listed as `unknown`; one that no feed quotes has the last close of the archive, with its day in `close_of`", content(
            (QuotesOrEvents = "application/json"),
            (String = "text/event-stream", example = json!(STREAM_EXAMPLE)),
            (String = "text/html"),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed, or names too many symbols"),
        (status = 404, description = "No feed has named any of the symbols and the archive has bars of none; the nearest known ones are suggested"),
        (status = 406, description = "None of the three is accepted"),
        (status = 429, description = "The client's address has too many streams"),
    )
)]
pub(crate) async fn several(
    State(service): State<Arc<Service>>,
    Extension(asker): Extension<Asker>,
    request: Request,
) -> Response {
    let read = |parts: &Parts, service: &Service| {
        let query: Query = query::strict(&parts.uri)?;
        let Some(text) = &query.symbols else {
            return Err(Problem::Malformed(
                "symbols is missing: expected /stocks?symbols=GOOG,AAPL, or * for all".to_owned(),
            ));
        };
        let symbols = Symbols::parse("symbols", text, service.limits.symbols)?;
        Ok((query, symbols))
    };
    page_or_several(service, asker, request, read).await
}

/// The dashboard, or the answer of `/stocks`.
///
/// Without `symbols` it covers all of them, like the dashboard.
#[utoipa::path(
    get,
    path = "/",
    params(HomeQuery, LastEventId, IfNoneMatch),
    responses(
        (status = 200, description = "The dashboard, the quotes or the events since then, or the stream", content(
            (String = "text/html"),
            (QuotesOrEvents = "application/json"),
            (String = "text/event-stream", example = json!(STREAM_EXAMPLE)),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed, or names too many symbols"),
        (status = 404, description = "No feed has named any of the symbols and the archive has bars of none; the nearest known ones are suggested"),
        (status = 406, description = "None of the three is accepted"),
        (status = 429, description = "The client's address has too many streams"),
    )
)]
pub(crate) async fn home(
    State(service): State<Arc<Service>>,
    Extension(asker): Extension<Asker>,
    request: Request,
) -> Response {
    let read = |parts: &Parts, service: &Service| {
        let query: Query = query::strict::<HomeQuery>(&parts.uri)?.into();
        let symbols = match &query.symbols {
            Some(text) => Symbols::parse("symbols", text, service.limits.symbols)?,
            None => Symbols::All,
        };
        Ok((query, symbols))
    };
    page_or_several(service, asker, request, read).await
}

/// The selection of an address, for data.
type Asked = Result<(Query, Symbols), Problem>;

/// The page, or the requested data. `read` parses the address, strictly for data only.
async fn page_or_several(
    service: Arc<Service>,
    asker: Asker,
    request: Request,
    read: fn(&Parts, &Service) -> Asked,
) -> Response {
    let representation = match Representation::negotiate(request.headers()) {
        Ok(Representation::Page) => return page::several(service, request).await,
        Ok(representation) => representation,
        Err(problem) => return problem.into_response(),
    };
    let (parts, _) = request.into_parts();
    let answer = async {
        let (query, symbols) = read(&parts, &service)?;
        represent_several(&service, representation, symbols, &query, &parts, asker).await
    };
    answer.await.unwrap_or_else(Problem::into_response)
}

async fn represent_several(
    service: &Arc<Service>,
    representation: Representation,
    symbols: Symbols,
    query: &Query,
    parts: &Parts,
    asker: Asker,
) -> Result<Response, Problem> {
    require_any_known(service, &symbols).await?;
    let selection =
        Selection::parse(symbols, query)?.adding(query.added.as_deref(), service.limits.symbols)?;
    let current = |quotes: Vec<_>| {
        let (ids, quotes): (Vec<Option<EventId>>, Vec<Quote>) = quotes.into_iter().unzip();
        // A quote that is not on the tape belongs to this moment, and another one to the next.
        let ids: Option<Vec<EventId>> = ids.into_iter().collect();
        conditional::answer(&parts.headers, ids.map(EntityTag::of), quotes)
    };
    represent(
        service,
        representation,
        selection,
        query,
        parts,
        asker,
        current,
    )
    .await
}

/// A stream, a poll, or the plain current state.
async fn represent(
    service: &Arc<Service>,
    representation: Representation,
    selection: Selection,
    query: &Query,
    parts: &Parts,
    asker: Asker,
    current: impl FnOnce(Vec<(Option<EventId>, Quote)>) -> Response,
) -> Result<Response, Problem> {
    if representation == Representation::Stream {
        let header = parts
            .headers
            .get("last-event-id")
            .map(|value| value.to_str().unwrap_or("malformed"));
        let last_event_id = header.or(query.last_event_id.as_deref());
        let admission = Admission::new(service, asker)?;
        return Ok(stream::open(
            service,
            selection,
            last_event_id,
            admission,
            parts.extensions.get(),
        ));
    }
    let wait = poll::parse_wait(query.wait.as_deref())?;
    if let Some(after) = &query.after {
        return poll::answer(service, &selection, after, wait, &asker).await;
    }
    let unknown = service.unknown(&selection.symbols);
    let (tape, remembered) = (&service.tape, &service.remembered);
    let quotes = market_view::quotes(tape, remembered, &selection.symbols, service.now());
    let mut response = current(quotes);
    // As in an address, because a header is ASCII.
    let encoded = |symbol: &Symbol| utf8_percent_encode(symbol.as_str(), UNRESERVED).to_string();
    let unknown: Vec<String> = unknown.iter().map(encoded).collect();
    if let Ok(names) = HeaderValue::try_from(unknown.join(","))
        && !unknown.is_empty()
    {
        response.headers_mut().insert(UNKNOWN_SYMBOLS, names);
    }
    Ok(response)
}
