//! The chart in three layers, drawn by the same code onto the browser's canvases and into the
//! server's SVG.
//!
//! The layers are apart because they change at different times: the axes when the range does, the
//! series with every tick, the overlay with the pointer.

use super::scale::{TimeTick, ValueTicks, format_moment, format_value, time_ticks};
use super::series::{Point, Series};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::DrawingArea;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{Drawable, PointCollection};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, TextStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind,
};
use std::cell::RefCell;
use std::rc::Rc;

/// A colour as red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The colours of the page, by the names of its CSS custom properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// What the chart lies on, and the text on filled tags: `--ground`.
    pub ground: Rgb,
    /// Hairlines: `--line`.
    pub grid: Rgb,
    /// Values under the crosshair: `--text`.
    pub text: Rgb,
    /// Labels of the axes: `--muted`.
    pub muted: Rgb,
    /// `--up`.
    pub up: Rgb,
    /// `--down`.
    pub down: Rgb,
    /// `--accent`.
    pub accent: Rgb,
}

/// Where the page does not say a colour: its dark theme.
impl Default for Palette {
    fn default() -> Self {
        Self {
            ground: (0x0f, 0x14, 0x19),
            grid: (0x23, 0x2b, 0x36),
            text: (0xe6, 0xe9, 0xee),
            muted: (0x8b, 0x95, 0xa5),
            up: (0x26, 0xa6, 0x9a),
            down: (0xef, 0x53, 0x50),
            accent: (0x4c, 0x8d, 0xff),
        }
    }
}

/// What colour the line has: the page knows what the values are to be compared with, the chart does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Accent,
    /// Above what it is compared with.
    Up,
    /// Below it.
    Down,
}

/// How a chart is to be drawn, whatever it is drawn onto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// The colour of the line.
    pub tone: Tone,
    /// Decimals of a value, at least; the axis adds more where its lines are nearer together.
    pub decimals: u32,
    /// What the times shown are ahead of UTC, in minutes.
    pub offset: i32,
}

fn paint(rgb: Rgb) -> BackendColor {
    BackendColor { alpha: 1.0, rgb }
}

/// What the chart needs of a surface beyond what every plotters backend does. Coordinates are the
/// backend's pixels; the layers do the rest through plotters.
pub trait Surface: DrawingBackend {
    /// The colours that it has.
    fn palette(&self) -> Palette;

    /// Backend pixels in a CSS pixel.
    fn scale(&self) -> f64;

    /// Backend pixels in a column of decimated points: finer is not seen, or not worth its bytes.
    fn column(&self) -> u32;

    /// Forgets what was drawn.
    fn clear(&mut self);

    /// Cuts what follows, up to [`Surface::unclip`], to a rectangle at the upper left.
    fn clip(&mut self, size: (u32, u32));

    /// Ends [`Surface::clip`].
    fn unclip(&mut self);

    /// A line through points, `width` pixels wide (plotters' own have whole widths only), above an
    /// area of its colour that fades from the top of the surface to row `bottom`, where it ends.
    fn line(
        &mut self,
        path: impl Iterator<Item = BackendCoord>,
        color: BackendColor,
        width: f64,
        bottom: Option<i32>,
    );

    /// A hairline from one point to another on the same row or column, in dashes.
    fn dashes(&mut self, from: BackendCoord, to: BackendCoord, color: BackendColor);
}

/// Opacity of what lies below the line, at the top of the plot and at its bottom.
pub(super) const FADE: (f64, f64) = (0.3, 0.02);

/// CSS pixels of a dash and of the gap after it.
pub(super) const DASH: (u32, u32) = (2, 3);

type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;
type Failure<S> = DrawingAreaErrorKind<<S as DrawingBackend>::ErrorType>;
type Outcome<S> = Result<(), Failure<S>>;

/// CSS pixels.
mod size {
    pub(super) const FONT: f64 = 12.0;
    /// Height of the row of times below the plot.
    pub(super) const TIMES: f64 = 26.0;
    /// Space to the left and right of a label.
    pub(super) const PADDING: f64 = 8.0;
    pub(super) const TAG: f64 = 20.0;
    pub(super) const LINE: f64 = 1.5;
    pub(super) const DOT: f64 = 3.0;
    /// Half the height of a label, with a little air.
    pub(super) const HALF_LABEL: f64 = 7.0;
    /// Lines of the grid are at least about this far apart.
    pub(super) const VALUE_GAP: f64 = 52.0;
    pub(super) const TIME_GAP: f64 = 68.0;
}

/// The shortest time that fills the plot, so that the first seconds do not leap about.
const SHORTEST: f64 = 20_000.0;

/// Which times and values the plot covers, and where it lies on the surface: all that the axes depend on.
///
/// Ranges move in steps, not with every point: the axes stay as they are for many ticks, and the
/// chart is calm.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    times: (f64, f64),
    values: (f64, f64),
    size: (u32, u32),
    /// Width and height of the plot, which lies at the upper left.
    plot: (u32, u32),
    scale: f64,
    ticks: ValueTicks,
    /// Of the labels of the axis.
    decimals: u32,
    look: Look,
}

impl Frame {
    /// The frame that fits a series onto a surface; none where there is nothing to fit.
    ///
    /// # Errors
    /// What the surface says when it cannot measure text.
    pub fn fit<S: Surface>(
        surface: &S,
        series: &Series,
        look: Look,
    ) -> Result<Option<Self>, DrawingErrorKind<S::ErrorType>> {
        let (Some(first), Some(last)) = (series.first(), series.last()) else {
            return Ok(None);
        };
        let (size, scale) = (surface.get_size(), surface.scale());
        let height = size.1.saturating_sub(pixels(size::TIMES, scale) as u32);
        if height == 0 {
            return Ok(None);
        }

        let times = fit_times(first.time, last.time, series.is_full());
        let shown = series.between(times.0, times.1);
        let Some((low, high)) = series.extent(shown) else {
            return Ok(None);
        };
        let most = (f64::from(height) / (size::VALUE_GAP * scale)) as u32;
        let values = fit_values(low, high, look.decimals, most);
        let ticks = ValueTicks::new(values.0, values.1, most);
        let decimals = look.decimals.max(ticks.decimals);

        let style = label(scale, surface.palette().muted, HPos::Left);
        let mut widest = 0;
        for value in [values.0, values.1, last.value] {
            let (width, _) = surface.estimate_text_size(&format_value(value, decimals), &style)?;
            widest = widest.max(width);
        }
        let width = size
            .0
            .saturating_sub(widest + 2 * pixels(size::PADDING, scale) as u32);
        Ok((width > 0).then_some(Self {
            times,
            values,
            size,
            plot: (width, height),
            scale,
            ticks,
            decimals,
            look,
        }))
    }

    /// The time at a distance from the left, in the surface's pixels.
    pub fn time_at(&self, x: f64) -> f64 {
        let (from, to) = self.times;
        from + (to - from) * (x / f64::from(self.plot.0))
    }

    fn pixels(&self, css: f64) -> i32 {
        pixels(css, self.scale)
    }

    fn hairline(&self) -> u32 {
        (self.scale.floor() as u32).max(1)
    }

    fn coordinates(&self) -> Coordinates {
        let (width, height) = (self.plot.0 as i32, self.plot.1 as i32);
        let (times, values) = (self.times.0..self.times.1, self.values.0..self.values.1);
        Cartesian2d::new(times, values, (0..width, height..0))
    }

    fn label(&self, color: Rgb, anchor: HPos) -> TextStyle<'static> {
        label(self.scale, color, anchor)
    }

    /// The lines of the grid that have room for their labels: values, and their rows.
    fn value_lines<'a>(&self, plot: &'a Coordinates) -> impl Iterator<Item = (f64, i32)> + use<'a> {
        let (start, half) = (self.times.0, self.pixels(size::HALF_LABEL));
        let rows = half..=self.plot.1 as i32 - half;
        let lines = self
            .ticks
            .iter()
            .map(move |value| (value, translate(plot, start, value).1));
        lines.filter(move |(_, y)| rows.contains(y))
    }

    fn line(&self, palette: &Palette) -> BackendColor {
        paint(match self.look.tone {
            Tone::Accent => palette.accent,
            Tone::Up => palette.up,
            Tone::Down => palette.down,
        })
    }

    fn time_ticks(&self) -> Vec<TimeTick> {
        let most = (f64::from(self.plot.0) / (size::TIME_GAP * self.scale)) as u32;
        time_ticks(self.times.0, self.times.1, most, self.look.offset)
    }
}

fn pixels(css: f64, scale: f64) -> i32 {
    (css * scale).round() as i32
}

/// The surface chooses the family: the page's own.
fn label(scale: f64, color: Rgb, anchor: HPos) -> TextStyle<'static> {
    TextStyle {
        font: FontDesc::new(FontFamily::SansSerif, size::FONT * scale, FontStyle::Normal),
        color: paint(color),
        pos: Pos::new(anchor, VPos::Center),
    }
}

/// From the first to a little after the last, in steps of about a sixtieth. A full series loses a
/// point with each new one, so that its left edge moves in steps as well.
fn fit_times(first: f64, last: f64, full: bool) -> (f64, f64) {
    let span = (last - first).max(SHORTEST);
    let step = (span / 64.0).log2().ceil().exp2();
    let from = if full {
        (first / step).ceil() * step
    } else {
        first
    };
    let end = if last - first < SHORTEST {
        first + SHORTEST
    } else {
        last
    };
    (from, (end / step).floor() * step + 2.0 * step)
}

/// With room above and below, in steps of a quarter of the distance of two lines.
fn fit_values(low: f64, high: f64, decimals: u32, most: u32) -> (f64, f64) {
    // A flat line lies in the middle, in a range a few of its own smallest steps high.
    let least = (8.0 * 10f64.powi(-(decimals.min(12) as i32))).max(high.abs() * 1e-6);
    let missing = (least - (high - low)).max(0.0) / 2.0;
    let (low, high) = (low - missing, high + missing);
    let room = (high - low) * 0.08;
    let step = ValueTicks::new(low - room, high + room, most).step / 4.0;
    (
        ((low - room) / step).floor() * step,
        ((high + room) / step).ceil() * step,
    )
}

/// A line through points, already as few as pixels can show.
struct Line<'a> {
    points: &'a [Point],
    color: BackendColor,
    width: f64,
    bottom: Option<i32>,
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Line<'_> {
    type Point = (f64, f64);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, Point>, fn(&'a Point) -> (f64, f64)>;

    fn point_iter(self) -> Self::IntoIter {
        self.points.iter().map(|point| (point.time, point.value))
    }
}

impl<S: Surface> Drawable<S> for Line<'_> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        path: I,
        surface: &mut S,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<S::ErrorType>> {
        surface.line(path, self.color, self.width, self.bottom);
        Ok(())
    }
}

/// A hairline along a row or a column.
struct Stroke {
    color: BackendColor,
    width: u32,
}

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.color
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

fn backend<S: Surface>(error: DrawingErrorKind<S::ErrorType>) -> Failure<S> {
    DrawingAreaErrorKind::BackendError(error)
}

/// The lowest layer: the grid and the labels of both axes.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn axes<S: Surface>(surface: &Rc<RefCell<S>>, frame: &Frame) -> Outcome<S> {
    let palette = surface.borrow().palette();
    let plot = frame.coordinates();
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let grid = Stroke {
        color: paint(palette.grid),
        width: frame.hairline(),
    };
    let area = DrawingArea::from(surface);
    let style = frame.label(palette.muted, HPos::Left);
    let padding = frame.pixels(size::PADDING);
    for (value, y) in frame.value_lines(&plot) {
        surface
            .borrow_mut()
            .draw_line((0, y), (right, y), &grid)
            .map_err(backend::<S>)?;
        let text = format_value(value, frame.decimals);
        area.draw_text(&text, &style, (right + padding, y))?;
    }

    let below = bottom + frame.pixels(size::TIMES / 2.0);
    let style = frame.label(palette.muted, HPos::Center);
    let strong = frame.label(palette.text, HPos::Center);
    for tick in frame.time_ticks() {
        let (x, _) = translate(&plot, tick.time, frame.values.0);
        if (1..right).contains(&x) {
            let line = ((x, 0), (x, bottom));
            surface
                .borrow_mut()
                .draw_line(line.0, line.1, &grid)
                .map_err(backend::<S>)?;
        }
        let style = if tick.major { &strong } else { &style };
        let half = area.estimate_text_size(&tick.label, style)?.0 as i32 / 2;
        if x - half >= 0 && x + half <= frame.size.0 as i32 {
            area.draw_text(&tick.label, style, (x, below))?;
        }
    }

    let mut surface = surface.borrow_mut();
    let (width, height) = (frame.size.0 as i32, frame.size.1 as i32);
    surface
        .draw_line((right, 0), (right, height), &grid)
        .map_err(backend::<S>)?;
    surface
        .draw_line((0, bottom), (width, bottom), &grid)
        .map_err(backend::<S>)
}

fn translate(plot: &Coordinates, time: f64, value: f64) -> BackendCoord {
    use plotters::coord::CoordTranslate;
    plot.translate(&(time, value))
}

/// The middle layer: the line, what lies below it, and the last value with its tag on the axis.
/// `columns` is scratch space, so that a tick allocates nothing.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn series<S: Surface>(
    surface: &Rc<RefCell<S>>,
    frame: &Frame,
    series: &Series,
    columns: &mut Vec<Point>,
) -> Outcome<S> {
    let Some(last) = series.last() else {
        return Ok(());
    };
    let palette = surface.borrow().palette();
    let color = frame.line(&palette);
    let shown = series.between(frame.times.0, frame.times.1);
    let count = frame.plot.0 / surface.borrow().column();
    series.decimate(shown, frame.times, count, columns);

    let plot = DrawingArea::from(surface).apply_coord_spec(frame.coordinates());
    surface.borrow_mut().clip(frame.plot);
    plot.draw(&Line {
        points: columns,
        color,
        width: size::LINE * frame.scale,
        bottom: Some(frame.plot.1 as i32),
    })?;
    surface.borrow_mut().unclip();

    let at = plot.map_coordinate(&(last.time, last.value));
    {
        let mut surface = surface.borrow_mut();
        surface.dashes((0, at.1), (frame.plot.0 as i32, at.1), color);
        let radius = frame.pixels(size::DOT) as u32;
        surface
            .draw_circle(at, radius, &color, true)
            .map_err(backend::<S>)?;
    }
    // Half a label that looks out from under the tag could be read as a wrong one.
    let half = frame.pixels(size::HALF_LABEL);
    let left = frame.plot.0 as i32 + frame.hairline() as i32;
    let near = half + frame.pixels(size::TAG) / 2;
    for (_, y) in frame.value_lines(&frame.coordinates()) {
        if (y - at.1).abs() < near {
            let extent = (frame.size.0 as i32 - left, 2 * half);
            fill(surface, (left, y - half), extent, paint(palette.ground))?;
        }
    }
    tag(
        surface,
        frame,
        at.1,
        color,
        &format_value(last.value, frame.decimals),
    )
}

/// A value on the right axis, in a filled box.
fn tag<S: Surface>(
    surface: &Rc<RefCell<S>>,
    frame: &Frame,
    y: i32,
    color: BackendColor,
    text: &str,
) -> Outcome<S> {
    let height = frame.pixels(size::TAG);
    let top = (y - height / 2).clamp(0, (frame.size.1 as i32 - height).max(0));
    let (left, right) = (frame.plot.0 as i32, frame.size.0 as i32);
    surface
        .borrow_mut()
        .draw_rect((left, top), (right, top + height), &color, true)
        .map_err(backend::<S>)?;
    let style = frame.label(surface.borrow().palette().ground, HPos::Left);
    let at = (left + frame.pixels(size::PADDING), top + height / 2);
    DrawingArea::from(surface).draw_text(text, &style, at)
}

/// The top layer: a cross at a point, its value and time on the axes, and both in a legend.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn overlay<S: Surface>(surface: &Rc<RefCell<S>>, frame: &Frame, point: Point) -> Outcome<S> {
    let (x, y) = translate(&frame.coordinates(), point.time, point.value);
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let x = x.clamp(0, right);
    let palette = surface.borrow().palette();
    let (text, muted) = (paint(palette.text), paint(palette.muted));
    let time = format_moment(point.time, frame.times, frame.look.offset);
    let value = format_value(point.value, frame.look.decimals);
    {
        let mut surface = surface.borrow_mut();
        surface.dashes((x, 0), (x, bottom), muted);
        surface.dashes((0, y), (right, y), muted);
        let (inner, outer) = (frame.pixels(size::DOT + 1.0), frame.pixels(size::DOT + 2.0));
        let ground = paint(palette.ground);
        surface
            .draw_circle((x, y), outer as u32, &ground, true)
            .map_err(backend::<S>)?;
        surface
            .draw_circle((x, y), inner as u32, &frame.line(&palette), true)
            .map_err(backend::<S>)?;
    }
    tag(
        surface,
        frame,
        y,
        text,
        &format_value(point.value, frame.decimals),
    )?;

    let area = DrawingArea::from(surface);
    let padding = frame.pixels(size::PADDING);
    let height = frame.pixels(size::TAG);

    let style = frame.label(palette.ground, HPos::Center);
    let width = area.estimate_text_size(&time, &style)?.0 as i32 + 2 * padding;
    let left = (x - width / 2).clamp(0, (frame.size.0 as i32 - width).max(0));
    let top = bottom + frame.pixels((size::TIMES - size::TAG) / 2.0);
    fill(surface, (left, top), (width, height), text)?;
    area.draw_text(&time, &style, (left + width / 2, top + height / 2))?;

    let style = frame.label(palette.muted, HPos::Left);
    let strong = frame.label(palette.text, HPos::Left);
    let before = area.estimate_text_size(&time, &style)?.0 as i32 + padding;
    let width = before + area.estimate_text_size(&value, &strong)?.0 as i32 + 2 * padding;
    let behind = BackendColor {
        alpha: 0.85,
        ..paint(palette.ground)
    };
    let gap = frame.pixels(size::PADDING / 2.0);
    fill(surface, (gap, gap), (width, height), behind)?;
    let row = gap + height / 2;
    area.draw_text(&time, &style, (gap + padding, row))?;
    area.draw_text(&value, &strong, (gap + padding + before, row))
}

fn fill<S: Surface>(
    surface: &Rc<RefCell<S>>,
    (left, top): BackendCoord,
    (width, height): (i32, i32),
    color: BackendColor,
) -> Outcome<S> {
    surface
        .borrow_mut()
        .draw_rect((left, top), (left + width, top + height), &color, true)
        .map_err(backend::<S>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_frame_has_room_around_what_it_shows(
            low in -1e6..1e6f64,
            span in prop_oneof![Just(0.0), 0.0..1e3f64],
            decimals in 0u32..9,
            most in 0u32..20,
            first in 0.0..2e12f64,
            length in prop_oneof![Just(0.0), 0.0..1e9f64],
            full: bool,
        ) {
            let high = low + span;
            let (bottom, top) = fit_values(low, high, decimals, most);
            prop_assert!(bottom < low && high < top, "{bottom}..{top}");
            let room = (top - bottom) / (span + (high.abs() * 1e-6).max(8.0));
            prop_assert!(room < 4.0, "{room} times what is shown");

            let last = first + length;
            let (from, to) = fit_times(first, last, full);
            prop_assert!(last < to && first <= from && (full || from == first));
            prop_assert!(from - first <= (to - from) / 16.0);
            prop_assert!(to - last <= (to - from) / 8.0 || length < SHORTEST);
        }
    }
}
