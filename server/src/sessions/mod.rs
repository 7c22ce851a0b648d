//! Whether something is being traded: the hours of exchanges, halts, and what feeds say.

mod calendar;

pub use calendar::{Calendar, Hours};
