use super::*;
use crate::sample::Candle;
use proptest::prelude::*;

fn series(points: &[(f64, f64)]) -> Series {
    let mut series = Series::default();
    series.replace(points.iter().map(|&(time, value)| Point::new(time, value)));
    series
}

fn sample(time: f64, [open, high, low, close]: [f64; 4], volume: f64) -> Sample {
    Sample {
        time,
        open,
        high,
        low,
        close,
        volume,
        turnover: None,
    }
}

#[test]
fn columns_are_taken_by_the_rules_of_points() {
    let inf = f64::INFINITY;
    for (times, values) in [
        (vec![], vec![]),
        (vec![1.0, 2.0, 3.0], vec![10.0, 12.0, 11.0]),
        (vec![1.0, 3.0, 2.0, 3.0], vec![10.0, 12.0, 99.0, 13.0]),
        (vec![1.0, f64::NAN, 2.0], vec![10.0, 11.0, 12.0]),
        (vec![-inf, 1.0, inf], vec![10.0, 11.0, 12.0]),
        (vec![1.0, 2.0, 3.0], vec![10.0, -inf, 12.0]),
        (vec![1.0, 2.0, 3.0], vec![10.0, 11.0]),
    ] {
        let points = times.iter().zip(&values);
        let pushed: Vec<_> = points.map(|(&time, &value)| (time, value)).collect();
        // With the columns of spans before it.
        let mut columns = series(&[]);
        columns.push(sample(0.5, [1.0, 2.0, 0.5, 1.5], 7.0));
        columns.replace_columns(times, values);
        assert_eq!(columns, series(&pushed));
    }
    let mut small = Series::new(100);
    let count = |to: u32| (0..to).map(f64::from).collect::<Vec<f64>>();
    small.replace_columns(count(1_000), count(1_000));
    assert_eq!(small.len(), 100);
    assert_eq!(small.extent(0..100), Some((900.0, 999.0)));
}

#[test]
fn time_never_goes_back() {
    let mut series = series(&[(1.0, 10.0), (2.0, 20.0)]);
    assert!(!series.push(Point::new(1.5, 99.0)));
    assert!(series.push(Point::new(2.0, 21.0)));
    assert!(!series.push(Point::new(3.0, f64::NAN)));
    assert!(!series.push(Point::new(f64::INFINITY, 1.0)));
    let points: Vec<_> = series.iter(0..9).collect();
    assert_eq!(points, [Point::new(1.0, 10.0), Point::new(2.0, 21.0)]);
    assert_eq!(series.extent(0..2), Some((10.0, 21.0)));
}

#[test]
fn the_oldest_are_dropped_beyond_the_capacity() {
    let mut series = Series::new(100);
    for n in 0..1_000 {
        series.push(Point::new(f64::from(n), f64::from(n)));
        assert!(series.len() <= 125);
        let first = series.first().expect("a first");
        assert_eq!(
            series.extent(0..series.len()),
            Some((first.value, f64::from(n)))
        );
    }
    assert!(series.len() >= 100);
    assert_eq!(series.last(), Some(Point::new(999.0, 999.0)));
    assert_eq!(series.extent(2..2), None);
    assert_eq!(series.extent(200..300), None);
}

#[test]
fn the_nearest_in_time_is_found() {
    let series = series(&[(10.0, 0.0), (20.0, 0.0), (40.0, 0.0)]);
    for (time, index) in [
        (-5.0, 0),
        (14.0, 0),
        (15.0, 0),
        (16.0, 1),
        (31.0, 2),
        (99.0, 2),
    ] {
        assert_eq!(series.nearest(time), Some(index), "at {time}");
    }
    assert_eq!(Series::default().nearest(1.0), None);
}

#[test]
fn a_range_of_times_reaches_beyond_its_edges() {
    let series = series(&[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (4.0, 0.0)]);
    assert_eq!(series.between(1.5, 2.5), 1..4);
    assert_eq!(series.between(-9.0, 9.0), 0..5);
    assert_eq!(series.between(7.0, 9.0), 4..5);
}

#[test]
fn few_points_are_all_kept() {
    let series = series(&[(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]);
    let mut kept = vec![Point::new(9.0, 9.0)];
    series.decimate(0..3, (0.0, 2.0), 100, f64::INFINITY, &mut kept);
    assert_eq!(kept, series.iter(0..3).collect::<Vec<_>>());
}

#[test]
fn a_gap_parts_points_whether_there_are_few_of_them_or_many() {
    // Ten minutes of ten samples each, with a pause of an hour after the fifth.
    let time = |n: u32| f64::from(n) * 6.0 + if n < 50 { 0.0 } else { 3_600.0 };
    let mut series = Series::default();
    series.replace((0..100).map(|n| Point::new(time(n), f64::from(n % 7))));
    for columns in [1_000, 20] {
        let mut kept = Vec::new();
        series.decimate(0..100, (0.0, time(99)), columns, 600.0, &mut kept);
        let pieces: Vec<_> = kept.split(|point| point.time.is_nan()).collect();
        let ends = |piece: &[Point]| (piece[0].time, piece[piece.len() - 1].time);
        assert_eq!(pieces.len(), 2, "{columns} columns");
        assert_eq!(ends(pieces[0]).0, 0.0);
        assert!(ends(pieces[0]).1 <= time(49) && ends(pieces[1]).0 == time(50));
        series.decimate(0..100, (0.0, time(99)), columns, 3_600.0 + 6.0, &mut kept);
        assert!(kept.iter().all(|point| point.time.is_finite()));
    }
}

#[test]
fn a_line_reaches_to_its_neighbours_but_not_over_a_gap() {
    let series = series(&[(0.0, 1.0), (10.0, 1.0), (100.0, 1.0), (110.0, 1.0)]);
    for (times, reached) in [
        ((5.0, 8.0), 0..2),
        ((5.0, 50.0), 0..2),
        ((20.0, 90.0), 2..2),
        ((50.0, 105.0), 2..4),
        ((-9.0, 200.0), 0..4),
        ((105.0, 107.0), 2..4),
        ((300.0, 400.0), 4..4),
    ] {
        assert_eq!(
            series.reaching(times.0, times.1, 20.0),
            reached,
            "{times:?}"
        );
    }
    assert_eq!(series.reaching(20.0, 90.0, f64::INFINITY), 1..3);
}

#[test]
fn samples_that_are_all_far_apart_have_no_gaps_between_them() {
    // Days with a weekend, a night, and minutes.
    let times = [1, 2, 5, 6].map(|day| f64::from(day) * 1_440.0);
    let minutes = [570, 571, 572].map(|minute| 6.0 * 1_440.0 + f64::from(minute));
    let mut series = Series::default();
    series.replace(
        times
            .into_iter()
            .chain(minutes)
            .map(|at| Point::new(at, 1.0)),
    );
    let mut kept = Vec::new();
    series.decimate(0..7, (0.0, 9_999.0), 1_000, 45.0, &mut kept);
    let pieces = kept.split(|point| point.time.is_nan());
    assert_eq!(pieces.map(<[Point]>::len).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn candles_are_of_bars_and_of_points_alike() {
    let mut series = Series::default();
    series.replace([
        sample(60.0, [10.0, 13.0, 9.0, 12.0], 100.0),
        sample(120.0, [12.0, 12.5, 11.0, 11.5], 50.0),
        Point::new(130.0, 11.0).into(),
        Point::new(170.0, 14.0).into(),
        sample(180.0, [13.0; 4], 7.0),
        Point::new(190.0, 13.5).into(),
    ]);
    let all: Vec<Candle> = series.candles((0.0, 500.0), 60.0, 0.0).collect();
    let values: Vec<_> = all
        .iter()
        .map(|it| (it.times.0, it.open, it.high, it.low, it.close, it.volume))
        .collect();
    assert_eq!(
        values,
        [
            (0.0, 10.0, 13.0, 9.0, 12.0, 100.0),
            (60.0, 12.0, 12.5, 11.0, 11.5, 50.0),
            (120.0, 11.0, 14.0, 11.0, 13.0, 7.0),
            (180.0, 13.5, 13.5, 13.5, 13.5, 0.0),
        ]
    );
    let two: Vec<Candle> = series.candles((0.0, 500.0), 120.0, 0.0).collect();
    assert_eq!((two.len(), two[0].open, two[0].close), (2, 10.0, 11.5));
    assert_eq!((two[0].high, two[0].low, two[0].volume), (13.0, 9.0, 150.0));
    let some: Vec<Candle> = series.candles((61.0, 130.0), 60.0, 0.0).collect();
    assert_eq!(some, all[1..3]);
    let shifted = series.candles((0.0, 500.0), 60.0, 30.0).next();
    assert_eq!(shifted.map(|candle| candle.times), Some((30.0, 90.0)));
}

#[test]
fn the_last_sample_can_change() {
    let mut series = Series::default();
    series.push(sample(60.0, [1.0, 3.0, 1.0, 2.0], 10.0));
    series.push(sample(120.0, [2.0, 9.0, 2.0, 8.0], 90.0));
    series.push(sample(120.0, [2.0, 4.0, 2.0, 3.0], 20.0));
    let last = series.candles((60.0, 120.0), 60.0, 0.0).last();
    assert_eq!(last.map(|last| (last.high, last.volume)), Some((4.0, 20.0)));
    assert_eq!(series.span_extent(0..2), Some((1.0, 4.0)));
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec((0.01..5.0f64, -100i32..100), 1..600).prop_map(|steps| {
        let mut time = 0.0;
        let point = |(step, value)| {
            time += step;
            Point::new(time, f64::from(value))
        };
        steps.into_iter().map(point).collect()
    })
}

proptest! {
    #[test]
    fn each_column_keeps_its_first_lowest_highest_and_last(
        points in points(),
        columns in 1u32..60,
    ) {
        let mut series = Series::default();
        series.replace(points);
        let all: Vec<Point> = series.iter(0..series.len()).collect();
        let (from, to) = (all[0].time, all[all.len() - 1].time + 1.0);
        let mut kept = Vec::new();
        series.decimate(0..all.len(), (from, to), columns, f64::INFINITY, &mut kept);
        if all.len() < 4 * columns as usize {
            prop_assert_eq!(&kept, &all);
            return Ok(());
        }
        prop_assert!(kept.windows(2).all(|pair| pair[0].time <= pair[1].time));
        let width = (to - from) / f64::from(columns);
        let column = |point: &Point| ((point.time - from) / width).floor() as u32;
        for at in 0..columns {
            let of = |points: &[Point]| -> Vec<f64> {
                let points = points.iter().filter(|point| column(point) == at);
                points.map(|point| point.value).collect()
            };
            let (all, kept) = (of(&all), of(&kept));
            let low = |values: &[f64]| values.iter().copied().min_by(f64::total_cmp);
            let high = |values: &[f64]| values.iter().copied().max_by(f64::total_cmp);
            prop_assert!(kept.len() <= 4);
            prop_assert_eq!(kept.first(), all.first());
            prop_assert_eq!(kept.last(), all.last());
            prop_assert_eq!(low(&kept), low(&all));
            prop_assert_eq!(high(&kept), high(&all));
        }
    }

    #[test]
    fn a_series_is_ordered_and_bounded(
        points in prop::collection::vec((0i32..50, -9i32..9), 0..200),
        capacity in 1usize..40,
    ) {
        let mut series = Series::new(capacity);
        for (time, value) in points {
            series.push(Point::new(f64::from(time), f64::from(value)));
        }
        let kept: Vec<Point> = series.iter(0..series.len()).collect();
        prop_assert!(kept.len() <= capacity + capacity / 4);
        prop_assert!(kept.windows(2).all(|pair| pair[0].time < pair[1].time));
    }

    #[test]
    fn candles_take_every_sample_once(points in points(), length in 1.0..90.0f64) {
        let mut series = Series::default();
        series.replace(points.iter().map(|point| Sample {
            volume: 1.0,
            ..Sample::from(*point)
        }));
        let last = points[points.len() - 1].time;
        let candles: Vec<Candle> = series.candles((0.0, last), length, 0.0).collect();
        let volume: f64 = candles.iter().map(|candle| candle.volume).sum();
        prop_assert_eq!(volume, series.len() as f64);
        prop_assert!(candles.windows(2).all(|pair| pair[0].times.1 <= pair[1].times.0 + 1e-6));
    }
}
