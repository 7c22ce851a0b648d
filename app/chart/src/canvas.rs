//! The browser's surface: one of the stacked canvases, through plotters-canvas.
//!
//! `CanvasBackend` is correct and slow: it formats and sets every style on every call, strokes each
//! line as a path of its own, and measures text by putting a `<span>` into the page, which forces a
//! layout. What the chart does in each frame is therefore done here on the same context; the rest
//! goes through to it.

use super::surface::{DASH, FADE, Palette, Rgb, Surface};
use js_sys::Array;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_canvas::CanvasBackend;
use std::{cell::RefCell, f64::consts::TAU};
use wasm_bindgen::JsCast;
use web_sys::{CanvasGradient, CanvasRenderingContext2d, HtmlCanvasElement};

/// Widths of texts that are kept: the labels of both axes and of the crosshair, a few times over.
const WIDTHS: usize = 64;

/// A canvas and what is known of the state of its context.
pub(super) struct Canvas {
    base: CanvasBackend,
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    palette: Palette,
    family: String,
    size: (u32, u32),
    scale: f64,
    dashes: (Array, Array),
    pen: Pen,
    widths: RefCell<Vec<(String, u32)>>,
    /// The last one, with its colour and where it ends.
    gradient: Option<((u32, i32), CanvasGradient)>,
}

/// What was last set; nothing where it is not known. Setting a style costs more than drawing with it.
#[derive(Default)]
struct Pen {
    fill: Option<u32>,
    stroke: Option<u32>,
    width: Option<f64>,
    dashed: Option<bool>,
    font: Option<u32>,
    align: Option<&'static str>,
}

type Outcome = Result<(), DrawingErrorKind<<CanvasBackend as DrawingBackend>::ErrorType>>;

/// Red, green, blue and opacity, a byte each.
fn packed(color: BackendColor) -> u32 {
    let (red, green, blue) = color.rgb;
    let opacity = (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    u32::from_be_bytes([red, green, blue, opacity])
}

fn css(color: u32) -> String {
    format!("#{color:08x}")
}

impl Canvas {
    /// None where the browser gives no 2d context.
    pub(super) fn new(element: HtmlCanvasElement) -> Option<Self> {
        let base = CanvasBackend::with_canvas_object(element.clone())?;
        // An element has one context: this is the one that `base` draws with.
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

    /// Gives the canvas its size in device pixels, of which `scale` are a CSS pixel. Empties it.
    pub(super) fn resize(&mut self, size: (u32, u32), scale: f64) {
        self.element.set_width(size.0);
        self.element.set_height(size.1);
        (self.size, self.scale) = (size, scale);
        let [dash, gap] = [DASH.0, DASH.1].map(|css| (f64::from(css) * scale).round().into());
        self.dashes.0 = Array::of2(&dash, &gap);
        self.widths.borrow_mut().clear();
        self.forget();
    }

    /// Has what is drawn printed as a picture of it.
    ///
    /// Chromium prints a canvas that was drawn anew just before by its strokes, and those come out empty
    /// where several canvases lie over each other; a pixel that was read and put back keeps it from that.
    pub(super) fn fix(&self) {
        if let Ok(pixel) = self.context.get_image_data(0.0, 0.0, 1.0, 1.0) {
            let _ = self.context.put_image_data(&pixel, 0.0, 0.0);
        }
    }

    /// Draws in these colours from now on, and writes in this family: a list as CSS has it.
    pub(super) fn set_theme(&mut self, palette: Palette, family: String) {
        self.palette = palette;
        self.family = family;
        self.widths.borrow_mut().clear();
        self.forget();
    }

    /// What a colour of CSS is in numbers: the context reads every notation there is.
    pub(super) fn resolve(&mut self, color: &str) -> Option<Rgb> {
        self.pen.fill = None;
        // A fill that cannot be read changes nothing; two different ones before it tell.
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

    /// Forgets what was drawn from a column on.
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

    /// What it lies on.
    pub(super) fn ground(&self) -> String {
        css(packed(BackendColor {
            alpha: 1.0,
            rgb: self.palette.ground,
        }))
    }

    /// The state of the context is no longer known, but for what is the same for all that is drawn.
    fn forget(&mut self) {
        self.pen = Pen::default();
        // Four times as fast as round ones, and where it bends sharply it is cut.
        self.context.set_line_join("miter");
        self.context.set_miter_limit(2.0);
        self.context.set_text_baseline("alphabetic");
    }

    /// Draws with the base, which leaves its own styles behind.
    fn through(&mut self, draw: impl FnOnce(&mut CanvasBackend) -> Outcome) -> Outcome {
        self.set_dashed(false);
        let drawn = draw(&mut self.base);
        self.forget();
        drawn
    }

    fn set_fill(&mut self, color: BackendColor) {
        let color = packed(color);
        if self.pen.fill != Some(color) {
            self.context.set_fill_style_str(&css(color));
            self.pen.fill = Some(color);
        }
    }

    fn set_stroke(&mut self, color: BackendColor, width: f64, dashed: bool) {
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
            // It refuses nothing but negative lengths.
            let _ = self
                .context
                .set_line_dash(if dashed { dashes } else { none });
            self.pen.dashed = Some(dashed);
        }
    }

    fn set_font(&mut self, size: u32) {
        if self.pen.font != Some(size) {
            self.context.set_font(&format!("{size}px {}", self.family));
            self.pen.font = Some(size);
        }
    }

    /// Begins a path through points. The columns of the first and the last.
    fn trace(&self, path: impl Iterator<Item = BackendCoord>) -> Option<(i32, i32)> {
        self.context.begin_path();
        let mut ends: Option<(BackendCoord, BackendCoord)> = None;
        for point in path {
            let (x, y) = (f64::from(point.0), f64::from(point.1));
            match &mut ends {
                None => {
                    self.context.move_to(x, y);
                    ends = Some((point, point));
                }
                // Points of one column often meet in one pixel.
                Some((_, last)) if *last != point => {
                    self.context.line_to(x, y);
                    *last = point;
                }
                Some(_) => {}
            }
        }
        ends.map(|(first, last)| (first.0, last.0))
    }

    fn fill_box(&self, (x, y): BackendCoord, (width, height): (i32, i32)) {
        self.context
            .fill_rect(x.into(), y.into(), width.into(), height.into());
    }

    fn hairline(&self) -> i32 {
        (self.scale.floor() as i32).max(1)
    }
}

impl DrawingBackend for Canvas {
    type ErrorType = <CanvasBackend as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        self.base.ensure_prepared()
    }

    fn present(&mut self) -> Outcome {
        self.base.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Outcome {
        self.set_fill(color);
        self.fill_box(point, (1, 1));
        Ok(())
    }

    /// Along a row or a column it fills whole device pixels, so that it is sharp at any ratio.
    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Outcome {
        let width = style.stroke_width() as i32;
        let (left, top) = (from.0.min(to.0), from.1.min(to.1));
        let (across, down) = ((from.0 - to.0).abs(), (from.1 - to.1).abs());
        if down == 0 {
            self.set_fill(style.color());
            self.fill_box((left, top - width / 2), (across, width));
        } else if across == 0 {
            self.set_fill(style.color());
            self.fill_box((left - width / 2, top), (width, down));
        } else {
            self.line([from, to].into_iter(), style.color(), width.into());
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome {
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        if fill {
            self.set_fill(style.color());
            self.fill_box(from, (width, height));
        } else {
            self.set_stroke(style.color(), style.stroke_width().into(), false);
            self.context
                .stroke_rect(from.0.into(), from.1.into(), width.into(), height.into());
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        let width = f64::from(style.stroke_width());
        self.line(path.into_iter(), style.color(), width);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome {
        self.context.begin_path();
        // It refuses nothing but a negative radius.
        let _ = self
            .context
            .arc(center.0.into(), center.1.into(), radius.into(), 0.0, TAU);
        if fill {
            self.set_fill(style.color());
            self.context.fill();
        } else {
            self.set_stroke(style.color(), style.stroke_width().into(), false);
            self.context.stroke();
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        self.through(|base| base.fill_polygon(path, style))
    }

    /// In the page's family. It is not turned: the axes here have no text that would be.
    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Outcome {
        self.set_fill(style.color());
        self.set_font(style.size().round() as u32);
        let align = match style.anchor().h_pos {
            HPos::Left => "left",
            HPos::Center => "center",
            HPos::Right => "right",
        };
        if self.pen.align != Some(align) {
            self.context.set_text_align(align);
            self.pen.align = Some(align);
        }
        // Digits have no descenders: what is centred is their height, not that of the line.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.72,
            VPos::Center => 0.36,
            VPos::Bottom => 0.0,
        };
        let y = f64::from(y) + (style.size() * below).round();
        // It fails on nothing that can be said of a text and two numbers.
        let _ = self.context.fill_text(text, x.into(), y);
        Ok(())
    }

    /// Measured once for all texts of the same shape: digits are about equally wide.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Self::ErrorType>> {
        let height = style.size().ceil() as u32;
        let fold = |character: char| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        };
        let mut widths = self.widths.borrow_mut();
        let known = widths
            .iter()
            .find(|(shape, _)| shape.chars().eq(text.chars().map(fold)));
        if let Some(&(_, width)) = known {
            return Ok((width, height));
        }
        let shape: String = text.chars().map(fold).collect();
        // All texts of the chart have one size; only its scale changes it, which empties the list.
        self.context.set_font(&format!(
            "{}px {}",
            style.size().round() as u32,
            self.family
        ));
        let measured = self.context.measure_text(&shape);
        let width = measured.map_or(0.0, |metrics| metrics.width()).ceil() as u32;
        if widths.len() == WIDTHS {
            widths.remove(0);
        }
        widths.push((shape, width));
        Ok((width, height))
    }
}

impl Surface for Canvas {
    fn palette(&self) -> Palette {
        self.palette
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn column(&self) -> u32 {
        1
    }

    fn clip(&mut self, (left, top): BackendCoord, (width, height): (u32, u32)) {
        self.context.save();
        self.context.begin_path();
        self.context
            .rect(left.into(), top.into(), width.into(), height.into());
        self.context.clip();
    }

    fn unclip(&mut self) {
        self.context.restore();
        // Whatever was set since is undone, and what it was before is not remembered.
        self.pen = Pen::default();
    }

    fn line(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, width: f64) {
        self.set_stroke(color, width, false);
        self.trace(path);
        self.context.stroke();
    }

    fn bars(&mut self, bars: &[(i32, f64, f64)], color: BackendColor) -> bool {
        self.set_fill(color);
        for &(x, top, bottom) in bars {
            self.context.fill_rect(x.into(), top, 1.0, bottom - top);
        }
        true
    }

    fn area(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, bottom: i32) {
        let Some((first, last)) = self.trace(path) else {
            return;
        };
        self.context.line_to(last.into(), bottom.into());
        self.context.line_to(first.into(), bottom.into());
        let key = (packed(color), bottom);
        if self
            .gradient
            .as_ref()
            .is_none_or(|(known, _)| *known != key)
        {
            let gradient = self
                .context
                .create_linear_gradient(0.0, 0.0, 0.0, bottom.into());
            for (at, alpha) in [(0.0, FADE.0), (1.0, FADE.1)] {
                // Both places and both colours are valid.
                let _ = gradient.add_color_stop(at, &css(packed(BackendColor { alpha, ..color })));
            }
            self.gradient = Some((key, gradient));
        }
        if let Some((_, gradient)) = &self.gradient {
            self.context.set_fill_style_canvas_gradient(gradient);
        }
        self.pen.fill = None;
        self.context.fill();
    }

    fn dashes(&mut self, from: BackendCoord, to: BackendCoord, color: BackendColor) {
        let width = self.hairline();
        self.set_stroke(color, width.into(), true);
        self.context.begin_path();
        // A stroke of an odd width is sharp in the middle of a pixel; it covers what `draw_line` does.
        let shift = f64::from(width % 2) / 2.0;
        let (x, y) = if from.1 == to.1 {
            (0.0, shift)
        } else {
            (shift, 0.0)
        };
        self.context
            .move_to(f64::from(from.0) + x, f64::from(from.1) + y);
        self.context
            .line_to(f64::from(to.0) + x, f64::from(to.1) + y);
        self.context.stroke();
    }
}
