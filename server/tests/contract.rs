//! The contract of addresses: parameters, unknown symbols, the beginning of streams.

mod support;

use std::num::NonZeroU32;

use market::{Event, FeedState};
use publishers::{PublishGate, PublishOptions, TokenGrant};
use serde_json::{Value, json};

use support::{START, Server, bar, news, problem, quote, session, symbol};

const TOKEN: &str = "a token";

/// With a publisher.
fn with_desk() -> Server {
    let options = PublishOptions {
        tokens: vec![TokenGrant::new("desk", TOKEN).unwrap()],
        body: 4 * 1024 * 1024,
        rate: NonZeroU32::new(10_000).unwrap(),
        burst: NonZeroU32::new(10_000).unwrap(),
    };
    Server::set(|service| service.desk = PublishGate::new(&options).into())
}

async fn publish(server: &Server, token: &str, kind: &str, body: Vec<u8>) -> reqwest::Response {
    let request = server
        .client
        .post(format!("http://{}/publish", server.address));
    let request = request
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", kind);
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn the_root_is_a_page_or_data_as_a_client_likes() {
    let server = Server::start().listed();
    for (path, symbols) in [
        ("/?symbols=GOOG", &["GOOG"][..]),
        ("/?symbols=*", &["AAPL", "GOOG"]),
        ("/", &["AAPL", "GOOG"]),
    ] {
        let quotes = server.json(path).await;
        let named: Vec<&str> = quotes
            .as_array()
            .unwrap()
            .iter()
            .map(|quote| quote["symbol"].as_str().unwrap())
            .collect();
        assert_eq!(named, symbols, "{path}");
        let mut stream = server.stream(path, &[]).await;
        let kind = stream.response.headers()["content-type"].clone();
        assert_eq!(kind, "text/event-stream", "{path}");
        assert_eq!(stream.response.headers()["vary"], "accept");
        assert_eq!(
            stream.snapshot().await.1.quotes.len(),
            symbols.len(),
            "{path}"
        );
        let page = server.get(path, &[("accept", "text/html")]).await;
        assert!(
            page.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
    }
    let polled = server.json(&format!("/?after={}", server.position())).await;
    assert_eq!(polled["events"], json!([]));
    problem(server.get("/?symbols=NOPE", &[]).await, 404).await;
    problem(server.get("/?symbols=A%7CB", &[]).await, 400).await;
    problem(server.get("/", &[("accept", "image/png")]).await, 406).await;
}

#[tokio::test]
async fn no_stream_begins_with_fields_that_are_no_event() {
    let server = Server::start().listed();
    let seen = server.position();
    let id = seen.to_string();
    server.append(news("test:1", "GOOG"));
    for (path, headers, first) in [
        ("/stocks/GOOG", vec![], "snapshot"),
        ("/?symbols=*", vec![], "snapshot"),
        ("/stocks/GOOG", vec![("last-event-id", "1-1")], "snapshot"),
        // The events since then.
        ("/stocks/GOOG", vec![("last-event-id", id.as_str())], "news"),
        // No events since then.
        (
            "/stocks/AAPL",
            vec![("last-event-id", id.as_str())],
            "heartbeat",
        ),
        ("/stats", vec![], "connections"),
    ] {
        let mut stream = server.stream(path, &headers).await;
        let message = stream.message().await.unwrap();
        assert_eq!(message.name, first, "{path}");
        let raw = String::from_utf8(stream.raw.clone()).unwrap();
        let block = raw.split("\n\n").next().unwrap();
        assert!(
            block.starts_with(": tickertape\nretry: "),
            "{path}: {block}"
        );
        assert!(block.contains("\ndata: {"), "{path}: {block}");
        assert!(
            (1_000..3_000).contains(&stream.decoder.retry().unwrap()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn one_unknown_symbol_does_not_cost_the_others() {
    let server = Server::start().listed();
    let seen = server.position();
    for path in ["/stocks?symbols=NOPE,GOOG,NOT", "/?symbols=GOOG,NOPE,NOT"] {
        let mut stream = server.stream(path, &[]).await;
        let (_, snapshot) = stream.snapshot().await;
        assert_eq!(snapshot.quotes.len(), 1, "{path}");
        assert_eq!(snapshot.unknown, ["NOPE", "NOT"].map(symbol), "{path}");
        server.append(quote("GOOG", "598.00"));
        assert_eq!(stream.event().await.1, quote("GOOG", "598.00"));
    }

    let response = server.get("/stocks?symbols=NOPE,GOOG,NOT", &[]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["unknown-symbols"], "NOPE,NOT");
    let quotes: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(quotes.as_array().unwrap().len(), 1);
    assert_eq!(quotes[0]["symbol"], "GOOG");
    let all = server.get("/stocks?symbols=GOOG", &[]).await;
    assert!(!all.headers().contains_key("unknown-symbols"));

    let polled = server
        .json(&format!("/stocks?symbols=GOOG,NOPE&after={seen}"))
        .await;
    assert_eq!(polled["unknown"], json!(["NOPE"]));
    assert_eq!(polled["events"].as_array().unwrap().len(), 1);
    let polled = server
        .json(&format!("/stocks?symbols=GOOG&after={seen}"))
        .await;
    assert!(polled.get("unknown").is_none());

    for (path, accept) in [
        ("/stocks?symbols=NOPE,NOT", "application/json"),
        ("/stocks?symbols=NOPE,NOT", "text/event-stream"),
        ("/stocks?symbols=NOPE&after=1-1", "application/json"),
        ("/stocks/NOPE", "text/event-stream"),
    ] {
        let problem = problem(server.get(path, &[("accept", accept)]).await, 404).await;
        assert!(
            problem["detail"].as_str().unwrap().contains("NOPE"),
            "{path}"
        );
    }

    let browser = [("accept", "text/html")];
    let page = server.get("/stocks?symbols=NOPE,GOOG", &browser).await;
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("598.00") && html.contains("NOPE"), "{html}");
    let page = server.get("/stocks?symbols=NOPE", &browser).await;
    assert_eq!(page.status(), 404);
}

#[tokio::test]
async fn a_symbol_that_is_named_later_is_streamed_from_its_first_event_on() {
    let server = Server::start().listed();
    let mut stream = server.stream("/stocks?symbols=GOOG,LATER", &[]).await;
    assert_eq!(stream.snapshot().await.1.unknown, [symbol("LATER")]);
    server.append(session("LATER"));
    server.append(quote("LATER", "1.00"));
    assert_eq!(stream.event().await.1, session("LATER"));
    assert_eq!(stream.event().await.1, quote("LATER", "1.00"));
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_name_and_ignored_by_pages() {
    let server = Server::start().listed();
    for (path, accept, words) in [
        (
            "/stocks/GOOG?lastEventId=5-0",
            "text/event-stream",
            "did you mean last_event_id?",
        ),
        (
            "/stocks?symbols=*&lastEventId=5-0",
            "text/event-stream",
            "did you mean last_event_id?",
        ),
        ("/?maxrate=5", "text/event-stream", "did you mean max_rate?"),
        (
            "/stocks?symbol=GOOG",
            "application/json",
            "did you mean symbols?",
        ),
        (
            "/stocks/GOOG?symbols=AAPL",
            "application/json",
            "\"symbols\" is not a parameter",
        ),
        (
            "/stocks/GOOG/bars?intervall=1d",
            "application/json",
            "did you mean interval?",
        ),
        (
            "/stocks/GOOG/bars?intervall=1d",
            "text/csv",
            "did you mean interval?",
        ),
        (
            "/stocks/GOOG/chart.svg?ranges=1D",
            "image/svg+xml",
            "did you mean range?",
        ),
        (
            "/news?symbl=GOOG",
            "application/json",
            "did you mean symbols?",
        ),
        (
            "/symbols?query=a",
            "application/json",
            "\"query\" is not a parameter",
        ),
        ("/stats?a=1", "application/json", "expected none"),
        ("/stats?a=1", "text/event-stream", "expected none"),
        ("/openapi.json?a=1", "application/json", "expected none"),
    ] {
        let response = server.get(path, &[("accept", accept)]).await;
        let problem = problem(response, 400).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{path}: {detail}");
    }
    for path in [
        "/?fbclid=x",
        "/stocks?symbols=GOOG&utm_source=x",
        "/stocks/GOOG?lastEventId=5-0&gclid=1",
    ] {
        let response = server.get(path, &[("accept", "text/html")]).await;
        assert_eq!(response.status(), 200, "{path}");
    }
    // A request for errors may have additions of its own.
    for path in ["/health/live?a=1", "/health/ready?a=1", "/metrics?a=1"] {
        assert_eq!(server.get(path, &[]).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_span_of_bars_may_be_given_by_dates() {
    let server = Server::start().listed();
    for minute in 0..3 {
        server.append(bar("GOOG", minute));
    }
    // START is 2024-11-20T13:58:31Z.
    for (query, count) in [
        ("from=2024-11-20", 3),
        ("from=2024-11-21", 0),
        ("to=2024-11-20", 0),
        ("to=2024-11-21", 3),
        ("from=2024-11-20T13:59:00Z", 2),
        ("from=2024-11-20T14:59:00%2B01:00", 2),
        ("from=2024-11-20T14:59:00+01:00", 2),
        ("from=2024-11-20T08:59:00-05:00&to=1732111200000", 1),
    ] {
        let bars = server.json(&format!("/stocks/GOOG/bars?{query}")).await;
        assert_eq!(bars["bars"].as_array().unwrap().len(), count, "{query}");
    }
    for query in [
        "from=20-11-2024",
        "to=2024-11-31",
        "from=2024-11-20T13:59:00",
    ] {
        let problem = problem(
            server.get(&format!("/stocks/GOOG/bars?{query}"), &[]).await,
            400,
        )
        .await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("2024-03-05T14:30:00Z"), "{detail}");
    }
}

#[tokio::test]
async fn a_publication_may_begin_with_a_byte_order_mark() {
    let server = with_desk();
    let event = |price: &str| {
        let data = json!({"symbol": "GOOG", "time": START, "price": price});
        json!({"event": "quote", "data": data}).to_string()
    };
    for (kind, body) in [
        ("application/json", format!("\u{feff}{}", event("1"))),
        ("application/json", format!("\u{feff}[{}]", event("2"))),
        (
            "application/x-ndjson",
            format!("\u{feff}{}\n{}\n", event("3"), event("4")),
        ),
    ] {
        let response = publish(&server, TOKEN, kind, body.into_bytes()).await;
        assert_eq!(response.status(), 200, "{kind}");
    }
    assert_eq!(server.json("/stocks/GOOG").await["price"], "4");
}

#[tokio::test]
async fn the_answer_to_a_refused_publication_is_short() {
    let server = with_desk();
    // A thousand events with four errors each, those of the time, the price and two sizes, and errors that repeat a long text.
    let long = "\u{1}".repeat(200_000);
    let wrong = json!({"symbol": "GOOG", "time": 1, "price": "-1", "size": "-1", "volume": "-1"});
    let wrong = json!({"event": "quote", "data": wrong}).to_string() + "\n";
    for lines in [
        wrong.repeat(1_000),
        json!({"event": "news", "data": {long: 1}}).to_string(),
        json!({"event": "x".repeat(1_000_000), "data": {}}).to_string(),
    ] {
        let response = publish(&server, TOKEN, "application/x-ndjson", lines.into_bytes()).await;
        assert_eq!(response.status(), 422);
        let body = response.bytes().await.unwrap();
        assert!(body.len() <= 64 * 1024, "{} bytes", body.len());
        let problem: Value = serde_json::from_slice(&body).unwrap();
        let errors = problem["errors"].as_array().unwrap().len();
        assert!(errors > 0);
        let detail = problem["detail"].as_str().unwrap();
        if errors > 100 {
            assert_eq!(
                detail,
                format!(
                    "line 1 and 999 more cannot be published, see errors, which are the first {errors} of 4000: nothing was taken"
                )
            );
            // They are those of the first lines, four of each.
            let lines = problem["errors"].as_array().unwrap().iter();
            let lines = lines.map(|error| error["line"].as_u64().unwrap());
            assert!(lines.eq((0..errors as u64).map(|error| error / 4 + 1)));
        }
    }
}

#[tokio::test]
async fn an_address_without_a_token_is_told_to_wait_and_others_are_not() {
    let server = with_desk();
    let wrong = || publish(&server, "wrong", "application/json", b"[]".to_vec());
    for _ in 0..10 {
        assert_eq!(wrong().await.status(), 401);
    }
    let response = wrong().await;
    let retry_after: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=6).contains(&retry_after), "{retry_after}");
    problem(response, 429).await;
    // A client with a token is not blocked by others at its address.
    let right = publish(&server, TOKEN, "application/json", b"[]".to_vec()).await;
    assert_eq!(right.status(), 200);
    let unknown = server
        .client
        .post(format!("http://{}/publish?dry_run=1", server.address));
    let unknown = unknown
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body("[]");
    let problem = problem(unknown.send().await.unwrap(), 400).await;
    assert!(problem["detail"].as_str().unwrap().contains("dry_run"));
}

#[tokio::test]
async fn csv_has_no_cell_that_is_run() {
    let server = Server::with(FeedState::Live, std::time::Duration::from_secs(15), 100).listed();
    let Event::Session(mut listed) = session("=1-2") else {
        unreachable!()
    };
    listed.name = "@SUM(A1)".to_owned();
    server.append(Event::Session(listed));
    let Event::News(mut story) = news("+1", "=1-2") else {
        unreachable!()
    };
    story.headline = "-2+3".to_owned();
    server.append(Event::News(story));
    let text = async |path: &'static str| server.get(path, &[]).await.text().await.unwrap();
    let symbols = text("/symbols?format=csv").await;
    assert!(symbols.contains("\n'=1-2,'@SUM(A1),"), "{symbols}");
    let stories = text("/news?format=csv").await;
    for cell in [",'+1,", ",'=1-2,", ",'-2+3,"] {
        assert!(stories.contains(cell), "{stories}");
    }
}
