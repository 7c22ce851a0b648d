//! The server's surface: the chart as SVG, complete before any script has run.

use super::draw::{self, Candle, Frame, Look, Palette, Rgb, Surface};
use super::handle::describe;
use super::series::Series;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::{Display, Write};
use std::rc::Rc;

/// Width and height in units of the view box, which are CSS pixels where the box has this size.
const SIZE: (u32, u32) = (720, 600);

/// Colours that stand for the page's custom properties: the drawing code hands on numbers, and this
/// surface writes names, so that the drawing follows the theme of whoever looks at it.
const TOKENS: Palette = Palette {
    ground: (0, 0, 0),
    grid: (1, 0, 0),
    text: (2, 0, 0),
    muted: (3, 0, 0),
    up: (4, 0, 0),
    down: (5, 0, 0),
    accent: (6, 0, 0),
};

fn token((index, ..): Rgb) -> &'static str {
    match index {
        0 => "ground",
        1 => "line",
        2 => "text",
        3 => "muted",
        4 => "up",
        5 => "down",
        _ => "accent",
    }
}

/// Draws a series as an SVG element that fills the box it is put into and keeps its proportions.
///
/// Colours are the custom properties of the page around it (`var(--accent)` and so on), text is in its
/// font. The same series gives the same bytes.
pub fn render(series: &Series, look: Look) -> String {
    let surface = Rc::new(RefCell::new(Svg::new(SIZE, None)));
    let drawn = Frame::fit(&*surface.borrow(), series, look);
    // Writing to a string does not fail, and nothing else here does.
    if let Ok(Some(frame)) = drawn {
        let _ = draw::axes(&surface, &frame);
        let _ = draw::series(&surface, &frame, series, &mut Vec::new());
    }
    let body = std::mem::take(&mut surface.borrow_mut().body);
    let (width, height) = SIZE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"100%\" \
         height=\"100%\" preserveAspectRatio=\"xMaxYMid meet\" aria-hidden=\"true\" \
         font-size=\"12\">{body}</svg>"
    )
}

/// A drawing that stands alone, as an image of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    /// What it shows, for people who do not see it, and for whoever hovers over it.
    pub title: &'a str,
    /// Width and height in CSS pixels.
    pub size: (u32, u32),
    /// Its colours: nothing around it gives it any.
    pub palette: Palette,
    /// How it is drawn.
    pub look: Look,
    /// What is drawn.
    pub shape: Shape<'a>,
}

/// What a [`Document`] is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape<'a> {
    /// A line through points.
    Line(&'a Series),
    /// A candle for each bar.
    Candles(&'a [Candle]),
}

impl Document<'_> {
    /// The document. The same drawing gives the same bytes. It has no script, no style sheet and no
    /// reference to anything outside of it.
    pub fn render(&self) -> String {
        let Document {
            title,
            size: (width, height),
            palette,
            look,
            shape,
        } = *self;
        let surface = Rc::new(RefCell::new(Svg::new((width, height), Some(palette))));
        let series = match shape {
            Shape::Line(series) => series.clone(),
            Shape::Candles(candles) => draw::outline(candles),
        };
        // Writing to a string does not fail, and nothing else here does.
        let fitted = Frame::fit(&*surface.borrow(), &series, look);
        let is_drawn = if let Ok(Some(frame)) = fitted {
            let _ = draw::axes(&surface, &frame);
            let _ = match shape {
                Shape::Line(series) => draw::series(&surface, &frame, series, &mut Vec::new()),
                Shape::Candles(candles) => draw::candles(&surface, &frame, candles),
            };
            true
        } else {
            false
        };
        if !is_drawn {
            let muted = hex(palette.muted);
            let (x, y) = (width / 2, height / 2);
            surface.borrow_mut().write(format_args!(
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{muted}\">No prices yet</text>"
            ));
        }
        let body = std::mem::take(&mut surface.borrow_mut().body);
        let count = match shape {
            Shape::Line(series) => (series.len(), "point"),
            Shape::Candles(candles) => (candles.len(), "bar"),
        };
        let description = match describe(&series, look, count) {
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

fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

struct Svg {
    body: String,
    size: (u32, u32),
    /// The colours; without them they are the custom properties of the page.
    palette: Option<Palette>,
}

impl Svg {
    fn new(size: (u32, u32), palette: Option<Palette>) -> Self {
        Self {
            body: String::new(),
            size,
            palette,
        }
    }

    fn paint(&self, property: &'static str, color: BackendColor) -> Paint {
        Paint {
            property,
            color,
            named: self.palette.is_none(),
        }
    }

    fn write(&mut self, markup: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.body.write_fmt(markup);
    }
}

/// Path data: absolute at the start, then relative, which is shorter.
fn data(path: impl Iterator<Item = BackendCoord>) -> String {
    let mut data = String::new();
    let mut before: Option<BackendCoord> = None;
    for (x, y) in path {
        // Writing to a string does not fail.
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

/// `fill` or `stroke` with the opacity where there is one.
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

struct Escaped<'a>(&'a str);

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
        // In the middle of a pixel, so that it is sharp where the box has the size of the drawing.
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
        let width = f64::from(style.stroke_width());
        self.line(path.into_iter(), style.color(), width, None);
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

    /// The font is not known here; a digit of most is 0.56 to 0.6 of its size wide.
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

    /// Half as many as the canvas has: this one is sent over the network.
    fn column(&self) -> u32 {
        2
    }

    fn clear(&mut self) {
        self.body.clear();
    }

    /// A nested drawing cuts at its edges and needs no name, which could clash with others on the page.
    fn clip(&mut self, (width, height): (u32, u32)) {
        self.write(format_args!("<svg width=\"{width}\" height=\"{height}\">"));
    }

    fn unclip(&mut self) {
        self.body.push_str("</svg>");
    }

    fn line(
        &mut self,
        path: impl Iterator<Item = BackendCoord>,
        color: BackendColor,
        width: f64,
        bottom: Option<i32>,
    ) {
        let mut first = None;
        let path = data(path.inspect(|&(x, _)| {
            first.get_or_insert(x);
        }));
        if let (Some(bottom), Some(first)) = (bottom, first) {
            // The name says all that the gradient depends on: where two charts of a page share it,
            // they share the gradient.
            let paint = self.paint("stop-color", color);
            let (value, name) = (
                paint.value(),
                match paint.named {
                    true => token(color.rgb).to_owned(),
                    false => paint.value().trim_start_matches('#').to_owned(),
                },
            );
            let (top, end) = draw::FADE;
            self.write(format_args!(
                "<linearGradient id=\"fade-{name}-{bottom}\" gradientUnits=\"userSpaceOnUse\" x2=\"0\" \
                 y2=\"{bottom}\"><stop stop-color=\"{value}\" stop-opacity=\"{top}\"/><stop \
                 offset=\"1\" stop-color=\"{value}\" stop-opacity=\"{end}\"/></linearGradient>\
                 <path d=\"{path}V{bottom}H{first}z\" fill=\"url(#fade-{name}-{bottom})\"/>"
            ));
        }
        let stroke = self.paint("stroke", color);
        self.write(format_args!(
            "<path d=\"{path}\" fill=\"none\" {stroke} stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"/>"
        ));
    }

    fn dashes(&mut self, (x0, y0): BackendCoord, (x1, y1): BackendCoord, color: BackendColor) {
        let stroke = self.paint("stroke", color);
        let (dash, gap) = draw::DASH;
        self.write(format_args!(
            "<path d=\"M{x0} {y0}L{x1} {y1}\" transform=\"translate(.5 .5)\" {stroke} \
             stroke-dasharray=\"{dash} {gap}\"/>"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Tone;
    use crate::series::Point;

    const LOOK: Look = Look {
        tone: Tone::Up,
        decimals: 2,
        offset: 0,
    };

    fn wave(count: u32) -> Series {
        let mut series = Series::default();
        series.replace((0..count).map(|n| {
            let time = 1_341_927_000_000.0 + f64::from(n) * 1_000.0;
            Point::new(time, 597.0 + (f64::from(n) / 300.0).sin() * 4.0)
        }));
        series
    }

    #[test]
    fn the_drawing_has_axes_line_and_last_value() {
        let svg = render(&wave(1_200), LOOK);
        let last = wave(1_200).last().expect("a last point");
        let tag = super::super::scale::format_value(last.value, 2);
        for part in [
            "viewBox=\"0 0 720 600\"",
            ">13:35</text>",
            ">598.00</text>",
            &format!("fill=\"var(--ground)\">{tag}</text>"),
            "stroke=\"var(--up)\" stroke-width=\"1.5\"",
            "fill=\"url(#fade-up-574)\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        assert_eq!(svg, render(&wave(1_200), LOOK));
    }

    #[test]
    fn its_length_is_bounded() {
        let most = render(&wave(20_000), LOOK).len();
        assert!(most < 24_000, "{most} bytes");
    }

    #[test]
    fn the_axes_stay_for_many_ticks() {
        let all = wave(3_000);
        for capacity in [500, 5_000] {
            let mut series = Series::new(capacity);
            let mut frames = Vec::new();
            for point in all.iter(0..3_000) {
                series.push(point);
                let frame =
                    Frame::fit(&Svg::new(SIZE, None), &series, LOOK).expect("text has a size");
                frames.push(frame.expect("there are points"));
            }
            // Only those after the chart has filled: at first each second is a step.
            let moved = frames[1_000..].windows(2).filter(|pair| pair[0] != pair[1]);
            let moved = moved.count();
            assert!(
                moved < 2_000 * 3 / 10,
                "{moved} of 2000 ticks with {capacity} points"
            );
        }
    }

    #[test]
    fn one_point_and_none_can_be_drawn() {
        assert!(render(&wave(1), LOOK).contains(">597.00</text>"));
        assert!(!render(&wave(0), LOOK).contains("<path"));
    }

    fn document(shape: Shape<'_>) -> String {
        let document = Document {
            title: "<GOOG> & \"friends\"",
            size: (400, 300),
            palette: Palette::default(),
            look: LOOK,
            shape,
        };
        let svg = document.render();
        for forbidden in ["var(", "<script", "style", "href", "NaN", "<GOOG"] {
            assert!(!svg.contains(forbidden), "{forbidden} is in {svg}");
        }
        svg
    }

    #[test]
    fn a_document_stands_alone_and_says_what_it_shows() {
        let svg = document(Shape::Line(&wave(1_200)));
        for part in [
            "viewBox=\"0 0 400 300\" width=\"400\" height=\"300\" role=\"img\"",
            "<title id=\"title\">&lt;GOOG&gt; &amp; &quot;friends&quot;</title>",
            "1200 points from 13:30:00 to 13:49:59",
            "stroke=\"#26a69a\" stroke-width=\"1.5\"",
            "fill=\"#0f1419\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert!(document(Shape::Line(&wave(0))).contains(">No prices yet</text>"));
    }

    #[test]
    fn a_candle_rises_or_falls_and_has_its_wick() {
        let candle = |n: u32, open: f64, close: f64| Candle {
            times: (f64::from(n) * 60_000.0, f64::from(n + 1) * 60_000.0),
            open,
            high: open.max(close) + 1.0,
            low: open.min(close) - 1.0,
            close,
        };
        let svg = document(Shape::Candles(&[
            candle(0, 10.0, 12.0),
            candle(1, 12.0, 11.0),
            candle(2, 11.0, 11.0),
        ]));
        // A wick and a body each, and the dot and the tag of the last, which did not fall.
        assert_eq!(svg.matches("fill=\"#ef5350\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("fill=\"#26a69a\"").count(), 2 * 2 + 2, "{svg}");
        assert!(svg.contains(">11.00</text>"), "{svg}");
        assert!(
            svg.contains("low 9.00, high 13.00") || svg.contains("low 10.00, high 13.00"),
            "{svg}"
        );
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            Escaped("<b a=\"1\">&'").to_string(),
            "&lt;b a=&quot;1&quot;&gt;&amp;&#39;"
        );
    }

    #[test]
    fn path_data_can_be_read_back() {
        let path = [(5, 7), (5, 7), (6, 3), (4, 3), (4, 9)];
        assert_eq!(data(path.into_iter()), "M5 7l1-4-2 0 0 6");
        assert_eq!(data([(5, 7)].into_iter()), "M5 7l0 0");
        assert_eq!(data([].into_iter()), "");
    }
}
