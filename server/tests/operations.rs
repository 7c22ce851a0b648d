//! Information for the person who runs the server.

mod support;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use front::Proxies;
use market::FeedState;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use support::{START, Server, news, problem, quote};

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
    assert_eq!(server.metric("tickertape_streams").await, Some(1.0));
    assert_eq!(server.metric("tickertape_cursors").await, Some(1.0));
    for n in 0..3 {
        server.append(news(&format!("test:{n}"), "GOOG"));
        stream.event().await;
    }
    server.append(quote("AAPL", "227.00"));
    server.json("/stocks/GOOG").await;
    for path in ["/stocks/NOPE", "/nowhere", "/pkg/nowhere.js"] {
        server.get(path, &[]).await;
    }
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
        (
            "tickertape_requests_total{route=\"none\",status=\"404\"}",
            1.0,
        ),
        (
            "tickertape_requests_total{route=\"files\",status=\"404\"}",
            1.0,
        ),
        ("tickertape_tape_entries{kind=\"kept\"}", 3.0),
        ("tickertape_tape_entries{kind=\"merging\"}", 4.0),
        ("tickertape_feed_state{feed=\"test\",state=\"live\"}", 1.0),
        ("tickertape_feed_state{feed=\"test\",state=\"failed\"}", 0.0),
        ("process_start_time_seconds", START as f64 / 1000.0),
    ] {
        assert_eq!(server.metric(name).await, Some(value), "{name}");
    }
    let bytes = server.metric("tickertape_stream_bytes_total").await;
    let written = stream.raw.len() as f64;
    assert!(bytes > Some(0.0) && bytes <= Some(written), "{bytes:?}");
    let uptime = server.metric("tickertape_uptime_seconds").await;
    assert!(uptime > Some(0.0), "{uptime:?}");

    drop(stream);
    // The server notices the end of a connection when it next has something to write to it.
    server.append(quote("GOOG", "600.00"));
    server.becomes("tickertape_streams", 0.0).await;
    server.becomes("tickertape_streams_opened_total", 1.0).await;
    server.becomes("tickertape_connections", 1.0).await;
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
        server.metric("tickertape_delay_seconds_count").await,
        Some(0.0)
    );
    server.append(news("test:3", "GOOG"));
    stream.event().await;
    assert_eq!(
        server.metric("tickertape_delay_seconds_count").await,
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
        (
            "tickertape_feed_skipped_total{feed=\"test\",why=\"wrong\"}",
            3.0,
        ),
        (
            "tickertape_feed_skipped_total{feed=\"test\",why=\"held\"}",
            0.0,
        ),
        (
            "tickertape_feed_skipped_total{feed=\"test\",why=\"duplicate\"}",
            5.0,
        ),
        ("tickertape_feed_gaps_total{feed=\"test\"}", 2.0),
        ("tickertape_feed_mended_total{feed=\"test\"}", 4.0),
    ] {
        assert_eq!(server.metric(name).await, Some(value), "{name}");
    }
}

#[tokio::test]
async fn stats_as_json() {
    let server = Server::start().listed();
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;
    server.append(news("test:1", "GOOG"));
    stream.event().await;
    server.at(5_000);
    let response = server.get("/stats", &[]).await;
    assert_eq!(response.headers()["vary"], "accept");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let stats = server.json("/stats").await;
    assert_eq!(stats["time"], START + 5_000);
    assert_eq!(stats["connections"]["streams"], 1);
    assert_eq!(stats["connections"]["streams_opened"], 1);
    assert!(stats["connections"]["open"].as_u64() >= Some(2), "{stats}");
    assert_eq!(stats["requests"]["answered"], 2);
    assert_eq!(stats["requests"]["delivered"], 1);
    assert!(stats["requests"]["delivered_bytes"].as_u64() > Some(0));
    assert_eq!(stats["uptime"]["started"], START);
    assert_eq!(stats["tape"]["appended"], 5);
    assert_eq!(stats["tape"]["kept"], 1);
    assert_eq!(stats["tape"]["newest"], server.position().to_string());
    assert_eq!(stats["feeds"][0]["name"], "test");
    assert_eq!(stats["feeds"][0]["state"], "live");
    assert_eq!(stats["feeds"][0]["skipped"]["gaps"], 2);
    assert_eq!(stats["feeds"][0]["skipped"]["mended"], 4);
    assert_eq!(stats["feeds"][0]["skipped"]["duplicates"], 5);

    let response = server.get("/stats", &[("accept", "text/html")]).await;
    let problem = problem(response, 406).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("application/json, text/event-stream"));
}

#[tokio::test]
async fn stats_as_a_stream() {
    let server = Server::start().listed();
    let mut stats = server.stream("/stats", &[]).await;
    assert_eq!(stats.response.headers()["x-accel-buffering"], "no");
    for _ in 0..2 {
        for (name, field, least) in [
            ("connections", "streams", 1),
            ("requests", "answered", 1),
            ("uptime", "started", START),
        ] {
            let message = stats.message().await.unwrap();
            assert_eq!(message.name, name);
            let data: Value = serde_json::from_str(&message.data).unwrap();
            assert!(data[field].as_u64() >= Some(least), "{name}: {data}");
        }
    }
    assert_eq!(server.metric("tickertape_streams").await, Some(1.0));
    server.shutdown.cancel();
    while stats.message().await.is_some() {}
    tokio::time::timeout(Duration::from_secs(60), server.serving)
        .await
        .expect("the server did not end")
        .unwrap();
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_only_a_proxy_may_choose_it() {
    let id = |response: &reqwest::Response| {
        let ids: Vec<_> = response.headers().get_all("x-request-id").iter().collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids[0].to_str().unwrap().to_owned()
    };
    let brought = [("x-request-id", "front-7:1"), ("accept", "*/*")];
    let server = Server::start().listed();
    let mut seen = std::collections::HashSet::new();
    for path in ["/stocks/GOOG", "/stocks/NOPE", "/nowhere", "/pkg/no.js"] {
        let made = id(&server.get(path, &brought).await);
        assert_eq!(made.len(), 16, "{made}");
        assert!(seen.insert(made));
    }
    let stream = server.stream("/stocks/GOOG", &[]).await;
    assert!(seen.insert(id(&stream.response)));

    let behind = Server::set(|service| {
        service.proxies = Proxies {
            trusted: vec!["127.0.0.0/8".parse().unwrap()],
            ..Proxies::default()
        };
    });
    assert_eq!(id(&behind.get("/stats", &brought).await), "front-7:1");
    let insane = [("x-request-id", "a b")];
    assert_ne!(id(&behind.get("/stats", &insane).await), "a b");
}

/// The program, with a log of JSON.
struct Program {
    process: Child,
    address: String,
    log: UnboundedReceiver<Value>,
}

impl Program {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        std::fs::create_dir_all(folder.join("pkg")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .arg("--data")
            .arg(folder.join("data"))
            .args(["--listen", "127.0.0.1:0", "--log-format", "json", "--site"])
            .arg(folder)
            .args(arguments)
            .env_remove("LEPTOS_OUTPUT_NAME")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit_once(' ').unwrap().1.to_owned();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (lines, log) = unbounded_channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let line = serde_json::from_str(&line.unwrap()).unwrap();
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        Program {
            process,
            address,
            log,
        }
    }

    /// The next line of a target.
    async fn line(&mut self, target: &str) -> Value {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(60), self.log.recv());
            let line = line
                .await
                .expect("the log is silent")
                .expect("the log ended");
            if line["target"] == target {
                return line;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_log_tells_of_each_request_and_of_each_stream_under_its_id() {
    let folder = std::env::temp_dir().join(format!("tickertape-log-{}", std::process::id()));
    let mut program = Program::start(
        &folder,
        &[
            "--log",
            "request=debug,stream=debug",
            "--trusted-proxy",
            "127.0.0.1",
        ],
    );
    let client = support::client();
    let address = format!("{}/stocks/NOPE?news=all", program.address);
    let request = client
        .get(address)
        .header("x-request-id", "front-1")
        .header("x-forwarded-for", "198.51.100.7");
    request.send().await.unwrap();
    let line = program.line("request").await;
    assert_eq!(line["level"], "DEBUG");
    assert_eq!(line["message"], "answered");
    assert_eq!(line["id"], "front-1");
    assert_eq!(line["client"], "198.51.100.7");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], "/stocks/NOPE");
    assert_eq!(line["status"], 404);
    assert!(line["latency"].is_string(), "{line}");

    let address = format!("{}/stocks?symbols=*", program.address);
    let request = client.get(address).header("accept", "text/event-stream");
    let mut response = request.send().await.unwrap();
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    // A quote follows the snapshot; deliveries are counted from there on.
    let mut text = String::new();
    while !text.contains("\ndata: {\"symbol\"") {
        let chunk = response.chunk().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    let opened = program.line("stream").await;
    assert_eq!(opened["message"], "opened");
    assert_eq!(opened["id"], id);
    assert_eq!(program.line("request").await["id"], id);
    drop(response);
    let ended = program.line("stream").await;
    assert_eq!(ended["message"], "ended");
    assert_eq!(ended["id"], id);
    assert_eq!(ended["client"], "127.0.0.1");
    assert_eq!(ended["reason"], "the client left");
    assert!(ended["delivered"].as_u64() > Some(0), "{ended}");
    assert!(ended["duration"].is_string(), "{ended}");
    drop(program);
    std::fs::remove_dir_all(folder).unwrap();
}
