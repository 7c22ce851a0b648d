//! The head of a request, parsed strictly.
//!
//! A head that two parsers of HTTP could read in two ways is refused, because the other parser may be a proxy in front
//! of the server: an attacker who makes the two disagree about the end of a request can insert a request into another
//! client's connection ([RFC 9112, section 11.2](https://www.rfc-editor.org/rfc/rfc9112#section-11.2)).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use httparse::Status;

use crate::{hosts::Host, request::Refused};

/// The most fields that a head may have.
const MAX_FIELDS: usize = 100;

const BARE_LINE_FEED: &str = "the head has a line that ends without a carriage return";

/// A complete and unambiguous head.
#[derive(Debug)]
pub(super) struct Head {
    /// Its length in bytes, including the empty line.
    pub(super) len: usize,
    /// The body that follows it.
    pub(super) body: Body,
    /// The request, if a stream may answer it: a GET of HTTP/1.1 without a body that accepts `text/event-stream`.
    pub(super) stream: Option<Request<()>>,
    /// Whether another request may follow on the connection.
    pub(super) keep_alive: bool,
    /// The requested host: that of its `Host` field, and that of its address if that has one.
    pub(super) hosts: Vec<Host>,
}

/// The body that follows a head
/// ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks, to the last one.
    Chunked,
}

/// Parses the head at the beginning of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// If it is invalid, or requests something unsupported.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Head>, Refused> {
    let head = read(bytes).map_err(Refused::Malformed)?;
    match head {
        Some((_, Some(what))) => Err(Refused::NotImplemented(what)),
        Some((head, None)) => Ok(Some(head)),
        None => Ok(None),
    }
}

/// The head, and the unsupported part of its request.
fn read(bytes: &[u8]) -> Result<Option<(Head, Option<String>)>, String> {
    // An empty line before the request is skipped, as RFC 9112, section 2.2, requires, if it is one.
    if bytes.first() == Some(&b'\n') {
        return Err(BARE_LINE_FEED.to_owned());
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let len = match request.parse(bytes) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(format!(
                "the head has too many fields: expected at most {MAX_FIELDS}"
            ));
        }
        Err(error) => return Err(format!("the head is no HTTP/1.1: {error}")),
    };
    if bytes[..len]
        .windows(2)
        .any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
    {
        return Err(BARE_LINE_FEED.to_owned());
    }
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Err("the head has no request line".to_owned());
    };
    let body = body(request.headers, version)?;
    let hosts = named(request.headers, "host").count();
    if hosts > 1 || (version == 1 && hosts == 0) {
        return Err(format!(
            "the head has {hosts} Host fields: expected exactly one"
        ));
    }
    let mut hosts = Vec::with_capacity(hosts);
    for value in named(request.headers, "host") {
        hosts.push(host_of(value)?);
    }
    if let Some(byte) = target.bytes().find(|byte| !byte.is_ascii_graphic()) {
        return Err(format!(
            "the address {target:?} has the byte {byte:#04x} in it: expected it as %{byte:02X}"
        ));
    }
    // hyper would answer a head that it cannot parse in its own way.
    let uri: Uri = target
        .parse()
        .map_err(|error| format!("the address {target:?} cannot be read: {error}"))?;
    let not_here = match (method, target) {
        ("CONNECT", _) => Some("this is no proxy, and CONNECT does nothing here".to_owned()),
        (_, "*") => Some(format!(
            "{method} * is a request to the server as a whole, which is not supported: expected a path such as /stocks/GOOG"
        )),
        _ => None,
    };
    if not_here.is_none() && !target.starts_with('/') {
        hosts.push(host_of_address(&uri, target)?);
    }
    let stream = if method == "GET" && version == 1 && body == Body::Length(0) {
        streamable(uri, request.headers)?
    } else {
        None
    };
    let close = named(request.headers, "connection")
        .any(|value| tokens(value).any(|token| token.eq_ignore_ascii_case(b"close")));
    let head = Head {
        len,
        body,
        stream,
        keep_alive: version == 1 && !close,
        hosts,
    };
    Ok(Some((head, not_here)))
}

fn host_of(value: &[u8]) -> Result<Host, String> {
    let text = std::str::from_utf8(value).ok();
    text.and_then(|text| Host::of_authority(text).ok())
        .ok_or_else(|| {
            format!(
                "Host is {:?}: expected a name or an address, and a port where there is one",
                String::from_utf8_lossy(value)
            )
        })
}

/// The host of an address that has one, as a proxy writes it ([RFC 9112, section
/// 3.2.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2)).
fn host_of_address(uri: &Uri, target: &str) -> Result<Host, String> {
    let authority = match uri.scheme_str() {
        Some("http" | "https") => uri.authority(),
        _ => None,
    };
    authority
        .and_then(|authority| Host::of_authority(authority.as_str()).ok())
        .ok_or_else(|| {
            format!("the address {target:?} cannot be read: expected a path such as /stocks/GOOG")
        })
}

fn named<'a>(
    fields: &'a [httparse::Header<'a>],
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value)
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn body(fields: &[httparse::Header<'_>], version: u8) -> Result<Body, String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut codings = named(fields, "transfer-encoding");
    let mut lengths = named(fields, "content-length");
    let (coding, length) = (codings.next(), lengths.next());
    if let Some(coding) = coding {
        if version == 0 {
            return Err("Transfer-Encoding is not of HTTP/1.0".to_owned());
        }
        if length.is_some() {
            return Err("the head has both Transfer-Encoding and Content-Length".to_owned());
        }
        if codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(format!(
                "Transfer-Encoding is {:?}: expected chunked, once",
                text(coding)
            ));
        }
        return Ok(Body::Chunked);
    }
    let Some(length) = length else {
        return Ok(Body::Length(0));
    };
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    match text(length).parse() {
        Ok(number) if digits && lengths.next().is_none() => Ok(Body::Length(number)),
        _ => Err(format!(
            "Content-Length is {:?}: expected one number of bytes, once",
            text(length)
        )),
    }
}

/// The request, if it accepts a stream and requests nothing else, such as another protocol.
fn streamable(uri: Uri, fields: &[httparse::Header<'_>]) -> Result<Option<Request<()>>, String> {
    let accepts = named(fields, "accept").any(|value| {
        value
            .windows(b"text/event-stream".len())
            .any(|part| part.eq_ignore_ascii_case(b"text/event-stream"))
    });
    let special = ["upgrade", "expect"]
        .into_iter()
        .any(|name| named(fields, name).next().is_some());
    if !accepts || special {
        return Ok(None);
    }
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|error| format!("the field {:?}: {error}", field.name))?;
        let value = HeaderValue::from_bytes(field.value)
            .map_err(|error| format!("the field {name}: {error}"))?;
        headers.append(name, value);
    }
    headers.remove(header::CONNECTION);
    let mut request = Request::new(());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    Ok(Some(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> Head {
        parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_request_for_a_stream_is_distinguished_from_others() {
        let stream = "GET /stocks/GOOG?max_rate=2 HTTP/1.1\r\nHost: here\r\nAccept: text/html, Text/Event-Stream\r\nLast-Event-ID: 5-0\r\n\r\n";
        let head = complete(stream);
        assert_eq!(head.len, stream.len());
        let request = head.stream.unwrap();
        assert_eq!(request.uri(), "/stocks/GOOG?max_rate=2");
        assert_eq!(request.headers()["last-event-id"], "5-0");
        for other in [
            "GET /stocks HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n",
            "HEAD /stocks HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n\r\n",
            "GET /stocks HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n",
            "GET /stocks HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\nContent-Length: 1\r\n\r\nx",
            "GET /stocks HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\nUpgrade: websocket\r\n\r\n",
        ] {
            assert!(complete(other).stream.is_none(), "{other}");
        }
    }

    #[test]
    fn a_head_is_incomplete_until_its_last_byte() {
        let text = "POST /publish HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nConnection: a, Close\r\n\r\n";
        for end in 0..text.len() {
            assert!(parse(&text.as_bytes()[..end]).unwrap().is_none(), "{end}");
        }
        let head = complete(&format!("{text}abc"));
        assert_eq!(head.len, text.len());
        assert_eq!(head.body, Body::Length(3));
        assert!(!head.keep_alive);
    }

    #[test]
    fn a_head_has_the_requested_host() {
        let hosts = |text: &str| {
            let hosts = complete(text).hosts;
            hosts.iter().map(Host::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            hosts("GET / HTTP/1.1\r\nHost: A.example:80\r\n\r\n"),
            ["a.example"]
        );
        assert_eq!(
            hosts("GET http://b.example/stocks HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            ["a.example", "b.example"]
        );
        assert_eq!(hosts("\r\nGET / HTTP/1.0\r\n\r\n"), [""; 0]);
    }

    #[test]
    fn what_is_not_done_here_is_refused_as_that() {
        for head in [
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
            "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            let read = parse(head.as_bytes());
            assert!(
                matches!(read, Err(Refused::NotImplemented(_))),
                "{head:?}: {read:?}"
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /stocks/\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /?q=\u{1f4c8} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
            "GET stocks HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET /<x> HTTP/1.1\r\nHost: a\r\n\r\n",
            "\u{16}\u{3}\u{1} HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            let read = parse(head.as_bytes());
            assert!(
                matches!(read, Err(Refused::Malformed(_))),
                "{head:?}: {read:?}"
            );
        }
        let many = "X: y\r\n".repeat(MAX_FIELDS);
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
        let Err(Refused::Malformed(why)) = parse(head.as_bytes()) else {
            panic!("it is not refused")
        };
        assert!(why.contains("100"), "{why}");
    }
}
