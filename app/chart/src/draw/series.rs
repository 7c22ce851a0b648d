use super::{Brush, Outcome, Rgb, Surface, paint, thin};
use crate::frame::Frame;
use crate::sample::{Candle, Point};
use crate::scene::{Kind, Scene};
use crate::series::Series;
use crate::size;
use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendColor, BackendCoord, DrawingErrorKind};
use std::cell::RefCell;
use std::rc::Rc;

/// A line through decimated points, and the area below it.
struct Line<'a> {
    points: &'a [(f64, f64)],
    color: BackendColor,
    width: f64,
    bottom: Option<i32>,
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Line<'_> {
    type Point = &'a (f64, f64);
    type IntoIter = std::slice::Iter<'a, (f64, f64)>;

    fn point_iter(self) -> Self::IntoIter {
        self.points.iter()
    }
}

impl<S: Surface> Drawable<S> for Line<'_> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        path: I,
        surface: &mut S,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<S::ErrorType>> {
        let mut places: Vec<BackendCoord> = path.collect();
        if let [(x, y)] = places[..] {
            // A single point between two gaps is drawn as long as the line is wide.
            let half = (self.width / 2.0).ceil() as i32;
            places = vec![(x - half, y), (x + half, y)];
        }
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Ok(());
        };
        let columns = (last.0 - first.0).unsigned_abs() as usize + 1;
        let bars = (places.len() > 2 * columns).then(|| bars_of(&places, self.width));
        if let Some(bottom) = self.bottom {
            match &bars {
                // An area needs only one point per column.
                Some(bars) => {
                    let middles = bars
                        .iter()
                        .map(|&(x, top, end)| (x, ((top + end) / 2.0) as i32));
                    surface.area(middles, self.color, bottom);
                }
                None => surface.area(places.iter().copied(), self.color, bottom),
            }
        }
        if !bars.is_some_and(|bars| surface.bars(&bars, self.color)) {
            surface.line(places.iter().copied(), self.color, self.width);
        }
        Ok(())
    }
}

/// The rows that a line through many points covers in each column: from its lowest to its highest point, extended to
/// the previous column's last point.
fn bars_of(places: &[BackendCoord], width: f64) -> Vec<(i32, f64, f64)> {
    let mut bars = Vec::with_capacity(places.len() / 2);
    let mut before: Option<BackendCoord> = None;
    for column in places.chunk_by(|one, other| one.0 == other.0) {
        if let Some(from) = before {
            bridge(from, column[0], width, &mut bars);
        }
        let rows = column.iter().map(|&(_, y)| y);
        let rows = rows.chain(before.map(|(_, y)| y));
        let (top, bottom) = rows.fold((i32::MAX, i32::MIN), |(top, bottom), y| {
            (top.min(y), bottom.max(y))
        });
        bars.push((
            column[0].0,
            f64::from(top) - width / 2.0,
            f64::from(bottom) + width / 2.0,
        ));
        before = column.last().copied();
    }
    bars
}

/// The rows that the line covers in the columns between two that have points.
fn bridge(from: BackendCoord, to: BackendCoord, width: f64, bars: &mut Vec<(i32, f64, f64)>) {
    let slope = f64::from(to.1 - from.1) / f64::from(to.0 - from.0);
    for x in from.0 + 1..to.0 {
        let row = f64::from(from.1) + slope * f64::from(x - from.0);
        let half = (slope.abs() + width) / 2.0;
        bars.push((x, row - half, row + half));
    }
}

/// Buffers that are reused from one drawing to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    points: Vec<Point>,
    places: Vec<(f64, f64)>,
}

/// The first column that has to be redrawn if samples changed from a time on and the frame did not.
pub fn changed_column(frame: &Frame, scene: &Scene, changed: f64) -> i32 {
    let before = scene.series.between(changed, f64::INFINITY).start;
    let before = scene.series.get(before).map_or(changed, |point| point.time);
    let length = frame.candle.max(scene.interval);
    let spans = scene.kind.has_spans() || frame.volume.is_some() || !scene.studies.is_empty();
    let from = if spans {
        // The candle that contains it, and the end of the previous one, from which the line of a study is drawn.
        before.min(changed - 2.0 * length)
    } else {
        before
    };
    // The corners of a line extend beyond its points.
    let edge = frame.pixels(2.0 * size::LINE);
    (frame.column(from) - edge).clamp(0, frame.plot.0 as i32)
}

/// The middle layer from a column on: volume, the series, compared series and studies.
///
/// # Errors
/// The error of the surface when it cannot draw.
pub fn series<S: Surface>(
    surface: &Rc<RefCell<S>>,
    frame: &Frame,
    scene: &Scene,
    scratch: &mut Scratch,
    left: i32,
) -> Outcome<S> {
    let brush = Brush::new(surface, frame);
    let width = frame.plot.0 - (left.max(0) as u32).min(frame.plot.0);
    let from = if left > 0 {
        frame.time_at(left.into())
    } else {
        frame.times.0
    };
    surface.borrow_mut().clip((left, 0), (width, frame.plot.1));
    let drawn = layer(&brush, scene, scratch, from);
    surface.borrow_mut().unclip();
    drawn
}

fn layer<S: Surface>(
    brush: &Brush<'_, S>,
    scene: &Scene,
    scratch: &mut Scratch,
    from: f64,
) -> Outcome<S> {
    let frame = brush.frame;
    let (length, offset) = (frame.candle, scene.offset_millis());
    let gap = scene.gap();
    let shown = || {
        let times = (from - length, frame.times.1);
        scene.series.candles(times, length, offset)
    };
    if frame.volume.is_some() {
        columns(brush, shown)?;
    }
    match scene.kind {
        Kind::Candles => candles(brush, shown)?,
        Kind::Bars => bars(brush, shown)?,
        kind => {
            let filled = kind == Kind::Area && scene.compared.is_empty();
            let one = One {
                index: 0,
                series: &scene.series,
                color: brush.tone(scene.tone),
                bottom: filled.then(|| frame.floor()),
                earlier: 0.0,
                gap,
            };
            line(brush, one, scratch, from)?;
        }
    }
    let (studies, others) = brush.palette.lines();
    for (index, (compared, color)) in scene.compared.iter().zip(others).enumerate() {
        let one = One {
            index: index + 1,
            series: &compared.series,
            color,
            bottom: None,
            earlier: 0.0,
            gap,
        };
        line(brush, one, scratch, from)?;
    }
    // The value of a study is drawn in the middle of its candle.
    let half = if scene.kind.has_spans() { 0.5 } else { 0.0 };
    for (study, color) in scene.studies.iter().zip(studies) {
        let one = One {
            index: 0,
            series: &study.line,
            color,
            bottom: None,
            earlier: half * brush.frame.candle,
            // From the end of one candle to the end of the next.
            gap: gap + frame.candle,
        };
        line(brush, one, scratch, from)?;
    }
    Ok(())
}

/// One of the lines of a chart.
struct One<'a> {
    /// Which series' scale it has: 0 is the series itself, the others are compared series.
    index: usize,
    series: &'a Series,
    color: Rgb,
    /// Where the area below it ends, if it has one.
    bottom: Option<i32>,
    /// How much earlier than its time a point is drawn, in milliseconds.
    earlier: f64,
    /// The longest time without a point that it bridges, in milliseconds.
    gap: f64,
}

fn line<S: Surface>(
    brush: &Brush<'_, S>,
    one: One<'_>,
    Scratch { points, places }: &mut Scratch,
    from: f64,
) -> Outcome<S> {
    let frame = brush.frame;
    let shown = one.series.reaching(from, frame.times.1, one.gap);
    let count = frame.plot.0 / brush.surface.borrow().column();
    one.series
        .decimate(shown, frame.times, count, one.gap, points);
    places.clear();
    places.extend(points.iter().map(|point| {
        let scaled = frame.scaled(one.index, point.value);
        (point.time - one.earlier, scaled)
    }));
    let plot = brush.area.apply_coord_spec(frame.coordinates());
    for piece in places.split(|(time, _)| time.is_nan()) {
        plot.draw(&Line {
            points: piece,
            color: paint(one.color),
            width: size::LINE * frame.scale,
            bottom: one.bottom,
        })?;
    }
    Ok(())
}

/// Draws all candles of one colour, then those of the other: setting a colour costs more than drawing with it.
fn by_way<S: Surface, I: Iterator<Item = Candle>>(
    brush: &Brush<'_, S>,
    candles: impl Fn() -> I,
    draw: impl Fn(&Candle, Rgb) -> Outcome<S>,
) -> Outcome<S> {
    for color in [brush.palette.up, brush.palette.down] {
        for candle in candles() {
            if brush.way(&candle) == color {
                draw(&candle, color)?;
            }
        }
    }
    Ok(())
}

fn columns<S: Surface, I: Iterator<Item = Candle>>(
    brush: &Brush<'_, S>,
    shown: impl Fn() -> I,
) -> Outcome<S> {
    let (frame, bottom) = (brush.frame, brush.frame.plot.1 as i32);
    by_way(brush, shown, |candle, color| {
        if candle.volume <= 0.0 {
            return Ok(());
        }
        let (left, width) = frame.body(candle);
        // Any volume is visible, however small.
        let top = frame
            .volume_row(candle.volume)
            .min(bottom - frame.hairline());
        brush.fill((left, top), (width, bottom - top), thin(color, 0.45))
    })
}

/// No body is hollow: its colour and position show the direction.
fn candles<S: Surface, I: Iterator<Item = Candle>>(
    brush: &Brush<'_, S>,
    shown: impl Fn() -> I,
) -> Outcome<S> {
    let (frame, hairline) = (brush.frame, brush.frame.hairline());
    by_way(brush, shown, |candle, color| {
        let color = paint(color);
        let row = |value| frame.at(candle.times.1, value).1;
        let (left, width) = frame.body(candle);
        let (top, bottom) = (row(candle.high), row(candle.low));
        let wick = left + (width - hairline) / 2;
        brush.fill((wick, top), (hairline, (bottom - top).max(hairline)), color)?;
        let (one, other) = (row(candle.open), row(candle.close));
        let (upper, lower) = (one.min(other), one.max(other));
        let body = (width, (lower - upper).max(hairline));
        brush.fill((left, upper), body, color)
    })
}

fn bars<S: Surface, I: Iterator<Item = Candle>>(
    brush: &Brush<'_, S>,
    shown: impl Fn() -> I,
) -> Outcome<S> {
    let (frame, hairline) = (brush.frame, brush.frame.hairline());
    by_way(brush, shown, |candle, color| {
        let color = paint(color);
        let row = |value| frame.at(candle.times.1, value).1;
        let (left, width) = frame.body(candle);
        let (top, bottom) = (row(candle.high), row(candle.low));
        let middle = left + (width - hairline) / 2;
        let length = (bottom - top).max(hairline);
        brush.fill((middle, top), (hairline, length), color)?;
        let end = left + width;
        brush.fill((left, row(candle.open)), (middle - left, hairline), color)?;
        let close = (middle + hairline, row(candle.close));
        brush.fill(close, (end - close.0, hairline), color)
    })
}
