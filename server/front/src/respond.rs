//! Responses that hyper does not write.

use std::{io, time::SystemTime};

use axum::{
    body::Body,
    http::{StatusCode, header, response::Parts},
    response::Response,
};
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::gate::Gate;
use events::put_chunk;

/// The end of a chunked body.
pub(super) const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// How a response marks the end of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(u64),
    Chunked,
}

/// The head of a response, of HTTP/1.1.
pub(super) fn head(parts: &Parts, length: Length, keep_alive: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_status(&mut out, parts.status);
    for (name, value) in &parts.headers {
        // The router measures its own body, which differs from the sent one if a stream was taken out of it; and the
        // two fields exclude each other (RFC 9112, section 6.2).
        if name != header::CONTENT_LENGTH {
            put(&mut out, name.as_str(), value.as_bytes());
        }
    }
    match length {
        Length::Known(bytes) => put(&mut out, "content-length", bytes.to_string().as_bytes()),
        Length::Chunked => put(&mut out, "transfer-encoding", b"chunked"),
    }
    if !keep_alive {
        put(&mut out, "connection", b"close");
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    put(&mut out, "date", date.as_bytes());
    out.extend_from_slice(b"\r\n");
    out
}

fn put_status(out: &mut Vec<u8>, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).as_bytes());
}

fn put(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes a complete response.
///
/// # Errors
/// If the connection breaks, or the body does: the connection is then useless.
pub(super) async fn respond(
    gate: &mut Gate,
    response: Response<Body>,
    keep_alive: bool,
) -> io::Result<()> {
    let (parts, mut body) = response.into_parts();
    let length = match body.size_hint().exact() {
        Some(bytes) => Length::Known(bytes),
        None => Length::Chunked,
    };
    let mut out = head(&parts, length, keep_alive);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else {
            continue;
        };
        match length {
            Length::Known(_) => out.extend_from_slice(&data),
            // A chunk without data would be the last.
            Length::Chunked if data.is_empty() => {}
            Length::Chunked => {
                put_chunk(&mut out, &data);
            }
        }
        gate.write_all(&out).await?;
        out.clear();
    }
    if length == Length::Chunked {
        out.extend_from_slice(&LAST_CHUNK);
    }
    gate.write_all(&out).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_length_or_chunks_and_never_both() {
        let measured = Response::builder().header(header::CONTENT_LENGTH, 7);
        let (parts, _) = measured.body(()).unwrap().into_parts();
        let fields = |length| {
            let text = String::from_utf8(head(&parts, length, true)).unwrap();
            let fields = text.lines().filter_map(|line| line.split_once(": "));
            let of_length = ["content-length", "transfer-encoding"];
            fields
                .filter(|(name, _)| of_length.contains(name))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Vec<_>>()
        };
        let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(fields(Length::Known(7)), field("content-length", "7"));
        assert_eq!(
            fields(Length::Chunked),
            field("transfer-encoding", "chunked")
        );
    }
}
