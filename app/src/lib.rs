//! The page: rendered on the server, hydrated in the browser.

pub mod chart;
mod page_data;

pub use page_data::{PageData, Problem};
