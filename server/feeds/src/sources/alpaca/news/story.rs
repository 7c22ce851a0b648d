//! Parsing stories.

use market::{Action, Basis, Link, Millis, News, Symbol};
use serde::Deserialize;

use crate::{
    FrameError,
    kit::{fields::Field, headline, markup},
    sources::alpaca::frames,
};

/// The most symbols of a story that are kept.
pub(super) const MAX_SYMBOLS: usize = 50;

/// The longest summary, in characters.
pub(super) const MAX_SUMMARY: usize = 500;

/// A version of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) id: u64,
    pub(super) updated: Millis,
    pub(super) news: News,
}

#[derive(Deserialize)]
pub(super) struct StoryFrame<'a> {
    pub(super) id: u64,
    #[serde(borrow, default)]
    pub(super) headline: Field<'a>,
    #[serde(borrow, default)]
    pub(super) summary: Field<'a>,
    #[serde(borrow, default)]
    pub(super) created_at: Field<'a>,
    #[serde(borrow, default)]
    pub(super) updated_at: Field<'a>,
    #[serde(borrow, default)]
    pub(super) url: Field<'a>,
    #[serde(borrow, default)]
    pub(super) symbols: Field<'a>,
    #[serde(borrow, default)]
    pub(super) source: Field<'a>,
}

/// Parses a story of either the stream or the archive. Its texts contain HTML entities. One without a valid time has
/// that of its receipt; errors go to `faults`.
pub(super) fn story(
    text: &str,
    received: Millis,
    faults: &mut Vec<FrameError>,
) -> Result<Story, FrameError> {
    let frame: StoryFrame<'_> = frames::read(text)?;
    let headline = markup::text_of(&frame.headline.text().unwrap_or_default());
    if headline.is_empty() {
        return Err(FrameError::new(&"a story without a headline", text));
    }
    let mut moment = |field: Field<'_>, otherwise: Millis| {
        frames::moment(field, otherwise, text).unwrap_or_else(|error| {
            faults.push(error);
            otherwise
        })
    };
    let published = match frame.created_at.text() {
        None => moment(frame.updated_at, received),
        Some(_) => moment(frame.created_at, received),
    };
    let updated = match frame.updated_at.text() {
        None => published,
        Some(_) => moment(frame.updated_at, received),
    };
    let summary = frame.summary.text();
    let summary = summary.map(|summary| markup::text_of(&summary));
    let symbols = frame.symbols.list().unwrap_or_default().into_iter();
    let symbols = symbols.filter_map(Field::text);
    let mut kept: Vec<Symbol> = Vec::new();
    for symbol in symbols.filter_map(|symbol| symbol.parse().ok()) {
        if !kept.contains(&symbol) && kept.len() < MAX_SYMBOLS {
            kept.push(symbol);
        }
    }
    let url: Option<Link> = frame.url.text().and_then(|url| url.parse().ok());
    let news = News {
        id: format!("alpaca:{}", frame.id),
        kind: headline::infer(&headline),
        basis: Basis::Inferred,
        action: Action::Created,
        symbols: kept,
        headline,
        summary: summary
            .filter(|summary| !summary.is_empty())
            .map(|summary| markup::cut(summary, MAX_SUMMARY)),
        url,
        source: source_name(&frame.source.text().unwrap_or_default()),
        published,
        form: None,
        accession: None,
        code: None,
    };
    Ok(Story {
        id: frame.id,
        updated,
        news,
    })
}

/// `benzinga`, as people write it.
pub(super) fn source_name(source: &str) -> String {
    let source = market::plain(source);
    let mut letters = source.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Alpaca".to_owned(),
    }
}
