//! Choosing a representation by `Accept`.

use axum::http::{HeaderMap, header};

use crate::problem::Problem;

/// The representations of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// `text/html`, for a person.
    Page,
    /// `application/json`, for a program that requests once.
    Json,
    /// `text/event-stream`, for a program that follows events.
    Stream,
}

/// In the server's order of preference, for a client that accepts several equally: a program without a preference gets
/// JSON.
const ALL: [(Representation, &str); 3] = [
    (Representation::Json, "application/json"),
    (Representation::Page, "text/html"),
    (Representation::Stream, "text/event-stream"),
];

/// The same for a resource without a page.
const DATA: [(Representation, &str); 2] = [
    (Representation::Json, "application/json"),
    (Representation::Stream, "text/event-stream"),
];

impl Representation {
    /// The one that the client prefers, by [RFC 9110, section
    /// 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1). Among equal ones a named type wins:
    /// `text/event-stream, */*` requests a stream.
    ///
    /// # Errors
    /// [`Problem::NotAcceptable`] if it accepts none of the server's.
    pub fn negotiate(headers: &HeaderMap) -> Result<Representation, Problem> {
        let offered = "text/html, application/json, text/event-stream";
        choose(headers, &ALL, offered)
    }

    /// The same for a resource that has no page.
    pub fn negotiate_data(headers: &HeaderMap) -> Result<Representation, Problem> {
        choose(headers, &DATA, "application/json, text/event-stream")
    }
}

/// The one of several types that a client prefers, as in [`Representation::negotiate`]; the first if it names no
/// preference. `offered` lists them for people.
///
/// # Errors
/// [`Problem::NotAcceptable`] if it accepts none of them.
pub fn choose<T: Copy>(
    headers: &HeaderMap,
    all: &[(T, &'static str)],
    offered: &'static str,
) -> Result<T, Problem> {
    let values: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let mut accept = values.join(", ");
    if accept.trim().is_empty() {
        accept = "*/*".to_owned();
    }
    let mut best: Option<(T, Liking)> = None;
    for (choice, media) in all {
        let (kind, subtype) = media.split_once('/').unwrap_or((media, ""));
        let liking = liking(&accept, kind, subtype);
        if liking.quality > 0 && best.is_none_or(|(_, best)| liking > best) {
            best = Some((*choice, liking));
        }
    }
    best.map(|(choice, _)| choice)
        .ok_or(Problem::NotAcceptable { accept, offered })
}

/// A client's preference for a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Liking {
    /// In thousandths; 0 is a refusal.
    quality: u16,
    /// How exactly the type was named: 3 for itself, 1 for `*/*`.
    specificity: u8,
}

/// The quality that `accept` gives a type: that of its most specific range.
fn liking(accept: &str, kind: &str, subtype: &str) -> Liking {
    let mut best = Liking::default();
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_kind, range_subtype)) =
            parts.next().and_then(|range| range.split_once('/'))
        else {
            continue;
        };
        let specificity = if range_kind.eq_ignore_ascii_case(kind)
            && range_subtype.eq_ignore_ascii_case(subtype)
        {
            3
        } else if range_kind.eq_ignore_ascii_case(kind) && range_subtype == "*" {
            2
        } else if range_kind == "*" && range_subtype == "*" {
            1
        } else {
            continue;
        };
        let quality = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(1000, |(_, value)| {
                let value: f32 = value.trim().parse().unwrap_or(0.0);
                (value.clamp(0.0, 1.0) * 1000.0) as u16
            });
        if specificity > best.specificity {
            best = Liking {
                quality,
                specificity,
            };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &str) -> Option<Representation> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Representation::negotiate(&headers).ok()
    }

    #[test]
    fn gives_what_is_liked_best() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert_eq!(negotiate(browser), Some(Representation::Page));
        assert_eq!(negotiate("text/event-stream"), Some(Representation::Stream));
        assert_eq!(
            negotiate("TEXT/Event-Stream; q=0.5, application/json;q=0.2"),
            Some(Representation::Stream)
        );
        assert_eq!(
            negotiate("text/html, application/xhtml+xml, */*"),
            Some(Representation::Page)
        );
        assert_eq!(
            negotiate("text/event-stream, */*"),
            Some(Representation::Stream)
        );
        assert_eq!(negotiate("*/*"), Some(Representation::Json));
        assert_eq!(negotiate("text/*"), Some(Representation::Page));
        assert_eq!(
            negotiate("*/*, application/json;q=0"),
            Some(Representation::Page)
        );
        assert_eq!(negotiate(""), Some(Representation::Json));
    }

    #[test]
    fn refuses_what_is_not_there() {
        assert_eq!(negotiate("image/png"), None);
        assert_eq!(negotiate("application/json;q=0"), None);
        assert_eq!(negotiate("nonsense"), None);
    }
}
