//! The chart of the open symbol and its controls.

mod charted;
pub(crate) mod choices;
mod menus;
pub(crate) mod panel;
mod range_buttons;
mod selects;
mod table;
