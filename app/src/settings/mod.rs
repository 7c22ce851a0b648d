//! The settings of the page.

pub(crate) mod menu;
pub(crate) mod preferences;
