//! The lines of the grid, and values and times as text.
//!
//! Times are milliseconds since the Unix epoch. `offset` is how far local time is ahead of UTC, in minutes.

use super::calendar::{Civil, DAY, HOUR, MINUTE, SECOND, start_of_month};

/// More decimals than any price has.
pub(super) const MAX_DECIMALS: u32 = 12;

/// The decimal digits that an `f64` always preserves.
const MAX_DIGITS: u32 = 15;

/// Round values inside a range: multiples of 1, 2 or 5 times a power of ten.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueTicks {
    /// The difference between two of them.
    pub step: f64,
    /// The decimals needed to distinguish them.
    pub decimals: u32,
    low: f64,
    high: f64,
}

impl ValueTicks {
    /// About `most` values at the most, between `low` and `high`; none if that is not a range.
    pub fn new(low: f64, high: f64, most: u32) -> Self {
        Self::of_multiples(low, high, most, 0.0)
    }

    /// The same, but only multiples of `tick`, unless that is 0.
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

    /// The values in ascending order.
    pub fn iter(self) -> impl Iterator<Item = f64> {
        let from = (self.low / self.step - 1e-6).ceil() as i64;
        let to = (self.high / self.step + 1e-6).floor() as i64;
        // A multiple of 0.1 has an error that grows with it. Rounding removes the error.
        let unit = power_of_ten(self.decimals as i32);
        (from..=to).map(move |n| (n as f64 * self.step * unit).round() / unit)
    }
}

/// How many round numbers are tried to find a multiple of the tick: up to a thousand times the first.
const ROUND_STEPS: i32 = 10;

/// The smallest 1, 2 or 5 times a power of ten that is at least `least` and a multiple of `tick`, unless that is 0; and
/// its decimals. If no such number is near, the smallest multiple of `tick`.
fn round_step(least: f64, tick: f64) -> (f64, u32) {
    let first = least.log10().floor() as i32;
    for n in 0..ROUND_STEPS {
        let exponent = first + n / 3;
        let step = [1.0, 2.0, 5.0][n as usize % 3] * power_of_ten(exponent);
        // The tolerance accepts 0.1 for 0.2 / 2, which is slightly more.
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

/// The decimals needed to distinguish multiples of a step.
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

/// A number with commas between thousands, and a minus sign in place of the hyphen.
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
/// The standard library's formatting of floating point would be a large part of the WebAssembly module.
pub fn format_plain(value: f64, decimals: u32) -> String {
    let whole = value.abs();
    if whole >= 1e15 {
        return format_huge(value);
    }
    // More digits than an `f64` preserves would be wrong, and would not fit.
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

/// A number that has too many digits for a `u64` with decimals: all its digits and no decimals, since an `f64` of this
/// size has none. It is doubled digit by digit, because 128-bit division would be a large part of the WebAssembly
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

/// The length of a candle as text: `5m`, `1h`, `1D`. It is given in milliseconds.
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

/// A time as text, unambiguous among times from `from` to `to`: with its date if these are on different days, and with
/// its year instead of seconds if they are about a year apart.
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

/// The same as [`format_moment`], to the millisecond.
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
    /// Its label, kept short: only the first line of a day has the date.
    pub label: String,
    /// Whether a larger unit begins here: a day among hours, a year among months.
    pub major: bool,
}

#[derive(Clone, Copy)]
enum TimeStep {
    Milliseconds(i64),
    Months(i64),
}

impl TimeStep {
    /// The smallest round step that fits at most `most` times into `span` milliseconds.
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

/// Round local times from `from` to `to`, about `most` at the most: whole seconds, minutes, hours, days, weeks
/// (Mondays), months or years.
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
mod tests;
