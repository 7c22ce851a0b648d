//! The feeds over a WebSocket, against servers with the same protocols, valid and invalid.

mod binance;
mod coinbase;
mod connection;
mod kraken;
#[path = "../support/mod.rs"]
mod support;
mod takeover;
