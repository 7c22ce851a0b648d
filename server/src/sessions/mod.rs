//! Whether something is being traded: the hours of exchanges, halts, and what feeds say.

mod calendar;
mod overlay;

pub use calendar::{Calendar, Hours};
pub use overlay::{PreviousClose, Sessions, keep_sessions};
