//! Documents of RSS and Atom, and the texts, addresses and dates in them, from untrusted sources.
//!
//! A document passes four steps: [`encoding`] decodes its bytes to text, [`mend`] makes the text safe to tokenize,
//! [`tree`] builds a bounded tree from it, and [`syndication`] extracts the stories. Small faults of well-formedness do
//! not reject a document; each is kept as a text in [`Syndication::faults`], for the feed to count. Entities that a
//! document declares are never looked up: a reference to one stays in the text unchanged.

mod document;
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

pub use document::{Date, Form, Item, Syndication, Text};
use faults::Faults;
pub(crate) use html::{cut, cut_at_word, text_of};
pub(crate) use time::time;

/// Parses a document from this address, away from the serving threads.
pub(crate) async fn read(document: Document, address: Url) -> Result<Syndication, String> {
    spawn_blocking(move || parse(&document, &address))
        .await
        .unwrap_or_else(|error| Err(format!("reading it failed: {error}")))
}

/// Parses a document. Relative links are resolved against its address.
///
/// # Errors
/// If its encoding is unknown, it is not XML, neither RSS nor Atom, ends before its first story does, or exceeds a
/// limit.
pub fn parse(document: &Document, address: &Url) -> Result<Syndication, String> {
    let mut faults = Faults::default();
    let text = encoding::decode(document, &mut faults)?;
    let mended = mend::mend(&text, &mut faults)?;
    let tree = tree::read(&mended, &mut faults)?;
    syndication::of(tree, address, faults)
}
