//! Text in files and bodies: byte-order marks, cells of comma-separated values, and suggestions of known names.

mod bom;
pub mod cell;
mod suggestion;

pub use self::{bom::without_bom, suggestion::suggestion};
