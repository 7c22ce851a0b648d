//! Conditional requests: entity tags and `If-None-Match` ([RFC 9110, sections 8.8.3 and
//! 13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).

use std::{
    fmt,
    hash::{DefaultHasher, Hasher},
};

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use tape::EventId;
use utoipa::IntoParams;

/// The entity tags that a client holds.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header, which is read as one")]
pub struct IfNoneMatch {
    /// Entity tags of answers that the client holds; if one of them is that of the answer as JSON, the answer is 304.
    #[param(rename = "If-None-Match", example = "W/\"1732111111202-0.1\"")]
    if_none_match: Option<String>,
}

/// The tag of an answer's content. It is weak because the bytes differ by content encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    /// The text between the quotes.
    opaque: String,
}

impl EntityTag {
    /// The tag of an answer made from these entries of the tape: the newest id, and the number of entries.
    ///
    /// An append changes the newest id, and an entry that leaves the window the count, so that for one address the two
    /// identify the content, which need not be hashed.
    pub fn of(ids: impl IntoIterator<Item = EventId>) -> Self {
        let none = (EventId { ms: 0, n: 0 }, 0_usize);
        let (newest, entries) = ids
            .into_iter()
            .fold(none, |(newest, entries), id| (newest.max(id), entries + 1));
        EntityTag {
            opaque: format!("{newest}.{entries}"),
        }
    }

    /// The tag of an answer whose content comes from elsewhere: a hash of it. It need not withstand an attacker: one
    /// who could choose content with the tag of other content could send that content as well.
    pub fn of_content(content: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(content);
        EntityTag {
            opaque: format!("{:016x}", hasher.finish()),
        }
    }

    /// Whether a client that sends these headers has the answer with this tag. The comparison is weak: `W/` on either
    /// side makes no difference.
    fn is_held(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|list| list.trim() == "*" || opaque_tags(list).any(|tag| tag == self.opaque))
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.opaque)
    }
}

/// The text between the quotes of each tag of a list. It ends where the list is malformed: a tag that cannot be parsed
/// cannot match.
fn opaque_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = quoted.split_once('"')?;
        rest = after;
        Some(tag)
    })
}

/// Finds a tag among those that a client sends.
#[cfg(any(test, feature = "testing"))]
pub fn fuzz_tags(bytes: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
        EntityTag::of([]).is_held(&headers);
    }
}

/// The answer as JSON, or 304 if the client has it. Without a tag it is always sent.
pub fn answer<T: Serialize>(request: &HeaderMap, tag: Option<EntityTag>, body: T) -> Response {
    tagged(request, tag, || Json(body))
}

/// The content of a type, or 304 if the client has it.
pub fn content(
    request: &HeaderMap,
    content_type: &'static str,
    content: impl Into<Bytes>,
) -> Response {
    let content = content.into();
    let tag = EntityTag::of_content(&content);
    let body = || ([(header::CONTENT_TYPE, content_type)], content);
    tagged(request, Some(tag), body)
}

fn tagged<R: IntoResponse>(
    request: &HeaderMap,
    tag: Option<EntityTag>,
    body: impl FnOnce() -> R,
) -> Response {
    let common = [
        (header::CACHE_CONTROL, "no-cache"),
        // Set here, because an answer that is not compressed bypasses the layer that would set it.
        (header::VARY, "accept, accept-encoding"),
    ];
    let Some(tag) = tag else {
        return (common, body()).into_response();
    };
    let tagged: Option<(HeaderName, HeaderValue)> = HeaderValue::try_from(tag.to_string())
        .ok()
        .map(|value| (header::ETAG, value));
    let mut response = if tag.is_held(request) {
        (StatusCode::NOT_MODIFIED, common).into_response()
    } else {
        (common, body()).into_response()
    };
    response.headers_mut().extend(tagged);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> EntityTag {
        EntityTag::of([(3, 0), (17, 2), (17, 1)].map(|(ms, n)| EventId { ms, n }))
    }

    fn is_held(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_NONE_MATCH, value.parse().unwrap());
        }
        tag().is_held(&headers)
    }

    #[test]
    fn a_tag_is_the_newest_entry_and_how_many() {
        assert_eq!(tag().to_string(), "W/\"17-2.3\"");
        assert_eq!(EntityTag::of([]).to_string(), "W/\"0-0.0\"");
    }

    #[test]
    fn a_tag_of_content_is_the_same_for_the_same_content_alone() {
        let tag = EntityTag::of_content(b"a");
        assert_eq!(EntityTag::of_content(b"a"), tag);
        assert_ne!(EntityTag::of_content(b"b"), tag);
    }

    #[test]
    fn finds_a_tag_in_lists_of_any_form() {
        for values in [
            &["W/\"17-2.3\""][..],
            &["\"17-2.3\""],
            &["\"a,b\" , W/\"c\",W/\"17-2.3\""],
            &["\"a\"", "W/\"17-2.3\""],
            &["*"],
            &[" * "],
            &[",, W/\"17-2.3\""],
        ] {
            assert!(is_held(values), "{values:?}");
        }
        for values in [
            &[][..],
            &["W/\"17-2.4\""],
            &["17-2.3"],
            &["w/\"17-2.3\""],
            &["\"x W/\"17-2.3\""],
            &["\"*\""],
            &["\"17-2.3"],
            &[""],
        ] {
            assert!(!is_held(values), "{values:?}");
        }
    }
}
