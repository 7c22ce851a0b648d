//! The chart as the server draws it into a page: complete without scripts, in a box of any size.
//!
//! The server does not know the size of the box. So lines and areas are stretched to it, and labels and tags of fixed
//! size are positioned in percent. What depends on the width (times, candles, pins) is drawn for each of the
//! [`WIDTHS`](super::frame::WIDTHS), and the style sheet shows the one that fits. The canvases that replace the drawing
//! use the same [`Frame`](super::frame::Frame), so that nothing moves.

mod drawing;
mod overlay;
pub(super) mod render;
