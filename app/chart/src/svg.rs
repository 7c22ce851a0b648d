//! The chart as an SVG document.

use super::draw::{self, Frame, Palette};
use super::scene::Scene;
use super::summary::describe;
use super::svg_surface::{Escaped, Svg, hex};
use std::cell::RefCell;
use std::rc::Rc;

/// Draws all layers. Returns whether there was anything to draw.
fn draw_all(surface: &Rc<RefCell<Svg>>, scene: &Scene) -> bool {
    let fitted = Frame::fit(&*surface.borrow(), scene);
    let Some(frame) = fitted else {
        return false;
    };
    let computed;
    let scene = if scene.studies.is_empty() {
        scene
    } else {
        let mut with_studies = scene.clone();
        with_studies.update_studies(f64::NEG_INFINITY, frame.candle);
        computed = with_studies;
        &computed
    };
    // Writing to a string cannot fail.
    let _ = draw::axes(surface, &frame);
    let _ = draw::series(surface, &frame, scene, &mut draw::Scratch::default(), 0);
    let _ = draw::overlay(surface, &frame, scene, None);
    true
}

/// A chart as a standalone image.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    /// Its title, for screen readers and as a tooltip.
    pub title: &'a str,
    /// Width and height in CSS pixels.
    pub size: (u32, u32),
    /// Its colours. A standalone image has no style sheet.
    pub palette: Palette,
    /// What is drawn.
    pub scene: &'a Scene,
    /// The count in its description, such as `(390, "bar")`.
    pub count: (usize, &'a str),
}

impl Document<'_> {
    /// Renders the document. Equal scenes give equal bytes. The document has no script, no style sheet and no external
    /// references.
    pub fn render(&self) -> String {
        let Document {
            title,
            size: (width, height),
            palette,
            scene,
            count,
        } = *self;
        let surface = Rc::new(RefCell::new(Svg::new((width, height), Some(palette))));
        if !draw_all(&surface, scene) {
            let muted = hex(palette.muted);
            let (x, y) = (width / 2, height / 2);
            surface.borrow_mut().write(format_args!(
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{muted}\">No prices yet</text>"
            ));
        }
        let body = std::mem::take(&mut surface.borrow_mut().body);
        let description = match describe(scene, count) {
            text if text.is_empty() => "No prices yet".to_owned(),
            text => text,
        };
        let (title, description) = (Escaped(title), Escaped(&description));
        let ground = hex(palette.ground);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title description\" \
             font-size=\"12\" font-family=\"system-ui, sans-serif\">\
             <title id=\"title\">{title}</title><desc id=\"description\">{description}</desc>\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{ground}\"/>{body}</svg>"
        )
    }
}

#[cfg(test)]
pub(crate) mod tests;
