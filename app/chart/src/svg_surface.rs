//! The server's surface: the chart as elements of SVG.

use super::draw::{Palette, Rgb, Surface};
use super::surface::{DASH, FADE, draw_path};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use std::fmt::{Display, Write};

/// Colours that stand for custom properties of the page. The drawing code passes them on as numbers, and this surface
/// writes the names, so that the drawing follows the theme of the page.
pub(super) const TOKENS: Palette = Palette {
    ground: (0, 0, 0),
    grid: (1, 0, 0),
    text: (2, 0, 0),
    muted: (3, 0, 0),
    up: (4, 0, 0),
    down: (5, 0, 0),
    accent: (6, 0, 0),
    lines: [
        (7, 0, 0),
        (8, 0, 0),
        (9, 0, 0),
        (10, 0, 0),
        (11, 0, 0),
        (12, 0, 0),
        (13, 0, 0),
        (14, 0, 0),
    ],
};

pub(super) fn token((index, ..): Rgb) -> &'static str {
    match index {
        0 => "ground",
        1 => "line",
        2 => "text",
        3 => "muted",
        4 => "up",
        5 => "down",
        6 => "accent",
        7 => "line-1",
        8 => "line-2",
        9 => "line-3",
        10 => "line-4",
        11 => "line-5",
        12 => "line-6",
        13 => "line-7",
        _ => "line-8",
    }
}

pub(super) fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

pub(super) struct Svg {
    pub(super) body: String,
    size: (u32, u32),
    /// The colours; `None` for the custom properties of the page.
    palette: Option<Palette>,
    /// The name of the last gradient.
    gradient: Option<String>,
}

impl Svg {
    pub(super) fn new(size: (u32, u32), palette: Option<Palette>) -> Self {
        Self {
            body: String::new(),
            size,
            palette,
            gradient: None,
        }
    }

    fn paint(&self, property: &'static str, color: BackendColor) -> Paint {
        Paint {
            property,
            color,
            named: self.palette.is_none(),
        }
    }

    pub(super) fn write(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(markup);
    }
}

/// Path data. The first point is absolute, the others relative, which is shorter.
pub(super) fn data(path: impl Iterator<Item = BackendCoord>) -> String {
    let mut data = String::new();
    let mut before: Option<BackendCoord> = None;
    for (x, y) in path {
        // Writing to a string cannot fail.
        let _ = match before {
            None => write!(data, "M{x} {y}l"),
            Some(before) if before == (x, y) => continue,
            Some((left, top)) => {
                let (right, down) = (x - left, y - top);
                let space = if data.ends_with('l') || right < 0 {
                    ""
                } else {
                    " "
                };
                let comma = if down < 0 { "" } else { " " };
                write!(data, "{space}{right}{comma}{down}")
            }
        };
        before = Some((x, y));
    }
    if data.ends_with('l') {
        data.push_str("0 0");
    }
    data
}

/// `fill` or `stroke`, with the opacity if it is below 1.
struct Paint {
    property: &'static str,
    color: BackendColor,
    /// Whether the colour stands for a custom property.
    named: bool,
}

impl Paint {
    fn value(&self) -> String {
        if self.named {
            format!("var(--{})", token(self.color.rgb))
        } else {
            hex(self.color.rgb)
        }
    }
}

impl Display for Paint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let property = self.property;
        write!(formatter, "{property}=\"{}\"", self.value())?;
        if self.color.alpha < 1.0 {
            write!(formatter, " {property}-opacity=\"{:.2}\"", self.color.alpha)?;
        }
        Ok(())
    }
}

pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '&' => formatter.write_str("&amp;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

type Outcome = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Svg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Outcome {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
    ) -> Outcome {
        let stroke = self.paint("stroke", style.color());
        let width = style.stroke_width();
        let mut line = |x0: &dyn Display, y0: &dyn Display, to: std::fmt::Arguments<'_>| {
            self.write(format_args!(
                "<path d=\"M{x0} {y0}{to}\" {stroke} stroke-width=\"{width}\"/>"
            ));
        };
        // In the middle of a pixel, so that the line is sharp at the drawing's own size.
        if y0 == y1 {
            line(&x0, &format_args!("{y0}.5"), format_args!("H{x1}"));
        } else if x0 == x1 {
            line(&format_args!("{x0}.5"), &y0, format_args!("V{y1}"));
        } else {
            line(&x0, &y0, format_args!("L{x1} {y1}"));
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome {
        let color = style.color();
        let (width, height) = (x1 - x0, y1 - y0);
        let paint = self.paint(if fill { "fill" } else { "stroke" }, color);
        let hollow = if fill { "" } else { " fill=\"none\"" };
        self.write(format_args!(
            "<rect x=\"{x0}\" y=\"{y0}\" width=\"{width}\" height=\"{height}\" {paint}{hollow}/>"
        ));
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
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome {
        let paint = self.paint(if fill { "fill" } else { "stroke" }, style.color());
        let hollow = if fill { "" } else { " fill=\"none\"" };
        self.write(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {paint}{hollow}/>"
        ));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        let (path, fill) = (data(path.into_iter()), self.paint("fill", style.color()));
        self.write(format_args!("<path d=\"{path}z\" {fill}/>"));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Outcome {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let shift = match style.anchor().v_pos {
            VPos::Top => " dy=\".72em\"",
            VPos::Center => " dy=\".36em\"",
            VPos::Bottom => "",
        };
        let fill = self.paint("fill", style.color());
        let text = Escaped(text);
        self.write(format_args!(
            "<text x=\"{x}\" y=\"{y}\"{shift}{anchor} {fill}>{text}</text>"
        ));
        Ok(())
    }

    /// The font is not known here. In most fonts a digit is 0.56 to 0.6 em wide.
    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let width = text.chars().count() as f64 * style.size() * 0.58;
        Ok((width.ceil() as u32, style.size().ceil() as u32))
    }
}

impl Surface for Svg {
    fn palette(&self) -> Palette {
        self.palette.unwrap_or(TOKENS)
    }

    fn scale(&self) -> f64 {
        1.0
    }

    /// Half as many columns as on a canvas: this drawing is sent over the network.
    fn column(&self) -> u32 {
        2
    }

    /// A nested SVG element clips at its edges. A clip path would need an id, which could clash with others on the
    /// page.
    fn clip(&mut self, corner: BackendCoord, (width, height): (u32, u32)) {
        debug_assert_eq!(corner, (0, 0), "a whole layer is drawn here");
        self.write(format_args!("<svg width=\"{width}\" height=\"{height}\">"));
    }

    fn unclip(&mut self) {
        self.body.push_str("</svg>");
    }

    fn line(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, width: f64) {
        let (path, stroke) = (data(path), self.paint("stroke", color));
        self.write(format_args!(
            "<path d=\"{path}\" fill=\"none\" {stroke} stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"/>"
        ));
    }

    fn bars(&mut self, _: &[(i32, f64, f64)], _: BackendColor) -> bool {
        false
    }

    fn area(&mut self, path: impl Iterator<Item = BackendCoord>, color: BackendColor, bottom: i32) {
        let mut first = None;
        let path = data(path.inspect(|&(x, _)| {
            first.get_or_insert(x);
        }));
        let Some(first) = first else { return };
        // The name contains everything that the gradient depends on, so that two charts of a page may share it.
        let paint = self.paint("stop-color", color);
        let (value, name) = (
            paint.value(),
            match paint.named {
                true => token(color.rgb).to_owned(),
                false => paint.value().trim_start_matches('#').to_owned(),
            },
        );
        let (top, end) = FADE;
        let name = format!("fade-{name}-{bottom}");
        // The pieces of a line share it.
        if self.gradient.as_ref() != Some(&name) {
            self.write(format_args!(
                "<linearGradient id=\"{name}\" gradientUnits=\"userSpaceOnUse\" x2=\"0\" \
                 y2=\"{bottom}\"><stop stop-color=\"{value}\" stop-opacity=\"{top}\"/><stop \
                 offset=\"1\" stop-color=\"{value}\" stop-opacity=\"{end}\"/></linearGradient>"
            ));
        }
        self.write(format_args!(
            "<path d=\"{path}V{bottom}H{first}z\" fill=\"url(#{name})\"/>"
        ));
        self.gradient = Some(name);
    }

    fn dashes(&mut self, (x0, y0): BackendCoord, (x1, y1): BackendCoord, color: BackendColor) {
        let stroke = self.paint("stroke", color);
        let (dash, gap) = DASH;
        self.write(format_args!(
            "<path d=\"M{x0} {y0}L{x1} {y1}\" transform=\"translate(.5 .5)\" {stroke} \
             stroke-dasharray=\"{dash} {gap}\"/>"
        ));
    }
}
