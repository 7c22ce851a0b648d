//! Imported history of symbols that nothing quotes, with the binary.
#![cfg(unix)]

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use archive::Importer;
use clock::system_now;
use jiff::tz::TimeZone;
use market::{
    Bar, Event, Interval, Millis, Snapshot, Symbol,
    sse::{Decoder, Message},
};
use publishers::TokenGrant;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use support::problem;

const TOKEN: &str = "the-token-of-the-desk";
const DAY: Millis = 24 * 60 * 60 * 1_000;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-imported-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("site/pkg")).unwrap();
        Folder(folder)
    }

    fn import(&self, interval: Interval, bars: &[Bar]) {
        let mut importer = Importer::open(&self.0.join("data"), "tickertape.db").unwrap();
        importer.bars(interval, bars).unwrap();
        while importer.roll().unwrap() > 0 {}
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Program {
    process: Child,
    input: ChildStdin,
    address: String,
    client: Client,
}

impl Program {
    /// Starts the server and waits until it listens.
    fn start(folder: &Folder, feed: &str) -> Self {
        let grant = TokenGrant::new("desk", TOKEN).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(["--listen", "127.0.0.1:0", "--feed", feed, "--log", "warn"])
            .args(["--publish-token", &grant.to_string()])
            .arg("--site")
            .arg(folder.0.join("site"))
            .arg("--data")
            .arg(folder.0.join("data"))
            .env_remove("LEPTOS_OUTPUT_NAME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once('/').expect("it does not listen").1;
        Program {
            input: process.stdin.take().unwrap(),
            process,
            address: address.to_owned(),
            client: support::client(),
        }
    }

    async fn get(&self, path: &str, accept: &str) -> Response {
        let request = self.client.get(format!("http://{}{path}", self.address));
        request.header("accept", accept).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path, "application/json").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    async fn text(&self, path: &str) -> String {
        let response = self.get(path, "text/html,*/*").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    async fn publish(&self, event: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("http://{}/publish", self.address));
        let request = request.bearer_auth(TOKEN);
        let request = request.header("content-type", "application/json");
        let response = request.body(event.to_string()).send().await.unwrap();
        let status = response.status();
        let answer = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        (status, answer)
    }

    async fn stream(&self, path: &str) -> Stream {
        let response = self.get(path, "text/event-stream").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Stream {
            response,
            decoder: Decoder::new(),
            waiting: Vec::new(),
        }
    }

    /// The symbols found for a text, each with whether it is quoted and archived.
    async fn search(&self, text: &str) -> Vec<(String, bool, bool)> {
        let found = self.json(&format!("/symbols?q={text}")).await;
        let found = found["symbols"].as_array().unwrap().iter();
        let read = |it: &Value| {
            let is = |name: &str| it[name].as_bool().unwrap();
            let symbol = it["symbol"].as_str().unwrap().to_owned();
            (symbol, is("quoted"), is("archived"))
        };
        found.map(read).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Stream {
    response: Response,
    decoder: Decoder,
    waiting: Vec<Message>,
}

impl Stream {
    async fn event(&mut self) -> Event {
        while self.waiting.is_empty() {
            let chunk = self.response.chunk().await.unwrap();
            let waiting = &mut self.waiting;
            let chunk = chunk.expect("the stream has ended");
            self.decoder.push(&chunk, |message| waiting.push(message));
        }
        let message = self.waiting.remove(0);
        Event::decode(&message.name, &message.data).unwrap()
    }

    async fn snapshot(&mut self) -> Snapshot {
        match self.event().await {
            Event::Snapshot(snapshot) => snapshot,
            other => panic!("expected a snapshot, got {other:?}"),
        }
    }

    /// The price of the next quote.
    async fn price(&mut self) -> String {
        loop {
            if let Event::Quote(quote) = self.event().await {
                assert_eq!(quote.close_of, None);
                return quote.price.unwrap().to_string();
            }
        }
    }
}

fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

fn now() -> Millis {
    system_now()()
}

fn bar(name: &str, start: Millis, close: &str) -> Bar {
    let close: market::Price = close.parse().unwrap();
    Bar {
        symbol: symbol(name),
        start,
        open: close,
        high: close,
        low: close,
        close,
        volume: "100".parse().unwrap(),
        vwap: None,
        trades: 1,
    }
}

/// A bar of each of so many days before today, in UTC; the last closes at 12.34.
fn days(name: &str, count: u64) -> Vec<Bar> {
    let today = now() / DAY * DAY;
    let bars = (1..=count).rev().map(|ago| {
        let close = format!("12.{}", 33 + ago % 60);
        bar(name, today - ago * DAY, &close)
    });
    bars.collect()
}

/// The day before today, as written.
fn yesterday() -> String {
    let yesterday = i64::try_from(now() - DAY).unwrap();
    let moment = jiff::Timestamp::from_millisecond(yesterday).unwrap();
    moment.to_zoned(TimeZone::UTC).date().to_string()
}

fn quote(name: &str, price: &str) -> Value {
    json!({"event": "quote", "data": {"symbol": name, "time": now(), "price": price}})
}

#[tokio::test]
async fn a_symbol_that_was_only_imported_is_answered_with_its_last_close() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("YAH", 250));
    let program = Program::start(&folder, "none");

    let one = program.json("/stocks/yah").await;
    let expected = [&json!("YAH"), &json!("12.34"), &json!(yesterday())];
    assert_eq!([&one["symbol"], &one["price"], &one["close_of"]], expected);
    assert_eq!(one["bid"], Value::Null);

    let several = program.get("/stocks?symbols=YAH,NOPE", "application/json");
    let several = several.await;
    assert_eq!(several.headers()["unknown-symbols"], "NOPE");
    let quotes: Value = serde_json::from_slice(&several.bytes().await.unwrap()).unwrap();
    assert_eq!(quotes[0]["close_of"], json!(yesterday()));
    assert_eq!(quotes.as_array().unwrap().len(), 1);
    // A symbol that nothing quotes is not among all that are quoted.
    assert_eq!(program.json("/stocks?symbols=*").await, json!([]));

    let mut stream = program.stream("/stocks?symbols=YAH,NOPE").await;
    let snapshot = stream.snapshot().await;
    assert_eq!(snapshot.unknown, [symbol("NOPE")]);
    assert_eq!(snapshot.quotes[0].close_of, Some(yesterday()));
    assert!(snapshot.sessions.is_empty());
    let snapshot = program.stream("/stocks/YAH").await.snapshot().await;
    assert_eq!(snapshot.quotes.len(), 1);

    let polled = program.json("/stocks/YAH?after=").await;
    let quote = &polled["events"][0]["data"]["quotes"][0];
    assert_eq!(quote["close_of"], json!(yesterday()));
    assert_eq!(polled["unknown"], Value::Null);
    let after = polled["last_event_id"].as_str().unwrap();
    let polled = program.json(&format!("/stocks/YAH?after={after}")).await;
    assert_eq!(polled["events"], json!([]));

    assert_eq!(program.json("/news?symbols=YAH").await["news"], json!([]));
    for path in ["/stocks/NOPE", "/stocks?symbols=NOPE", "/stocks/NOPE/bars"] {
        problem(program.get(path, "application/json").await, 404).await;
        problem(
            program
                .get(path, "text/event-stream,application/json")
                .await,
            404,
        )
        .await;
    }
}

#[tokio::test]
async fn a_symbol_that_was_only_imported_is_found() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("^YAH", 3));
    folder.import(Interval::Minute, &[bar("YAHX", 60_000, "1")]);
    let program = Program::start(&folder, "none");
    let found = |names: &[&str]| -> Vec<(String, bool, bool)> {
        let all = names.iter();
        all.map(|name| ((*name).to_owned(), false, true)).collect()
    };
    assert_eq!(program.search("yah").await, found(&["^YAH", "YAHX"]));
    assert_eq!(program.search("YAHX").await, found(&["YAHX", "^YAH"]));
    assert_eq!(program.search("").await, found(&["YAHX", "^YAH"]));
    let csv = program.text("/symbols?q=YAHX&limit=1&format=csv").await;
    assert_eq!(
        csv,
        "symbol,name,venue,currency,tick,quoted,archived\r\nYAHX,,,,,false,true\r\n"
    );
    let (status, _) = program.publish(&quote("YAHX", "2")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        program.search("YAHX").await[0],
        ("YAHX".to_owned(), true, true)
    );
}

#[tokio::test]
async fn the_page_shows_the_last_close_and_a_year_of_days() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("YAH", 250));
    let program = Program::start(&folder, "none");
    for path in [
        "/stocks/YAH",
        "/",
        "/?symbols=YAH",
        "/stocks?symbols=YAH,NOPE",
    ] {
        let page = program.text(path).await;
        let title = page.split("aria-label=\"Quote\"").nth(1).unwrap();
        let words = format!("Close of {}: no feed quotes this symbol", yesterday());
        assert!(
            title.contains("data-field=\"price\" data-value=\"12.34\""),
            "{path}"
        );
        assert!(title.contains(&words), "{path}");
        let row = page.split("data-symbol=\"YAH\"").nth(1).unwrap();
        assert!(row.contains("data-value=\"12.34\""), "{path}");
        assert!(row.contains(&format!("Close of {}", yesterday())), "{path}");
        assert!(page.contains("data-points=\"250\""), "{path}");
        let data = page.split("id=\"page-data\"").nth(1).unwrap();
        assert!(data.contains("\"range\":\"1Y\""), "{path}");
        let pressed = page.split("aria-pressed=\"true\"").nth(1).unwrap();
        assert!(pressed.starts_with(" aria-label=\"1 year\""), "{path}");
    }
    let unknown = program.get("/stocks/NOPE", "text/html").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn charts_are_drawn_from_the_bars_that_are_stored() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("DAYS", 250));
    let hour = now() / 3_600_000 * 3_600_000;
    let hours: Vec<Bar> = (1..=100)
        .rev()
        .map(|ago| bar("HOURS", hour - ago * 3_600_000, "5"))
        .collect();
    folder.import(Interval::Hour, &hours);
    let program = Program::start(&folder, "none");
    for (path, range, count) in [
        ("/stocks/DAYS/chart.svg", "1 year", "250 bars"),
        ("/stocks/DAYS/chart.svg?range=1Y", "1 year", "250 bars"),
        ("/stocks/DAYS/chart.svg?range=1M", "1 month", "30 bars"),
        (
            "/stocks/DAYS/chart.svg?range=1W&type=candles",
            "1 week",
            "7 bars",
        ),
        ("/stocks/HOURS/chart.svg", "1 month", "100 bars"),
        ("/stocks/HOURS/chart.svg?range=1D", "1 day", "24 bars"),
    ] {
        let chart = program.text(path).await;
        assert!(
            chart.contains(range) && chart.contains(count),
            "{path}: {chart}"
        );
    }
    // Bars of a named interval have no other.
    let chart = program
        .text("/stocks/DAYS/chart.svg?range=1M&interval=1h")
        .await;
    assert!(chart.contains("No prices yet"), "{chart}");
    for (path, older) in [
        ("/stocks/DAYS/bars", json!("1d")),
        ("/stocks/DAYS/bars?interval=1d", Value::Null),
        ("/stocks/DAYS/bars?interval=1d&limit=10", json!("1d")),
        ("/stocks/HOURS/bars?interval=1m", json!("1h")),
        ("/stocks/HOURS/bars?interval=1h", Value::Null),
    ] {
        assert_eq!(program.json(path).await["older"], older, "{path}");
    }
}

#[tokio::test]
async fn a_publisher_takes_an_imported_symbol_over() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("YAH", 5));
    let program = Program::start(&folder, "none");
    let mut stream = program.stream("/stocks/YAH").await;
    assert_eq!(stream.snapshot().await.quotes.len(), 1);
    // A close cannot be published.
    let mut close = quote("YAH", "12.40");
    close["data"]["close_of"] = json!("2026-11-23");
    let (status, refused) = program.publish(&close).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused["errors"][0]["pointer"], "/data/close_of");

    let (status, _) = program.publish(&quote("YAH", "12.50")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stream.price().await, "12.50");
    let one = program.json("/stocks/YAH").await;
    assert_eq!(
        (&one["price"], &one["close_of"]),
        (&json!("12.50"), &Value::Null)
    );
    let page = program.text("/stocks/YAH").await;
    assert!(!page.contains("no feed quotes this symbol"));
    // The history stays, and so does the quote across a restart.
    drop(program);
    let program = Program::start(&folder, "none");
    assert_eq!(program.json("/stocks/YAH").await["price"], "12.50");
    let bars = program.json("/stocks/YAH/bars?interval=1d&limit=5").await;
    assert!(bars["bars"].as_array().unwrap().len() == 5, "{bars}");
}

#[tokio::test]
async fn a_feed_takes_an_imported_symbol_over() {
    let folder = Folder::new();
    folder.import(Interval::Day, &days("YAH", 5));
    let mut program = Program::start(&folder, "stdin");
    let mut stream = program.stream("/stocks/YAH").await;
    assert_eq!(
        stream.snapshot().await.quotes[0].close_of,
        Some(yesterday())
    );
    writeln!(program.input, "{}", quote("YAH", "12.60")).unwrap();
    assert_eq!(stream.price().await, "12.60");
    // It belongs to the feed from now on, and had no owner before.
    let (status, refused) = program.publish(&quote("YAH", "1")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("feed"), "{detail}");
}

#[tokio::test]
async fn what_is_imported_into_a_running_server_is_there_at_once() {
    let folder = Folder::new();
    let program = Program::start(&folder, "none");
    problem(program.get("/stocks/YAH", "application/json").await, 404).await;
    assert_eq!(program.search("YAH").await, []);
    folder.import(Interval::Day, &days("YAH", 5));
    assert_eq!(program.json("/stocks/YAH").await["price"], "12.34");
    assert_eq!(
        program.search("YAH").await,
        [("YAH".to_owned(), false, true)]
    );
    // By a part of its name once the list is read again.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while program.search("YA").await.is_empty() {
        assert!(std::time::Instant::now() < deadline, "it is not listed");
    }
}

#[tokio::test]
async fn thousands_of_imported_symbols_take_no_place_of_those_that_are_quoted() {
    let folder = Folder::new();
    let start = now() / DAY * DAY - DAY;
    let bars: Vec<Bar> = (0..10_500)
        .map(|number| bar(&format!("S{number}"), start, "7.5"))
        .collect();
    folder.import(Interval::Day, &bars);
    let program = Program::start(&folder, "none");
    assert_eq!(program.json("/stocks?symbols=*").await, json!([]));
    // The tape has as many as may be quoted: none of these.
    for number in [0, 5_000, 10_499] {
        let one = program.json(&format!("/stocks/S{number}")).await;
        assert_eq!(one["price"], "7.5");
    }
    assert_eq!(program.search("S10499").await[0].0, "S10499");
    let all = program.json("/symbols?limit=20000").await;
    assert_eq!(all["symbols"].as_array().unwrap().len(), 10_500);
    let (status, answer) = program.publish(&quote("NEWCO", "1")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, answer) = program.publish(&quote("S10499", "8")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let quoted = program.json("/stocks?symbols=*").await;
    assert_eq!(quoted.as_array().unwrap().len(), 2);
}
