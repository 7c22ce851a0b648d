//! The HTTP contract, against the real server on a socket.

mod support;

use std::time::Duration;

use market::{Event, FeedState};
use reqwest::StatusCode;
use serde_json::Value;
use tape::EventId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use support::{START, Server, bar, news, quote, session};

#[tokio::test]
async fn a_stream_opens_with_a_comment_a_jittered_retry_and_a_snapshot() {
    let server = Server::start().listed();
    server.append(news("test:1", "GOOG"));
    server.append(bar("GOOG", 0));
    let mut retries = std::collections::HashSet::new();
    for _ in 0..8 {
        let mut stream = server.stream("/stocks/GOOG", &[]).await;
        let headers = stream.response.headers().clone();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-cache, no-transform");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert_eq!(headers["vary"], "accept");
        let (id, snapshot) = stream.snapshot().await;
        let raw = String::from_utf8(stream.raw.clone()).unwrap();
        assert!(raw.starts_with(": tickertape\nretry: "), "{raw}");
        assert_eq!(
            raw.matches("\n\n").count(),
            1,
            "one event and nothing else: {raw}"
        );
        let retry = stream.decoder.retry().unwrap();
        assert!((1_000..3_000).contains(&retry), "{retry}");
        retries.insert(retry);
        assert_eq!(id, server.position().to_string());
        assert!(!snapshot.reset);
        assert_eq!(
            snapshot.quotes,
            match quote("GOOG", "597.32") {
                Event::Quote(quote) => vec![quote],
                _ => unreachable!(),
            }
        );
        assert_eq!(snapshot.sessions[0].name, "GOOG Incorporated");
        assert_eq!(snapshot.news[0].id, "test:1");
        assert_eq!(snapshot.closes[0].prices, ["1.5".parse().unwrap()]);
        assert_eq!(snapshot.feeds[0].state, FeedState::Live);
    }
    assert!(retries.len() > 1, "the retry is not jittered: {retries:?}");
}

#[tokio::test]
async fn a_stream_carries_its_symbols_and_their_news_in_order_and_nothing_else() {
    let server = Server::start().listed();
    let mut stream = server.stream("/stocks/goog", &[]).await;
    stream.snapshot().await;
    server.append(quote("AAPL", "227.00"));
    server.append(news("test:1", "AAPL"));
    let first = server.append(quote("GOOG", "598.00"));
    assert_eq!(
        stream.event().await,
        (first.to_string(), quote("GOOG", "598.00"))
    );
    let second = server.append(news("test:2", "GOOG"));
    assert_eq!(
        stream.event().await,
        (second.to_string(), news("test:2", "GOOG"))
    );
    let third = server.append(session("GOOG"));
    assert_eq!(stream.event().await, (third.to_string(), session("GOOG")));
    let fourth = server.append(bar("GOOG", 1));
    assert_eq!(stream.event().await, (fourth.to_string(), bar("GOOG", 1)));
    assert!(first < second && second < third && third < fourth);
}

#[tokio::test]
async fn all_symbols_and_the_choice_of_news() {
    let server = Server::start().listed();
    let mut all = server.stream("/stocks?symbols=*", &[]).await;
    let mut quiet = server
        .stream("/stocks?symbols=AAPL,GOOG&news=none", &[])
        .await;
    let mut every = server.stream("/stocks/AAPL?news=all", &[]).await;
    let (_, snapshot) = all.snapshot().await;
    let symbols: Vec<&str> = snapshot
        .quotes
        .iter()
        .map(|quote| quote.symbol.as_str())
        .collect();
    assert_eq!(symbols, ["AAPL", "GOOG"]);
    quiet.snapshot().await;
    every.snapshot().await;
    server.append(news("test:1", "GOOG"));
    server.append(quote("MSFT", "415.00"));
    server.append(quote("AAPL", "227.00"));
    assert_eq!(all.event().await.1, news("test:1", "GOOG"));
    assert_eq!(all.event().await.1, quote("MSFT", "415.00"));
    assert_eq!(all.event().await.1, quote("AAPL", "227.00"));
    assert_eq!(quiet.event().await.1, quote("AAPL", "227.00"));
    assert_eq!(every.event().await.1, news("test:1", "GOOG"));
    assert_eq!(every.event().await.1, quote("AAPL", "227.00"));
}

#[tokio::test]
async fn resumes_after_the_last_id_by_header_or_query_and_the_header_wins() {
    let server = Server::start().listed();
    let seen = server.append(news("test:1", "GOOG")).to_string();
    let later = server.append(news("test:2", "GOOG")).to_string();
    server.append(quote("GOOG", "598.00"));
    server.append(quote("GOOG", "599.00"));

    let expected = [news("test:2", "GOOG"), quote("GOOG", "599.00")];
    let mut by_header = server
        .stream("/stocks/GOOG", &[("last-event-id", &seen)])
        .await;
    let mut by_query = server
        .stream(&format!("/stocks/GOOG?last_event_id={seen}"), &[])
        .await;
    for expected in &expected {
        assert_eq!(&by_header.event().await.1, expected);
        assert_eq!(&by_query.event().await.1, expected);
    }
    let path = format!("/stocks/GOOG?last_event_id={seen}");
    let mut both = server.stream(&path, &[("last-event-id", &later)]).await;
    assert_eq!(both.event().await.1, quote("GOOG", "599.00"));
}

#[tokio::test]
async fn cut_at_random_bytes_a_client_gets_each_story_once_in_order_and_the_newest_quote() {
    const STORIES: usize = 1_000;
    let server = Server::with(FeedState::Live, Duration::from_secs(15), STORIES).listed();
    let mut random = fastrand::Rng::with_seed(7);
    let mut last = server.stream("/stocks/GOOG", &[]).await.snapshot().await.0;
    let (mut written, mut cuts) = (0, 0);
    let mut stories = Vec::new();
    let mut newest = None;
    while stories.len() < STORIES || newest != Some(STORIES - 1) {
        let headers = [("last-event-id", last.as_str())];
        let mut stream = server.stream("/stocks/GOOG", &headers).await;
        let mut bytes_left = random.usize(1..5_000);
        while bytes_left > 0 {
            for _ in 0..random.usize(..4).min(STORIES - written) {
                server.append(news(&format!("test:{written}"), "GOOG"));
                server.append(quote("GOOG", &format!("{written}.00")));
                written += 1;
            }
            if written == 0 || newest == Some(written - 1) {
                break;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), stream.response.chunk());
            let chunk = chunk.await.expect("the stream is silent").unwrap().unwrap();
            let arrived = &chunk[..chunk.len().min(bytes_left)];
            bytes_left -= arrived.len();
            stream.decoder.push(arrived, |message| {
                // A stream that resumes with nothing to send begins with one, without an id.
                if message.name == "heartbeat" {
                    return;
                }
                match Event::decode(&message.name, &message.data).unwrap() {
                    Event::News(story) => stories.push(story.id),
                    Event::Quote(quote) => {
                        let price = quote.price.unwrap().to_string();
                        newest = Some(price.trim_end_matches(".00").parse::<usize>().unwrap());
                    }
                    other => panic!("expected stories and quotes, got {other:?}"),
                }
                last = message.last_event_id;
            });
        }
        cuts += 1;
    }
    let expected: Vec<String> = (0..STORIES).map(|n| format!("test:{n}")).collect();
    assert_eq!(stories, expected);
    assert!(cuts > 50, "only {cuts} cuts");
}

#[tokio::test]
async fn symbols_are_added_without_losing_an_event() {
    let server = Server::start().listed();
    server.append(news("test:old", "AAPL"));
    let mut stream = server.stream("/stocks?symbols=GOOG", &[]).await;
    stream.snapshot().await;
    let seen = server.append(news("test:seen", "GOOG")).to_string();
    assert_eq!(stream.event().await.0, seen);
    drop(stream);
    server.append(news("test:1", "AAPL"));
    server.append(news("test:2", "GOOG"));
    let path = format!("/stocks?symbols=GOOG,AAPL&added=AAPL&last_event_id={seen}");
    let mut stream = server.stream(&path, &[]).await;
    let (id, snapshot) = stream.snapshot().await;
    assert_eq!(id, "", "it moves no position");
    assert!(!snapshot.reset);
    assert_eq!(snapshot.sessions.len(), 1);
    assert_eq!(
        snapshot
            .quotes
            .iter()
            .map(|quote| quote.symbol.to_string())
            .collect::<Vec<_>>(),
        ["AAPL"],
        "also a quote that is older than the position"
    );
    let stories: Vec<_> = snapshot.news.iter().map(|story| &story.id).collect();
    assert_eq!(stories, ["test:old"], "what came since comes as an event");
    assert_eq!(stream.event().await.1, news("test:1", "AAPL"));
    assert_eq!(stream.event().await.1, news("test:2", "GOOG"));
    server.append(quote("AAPL", "227.00"));
    assert_eq!(stream.event().await.1, quote("AAPL", "227.00"));

    // The same by polling.
    let path = format!("/stocks?symbols=GOOG,AAPL&after={seen}");
    let answer = server.json(&format!("{path}&added=AAPL")).await;
    assert_eq!(answer["events"].as_array().unwrap().len(), 1);
    assert_eq!(answer["events"][0]["data"]["quotes"][0]["symbol"], "AAPL");
    assert!(answer["events"][0].get("id").is_none());
    assert_eq!(answer["last_event_id"], seen);
    let answer = server.json(&path).await;
    assert_eq!(answer["events"].as_array().unwrap().len(), 3);

    // From one symbol to all of them.
    let path = format!("/stocks?symbols=*&added=*&last_event_id={seen}");
    let mut stream = server.stream(&path, &[]).await;
    let (_, snapshot) = stream.snapshot().await;
    assert_eq!((snapshot.reset, snapshot.quotes.len()), (false, 2));

    // If the position is lost, the snapshot is of everything.
    let path = "/stocks?symbols=GOOG,AAPL&added=AAPL&last_event_id=1-0";
    let (_, snapshot) = server.stream(path, &[]).await.snapshot().await;
    assert_eq!((snapshot.reset, snapshot.quotes.len()), (true, 2));
}

#[tokio::test]
async fn a_client_that_is_cut_and_too_slow_for_the_window_is_told_of_every_gap() {
    const STORIES: usize = 2_000;
    let server = Server::with(FeedState::Live, Duration::from_secs(15), 20).listed();
    let mut random = fastrand::Rng::with_seed(11);
    let mut last = String::new();
    let (mut written, mut resets) = (0, 0);
    let mut next = None;
    while next != Some(STORIES) {
        let headers = [("last-event-id", last.as_str())];
        let mut stream = server.stream("/stocks/GOOG", &headers).await;
        for _ in 0..random.usize(..30).min(STORIES - written) {
            server.append(news(&format!("test:{written}"), "GOOG"));
            written += 1;
        }
        let mut bytes_left = random.usize(1..20_000);
        while bytes_left > 0 && next != Some(written) {
            let chunk = tokio::time::timeout(Duration::from_secs(60), stream.response.chunk());
            let chunk = chunk.await.expect("the stream is silent").unwrap().unwrap();
            let arrived = &chunk[..chunk.len().min(bytes_left)];
            bytes_left -= arrived.len();
            let number = |id: &str| id.trim_start_matches("test:").parse::<usize>().unwrap();
            stream.decoder.push(arrived, |message| {
                // A stream that resumes with nothing to send begins with one, without an id.
                if message.name == "heartbeat" {
                    return;
                }
                match Event::decode(&message.name, &message.data).unwrap() {
                    Event::Snapshot(snapshot) => {
                        assert_eq!(snapshot.reset, !last.is_empty());
                        resets += usize::from(snapshot.reset);
                        let newest = snapshot
                            .news
                            .first()
                            .map_or(0, |story| number(&story.id) + 1);
                        assert!(next <= Some(newest));
                        next = Some(newest);
                    }
                    Event::News(story) => {
                        assert_eq!(Some(number(&story.id)), next, "a silent gap");
                        next = next.map(|next| next + 1);
                    }
                    Event::Quote(_) | Event::Session(_) => {}
                    other => panic!("expected a snapshot and stories, got {other:?}"),
                }
                last = message.last_event_id;
            });
        }
    }
    assert!(resets > 10, "only {resets} resets");
}

#[tokio::test]
async fn an_id_that_is_not_on_the_tape_is_answered_with_a_reset() {
    let server = Server::with(FeedState::Live, Duration::from_secs(15), 2).listed();
    let old = server.append(news("test:0", "GOOG")).to_string();
    for n in 1..5 {
        server.append(news(&format!("test:{n}"), "GOOG"));
    }
    let future = format!("{}-0", START + 1_000_000);
    for id in [
        old.as_str(),
        &future,
        "0-0",
        "nonsense",
        "-1",
        "99999999999999999999999-0",
    ] {
        let mut stream = server
            .stream("/stocks/GOOG", &[("last-event-id", id)])
            .await;
        let (position, snapshot) = stream.snapshot().await;
        assert!(snapshot.reset, "{id}");
        assert_eq!(snapshot.news.len(), 2, "{id}");
        assert_eq!(position, server.position().to_string(), "{id}");
    }
    let mut stream = server.stream("/stocks/GOOG?last_event_id=", &[]).await;
    assert!(
        !stream.snapshot().await.1.reset,
        "an empty id asks for nothing"
    );
}

#[tokio::test]
async fn a_reader_that_fell_off_the_window_is_reset_in_the_stream() {
    let server = Server::with(FeedState::Live, Duration::from_secs(15), 50).listed();
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;
    // More than the sockets and hyper buffer, so that the cursor lags behind the window.
    let text = "x".repeat(64 * 1024);
    for n in 0..400 {
        let Event::News(mut story) = news(&format!("test:{n}"), "GOOG") else {
            unreachable!()
        };
        story.headline.clone_from(&text);
        server.append(Event::News(story));
        tokio::task::yield_now().await;
    }
    server.append(quote("GOOG", "600.00"));
    let newest = Some("600.00".parse().unwrap());
    let mut last: EventId = "0-0".parse().unwrap();
    let mut resets = 0;
    loop {
        let (id, event) = stream.event().await;
        let id: EventId = id.parse().unwrap();
        assert!(id > last, "{id} after {last}");
        last = id;
        let price = match event {
            Event::Snapshot(snapshot) => {
                assert!(snapshot.reset);
                resets += 1;
                snapshot.quotes[0].price
            }
            Event::Quote(quote) => quote.price,
            _ => continue,
        };
        if price == newest {
            break;
        }
    }
    assert!(
        resets > 0,
        "the newest price came without a word of what was missed"
    );
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_without_an_id() {
    let server = Server::with(FeedState::Live, Duration::from_millis(20), 100).listed();
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    let (position, _) = stream.snapshot().await;
    server.at(5_000);
    let (id, event) = stream.event().await;
    assert_eq!(id, position, "a heartbeat moves no position");
    assert!(matches!(event, Event::Heartbeat(_)), "{event:?}");
    loop {
        if let (_, Event::Heartbeat(heartbeat)) = stream.event().await
            && heartbeat.time == START + 5_000
        {
            break;
        }
    }
}

#[tokio::test]
async fn max_rate_holds_quotes_back_but_no_news() {
    let server = Server::start().listed();
    let mut stream = server.stream("/stocks/GOOG?max_rate=4", &[]).await;
    stream.snapshot().await;
    server.append(quote("GOOG", "600.00"));
    assert_eq!(stream.event().await.1, quote("GOOG", "600.00"));
    server.at(10);
    server.append(quote("GOOG", "601.00"));
    server.append(quote("GOOG", "602.00"));
    let story = server.append(news("test:1", "GOOG"));
    assert_eq!(
        stream.event().await,
        (story.to_string(), news("test:1", "GOOG"))
    );
    server.at(260);
    let (id, event) = stream.event().await;
    assert_eq!(event, quote("GOOG", "602.00"));
    assert_eq!(
        id,
        story.to_string(),
        "an older quote must not move the position back"
    );
}

#[tokio::test]
async fn the_current_quotes_as_json() {
    let server = Server::start().listed();
    let response = server.get("/stocks/goog", &[]).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["vary"], "accept, accept-encoding");
    let quote: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(quote["symbol"], "GOOG");
    assert_eq!(quote["price"], "597.32");
    let quotes = server.json("/stocks?symbols=GOOG,AAPL").await;
    assert_eq!(quotes[0]["symbol"], "GOOG");
    assert_eq!(quotes[1]["price"], "226.80");
    assert_eq!(
        server
            .json("/stocks?symbols=*")
            .await
            .as_array()
            .unwrap()
            .len(),
        2
    );
    server.append(session("EMPTY"));
    let nothing_yet = server.json("/stocks/EMPTY").await;
    assert_eq!(nothing_yet["symbol"], "EMPTY");
    assert!(nothing_yet.get("price").is_none());
}

#[tokio::test]
async fn polling_gives_what_a_stream_would() {
    let server = Server::start().listed();
    let seen = server.position();
    let nothing = server.json(&format!("/stocks/GOOG?after={seen}")).await;
    assert_eq!(nothing["events"], Value::Array(vec![]));
    assert_eq!(nothing["last_event_id"], seen.to_string());

    let waiting = async {
        server
            .json(&format!("/stocks/GOOG?after={seen}&wait=25"))
            .await
    };
    let appended = async {
        while server.tape.stats().cursors == 0 {
            tokio::task::yield_now().await;
        }
        server.append(news("test:1", "GOOG"))
    };
    let (answer, id) = tokio::join!(waiting, appended);
    assert_eq!(answer["events"][0]["id"], id.to_string());
    assert_eq!(answer["events"][0]["event"], "news");
    assert_eq!(answer["events"][0]["data"]["id"], "test:1");
    assert_eq!(answer["last_event_id"], id.to_string());

    let reset = server.json("/stocks/GOOG?after=1-1").await;
    assert_eq!(reset["events"][0]["event"], "snapshot");
    assert_eq!(reset["events"][0]["data"]["reset"], true);
    assert_eq!(reset["last_event_id"], id.to_string());
}

#[tokio::test]
async fn bars_that_are_on_the_tape() {
    let server = Server::start().listed();
    for minute in 0..5 {
        server.append(bar("GOOG", minute));
    }
    server.append(bar("AAPL", 9));
    let all = server.json("/stocks/GOOG/bars?interval=1m").await;
    let starts: Vec<u64> = all["bars"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bar| bar["start"].as_u64().unwrap())
        .collect();
    assert_eq!(starts.len(), 5);
    assert!(starts.is_sorted());
    let some = server
        .json(&format!(
            "/stocks/GOOG/bars?from={}&to={}&limit=1",
            starts[1], starts[3]
        ))
        .await;
    assert_eq!(some["bars"].as_array().unwrap().len(), 1);
    assert_eq!(
        some["bars"][0]["start"], starts[2],
        "the newest ones are given where limit cuts"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_as_a_problem() {
    let server = Server::start().listed();
    for (path, accept, status, words) in [
        ("/stocks/GOGO", "application/json", 404, "GOGO"),
        ("/stocks/GOGO", "text/event-stream", 404, "GOOG"),
        (
            "/stocks?symbols=NOPE,NEITHER",
            "text/event-stream",
            404,
            "NOPE",
        ),
        ("/stocks/A%20B", "application/json", 400, "\"A B\""),
        ("/stocks/%FF", "application/json", 400, "UTF-8"),
        ("/stocks/%FF/bars", "application/json", 400, "UTF-8"),
        ("/stocks", "application/json", 400, "symbols is missing"),
        (
            "/stocks?symbols=",
            "application/json",
            400,
            "expected names",
        ),
        (
            "/stocks?symbols=GOOG&added=AAPL",
            "text/event-stream",
            400,
            "\"AAPL\"",
        ),
        (
            "/stocks?symbols=GOOG&news=loud",
            "text/event-stream",
            400,
            "\"loud\"",
        ),
        (
            "/stocks/GOOG?max_rate=-1",
            "text/event-stream",
            400,
            "\"-1\"",
        ),
        (
            "/stocks/GOOG?after=1-1&wait=26",
            "application/json",
            400,
            "\"26\"",
        ),
        (
            "/stocks/GOOG/bars?interval=2m",
            "application/json",
            400,
            "\"2m\"",
        ),
        (
            "/stocks/GOOG/bars?from=yesterday",
            "application/json",
            400,
            "\"yesterday\"",
        ),
        (
            "/stocks/GOOG/bars?limit=50001",
            "application/json",
            400,
            "\"50001\"",
        ),
        ("/stocks/GOOG", "image/png", 406, "image/png"),
        ("/nowhere", "application/json", 404, "/nowhere"),
        ("/pkg/nowhere.js", "*/*", 404, "/pkg/nowhere.js"),
    ] {
        let response = server.get(path, &[("accept", accept)]).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-cache", "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
        let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(problem["status"], status, "{path}");
        assert_eq!(problem["type"], "about:blank", "{path}");
        assert!(problem["title"].is_string(), "{path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{path}: {detail}");
    }
    let response = server.get("/stocks/GOGO", &[]).await;
    let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["suggestions"], serde_json::json!(["GOOG"]));
    let response = server.get("/stocks/XYZ", &[]).await;
    let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(problem["detail"], "unknown symbol XYZ");
    assert_eq!(problem.get("suggestions"), None);

    for path in ["/stocks/GOOG", "/pkg/nowhere.js"] {
        let address = format!("http://{}{path}", server.address);
        let response = server.client.delete(address).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()["allow"], "GET, HEAD", "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_person_gets_the_page_also_when_something_is_wrong() {
    let server = Server::start().listed();
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, status, words) in [
        ("/", 200, "226.80"),
        ("/stocks/GOOG", 200, "597.32"),
        ("/stocks?symbols=GOOG", 200, "597.32"),
        ("/stocks/GOGO", 404, "Did you mean GOOG?"),
        ("/stocks/XYZ", 404, "XYZ isn’t available here"),
        ("/stocks/A%20B", 400, "is not a symbol"),
        ("/stocks/%FF", 400, "UTF-8"),
        ("/nowhere", 404, "/nowhere"),
    ] {
        let response = server.get(path, &browser).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html"),
            "{path}"
        );
        assert_eq!(response.headers()["vary"], "accept", "{path}");
        let html = response.text().await.unwrap();
        assert!(html.contains(words), "{path}: {html}");
        assert!(html.contains("id=\"page-data\""), "{path}");
    }
}

#[tokio::test]
async fn pages_and_json_are_compressed_and_streams_are_not() {
    let server = Server::start().listed();
    for minute in 0..100 {
        server.append(bar("GOOG", minute));
    }
    for (path, accept) in [
        ("/stocks/GOOG", "text/html"),
        ("/stocks/GOOG/bars", "application/json"),
    ] {
        let plain = server.get(path, &[("accept", accept)]).await;
        let plain = plain.bytes().await.unwrap().len();
        for encoding in ["gzip", "br"] {
            let headers = [("accept", accept), ("accept-encoding", encoding)];
            let response = server.get(path, &headers).await;
            assert_eq!(response.headers()["content-encoding"], encoding, "{path}");
            let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
            assert!(
                vary.iter()
                    .any(|names| names.to_str().unwrap().contains("accept-encoding")),
                "{vary:?}"
            );
            let compressed = response.bytes().await.unwrap().len();
            assert!(
                compressed * 4 < plain,
                "{path}: {compressed} of {plain} bytes"
            );
        }
    }
    let headers = [("accept-encoding", "gzip, br")];
    let mut stream = server.stream("/stocks/GOOG", &headers).await;
    assert!(!stream.response.headers().contains_key("content-encoding"));
    // Even if the answer bypasses the usual path.
    assert_eq!(
        stream.response.headers()["x-content-type-options"],
        "nosniff"
    );
    stream.snapshot().await;
    server.append(quote("GOOG", "598.00"));
    assert_eq!(stream.event().await.1, quote("GOOG", "598.00"));
}

#[tokio::test]
async fn the_head_of_a_stream_has_no_length() {
    let server = Server::start().listed();
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET /stocks/GOOG HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("\r\ntransfer-encoding: chunked\r\n"),
        "{head}"
    );
    assert!(!head.contains("\r\ncontent-length:"), "{head}");
}

#[tokio::test]
async fn text_from_outside_stays_text_in_the_page() {
    let server = Server::start().listed();
    let Event::News(mut story) = news("test:1", "GOOG") else {
        unreachable!()
    };
    story.headline = "</script><script>alert(1)</script><img src=x onerror=alert(2)>".to_owned();
    server.append(Event::News(story));
    let response = server.get("/stocks/GOOG", &[("accept", "text/html")]).await;
    let html = response.text().await.unwrap();
    assert!(
        html.contains("&lt;script&gt;alert(1)"),
        "the headline is not on the page"
    );
    assert!(!html.contains("<script>alert(1)"));
    assert!(!html.contains("<img src=x"));
}

#[tokio::test]
async fn health() {
    let server = Server::start();
    for path in ["/health/live", "/health/ready"] {
        let response = server.get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
    }
    let connecting = Server::with(FeedState::Connecting, Duration::from_secs(15), 10);
    assert_eq!(
        connecting.get("/health/live", &[]).await.status(),
        StatusCode::OK
    );
    let response = connecting.get("/health/ready", &[]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        response
            .text()
            .await
            .unwrap()
            .contains("the feed test is still connecting")
    );
}

#[tokio::test]
async fn shutdown_ends_open_streams_at_once() {
    let server = Server::start().listed();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = server.stream("/stocks?symbols=*", &[]).await;
        stream.snapshot().await;
        streams.push(stream);
    }
    server.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(60), server.serving)
        .await
        .expect("the server did not end")
        .unwrap();
    for mut stream in streams {
        assert_eq!(
            stream.message().await,
            None,
            "the stream was cut off instead of ended"
        );
    }
    assert_eq!(server.tape.stats().cursors, 0);
}
