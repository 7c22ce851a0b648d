//! Several requests on a connection, some answered by the front and some by hyper.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use front::Settings;
use market::Event;
use server::http::Slots;

use crate::{
    raw::{Head, OLD_STREAM, PLAIN, Raw, STREAM, until},
    support::{Server, news, quote},
};

/// The fields of a stream that do not concern the connection or this one request.
fn fields(head: &Head) -> BTreeSet<(String, String)> {
    let own = ["date", "x-request-id", "transfer-encoding", "connection"];
    let fields = head.fields.iter();
    let fields = fields.filter(|(name, _)| !own.contains(&name.as_str()));
    fields.cloned().collect()
}

/// Whether the front's own writer has it: hyper leaves a connection of HTTP/1.1 open.
fn is_own(head: &Head) -> bool {
    head.field("connection") == Some("close")
}

#[tokio::test]
async fn a_stream_is_the_same_whoever_writes_it() {
    let server = Server::start().listed();
    let mut all = Vec::new();
    let expecting = STREAM.replace("Host", "Expect: 100-continue\r\nHost");
    for (before, request, version, own) in [
        ("", STREAM, "HTTP/1.1", true),
        (PLAIN, STREAM, "HTTP/1.1", true),
        ("", OLD_STREAM, "HTTP/1.0", false),
        ("", &expecting, "HTTP/1.1", false),
    ] {
        let mut raw = Raw::connect(&server).await;
        if !before.is_empty() {
            for _ in 0..2 {
                let answer = raw.send(before).await.answer().await;
                assert_eq!(answer.head.status, 200);
                assert!(!is_own(&answer.head));
            }
        }
        let head = raw.send(request).await.head().await;
        assert_eq!((head.status, head.version.as_str()), (200, version));
        let chunked = head.field("transfer-encoding") == Some("chunked");
        assert_eq!(chunked, version == "HTTP/1.1", "{head:?}");
        assert_eq!(is_own(&head) && chunked, own, "{head:?}");
        let date = httpdate::parse_http_date(head.field("date").unwrap()).unwrap();
        assert!(date.elapsed().unwrap_or_default() < Duration::from_secs(10));
        let first = raw.event().await.unwrap();
        assert!(matches!(first, Event::Snapshot(_)), "{first:?}");
        all.push((raw, fields(&head), first));
    }
    server.append(news("test:1", "GOOG"));
    server.append(quote("GOOG", "598.00"));
    let (expected, snapshot) = (all[0].1.clone(), all[0].2.clone());
    assert!(expected.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
    for (raw, fields, first) in &mut all {
        assert_eq!(fields, &expected);
        assert_eq!(first, &snapshot);
        assert_eq!(raw.event().await, Some(news("test:1", "GOOG")));
        assert_eq!(raw.event().await, Some(quote("GOOG", "598.00")));
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_a_stream_that_was_refused() {
    let server = Server::set(|service| service.slots = Slots::new(10, 1)).listed();
    let mut open = Raw::connect(&server).await;
    open.open(STREAM).await;
    let unknown = STREAM.replace("GOOG", "NOPE");
    let mut raw = Raw::connect(&server).await;
    for _ in 0..2 {
        raw.send(&unknown).await.answer().await.problem(404);
        let refused = raw.send(STREAM).await.answer().await;
        refused.problem(429);
        assert_eq!(refused.head.field("retry-after"), Some("5"));
        assert_eq!(refused.head.field("connection"), None);
        assert_eq!(raw.send(PLAIN).await.answer().await.head.status, 200);
    }
    raw.send(&format!("{PLAIN}{STREAM}{unknown}{PLAIN}")).await;
    for status in [200, 429, 404, 200] {
        assert_eq!(raw.answer().await.head.status, status);
    }
    drop(open);
    until("the place", || server.metrics.counts().streams == 0).await;
    raw.open(STREAM).await;

    let last = unknown.replace("Host", "Connection: close\r\nHost");
    let mut raw = Raw::connect(&server).await;
    let answer = raw.send(&last).await.answer().await;
    answer.problem(404);
    assert!(is_own(&answer.head));
    raw.closed().await;
}

#[tokio::test]
async fn requests_may_come_together() {
    let server = Server::start().listed();
    let head = PLAIN.replace("GET", "HEAD");
    let mut raw = Raw::connect(&server).await;
    raw.send(&format!("\r\n{PLAIN}{PLAIN}{head}{PLAIN}{STREAM}"))
        .await;
    let body = raw.answer().await.body;
    assert_eq!(raw.answer().await.body, body);
    let head = raw.head().await;
    assert_eq!(head.field("content-length"), Some(&*body.len().to_string()));
    assert_eq!(raw.answer().await.body, body);
    let head = raw.head().await;
    assert!(is_own(&head), "{head:?}");
    assert!(matches!(raw.event().await, Some(Event::Snapshot(_))));
    // A stream has no end: later requests are not answered, and do no harm.
    raw.send(PLAIN).await;
    server.append(news("test:1", "GOOG"));
    assert_eq!(raw.event().await, Some(news("test:1", "GOOG")));
}

#[tokio::test]
async fn a_head_may_be_asked_for_alone() {
    let server = Server::start().listed();
    let mut raw = Raw::connect(&server).await;
    for request in [PLAIN, STREAM] {
        let request = request.replace("GET", "HEAD");
        assert_eq!(raw.send(&request).await.head().await.status, 200);
        // The next bytes are an answer and no body.
        assert_eq!(raw.send(PLAIN).await.answer().await.head.status, 200);
    }
    until("the end of it", || server.metrics.counts().streams == 0).await;
}

#[tokio::test]
async fn whoever_says_close_is_closed() {
    let server = Server::start().listed();
    for connection in ["close", "Close, x", "x,close"] {
        let mut raw = Raw::connect(&server).await;
        let last = PLAIN.replace("Host", &format!("Connection: {connection}\r\nHost"));
        raw.send(PLAIN).await.answer().await;
        // Requests behind it are not answered.
        raw.send(&format!("{last}{PLAIN}")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.head.status, 200);
        assert_eq!(answer.head.field("connection"), Some("close"));
        raw.closed().await;
    }
}

#[tokio::test]
async fn a_request_may_come_in_pieces() {
    let server = Server::start().listed();
    let pause = Duration::from_millis(1);
    for request in [PLAIN, STREAM] {
        for before in ["", PLAIN] {
            let pieces = (1..request.len()).map(|at| {
                let server = &server;
                async move {
                    let mut raw = Raw::connect(server).await;
                    let (first, second) = request.split_at(at);
                    raw.send(&format!("{before}{first}")).await;
                    if !before.is_empty() {
                        assert_eq!(raw.answer().await.head.status, 200);
                    }
                    // Nothing signals when the first piece has been read.
                    tokio::time::sleep(pause).await;
                    raw.send(second).await;
                    assert_eq!(raw.head().await.status, 200, "{first:?}");
                }
            });
            futures_util::future::join_all(pieces).await;
        }
        let mut raw = Raw::connect(&server).await;
        for byte in 0..request.len() {
            raw.send(&request[byte..=byte]).await;
            tokio::time::sleep(pause).await;
        }
        assert_eq!(raw.head().await.status, 200);
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_no_request() {
    let server = Server::start().listed();
    let body = "GET /nowhere HTTP/1.1\r\nHost: here\r\n\r\n";
    let head = format!(
        "GET /stocks/AAPL HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut together = Raw::connect(&server).await;
    together.send(&format!("{head}{body}{PLAIN}")).await;
    assert_eq!(together.answer().await.head.status, 200);
    assert_eq!(together.answer().await.head.status, 200);

    // Whether the connection continues is the server's choice, but something must happen.
    for at in 0..body.len() {
        let mut apart = Raw::connect(&server).await;
        let (first, second) = body.split_at(at);
        apart.send(&format!("{head}{first}")).await;
        assert_eq!(apart.answer().await.head.status, 200);
        apart.send(&format!("{second}{PLAIN}")).await;
        if let Some(head) = apart.head_or_end().await {
            assert_eq!(head.status, 200);
        }
    }
}

#[tokio::test]
async fn who_expects_to_go_on_is_told_to() {
    let server = Server::start().listed();
    let mut raw = Raw::connect(&server).await;
    // This body is not read, so it is not requested.
    raw.send(
        "POST /publish HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    )
    .await;
    raw.answer().await.problem(403);
    let mut raw = Raw::connect(&server).await;
    raw.send("GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\nExpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.head.status, 200);
    assert_eq!(raw.send(PLAIN).await.answer().await.head.status, 200);
}

#[tokio::test]
async fn who_says_no_more_is_still_answered() {
    let server = Server::start().listed();
    let chunked =
        PLAIN.replace("Host", "Transfer-Encoding: chunked\r\nHost") + "1\r\nx\r\n0\r\n\r\n";
    let old = "GET /stocks/GOOG HTTP/1.0\r\nAccept: application/json\r\n\r\n".to_owned();
    let page = "GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\nAccept: text/html\r\n\r\n".to_owned();
    let poll = PLAIN.replace(
        "GOOG HTTP",
        &format!("GOOG?after={}&wait=1 HTTP", server.position()),
    );
    for (requests, statuses) in [
        (PLAIN.to_owned(), &[200][..]),
        (format!("{PLAIN}{PLAIN}"), &[200, 200]),
        (chunked, &[413]),
        (old, &[200]),
        (page, &[200]),
        (STREAM.replace("GOOG", "NOPE"), &[404]),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), &[400]),
    ] {
        let mut raw = Raw::connect(&server).await;
        raw.send(&requests).await.half_close().await;
        for status in statuses {
            assert_eq!(raw.answer().await.head.status, *status, "{requests}");
        }
        raw.closed().await;
    }
    // A request that takes its time.
    let mut raw = Raw::connect(&server).await;
    raw.send(&poll).await.half_close().await;
    until("the poll", || server.tape.stats().cursors == 1).await;
    server.append(news("test:1", "GOOG"));
    assert_eq!(raw.answer().await.head.status, 200);
    // Of a stream it gets the events so far.
    let mut raw = Raw::connect(&server).await;
    raw.send(STREAM).await.half_close().await;
    assert_eq!(raw.head().await.status, 200);
    assert!(matches!(raw.event().await, Some(Event::Snapshot(_))));
    assert_eq!(raw.event().await, None);
    raw.closed().await;
    assert_eq!(server.metrics.counts().streams, 0);
}

#[tokio::test]
async fn who_leaves_gives_the_place_back_at_once() {
    // Nothing is published and no heartbeat is due, so that only the end itself can be noticed.
    let server = Server::fronted(Settings::default()).listed();
    let poll = PLAIN.replace(
        "GOOG HTTP",
        &format!("GOOG?after={}&wait=25 HTTP", server.position()),
    );
    // Before a heartbeat could notice it.
    let within = Duration::from_secs(10);
    for (before, request) in [("", STREAM), (PLAIN, STREAM), ("", OLD_STREAM), ("", &poll)] {
        let mut raw = Raw::connect(&server).await;
        if !before.is_empty() {
            raw.send(before).await.answer().await;
        }
        raw.send(request).await;
        until("the request", || server.tape.stats().cursors == 1).await;
        let left = Instant::now();
        drop(raw);
        until("the cursor", || server.tape.stats().cursors == 0).await;
        until("the place", || server.metrics.counts().streams == 0).await;
        until("the gauge", || server.metrics.counts().connections == 0).await;
        assert!(left.elapsed() < within, "{:?}", left.elapsed());
    }
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_is_whole_before_the_stream_that_was_asked_for_behind_it() {
    // No timer of the connection helps.
    let hour = Duration::from_secs(3_600);
    let server = Server::fronted(Settings {
        head_timeout: hour,
        idle_timeout: hour,
        ..Settings::default()
    })
    .listed();
    let whole = server
        .get("/openapi.json", &[])
        .await
        .bytes()
        .await
        .unwrap();
    assert!(whole.len() > 40_000, "it fits into the sockets");
    let mut slow = Raw::with_buffer(server.address, 16 * 1024).await;
    let plain = "GET /openapi.json HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n\r\n";
    slow.send(&format!("{plain}{STREAM}")).await;
    let head = slow.head().await;
    assert_eq!(head.status, 200);
    // The server has every opportunity to continue with the stream.
    for _ in 0..20 {
        server.get("/health/live", &[]).await;
    }
    let length: usize = head.field("content-length").unwrap().parse().unwrap();
    let body = slow.take(length).await;
    assert!(body == whole, "it is not the requested answer");
    assert!(is_own(&slow.head().await));
    assert!(matches!(slow.event().await, Some(Event::Snapshot(_))));
}
