//! The feeds that speak over a WebSocket, against servers that speak the same protocols, well and
//! badly.

mod binance;
mod coinbase;
mod connection;
mod kraken;
#[path = "../support/socket_server.rs"]
mod socket_server;
mod takeover;
