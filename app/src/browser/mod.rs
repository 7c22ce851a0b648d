//! What only a browser has. On the server the same functions return nothing.

pub(crate) mod elements;
pub(crate) mod environment;
#[cfg(target_arch = "wasm32")]
pub(crate) mod json;
#[cfg(target_arch = "wasm32")]
pub(crate) mod json_value;
mod local_storage;
pub(crate) mod notification;
pub(crate) mod storage;
