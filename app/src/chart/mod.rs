//! Draws numbers onto a surface: scales, decimation, series, interaction. Knows no quotes and no network.

#[cfg(target_arch = "wasm32")]
mod canvas;
pub mod draw;
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
