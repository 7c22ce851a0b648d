//! The chart in three layers, drawn by the same code onto the browser's canvases and into the
//! server's SVG.
//!
//! The layers are apart because they change at different times: the axes when the range does, the
//! series with every tick, the overlay with the pointer.

use super::frame::size;
use super::scale::{format_moment, format_value};
use super::series::{Point, Series};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Drawable, PointCollection};
use plotters::style::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind,
};
use std::cell::RefCell;
use std::rc::Rc;

pub use super::frame::Frame;

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

type Failure<S> = DrawingAreaErrorKind<<S as DrawingBackend>::ErrorType>;
type Outcome<S> = Result<(), Failure<S>>;

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

/// A surface with what is needed to draw a layer of a frame onto it.
struct Brush<'a, S: Surface> {
    surface: &'a Rc<RefCell<S>>,
    area: DrawingArea<S, Shift>,
    frame: &'a Frame,
    palette: Palette,
}

impl<'a, S: Surface> Brush<'a, S> {
    fn new(surface: &'a Rc<RefCell<S>>, frame: &'a Frame) -> Self {
        Self {
            surface,
            area: DrawingArea::from(surface),
            frame,
            palette: surface.borrow().palette(),
        }
    }

    /// The colour of the line.
    fn tone(&self) -> BackendColor {
        paint(match self.frame.look.tone {
            Tone::Accent => self.palette.accent,
            Tone::Up => self.palette.up,
            Tone::Down => self.palette.down,
        })
    }

    fn line(&self, from: BackendCoord, to: BackendCoord) -> Outcome<S> {
        let hairline = Stroke {
            color: paint(self.palette.grid),
            width: (self.frame.scale.floor() as u32).max(1),
        };
        let drawn = self.surface.borrow_mut().draw_line(from, to, &hairline);
        drawn.map_err(Failure::<S>::BackendError)
    }

    fn fill(&self, at: BackendCoord, size: (i32, i32), color: BackendColor) -> Outcome<S> {
        let end = (at.0 + size.0, at.1 + size.1);
        let drawn = self.surface.borrow_mut().draw_rect(at, end, &color, true);
        drawn.map_err(Failure::<S>::BackendError)
    }

    fn dot(&self, at: BackendCoord, radius: f64, color: BackendColor) -> Outcome<S> {
        let radius = self.frame.pixels(radius) as u32;
        let drawn = self
            .surface
            .borrow_mut()
            .draw_circle(at, radius, &color, true);
        drawn.map_err(Failure::<S>::BackendError)
    }

    fn text(&self, text: &str, at: BackendCoord, anchor: HPos, color: Rgb) -> Outcome<S> {
        self.area
            .draw_text(text, &self.frame.label(paint(color), anchor), at)
    }

    fn width(&self, text: &str) -> Result<i32, Failure<S>> {
        let style = self.frame.label(paint(self.palette.text), HPos::Left);
        Ok(self.area.estimate_text_size(text, &style)?.0 as i32)
    }

    /// A value on the right axis, in a filled box.
    fn value_tag(&self, value: f64, y: i32, color: BackendColor) -> Outcome<S> {
        let (frame, left) = (self.frame, self.frame.plot.0 as i32);
        let height = frame.pixels(size::TAG);
        let top = (y - height / 2).clamp(0, (frame.size.1 as i32 - height).max(0));
        self.fill((left, top), (frame.size.0 as i32 - left, height), color)?;
        let at = (left + frame.pixels(size::PADDING), top + height / 2);
        let text = format_value(value, frame.decimals);
        self.text(&text, at, HPos::Left, self.palette.ground)
    }

    /// A time on the lower axis, in a filled box.
    fn time_tag(&self, time: &str, x: i32, color: BackendColor) -> Outcome<S> {
        let (frame, bottom) = (self.frame, self.frame.plot.1 as i32);
        let height = frame.pixels(size::TAG);
        let width = self.width(time)? + 2 * frame.pixels(size::PADDING);
        let left = (x - width / 2).clamp(0, (frame.size.0 as i32 - width).max(0));
        let top = bottom + frame.pixels((size::TIMES - size::TAG) / 2.0);
        for (tick, x) in frame.time_lines() {
            let half = self.width(&tick.label)? / 2 + 1;
            if x + half > left && x - half < left + width {
                self.fill(
                    (x - half, top),
                    (2 * half, height),
                    paint(self.palette.ground),
                )?;
            }
        }
        self.fill((left, top), (width, height), color)?;
        let at = (left + width / 2, top + height / 2);
        self.text(time, at, HPos::Center, self.palette.ground)
    }
}

/// The lowest layer: the grid and the labels of both axes.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn axes<S: Surface>(surface: &Rc<RefCell<S>>, frame: &Frame) -> Outcome<S> {
    let brush = Brush::new(surface, frame);
    let Palette { text, muted, .. } = brush.palette;
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let width = frame.size.0 as i32;

    let beside = right + frame.pixels(size::PADDING);
    for (value, y) in frame.value_lines() {
        brush.line((0, y), (right, y))?;
        let label = format_value(value, frame.decimals);
        brush.text(&label, (beside, y), HPos::Left, muted)?;
    }
    let below = bottom + frame.pixels(size::TIMES / 2.0);
    for (tick, x) in frame.time_lines() {
        if (1..right).contains(&x) {
            brush.line((x, 0), (x, bottom))?;
        }
        let half = brush.width(&tick.label)? / 2;
        if x - half >= 0 && x + half <= width {
            let color = if tick.major { text } else { muted };
            brush.text(&tick.label, (x, below), HPos::Center, color)?;
        }
    }
    brush.line((right, 0), (right, bottom))?;
    brush.line((0, bottom), (width, bottom))
}

/// The trades of a span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candle {
    /// When it begins and ends, in milliseconds since the Unix epoch.
    pub times: (f64, f64),
    /// The first price.
    pub open: f64,
    /// The highest price.
    pub high: f64,
    /// The lowest price.
    pub low: f64,
    /// The last price.
    pub close: f64,
}

/// Points that cover the same times and values as candles do, and end with the last close.
pub(super) fn outline(candles: &[Candle]) -> Series {
    let mut outline = Series::new(3 * candles.len());
    outline.replace(candles.iter().flat_map(|candle| {
        let (from, to) = candle.times;
        [
            // One ends when the next begins, and a series has each time once.
            Point::new(from + 1.0, candle.high),
            Point::new((from + to) / 2.0, candle.low),
            Point::new(to, candle.close),
        ]
    }));
    outline
}

/// The middle layer as candles: hollow is none, the colour and the place of the body say which way it
/// went.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn candles<S: Surface>(
    surface: &Rc<RefCell<S>>,
    frame: &Frame,
    candles: &[Candle],
) -> Outcome<S> {
    let Some(last) = candles.last() else {
        return Ok(());
    };
    let brush = Brush::new(surface, frame);
    let color = |candle: &Candle| {
        paint(if candle.close < candle.open {
            brush.palette.down
        } else {
            brush.palette.up
        })
    };
    surface.borrow_mut().clip(frame.plot);
    for candle in candles {
        let (from, to) = candle.times;
        let (left, top) = frame.at(from, candle.high);
        let (right, bottom) = frame.at(to, candle.low);
        let (one, other) = (
            frame.at(from, candle.open).1,
            frame.at(from, candle.close).1,
        );
        let (upper, lower) = (one.min(other), one.max(other));
        // A third of the room stays free, and something is always seen.
        let width = ((right - left) * 2 / 3).max(1);
        let middle = (left + right) / 2;
        let color = color(candle);
        brush.fill((middle, top), (1, (bottom - top).max(1)), color)?;
        let body = (width, (lower - upper).max(1));
        brush.fill((middle - width / 2, upper), body, color)?;
    }
    surface.borrow_mut().unclip();
    let end = Point::new(last.times.1, last.close);
    last_value(&brush, end, color(last))
}

/// The middle layer: the line, what lies below it, and the last value with its tag on the axis.
/// `columns` is scratch space, so that many ticks need it once.
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
    let brush = Brush::new(surface, frame);
    let color = brush.tone();
    let shown = series.between(frame.times.0, frame.times.1);
    let count = frame.plot.0 / surface.borrow().column();
    series.decimate(shown, frame.times, count, columns);

    surface.borrow_mut().clip(frame.plot);
    let plot = brush.area.apply_coord_spec(frame.coordinates());
    plot.draw(&Line {
        points: columns,
        color,
        width: size::LINE * frame.scale,
        bottom: Some(frame.plot.1 as i32),
    })?;
    surface.borrow_mut().unclip();
    last_value(&brush, last, color)
}

/// The last value: where it is, and its tag on the axis.
fn last_value<S: Surface>(brush: &Brush<'_, S>, last: Point, color: BackendColor) -> Outcome<S> {
    let frame = brush.frame;
    let (x, y) = frame.at(last.time, last.value);
    let right = frame.plot.0 as i32;
    brush.surface.borrow_mut().dashes((0, y), (right, y), color);
    brush.dot((x, y), size::DOT, color)?;

    // Half a label that looks out from under the tag could be read as a wrong one.
    let half = frame.pixels(size::HALF_LABEL);
    let near = half + frame.pixels(size::TAG) / 2;
    let beside = right + frame.pixels(size::PADDING);
    for (_, row) in frame
        .value_lines()
        .filter(|(_, row)| (row - y).abs() < near)
    {
        let extent = (frame.size.0 as i32 - beside, 2 * half);
        brush.fill((beside, row - half), extent, paint(brush.palette.ground))?;
    }
    brush.value_tag(last.value, y, color)
}

/// The top layer: a cross at a point, its value and time on the axes, and both in a legend.
///
/// # Errors
/// What the surface says when it cannot draw.
pub fn overlay<S: Surface>(surface: &Rc<RefCell<S>>, frame: &Frame, point: Point) -> Outcome<S> {
    let brush = Brush::new(surface, frame);
    let Palette {
        ground,
        text,
        muted,
        ..
    } = brush.palette;
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let (x, y) = frame.at(point.time, point.value);
    let x = x.clamp(0, right);
    surface
        .borrow_mut()
        .dashes((x, 0), (x, bottom), paint(muted));
    surface
        .borrow_mut()
        .dashes((0, y), (right, y), paint(muted));
    brush.dot((x, y), size::DOT + 2.0, paint(ground))?;
    brush.dot((x, y), size::DOT + 1.0, brush.tone())?;

    let time = format_moment(point.time, frame.times, frame.look.offset);
    brush.value_tag(point.value, y, paint(text))?;
    brush.time_tag(&time, x, paint(text))?;

    let value = format_value(point.value, frame.look.decimals);
    let (padding, height) = (frame.pixels(size::PADDING), frame.pixels(size::TAG));
    let before = brush.width(&time)? + padding;
    let width = before + brush.width(&value)? + 2 * padding;
    let behind = BackendColor {
        alpha: 0.85,
        ..paint(ground)
    };
    let edge = padding / 2;
    brush.fill((edge, edge), (width, height), behind)?;
    let (left, row) = (edge + padding, edge + height / 2);
    brush.text(&time, (left, row), HPos::Left, muted)?;
    brush.text(&value, (left + before, row), HPos::Left, text)
}
