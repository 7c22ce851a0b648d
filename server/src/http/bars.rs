//! `/stocks/{symbol}/bars`: history, as JSON and as CSV.

use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, header},
    response::Response,
};
use market::{Bar, Interval, IntervalError, Millis, Symbol};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{
    known::{PathResult, known},
    service::Service,
};
use history::{Adjust, BarQuery, older_interval, read_bars};
use web::{
    conditional::{self, IfNoneMatch},
    format::{self, Format},
    problem::Problem,
    query,
};

/// The query of `/stocks/{symbol}/bars`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BarsQuery {
    /// The length of a bar.
    #[param(pattern = "^(1s|1m|5m|15m|1h|1d)$", default = "1m")]
    interval: Option<String>,
    /// The first start: milliseconds since the epoch, a date (from its beginning in UTC), or a date and a time with its
    /// offset, as in RFC 3339.
    #[param(schema_with = query::moment_schema, required = false, example = "2024-03-05")]
    from: Option<String>,
    /// The end of all starts, excluded, written as `from`.
    #[param(schema_with = query::moment_schema, required = false, example = "2024-03-05T14:30:00Z")]
    to: Option<String>,
    /// The adjustment of prices and volumes: for splits, or none.
    #[param(pattern = "^(splits|none)$", default = "splits")]
    adjust: Option<String>,
    /// The largest number of bars: the newest ones. An answer has 20,000 at most; the link `next` leads to earlier
    /// ones.
    #[param(value_type = Option<u64>, maximum = 50000, default = 500)]
    limit: Option<String>,
    /// The format of the answer, in place of `Accept`.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
}

/// Bars, oldest first.
#[derive(Serialize, ToSchema)]
struct Bars {
    /// The symbol.
    symbol: Symbol,
    /// The length of a bar.
    #[schema(value_type = String, pattern = "^(1s|1m|5m|15m|1h|1d)$")]
    interval: &'static str,
    /// The bars.
    bars: Vec<Bar>,
    /// Present if the last bar is not over: the end of the newest minute in it. The bar is completed by the minutes
    /// that start from then on, which streams carry as they close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, required = false)]
    until: Option<Millis>,
    /// The length of older bars in the same span: this one, or else the shortest longer one; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, pattern = "^(1s|1m|5m|15m|1h|1d)$")]
    older: Option<&'static str>,
}

/// The most bars that may be requested: a month of minutes.
const MAX_BARS: usize = 50_000;

/// The most bars in one answer: 45 ms of a core. A link leads to the others.
const MAX_ANSWER_BARS: usize = 20_000;

/// The formats of the answer.
const FORMATS: [Format; 2] = [Format::Json, Format::Csv];

/// The bars of a symbol.
///
/// From the archive, and from the tape as far as the archive has not written it yet. If there are older ones, a `Link`
/// of the relation `next` leads to them.
#[utoipa::path(
    get,
    path = "/stocks/{symbol}/bars",
    params(
        ("symbol" = String, Path, description = "What is traded, in any case", example = "GOOG", pattern = r"^(?!\.{1,2}$)[A-Za-z0-9.^=_-]{1,24}$"),
        BarsQuery,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The bars", content(
            (Bars = "application/json"),
            (String = "text/csv", example = "start,time,open,high,low,close,volume,vwap,trades\r\n1732111080000,2024-11-20T13:58:00Z,597.30,597.40,597.25,597.32,1200,597.33,14\r\n"),
        )),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed"),
        (status = 404, description = "The symbol is unknown, or bars of a second are requested without an archive"),
        (status = 406, description = "Neither is accepted"),
    )
)]
pub(crate) async fn bars(
    State(service): State<Arc<Service>>,
    path: PathResult,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query: BarsQuery = query::strict(&uri)?;
    let interval = interval(query.interval.as_deref())?;
    let from = query::moment("from", query.from.as_deref())?.unwrap_or(0);
    let to = query::moment("to", query.to.as_deref())?.unwrap_or(Millis::MAX);
    let limit = query::number(
        "limit",
        query.limit.as_deref(),
        "a number of bars from 0 to 50000",
        MAX_BARS as u64,
    )?
    .map_or(500, |limit| MAX_ANSWER_BARS.min(limit as usize));
    let adjust = adjust(query.adjust.as_deref())?;
    let format = format::choose(&headers, query.format.as_deref(), &FORMATS)?;
    let symbol = known(&service, path).await?;
    require_kept(&service, interval)?;

    let wanted = BarQuery {
        symbol,
        interval,
        starts: from..to,
        limit,
        now: service.now(),
        adjust,
    };
    let (tape, minutes) = (service.tape.clone(), service.history.minutes());
    let (content, next) = service
        .read(move |past| {
            let found = read_bars(past, &tape, &minutes, &wanted)?;
            let older = match format {
                Format::Csv => None,
                _ => older_interval(past, &tape, &minutes, &wanted, &found)?,
            };
            let first = found.bars.first().map(|bar| bar.start);
            let next = first.filter(|_| found.more);
            let answer = Bars {
                symbol,
                interval: interval.as_str(),
                bars: found.bars,
                until: found.until,
                older: older.map(Interval::as_str),
            };
            let content = match format {
                Format::Csv => csv(&answer.bars),
                _ => serde_json::to_vec(&answer).map_err(|error| error.to_string()),
            }?;
            Ok((content, next))
        })
        .await?;

    let mut response = conditional::content(&headers, format.content_type(), content);
    let headers = response.headers_mut();
    if let Some(next) = next {
        headers.extend(format::next(&uri, "to", &next).map(|link| (header::LINK, link)));
    }
    if format == Format::Csv {
        let value = format::attachment(&format!("{symbol}-{interval}.csv"));
        headers.extend(value.map(|value| (header::CONTENT_DISPOSITION, value)));
    }
    Ok(response)
}

/// Parses an interval; a minute by default.
pub(super) fn interval(text: Option<&str>) -> Result<Interval, Problem> {
    text.map_or(Ok(Interval::Minute), str::parse)
        .map_err(|error: IntervalError| Problem::Malformed(format!("interval: {error}")))
}

/// Parses the adjustment of bars; for splits by default.
pub(super) fn adjust(text: Option<&str>) -> Result<Adjust, Problem> {
    match text {
        None | Some("splits") => Ok(Adjust::Splits),
        Some("none") => Ok(Adjust::None),
        Some(text) => Err(Problem::Malformed(format!(
            "adjust is {text:?}: expected splits or none"
        ))),
    }
}

/// The tape has no bars that are shorter than a minute.
pub(super) fn require_kept(service: &Service, interval: Interval) -> Result<(), Problem> {
    if interval == Interval::Second && !service.history.is_archived() {
        return Err(Problem::NotKept(
            "bars of 1s are in the archive alone, and this server has none: expected 1m, 5m, 15m, 1h or 1d"
                .to_owned(),
        ));
    }
    Ok(())
}

fn csv(bars: &[Bar]) -> Result<Vec<u8>, String> {
    let names = [
        "start", "time", "open", "high", "low", "close", "volume", "vwap", "trades",
    ];
    format::csv(&names, bars, |bar| {
        [
            bar.start.to_string(),
            format::iso(bar.start),
            bar.open.to_string(),
            bar.high.to_string(),
            bar.low.to_string(),
            bar.close.to_string(),
            bar.volume.to_string(),
            bar.vwap.map_or(String::new(), |vwap| vwap.to_string()),
            bar.trades.to_string(),
        ]
    })
}
