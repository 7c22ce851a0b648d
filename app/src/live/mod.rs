//! The page's one connection: open, resume, back off, fall back to polling, and say truly how
//! current the page is.

mod connection;
#[cfg(target_arch = "wasm32")]
mod directory;
#[cfg(target_arch = "wasm32")]
mod history;
#[cfg(target_arch = "wasm32")]
mod request;
mod skew;
#[cfg(target_arch = "wasm32")]
mod source;
mod state;

pub(crate) use state::State;
#[cfg(target_arch = "wasm32")]
pub(crate) use {
    directory::{quoted, suggestions},
    history::{bars, stories},
    source::follow,
};
