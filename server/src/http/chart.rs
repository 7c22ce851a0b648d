//! `/stocks/{symbol}/chart.svg`: the chart drawn by the server, for other pages, letters and walls.

use std::sync::Arc;

use app::{Range, RangeError, sample_of};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use chart::{Kind, Scale, Scene, Tone, draw::Palette, svg::Document};
use market::{Bar, Interval, Millis, Price, Symbol};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{
    bars,
    known::{PathResult, known},
    market_view,
    service::Service,
};
use history::{Adjust, BarQuery, older_interval, read_bars, read_span};
use web::{
    conditional::{self, IfNoneMatch},
    problem::Problem,
    query,
};

/// The query of `/stocks/{symbol}/chart.svg`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChartQuery {
    /// How much of the past it shows, back from the newest bar: a minute is `1m`, a month `1M`. By default a day; if
    /// only longer bars than those of a day's chart are stored, the range that is drawn from them.
    #[param(pattern = "^(1m|5m|15m|1h|1D|1W|1M|1Y)$")]
    range: Option<String>,
    /// The length of a bar. By default one that suits the range, and longer bars for times without others.
    #[param(pattern = "^(1s|1m|5m|15m|1h|1d)$")]
    interval: Option<String>,
    /// The adjustment of prices: for splits, or none.
    #[param(pattern = "^(splits|none)$", default = "splits")]
    adjust: Option<String>,
    /// The style of the bars.
    #[param(pattern = "^(area|line|candles|bars)$", default = "area")]
    r#type: Option<String>,
    /// The scale of the price axis.
    #[param(pattern = "^(linear|log|percent)$", default = "linear")]
    scale: Option<String>,
    /// Whether the volume is drawn below.
    #[param(pattern = "^(yes|no)$", default = "yes")]
    volume: Option<String>,
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

/// The most bars in one chart: more than a wide screen has columns.
const MAX_BARS: u64 = 10_080;

/// The chart of a symbol as an image.
///
/// It stands alone: no script, no style sheet, no font of its own, and nothing is loaded. Its title and its description
/// have its content in words. Times are UTC.
#[utoipa::path(
    get,
    path = "/stocks/{symbol}/chart.svg",
    params(
        ("symbol" = String, Path, description = "What is traded, in any case", example = "GOOG", pattern = r"^(?!\.{1,2}$)[A-Za-z0-9.^=_-]{1,24}$"),
        ChartQuery,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The chart", body = String, content_type = "image/svg+xml"),
        (status = 304, description = "The client holds it already"),
        (status = 400, description = "Something in the address is malformed, or requests too many bars"),
        (status = 404, description = "The symbol is unknown, or bars of a second are requested without an archive"),
    )
)]
pub(crate) async fn chart(
    State(service): State<Arc<Service>>,
    path: PathResult,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query: ChartQuery = query::strict(&uri)?;
    let range = query.range.as_deref().map(str::parse).transpose();
    let range = range.map_err(|error: RangeError| Problem::Malformed(format!("range: {error}")))?;
    let chosen = match query.interval.as_deref() {
        None => None,
        text => Some(bars::interval(text)?),
    };
    if let Some(interval) = chosen {
        require_few(range.unwrap_or_default(), interval)?;
    }
    let adjust = bars::adjust(query.adjust.as_deref())?;
    let kinds = [
        ("area", Kind::Area),
        ("line", Kind::Line),
        ("candles", Kind::Candles),
        ("bars", Kind::Bars),
    ];
    let kind = one_of("type", query.r#type.as_deref(), &kinds)?;
    let scales = [
        ("linear", Scale::Linear),
        ("log", Scale::Log),
        ("percent", Scale::Percent),
    ];
    let scale = one_of("scale", query.scale.as_deref(), &scales)?;
    let shows_volume = one_of(
        "volume",
        query.volume.as_deref(),
        &[("yes", true), ("no", false)],
    )?;
    let themes = [("dark", Palette::DARK), ("light", Palette::LIGHT)];
    let palette = one_of("theme", query.theme.as_deref(), &themes)?;
    let width = length("width", query.width.as_deref(), 120, 720)?;
    let height = length("height", query.height.as_deref(), 80, 400)?;
    let symbol = known(&service, path).await?;
    let range = match (range, chosen) {
        (Some(range), _) => range,
        (None, Some(_)) => Range::default(),
        (None, None) => opening_range(&service, symbol).await?,
    };
    let interval = chosen.unwrap_or_else(|| range.interval(service.history.is_archived()));
    bars::require_kept(&service, interval)?;

    let wanted = BarQuery {
        interval,
        limit: range.millis().div_ceil(interval.millis()) as usize,
        adjust,
        ..newest(&service, symbol)
    };
    let session = service
        .tape
        .view(|view| market_view::session_in(view, symbol));
    let tick = session.as_ref().and_then(|session| session.tick);
    let name = session.map_or_else(String::new, |session| session.name);
    let (tape, minutes) = (service.tape.clone(), service.history.minutes());
    let svg = service
        .read(move |past| {
            let bars = match chosen {
                Some(interval) => {
                    let bars = read_bars(past, &tape, &minutes, &wanted)?.bars;
                    bars.into_iter().map(|bar| (interval, bar)).collect()
                }
                None => read_span(past, &tape, &minutes, &wanted, range.millis())?,
            };
            let title = format!("{symbol} {name}, {}", range.name());
            let drawing = Drawing {
                title: &title,
                size: (width, height),
                palette,
                tick,
                interval,
                range,
                kind,
                scale,
                shows_volume,
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

/// Any of the newest bars of a symbol, of minutes at first.
fn newest(service: &Service, symbol: Symbol) -> BarQuery {
    BarQuery {
        symbol,
        interval: Interval::Minute,
        starts: 0..Millis::MAX,
        limit: Range::LEAST_BARS,
        now: service.now(),
        adjust: Adjust::default(),
    }
}

/// The range of a chart by default: a day, or one that is drawn from longer bars if there are no others.
async fn opening_range(service: &Service, symbol: Symbol) -> Result<Range, Problem> {
    let wanted = newest(service, symbol);
    let (tape, minutes) = (service.tape.clone(), service.history.minutes());
    service
        .read(move |past| {
            let found = read_bars(past, &tape, &minutes, &wanted)?;
            let older = older_interval(past, &tape, &minutes, &wanted, &found)?;
            Ok(Range::opening(found.bars.len(), older).unwrap_or_default())
        })
        .await
}

/// Refuses an interval of which a range has too many.
fn require_few(range: Range, interval: Interval) -> Result<(), Problem> {
    let count = range.millis().div_ceil(interval.millis());
    if count > MAX_BARS {
        return Err(Problem::Malformed(format!(
            "interval is \"{interval}\": expected one that is longer, for in {range} there are {count} of these and at most {MAX_BARS} are drawn"
        )));
    }
    Ok(())
}

struct Drawing<'a> {
    title: &'a str,
    size: (u32, u32),
    palette: Palette,
    tick: Option<Price>,
    interval: Interval,
    range: Range,
    kind: Kind,
    scale: Scale,
    shows_volume: bool,
}

impl Drawing<'_> {
    /// Draws bars, each with its length.
    fn render(&self, bars: &[(Interval, Bar)]) -> String {
        let end = |(interval, bar): &(Interval, Bar)| bar.start.saturating_add(interval.millis());
        // The newest bar ends the range, whenever that was.
        let from = bars
            .last()
            .map_or(0, end)
            .saturating_sub(self.range.millis());
        let bars: Vec<&(Interval, Bar)> =
            bars.iter().filter(|(_, bar)| bar.start >= from).collect();
        let closes = bars.iter().map(|(_, bar)| bar.close.scale());
        let decimals = self.tick.map(Price::scale).or(closes.max()).unwrap_or(2);
        // If all bars are longer than those of the range, candles are as long as they are.
        let interval = bars.iter().map(|(interval, _)| *interval).min();
        let (first, last) = (bars.first(), bars.last());
        let tone = match first.zip(last) {
            Some(((_, first), (_, last))) if last.close > first.open => Tone::Up,
            Some(((_, first), (_, last))) if last.close < first.open => Tone::Down,
            _ => Tone::Accent,
        };
        let mut scene = Scene {
            kind: self.kind,
            scale: self.scale,
            shows_volume: self.shows_volume,
            tone,
            decimals,
            tick: self.tick.map_or(0.0, |tick| tick.to_f64()),
            interval: interval.unwrap_or(self.interval).millis() as f64,
            ..Scene::default()
        };
        let samples = bars
            .iter()
            .map(|spanned| sample_of(&spanned.1, end(spanned)));
        scene.series.replace(samples);
        let document = Document {
            title: self.title,
            size: self.size,
            palette: self.palette,
            scene: &scene,
            count: (bars.len(), "bar"),
        };
        document.render()
    }
}

/// The value of a word; the first by default.
fn one_of<T: Copy>(name: &str, text: Option<&str>, words: &[(&str, T)]) -> Result<T, Problem> {
    let found = match text {
        None => words.first(),
        Some(text) => words.iter().find(|(word, _)| *word == text),
    };
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let text = text.unwrap_or_default();
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let (last, others) = words.split_last().unwrap_or((&"", &[]));
        let others = others.join(", ");
        Problem::Malformed(format!("{name} is {text:?}: expected {others} or {last}"))
    })
}

/// A length in CSS pixels.
fn length(name: &str, text: Option<&str>, least: u32, usual: u32) -> Result<u32, Problem> {
    const MAX_PIXELS: u32 = 4_000;
    let expected = format!("a number of pixels from {least} to {MAX_PIXELS}");
    match query::number(name, text, &expected, MAX_PIXELS.into())? {
        None => Ok(usual),
        Some(length) if length >= u64::from(least) => Ok(length as u32),
        Some(length) => Err(Problem::Malformed(format!(
            "{name} is {length}: expected {expected}"
        ))),
    }
}
