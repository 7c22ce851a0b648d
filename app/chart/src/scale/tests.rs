use super::*;
use proptest::prelude::*;

/// Tuesday, 10 July 2012, 09:30 in New York.
const OPEN: f64 = 1_341_927_000_000.0;
const NEW_YORK: i32 = -240;

#[test]
fn numbers_of_many_digits_are_not_cut_off() {
    for (value, decimals, text) in [
        (123_456_789.123_456_79, 14, "123,456,789.123457"),
        (2_400_000_000.123_456_7, 10, "2,400,000,000.12346"),
        (1e15, 2, "1,000,000,000,000,000"),
        (1.234e18, 12, "1,234,000,000,000,000,000"),
        (2f64.powi(70), 0, "1,180,591,620,717,411,303,424"),
        (-2f64.powi(64), 8, "−18,446,744,073,709,551,616"),
        (
            79_228_162_514_264_337_593_543_950_335.0,
            0,
            "79,228,162,514,264,337,593,543,950,336",
        ),
        (0.000_000_01, 8, "0.00000001"),
        (0.5, 14, "0.500000000000"),
    ] {
        assert_eq!(format_value(value, decimals), text);
    }
}

#[test]
fn lines_are_at_multiples_of_the_tick() {
    for (low, high, most, tick, step) in [
        (100.0, 101.0, 10, 0.25, 0.25),
        (100.0, 100.4, 10, 0.25, 0.25),
        (100.0, 100.05, 10, 0.01, 0.01),
        (4_000.0, 4_003.0, 10, 0.25, 0.5),
        (1.0, 1.001, 5, 0.0005, 0.0005),
        (110.0, 111.0, 8, 1.0 / 32.0, 0.5),
        (0.0, 10.0, 5, 0.0, 2.0),
    ] {
        let ticks = ValueTicks::of_multiples(low, high, most, tick);
        assert!(
            (ticks.step - step).abs() < 1e-12,
            "{low}..{high} {tick}: {}",
            ticks.step
        );
    }
}

#[test]
fn lengths_are_written_as_people_do() {
    for (length, text) in [
        (5 * SECOND, "5s"),
        (MINUTE, "1m"),
        (15 * MINUTE, "15m"),
        (4 * HOUR, "4h"),
        (DAY, "1D"),
        (28 * DAY, "4W"),
    ] {
        assert_eq!(format_length(length as f64), text);
    }
}

fn values(low: f64, high: f64, most: u32) -> Vec<String> {
    let ticks = ValueTicks::new(low, high, most);
    ticks
        .iter()
        .map(|value| format_value(value, ticks.decimals))
        .collect()
}

fn labels(span: i64, most: u32) -> Vec<String> {
    let ticks = time_ticks(OPEN, OPEN + span as f64, most, NEW_YORK);
    ticks.into_iter().map(|tick| tick.label).collect()
}

#[test]
fn values_are_round() {
    assert_eq!(values(590.1, 598.0, 4), ["592", "594", "596", "598"]);
    assert_eq!(values(0.0, 0.2, 2), ["0.0", "0.1", "0.2"]);
    assert_eq!(values(-0.03, 0.04, 4), ["−0.02", "0.00", "0.02", "0.04"]);
    assert_eq!(
        values(1e6, 1.2e6, 2),
        ["1,000,000", "1,100,000", "1,200,000"]
    );
    assert_eq!(
        values(0.000_001_2, 0.000_001_6, 2),
        ["0.0000012", "0.0000014", "0.0000016"]
    );
    assert!(values(5.0, 5.0, 4).is_empty());
    assert!(values(0.0, f64::INFINITY, 4).is_empty());
}

#[test]
fn a_value_has_the_decimals_it_is_given() {
    assert_eq!(format_value(597.32, 2), "597.32");
    assert_eq!(format_value(597.32, 0), "597");
    assert_eq!(format_value(597.3, 4), "597.3000");
    assert_eq!(format_value(-0.05, 2), "−0.05");
    assert_eq!(format_value(-0.001, 2), "0.00");
    assert_eq!(format_value(106_432.1, 2), "106,432.10");
    assert_eq!(format_value(0.000_012_34, 8), "0.00001234");
    assert_eq!(format_value(9_999.5, 1), "9,999.5");
    assert_eq!(format_value(-1_234_567.0, 0), "−1,234,567");
    assert_eq!(format_plain(106_432.1, 2), "106432.10");
    assert_eq!(format_value(1.005, 99), "1.005000000000");
}

#[test]
fn times_are_round_at_every_zoom() {
    assert_eq!(labels(10 * SECOND, 3), ["09:30:00", "09:30:05", "09:30:10"]);
    assert_eq!(labels(40 * SECOND, 3), ["09:30:00", "09:30:15", "09:30:30"]);
    assert_eq!(labels(17 * MINUTE, 4), ["09:30", "09:35", "09:40", "09:45"]);
    assert_eq!(labels(4 * HOUR, 4), ["10:00", "11:00", "12:00", "13:00"]);
    assert_eq!(labels(20 * HOUR, 4), ["12:00", "18:00", "11 Jul"]);
    assert_eq!(labels(3 * DAY, 4), ["11 Jul", "12 Jul", "13 Jul"]);
    assert_eq!(labels(21 * DAY, 4), ["16 Jul", "23 Jul", "30 Jul"]);
    assert_eq!(labels(90 * DAY, 4), ["Aug", "Sep", "Oct"]);
    assert_eq!(labels(330 * DAY, 4), ["Oct", "2013", "Apr"]);
    assert_eq!(labels(1500 * DAY, 5), ["2013", "2014", "2015", "2016"]);
    assert_eq!(labels(40_000 * DAY, 4), ["2050", "2100"]);
    assert!(labels(0, 4).is_empty());
}

#[test]
fn the_first_line_of_a_day_is_major() {
    let ticks = time_ticks(OPEN, OPEN + (20 * HOUR) as f64, 4, NEW_YORK);
    let major: Vec<bool> = ticks.iter().map(|tick| tick.major).collect();
    assert_eq!(major, [false, false, true]);
    assert_eq!(ticks[2].time, OPEN + (14 * HOUR + 30 * MINUTE) as f64);
}

#[test]
fn a_moment_is_as_detailed_as_needed() {
    let same_day = (OPEN, OPEN + HOUR as f64);
    let days = (OPEN, OPEN + (3 * DAY) as f64);
    let years = (OPEN, OPEN + (900 * DAY) as f64);
    assert_eq!(format_moment(OPEN + 1_500.0, same_day, 0), "13:30:01");
    assert_eq!(format_moment(OPEN, same_day, NEW_YORK), "09:30:00");
    assert_eq!(format_moment(OPEN, days, NEW_YORK), "10 Jul 09:30:00");
    assert_eq!(format_moment(OPEN, years, NEW_YORK), "10 Jul 2012 09:30");
    let within = OPEN + 1_500.0;
    assert_eq!(format_instant(within, same_day, 0), "13:30:01.500");
    let instant = "10 Jul 2012 09:30:01.500";
    assert_eq!(format_instant(within, years, NEW_YORK), instant);
}

proptest! {
    #[test]
    fn ticks_lie_inside_and_are_not_many(
        from in 0i64..2_000_000_000_000,
        span in 1_000i64..400_000_000_000,
        most in 1u32..20,
        offset in -720i32..840,
    ) {
        let (from, to) = (from as f64, (from + span) as f64);
        let ticks = time_ticks(from, to, most, offset);
        prop_assert!(ticks.len() <= most as usize + 2, "{} ticks", ticks.len());
        prop_assert!(ticks.iter().all(|tick| (from..=to).contains(&tick.time)));
        prop_assert!(ticks.windows(2).all(|pair| pair[0].time < pair[1].time));
    }

    #[test]
    fn values_lie_inside_and_are_not_many(
        low in -1e6..1e6f64,
        span in 1e-6..1e6f64,
        most in 1u32..20,
    ) {
        let ticks = ValueTicks::new(low, low + span, most);
        let values: Vec<f64> = ticks.iter().collect();
        prop_assert!(values.len() <= most as usize + 1);
        let slack = ticks.step * 1e-3;
        prop_assert!(values.iter().all(|&value| value > low - slack && value < low + span + slack));
    }
}
