//! The interval of a file's bars, inferred from its times.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use market::{Interval, Millis};

use crate::{
    refused::short,
    time::{Stamp, TimeFormat},
};

/// The time, the time of day and the symbol of a line.
pub(super) type Sampled = (String, Option<String>, Option<String>);

/// The options that apply if the times do not decide.
const EXPECTED: &str = "expected --interval with one of 1s, 1m, 5m, 15m, 1h, 1d";

/// The longest distance between two consecutive days: a long weekend.
const LONG_WEEKEND: Millis = 4 * 24 * 60 * 60 * 1_000;

/// How many steps of one length decide the interval. A file of minutes with few trades has steps of five minutes too.
const ENOUGH: usize = 3;

/// The interval of a file's bars: the step between most lines of a symbol, if all other steps are a multiple of it. An
/// ambiguous file is not guessed.
pub(super) fn interval(
    format: &TimeFormat,
    sample: &[Sampled],
    zones: &[TimeZone],
) -> Result<Interval, String> {
    let stamps: Vec<(Stamp, Option<&str>)> = sample
        .iter()
        .filter_map(|(time, clock, symbol)| {
            Some((format.parse(time, clock.as_deref())?, symbol.as_deref()))
        })
        .collect();
    if stamps.is_empty() {
        let first = sample.first().map_or("", |(time, _, _)| time);
        return Err(format!(
            "{} is not a time as {format}: expected --time-format with one of iso, s, ms, us, ns, or a pattern such as '%d.%m.%Y %H:%M'",
            short(first)
        ));
    }
    let steps = steps(&stamps);
    let shortest = steps.iter().copied().min();
    if stamps.iter().all(|(stamp, _)| stamp.is_midnight(zones)) {
        return match shortest {
            // A step of a day may have 23 hours.
            Some(shortest) if shortest < 23 * Interval::Hour.millis() => of_a_day(shortest, &steps),
            Some(shortest) if shortest > LONG_WEEKEND => Err(format!(
                "its bars are {} days apart, which is no interval: {EXPECTED}, where 1d takes each as the bar of one day",
                (shortest + Interval::Hour.millis()) / Interval::Day.millis()
            )),
            _ => Ok(Interval::Day),
        };
    }
    match shortest {
        None => Err(format!(
            "the length of its bars does not follow from its times: {EXPECTED}"
        )),
        Some(shortest) => of_a_day(shortest, &steps).and_then(|interval| {
            let aligned = stamps
                .iter()
                .filter_map(|(stamp, _)| stamp.millis(&TimeZone::UTC))
                .all(|time| time % interval.millis() == 0);
            if aligned {
                Ok(interval)
            } else {
                Err(unsure(interval))
            }
        }),
    }
}

/// The times between consecutive lines of the same symbol.
fn steps(stamps: &[(Stamp, Option<&str>)]) -> Vec<Millis> {
    let mut newest: HashMap<Option<&str>, Millis> = HashMap::new();
    let mut steps = Vec::new();
    for (stamp, symbol) in stamps {
        // The zone does not matter here, except on two days a year.
        let Some(time) = stamp.millis(&TimeZone::UTC) else {
            continue;
        };
        if let Some(before) = newest.insert(*symbol, time) {
            steps.push(before.abs_diff(time));
        }
    }
    steps.retain(|step| *step > 0);
    steps
}

/// The interval of steps that are shorter than a day.
fn of_a_day(shortest: Millis, steps: &[Millis]) -> Result<Interval, String> {
    let found = Interval::ALL
        .into_iter()
        .find(|interval| *interval != Interval::Day && interval.millis() == shortest);
    let Some(interval) = found else {
        return Err(format!(
            "its bars are {} s apart, which is no interval: {EXPECTED}",
            shortest / 1_000
        ));
    };
    let is_multiple = steps.iter().all(|step| step % shortest == 0);
    let equal = steps.iter().filter(|step| **step == shortest).count();
    // Nights and weekends are no steps of a file.
    let short = steps
        .iter()
        .filter(|step| **step <= 4 * Interval::Hour.millis())
        .count();
    // No source has bars between those of a second and a minute.
    let is_shortest = matches!(interval, Interval::Second | Interval::Minute);
    if is_multiple && (is_shortest || (equal >= ENOUGH && equal * 5 >= short * 4)) {
        Ok(interval)
    } else {
        Err(unsure(interval))
    }
}

fn unsure(interval: Interval) -> String {
    format!("its bars may be of {interval}, or shorter ones of which some are missing: {EXPECTED}")
}
