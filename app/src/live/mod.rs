//! The page's one connection: open, resume, back off, fall back to polling, and say truly how
//! current the page is.

mod connection;
#[cfg(target_arch = "wasm32")]
mod history;
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

pub(crate) use state::State;
#[cfg(target_arch = "wasm32")]
pub(crate) use {history::suggestions, source::follow};
