//! What whoever runs the server is told.

mod support;

use std::time::Duration;

use market::FeedState;

use support::{START, Server, news, quote};

/// The value of a line of `/metrics`.
async fn metric(server: &Server, name: &str) -> Option<f64> {
    let text = server.get("/metrics", &[]).await.text().await.unwrap();
    text.lines()
        .filter_map(|line| line.rsplit_once(' '))
        .find(|(written, _)| *written == name)
        .map(|(_, value)| value.parse().unwrap())
}

/// Waits until a line of `/metrics` has a value: what ends with a connection ends a moment later.
async fn becomes(server: &Server, name: &str, expected: f64) {
    let waiting = async {
        while metric(server, name).await != Some(expected) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    if waited.is_err() {
        panic!("{name} is {:?}, not {expected}", metric(server, name).await);
    }
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Server::start().listed();
    let response = server.get("/metrics", &[]).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));

    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;
    assert_eq!(metric(&server, "tickertape_streams").await, Some(1.0));
    assert_eq!(metric(&server, "tickertape_cursors").await, Some(1.0));
    for n in 0..3 {
        server.append(news(&format!("test:{n}"), "GOOG"));
        stream.event().await;
    }
    server.append(quote("AAPL", "227.00"));
    server.json("/stocks/GOOG").await;
    server.get("/stocks/NOPE", &[]).await;
    for (name, value) in [
        ("tickertape_appended_total", 8.0),
        ("tickertape_superseded_total", 1.0),
        ("tickertape_evicted_total", 0.0),
        ("tickertape_delivered_total", 3.0),
        ("tickertape_resets_total", 0.0),
        ("tickertape_delay_seconds_count", 3.0),
        ("tickertape_delay_seconds_bucket{le=\"+Inf\"}", 3.0),
        ("tickertape_delay_seconds_bucket{le=\"10.0\"}", 3.0),
        (
            "tickertape_requests_total{route=\"/stocks/{symbol}\",status=\"200\"}",
            2.0,
        ),
        (
            "tickertape_requests_total{route=\"/stocks/{symbol}\",status=\"404\"}",
            1.0,
        ),
        ("tickertape_tape_entries{kind=\"kept\"}", 3.0),
        ("tickertape_tape_entries{kind=\"merging\"}", 4.0),
        ("tickertape_feed_state{feed=\"test\",state=\"live\"}", 1.0),
        ("tickertape_feed_state{feed=\"test\",state=\"failed\"}", 0.0),
        ("process_start_time_seconds", START as f64 / 1000.0),
    ] {
        assert_eq!(metric(&server, name).await, Some(value), "{name}");
    }
    let bytes = metric(&server, "tickertape_stream_bytes_total").await;
    let written = stream.raw.len() as f64;
    assert!(bytes > Some(0.0) && bytes <= Some(written), "{bytes:?}");
    let uptime = metric(&server, "tickertape_uptime_seconds").await;
    assert!(uptime > Some(0.0), "{uptime:?}");

    drop(stream);
    // The server notices the end of a connection when it next has something to write to it.
    server.append(quote("GOOG", "600.00"));
    becomes(&server, "tickertape_streams", 0.0).await;
    becomes(&server, "tickertape_streams_opened_total", 1.0).await;
    becomes(&server, "tickertape_connections", 1.0).await;
}

#[tokio::test]
async fn a_resumed_stream_counts_no_delay_for_what_it_missed() {
    let server = Server::start().listed();
    let seen = server.append(news("test:1", "GOOG")).to_string();
    server.append(news("test:2", "GOOG"));
    let headers = [("last-event-id", seen.as_str())];
    let mut stream = server.stream("/stocks/GOOG", &headers).await;
    assert_eq!(stream.event().await.1, news("test:2", "GOOG"));
    assert_eq!(
        metric(&server, "tickertape_delay_seconds_count").await,
        Some(0.0)
    );
    server.append(news("test:3", "GOOG"));
    stream.event().await;
    assert_eq!(
        metric(&server, "tickertape_delay_seconds_count").await,
        Some(1.0)
    );
}

#[tokio::test]
async fn metrics_tell_the_state_of_each_feed_and_each_reset() {
    let server = Server::with(FeedState::Degraded, Duration::from_secs(15), 2).listed();
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;
    for n in 0..10 {
        server.append(news(&format!("test:{n}"), "GOOG"));
    }
    assert!(stream.snapshot().await.1.reset);
    for (name, value) in [
        ("tickertape_resets_total", 1.0),
        ("tickertape_evicted_total", 8.0),
        (
            "tickertape_feed_state{feed=\"test\",state=\"degraded\"}",
            1.0,
        ),
        ("tickertape_feed_state{feed=\"test\",state=\"live\"}", 0.0),
    ] {
        assert_eq!(metric(&server, name).await, Some(value), "{name}");
    }
}
