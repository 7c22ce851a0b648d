//! Heads that are malformed, ambiguous, or too long.

use front::{Hosts, Settings};
use tokio::io::AsyncWriteExt;

use crate::{
    raw::{PLAIN, Raw, patiently},
    support::Server,
};

const PATHS: [&str; 6] = [
    "/",
    "/stocks/GOOG",
    "/publish",
    "/pkg/x",
    "/nowhere",
    "/stats",
];

/// Each of them with a second request in it or behind it.
fn malformed(path: &str) -> Vec<String> {
    let second = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let many = "X: y\r\n".repeat(100);
    [
        "GET PATH HTTP/1.1\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET PATH HTTP/1.1\nHost: a\n\n",
        "\nGET PATH HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET PATH?q=\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET PATH?q=\u{e4} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost:\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a/b\r\nAccept: text/event-stream\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a:99999\r\n\r\n",
        "GET ftp://aPATH HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET aPATH HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\r\n[]\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=\"\r\n[]\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a\n[]\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n[]\r\n0\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
        "GET PATH HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
        "GET PATH HTTP/2.0\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET  PATH HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET PATH HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET PATH\r\nHost: a\r\n\r\n",
        "GET PATH<x> HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET PATH<x> HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
        "G[T PATH HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1} HTTP/1.1\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST PATH HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &format!("GET PATH HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        &format!("GET PATH?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(17_000)),
    ]
    .into_iter()
    .map(|head| head.replace("PATH", path) + second)
    .collect()
}

/// It is answered with a problem, and then the connection ends.
async fn is_refused(raw: &mut Raw, head: &str) {
    let answer = raw.answer().await;
    assert_eq!(answer.head.status, 400, "{head:?}: {answer:?}");
    answer.problem(400);
    assert_eq!(answer.head.field("connection"), Some("close"), "{head:?}");
    raw.closed().await;
}

#[tokio::test]
async fn a_malformed_head_is_refused_wherever_it_comes() {
    let server = Server::start().listed();
    for path in PATHS {
        for head in malformed(path) {
            let mut first = Raw::connect(&server).await;
            first.send(&head).await;
            is_refused(&mut first, &head).await;

            let mut second = Raw::connect(&server).await;
            let answer = second.send(PLAIN).await.answer().await;
            assert_eq!(answer.head.status, 200);
            second.send(&head).await;
            is_refused(&mut second, &head).await;

            let mut pipelined = Raw::connect(&server).await;
            pipelined.send(&format!("{PLAIN}{head}")).await;
            assert_eq!(pipelined.answer().await.head.status, 200, "{head:?}");
            is_refused(&mut pipelined, &head).await;
        }
    }
}

#[tokio::test]
async fn what_is_not_done_here_is_refused_as_that() {
    let server = Server::start().listed();
    for head in [
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD * HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
    ] {
        for before in ["", PLAIN] {
            let mut raw = Raw::connect(&server).await;
            raw.send(&format!("{before}{head}")).await;
            if !before.is_empty() {
                assert_eq!(raw.answer().await.head.status, 200);
            }
            raw.answer().await.problem(501);
            raw.closed().await;
        }
    }
}

#[tokio::test]
async fn only_the_names_of_the_server_are_answered_to() {
    let server = Server::fronted(Settings {
        hosts: Hosts(vec!["ticker.example.org".parse().unwrap()]),
        ..Settings::default()
    })
    .listed();
    let request = |target: &str, host: &str, accept: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n\r\n")
    };
    for accept in ["application/json", "text/event-stream"] {
        for host in [
            "ticker.example.org",
            "TICKER.example.org:8080",
            "localhost:3000",
            "127.0.0.1",
            "[::1]:80",
        ] {
            let mut raw = Raw::connect(&server).await;
            raw.send(&request("/stocks/GOOG", host, accept)).await;
            assert_eq!(raw.head().await.status, 200, "{host} {accept}");
        }
        for (target, host) in [
            ("/stocks/GOOG", "evil.example"),
            ("/stocks/GOOG", "ticker.example.org.evil.example"),
            ("/stocks/GOOG", "192.0.2.1"),
            ("http://evil.example/stocks/GOOG", "ticker.example.org"),
        ] {
            let mut raw = Raw::connect(&server).await;
            raw.send(&request(target, host, accept)).await;
            let problem = raw.answer().await.problem(421);
            assert!(
                problem["detail"].as_str().unwrap().contains("--host"),
                "{problem}"
            );
            raw.closed().await;
        }
    }
    // HTTP/1.0 has no such field, and no browser sends it.
    let mut raw = Raw::connect(&server).await;
    raw.send("GET /stocks/GOOG HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.head().await.status, 200);
}

#[tokio::test]
async fn a_chunk_that_goes_wrong_later_ends_the_connection() {
    let server = Server::start().listed();
    let mut raw = Raw::connect(&server).await;
    let head = "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n";
    raw.send(head).await;
    raw.send("0;=\r\n\r\n").await;
    let status = raw.answer().await.head.status;
    assert!([400, 403].contains(&status), "{status}");
    raw.closed().await;
}

#[tokio::test]
async fn why_a_head_is_refused_can_be_read_by_who_goes_on_sending() {
    let server = Server::start().listed();
    for before in ["", PLAIN] {
        let raw = Raw::connect(&server).await;
        let (mut read, mut write) = raw.tcp.into_split();
        let sending = tokio::spawn(async move {
            let refused = "GET / HTTP/1.1\r\n\r\n";
            write.write_all(before.as_bytes()).await.unwrap();
            write.write_all(refused.as_bytes()).await.unwrap();
            write.write_all(&vec![b'x'; 4 * 1024 * 1024]).await.unwrap();
            write
        });
        // All was received, and the answer is read only now.
        let write = patiently("sending", sending).await.unwrap();
        let mut text = String::new();
        let reading = tokio::io::AsyncReadExt::read_to_string(&mut read, &mut text);
        patiently("reading", reading).await.unwrap();
        assert!(text.contains("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        assert!(text.ends_with('}'), "{text}");
        drop(write);
    }
}

/// A head of exactly so many bytes.
fn of_length(bytes: usize, accept: &str) -> String {
    let begin = format!("GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\nAccept: {accept}\r\nX: ");
    let padding = "x".repeat(bytes - begin.len() - 4);
    format!("{begin}{padding}\r\n\r\n")
}

#[tokio::test]
async fn a_head_may_be_as_long_as_it_may() {
    for most in [500, 16 * 1024, 64 * 1024] {
        let server = Server::fronted(Settings {
            head_bytes: most,
            ..Settings::default()
        })
        .listed();
        for accept in ["application/json", "text/event-stream"] {
            for before in ["", PLAIN] {
                let mut passes = Raw::connect(&server).await;
                let head = of_length(most, accept);
                passes.send(&format!("{before}{head}")).await;
                let mut fails = Raw::connect(&server).await;
                let head = of_length(most + 1, accept);
                fails.send(&format!("{before}{head}")).await;
                let mut never_ends = Raw::connect(&server).await;
                never_ends.send(before).await.send(&head[..most]).await;
                for raw in [&mut passes, &mut fails, &mut never_ends] {
                    if !before.is_empty() {
                        assert_eq!(raw.answer().await.head.status, 200);
                    }
                }
                assert_eq!(passes.head().await.status, 200, "{most} {accept}");
                is_refused(&mut fails, "one byte too many").await;
                is_refused(&mut never_ends, "no end").await;
            }
        }
    }
}

#[tokio::test]
async fn a_chunked_body_is_the_last_of_its_connection() {
    let server = Server::start().listed();
    for (path, status) in [("/publish", 403), ("/stocks/GOOG", 413), ("/", 413)] {
        let method = if path == "/publish" { "POST" } else { "GET" };
        let chunked = format!(
            "{method} {path} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"
        );
        for before in ["", PLAIN] {
            for behind in ["", PLAIN, "GET / HTTP/1.1\r\n\r\n"] {
                let mut raw = Raw::connect(&server).await;
                raw.send(&format!("{before}{chunked}{behind}")).await;
                if !before.is_empty() {
                    assert_eq!(raw.answer().await.head.status, 200);
                }
                let answer = raw.answer().await;
                answer.problem(status);
                assert_eq!(answer.head.field("connection"), Some("close"));
                raw.closed().await;
            }
        }
    }
}

#[tokio::test]
async fn an_answer_to_who_has_not_sent_all_can_be_read() {
    let server = Server::start().listed();
    let long = 8 * 1024 * 1024;
    for (kind, body) in [
        (format!("Content-Length: {long}"), "x".repeat(long)),
        (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{long:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(long)),
        ),
    ] {
        let raw = Raw::connect(&server).await;
        let (mut read, mut write) = raw.tcp.into_split();
        let head = format!("GET /stocks/GOOG HTTP/1.1\r\nHost: here\r\n{kind}\r\n\r\n");
        let sending = tokio::spawn(async move {
            write.write_all(head.as_bytes()).await.unwrap();
            // Whether all of it is accepted is the server's choice.
            let _ = write.write_all(body.as_bytes()).await;
            write
        });
        let write = patiently("sending", sending).await.unwrap();
        let mut text = String::new();
        let reading = tokio::io::AsyncReadExt::read_to_string(&mut read, &mut text);
        patiently("reading", reading).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 413 "), "{kind}: {text}");
        assert!(text.ends_with('}'), "{kind}: {text}");
        drop(write);
    }
}
