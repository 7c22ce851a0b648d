//! The page's connection: opening, resuming, backing off, falling back to polling, and showing how current the page is.

mod aside;
mod attempts;
#[cfg(target_arch = "wasm32")]
pub(crate) mod bars;
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
mod pace;
mod reader;
#[cfg(target_arch = "wasm32")]
mod receive;
#[cfg(target_arch = "wasm32")]
mod request;
mod skew;
#[cfg(target_arch = "wasm32")]
mod source;
pub(crate) mod state;
mod tab;
mod tabs;
mod task;
#[cfg(target_arch = "wasm32")]
mod together;
