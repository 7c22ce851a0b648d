//! The security headers of every answer: pages, JSON, streams, errors and assets.

use std::{fmt, str::FromStr};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use leptos::{config::LeptosOptions, nonce::Nonce};

/// The same everywhere. Linked sites do not receive the address of the page; windows opened by the page cannot reach
/// back; other sites may read what CORS allows, and embed nothing as an image or a script.
const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Who may show the page in a frame: the sources of `frame-ancestors`
/// ([CSP 3, section 6.4.2](https://www.w3.org/TR/CSP3/#directive-frame-ancestors)). By default
/// nobody, so that no other page can lay itself over this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameAncestors {
    /// The sources of the directive.
    sources: String,
}

impl FrameAncestors {
    /// The same for browsers that support only the older header, if it can be expressed there ([RFC 7034, section
    /// 2.1](https://www.rfc-editor.org/rfc/rfc7034#section-2.1)).
    fn x_frame_options(&self) -> Option<HeaderValue> {
        match &*self.sources {
            "'none'" => Some(HeaderValue::from_static("DENY")),
            "'self'" => Some(HeaderValue::from_static("SAMEORIGIN")),
            _ => None,
        }
    }
}

impl Default for FrameAncestors {
    fn default() -> Self {
        FrameAncestors {
            sources: "'none'".to_owned(),
        }
    }
}

impl fmt::Display for FrameAncestors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sources)
    }
}

impl FromStr for FrameAncestors {
    type Err = String;

    /// Parses `none`, or sources separated by spaces: `self`, `https:`, `https://*.example.org:8443`. The words may
    /// have the quotes of the directive, which a shell removes.
    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let mut sources: Vec<String> = Vec::new();
        for word in &words {
            let source = match word.trim_matches('\'') {
                "none" if words.len() == 1 => "'none'".to_owned(),
                "none" => return Err("none allows nobody and stands alone".to_owned()),
                "self" => "'self'".to_owned(),
                _ if is_source(word) => word.to_ascii_lowercase(),
                _ => {
                    return Err(format!(
                        "{word:?} is no source: expected none, self, https: or an origin such as https://example.org or https://*.example.org:8443"
                    ));
                }
            };
            sources.push(source);
        }
        if sources.is_empty() {
            return Err("expected none, self, or origins such as https://example.org".to_owned());
        }
        Ok(FrameAncestors {
            sources: sources.join(" "),
        })
    }
}

/// Whether a word is a `scheme-source` or a `host-source` of
/// [CSP 3, section 2.3.1](https://www.w3.org/TR/CSP3/#framework-directive-source-list), of the web
/// and without a path: ancestors are compared by their origins.
fn is_source(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if matches!(&*lower, "https:" | "http:" | "*") {
        return true;
    }
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"))
        .unwrap_or(&lower);
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_host = name.split('.').all(is_label);
    let is_port = port.is_none_or(|port| {
        port == "*"
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    });
    is_host && is_port
}

/// The headers that are added to every answer.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    frame_ancestors: FrameAncestors,
    x_frame_options: Option<HeaderValue>,
    /// The policy of everything that is not a page: a document may load nothing from it.
    plain: HeaderValue,
    /// The addresses that a page connects to beside its own origin; empty except during development.
    reload: String,
}

impl Headers {
    pub(crate) fn new(frame_ancestors: &FrameAncestors, leptos: &LeptosOptions) -> Self {
        let plain = format!(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}"
        );
        Headers {
            x_frame_options: frame_ancestors.x_frame_options(),
            plain: value(&plain),
            frame_ancestors: frame_ancestors.clone(),
            reload: reload(leptos, std::env::var_os("LEPTOS_WATCH").is_some()),
        }
    }

    /// The policy of a page whose inline scripts carry the nonce. The style sheet, the script and
    /// the WebAssembly are files of its own origin; the icon is in the page itself.
    fn of_page(&self, nonce: &Nonce) -> HeaderValue {
        let Headers {
            frame_ancestors,
            reload,
            ..
        } = self;
        value(&format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self' data:; manifest-src 'self'; worker-src 'self'; connect-src 'self'{reload}; base-uri 'none'; form-action 'self'; \
             frame-ancestors {frame_ancestors}"
        ))
    }
}

/// While `cargo leptos watch` runs, the page receives changes over a socket, whose address is that of the page with
/// another port.
fn reload(leptos: &LeptosOptions, watched: bool) -> String {
    if !watched {
        return String::new();
    }
    let port = leptos.reload_external_port.unwrap_or(leptos.reload_port);
    format!(" ws://*:{port} wss://*:{port}")
}

/// All parts of a policy have been checked to be visible ASCII.
fn value(policy: &str) -> HeaderValue {
    HeaderValue::from_str(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The policy of a document or a worker that is no page, in the extensions of its response.
#[derive(Debug, Clone)]
pub(crate) struct OwnPolicy(pub(crate) HeaderValue);

/// Adds the headers to an answer. A page has its nonce in the extensions of its response.
pub(crate) async fn protect(State(headers): State<Headers>, mut response: Response) -> Response {
    let extensions = response.extensions();
    let policy = match (extensions.get::<Nonce>(), extensions.get::<OwnPolicy>()) {
        (Some(nonce), _) => headers.of_page(nonce),
        (None, Some(OwnPolicy(policy))) => policy.clone(),
        (None, None) => headers.plain,
    };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_SECURITY_POLICY, policy);
    if let Some(options) = headers.x_frame_options {
        answer.insert(header::X_FRAME_OPTIONS, options);
    }
    answer.extend(ALWAYS);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse()
            .map(|ancestors: FrameAncestors| ancestors.to_string())
    }

    #[test]
    fn reads_sources_with_and_without_their_quotes() {
        for (text, directive) in [
            ("none", "'none'"),
            ("'none'", "'none'"),
            ("self", "'self'"),
            (
                "'self'  https://Wall.example.org",
                "'self' https://wall.example.org",
            ),
            (
                "https://*.example.org:8443 wall:* https:",
                "https://*.example.org:8443 wall:* https:",
            ),
            ("*", "*"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(directive), "{text}");
        }
        assert_eq!(FrameAncestors::default().to_string(), "'none'");
    }

    #[test]
    fn refuses_sources_that_would_end_or_change_the_directive() {
        for text in [
            "",
            " ",
            "none self",
            "https://a.example;script-src *",
            "https://a.example,https://b.example",
            "https://a.example/path",
            "https://",
            "https://a..example",
            "https://*.",
            "https://a.example:70000",
            "https://a.example:+1",
            "https://a.example:",
            "ftp://a.example",
            "'unsafe-inline'",
            "https://ä.example",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        let error = read("self javascript:").unwrap_err();
        assert!(error.contains("\"javascript:\""), "{error}");
    }

    #[test]
    fn the_older_header_means_the_same_or_is_absent() {
        let options = |text: &str| {
            let ancestors: FrameAncestors = text.parse().unwrap();
            ancestors.x_frame_options()
        };
        assert_eq!(options("none").unwrap(), "DENY");
        assert_eq!(options("self").unwrap(), "SAMEORIGIN");
        assert_eq!(options("self https://a.example"), None);
    }

    #[test]
    fn the_socket_of_the_watch_is_allowed_only_while_it_watches() {
        let leptos = LeptosOptions::builder()
            .output_name("tickertape")
            .reload_port(4001_u32)
            .build();
        assert_eq!(reload(&leptos, false), "");
        assert_eq!(reload(&leptos, true), " ws://*:4001 wss://*:4001");
    }
}
