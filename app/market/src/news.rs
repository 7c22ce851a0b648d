use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Millis, Symbol, number, text};

/// One story, filing, halt …
///
/// Its texts are cleaned by [`plain`](crate::plain) when they are parsed from JSON. A feed that parses another format
/// cleans them with the same function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct News {
    /// The source's own id with the source's prefix, `sec:0001209191-21-027150`. The same id twice is one story.
    pub id: String,
    /// The kind of news.
    #[serde(rename = "type")]
    pub kind: NewsType,
    /// The origin of [`News::kind`].
    pub basis: Basis,
    /// Whether the story is new, updated or withdrawn.
    #[serde(default, skip_serializing_if = "Action::is_created")]
    pub action: Action,
    /// The symbols that it concerns; empty for news of the whole market.
    #[serde(default)]
    pub symbols: Vec<Symbol>,
    /// The headline, as text.
    #[serde(deserialize_with = "text::read")]
    pub headline: String,
    /// One or two more sentences, as text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub summary: Option<String>,
    /// The address of the full text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Link>,
    /// The name of the source, `SEC EDGAR`.
    #[serde(deserialize_with = "text::read")]
    pub source: String,
    /// When the source published it.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    #[serde(deserialize_with = "number::read")]
    pub published: Millis,
    /// The form of a filing, `8-K`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub form: Option<String>,
    /// The accession number of a filing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accession: Option<String>,
    /// The code of a halt or a resumption, `T1`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::read_some"
    )]
    pub code: Option<String>,
}

impl News {
    /// What to publish after an earlier version of the same story; `None` if nothing has changed. A story whose words
    /// have changed is [`Action::Updated`], whatever its source calls it, unless it is withdrawn.
    pub fn after(self, earlier: &News) -> Option<News> {
        let withdrawn = self.action == Action::Deleted;
        if withdrawn && earlier.action == Action::Deleted {
            return None;
        }
        let words = News {
            action: earlier.action,
            ..self
        };
        if words == *earlier && !withdrawn && earlier.action != Action::Deleted {
            return None;
        }
        let action = if withdrawn {
            Action::Deleted
        } else {
            Action::Updated
        };
        Some(News { action, ..words })
    }

    /// Whether headline and summary contain all of these words, in the form of [`words_of`]. Of the last word the
    /// beginning is enough, since a person may still be typing it.
    pub fn has_words(&self, words: &[String]) -> bool {
        let Some((last, others)) = words.split_last() else {
            return true;
        };
        let mut present = words_of(&self.headline);
        present.extend(words_of(self.summary.as_deref().unwrap_or_default()));
        others.iter().all(|word| present.contains(word))
            && present.iter().any(|word| word.starts_with(&**last))
    }
}

/// The words of a text in lower case, separated by anything but letters and digits.
#[cfg(target_arch = "wasm32")]
pub fn words_of(text: &str) -> Vec<String> {
    // The Unicode tables would be a thirtieth of the page's program, and the browser has them.
    let words = js_sys::RegExp::new(r"[\p{Alphabetic}\p{N}]+", "gu");
    let found = js_sys::JsString::from(text).to_lower_case().match_(&words);
    let found = found
        .map(|found| js_sys::Array::from(&found))
        .unwrap_or_default();
    found.iter().filter_map(|word| word.as_string()).collect()
}

/// The words of a text in lower case, separated by anything but letters and digits.
#[cfg(not(target_arch = "wasm32"))]
pub fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// The kind of a piece of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the word that the trade uses")]
pub enum NewsType {
    Headline,
    PressRelease,
    Earnings,
    Filing,
    Insider,
    Halt,
    Resume,
    Dividend,
    Split,
    Rating,
    Merger,
    Offering,
    Management,
    Macro,
    Notice,
}

impl NewsType {
    /// Every type, in the order in which a filter lists them.
    pub const ALL: [NewsType; 15] = [
        NewsType::Headline,
        NewsType::PressRelease,
        NewsType::Earnings,
        NewsType::Filing,
        NewsType::Insider,
        NewsType::Halt,
        NewsType::Resume,
        NewsType::Dividend,
        NewsType::Split,
        NewsType::Rating,
        NewsType::Merger,
        NewsType::Offering,
        NewsType::Management,
        NewsType::Macro,
        NewsType::Notice,
    ];

    /// The kind as the page shows it, in lower case.
    pub const fn label(self) -> &'static str {
        match self {
            NewsType::Headline => "headline",
            NewsType::PressRelease => "press release",
            NewsType::Earnings => "earnings",
            NewsType::Filing => "filing",
            NewsType::Insider => "insider",
            NewsType::Halt => "halt",
            NewsType::Resume => "resume",
            NewsType::Dividend => "dividend",
            NewsType::Split => "split",
            NewsType::Rating => "rating",
            NewsType::Merger => "merger",
            NewsType::Offering => "offering",
            NewsType::Management => "management",
            NewsType::Macro => "macro",
            NewsType::Notice => "notice",
        }
    }
}

/// How the kind of a story was determined, so that a guess is never shown as a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The source gave it.
    Native,
    /// A table maps the source's own category to it.
    Mapped,
    /// Words in the headline suggest it.
    Inferred,
}

/// The change that a version of a story makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    #[default]
    Created,
    /// It was corrected.
    Updated,
    /// It was withdrawn.
    Deleted,
}

impl Action {
    fn is_created(&self) -> bool {
        *self == Action::Created
    }
}

/// An `http` or `https` address: nothing else may become a link on the page. It contains no user: the text before an
/// `@` is either a password that should not be passed on, or a host that the link does not lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Link(String);

impl Link {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`Link`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkError {
    /// The address; absent if it may contain a password.
    text: Option<String>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(
                f,
                "{text:?} is not a link: expected an address that begins with https:// or http://"
            ),
            None => f.write_str(
                "an address with a user in it is not a link: expected one without what stands before its @",
            ),
        }
    }
}

impl std::error::Error for LinkError {}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let rest = ["https://", "http://"].iter().find_map(|scheme| {
            let head = text.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme)
                .then(|| &text[scheme.len()..])
        });
        if rest.is_some_and(has_user) {
            return Err(LinkError { text: None });
        }
        match rest {
            // Browsers strip some control characters and white space from addresses before they parse them, and do not
            // show others: such an address is not what it appears to be.
            Some(rest)
                if !rest.is_empty()
                    && !text
                        .chars()
                        .any(|c| text::is_hidden(c) || c.is_whitespace()) =>
            {
                Ok(Link(text.to_owned()))
            }
            _ => Err(LinkError {
                text: Some(text.chars().take(128).collect()),
            }),
        }
    }
}

/// Whether the part of an address after the scheme has a user before its host. Browsers treat a backslash as a slash.
fn has_user(rest: &str) -> bool {
    let authority = rest
        .split(['/', '\\', '?', '#'])
        .find(|part| !part.is_empty());
    authority.is_some_and(|authority| authority.contains('@'))
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_story_twice_is_one_and_a_changed_one_is_an_update() {
        let version = |action, headline: &str| News {
            id: "test:1".to_owned(),
            kind: NewsType::Headline,
            basis: Basis::Native,
            action,
            symbols: Vec::new(),
            headline: headline.to_owned(),
            summary: None,
            url: None,
            source: "test".to_owned(),
            published: 1,
            form: None,
            accession: None,
            code: None,
        };
        use Action::{Created, Deleted, Updated};
        for (before, now, becomes) in [
            ((Created, "a"), (Created, "a"), None),
            ((Updated, "a"), (Created, "a"), None),
            ((Created, "a"), (Updated, "a"), None),
            ((Created, "a"), (Created, "b"), Some(Updated)),
            ((Updated, "a"), (Updated, "b"), Some(Updated)),
            ((Created, "a"), (Deleted, "a"), Some(Deleted)),
            ((Updated, "a"), (Deleted, ""), Some(Deleted)),
            ((Deleted, "a"), (Deleted, ""), None),
            ((Deleted, "a"), (Created, "a"), Some(Updated)),
        ] {
            let expected = becomes.map(|action| version(action, now.1));
            let after = version(now.0, now.1).after(&version(before.0, before.1));
            assert_eq!(after, expected, "{now:?} after {before:?}");
        }
    }

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(words_of("U.S. Fed’s 2nd"), ["u", "s", "fed", "s", "2nd"]);
    }

    #[test]
    fn a_link_is_http_or_no_link() {
        for text in [
            "https://a.example/x?y#z",
            "HTTP://a.example",
            "https://a.example/@user",
            "https://a.example?to=b@c.example",
            "https://a.example#@",
        ] {
            assert_eq!(text.parse::<Link>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "javascript:alert(1)",
            "https://",
            "//a.example",
            "data:text/html,x",
            "https://a\n.example",
            " https://a.example",
            "https://a.example/\u{202e}gpj.exe",
            "https://a\u{200b}.example",
            "é",
            "https://user@a.example",
            "https://user:hunter2@a.example/x",
            "HTTP://:hunter2@a.example",
            "https:///user@a.example",
            "https://@a.example",
        ] {
            let refused = text.parse::<Link>().map_err(|error| error.to_string());
            let why = refused.expect_err(text);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
