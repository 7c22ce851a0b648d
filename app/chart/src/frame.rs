//! The times and values that a chart covers, and their positions on its surface.

use super::sample::Candle;
use super::scale::{TimeTick, time_ticks};
use super::scene::Scene;
use super::size;
use super::surface::Surface;
use super::value_axis::ValueAxis;
use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, TextStyle};
use plotters_backend::{BackendColor, BackendCoord};

pub(super) type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;

/// The times and values that the plot covers, and its position on the surface: everything that the axes depend on.
///
/// Ranges move in steps and not with every sample, so that the axes stay unchanged for many ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub(super) times: (f64, f64),
    /// The axis of values.
    values: ValueAxis,
    pub(super) size: (u32, u32),
    /// Width of the axis of values, in CSS pixels.
    pub(super) axis: f64,
    /// The width that decides how dense times and candles are, in CSS pixels.
    width: f64,
    /// Width and height of the plot in pixels of the surface. It is at the upper left.
    pub(super) plot: (u32, u32),
    pub(super) scale: f64,
    /// How far the displayed times are ahead of UTC, in minutes.
    pub(super) offset: i32,
    /// The length of a candle, in milliseconds.
    pub(super) candle: f64,
    /// The volume that the highest column stands for; `None` if no volume is drawn.
    pub(super) volume: Option<f64>,
}

impl Frame {
    /// The frame that fits a scene onto a surface; `None` if there is no sample or no room.
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

        let values = ValueAxis::fit(scene, times, f64::from(height) / scale)?;
        let volume = most_volume(scene, times, candle);

        let mut frame = Self {
            times,
            values,
            size,
            axis: 0.0,
            plot: (size.0, height),
            scale,
            offset: scene.offset,
            candle,
            volume,
            width,
        };
        let (low, high) = frame.values.range;
        let ends = [low, high, frame.scaled(0, last.value)];
        let widths = ends.map(|value| label_width(&frame.label_of(value)));
        frame.axis = widths.into_iter().fold(0.0, f64::max).ceil() + 2.0 * size::PADDING;
        frame.plot.0 = size.0.saturating_sub(frame.pixels(frame.axis) as u32);
        (frame.plot.0 > 0).then_some(frame)
    }

    /// The position on the axis of a value of the series (0) or of a compared series.
    pub(super) fn scaled(&self, series: usize, value: f64) -> f64 {
        self.values.scaled(series, value)
    }

    /// The label of a position on the axis.
    pub(super) fn label_of(&self, scaled: f64) -> String {
        self.values.label_of(scaled)
    }

    /// The times that the plot covers, in milliseconds since the Unix epoch.
    pub fn times(&self) -> (f64, f64) {
        self.times
    }

    /// The time at a distance from the left, in pixels of the surface.
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

    /// The lowest row of the values. The volume is below it.
    pub(super) fn floor(&self) -> i32 {
        let height = f64::from(self.plot.1);
        match self.volume {
            Some(_) => (height * (1.0 - size::VOLUME)) as i32,
            None => height as i32,
        }
    }

    pub(super) fn coordinates(&self) -> Coordinates {
        let width = self.plot.0 as i32;
        let (low, high) = self.values.range;
        let (times, values) = (self.times.0..self.times.1, low..high);
        Cartesian2d::new(times, values, (0..width, self.floor()..0))
    }

    /// The pixel of a value of the series at a time.
    pub(super) fn at(&self, time: f64, value: f64) -> BackendCoord {
        self.at_scaled(time, self.scaled(0, value))
    }

    pub(super) fn at_scaled(&self, time: f64, scaled: f64) -> BackendCoord {
        self.coordinates().translate(&(time, scaled))
    }

    /// The column of a time.
    pub(super) fn column(&self, time: f64) -> i32 {
        self.at_scaled(time, self.values.range.0).0
    }

    /// The top row of a column of volume.
    pub(super) fn volume_row(&self, volume: f64) -> i32 {
        let (bottom, most) = (f64::from(self.plot.1), self.volume.unwrap_or(f64::INFINITY));
        // Leaves some room below the values.
        let height = bottom * size::VOLUME * 0.9;
        (bottom - height * (volume / most).min(1.0)).round() as i32
    }

    /// The left edge and the width of a candle's body. The wick is in its middle.
    pub(super) fn body(&self, candle: &Candle) -> (i32, i32) {
        let (left, right) = (self.column(candle.times.0), self.column(candle.times.1));
        let room = right - left;
        let wick = self.hairline();
        // A third of the room stays free. Body and wick are both of odd or both of even width, so that neither is
        // blurred.
        let width = (room * 2 / 3).max(wick);
        let width = width - (width - wick).rem_euclid(2);
        (left + (room - width) / 2, width)
    }

    pub(super) fn label(&self, color: BackendColor, anchor: HPos) -> TextStyle<'static> {
        label(self.scale, color, anchor)
    }

    /// The horizontal lines of the grid that have room for a label: their positions on the axis and their rows.
    pub(super) fn value_lines(&self) -> impl Iterator<Item = (f64, i32)> + '_ {
        let row = |scaled| self.at_scaled(self.times.0, scaled).1;
        let (low, high) = self.values.range;
        let room = (high - low) * LABEL_ROOM;
        let lines = self.values.lines.iter().copied();
        lines
            .filter(move |scaled| (low + room..=high - room).contains(scaled))
            .map(move |scaled| (scaled, row(scaled)))
    }

    /// Whether the label of a tick fits into the box.
    pub(super) fn has_room(&self, tick: &TimeTick) -> bool {
        let half = label_width(&tick.label) / 2.0;
        let x = (self.width - self.axis) * self.part_of_times(tick.time);
        (half..=self.width - half).contains(&x)
    }

    /// The position of a time between the first and the last that are shown, 0 to 1.
    pub(super) fn part_of_times(&self, time: f64) -> f64 {
        let (from, to) = self.times;
        (time - from) / (to - from)
    }

    /// The position of a value between the top (0) and the bottom (1) of the plot.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn part_of_values(&self, scaled: f64) -> f64 {
        let (low, high) = self.values.range;
        let height = if self.volume.is_some() {
            1.0 - size::VOLUME
        } else {
            1.0
        };
        height * (high - scaled) / (high - low)
    }

    /// The vertical lines of the grid, and their columns.
    pub(super) fn time_lines(&self) -> impl Iterator<Item = (TimeTick, i32)> + '_ {
        let most = ((self.width - self.axis) / size::TIME_GAP) as u32;
        let ticks = time_ticks(self.times.0, self.times.1, most, self.offset);
        ticks.into_iter().map(move |tick| {
            let x = self.column(tick.time);
            (tick, x)
        })
    }
}

/// Widths of the box, in CSS pixels, at which vertical lines and candles become denser. Between two of them the density
/// is the same: so the server, which does not know the width, draws the chart for each.
pub(super) const WIDTHS: [f64; 6] = [280.0, 380.0, 520.0, 720.0, 1_000.0, 1_400.0];

/// The largest of [`WIDTHS`] that fits into a width; the width itself if none does.
fn least_width(width: f64) -> f64 {
    let fitting = WIDTHS.into_iter().rev().find(|least| *least <= width);
    fitting.unwrap_or(width)
}

/// A line this near to an end of the axis has no room for a label, as a part of its length.
const LABEL_ROOM: f64 = 0.04;

/// The approximate width of a label, in CSS pixels. It is not measured, so that the server and the browser lay out the
/// plot alike. These are the widths of DejaVu Sans, which is wider than most fonts.
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

/// The volume that the highest column stands for; `None` if no volume is drawn.
fn most_volume(scene: &Scene, times: (f64, f64), candle: f64) -> Option<f64> {
    let series = &scene.series;
    if !scene.shows_volume || !series.has_volume() {
        return None;
    }
    let candles = series.candles(times, candle, scene.offset_millis());
    let most = candles.map(|candle| candle.volume).fold(0.0, f64::max);
    (most > 0.0).then(|| rounded_up(most))
}

/// The next of 1, 1.5, 2, 3, 5, 8 and 10 times a power of ten, so that columns of volume do not change their heights
/// with every trade.
fn rounded_up(value: f64) -> f64 {
    let power = 10f64.powi(value.log10().floor() as i32);
    let steps = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

fn pixels(css: f64, scale: f64) -> i32 {
    (css * scale).round() as i32
}

/// The surface chooses the font family, that of the page.
fn label(scale: f64, color: BackendColor, anchor: HPos) -> TextStyle<'static> {
    TextStyle {
        font: FontDesc::new(FontFamily::SansSerif, size::FONT * scale, FontStyle::Normal),
        color,
        pos: Pos::new(anchor, VPos::Center),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn columns_of_volume_have_steps(value in 1e-6..1e12f64) {
            let most = rounded_up(value);
            prop_assert!(value <= most * 1.000_001 && most < value * 2.1, "{value} {most}");
        }
    }
}
