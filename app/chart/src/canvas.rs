//! The browser's surface: one of the stacked canvases, through plotters-canvas.
//!
//! `CanvasBackend` is correct and slow: it formats and sets every style on every call, strokes each line as a separate
//! path, and measures text by putting a `<span>` into the page, which forces a layout. So this file draws what the
//! chart draws in each frame directly on the same context, and passes the rest on to it.

use super::surface::{DASH, Palette, Rgb};
use js_sys::Array;
use plotters_backend::{BackendColor, BackendCoord, DrawingBackend, DrawingErrorKind};
use plotters_canvas::CanvasBackend;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{CanvasGradient, CanvasRenderingContext2d, HtmlCanvasElement};

/// A canvas and the known state of its context.
pub(super) struct Canvas {
    pub(super) base: CanvasBackend,
    element: HtmlCanvasElement,
    pub(super) context: CanvasRenderingContext2d,
    pub(super) palette: Palette,
    pub(super) family: String,
    pub(super) size: (u32, u32),
    pub(super) scale: f64,
    dashes: (Array, Array),
    pub(super) pen: Pen,
    pub(super) widths: RefCell<Vec<(String, u32)>>,
    /// The last gradient, with its colour and the row at which it ends.
    pub(super) gradient: Option<((u32, i32), CanvasGradient)>,
}

/// The styles that were set last; `None` where a style is not known. Setting a style costs more than drawing with it.
#[derive(Default)]
pub(super) struct Pen {
    pub(super) fill: Option<u32>,
    stroke: Option<u32>,
    width: Option<f64>,
    dashed: Option<bool>,
    font: Option<u32>,
    pub(super) align: Option<&'static str>,
}

pub(super) type Outcome =
    Result<(), DrawingErrorKind<<CanvasBackend as DrawingBackend>::ErrorType>>;

/// Red, green, blue and opacity, a byte each.
pub(super) fn packed(color: BackendColor) -> u32 {
    let (red, green, blue) = color.rgb;
    let opacity = (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    u32::from_be_bytes([red, green, blue, opacity])
}

pub(super) fn css(color: u32) -> String {
    format!("#{color:08x}")
}

impl Canvas {
    /// `None` if the browser gives no 2d context.
    pub(super) fn new(element: HtmlCanvasElement) -> Option<Self> {
        let base = CanvasBackend::with_canvas_object(element.clone())?;
        // An element has one context, so `base` draws with the same one.
        let context = element.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Self {
            base,
            element,
            context,
            palette: Palette::default(),
            family: String::from("sans-serif"),
            size: (0, 0),
            scale: 1.0,
            dashes: (Array::new(), Array::new()),
            pen: Pen::default(),
            widths: RefCell::default(),
            gradient: None,
        })
    }

    /// Sets the size of the canvas in device pixels and empties the canvas. `scale` is the number of device pixels in a
    /// CSS pixel.
    pub(super) fn resize(&mut self, size: (u32, u32), scale: f64) {
        self.element.set_width(size.0);
        self.element.set_height(size.1);
        (self.size, self.scale) = (size, scale);
        let [dash, gap] = [DASH.0, DASH.1].map(|css| (f64::from(css) * scale).round().into());
        self.dashes.0 = Array::of2(&dash, &gap);
        self.widths.borrow_mut().clear();
        self.forget();
    }

    /// Makes the browser print the canvas as a picture.
    ///
    /// Chromium prints a canvas that has just been redrawn by replaying its strokes, and prints nothing where several
    /// canvases overlap. Reading a pixel and writing it back prevents that.
    pub(super) fn fix(&self) {
        if let Ok(pixel) = self.context.get_image_data(0.0, 0.0, 1.0, 1.0) {
            let _ = self.context.put_image_data(&pixel, 0.0, 0.0);
        }
    }

    /// Sets the colours and the font family, which is a list as in CSS.
    pub(super) fn set_theme(&mut self, palette: Palette, family: String) {
        self.palette = palette;
        self.family = family;
        self.widths.borrow_mut().clear();
        self.forget();
    }

    /// A CSS colour as numbers. The context parses every notation of CSS.
    pub(super) fn resolve(&mut self, color: &str) -> Option<Rgb> {
        self.pen.fill = None;
        // A fill that cannot be parsed leaves the previous one, so the colour is set after two different ones.
        let read = |before: &str| {
            self.context.set_fill_style_str(before);
            self.context.set_fill_style_str(color);
            let fill = js_sys::Reflect::get(&self.context, &"fillStyle".into()).ok()?;
            fill.as_string()
        };
        let fill = read("#000000").filter(|fill| read("#ffffff").as_ref() == Some(fill))?;
        if let Some(hex) = fill.strip_prefix('#') {
            let hex = u32::from_str_radix(hex, 16).ok()?;
            return Some(((hex >> 16) as u8, (hex >> 8) as u8, hex as u8));
        }
        let mut parts = fill
            .strip_prefix("rgba(")?
            .split(',')
            .map(|part| part.trim().parse().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    }

    /// Clears the canvas from a column to the right.
    pub(super) fn clear(&mut self, left: i32) {
        let (width, height) = self.size;
        let left = f64::from(left);
        self.context
            .clear_rect(left, 0.0, f64::from(width) - left, height.into());
    }

    /// Width and height in device pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The element.
    pub(super) fn element(&self) -> &HtmlCanvasElement {
        &self.element
    }

    /// The colour of the background, as CSS.
    pub(super) fn ground(&self) -> String {
        css(packed(BackendColor {
            alpha: 1.0,
            rgb: self.palette.ground,
        }))
    }

    /// Forgets the state of the context, and sets what is the same for all drawing.
    fn forget(&mut self) {
        self.pen = Pen::default();
        // Four times as fast as round joins. The limit cuts sharp bends.
        self.context.set_line_join("miter");
        self.context.set_miter_limit(2.0);
        self.context.set_text_baseline("alphabetic");
    }

    /// Draws with the base backend, which leaves its own styles set.
    pub(super) fn through(&mut self, draw: impl FnOnce(&mut CanvasBackend) -> Outcome) -> Outcome {
        self.set_dashed(false);
        let drawn = draw(&mut self.base);
        self.forget();
        drawn
    }

    pub(super) fn set_fill(&mut self, color: BackendColor) {
        let color = packed(color);
        if self.pen.fill != Some(color) {
            self.context.set_fill_style_str(&css(color));
            self.pen.fill = Some(color);
        }
    }

    pub(super) fn set_stroke(&mut self, color: BackendColor, width: f64, dashed: bool) {
        let color = packed(color);
        if self.pen.stroke != Some(color) {
            self.context.set_stroke_style_str(&css(color));
            self.pen.stroke = Some(color);
        }
        if self.pen.width != Some(width) {
            self.context.set_line_width(width);
            self.pen.width = Some(width);
        }
        self.set_dashed(dashed);
    }

    fn set_dashed(&mut self, dashed: bool) {
        if self.pen.dashed != Some(dashed) {
            let (dashes, none) = &self.dashes;
            // This fails only for negative lengths.
            let _ = self
                .context
                .set_line_dash(if dashed { dashes } else { none });
            self.pen.dashed = Some(dashed);
        }
    }

    pub(super) fn set_font(&mut self, size: u32) {
        if self.pen.font != Some(size) {
            self.context.set_font(&format!("{size}px {}", self.family));
            self.pen.font = Some(size);
        }
    }

    /// Begins a path through points. Returns the columns of the first and the last.
    pub(super) fn trace(&self, path: impl Iterator<Item = BackendCoord>) -> Option<(i32, i32)> {
        self.context.begin_path();
        let mut ends: Option<(BackendCoord, BackendCoord)> = None;
        for point in path {
            let (x, y) = (f64::from(point.0), f64::from(point.1));
            match &mut ends {
                None => {
                    self.context.move_to(x, y);
                    ends = Some((point, point));
                }
                // Consecutive points often fall on the same pixel.
                Some((_, last)) if *last != point => {
                    self.context.line_to(x, y);
                    *last = point;
                }
                Some(_) => {}
            }
        }
        ends.map(|(first, last)| (first.0, last.0))
    }

    pub(super) fn fill_box(&self, (x, y): BackendCoord, (width, height): (i32, i32)) {
        self.context
            .fill_rect(x.into(), y.into(), width.into(), height.into());
    }

    pub(super) fn hairline(&self) -> i32 {
        (self.scale.floor() as i32).max(1)
    }
}
