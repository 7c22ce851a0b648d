//! Feeds as texts of the command line.

use std::str::FromStr;

use toml::Table;

use super::{FeedSpec, row};
use crate::kit::options::SpecError;

/// A feed as a text of the command line, with the table that the text stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedFeed {
    /// The name of its kind.
    pub kind: String,
    /// The table of its options.
    pub options: Table,
    /// The feed.
    pub spec: FeedSpec,
}

impl FromStr for FeedSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        ParsedFeed::from_str(text).map(|parsed| parsed.spec)
    }
}

impl FromStr for ParsedFeed {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        // The name ends at the first colon or question mark; the rest belongs to the feed.
        let end = text.find([':', '?']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let row = row(name)?;
        if row.is_bare && !rest.is_empty() {
            return Err(SpecError::of(format!(
                "{rest:?} after {name}: expected nothing more"
            )));
        }
        let options = row.main.read(rest);
        Ok(ParsedFeed {
            kind: name.to_owned(),
            spec: FeedSpec::from_table(name, options.clone())?,
            options,
        })
    }
}
