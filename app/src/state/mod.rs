//! The state that the page is drawn from.

pub(crate) mod address;
pub(crate) mod dashboard;
pub(crate) mod days;
pub(crate) mod market;
pub(crate) mod missing;
pub(crate) mod navigation;
pub(crate) mod page_data;
mod pause;
pub(crate) mod price_path;
pub(crate) mod range;
