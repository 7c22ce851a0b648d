//! The server's surface: the chart as an SVG document.

use super::draw::{self, Frame, Palette, Rgb, Surface};
use super::scene::Scene;
use super::summary::describe;
use super::surface::{DASH, FADE};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::{Display, Write};
use std::rc::Rc;

/// Colours that stand for the page's custom properties: the drawing code hands on numbers, and this
/// surface writes names, so that the drawing follows the theme of whoever looks at it.
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

/// Draws all layers; whether there was anything to draw.
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
    // Writing to a string does not fail, and nothing else here does.
    let _ = draw::axes(surface, &frame);
    let _ = draw::series(surface, &frame, scene, &mut draw::Scratch::default(), 0);
    let _ = draw::overlay(surface, &frame, scene, None);
    true
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
    /// What is drawn.
    pub scene: &'a Scene,
    /// How many of what it shows there are, `(390, "bar")`.
    pub count: (usize, &'a str),
}

impl Document<'_> {
    /// The document. The same drawing gives the same bytes. It has no script, no style sheet and no
    /// reference to anything outside of it.
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

fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

pub(super) struct Svg {
    body: String,
    size: (u32, u32),
    /// The colours; without them they are the custom properties of the page.
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

    fn write(&mut self, markup: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.body.write_fmt(markup);
    }
}

/// Path data: absolute at the start, then relative, which is shorter.
pub(super) fn data(path: impl Iterator<Item = BackendCoord>) -> String {
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
        self.line(path.into_iter(), style.color(), width);
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

    /// A nested drawing cuts at its edges and needs no name, which could clash with others on the page.
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
        let (top, end) = FADE;
        let name = format!("fade-{name}-{bottom}");
        // The pieces of a line share it, too.
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scene::{Compared, Kind, Scale, Tone, View};
    use crate::series::{Point, Sample, Series};
    use crate::studies::Study;

    const SIZE: (u32, u32) = (720, 600);

    /// The frame of a scene on a surface of some size.
    pub(crate) fn frame_of(scene: &Scene) -> Option<Frame> {
        Frame::fit(&Svg::new(SIZE, None), scene)
    }

    /// What is drawn onto a surface in the colours of the page.
    fn render(scene: &Scene) -> String {
        let surface = Rc::new(RefCell::new(Svg::new(SIZE, None)));
        draw_all(&surface, scene);
        std::mem::take(&mut surface.borrow_mut().body)
    }

    fn scene(series: Series) -> Scene {
        Scene {
            series,
            tone: Tone::Up,
            ..Scene::default()
        }
    }

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
        let svg = render(&scene(wave(1_200)));
        let last = wave(1_200).last().expect("a last point");
        let tag = super::super::scale::format_value(last.value, 2);
        for part in [
            ">13:35</text>",
            ">598.00</text>",
            &format!("fill=\"var(--ground)\">{tag}</text>"),
            "stroke=\"var(--up)\" stroke-width=\"1.5\"",
            "fill=\"url(#fade-up-574)\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        assert_eq!(svg, render(&scene(wave(1_200))));
    }

    #[test]
    fn its_length_is_bounded() {
        let most = render(&scene(wave(20_000))).len();
        assert!(most < 24_000, "{most} bytes");
    }

    #[test]
    fn the_axes_stay_for_many_ticks() {
        let all = wave(3_000);
        for span in [500_000.0, f64::INFINITY] {
            let mut scene = scene(Series::default());
            scene.view = View::Newest(span);
            let mut frames = Vec::new();
            for point in all.iter(0..3_000) {
                scene.series.push(point);
                frames.push(frame_of(&scene).expect("there are points"));
            }
            // Only those after the chart has filled: at first each second is a step.
            let moved = frames[1_000..].windows(2).filter(|pair| pair[0] != pair[1]);
            let moved = moved.count();
            assert!(
                moved < 2_000 * 3 / 10,
                "{moved} of 2000 ticks with {span} ms"
            );
        }
    }

    #[test]
    fn one_point_and_none_can_be_drawn() {
        assert!(render(&scene(wave(1))).contains(">597.00</text>"));
        assert!(!render(&scene(wave(0))).contains("<path"));
    }

    fn document(scene: &Scene) -> String {
        let document = Document {
            title: "<GOOG> & \"friends\"",
            size: (400, 300),
            palette: Palette::default(),
            scene,
            count: (scene.series.len(), "point"),
        };
        let svg = document.render();
        for forbidden in ["var(", "<script", "style", "href", "NaN", "<GOOG"] {
            assert!(!svg.contains(forbidden), "{forbidden} is in {svg}");
        }
        svg
    }

    #[test]
    fn a_document_stands_alone_and_says_what_it_shows() {
        let svg = document(&scene(wave(1_200)));
        for part in [
            "viewBox=\"0 0 400 300\" width=\"400\" height=\"300\" role=\"img\"",
            "<title id=\"title\">&lt;GOOG&gt; &amp; &quot;friends&quot;</title>",
            "1200 points from 13:30:00 to 13:49:59",
            "stroke=\"#26a69a\" stroke-width=\"1.5\"",
            "fill=\"#0f1419\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert!(document(&scene(wave(0))).contains(">No prices yet</text>"));
    }

    /// Three minutes: one rises, one falls, one does neither.
    fn minutes(kind: Kind) -> Scene {
        let mut scene = scene(Series::default());
        scene.kind = kind;
        scene.interval = 60_000.0;
        let sample = |(n, open, close): (u32, f64, f64)| Sample {
            time: f64::from(n) * 60_000.0,
            open,
            high: open.max(close) + 1.0,
            low: open.min(close) - 1.0,
            close,
            volume: f64::from(n) * 1_000.0,
            turnover: None,
        };
        let minutes = [(1, 10.0, 12.0), (2, 12.0, 11.0), (3, 11.0, 11.0)];
        scene.series.replace(minutes.map(sample));
        scene
    }

    #[test]
    fn a_candle_rises_or_falls_and_has_its_wick_and_what_was_traded() {
        let svg = document(&minutes(Kind::Candles));
        let count = |fill: &str| svg.matches(fill).count();
        // A wick and a body each; the tag of the last, which did not fall; the columns are paler.
        assert_eq!(count("fill=\"#ef5350\"/>"), 2, "{svg}");
        assert_eq!(count("fill=\"#26a69a\"/>"), 2 * 2 + 1, "{svg}");
        assert_eq!(count("fill=\"#ef5350\" fill-opacity=\"0.45\""), 1, "{svg}");
        assert_eq!(count("fill=\"#26a69a\" fill-opacity=\"0.45\""), 2, "{svg}");
        assert!(svg.contains(">11.00</text>"), "{svg}");
        assert!(svg.contains("low 9.00, high 13.00"), "{svg}");
    }

    #[test]
    fn a_bar_has_its_first_on_the_left_and_its_last_on_the_right() {
        let svg = document(&minutes(Kind::Bars));
        assert_eq!(svg.matches("fill=\"#ef5350\"/>").count(), 3, "{svg}");
        assert_eq!(
            svg.matches("fill=\"#26a69a\"/>").count(),
            2 * 3 + 1,
            "{svg}"
        );
    }

    #[test]
    fn what_is_compared_is_in_percent_and_has_a_name() {
        let mut scene = scene(wave(1_200));
        scene.name = "GOOG".to_owned();
        let mut other = wave(1_200);
        let doubled = wave(1_200);
        let doubled = doubled.iter(0..1_200);
        other.replace(doubled.map(|point| Point::new(point.time, point.value * 2.0)));
        scene.compared.push(Compared {
            name: "AAPL".to_owned(),
            series: other,
        });
        let svg = document(&scene);
        for part in [
            ">GOOG</text>",
            ">AAPL</text>",
            " %</text>",
            "stroke=\"#ff8a5c\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        // In percent both go the same way.
        let lines: Vec<&str> = svg
            .split("<path d=\"")
            .filter(|part| part.contains("1.5\" stroke-linejoin"))
            .collect();
        assert_eq!(lines.len(), 2);
        let data = |line: &str| line.split('"').next().map(str::to_owned);
        assert_eq!(data(lines[0]), data(lines[1]));
    }

    #[test]
    fn studies_have_their_lines_and_names() {
        let mut scene = minutes(Kind::Candles);
        scene.set_studies(&[Study::Sma(2), Study::Vwap]);
        let svg = document(&scene);
        for part in [
            ">SMA 2</text>",
            ">11.00</text>",
            ">VWAP</text>",
            "stroke=\"#f47fb8\"",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
    }

    #[test]
    fn values_of_many_sizes_fit_a_logarithmic_axis() {
        let mut scene = scene(Series::default());
        scene.scale = Scale::Log;
        scene.series.replace((0..50).map(|n| {
            let value = 1.3f64.powi(n);
            Point::new(f64::from(n) * 60_000.0, value)
        }));
        let svg = document(&scene);
        for part in [">10.00</text>", ">1,000.00</text>", ">100,000.00</text>"] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        // What grows by the same ratio is straight.
        let frame = frame_of(&scene).expect("a frame");
        let row = |n: i32| frame.at(f64::from(n) * 60_000.0, 1.3f64.powi(n)).1;
        assert!((row(0) + row(48) - 2 * row(24)).abs() <= 1);
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
