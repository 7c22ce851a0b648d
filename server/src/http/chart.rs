//! `/stocks/{symbol}/chart.svg`: the chart as the server draws it, for pages, letters and walls of
//! others.

use std::sync::Arc;

use app::{Range, RangeError};
use axum::{extract::State, http::HeaderMap, response::Response};
use chart::{
    Point, Series, Tone,
    draw::{Candle, Look, Palette},
    svg::{Document, Shape},
};
use market::{Bar, Interval, Millis, Price, Symbol};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Service, bars, conditional, market_view,
    problem::Problem,
    selection::number,
    stocks::{IfNoneMatch, PathResult, QueryResult, read, remembered},
};
use crate::history::{BarQuery, read_bars};

/// What is asked of `/stocks/{symbol}/chart.svg`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChartQuery {
    /// How much of the past it shows, back from the newest bar: a minute is `1m`, a month `1M`.
    #[param(pattern = "^(1m|5m|15m|1h|1D|1W|1M|1Y)$", default = "1D")]
    range: Option<String>,
    /// The length of a bar; unless it is said, what suits the range.
    #[param(pattern = "^(1s|1m|5m|15m|1h|1d)$")]
    interval: Option<String>,
    /// What is taken out of prices: the splits since, or nothing.
    #[param(pattern = "^(splits|none)$", default = "splits")]
    adjust: Option<String>,
    /// How the bars are drawn.
    #[param(pattern = "^(line|candles)$", default = "line")]
    r#type: Option<String>,
    /// Its colours.
    #[param(pattern = "^(dark|light)$", default = "dark")]
    theme: Option<String>,
    /// Its width in CSS pixels.
    #[param(value_type = Option<u32>, minimum = 120, maximum = 4000, default = 720)]
    width: Option<String>,
    /// Its height in CSS pixels.
    #[param(value_type = Option<u32>, minimum = 80, maximum = 4000, default = 400)]
    height: Option<String>,
}

/// The most bars that one chart is drawn from: more than a wide screen has columns.
const MAX_BARS: u64 = 10_080;

/// The colours of the page's light theme, as `style/tokens.css` has them.
const LIGHT: Palette = Palette {
    ground: (0xff, 0xff, 0xff),
    grid: (0xe3, 0xe7, 0xec),
    text: (0x12, 0x16, 0x1c),
    muted: (0x5b, 0x66, 0x75),
    up: (0x00, 0x79, 0x6b),
    down: (0xc6, 0x28, 0x28),
    accent: (0x1d, 0x5f, 0xd6),
};

/// The chart of a symbol as an image.
///
/// It stands alone: no script, no style sheet, no font of its own, and nothing is loaded. Its title and its
/// description say in words what it shows. Times are UTC.
#[utoipa::path(
    get,
    path = "/stocks/{symbol}/chart.svg",
    params(
        ("symbol" = Symbol, Path, description = "What is traded, in any case", example = "GOOG"),
        ChartQuery,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The chart", body = String, content_type = "image/svg+xml"),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed, or asks for too many bars"),
        (status = 404, description = "Nothing is known of the symbol, or bars of a second are asked for where there is no archive"),
    )
)]
pub(crate) async fn chart(
    State(service): State<Arc<Service>>,
    path: PathResult,
    query: QueryResult<ChartQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = read(query)?;
    let range = query
        .range
        .as_deref()
        .map_or(Ok(Range::default()), str::parse);
    let range = range.map_err(|error: RangeError| Problem::Malformed(format!("range: {error}")))?;
    let interval = match query.interval.as_deref() {
        None => range.interval(service.history.is_archived()),
        text => bars::interval(text)?,
    };
    let count = range.millis().div_ceil(interval.millis());
    if count > MAX_BARS {
        return Err(Problem::Malformed(format!(
            "interval is \"{interval}\": expected one that is longer, for in {range} there are {count} of these and at most {MAX_BARS} are drawn"
        )));
    }
    let adjust = bars::adjust(query.adjust.as_deref())?;
    let has_candles = one_of("type", query.r#type.as_deref(), ["line", "candles"])? == 1;
    let is_light = one_of("theme", query.theme.as_deref(), ["dark", "light"])? == 1;
    let width = length("width", query.width.as_deref(), 120, 720)?;
    let height = length("height", query.height.as_deref(), 80, 400)?;
    let symbol = remembered(&service, path).await?;
    bars::require_kept(&service, interval)?;

    let wanted = BarQuery {
        symbol,
        interval,
        starts: 0..Millis::MAX,
        limit: count as usize,
        now: service.now(),
        adjust,
    };
    let session = service
        .tape
        .view(|view| market_view::session_in(view, symbol));
    let tick = session.as_ref().and_then(|session| session.tick);
    let name = session.map_or_else(String::new, |session| session.name);
    let tape = service.tape.clone();
    let svg = service
        .read(move |past| {
            let bars = read_bars(past, &tape, &wanted)?.bars;
            let title = format!("{symbol} {name}, {}", range.name());
            let drawing = Drawing {
                title: &title,
                size: (width, height),
                palette: if is_light { LIGHT } else { Palette::default() },
                tick,
                interval,
                range,
                has_candles,
            };
            Ok(drawing.render(&bars))
        })
        .await?;
    Ok(conditional::content(
        &headers,
        "image/svg+xml; charset=utf-8",
        svg,
    ))
}

struct Drawing<'a> {
    title: &'a str,
    size: (u32, u32),
    palette: Palette,
    tick: Option<Price>,
    interval: Interval,
    range: Range,
    has_candles: bool,
}

impl Drawing<'_> {
    fn render(&self, bars: &[Bar]) -> String {
        let end = |bar: &Bar| bar.start.saturating_add(self.interval.millis());
        // The newest bar ends the range, whenever that was.
        let from = bars
            .last()
            .map_or(0, end)
            .saturating_sub(self.range.millis());
        let bars: Vec<&Bar> = bars.iter().filter(|bar| bar.start >= from).collect();
        let closes = bars.iter().map(|bar| bar.close.scale());
        let decimals = self.tick.map(Price::scale).or(closes.max()).unwrap_or(2);
        let (first, last) = (bars.first(), bars.last());
        let tone = match first.zip(last) {
            Some((first, last)) if last.close > first.open => Tone::Up,
            Some((first, last)) if last.close < first.open => Tone::Down,
            _ => Tone::Accent,
        };
        let candles: Vec<Candle>;
        let mut series = Series::new(bars.len());
        let shape = if self.has_candles {
            candles = bars
                .iter()
                .map(|bar| Candle {
                    times: (bar.start as f64, end(bar) as f64),
                    open: bar.open.to_f64(),
                    high: bar.high.to_f64(),
                    low: bar.low.to_f64(),
                    close: bar.close.to_f64(),
                })
                .collect();
            Shape::Candles(&candles)
        } else {
            let points = bars.iter();
            series.replace(points.map(|bar| Point::new(end(bar) as f64, bar.close.to_f64())));
            Shape::Line(&series)
        };
        let document = Document {
            title: self.title,
            size: self.size,
            palette: self.palette,
            look: Look {
                tone,
                decimals,
                offset: 0,
            },
            shape,
        };
        document.render()
    }
}

/// Which of two words stands there; the first where none does.
fn one_of(name: &str, text: Option<&str>, words: [&str; 2]) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(0) };
    words.iter().position(|word| *word == text).ok_or_else(|| {
        let [one, other] = words;
        Problem::Malformed(format!("{name} is {text:?}: expected {one} or {other}"))
    })
}

/// A length in CSS pixels.
fn length(name: &str, text: Option<&str>, least: u32, usual: u32) -> Result<u32, Problem> {
    const MOST: u32 = 4_000;
    let expected = format!("a number of pixels from {least} to {MOST}");
    match number(name, text, &expected, MOST.into())? {
        None => Ok(usual),
        Some(length) if length >= u64::from(least) => Ok(length as u32),
        Some(length) => Err(Problem::Malformed(format!(
            "{name} is {length}: expected {expected}"
        ))),
    }
}
