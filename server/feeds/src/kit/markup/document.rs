//! What a document consists of.

use std::time::Duration;

use market::{Link, Millis};

use super::{html, time::time};

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// RSS 0.9x, 1.0 or 2.0.
    Rss,
    /// Atom 0.3 or 1.0.
    Atom,
}

/// A document of either format.
#[derive(Debug)]
pub struct Syndication {
    /// Its format.
    pub form: Form,
    /// Its title, as plain text.
    pub title: String,
    /// The page that it belongs to.
    pub link: Option<Link>,
    /// The shortest time between polls that it requests.
    pub ttl: Option<Duration>,
    /// Its stories, in their order.
    pub items: Vec<Item>,
    /// Faults in spite of which it was parsed, as texts that quote them. At most some hundred.
    pub faults: Vec<String>,
    /// Whether it is complete. An incomplete one has only the stories before the break.
    pub is_whole: bool,
}

/// A story in a document.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Item {
    /// Its headline.
    pub title: Option<Text>,
    /// Its summary, or else its content.
    pub summary: Option<Text>,
    /// Its `guid`, `id` or `rdf:about`.
    pub id: Option<String>,
    /// Its address as it is written.
    pub address: Option<String>,
    /// Its address, resolved, where that is one of the web.
    pub link: Option<Link>,
    /// When it was published.
    pub date: Date,
    /// Its categories: the vocabulary that each is from, and the category.
    pub categories: Vec<(String, String)>,
    /// Elements of other vocabularies: the name in lower case, and the text.
    pub fields: Vec<(String, String)>,
}

/// A text and its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Plain text.
    Plain(String),
    /// HTML.
    Html(String),
}

impl Text {
    /// The text for people.
    pub fn plain(&self) -> String {
        match self {
            Text::Plain(text) => market::plain(text),
            Text::Html(text) => html::text_of(text),
        }
    }

    /// The text as written.
    pub fn raw(&self) -> &str {
        match self {
            Text::Plain(text) | Text::Html(text) => text,
        }
    }
}

/// A date in a document.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Date {
    /// None.
    #[default]
    Missing,
    /// One that can be parsed.
    At(Millis),
    /// One that cannot, as written.
    Unread(String),
}

impl Date {
    /// The first that can be parsed, or else the first.
    pub(super) fn first<'a>(texts: impl Iterator<Item = &'a str>) -> Date {
        let mut date = Date::Missing;
        for text in texts.filter(|text| !text.trim().is_empty()) {
            match time(text) {
                Some(time) => return Date::At(time),
                None if date == Date::Missing => {
                    date = Date::Unread(market::plain(text).chars().take(80).collect());
                }
                None => {}
            }
        }
        date
    }
}
