//! Which times and values a chart covers, and where on its surface they lie.

use super::scale::{TimeTick, ValueTicks, format_value, time_ticks};
use super::scene::{Scale, Scene};
use super::series::{Candle, Series};
use super::surface::Surface;
use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, TextStyle};
use plotters_backend::{BackendColor, BackendCoord};

/// CSS pixels.
pub(super) mod size {
    pub(in super::super) const FONT: f64 = 12.0;
    /// Height of the row of times below the plot.
    pub(in super::super) const TIMES: f64 = 26.0;
    /// Space to the left and right of a label.
    pub(in super::super) const PADDING: f64 = 8.0;
    pub(in super::super) const TAG: f64 = 20.0;
    pub(in super::super) const LINE: f64 = 1.5;
    pub(in super::super) const DOT: f64 = 3.0;
    pub(in super::super) const PIN: f64 = 8.0;
    /// Half the height of a label, with a little air.
    pub(in super::super) const HALF_LABEL: f64 = 7.0;
    /// Lines of the grid are at least about this far apart.
    pub(in super::super) const VALUE_GAP: f64 = 52.0;
    pub(in super::super) const TIME_GAP: f64 = 68.0;
    /// What is traded takes this part of the plot, at its bottom.
    pub(in super::super) const VOLUME: f64 = 0.2;
}

pub(super) type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;

/// Which times and values the plot covers, and where it lies on the surface: all that the axes depend on.
///
/// Ranges move in steps, not with every sample: the axes stay as they are for many ticks, and the
/// chart is calm.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub(super) times: (f64, f64),
    /// As they lie on the axis: logarithms, percents, or the values themselves.
    values: (f64, f64),
    pub(super) size: (u32, u32),
    /// Width of the axis of values, in CSS pixels.
    pub(super) axis: f64,
    /// The width that the density of times and candles follows, in CSS pixels.
    width: f64,
    /// Width and height of the plot, which lies at the upper left.
    pub(super) plot: (u32, u32),
    pub(super) scale: f64,
    /// How values become what lies on the axis.
    kind: Scale,
    /// The first value shown of the series and of each that it is compared with: nothing is gained there.
    bases: Vec<f64>,
    /// The lines of the grid, as they lie on the axis.
    lines: Vec<f64>,
    /// Of the labels of the axis.
    pub(super) decimals: u32,
    /// What the times shown are ahead of UTC, in minutes.
    pub(super) offset: i32,
    /// The length of a candle, in milliseconds.
    pub(super) candle: f64,
    /// What the highest column of what is traded stands for; none where there are no columns.
    pub(super) volume: Option<f64>,
}

impl Frame {
    /// The frame that fits a scene onto a surface; none where there is nothing to fit.
    pub fn fit<S: Surface>(surface: &S, scene: &Scene) -> Option<Self> {
        let series = &scene.series;
        let (first, last) = (series.first()?, series.last()?);
        let (size, scale) = (surface.get_size(), surface.scale());
        let height = size.1.saturating_sub(pixels(size::TIMES, scale) as u32);
        if height == 0 {
            return None;
        }
        let times = scene.times(first, last);
        let width = least_width(f64::from(size.0) / scale);
        let candle = scene.candle_length(times.1 - times.0, width);

        let gap = scene.gap();
        let all = |series: &Series| {
            let mut shown = series.reaching(times.0, times.1, gap);
            if shown.is_empty() {
                // The reader looks at closed hours, and finds the way back by the values around them.
                shown = series.between(times.0, times.1);
            }
            if scene.kind.has_spans() && std::ptr::eq(series, &scene.series) {
                series.span_extent(shown)
            } else {
                series.extent(shown)
            }
        };
        let (low, high) = all(series)?;
        let others = scene.compared.iter().map(|compared| &compared.series);
        let bases: Vec<f64> = std::iter::once(series)
            .chain(others.clone())
            .map(|series| base(series, times.0, gap))
            .collect();
        let kind = match scene.effective_scale() {
            Scale::Log if low <= 0.0 => Scale::Linear,
            Scale::Percent if bases[0] == 0.0 => Scale::Linear,
            kind => kind,
        };
        let most = most_values(f64::from(height) / scale);
        let tick = scene.least_step();
        let (values, lines, decimals) = match kind {
            Scale::Linear => fit_linear(low, high, scene.decimals, tick, most),
            Scale::Log => fit_log(low, high, scene.decimals, tick, most),
            Scale::Percent => {
                let percent = |value, base: f64| (value / base - 1.0) * 100.0;
                let mut extent = (percent(low, bases[0]), percent(high, bases[0]));
                for (series, &base) in others.zip(&bases[1..]) {
                    if let Some((low, high)) = all(series).filter(|_| base != 0.0) {
                        extent.0 = extent.0.min(percent(low, base));
                        extent.1 = extent.1.max(percent(high, base));
                    }
                }
                fit_linear(extent.0, extent.1, 2, 0.0, most)
            }
        };
        let volume = (scene.shows_volume && series.has_volume())
            .then(|| {
                let candles = series.candles(times, candle, scene.offset_millis());
                candles.map(|candle| candle.volume).fold(0.0, f64::max)
            })
            .filter(|&volume| volume > 0.0)
            .map(rounded_up);

        let mut frame = Self {
            times,
            values,
            size,
            axis: 0.0,
            plot: (size.0, height),
            scale,
            kind,
            bases,
            lines,
            decimals,
            offset: scene.offset,
            candle,
            volume,
            width,
        };
        let ends = [values.0, values.1, frame.scaled(0, last.value)];
        let widths = ends.map(|value| label_width(&frame.label_of(value)));
        frame.axis = widths.into_iter().fold(0.0, f64::max).ceil() + 2.0 * size::PADDING;
        frame.plot.0 = size.0.saturating_sub(frame.pixels(frame.axis) as u32);
        (frame.plot.0 > 0).then_some(frame)
    }

    /// Where a value of the series (0) or of one that it is compared with lies on the axis.
    pub(super) fn scaled(&self, series: usize, value: f64) -> f64 {
        match self.kind {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).ln(),
            Scale::Percent => match self.bases.get(series) {
                Some(&base) if base != 0.0 => (value / base - 1.0) * 100.0,
                _ => 0.0,
            },
        }
    }

    /// What stands beside a place on the axis.
    pub(super) fn label_of(&self, scaled: f64) -> String {
        match self.kind {
            Scale::Linear => format_value(scaled, self.decimals),
            Scale::Log => format_value(scaled.exp(), self.decimals),
            Scale::Percent => {
                let plus = if scaled > 0.0 { "+" } else { "" };
                format!("{plus}{} %", format_value(scaled, self.decimals))
            }
        }
    }

    /// The times that the plot covers, in milliseconds since the Unix epoch.
    pub fn times(&self) -> (f64, f64) {
        self.times
    }

    /// The time at a distance from the left, in the surface's pixels.
    pub fn time_at(&self, x: f64) -> f64 {
        let (from, to) = self.times;
        from + (to - from) * (x / f64::from(self.plot.0))
    }

    pub(super) fn pixels(&self, css: f64) -> i32 {
        pixels(css, self.scale)
    }

    /// The width of a line of one CSS pixel, in whole pixels of the surface.
    pub(super) fn hairline(&self) -> i32 {
        (self.scale.floor() as i32).max(1)
    }

    /// The lowest row of the values: below it is what was traded.
    pub(super) fn floor(&self) -> i32 {
        let height = f64::from(self.plot.1);
        match self.volume {
            Some(_) => (height * (1.0 - size::VOLUME)) as i32,
            None => height as i32,
        }
    }

    pub(super) fn coordinates(&self) -> Coordinates {
        let width = self.plot.0 as i32;
        let (times, values) = (self.times.0..self.times.1, self.values.0..self.values.1);
        Cartesian2d::new(times, values, (0..width, self.floor()..0))
    }

    /// Where a value of the series at a time lies.
    pub(super) fn at(&self, time: f64, value: f64) -> BackendCoord {
        self.at_scaled(time, self.scaled(0, value))
    }

    pub(super) fn at_scaled(&self, time: f64, scaled: f64) -> BackendCoord {
        self.coordinates().translate(&(time, scaled))
    }

    /// The column of a time.
    pub(super) fn column(&self, time: f64) -> i32 {
        self.at_scaled(time, self.values.0).0
    }

    /// The row that a column of what was traded reaches up to.
    pub(super) fn volume_row(&self, volume: f64) -> i32 {
        let (bottom, most) = (f64::from(self.plot.1), self.volume.unwrap_or(f64::INFINITY));
        // Some room stays between the two.
        let height = bottom * size::VOLUME * 0.9;
        (bottom - height * (volume / most).min(1.0)).round() as i32
    }

    /// The left edge and the width of a candle's body, which has its wick in its middle.
    pub(super) fn body(&self, candle: &Candle) -> (i32, i32) {
        let (left, right) = (self.column(candle.times.0), self.column(candle.times.1));
        let room = right - left;
        let wick = self.hairline();
        // A third of the room stays free. Body and wick are both odd or both even, so that neither is blurred.
        let width = (room * 2 / 3).max(wick);
        let width = width - (width - wick).rem_euclid(2);
        (left + (room - width) / 2, width)
    }

    pub(super) fn label(&self, color: BackendColor, anchor: HPos) -> TextStyle<'static> {
        label(self.scale, color, anchor)
    }

    /// The lines of the grid that have room for their labels: what lies there, and their rows.
    pub(super) fn value_lines(&self) -> impl Iterator<Item = (f64, i32)> + '_ {
        let row = |scaled| self.at_scaled(self.times.0, scaled).1;
        let (low, high) = self.values;
        let room = (high - low) * LABEL_ROOM;
        let lines = self.lines.iter().copied();
        lines
            .filter(move |scaled| (low + room..=high - room).contains(scaled))
            .map(move |scaled| (scaled, row(scaled)))
    }

    /// Whether the label of a line at a time has room within the box.
    pub(super) fn has_room(&self, tick: &TimeTick) -> bool {
        let half = label_width(&tick.label) / 2.0;
        let x = (self.width - self.axis) * self.part_of_times(tick.time);
        (half..=self.width - half).contains(&x)
    }

    /// Where a time lies between the first and the last that are shown, from 0 to 1.
    pub(super) fn part_of_times(&self, time: f64) -> f64 {
        let (from, to) = self.times;
        (time - from) / (to - from)
    }

    /// Where a value on the axis lies from the top to the bottom of the plot, from 0 to 1.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn part_of_values(&self, scaled: f64) -> f64 {
        let (low, high) = self.values;
        let height = if self.volume.is_some() {
            1.0 - size::VOLUME
        } else {
            1.0
        };
        height * (high - scaled) / (high - low)
    }

    /// The lines of the grid at times, and their columns.
    pub(super) fn time_lines(&self) -> impl Iterator<Item = (TimeTick, i32)> + '_ {
        let most = ((self.width - self.axis) / size::TIME_GAP) as u32;
        let ticks = time_ticks(self.times.0, self.times.1, most, self.offset);
        ticks.into_iter().map(move |tick| {
            let x = self.column(tick.time);
            (tick, x)
        })
    }
}

/// Widths of a box from which on lines of times and candles are denser, in CSS pixels. They are the same in each box
/// between two of these, so that the server, which does not know how wide a box is, draws them for each.
pub(super) const WIDTHS: [f64; 6] = [280.0, 380.0, 520.0, 720.0, 1_000.0, 1_400.0];

/// The largest of [`WIDTHS`] that fits into a width; the width itself where none does.
fn least_width(width: f64) -> f64 {
    let fitting = WIDTHS.into_iter().rev().find(|least| *least <= width);
    fitting.unwrap_or(width)
}

/// About how many lines of values a plot has at the most, by its height in CSS pixels. From a height on that every page
/// has it is always the same, since the range of values follows it.
fn most_values(height: f64) -> u32 {
    const HIGH: f64 = 150.0;
    const MAX_VALUES: u32 = 6;
    if height < HIGH {
        (height / size::VALUE_GAP) as u32
    } else {
        MAX_VALUES
    }
}

/// Lines of values so near to the end of their axis have no room for a label, as a part of its length.
const LABEL_ROOM: f64 = 0.04;

/// About how wide a label is, in CSS pixels. It is not measured, so that the plot and its labels take the same room
/// whatever draws them: these are the widths of DejaVu Sans, which is wider than most.
pub(super) fn label_width(text: &str) -> f64 {
    let widths = text.chars().map(|character| match character {
        '0'..='9' => 7.63,
        '.' | ',' | ' ' => 3.81,
        ':' => 4.04,
        '%' => 11.4,
        '+' | '−' => 10.05,
        _ => 8.0,
    });
    widths.sum()
}

/// The first value of a series that is shown; where it begins later, its first of all.
fn base(series: &Series, from: f64, gap: f64) -> f64 {
    let shown = series.reaching(from, f64::INFINITY, gap);
    series.get(shown.start).map_or(0.0, |point| point.value)
}

/// The next of 1, 2, 3, 5 and 8 times a power of ten, so that the columns of what is traded do not change
/// their heights with every trade.
fn rounded_up(value: f64) -> f64 {
    let power = 10f64.powi(value.log10().floor() as i32);
    let steps = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

fn pixels(css: f64, scale: f64) -> i32 {
    (css * scale).round() as i32
}

/// The surface chooses the family: the page's own.
fn label(scale: f64, color: BackendColor, anchor: HPos) -> TextStyle<'static> {
    TextStyle {
        font: FontDesc::new(FontFamily::SansSerif, size::FONT * scale, FontStyle::Normal),
        color,
        pos: Pos::new(anchor, VPos::Center),
    }
}

type Fitted = ((f64, f64), Vec<f64>, u32);

/// With room above and below, in steps of a quarter of the distance of two lines, which are at multiples of
/// `tick`.
fn fit_linear(low: f64, high: f64, decimals: u32, tick: f64, most: u32) -> Fitted {
    // A flat line lies in the middle, in a range a few of its own smallest steps high. What is above zero stays
    // there.
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

/// The same where the axis has logarithms. Lines are at round values: equally far from each other where
/// these are near, and 1, 2 and 5 times the powers of ten where they are not.
fn fit_log(low: f64, high: f64, decimals: u32, tick: f64, most: u32) -> Fitted {
    let ((below, above), lines, fitted) = fit_linear(low, high, decimals, tick, most);
    if high < 3.0 * low && below > 0.0 {
        let lines = lines.into_iter().filter(|&value| value > 0.0).map(f64::ln);
        return ((below.ln(), above.ln()), lines.collect(), fitted);
    }
    // A flat line lies in the middle here too.
    let (low, high) = if high < 1.2 * low {
        (low / 1.5, high * 1.5)
    } else {
        (low, high)
    };
    let room = (high / low).ln() * 0.08;
    // In steps, so that the axis is calm.
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

        #[test]
        fn columns_of_volume_have_steps(value in 1e-6..1e12f64) {
            let most = rounded_up(value);
            prop_assert!(value <= most * 1.000_001 && most < value * 2.1, "{value} {most}");
        }
    }
}
