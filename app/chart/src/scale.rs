//! Where the lines of the grid lie, and how values and times are written.
//!
//! Times are milliseconds since the Unix epoch; `offset` is what local time is ahead of UTC, in minutes.

use super::calendar::{Civil, DAY, HOUR, MINUTE, SECOND, start_of_month};

/// More than a price ever has; and 10^12 times any price is still exact enough in an `f64`.
const MOST_DECIMALS: u32 = 12;

/// Round values inside a range: multiples of 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueTicks {
    /// From one to the next.
    pub step: f64,
    /// Decimals that tell them apart.
    pub decimals: u32,
    low: f64,
    high: f64,
}

impl ValueTicks {
    /// At most about `most` of them between `low` and `high`; none where that is no range.
    pub fn new(low: f64, high: f64, most: u32) -> Self {
        let span = high - low;
        let raw = span / f64::from(most.max(1));
        if !raw.is_finite() || raw <= 0.0 {
            return Self {
                step: 1.0,
                decimals: 0,
                low: 1.0,
                high: 0.0,
            };
        }
        let exponent = raw.log10().floor() as i32;
        let power = power_of_ten(exponent);
        // A little room, so that 0.2 / 2 is taken for 0.1 and not for just above it.
        let (factor, carry) = match raw / power {
            ..1.000001 => (1.0, 0),
            ..2.000001 => (2.0, 0),
            ..5.000001 => (5.0, 0),
            _ => (1.0, 1),
        };
        Self {
            step: factor * power_of_ten(exponent + carry),
            decimals: (-(exponent + carry)).clamp(0, MOST_DECIMALS as i32) as u32,
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

fn power_of_ten(exponent: i32) -> f64 {
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
    let decimals = decimals.min(MOST_DECIMALS);
    let unit = 10u64.pow(decimals);
    let scaled = (value.abs() * unit as f64).round() as u64;
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
