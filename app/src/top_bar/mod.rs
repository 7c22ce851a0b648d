//! The bar at the top: search, connection, pause, and the quality of the data.

pub(crate) mod bar;
pub(crate) mod connection_status;
mod pause_button;
mod search;
