//! A handle without a browser: what it draws is a frame of the model.

use super::*;
use crate::model::Crosshair;
use crate::reader::Step;
use crate::sample::Point;
use crate::svg::tests::frame_of;

const OPEN: f64 = 1_341_927_000_000.0;

fn with_handle(test: impl FnOnce(ChartHandle)) {
    let owner = Owner::new();
    owner.with(|| test(ChartHandle::new()));
}

fn points(values: &[f64]) -> Vec<Point> {
    let times = (0..).map(|n| OPEN + f64::from(n) * 60_000.0);
    times
        .zip(values)
        .map(|(time, &value)| Point::new(time, value))
        .collect()
}

/// Fits a frame, as a painter does.
fn draw(handle: ChartHandle) {
    handle.model.update(|model| {
        model.settle();
        model.frame = frame_of(&model.scene);
        model.settle();
    });
}

fn times(handle: ChartHandle) -> (f64, f64) {
    draw(handle);
    handle.shown().expect("it is drawn").0
}

#[test]
fn the_summary_describes_what_is_drawn() {
    with_handle(|handle| {
        let text = || {
            handle.summarize();
            handle.model.summary.get_untracked().text
        };
        assert_eq!(text(), "");
        handle.push(Point::new(OPEN, 597.1));
        assert_eq!(text(), "597.10, 1 point at 13:30:00");
        handle.replace(points(&[597.1, 590.1, 598.0, 597.32]));
        handle.set_clock(|_| -240);
        assert_eq!(
            text(),
            "597.32, 4 points from 09:30:00 to 09:33:00, low 590.10, high 598.00"
        );
        handle.set_span(70_000.0);
        assert_eq!(
            text(),
            "597.32, 2 points from 09:32:00 to 09:33:00, low 597.32, high 598.00"
        );
    });
}

#[test]
fn a_handle_can_go_to_any_thread() {
    fn goes_anywhere<T: Copy + Send + Sync + 'static>(_: T) {}
    with_handle(goes_anywhere);
}

#[test]
fn a_handle_may_outlive_its_chart() {
    let owner = Owner::new();
    let handle = owner.with(ChartHandle::new);
    owner.cleanup();
    drop(owner);
    handle.push(Point::new(OPEN, 1.0));
    handle.summarize();
    handle.pan(-0.5);
    assert_eq!(handle.walk(Step::Newest), None);
    assert_eq!(handle.csv(), "");
}

#[test]
fn the_keyboard_walks_the_points() {
    with_handle(|handle| {
        assert_eq!(handle.walk(Step::By(-1)), None);
        handle.replace(points(&[1.0, 2.0, 3.0]));
        draw(handle);
        let walked = [
            (Step::By(-1), "13:32:00, 3.00"),
            (Step::By(-1), "13:31:00, 2.00"),
            (Step::By(-10), "13:30:00, 1.00"),
            (Step::By(-1), "13:30:00, 1.00"),
            (Step::By(1), "13:31:00, 2.00"),
            (Step::Newest, "13:32:00, 3.00"),
            (Step::By(1), "13:32:00, 3.00"),
        ];
        for (step, words) in walked {
            assert_eq!(handle.walk(step).as_deref(), Some(words), "{step:?}");
        }
        handle.leave();
        handle
            .model
            .update(|model| assert_eq!(model.crosshair, Crosshair::Hidden));
    });
}

#[test]
fn points_within_a_second_are_distinguished() {
    with_handle(|handle| {
        let times = [0.0, 60_000.0, 60_250.0, 61_000.0].map(|after| OPEN + after);
        handle.replace(times.map(|time| Point::new(time, 5.0)));
        draw(handle);
        for words in [
            "13:31:01, 5.00",
            "13:31:00.250, 5.00",
            "13:31:00.000, 5.00",
            "13:30:00, 5.00",
        ] {
            assert_eq!(handle.walk(Step::By(-1)).as_deref(), Some(words));
        }
    });
}

#[test]
fn the_keyboard_steps_through_candles_and_announces_all_values() {
    with_handle(|handle| {
        handle.set_kind(Kind::Candles);
        handle.set_interval(60_000.0);
        handle.replace(points(&[1.0, 2.0, 3.0]).into_iter().map(|point| Sample {
            high: point.value + 1.0,
            volume: 1_500.0,
            ..point.into()
        }));
        draw(handle);
        let here = |time: &str, value: u32| {
            let next = value + 1;
            format!(
                "{time}, open {value}.00, high {next}.00, low {value}.00, close {value}.00, volume 1.50 K"
            )
        };
        for (step, words) in [
            (Step::By(-1), here("13:31:00", 3)),
            (Step::By(-1), here("13:30:00", 2)),
            (Step::By(-9), here("13:29:00", 1)),
            (Step::By(2), here("13:31:00", 3)),
        ] {
            assert_eq!(handle.walk(step), Some(words), "{step:?}");
        }
    });
}

#[test]
fn it_follows_the_newest_until_the_reader_looks_back_and_again_at_the_edge() {
    with_handle(|handle| {
        handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
        handle.set_span(3_600_000.0);
        let (from, to) = times(handle);
        let last = OPEN + 599.0 * 60_000.0;
        assert!(to > last && to - from < 3_900_000.0 && to - from > 3_500_000.0);
        let follows = || handle.follows().get_untracked();

        handle.pan(-0.5);
        let (earlier, until) = times(handle);
        assert!(!follows() && until < last);
        handle.push(Point::new(last + 60_000.0, 1.0));
        assert_eq!(
            times(handle),
            (earlier, until),
            "nothing moves under the reader"
        );
        handle.pan(0.7);
        assert!(follows());
        assert!(times(handle).1 > last + 60_000.0);

        handle.zoom(0.5, 0.5);
        let (shorter, to) = times(handle);
        assert!(follows() && (1_600_000.0..2_100_000.0).contains(&(to - shorter)));
        handle.pan(-2.0);
        let before = times(handle);
        handle.zoom(0.5, 0.25);
        let after = times(handle);
        let at = |(from, to): (f64, f64), part: f64| from + (to - from) * part;
        assert!((at(before, 0.25) - at(after, 0.25)).abs() < 1.0);
        handle.follow();
        assert!(follows());
        handle.fit();
        let (from, to) = times(handle);
        assert!(to - from > 3_500_000.0);
    });
}

#[test]
fn two_turns_within_a_frame_are_two() {
    with_handle(|handle| {
        handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
        let span = || {
            let (from, to) = handle.shown().expect("it is drawn").0;
            to - from
        };
        for at in [1.0, 0.3] {
            draw(handle);
            let before = span();
            handle.zoom(0.5, at);
            handle.zoom(0.5, at);
            draw(handle);
            assert!(
                (0.2..0.3).contains(&(span() / before)),
                "{}",
                span() / before
            );
            handle.fit();
            handle.pan(-0.2);
        }
    });
}

#[test]
fn scrolling_stops_at_the_ends() {
    with_handle(|handle| {
        handle.replace(points(&(0..600).map(f64::from).collect::<Vec<_>>()));
        draw(handle);
        for _ in 0..40 {
            handle.zoom(0.5, 0.9);
            draw(handle);
        }
        let (from, to) = times(handle);
        assert!(to - from > 1_000.0);
        for _ in 0..2_000 {
            handle.pan(-0.9);
            draw(handle);
        }
        let (_, to) = times(handle);
        assert!(to >= OPEN, "the first point can be seen");
        for _ in 0..40 {
            handle.zoom(3.0, 0.1);
            draw(handle);
        }
        let (from, to) = times(handle);
        assert!(to - from < 600.0 * 60_000.0 * 1.7);
    });
}
