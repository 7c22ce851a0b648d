//! The page's one connection: open, resume, back off, fall back to polling, and show how current the page is.

mod aside;
mod attempts;
#[cfg(target_arch = "wasm32")]
mod channel;
#[cfg(target_arch = "wasm32")]
mod connect;
mod connection;
#[cfg(target_arch = "wasm32")]
pub(crate) mod directory;
#[cfg(target_arch = "wasm32")]
mod events;
#[cfg(target_arch = "wasm32")]
pub(crate) mod follow;
#[cfg(target_arch = "wasm32")]
pub(crate) mod history;
#[cfg(target_arch = "wasm32")]
mod pace;
mod reader;
#[cfg(target_arch = "wasm32")]
mod receive;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(test)]
mod simulation;
mod skew;
#[cfg(target_arch = "wasm32")]
mod source;
pub(crate) mod state;
mod tab;
mod tabs;
mod task;
#[cfg(target_arch = "wasm32")]
mod together;
