//! The chart as the server draws it into a page: complete before any script has run, in a box of any size.
//!
//! The server does not know how large the box is. So lines and areas are stretched to it, labels and tags have their own
//! size and lie at parts of it, and what depends on its width (times, candles, pins) is there once for each of the
//! [`WIDTHS`](super::frame::WIDTHS) that makes a difference: the style sheet shows the one that fits. The canvases that take its place draw
//! the same [`Frame`](super::frame::Frame), so that nothing moves.

mod drawing;
mod overlay;
pub(super) mod render;
