//! The keys of the page, and the help that lists them.

pub(crate) mod dialog;
pub(crate) mod keys;
