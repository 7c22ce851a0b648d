//! The quote of the open symbol, or a problem in its place.

mod days_reader;
pub(crate) mod figures;
mod halts;
pub(crate) mod header;
mod mark;
mod opening_hours;
pub(crate) mod problem;
mod range_bar;
