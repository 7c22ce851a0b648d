//! The news, its filter and its older stories.

pub(crate) mod filter;
mod filter_form;
pub(crate) mod list;
mod loader;
mod older;
pub(crate) mod panel;
pub(crate) mod reader;
pub(crate) mod story;
