//! The chart's drawing operations on a canvas of the browser.

use super::canvas::{Canvas, Outcome, Pen, css, packed};
use super::surface::{FADE, Palette, Surface, draw_path};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_canvas::CanvasBackend;
use std::f64::consts::TAU;

/// How many measured widths of texts are kept: several times the labels of both axes and the crosshair.
const WIDTHS: usize = 64;

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

    /// A horizontal or vertical line fills whole device pixels, so that it is sharp at any pixel ratio.
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
        draw_path(self, path, style);
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
        // This fails only for a negative radius.
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

    /// In the page's font family. Rotation is ignored: no label of the axes is rotated.
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
        // Digits have no descenders, so their own height is centred and not that of the line.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.72,
            VPos::Center => 0.36,
            VPos::Bottom => 0.0,
        };
        let y = f64::from(y) + (style.size() * below).round();
        // This cannot fail for a string and two numbers.
        let _ = self.context.fill_text(text, x.into(), y);
        Ok(())
    }

    /// Texts that differ only in their digits are measured once, since digits are about equally wide.
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
        // All texts of the chart have the same size. It changes only with the scale, which empties the list.
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
        // The browser restores earlier styles, which are not recorded here.
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
                // Both offsets and both colours are valid.
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
        // A stroke of odd width is sharp only in the middle of a pixel. It then covers the same pixels as `draw_line`.
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
