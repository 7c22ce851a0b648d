//! Which times and values a chart covers, and where on its surface they lie.

use super::draw::{Look, Surface};
use super::scale::{TimeTick, ValueTicks, format_value, time_ticks};
use super::series::Series;
use plotters::coord::CoordTranslate;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, TextStyle};
use plotters_backend::{BackendColor, BackendCoord, DrawingErrorKind};

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
    /// Half the height of a label, with a little air.
    pub(in super::super) const HALF_LABEL: f64 = 7.0;
    /// Lines of the grid are at least about this far apart.
    pub(in super::super) const VALUE_GAP: f64 = 52.0;
    pub(in super::super) const TIME_GAP: f64 = 68.0;
}

/// The shortest time that fills the plot, so that the first seconds do not leap about.
const SHORTEST: f64 = 20_000.0;

pub(super) type Coordinates = Cartesian2d<RangedCoordf64, RangedCoordf64>;

/// Which times and values the plot covers, and where it lies on the surface: all that the axes depend on.
///
/// Ranges move in steps, not with every point: the axes stay as they are for many ticks, and the
/// chart is calm.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub(super) times: (f64, f64),
    values: (f64, f64),
    pub(super) size: (u32, u32),
    /// Width and height of the plot, which lies at the upper left.
    pub(super) plot: (u32, u32),
    pub(super) scale: f64,
    ticks: ValueTicks,
    /// Of the labels of the axis.
    pub(super) decimals: u32,
    pub(super) look: Look,
}

impl Frame {
    /// The frame that fits a series onto a surface; none where there is nothing to fit.
    ///
    /// # Errors
    /// What the surface says when it cannot measure text.
    pub fn fit<S: Surface>(
        surface: &S,
        series: &Series,
        look: Look,
    ) -> Result<Option<Self>, DrawingErrorKind<S::ErrorType>> {
        let (Some(first), Some(last)) = (series.first(), series.last()) else {
            return Ok(None);
        };
        let (size, scale) = (surface.get_size(), surface.scale());
        let height = size.1.saturating_sub(pixels(size::TIMES, scale) as u32);
        if height == 0 {
            return Ok(None);
        }

        let times = fit_times(first.time, last.time, series.is_full());
        let shown = series.between(times.0, times.1);
        let Some((low, high)) = series.extent(shown) else {
            return Ok(None);
        };
        let most = (f64::from(height) / (size::VALUE_GAP * scale)) as u32;
        let values = fit_values(low, high, look.decimals, most);
        let ticks = ValueTicks::new(values.0, values.1, most);
        let decimals = look.decimals.max(ticks.decimals);

        // What is measured has no colour.
        let none = BackendColor {
            alpha: 0.0,
            rgb: (0, 0, 0),
        };
        let style = label(scale, none, HPos::Left);
        let mut widest = 0;
        for value in [values.0, values.1, last.value] {
            let (width, _) = surface.estimate_text_size(&format_value(value, decimals), &style)?;
            widest = widest.max(width);
        }
        let width = size
            .0
            .saturating_sub(widest + 2 * pixels(size::PADDING, scale) as u32);
        Ok((width > 0).then_some(Self {
            times,
            values,
            size,
            plot: (width, height),
            scale,
            ticks,
            decimals,
            look,
        }))
    }

    /// The time at a distance from the left, in the surface's pixels.
    pub fn time_at(&self, x: f64) -> f64 {
        let (from, to) = self.times;
        from + (to - from) * (x / f64::from(self.plot.0))
    }

    pub(super) fn pixels(&self, css: f64) -> i32 {
        pixels(css, self.scale)
    }

    pub(super) fn coordinates(&self) -> Coordinates {
        let (width, height) = (self.plot.0 as i32, self.plot.1 as i32);
        let (times, values) = (self.times.0..self.times.1, self.values.0..self.values.1);
        Cartesian2d::new(times, values, (0..width, height..0))
    }

    /// Where a value at a time lies.
    pub(super) fn at(&self, time: f64, value: f64) -> BackendCoord {
        self.coordinates().translate(&(time, value))
    }

    pub(super) fn label(&self, color: BackendColor, anchor: HPos) -> TextStyle<'static> {
        label(self.scale, color, anchor)
    }

    /// The lines of the grid that have room for their labels: values, and their rows.
    pub(super) fn value_lines(&self) -> impl Iterator<Item = (f64, i32)> + '_ {
        let half = self.pixels(size::HALF_LABEL);
        let rows = half..=self.plot.1 as i32 - half;
        let row = |value| self.at(self.times.0, value).1;
        let lines = self.ticks.iter().map(move |value| (value, row(value)));
        lines.filter(move |(_, y)| rows.contains(y))
    }

    /// The lines of the grid at times, and their columns.
    pub(super) fn time_lines(&self) -> impl Iterator<Item = (TimeTick, i32)> + '_ {
        let most = (f64::from(self.plot.0) / (size::TIME_GAP * self.scale)) as u32;
        let ticks = time_ticks(self.times.0, self.times.1, most, self.look.offset);
        let column = |time| self.at(time, self.values.0).0;
        ticks.into_iter().map(move |tick| {
            let x = column(tick.time);
            (tick, x)
        })
    }
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

/// From the first to a little after the last, in steps of about a sixtieth. A full series loses a
/// point with each new one, so that its left edge moves in steps as well.
fn fit_times(first: f64, last: f64, full: bool) -> (f64, f64) {
    let span = (last - first).max(SHORTEST);
    let step = (span / 64.0).log2().ceil().exp2();
    let from = if full {
        (first / step).ceil() * step
    } else {
        first
    };
    let end = if last - first < SHORTEST {
        first + SHORTEST
    } else {
        last
    };
    (from, (end / step).floor() * step + 2.0 * step)
}

/// With room above and below, in steps of a quarter of the distance of two lines.
fn fit_values(low: f64, high: f64, decimals: u32, most: u32) -> (f64, f64) {
    // A flat line lies in the middle, in a range a few of its own smallest steps high.
    let least = (8.0 * 10f64.powi(-(decimals.min(12) as i32))).max(high.abs() * 1e-6);
    let missing = (least - (high - low)).max(0.0) / 2.0;
    let (low, high) = (low - missing, high + missing);
    let room = (high - low) * 0.08;
    let step = ValueTicks::new(low - room, high + room, most).step / 4.0;
    (
        ((low - room) / step).floor() * step,
        ((high + room) / step).ceil() * step,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
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
            full: bool,
        ) {
            let high = low + span;
            let (bottom, top) = fit_values(low, high, decimals, most);
            prop_assert!(bottom < low && high < top, "{bottom}..{top}");
            let room = (top - bottom) / (span + (high.abs() * 1e-6).max(8.0));
            prop_assert!(room < 4.0, "{room} times what is shown");

            let last = first + length;
            let (from, to) = fit_times(first, last, full);
            prop_assert!(last < to && first <= from && (full || from == first));
            prop_assert!(from - first <= (to - from) / 16.0);
            prop_assert!(to - last <= (to - from) / 8.0 || length < SHORTEST);
        }
    }
}
