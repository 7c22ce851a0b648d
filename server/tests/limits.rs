//! Every limit, at its edge: exactly at it passes, one more is refused.

mod support;

use std::time::Duration;

use front::Proxies;
use reqwest::Response;
use server::http::{Limits, Outgoing, Slots};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use support::{Server, news, problem, quote};

async fn ask_for_stream(server: &Server, client: &str) -> Response {
    let headers = [("accept", "text/event-stream"), ("x-forwarded-for", client)];
    server.get("/stocks/GOOG", &headers).await
}

/// Opens a stream as soon as there is a place for it.
async fn opens(server: &Server, client: &str) -> Response {
    let opening = async {
        loop {
            let response = ask_for_stream(server, client).await;
            if response.status() == 200 {
                return response;
            }
        }
    };
    let opened = tokio::time::timeout(Duration::from_secs(60), opening).await;
    opened.expect("the place did not become free")
}

#[tokio::test]
async fn as_many_streams_as_there_may_be_in_all() {
    let server = Server::set(|service| service.slots = Slots::new(3, 10)).listed();
    let mut open = Vec::new();
    for _ in 0..3 {
        let response = ask_for_stream(&server, "").await;
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    let refused = ask_for_stream(&server, "").await;
    assert_eq!(refused.headers()["retry-after"], "2");
    let problem = problem(refused, 503).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("3 streams are open"), "{detail}");
    let refused = "tickertape_refused_total{reason=\"streams\"}";
    assert_eq!(server.metric(refused).await, Some(1.0));
    // Other requests than streams are not refused.
    server.json("/stocks/GOOG").await;
    open.pop();
    open.push(opens(&server, "").await);
    // A stream of statistics counts too.
    let refused = server.get("/stats", &[("accept", "text/event-stream")]);
    assert_eq!(refused.await.status(), 503);
}

#[tokio::test]
async fn as_many_streams_as_one_address_may_have() {
    let server = Server::set(|service| {
        service.slots = Slots::new(10, 2);
        service.proxies = Proxies {
            trusted: vec!["127.0.0.0/8".parse().unwrap()],
            ..Proxies::default()
        };
    })
    .listed();
    let mut open = Vec::new();
    for (client, status) in [
        ("198.51.100.1", 200),
        ("198.51.100.1", 200),
        ("198.51.100.1", 429),
        ("203.0.113.5, 198.51.100.1", 429),
        ("198.51.100.2", 200),
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2::2", 200),
        ("2001:db8:1:2::3", 429),
        ("2001:db8:1:3::3", 200),
    ] {
        let response = ask_for_stream(&server, client).await;
        assert_eq!(response.status(), status, "{client}");
        if status == 200 {
            open.push(response);
        } else {
            assert_eq!(response.headers()["retry-after"], "5");
            let problem = problem(response, 429).await;
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("2 streams open"), "{detail}");
        }
    }
    let refused = "tickertape_refused_total{reason=\"streams_of_address\"}";
    assert_eq!(server.metric(refused).await, Some(3.0));
    drop(open.remove(0));
    opens(&server, "198.51.100.1").await;
}

#[tokio::test]
async fn who_is_no_proxy_cannot_be_somebody_else() {
    let server = Server::set(|service| service.slots = Slots::new(10, 1)).listed();
    let _open = ask_for_stream(&server, "198.51.100.1").await;
    let refused = ask_for_stream(&server, "198.51.100.2").await;
    let problem = problem(refused, 429).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("127.0.0.1 has"), "{detail}");
}

#[tokio::test]
async fn a_poll_that_waits_takes_the_place_of_a_stream() {
    let server = Server::set(|service| service.slots = Slots::new(1, 1)).listed();
    let seen = server.position();
    let path = format!("/stocks/GOOG?after={seen}&wait=25");
    let waiting = server.get(&path, &[]);
    let others = async {
        while server.tape.stats().cursors == 0 {
            tokio::task::yield_now().await;
        }
        let refused = ask_for_stream(&server, "").await;
        problem(refused, 429).await;
        problem(server.get(&path, &[]).await, 429).await;
        // One that does not wait holds nothing.
        server.json(&format!("/stocks/GOOG?after={seen}")).await;
        server.append(news("test:1", "GOOG"));
    };
    let (answer, ()) = tokio::join!(waiting, others);
    assert_eq!(answer.status(), 200);
    let _open = opens(&server, "").await;
    problem(server.get(&path, &[]).await, 429).await;
}

#[tokio::test]
async fn as_many_symbols_as_a_request_may_name() {
    let limits = Limits {
        symbols: 2,
        ..Limits::default()
    };
    let server = Server::set(|service| service.limits = limits).listed();
    for accept in ["application/json", "text/event-stream", "text/html"] {
        let headers = [("accept", accept)];
        // The same symbol twice is one.
        let most = server.get("/stocks?symbols=GOOG,AAPL,goog", &headers).await;
        assert_eq!(most.status(), 200, "{accept}");
        let more = server.get("/stocks?symbols=GOOG,AAPL,MSFT", &headers).await;
        assert_eq!(more.status(), 400, "{accept}");
        assert!(
            more.text().await.unwrap().contains("more than 2"),
            "{accept}"
        );
    }
    assert_eq!(server.get("/stocks?symbols=*", &[]).await.status(), 200);
}

#[tokio::test]
async fn as_long_a_body_as_nobody_reads() {
    let limits = Limits {
        body: 10,
        ..Limits::default()
    };
    let server = Server::set(|service| service.limits = limits).listed();
    let send = async |length: usize| {
        let address = format!("http://{}/stocks/GOOG", server.address);
        let request = server.client.get(address).body(vec![b'x'; length]);
        request.send().await.unwrap()
    };
    assert_eq!(send(10).await.status(), 200);
    let problem = problem(send(11).await, 413).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("at most 10 bytes"), "{detail}");
    let refused = "tickertape_refused_total{reason=\"body\"}";
    assert_eq!(server.metric(refused).await, Some(1.0));

    // A body without a length may be of any length.
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /stocks/GOOG HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_poll_may_wait_for_longer_than_a_request_may_take() {
    let limits = Limits {
        request_timeout: Duration::from_millis(500),
        ..Limits::default()
    };
    let server = Server::set(|service| service.limits = limits).listed();
    let seen = server.position();
    let answer = server
        .json(&format!("/stocks/GOOG?after={seen}&wait=1"))
        .await;
    assert_eq!(answer["events"].as_array().unwrap().len(), 0);
    // Nor does it end a stream.
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    server.append(news("test:1", "GOOG"));
    assert_eq!(stream.event().await.1, news("test:1", "GOOG"));
}

/// A client that requests all quotes and reads none of them.
async fn asks_and_does_not_read(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut tcp = socket.connect(server.address).await.unwrap();
    let request =
        "GET /stocks?symbols=* HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\n\r\n";
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    tcp.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    tcp
}

/// So many symbols that their quotes exceed what a system buffers for a reader.
fn many_quotes(server: &Server) {
    for n in 0..10_000 {
        server.append(quote(&format!("S{n:05}"), "597.32"));
    }
}

/// Requests a path until it is answered with 200.
async fn is_answered_again(server: &Server, path: &str) {
    let asking = async { while server.get(path, &[]).await.status() != 200 {} };
    let answered = tokio::time::timeout(Duration::from_secs(60), asking).await;
    answered.expect("the place did not become free");
}

#[tokio::test]
async fn as_many_answers_as_one_address_may_have_on_their_way() {
    let unlimited = usize::MAX;
    let server = Server::set(|service| {
        service.outgoing = Outgoing::bounded(2, unlimited, unlimited);
    })
    .listed();
    many_quotes(&server);
    let one = asks_and_does_not_read(&server).await;
    let _other = asks_and_does_not_read(&server).await;
    let refused = server.get("/stocks/GOOG", &[]).await;
    assert_eq!(refused.headers()["retry-after"], "2");
    let problem = problem(refused, 429).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("2 answers"), "{detail}");
    // Liveness is reported all the same.
    assert_eq!(server.get("/health/live", &[]).await.status(), 200);
    drop(one);
    is_answered_again(&server, "/stocks/GOOG").await;
    let refused = "tickertape_refused_total{reason=\"answers_of_address\"}";
    assert!(server.metric(refused).await >= Some(1.0));
}

#[tokio::test]
async fn as_much_as_may_wait_to_be_read() {
    // Room for one answer and for half of another one.
    let room = {
        let server = Server::start().listed();
        many_quotes(&server);
        let answer = server.get("/stocks?symbols=*", &[]).await;
        answer.bytes().await.unwrap().len() / 2 * 3
    };
    for (all, of_address, status, reason) in [
        (usize::MAX, room, 429, "bytes_of_address"),
        (room, usize::MAX, 503, "bytes"),
    ] {
        let server = Server::set(|service| {
            service.outgoing = Outgoing::bounded(1_000, all, of_address);
        })
        .listed();
        many_quotes(&server);
        let one = asks_and_does_not_read(&server).await;
        let refused = server.get("/stocks?symbols=*", &[]).await;
        problem(refused, status).await;
        // Short answers have room.
        assert_eq!(server.get("/stocks/GOOG", &[]).await.status(), 200);
        let refused = format!("tickertape_refused_total{{reason=\"{reason}\"}}");
        assert_eq!(server.metric(&refused).await, Some(1.0));
        drop(one);
        is_answered_again(&server, "/stocks?symbols=*").await;
    }
}

#[tokio::test]
async fn who_asks_for_the_same_symbols_in_another_order_shares_the_snapshot() {
    let server = Server::set(|service| service.limits.symbols = 10).listed();
    for path in [
        "/stocks?symbols=GOOG,AAPL&after=0-0",
        "/stocks?symbols=AAPL,GOOG&after=0-0",
        "/stocks?symbols=AAPL,GOOG,AAPL&after=1-1",
    ] {
        let answer = server.json(path).await;
        assert_eq!(answer["events"][0]["event"], "snapshot");
        let quotes = answer["events"][0]["data"]["quotes"].as_array().unwrap();
        assert_eq!(quotes.len(), 2);
        assert_eq!(answer["last_event_id"], server.position().to_string());
    }
    assert_eq!(server.metric("tickertape_snapshots_total").await, Some(1.0));
}
