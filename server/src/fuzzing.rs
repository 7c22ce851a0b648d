//! What the targets under `server/fuzz` call: every parser of bytes from outside, with what must hold
//! whatever the bytes are. Built for them alone.

use std::{net::IpAddr, path::PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use market::{Event, Link, Millis, Price, Size, Symbol, sse::Decoder};
use tape::EventId;

use crate::{
    feeds::{FeedSpec, binance, coinbase, replay},
    front, http,
    publish::{Format, Submission},
};

const NOW: Millis = 1_790_000_000_000;

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// A stream, as a reader of it takes it: however it is cut it says the same, and what is an event
/// is the same event when it is written and read again.
pub fn events(bytes: &[u8]) {
    let read = |chunks: &[&[u8]]| {
        let mut decoder = Decoder::new();
        let mut messages = Vec::new();
        for chunk in chunks {
            decoder.push(chunk, |message| messages.push(message));
        }
        messages
    };
    let whole = read(&[bytes]);
    let (one, other) = bytes.split_at(bytes.len() / 2);
    assert_eq!(read(&[one, other]), whole);
    for message in whole {
        if let Ok(event) = Event::decode(&message.name, &message.data) {
            let again = Event::decode(event.name(), &event.data());
            assert_eq!(again.as_ref(), Ok(&event));
        }
    }
}

/// Names and numbers: what can be read is shown as what reads the same.
pub fn names(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(symbol) = text.parse::<Symbol>() {
        assert_eq!(symbol.to_string().parse(), Ok(symbol));
    }
    if let Ok(price) = text.parse::<Price>() {
        assert_eq!(price.to_string().parse(), Ok(price));
    }
    if let Ok(size) = text.parse::<Size>() {
        assert_eq!(size.to_string().parse(), Ok(size));
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(link) = text.parse::<Link>() {
        assert_eq!(link.as_str(), text);
    }
    let plain = market::plain(text);
    assert_eq!(market::plain(&plain), plain);
}

/// The head of a request.
pub fn head(bytes: &[u8]) {
    front::fuzz_head(bytes);
}

/// The body of a publication.
pub fn publication(bytes: &[u8]) {
    for format in [Format::Json, Format::Lines] {
        let _ = Submission::read(bytes, format, NOW, 100);
    }
}

/// What a proxy says of whom it speaks for.
pub fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let peer = IpAddr::from([10, 0, 0, 1]);
    for (name, header) in [
        ("x-forwarded-for", http::ClientHeader::XForwardedFor),
        ("forwarded", http::ClientHeader::Forwarded),
    ] {
        let proxies = http::Proxies {
            trusted: http::parse_network("10.0.0.0/8").into_iter().collect(),
            header,
        };
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
        let _ = proxies.client(peer, &headers);
        let _ = proxies.client(IpAddr::from([192, 0, 2, 1]), &headers);
    }
}

/// The tags that a client says it holds.
pub fn tags(bytes: &[u8]) {
    http::fuzz_tags(bytes);
}

/// A frame of Binance.
pub fn binance(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        let _ = binance::parse(text, NOW);
    }
}

/// Frames of Coinbase, a line each.
pub fn coinbase(bytes: &[u8]) {
    let mut parser = coinbase::Parser::new();
    for line in text(bytes).unwrap_or_default().lines() {
        let _ = parser.parse(line, NOW);
    }
}

/// A recording, plain or compressed.
pub fn recording(bytes: &[u8]) {
    let mut frames = 0;
    let _ = replay::read_from(bytes, &PathBuf::from("fuzzed"), |_| {
        frames += 1;
        frames < 10_000
    });
}

/// A feed as it is asked for on the command line.
pub fn feeds(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        let _ = text.parse::<FeedSpec>();
    }
}
