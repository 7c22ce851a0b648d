//! The state that the page is drawn from.

pub(crate) mod address;
mod chart_history;
pub(crate) mod dashboard;
pub(crate) mod days;
mod draw;
mod liveness;
pub(crate) mod market;
pub(crate) mod missing;
pub(crate) mod navigation;
pub(crate) mod page_data;
mod pause;
pub(crate) mod price_history;
pub(crate) mod range;
mod receive;
pub(crate) mod ticker;
