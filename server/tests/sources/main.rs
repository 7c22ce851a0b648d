//! The feeds that speak over a WebSocket, against servers that speak the same protocols, well and
//! badly.

mod binance;
mod coinbase;
mod connection;
mod kraken;
#[path = "../support/mod.rs"]
mod support;
mod takeover;
