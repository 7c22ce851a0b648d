//! The chart of the open symbol, and what is chosen of it.

mod charted;
pub(crate) mod choices;
mod menus;
pub(crate) mod panel;
mod range_buttons;
mod selects;
mod table;
