//! The state of trading: the hours of exchanges, halts, and the sessions of feeds.

mod append;
mod calendar;
mod keeping;
mod overlay;
mod previous;
mod splits;

pub use calendar::{Calendar, Hours};
pub use keeping::keep_sessions;
pub use overlay::{PreviousClose, Sessions, is_market_wide};
pub use previous::{previous_close, previous_closes};
pub use splits::adjust_for_splits;
