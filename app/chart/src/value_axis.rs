//! The axis of values: its range, its lines and their labels.

use super::scale::{ValueTicks, format_value};
use super::scene::{Scale, Scene};
use super::series::Series;
use super::size;

/// The axis of values. Positions on it are values, logarithms or percentages, by the scale.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueAxis {
    /// The lowest and the highest position.
    pub(super) range: (f64, f64),
    /// The scale that is drawn.
    scale: Scale,
    /// The first shown value of the series and of each compared series: gains are relative to it.
    bases: Vec<f64>,
    /// The positions of the lines of the grid.
    pub(super) lines: Vec<f64>,
    /// The decimals of the labels.
    decimals: u32,
}

impl ValueAxis {
    /// The axis for what a scene shows between two times, in a height in CSS pixels; `None` if there are no samples.
    pub(super) fn fit(scene: &Scene, times: (f64, f64), height: f64) -> Option<Self> {
        let series = &scene.series;
        let (low, high) = extent(scene, series, times)?;
        let others = scene.compared.iter().map(|compared| &compared.series);
        let gap = scene.gap();
        let bases: Vec<f64> = std::iter::once(series)
            .chain(others.clone())
            .map(|series| base(series, times.0, gap))
            .collect();
        let scale = match scene.effective_scale() {
            Scale::Log if low <= 0.0 => Scale::Linear,
            Scale::Percent if bases[0] == 0.0 => Scale::Linear,
            scale => scale,
        };
        let most = most_values(height);
        let tick = scene.least_step();
        let (range, lines, decimals) = match scale {
            Scale::Linear => fit_linear(low, high, scene.decimals, tick, most),
            Scale::Log => fit_log(low, high, scene.decimals, tick, most),
            Scale::Percent => {
                let percent = |value, base: f64| (value / base - 1.0) * 100.0;
                let mut all = (percent(low, bases[0]), percent(high, bases[0]));
                for (series, &base) in others.zip(&bases[1..]) {
                    if let Some((low, high)) = extent(scene, series, times).filter(|_| base != 0.0)
                    {
                        all.0 = all.0.min(percent(low, base));
                        all.1 = all.1.max(percent(high, base));
                    }
                }
                fit_linear(all.0, all.1, 2, 0.0, most)
            }
        };
        Some(ValueAxis {
            range,
            scale,
            bases,
            lines,
            decimals,
        })
    }

    /// The position of a value of the series (0) or of a compared series.
    pub(super) fn scaled(&self, series: usize, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).ln(),
            Scale::Percent => match self.bases.get(series) {
                Some(&base) if base != 0.0 => (value / base - 1.0) * 100.0,
                _ => 0.0,
            },
        }
    }

    /// The label of a position on the axis.
    pub(super) fn label_of(&self, scaled: f64) -> String {
        match self.scale {
            Scale::Linear => format_value(scaled, self.decimals),
            Scale::Log => format_value(scaled.exp(), self.decimals),
            Scale::Percent => {
                let plus = if scaled > 0.0 { "+" } else { "" };
                format!("{plus}{} %", format_value(scaled, self.decimals))
            }
        }
    }
}

/// The lowest and the highest value of a series of the scene between two times.
fn extent(scene: &Scene, series: &Series, times: (f64, f64)) -> Option<(f64, f64)> {
    let mut shown = series.reaching(times.0, times.1, scene.gap());
    if shown.is_empty() {
        // The reader looks at closed hours: the axis shows the values around them.
        shown = series.between(times.0, times.1);
    }
    if scene.kind.has_spans() && std::ptr::eq(series, &scene.series) {
        series.span_extent(shown)
    } else {
        series.extent(shown)
    }
}

/// The first shown value of a series; its first value at all if it begins later.
fn base(series: &Series, from: f64, gap: f64) -> f64 {
    let shown = series.reaching(from, f64::INFINITY, gap);
    series.get(shown.start).map_or(0.0, |point| point.value)
}

/// The maximum number of horizontal lines, approximately, by the height in CSS pixels. Above a height that every page
/// reaches it is constant, since the range of values depends on it.
fn most_values(height: f64) -> u32 {
    const HIGH: f64 = 150.0;
    const MAX_VALUES: u32 = 6;
    if height < HIGH {
        (height / size::VALUE_GAP) as u32
    } else {
        MAX_VALUES
    }
}

type Fitted = ((f64, f64), Vec<f64>, u32);

/// Fits a range with room above and below. Its ends are at quarters of the distance of two lines, which are at
/// multiples of `tick`.
fn fit_linear(low: f64, high: f64, decimals: u32, tick: f64, most: u32) -> Fitted {
    // A flat line is drawn in the middle of a range of a few steps. The range of positive values stays positive.
    let smallest = 10f64.powi(-(decimals.min(12) as i32)).max(tick);
    let least = (8.0 * smallest).max(high.abs() * 1e-6);
    let missing = (least - (high - low)).max(0.0) / 2.0;
    let missing = if low > 0.0 {
        missing.min(0.7 * low)
    } else {
        missing
    };
    let (low, high) = (low - missing, high + missing);
    let room = (high - low) * 0.08;
    let step = ValueTicks::of_multiples(low - room, high + room, most, tick).step / 4.0;
    let values = (
        ((low - room) / step).floor() * step,
        ((high + room) / step).ceil() * step,
    );
    let ticks = ValueTicks::of_multiples(values.0, values.1, most, tick);
    (values, ticks.iter().collect(), decimals.max(ticks.decimals))
}

/// The same on a logarithmic axis. Lines are at round values: evenly spaced for a small range, otherwise at 1, 2 and 5
/// times powers of ten.
fn fit_log(low: f64, high: f64, decimals: u32, tick: f64, most: u32) -> Fitted {
    let ((below, above), lines, fitted) = fit_linear(low, high, decimals, tick, most);
    if high < 3.0 * low && below > 0.0 {
        let lines = lines.into_iter().filter(|&value| value > 0.0).map(f64::ln);
        return ((below.ln(), above.ln()), lines.collect(), fitted);
    }
    // A flat line is drawn in the middle here, too.
    let (low, high) = if high < 1.2 * low {
        (low / 1.5, high * 1.5)
    } else {
        (low, high)
    };
    let room = (high / low).ln() * 0.08;
    // In steps, so that the axis does not change with every sample.
    let step = (high / low).ln() / 32.0;
    let from = ((low.ln() - room) / step).floor() * step;
    let to = ((high.ln() + room) / step).ceil() * step;
    let first = from.exp().log10().floor() as i32;
    let last = to.exp().log10().ceil() as i32;
    let powers = (first..=last).map(|exponent| 10f64.powi(exponent));
    let steps: &[f64] = match (last - first) as u32 * 3 {
        count if count <= 2 * most.max(1) => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let lines = powers.flat_map(|power| steps.iter().map(move |step| (step * power).ln()));
    let lines = lines.filter(|line| (from..=to).contains(line)).collect();
    let small = (-first).clamp(0, 12) as u32;
    ((from, to), lines, decimals.max(small))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{SHORTEST, fit_times};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_frame_has_room_around_what_it_shows(
            low in -1e6..1e6f64,
            span in prop_oneof![Just(0.0), 0.0..1e3f64],
            decimals in 0u32..9,
            most in 0u32..20,
            first in 0.0..2e12f64,
            length in prop_oneof![Just(0.0), 0.0..1e9f64],
            shown in prop_oneof![Just(f64::INFINITY), 60_000.0..1e9f64],
        ) {
            let high = low + span;
            let tick = 10f64.powi(-(decimals as i32));
            let ((bottom, top), lines, _) = fit_linear(low, high, decimals, tick, most);
            prop_assert!(bottom < low && high < top, "{bottom}..{top}");
            prop_assert!(lines.len() <= most as usize + 2);
            let room = (top - bottom) / (span + (high.abs() * 1e-6).max(8.0));
            prop_assert!(room < 4.0, "{room} times what is shown");

            let last = first + length;
            let (from, to) = fit_times(first, last, shown);
            prop_assert!(last < to && first <= from && from <= last);
            prop_assert!(to - last <= (to - from) / 8.0 || length < SHORTEST);
            prop_assert!(to - from <= shown.max(SHORTEST) * 1.2);
        }

        #[test]
        fn a_logarithmic_frame_has_room_and_some_lines(
            low in 1e-6..1e6f64,
            ratio in prop_oneof![Just(1.0), 1.0..3.0f64, 3.0..1e6f64],
            most in 3u32..20,
        ) {
            let high = low * ratio;
            let ((bottom, top), lines, _) = fit_log(low, high, 2, 0.01, most);
            prop_assert!(bottom.is_finite() && top.is_finite());
            prop_assert!(bottom <= low.ln() && high.ln() <= top, "{bottom}..{top}");
            prop_assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(lines.iter().all(|line| (bottom - 1e-9..=top + 1e-9).contains(line)));
            prop_assert!(ratio < 100.0 || !lines.is_empty());
        }

        #[test]
        fn a_flat_line_has_lines_of_the_grid_on_every_scale(
            mantissa in 1.0..10.0f64,
            exponent in -8i32..9,
            decimals in 2u32..9,
            most in 3u32..20,
        ) {
            let tick = 10f64.powi(-(decimals as i32));
            let value = (mantissa * 10f64.powi(exponent) / tick).round().max(1.0) * tick;
            for ((bottom, top), lines, _) in [
                fit_linear(value, value, decimals, tick, most),
                fit_log(value, value, decimals, tick, most),
            ] {
                prop_assert!(bottom.is_finite() && top.is_finite() && bottom < top);
                prop_assert!(!lines.is_empty(), "{value} {tick}: {bottom}..{top}");
            }
            let ((bottom, top), lines, _) = fit_linear(value, value, decimals, tick, most);
            prop_assert!(bottom >= 0.0 && lines.iter().all(|line| *line >= 0.0));
            let middle = (value - bottom) / (top - bottom);
            prop_assert!((0.2..0.8).contains(&middle), "{middle}");
            let ((bottom, top), ..) = fit_log(value, value, decimals, tick, most);
            let middle = (value.ln() - bottom) / (top - bottom);
            prop_assert!((0.2..0.8).contains(&middle), "{middle}");
        }
    }
}
