//! How the person wants the page to be.

pub(crate) mod menu;
pub(crate) mod preferences;
