//! The alerts of the person.

mod alert;
mod form;
pub(crate) mod panel;
pub(crate) mod store;
