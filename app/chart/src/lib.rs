//! Draws numbers onto a surface: scales, decimation, series, interaction. Knows no quotes and no network.
//!
//! A page makes a [`ChartHandle`], gives it [`Point`]s and puts a [`Chart`] where it is to be seen. What
//! is drawn goes one way:
//!
//! ```text
//! handle ── Series ──► Frame (ranges, ticks) ──► draw: axes · series · overlay ──► Surface
//!                                                                    canvas (browser) · SVG (server)
//! ```
//!
//! In the browser the painter decides when: it collects what is out of date and draws it in one
//! animation frame, or none where nothing is.

// What the component macro writes beside a component is public, whatever the component is.
#![allow(unreachable_pub)]

pub mod calendar;
#[cfg(target_arch = "wasm32")]
mod canvas;
pub mod draw;
mod frame;
mod handle;
#[cfg(target_arch = "wasm32")]
mod painter;
pub mod scale;
pub mod series;
pub mod svg;
pub mod view;

pub use draw::Tone;
pub use handle::ChartHandle;
pub use series::{Point, Series};
pub use view::Chart;
