//! The chart in three layers. The same code draws them onto the browser's canvases and into the server's SVG.
//!
//! The layers change at different times: the axes with the range, the series with new samples, the overlay with the
//! last value and the pointer.

mod axes;
mod overlay;
mod series;

use super::sample::Candle;
use super::size;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::style::text_anchor::HPos;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend};
use std::cell::RefCell;
use std::rc::Rc;

pub use super::frame::Frame;
pub use super::scene::Tone;
pub use super::surface::{Palette, Rgb, Surface};
pub use axes::axes;
pub use overlay::overlay;
pub use series::{Scratch, changed_column, series};

fn paint(rgb: Rgb) -> BackendColor {
    BackendColor { alpha: 1.0, rgb }
}

fn thin(rgb: Rgb, alpha: f64) -> BackendColor {
    BackendColor { alpha, rgb }
}

type Failure<S> = DrawingAreaErrorKind<<S as DrawingBackend>::ErrorType>;
type Outcome<S> = Result<(), Failure<S>>;

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

/// A surface, and what is needed to draw a layer of a frame onto it.
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

    /// The colour of the series.
    fn tone(&self, tone: Tone) -> Rgb {
        match tone {
            Tone::Accent => self.palette.accent,
            Tone::Up => self.palette.up,
            Tone::Down => self.palette.down,
        }
    }

    /// The colour of a candle, by whether it fell.
    fn way(&self, candle: &Candle) -> Rgb {
        if candle.close < candle.open {
            self.palette.down
        } else {
            self.palette.up
        }
    }

    fn line(&self, from: BackendCoord, to: BackendCoord) -> Outcome<S> {
        let hairline = Stroke {
            color: paint(self.palette.grid),
            width: self.frame.hairline() as u32,
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

    /// A value on the right axis, in a filled box at a row.
    fn value_tag(&self, text: &str, y: i32, color: BackendColor) -> Outcome<S> {
        let (frame, left) = (self.frame, self.frame.plot.0 as i32);
        let height = frame.pixels(size::TAG);
        let top = (y - height / 2).clamp(0, (frame.size.1 as i32 - height).max(0));
        // A label that the box half covers could be misread, so it is erased.
        let half = frame.pixels(size::HALF_LABEL);
        let beside = left + frame.pixels(size::PADDING);
        let near = half + height / 2;
        for (_, row) in frame
            .value_lines()
            .filter(|(_, row)| (row - y).abs() < near)
        {
            let extent = (frame.size.0 as i32 - beside, 2 * half);
            self.fill((beside, row - half), extent, paint(self.palette.ground))?;
        }
        self.fill((left, top), (frame.size.0 as i32 - left, height), color)?;
        let at = (left + frame.pixels(size::PADDING), top + height / 2);
        self.text(text, at, HPos::Left, self.palette.ground)
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
