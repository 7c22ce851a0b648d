//! The chart as the server draws it into a page: complete before any script has run, in a box of any size.
//!
//! The server does not know how large the box is. So lines and areas are stretched to it, labels and tags have their own
//! size and lie at parts of it, and what depends on its width (times, candles, pins) is there once for each of the
//! [`WIDTHS`] that makes a difference: the style sheet shows the one that fits. The canvases that take its place draw
//! the same [`Frame`], so that nothing moves.

use super::draw::{Frame, Rgb};
use super::frame::{WIDTHS, size};
use super::reading::{Reading, pins};
use super::scale::format_length;
use super::scene::{Kind, Scene};
use super::series::{Candle, Series};
use super::surface::{DASH, FADE};
use super::svg::{Escaped, Svg, TOKENS, data, token};
use std::fmt::Write;

/// Width and height of what is stretched, in units of its own.
const VIEW: (f64, f64) = (4_000.0, 1_000.0);
/// Columns that a line is decimated to: it is sent over the network.
const COLUMNS: u32 = 360;
/// The height that pins and labels are laid out for, in CSS pixels. Neither depends on it.
const HEIGHT: u32 = 400;

/// Draws a scene as three SVG elements for the cells of a grid: the plot, the values beside it and the times below.
///
/// Colours are the custom properties of the page around it (`var(--accent)` and so on), text is in its font. The same
/// scene gives the same bytes.
pub(super) fn render(scene: &Scene) -> String {
    let stills = WIDTHS.map(|width| Still::new(scene, width as u32));
    let [Some(first), ..] = &stills else {
        return String::new();
    };
    let of_widths = |draw: fn(&Still) -> String| {
        let drawn = stills.iter().flatten().map(draw);
        by_width(&drawn.collect::<Vec<_>>())
    };
    let times = of_widths(Still::times);
    let plot = [
        first.value_lines(),
        of_widths(Still::time_lines),
        stretched(&of_widths(Still::volumes)),
        stretched(&of_widths(Still::series)),
        of_widths(Still::pins),
        of_widths(Still::last_line),
        of_widths(Still::legend),
    ];
    let (axis, below) = (first.frame.axis, size::TIMES);
    format!(
        "<svg class=\"still-plot\">{}</svg>\
         <svg class=\"still-values\" width=\"{axis}\"><rect width=\"1\" height=\"100%\" fill=\"var(--line)\"/>{}{}</svg>\
         <svg class=\"still-times\" height=\"{below}\"><rect width=\"200%\" height=\"1\" fill=\"var(--line)\"/>{times}</svg>",
        plot.concat(),
        first.values(),
        of_widths(Still::last_tag),
    )
}

/// What is drawn for each of the widths, each drawing once, with the classes of the widths that it is for.
fn by_width(drawings: &[String]) -> String {
    let mut all = String::new();
    for (at, drawing) in drawings.iter().enumerate() {
        if drawing.is_empty() || drawings[..at].contains(drawing) {
            continue;
        }
        let same = |(_, other): &(usize, &String)| *other == drawing;
        let classes = drawings.iter().enumerate().filter(same);
        let classes: Vec<String> = classes.map(|(at, _)| format!("w{at}")).collect();
        if classes.len() == drawings.len() {
            return drawing.clone();
        }
        write(
            &mut all,
            format_args!("<g class=\"{}\">{drawing}</g>", classes.join(" ")),
        );
    }
    all
}

/// What has units of [`VIEW`].
fn stretched(drawing: &str) -> String {
    let (width, height) = VIEW;
    format!(
        "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\">{drawing}</svg>"
    )
}

fn write(to: &mut String, markup: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = to.write_fmt(markup);
}

/// A part of a length in percent, to less than a pixel of any screen.
fn percent(part: f64) -> String {
    format!("{:.2}%", part * 100.0)
}

/// A stroke whose width is not stretched.
fn stroke(path: &str, color: &str, width: f64) -> String {
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"var(--{color})\" stroke-width=\"{width}\" stroke-linejoin=\"round\" \
         vector-effect=\"non-scaling-stroke\"/>"
    )
}

/// The drawing for a box of one width.
struct Still {
    /// With the studies of the frame's candles.
    scene: Scene,
    frame: Frame,
}

impl Still {
    fn new(scene: &Scene, width: u32) -> Option<Self> {
        let frame = Frame::fit(&Svg::new((width, HEIGHT), None), scene)?;
        let mut scene = scene.clone();
        scene.update_studies(f64::NEG_INFINITY, frame.candle);
        Some(Still { scene, frame })
    }

    fn x(&self, time: f64) -> f64 {
        self.frame.part_of_times(time)
    }

    /// The part of the height at which a value of the series (0) or of one that it is compared with lies.
    fn y(&self, series: usize, value: f64) -> f64 {
        self.frame.part_of_values(self.frame.scaled(series, value))
    }

    fn tone(&self) -> &'static str {
        match self.scene.tone {
            super::scene::Tone::Accent => "accent",
            super::scene::Tone::Up => "up",
            super::scene::Tone::Down => "down",
        }
    }

    fn value_lines(&self) -> String {
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

    fn values(&self) -> String {
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

    fn time_lines(&self) -> String {
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

    fn times(&self) -> String {
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

    /// The candles that are shown, of one way and then of the other.
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

    /// The left and the right edge of a candle's body: a third of its room stays free.
    fn body(&self, candle: &Candle) -> (i32, i32) {
        let (left, right) = (self.x(candle.times.0), self.x(candle.times.1));
        let free = (right - left) / 6.0;
        (column(left + free), column(right - free))
    }

    fn volumes(&self) -> String {
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

    /// The series, what it is compared with, and the studies.
    fn series(&self) -> String {
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
        // As on a canvas: in the middle of its span, and from the end of one candle to the end of the next.
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

    /// Candles, or bars with their first value on the left and their last on the right.
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

    fn pins(&self) -> String {
        let mut drawn = String::new();
        let (radius, above) = (size::PIN, size::PIN + 4.0);
        for (_, pins) in pins(&self.scene, &self.frame) {
            let Some(first) = pins.first() else { continue };
            let x = percent(self.x(first.time as f64));
            let text = match pins.len() {
                1 => "N".to_owned(),
                count @ 2..=9 => count.to_string(),
                _ => "+".to_owned(),
            };
            write(
                &mut drawn,
                format_args!(
                    "<svg x=\"{x}\" y=\"100%\" overflow=\"visible\"><g transform=\"translate(0 -{above})\">\
                     <circle r=\"{radius}\" fill=\"var(--accent)\" stroke=\"var(--ground)\"/>\
                     <text dy=\".36em\" text-anchor=\"middle\" fill=\"var(--ground)\">{text}</text></g></svg>"
                ),
            );
        }
        drawn
    }

    /// The last value, its colour, and the part of the height that it lies at.
    fn last(&self) -> Option<(Reading, &'static str, f64)> {
        let last = Reading::last(&self.scene, &self.frame)?;
        let color = match (self.scene.kind.has_spans(), last.candle) {
            (false, _) => self.tone(),
            (true, candle) if candle.close < candle.open => "down",
            (true, _) => "up",
        };
        let y = self.y(0, last.value);
        (0.0..=1.0).contains(&y).then_some((last, color, y))
    }

    fn last_line(&self) -> String {
        let Some((last, color, y)) = self.last() else {
            return String::new();
        };
        let y = percent(y);
        let (dash, gap) = DASH;
        let mut drawn = format!(
            "<line y1=\"{y}\" x2=\"100%\" y2=\"{y}\" stroke=\"var(--{color})\" stroke-dasharray=\"{dash} {gap}\"/>"
        );
        if !self.scene.kind.has_spans() {
            let (x, radius) = (percent(self.x(last.time)), size::DOT);
            write(
                &mut drawn,
                format_args!(
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"var(--{color})\"/>"
                ),
            );
        }
        drawn
    }

    fn last_tag(&self) -> String {
        let Some((last, color, y)) = self.last() else {
            return String::new();
        };
        let label = self.frame.label_of(self.frame.scaled(0, last.value));
        let (y, half, height, left) = (percent(y), size::TAG / 2.0, size::TAG, size::PADDING);
        format!(
            "<svg y=\"{y}\" overflow=\"visible\"><rect y=\"-{half}\" width=\"100%\" height=\"{height}\" \
             fill=\"var(--{color})\"/><text x=\"{left}\" dy=\".36em\" fill=\"var(--ground)\">{label}</text></svg>"
        )
    }

    /// The length of a candle, and the names and last values of all lines, a row each.
    fn legend(&self) -> String {
        let (scene, frame) = (&self.scene, &self.frame);
        let mut rows: Vec<Vec<(String, &str)>> = Vec::new();
        let length = (scene.kind.has_spans() || !scene.studies.is_empty())
            .then(|| (format_length(frame.candle), "muted"));
        match self.last() {
            Some((last, color, _)) if !scene.compared.is_empty() => {
                let mut row = vec![(scene.name.clone(), color)];
                row.extend(length);
                for (name, value) in last.parts(scene, frame) {
                    row.extend((!name.is_empty()).then(|| (name.to_owned(), "muted")));
                    row.push((value, "text"));
                }
                rows.push(row);
            }
            _ => rows.extend(length.map(|length| vec![length])),
        }
        let (studies, others) = TOKENS.lines();
        let token = |color: Rgb| token(color);
        for (index, (compared, color)) in scene.compared.iter().zip(others).enumerate() {
            let value = Reading::compared(scene, frame, index, f64::INFINITY);
            rows.push(vec![
                (compared.name.clone(), token(color)),
                (value.unwrap_or_default(), "text"),
            ]);
        }
        for (study, color) in scene.studies.iter().zip(studies) {
            let value = Reading::study(scene, frame, study, f64::INFINITY);
            rows.push(vec![
                (study.study.name(), token(color)),
                (value.unwrap_or_default(), "text"),
            ]);
        }
        let mut drawn = String::new();
        let (padding, height) = (size::PADDING, size::TAG);
        for (row, at) in rows.into_iter().zip(0..) {
            let y = padding / 2.0 + height * (f64::from(at) + 0.5);
            write(
                &mut drawn,
                format_args!("<text x=\"{}\" y=\"{y}\" dy=\".36em\">", 1.5 * padding),
            );
            for ((text, color), at) in row.iter().zip(0..) {
                let dx = if at > 0 { padding } else { 0.0 };
                let text = Escaped(text);
                write(
                    &mut drawn,
                    format_args!("<tspan dx=\"{dx}\" fill=\"var(--{color})\">{text}</tspan>"),
                );
            }
            drawn += "</text>";
        }
        drawn
    }
}

fn column(part: f64) -> i32 {
    (part * VIEW.0).round() as i32
}

fn row(part: f64) -> i32 {
    (part * VIEW.1).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Point, Sample};
    use crate::studies::Study;

    /// A day of minutes, closed for the second of its three parts.
    fn scene(kind: Kind) -> Scene {
        let mut scene = Scene {
            kind,
            interval: 60_000.0,
            ..Scene::default()
        };
        let minutes = (0..300).chain(600..900).map(f64::from);
        scene.series.replace(minutes.map(|minute| {
            let close = 100.0 + (minute / 50.0).sin();
            Sample {
                time: 1_341_927_000_000.0 + minute * 60_000.0,
                open: close - 0.1,
                high: close + 0.2,
                low: close - 0.2,
                close,
                volume: 100.0 + minute,
                turnover: None,
            }
        }));
        scene
    }

    #[test]
    fn it_has_the_plot_the_values_and_the_times_and_is_not_long() {
        for kind in [Kind::Line, Kind::Area, Kind::Candles, Kind::Bars] {
            let mut scene = scene(kind);
            scene.set_studies(&[Study::Sma(20)]);
            let still = render(&scene);
            assert_eq!(
                still.matches("<svg").count(),
                still.matches("</svg>").count()
            );
            for part in [
                "<svg class=\"still-plot\">",
                "<svg class=\"still-values\" width=\"58\">",
                "<svg class=\"still-times\" height=\"26\">",
                ">100.00</text>",
                ">15:00</text>",
                ">SMA 20</tspan>",
            ] {
                assert!(still.contains(part), "{kind:?}: {part} is not in {still}");
            }
            assert!(!still.contains("NaN"), "{still}");
            assert!(still.len() < 60_000, "{kind:?}: {} bytes", still.len());
        }
        assert_eq!(render(&Scene::default()), "");
    }

    #[test]
    fn neither_the_line_nor_the_area_bridges_closed_hours() {
        let still = render(&scene(Kind::Area));
        let paths: Vec<&str> = still
            .split("<path d=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| path.contains('l'))
            .collect();
        assert_eq!(paths.len(), 2, "an area and a line: {still}");
        for path in paths {
            assert_eq!(path.matches('M').count(), 2, "{path}");
        }
    }

    #[test]
    fn each_width_has_the_times_that_a_canvas_of_any_width_up_to_the_next_has() {
        let scene = scene(Kind::Candles);
        let labels = |frame: &Frame| -> Vec<String> {
            let lines = frame.time_lines().filter(|(tick, _)| frame.has_room(tick));
            lines.map(|(tick, _)| tick.label).collect()
        };
        let fit = |width| Frame::fit(&Svg::new((width, 300), None), &scene).expect("a frame");
        for (at, least) in WIDTHS.into_iter().enumerate() {
            let most = WIDTHS.get(at + 1).copied().unwrap_or(2_600.0) - 1.0;
            let (small, large) = (fit(least as u32), fit(most as u32));
            assert_eq!(labels(&small), labels(&large), "{least}");
            assert_eq!(small.candle, large.candle, "{least}");
            assert!(labels(&small).len() >= 2, "{least}: {:?}", labels(&small));
        }
    }

    #[test]
    fn a_lonely_point_is_seen() {
        let mut scene = Scene::default();
        scene.series.push(Point::new(1_341_927_000_000.0, 597.0));
        let still = render(&scene);
        assert!(still.contains("l6 0"), "{still}");
    }
}
