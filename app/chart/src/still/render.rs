//! The whole drawing: parts that depend on the width of the box once for each width, the others once.

use super::drawing::{Still, VIEW, write};
use crate::frame::WIDTHS;
use crate::scene::Scene;
use crate::size;

/// Draws a scene as three SVG elements for the cells of a grid: the plot, the values beside it and the times below.
///
/// Colours are custom properties of the page (`var(--accent)` and so on), and text is in its font. Equal scenes give
/// equal bytes.
pub(crate) fn render(scene: &Scene) -> String {
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

/// The drawings for all widths. Equal ones are written once, with the classes of all their widths.
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

/// Stretches a drawing in units of [`VIEW`] to the box.
fn stretched(drawing: &str) -> String {
    let (width, height) = VIEW;
    format!(
        "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\">{drawing}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Frame;
    use crate::sample::{Point, Sample};
    use crate::scene::Kind;
    use crate::studies::Study;
    use crate::svg_surface::Svg;

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
