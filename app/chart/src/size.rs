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
/// Half the height of a label, with some room.
pub(crate) const HALF_LABEL: f64 = 7.0;
/// The least distance of lines of the grid, approximately.
pub(crate) const VALUE_GAP: f64 = 52.0;
pub(crate) const TIME_GAP: f64 = 68.0;
/// The part of the plot's height that the volume takes, at its bottom.
pub(crate) const VOLUME: f64 = 0.2;
