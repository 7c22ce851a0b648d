use super::{Brush, Outcome, Palette, Surface};
use crate::frame::Frame;
use crate::size;
use plotters::style::text_anchor::HPos;
use std::cell::RefCell;
use std::rc::Rc;

/// The lowest layer: the grid and the labels of both axes.
///
/// # Errors
/// The error of the surface when it cannot draw.
pub fn axes<S: Surface>(surface: &Rc<RefCell<S>>, frame: &Frame) -> Outcome<S> {
    let brush = Brush::new(surface, frame);
    let Palette { text, muted, .. } = brush.palette;
    let (right, bottom) = (frame.plot.0 as i32, frame.plot.1 as i32);
    let width = frame.size.0 as i32;

    let beside = right + frame.pixels(size::PADDING);
    for (scaled, y) in frame.value_lines() {
        brush.line((0, y), (right, y))?;
        brush.text(&frame.label_of(scaled), (beside, y), HPos::Left, muted)?;
    }
    let below = bottom + frame.pixels(size::TIMES / 2.0);
    for (tick, x) in frame.time_lines() {
        if (1..right).contains(&x) {
            brush.line((x, 0), (x, bottom))?;
        }
        if frame.has_room(&tick) {
            let color = if tick.major { text } else { muted };
            brush.text(&tick.label, (x, below), HPos::Center, color)?;
        }
    }
    brush.line((right, 0), (right, bottom))?;
    brush.line((0, bottom), (width, bottom))
}
