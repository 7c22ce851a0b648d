use super::*;
use crate::sample::{Point, Sample};
use crate::scene::{Compared, Kind, Scale, Tone, View};
use crate::series::Series;
use crate::studies::Study;
use crate::svg_surface::data;

const SIZE: (u32, u32) = (720, 600);

/// The frame of a scene on a surface of some size.
pub(crate) fn frame_of(scene: &Scene) -> Option<Frame> {
    Frame::fit(&Svg::new(SIZE, None), scene)
}

/// Draws onto a surface in the colours of the page.
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
        // Only after the chart has filled: at first each second is a step.
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
fn a_document_is_standalone_and_describes_what_it_shows() {
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

/// Three minutes: one rises, one falls, one is flat.
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
    // A wick and a body each, the tag of the last one, which did not fall, and paler columns.
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
    // In percent both change equally.
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
    // Constant growth is a straight line.
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
