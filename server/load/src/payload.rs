//! The events of a load, and what subscribers receive of them.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

/// The text before the sequence number of a story, and of a quote: see [`Payload::data`].
pub(crate) const MARKERS: [&str; 2] = [r#""id":"b:"#, r#""volume":""#];

/// The place of a story's marker in [`MARKERS`].
pub(crate) const NEWS: usize = 0;

/// The place of a quote's marker in [`MARKERS`].
pub(crate) const QUOTE: usize = 1;

/// The length of every event's data, in bytes.
#[cfg(test)]
pub(crate) const DATA_BYTES: usize = 120;

/// A subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The same for every subscriber: with tickertape the symbol `A` and its news.
    One,
    /// Ten of 500 symbols each; only tickertape has symbols.
    TenOf500,
    /// Everything from tickertape's feed.
    Fed,
}

/// How many symbols there are in [`Topic::TenOf500`].
pub(crate) const SYMBOLS: u32 = 500;

/// How many of them each subscriber has.
pub(crate) const SYMBOLS_EACH: u32 = 10;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A story, which every subscriber receives.
    News(u32),
    /// A quote, of the one symbol or of one of the 500; tickertape skips one that a newer one supersedes.
    Quote { symbol: Option<u32>, sequence: u32 },
}

impl Payload {
    /// The event's data: the same bytes at each server.
    pub(crate) fn data(self, text: &mut String) {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        // Writing to a string cannot fail.
        let _ = match self {
            Payload::News(sequence) => write!(
                text,
                r#"{{"id":"b:{sequence}","type":"macro","basis":"native","symbols":["A"],"headline":"-","source":"-","published":{time}}}"#
            ),
            Payload::Quote {
                symbol: of,
                sequence,
            } => {
                let symbol = symbol(of);
                // As long with either symbol.
                let price = if of.is_some() {
                    "597.321"
                } else {
                    "597.321175"
                };
                write!(
                    text,
                    r#"{{"symbol":"{symbol}","time":{time},"price":"{price}","size":"1000","bid":"597.30","ask":"597.350","volume":"{sequence}"}}"#
                )
            }
        };
    }
}

pub(crate) fn symbol(index: Option<u32>) -> String {
    index.map_or_else(|| "A".to_owned(), |index| format!("W{index:03}"))
}
