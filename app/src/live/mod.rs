//! The page's one connection: open, resume, back off, fall back to polling, and say truly how
//! current the page is.

mod aside;
#[cfg(target_arch = "wasm32")]
mod channel;
mod connection;
#[cfg(target_arch = "wasm32")]
mod directory;
#[cfg(target_arch = "wasm32")]
mod events;
#[cfg(target_arch = "wasm32")]
mod history;
mod pace;
mod reader;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(test)]
mod simulation;
mod skew;
#[cfg(target_arch = "wasm32")]
mod source;
mod state;
mod tab;
mod tabs;
#[cfg(target_arch = "wasm32")]
mod together;

pub(crate) use state::State;
#[cfg(target_arch = "wasm32")]
pub(crate) use {
    directory::{is_offered, quoted, suggestions},
    history::{bars, stories},
    source::follow,
};
