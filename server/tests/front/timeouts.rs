//! Slow connections.

use std::time::{Duration, Instant};

use front::Settings;
use serde_json::Value;

use crate::{
    raw::{PLAIN, Raw, until},
    support::Server,
};

const HEAD: Duration = Duration::from_millis(300);
const IDLE: Duration = Duration::from_secs(2);

/// How much later than due something may be on a busy machine.
const LATE: Duration = Duration::from_secs(30);

fn server() -> Server {
    Server::fronted(Settings {
        head_timeout: HEAD,
        idle_timeout: IDLE,
        ..Settings::default()
    })
    .listed()
}

fn took(begun: Instant, timeout: Duration) {
    let took = begun.elapsed();
    let due = timeout - Duration::from_millis(5)..timeout + LATE;
    assert!(due.contains(&took), "{took:?}, not {timeout:?}");
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = server();
    for part in ["", "G", "GET /stocks/GOOG HTTP/1.1\r\nHost: he", "\r\n"] {
        let mut raw = Raw::connect(&server).await;
        let begun = Instant::now();
        raw.send(part).await.closed().await;
        took(begun, HEAD);
    }
}

#[tokio::test]
async fn a_head_that_comes_in_drops_is_not_waited_for() {
    let server = server();
    for before in ["", PLAIN] {
        let mut raw = Raw::connect(&server).await;
        if !before.is_empty() {
            raw.send(before).await.answer().await;
        }
        let begun = Instant::now();
        let drops = async {
            for byte in 0..PLAIN.len() {
                raw.tcp.try_write(&PLAIN.as_bytes()[byte..=byte]).unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                let mut none = [0; 1];
                match raw.tcp.try_read(&mut none) {
                    Ok(0) => return true,
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                        return true;
                    }
                    Ok(_) => return false,
                    Err(_) => {}
                }
            }
            false
        };
        assert!(drops.await, "it was answered");
        took(begun, HEAD);
    }
}

#[tokio::test]
async fn a_connection_may_be_idle_for_so_long() {
    let server = server();
    let refused = PLAIN.replace("json", "none");
    let stream = PLAIN
        .replace("application/json", "text/event-stream")
        .replace("GOOG", "NOPE");
    for request in [PLAIN, &refused, &stream] {
        let mut raw = Raw::connect(&server).await;
        raw.send(request).await.answer().await;
        // Longer than a head may take, and not than it may be idle.
        tokio::time::sleep(HEAD + Duration::from_millis(50)).await;
        let begun = Instant::now();
        raw.send(request).await.answer().await;
        raw.closed().await;
        took(begun, IDLE);
    }
    assert_eq!(server.metrics.counts().connections, 0);
}

#[tokio::test]
async fn a_poll_may_wait_for_longer_than_a_connection_may_be_idle() {
    let server = server();
    let seen = server.position();
    let poll = PLAIN.replace("GOOG HTTP", &format!("GOOG?after={seen}&wait=1 HTTP"));
    let mut raw = Raw::connect(&server).await;
    for _ in 0..2 {
        let begun = Instant::now();
        let answer = raw.send(&poll).await.answer().await;
        took(begun, Duration::from_secs(1));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["events"].as_array().unwrap().len(), 0);
        assert_eq!(raw.send(PLAIN).await.answer().await.head.status, 200);
    }
}

#[tokio::test]
async fn as_many_connections_as_there_may_be() {
    for (all, of_address, reason) in [(3, 100, "connections"), (100, 3, "connections_of_address")] {
        let server = Server::fronted(Settings {
            max_connections: all,
            max_connections_per_address: of_address,
            ..Settings::default()
        });
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut connection = Raw::connect(&server).await;
            let head = connection
                .send("GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n")
                .await
                .head()
                .await;
            assert_eq!(head.status, 200);
            open.push(connection);
        }
        let mut one_more = Raw::connect(&server).await;
        assert!(one_more.head_or_end().await.is_none());
        assert_eq!(server.metrics.counts().connections, 3);
        drop(open.pop());
        until("the gauge", || server.metrics.counts().connections == 2).await;
        let refused = format!("tickertape_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(server.metric(&refused).await, Some(1.0));
    }
}
