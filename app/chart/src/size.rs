//! Sizes in CSS pixels.

pub(crate) const FONT: f64 = 12.0;
/// Height of the row of times below the plot.
pub(crate) const TIMES: f64 = 26.0;
/// Space to the left and right of a label.
pub(crate) const PADDING: f64 = 8.0;
pub(crate) const TAG: f64 = 20.0;
pub(crate) const LINE: f64 = 1.5;
pub(crate) const DOT: f64 = 3.0;
pub(crate) const PIN: f64 = 8.0;
/// Half the height of a label, with a little air.
pub(crate) const HALF_LABEL: f64 = 7.0;
/// Lines of the grid are at least about this far apart.
pub(crate) const VALUE_GAP: f64 = 52.0;
pub(crate) const TIME_GAP: f64 = 68.0;
/// What is traded takes this part of the plot, at its bottom.
pub(crate) const VOLUME: f64 = 0.2;
