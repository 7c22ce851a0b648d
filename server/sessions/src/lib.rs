//! The state of trading: the hours of exchanges, halts, and the sessions of feeds.

mod calendar;
mod overlay;
mod previous;
mod splits;

pub use calendar::{Calendar, Hours};
pub use overlay::{PreviousClose, Sessions, is_market_wide, keep_sessions};
pub use previous::{previous_close, previous_closes};
pub use splits::adjust_for_splits;
