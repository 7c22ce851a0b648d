//! Documents of RSS and Atom, and the texts, addresses and dates in them, from untrusted sources.
//!
//! A document passes four steps: [`encoding`] makes text of its bytes, [`mend`] makes the text safe to tokenize,
//! [`tree`] builds a bounded tree of it, and [`syndication`] takes the stories out of that. Small faults of
//! well-formedness do not reject a document; each is kept as a text in [`Syndication::faults`], for the feed to
//! count. Entities that a document declares are never looked up: a reference to one stays in the text as it is.

mod encoding;
mod faults;
mod html;
mod mend;
mod names;
mod syndication;
mod time;
mod tree;

#[cfg(test)]
mod tests;

use reqwest::Url;
use tokio::task::spawn_blocking;

use crate::kit::fetch::Document;

use faults::Faults;
pub(crate) use html::{cut, cut_at_word, text_of};
pub use syndication::{Date, Form, Item, Syndication, Text};
pub(crate) use time::time;

/// Reads a document from this address, away from the threads that must not be held up.
pub(crate) async fn read(document: Document, address: Url) -> Result<Syndication, String> {
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
