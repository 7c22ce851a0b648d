//! Documents of RSS and Atom, and the texts, addresses and dates in them, from untrusted sources.
//!
//! A document passes four steps: [`encoding`] makes text of its bytes, [`mend`] makes the text safe to tokenize,
//! [`tree`] builds a bounded tree of it, and [`syndication`] takes the stories out of that. Small faults of
//! well-formedness do not reject a document; each is kept as a text in [`Syndication::faults`], for the feed to
//! count. Entities that a document declares are never looked up: a reference to one stays in the text as it is.

mod encoding;
mod html;
mod mend;
mod names;
mod syndication;
mod time;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;

use reqwest::Url;
use tokio::task::spawn_blocking;

use super::fetch::Document;

pub(super) use html::{cut, cut_at_word, text_of};
pub use syndication::{Date, Form, Item, Syndication, Text};
pub(super) use time::time;

/// Reads a document from this address, away from the threads that must not be held up.
pub(super) async fn read(document: Document, address: Url) -> Result<Syndication, String> {
    spawn_blocking(move || parse(&document, &address))
        .await
        .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
}

/// Reads a document. Relative links are resolved against the address that it came from.
///
/// # Errors
/// When its encoding is unknown, it is not XML, neither RSS nor Atom, ends before its first story does, or
/// exceeds a limit.
pub fn parse(document: &Document, address: &Url) -> Result<Syndication, String> {
    let mut faults = Faults::default();
    let text = encoding::decode(document, &mut faults)?;
    let mended = mend::mend(&text, &mut faults)?;
    let tree = tree::read(&mended, &mut faults)?;
    syndication::of(tree, address, faults)
}

/// The most faults of one document, beyond which it is not taken for XML.
const MAX_FAULTS: usize = 10_000;

/// Of so many faults the texts are kept.
const MAX_FAULT_TEXTS: usize = 100;

/// Faults of a document that was read all the same.
#[derive(Debug, Default)]
struct Faults {
    texts: Vec<String>,
    count: usize,
}

impl Faults {
    /// Notes a fault. The text quotes what is wrong.
    fn add(&mut self, what: fmt::Arguments<'_>) {
        self.count += 1;
        if self.texts.len() < MAX_FAULT_TEXTS {
            let what = what.to_string();
            if !self.texts.contains(&what) {
                self.texts.push(what);
            }
        }
    }

    /// Refuses a document with too many faults.
    fn check(&self) -> Result<(), String> {
        match self.count > MAX_FAULTS {
            true => Err(format!(
                "it is no XML: it has more than {MAX_FAULTS} faults"
            )),
            false => Ok(()),
        }
    }
}

/// A few characters around a place in a text, to quote.
fn excerpt(text: &str, at: usize) -> String {
    let mut start = at.saturating_sub(16);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let around: String = text[start..].chars().take(40).collect();
    market::plain(&around)
}
