//! The watchlist.

mod add_symbol;
mod drag;
pub(crate) mod own_list;
pub(crate) mod panel;
mod row;
pub(crate) mod sparkline;
