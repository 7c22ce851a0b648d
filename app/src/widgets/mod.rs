//! Components that several parts of the page use.

pub(crate) mod announcer;
pub(crate) mod combobox;
pub(crate) mod figure;
mod flash;
pub(crate) mod notes;
pub(crate) mod suggestion;
