//! Draws numbers onto a surface: scales, decimation, series, interaction. Knows no quotes and no network.

pub mod draw;
pub mod scale;
pub mod series;
pub mod svg;
