//! Where the lines of the grid lie, and how values and times are written.
//!
//! Times are milliseconds since the Unix epoch; `offset` is what local time is ahead of UTC, in minutes.

use super::calendar::{Civil, DAY, HOUR, MINUTE, SECOND, start_of_month};

/// More than a price ever has.
pub(super) const MAX_DECIMALS: u32 = 12;

/// The digits that an `f64` keeps of any number.
const MAX_DIGITS: u32 = 15;

/// Round values inside a range: multiples of 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueTicks {
    /// From one to the next.
    pub step: f64,
    /// Decimals that distinguish them.
    pub decimals: u32,
    low: f64,
    high: f64,
}

impl ValueTicks {
    /// At most about `most` of them between `low` and `high`; none where that is no range.
    pub fn new(low: f64, high: f64, most: u32) -> Self {
        Self::of_multiples(low, high, most, 0.0)
    }

    /// The same, where all of them are multiples of `tick`; of 0 there is none.
    pub fn of_multiples(low: f64, high: f64, most: u32, tick: f64) -> Self {
        let span = high - low;
        let raw = (span / f64::from(most.max(1))).max(tick);
        if !raw.is_finite() || raw <= 0.0 || span <= 0.0 {
            return Self {
                step: 1.0,
                decimals: 0,
                low: 1.0,
                high: 0.0,
            };
        }
        let (step, decimals) = round_step(raw, tick);
        Self {
            step,
            decimals,
            low,
            high,
        }
    }

    /// The values, rising.
    pub fn iter(self) -> impl Iterator<Item = f64> {
        let from = (self.low / self.step - 1e-6).ceil() as i64;
        let to = (self.high / self.step + 1e-6).floor() as i64;
        // A product of a whole number and 0.1 carries an error that grows; a rounded one does not.
        let unit = power_of_ten(self.decimals as i32);
        (from..=to).map(move |n| (n as f64 * self.step * unit).round() / unit)
    }
}

/// How many round numbers are tried for one that is a multiple of the tick: up to a thousand times as much.
const ROUND_STEPS: i32 = 10;

/// 1, 2 or 5 times a power of ten that is not below `least` and is a multiple of `tick`, where that is above 0; and
/// its decimals. Where no round number near is a multiple, it is as many ticks as are needed.
fn round_step(least: f64, tick: f64) -> (f64, u32) {
    let first = least.log10().floor() as i32;
    for n in 0..ROUND_STEPS {
        let exponent = first + n / 3;
        let step = [1.0, 2.0, 5.0][n as usize % 3] * power_of_ten(exponent);
        // A little room, so that 0.2 / 2 is taken for 0.1 and not for just above it.
        let is_enough = step * 1.000001 >= least && least > tick;
        if is_enough && (tick <= 0.0 || is_multiple(step, tick)) {
            return (step, (-exponent).clamp(0, MAX_DECIMALS as i32) as u32);
        }
    }
    let step = (least / tick - 1e-6).ceil() * tick;
    (step, decimals_of(step))
}

fn is_multiple(step: f64, tick: f64) -> bool {
    let times = step / tick;
    times > 0.5 && (times - times.round()).abs() < 1e-6
}

/// The decimals that distinguish multiples of a step.
fn decimals_of(step: f64) -> u32 {
    (0..MAX_DECIMALS)
        .find(|&decimals| {
            let scaled = step * power_of_ten(decimals as i32);
            (scaled - scaled.round()).abs() < 1e-6 && scaled > 0.5
        })
        .unwrap_or(MAX_DECIMALS)
}

pub(super) fn power_of_ten(exponent: i32) -> f64 {
    if exponent < 0 {
        1.0 / 10f64.powi(-exponent)
    } else {
        10f64.powi(exponent)
    }
}

/// A value with a fixed number of decimals (at most 12), [`grouped`].
pub fn format_value(value: f64, decimals: u32) -> String {
    grouped(&format_plain(value, decimals))
}

/// A number as a person writes it: with a comma between the thousands, and a minus sign for a hyphen.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", number),
    };
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = String::with_capacity(digits.len() + whole / 3 + sign.len());
    text.push_str(sign);
    for (at, digit) in digits.char_indices() {
        if (1..whole).contains(&at) && (whole - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A value with a fixed number of decimals (at most 12).
///
/// Written by hand because the standard library's formatting of floating point is the larger part of
/// a small WebAssembly module.
pub fn format_plain(value: f64, decimals: u32) -> String {
    let whole = value.abs();
    if whole >= 1e15 {
        return format_huge(value);
    }
    // More digits than the number has would be made up, and would not fit.
    let digits = if whole < 1.0 {
        0
    } else {
        whole.log10() as u32 + 1
    };
    let shown = decimals.min(MAX_DECIMALS);
    let decimals = shown.min(MAX_DIGITS.saturating_sub(digits));
    let unit = 10u64.pow(decimals);
    let scaled = (whole * unit as f64).round() as u64;
    let sign = if value < 0.0 && scaled > 0 { "-" } else { "" };
    let whole = scaled / unit;
    if decimals == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = scaled % unit;
    format!(
        "{sign}{whole}.{fraction:0width$}",
        width = decimals as usize
    )
}

/// A number of more digits than a `u64` has room for with decimals: all its digits, and no decimals, since an `f64` of
/// this size has none. It is doubled digit by digit, because 128-bit division is a large part of a small WebAssembly
/// module.
fn format_huge(value: f64) -> String {
    const WHOLE: f64 = (1u64 << 53) as f64;
    // No price and no size is above 10^29.
    let mut rest = value.abs().min(1e29);
    let mut doublings = 0;
    while rest >= WHOLE {
        rest /= 2.0;
        doublings += 1;
    }
    let mut digits = (rest as u64).to_string().into_bytes();
    for _ in 0..doublings {
        let mut carry = 0;
        for digit in digits.iter_mut().rev() {
            let doubled = (*digit - b'0') * 2 + carry;
            *digit = b'0' + doubled % 10;
            carry = doubled / 10;
        }
        if carry > 0 {
            digits.insert(0, b'0' + carry);
        }
    }
    let mut text = String::with_capacity(digits.len() + 1);
    if value < 0.0 {
        text.push('-');
    }
    text.extend(digits.into_iter().map(char::from));
    text
}

/// The length of a candle, in milliseconds, as people write it: `5m`, `1h`, `1D`.
pub(super) fn format_length(length: f64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (7 * DAY, "W"),
        (DAY, "D"),
        (HOUR, "h"),
        (MINUTE, "m"),
        (SECOND, "s"),
    ];
    let length = length as i64;
    let unit = UNITS
        .iter()
        .find(|(unit, _)| length >= *unit && length % unit == 0);
    unit.map_or_else(
        || format!("{length} ms"),
        |(unit, name)| format!("{}{name}", length / unit),
    )
}

fn local(time: f64, offset: i32) -> i64 {
    time.floor() as i64 + i64::from(offset) * MINUTE
}

/// A time so that it cannot be mistaken among others from `from` to `to`: with its date where these
/// are not on one day, with its year instead of its seconds where they are a year apart.
pub fn format_moment(time: f64, (from, to): (f64, f64), offset: i32) -> String {
    let (time, from, to) = (local(time, offset), local(from, offset), local(to, offset));
    let civil = Civil::new(time);
    if from.div_euclid(DAY) == to.div_euclid(DAY) {
        civil.clock()
    } else if to - from < 300 * DAY {
        format!("{} {}", civil.day_and_month(), civil.clock())
    } else {
        let clock = civil.hours_and_minutes();
        format!("{} {} {clock}", civil.day_and_month(), civil.year)
    }
}

/// As [`format_moment`], to the millisecond.
pub fn format_instant(time: f64, span: (f64, f64), offset: i32) -> String {
    let text = format_moment(time, span, offset);
    let civil = Civil::new(local(time, offset));
    let (seconds, milliseconds) = (civil.of_day / SECOND % 60, civil.of_day % SECOND);
    if text.ends_with(&civil.clock()) {
        format!("{text}.{milliseconds:03}")
    } else {
        format!("{text}:{seconds:02}.{milliseconds:03}")
    }
}

/// A line of the grid at a round time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeTick {
    /// Milliseconds since the Unix epoch.
    pub time: f64,
    /// As short as it can be: the date stands once, at the first line of a day.
    pub label: String,
    /// Whether something larger begins here: a day among hours, a year among months.
    pub major: bool,
}

#[derive(Clone, Copy)]
enum TimeStep {
    Milliseconds(i64),
    Months(i64),
}

impl TimeStep {
    /// The smallest round step of which at most `most` fit into `span` milliseconds.
    fn new(span: i64, most: i64) -> Self {
        const STEPS: [i64; 19] = [
            SECOND,
            2 * SECOND,
            5 * SECOND,
            10 * SECOND,
            15 * SECOND,
            30 * SECOND,
            MINUTE,
            2 * MINUTE,
            5 * MINUTE,
            10 * MINUTE,
            15 * MINUTE,
            30 * MINUTE,
            HOUR,
            2 * HOUR,
            3 * HOUR,
            6 * HOUR,
            12 * HOUR,
            DAY,
            7 * DAY,
        ];
        const MONTHS: [i64; 10] = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
        let raw = span / most.max(1);
        let step = STEPS.into_iter().find(|&step| step >= raw);
        step.map(Self::Milliseconds).unwrap_or_else(|| {
            let months = MONTHS.into_iter().find(|months| months * 30 * DAY >= raw);
            Self::Months(months.unwrap_or(raw / (360 * DAY) * 12))
        })
    }
}

/// Round local times from `from` to `to`, at most about `most`: whole seconds, minutes, hours, days,
/// weeks (Mondays), months, years.
pub fn time_ticks(from: f64, to: f64, most: u32, offset: i32) -> Vec<TimeTick> {
    let (start, end) = (local(from.ceil(), offset), local(to, offset));
    if end <= start {
        return Vec::new();
    }
    let tick = |local: i64, major, label| TimeTick {
        time: (local - i64::from(offset) * MINUTE) as f64,
        label,
        major,
    };
    match TimeStep::new(end - start, i64::from(most)) {
        TimeStep::Milliseconds(step) => {
            // The epoch was a Thursday.
            let origin = if step == 7 * DAY { 4 * DAY } else { 0 };
            let first = (start - origin - 1).div_euclid(step) + 1;
            let last = (end - origin).div_euclid(step);
            (first..=last)
                .map(|n| {
                    let at = n * step + origin;
                    let civil = Civil::new(at);
                    if step >= DAY {
                        tick(at, civil.day * DAY <= step, civil.day_and_month())
                    } else if civil.of_day == 0 {
                        tick(at, true, civil.day_and_month())
                    } else if step < MINUTE {
                        tick(at, false, civil.clock())
                    } else {
                        tick(at, false, civil.hours_and_minutes())
                    }
                })
                .collect()
        }
        TimeStep::Months(step) => {
            let civil = Civil::new(start - 1);
            let first = (civil.year * 12 + civil.month).div_euclid(step) + 1;
            (first..)
                .map(|n| start_of_month(n * step))
                .take_while(|&at| at <= end)
                .map(|at| {
                    let civil = Civil::new(at);
                    if civil.month == 0 {
                        tick(at, true, civil.year.to_string())
                    } else {
                        tick(at, false, civil.month_name().to_owned())
                    }
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn a_moment_says_as_much_as_it_must() {
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
}
