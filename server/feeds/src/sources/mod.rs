//! The sources: a folder or file each.

pub mod alpaca;
pub mod binance;
pub mod coinbase;
pub mod finnhub;
pub(crate) mod foreign;
pub mod halts;
pub mod json;
pub mod kraken;
pub mod replay;
pub mod rss;
pub mod sec;
pub mod simulate;
pub mod stdin;
