//! Axes and series for one width of the box.

use crate::draw::Frame;
use crate::sample::Candle;
use crate::scene::{Kind, Scene, Tone};
use crate::series::Series;
use crate::size;
use crate::surface::FADE;
use crate::svg_surface::{Svg, TOKENS, data, token};
use std::fmt::Write;

/// Width and height of stretched parts, in their own units.
pub(super) const VIEW: (f64, f64) = (4_000.0, 1_000.0);
/// How many columns a line is decimated to. It is sent over the network.
const COLUMNS: u32 = 360;
/// A nominal height in CSS pixels. Nothing that is drawn depends on it.
const HEIGHT: u32 = 400;

pub(super) fn write(to: &mut String, markup: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = to.write_fmt(markup);
}

/// A part of a length in percent, exact to less than a pixel of any screen.
pub(super) fn percent(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}

/// A stroke whose width is not stretched.
fn stroke(path: &str, color: &str, width: f64) -> String {
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"var(--{color})\" stroke-width=\"{width}\" stroke-linejoin=\"round\" \
         vector-effect=\"non-scaling-stroke\"/>"
    )
}

/// The drawing for one width of the box.
pub(super) struct Still {
    /// The scene, with studies of the frame's candles.
    pub(super) scene: Scene,
    pub(super) frame: Frame,
}

impl Still {
    pub(super) fn new(scene: &Scene, width: u32) -> Option<Self> {
        let frame = Frame::fit(&Svg::new((width, HEIGHT), None), scene)?;
        let mut scene = scene.clone();
        scene.update_studies(f64::NEG_INFINITY, frame.candle);
        Some(Still { scene, frame })
    }

    pub(super) fn x(&self, time: f64) -> f64 {
        self.frame.part_of_times(time)
    }

    /// The position of a value of the series (0) or of a compared series, as a part of the height.
    pub(super) fn y(&self, series: usize, value: f64) -> f64 {
        self.frame.part_of_values(self.frame.scaled(series, value))
    }

    pub(super) fn tone(&self) -> &'static str {
        match self.scene.tone {
            Tone::Accent => "accent",
            Tone::Up => "up",
            Tone::Down => "down",
        }
    }

    pub(super) fn value_lines(&self) -> String {
        let mut lines = String::new();
        for (scaled, _) in self.frame.value_lines() {
            let y = percent(self.frame.part_of_values(scaled));
            write(
                &mut lines,
                format_args!("<rect y=\"{y}\" width=\"100%\" height=\"1\" fill=\"var(--line)\"/>"),
            );
        }
        lines
    }

    pub(super) fn values(&self) -> String {
        let mut labels = String::new();
        let left = size::PADDING;
        for (scaled, _) in self.frame.value_lines() {
            let y = percent(self.frame.part_of_values(scaled));
            let label = self.frame.label_of(scaled);
            write(
                &mut labels,
                format_args!(
                    "<text x=\"{left}\" y=\"{y}\" dy=\".36em\" fill=\"var(--muted)\">{label}</text>"
                ),
            );
        }
        labels
    }

    pub(super) fn time_lines(&self) -> String {
        let mut lines = String::new();
        for (tick, _) in self.frame.time_lines() {
            let x = percent(self.x(tick.time));
            write(
                &mut lines,
                format_args!("<rect x=\"{x}\" width=\"1\" height=\"100%\" fill=\"var(--line)\"/>"),
            );
        }
        lines
    }

    pub(super) fn times(&self) -> String {
        let mut labels = String::new();
        let y = size::TIMES / 2.0;
        for (tick, _) in self.frame.time_lines() {
            if self.frame.has_room(&tick) {
                let x = percent(self.x(tick.time));
                let color = if tick.major { "text" } else { "muted" };
                let label = &tick.label;
                write(
                    &mut labels,
                    format_args!(
                        "<text x=\"{x}\" y=\"{y}\" dy=\".36em\" text-anchor=\"middle\" fill=\"var(--{color})\">{label}</text>"
                    ),
                );
            }
        }
        labels
    }

    /// The shown candles: those that rose, then those that fell.
    fn candles(
        &self,
        draw: impl Fn(&mut [String; 2], &Candle),
    ) -> [(&'static str, [String; 2]); 2] {
        let (from, to) = self.frame.times;
        let length = self.frame.candle;
        ["up", "down"].map(|way| {
            let mut paths = [String::new(), String::new()];
            let offset = self.scene.offset_millis();
            for candle in self
                .scene
                .series
                .candles((from - length, to), length, offset)
            {
                if (candle.close < candle.open) == (way == "down") {
                    draw(&mut paths, &candle);
                }
            }
            (way, paths)
        })
    }

    /// The left and the right edge of a candle's body. A third of its room stays free.
    fn body(&self, candle: &Candle) -> (i32, i32) {
        let (left, right) = (self.x(candle.times.0), self.x(candle.times.1));
        let free = (right - left) / 6.0;
        (column(left + free), column(right - free))
    }

    pub(super) fn volumes(&self) -> String {
        let Some(most) = self.frame.volume else {
            return String::new();
        };
        let bars = self.candles(|[fill, _], candle| {
            if candle.volume > 0.0 {
                let (left, right) = self.body(candle);
                let height = size::VOLUME * 0.9 * (candle.volume / most).min(1.0);
                let top = row(1.0 - height).min(row(1.0) - 2);
                write(
                    fill,
                    format_args!("M{left} {top}H{right}V{}H{left}", row(1.0)),
                );
            }
        });
        let bars = bars.map(|(way, [fill, _])| match fill.is_empty() {
            true => fill,
            false => format!("<path d=\"{fill}\" fill=\"var(--{way})\" fill-opacity=\".45\"/>"),
        });
        bars.concat()
    }

    /// The series, compared series and studies.
    pub(super) fn series(&self) -> String {
        let (scene, gap) = (&self.scene, self.scene.gap());
        let mut drawn = match scene.kind {
            Kind::Candles | Kind::Bars => self.spans(),
            kind => {
                let filled = kind == Kind::Area && scene.compared.is_empty();
                self.line(0, &scene.series, self.tone(), filled, 0.0, gap)
            }
        };
        let (studies, others) = TOKENS.lines();
        for (index, (compared, color)) in scene.compared.iter().zip(others).enumerate() {
            drawn += &self.line(index + 1, &compared.series, token(color), false, 0.0, gap);
        }
        // As on a canvas: in the middle of the candle, and bridging from the end of one candle to the end of the next.
        let earlier = if scene.kind.has_spans() { 0.5 } else { 0.0 } * self.frame.candle;
        for (study, color) in scene.studies.iter().zip(studies) {
            let gap = gap + self.frame.candle;
            drawn += &self.line(0, &study.line, token(color), false, earlier, gap);
        }
        drawn
    }

    fn line(
        &self,
        index: usize,
        series: &Series,
        color: &str,
        filled: bool,
        earlier: f64,
        gap: f64,
    ) -> String {
        let times = self.frame.times;
        let mut points = Vec::new();
        let shown = series.reaching(times.0, times.1, gap);
        series.decimate(shown, times, COLUMNS, gap, &mut points);
        let (mut lines, mut areas) = (String::new(), String::new());
        let bottom = row(match self.frame.volume {
            Some(_) => 1.0 - size::VOLUME,
            None => 1.0,
        });
        for piece in points.split(|point| point.time.is_nan()) {
            let mut places: Vec<(i32, i32)> = piece
                .iter()
                .map(|point| {
                    let y = self.y(index, point.value);
                    (column(self.x(point.time - earlier)), row(y))
                })
                .collect();
            if let [(x, y)] = places[..] {
                places = vec![(x - 3, y), (x + 3, y)];
            }
            let (Some(first), false) = (places.first().copied(), places.is_empty()) else {
                continue;
            };
            let path = data(places.into_iter());
            if filled {
                write(&mut areas, format_args!("{path}V{bottom}H{}z", first.0));
            }
            lines += &path;
        }
        let mut drawn = String::new();
        if filled {
            let (top, end) = FADE;
            write(
                &mut drawn,
                format_args!(
                    "<linearGradient id=\"fade\" gradientUnits=\"userSpaceOnUse\" x2=\"0\" y2=\"{bottom}\">\
                     <stop stop-color=\"var(--{color})\" stop-opacity=\"{top}\"/>\
                     <stop offset=\"1\" stop-color=\"var(--{color})\" stop-opacity=\"{end}\"/></linearGradient>\
                     <path d=\"{areas}\" fill=\"url(#fade)\"/>"
                ),
            );
        }
        drawn += &stroke(&lines, color, size::LINE);
        drawn
    }

    /// Candles, or bars with their open on the left and their close on the right.
    fn spans(&self) -> String {
        let is_hollow = self.scene.kind == Kind::Bars;
        let spans = self.candles(|[fill, lines], candle| {
            let y = |value| row(self.y(0, value));
            let (left, right) = self.body(candle);
            let middle = (left + right) / 2;
            let (open, close) = (y(candle.open), y(candle.close));
            write(
                lines,
                format_args!(
                    "M{middle} {}V{}",
                    y(candle.high),
                    y(candle.low).max(y(candle.high) + 1)
                ),
            );
            if is_hollow {
                write(
                    lines,
                    format_args!("M{left} {open}H{middle}M{middle} {close}H{right}"),
                );
            } else if (open - close).abs() < 2 {
                write(lines, format_args!("M{left} {open}H{right}"));
            } else {
                write(fill, format_args!("M{left} {open}H{right}V{close}H{left}"));
            }
        });
        let spans = spans.map(|(way, [fill, lines])| {
            if lines.is_empty() {
                return lines;
            }
            let body = match fill.is_empty() {
                true => fill,
                false => format!("<path d=\"{fill}\" fill=\"var(--{way})\"/>"),
            };
            body + &stroke(&lines, way, 1.0)
        });
        spans.concat()
    }
}

fn column(part: f64) -> i32 {
    (part * VIEW.0).round() as i32
}

fn row(part: f64) -> i32 {
    (part * VIEW.1).round() as i32
}
