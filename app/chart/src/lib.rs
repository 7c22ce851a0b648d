//! Draws numbers onto a surface: scales, decimation, series, interaction. It has no quotes and no network.
//!
//! A page creates a [`ChartHandle`], gives it [`Sample`]s and places a [`Chart`]. Data flows one way:
//!
//! ```text
//! handle ── Scene ──► Frame (ranges, ticks) ──► draw: axes · series · overlay ──► Surface
//!                                                                    canvas (browser) · SVG (server)
//! ```
//!
//! In the browser the painter collects what is out of date and draws it in the next animation frame.

// The component macro generates public items even for private components.
#![allow(unreachable_pub)]

pub mod calendar;
#[cfg(target_arch = "wasm32")]
mod canvas;
#[cfg(target_arch = "wasm32")]
mod canvas_backend;
pub mod draw;
mod export;
#[cfg(target_arch = "wasm32")]
mod files;
mod frame;
mod gestures;
mod handle;
mod levels;
#[cfg(target_arch = "wasm32")]
mod listener;
mod model;
#[cfg(target_arch = "wasm32")]
mod painter;
#[cfg(target_arch = "wasm32")]
mod painting;
mod reader;
mod reading;
mod reduce;
mod sample;
pub mod scale;
pub mod scene;
pub mod series;
mod size;
#[cfg(not(target_arch = "wasm32"))]
mod still;
mod studies;
mod summary;
mod surface;
pub mod svg;
mod svg_surface;
mod value_axis;
pub mod view;

pub use export::Table;
pub use handle::ChartHandle;
pub use sample::{Candle, Point, Sample};
pub use scene::{Compared, Kind, Pin, Scale, Scene, Tone, View};
pub use series::Series;
pub use studies::{Study, StudyLine};
pub use view::Chart;
