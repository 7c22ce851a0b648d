//! Text in files and bodies: byte-order marks, and cells of comma-separated values.

mod bom;
pub mod cell;

pub use bom::without_bom;
