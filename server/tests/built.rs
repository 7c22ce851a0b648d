//! Published quotes build bars, and their symbols get sessions and previous closes, with the binary.
#![cfg(unix)]

mod support;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use archive::Importer;
use clock::system_now;
use market::{Bar, Interval, Millis};
use publishers::TokenGrant;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sessions::Calendar;

const TOKEN: &str = "the-token-of-the-desk";
const MINUTE: Millis = 60_000;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-built-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("site/pkg")).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Program {
    process: Child,
    address: String,
    client: Client,
}

impl Program {
    /// Starts the server and waits until it listens.
    fn start(folder: &Folder) -> Self {
        let grant = TokenGrant::new("desk", TOKEN).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(["--listen", "127.0.0.1:0", "--feed", "none", "--log", "warn"])
            .args(["--publish-token", &grant.to_string()])
            .arg("--site")
            .arg(folder.0.join("site"))
            .arg("--data")
            .arg(folder.0.join("data"))
            .env_remove("LEPTOS_OUTPUT_NAME")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once('/').expect("it does not listen").1;
        Program {
            process,
            address: address.to_owned(),
            client: support::client(),
        }
    }

    async fn publish(&self, events: Value) -> Value {
        let response = self
            .client
            .post(format!("http://{}/publish", self.address))
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(events.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{response:?}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let request = self.client.get(format!("http://{}{path}", self.address));
        let response = request
            .header("accept", "application/json")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// The bar of a minute.
    async fn minute(&self, start: Millis) -> Option<Value> {
        let answer = self
            .json(&format!("/stocks/ABC/bars?from={start}&to={}", start + 1))
            .await;
        answer["bars"].as_array().unwrap().first().cloned()
    }

    /// The newest event of a name after an id, waiting for it.
    async fn event(&self, name: &str, after: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut after = after.to_owned();
        for _ in 0..100 {
            let path = format!("/stocks/ABC?after={after}&wait=5");
            let answer = self.json(&path).await;
            for event in answer["events"].as_array().unwrap() {
                if event["event"] == name && wanted(&event["data"]) {
                    return event["data"].clone();
                }
            }
            after = answer["last_event_id"].as_str().unwrap().to_owned();
        }
        panic!("no {name} came");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn quote(time: Millis, price: &str, volume: &str) -> Value {
    json!({"event": "quote", "data": {"symbol": "ABC", "time": time, "price": price, "volume": volume}})
}

fn bar(start: Millis, volume: &str) -> Value {
    json!({"event": "bar", "data": {"symbol": "ABC", "start": start, "open": "9", "high": "9",
        "low": "9", "close": "9", "volume": volume, "trades": 1}})
}

/// The beginning of a minute that is over.
fn base() -> Millis {
    let now = system_now()();
    now - now % MINUTE - 5 * MINUTE
}

#[tokio::test]
async fn published_quotes_build_bars_that_published_bars_replace_and_a_restart_keeps() {
    let folder = Folder::new();
    let program = Program::start(&folder);
    let base = base();
    let first = program.publish(quote(base + 1_000, "10.00", "100")).await;
    assert_eq!(first["count"], 1);
    program.publish(quote(base + 20_000, "10.50", "150")).await;
    // Neither the price nor the volume differs: no trade.
    program.publish(quote(base + 30_000, "10.50", "150")).await;
    program.publish(quote(base + 40_000, "10.20", "250")).await;
    let answer = program
        .publish(quote(base + MINUTE + 1_000, "10.30", "300"))
        .await;
    assert_eq!(answer["count"], 1, "what is built is not counted");
    let built = json!({"symbol": "ABC", "start": base, "open": "10.00", "high": "10.50", "low": "10.00",
        "close": "10.20", "volume": "150", "vwap": "10.3000", "trades": 3});
    assert_eq!(program.minute(base).await, Some(built.clone()));
    let after = first["last_event_id"].as_str().unwrap();
    let streamed = program.event("bar", after, |_| true).await;
    assert_eq!(streamed, built);

    // After the minute's own close.
    assert_eq!(program.publish(bar(base, "999")).await["count"], 1);
    assert_eq!(program.publish(bar(base, "999")).await["unchanged"], 1);
    assert_eq!(program.minute(base).await.unwrap()["volume"], "999");
    // Before it, and more quotes of the minute come.
    assert_eq!(program.publish(bar(base + MINUTE, "5")).await["count"], 1);
    program
        .publish(quote(base + MINUTE + 30_000, "10.40", "350"))
        .await;
    program
        .publish(quote(base + 2 * MINUTE + 1_000, "10.60", "360"))
        .await;
    program
        .publish(quote(base + 2 * MINUTE + 2_000, "10.70", "370"))
        .await;
    assert_eq!(program.minute(base + MINUTE).await.unwrap()["volume"], "5");
    let hour = program.json("/stocks/ABC/bars?interval=1d").await;

    drop(program);
    let program = Program::start(&folder);
    assert_eq!(program.minute(base).await.unwrap()["volume"], "999");
    assert_eq!(program.minute(base + MINUTE).await.unwrap()["volume"], "5");
    assert_eq!(
        program.json("/stocks/ABC/bars?interval=1d").await["bars"],
        hour["bars"]
    );
    // The open minute continues.
    program
        .publish(quote(base + 2 * MINUTE + 30_000, "10.80", "400"))
        .await;
    program
        .publish(quote(base + 3 * MINUTE, "10.90", "400"))
        .await;
    let minute = program.minute(base + 2 * MINUTE).await.unwrap();
    assert_eq!(
        (&minute["open"], &minute["close"]),
        (&json!("10.60"), &json!("10.80"))
    );
    assert_eq!(
        (&minute["volume"], &minute["trades"]),
        (&json!("50"), &json!(3))
    );
}

#[tokio::test]
async fn a_published_symbol_has_a_session_and_the_close_of_history() {
    let folder = Folder::new();
    let calendar = Calendar::UsStocks;
    let now = system_now()();
    let today = calendar.trading_day(now);
    let price: market::Price = "9.87".parse().unwrap();
    let day = Bar {
        symbol: "ABC".parse().unwrap(),
        start: calendar.start_of(calendar.session_before(today)),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: "1".parse().unwrap(),
        vwap: None,
        trades: 0,
    };
    let mut importer = Importer::open(&folder.0.join("data"), "tickertape.db").unwrap();
    importer.zone(day.symbol, calendar.zone()).unwrap();
    importer.bars(Interval::Day, &[day]).unwrap();
    drop(importer);
    let program = Program::start(&folder);
    let first = program.publish(quote(now, "10.00", "100")).await;
    let after = first["last_event_id"].as_str().unwrap();
    let session = program.event("session", after, |_| true).await;
    assert_eq!(
        (&session["name"], &session["source"]),
        (&json!("ABC"), &json!("publish"))
    );

    let own = json!({"event": "session", "data": {"symbol": "ABC", "name": "Abc Inc.", "venue": "NYSE",
        "source": "desk", "quality": "live", "state": "open"}});
    program.publish(own.clone()).await;
    let is_whole = |session: &Value| session["prev_close"] == "9.87";
    let session = program.event("session", after, is_whole).await;
    assert_eq!(
        (&session["name"], &session["source"]),
        (&json!("Abc Inc."), &json!("desk"))
    );
    assert!(session["hours"]["open"].is_u64(), "{session}");
    // Repeating it changes nothing, although the venue's hours and history have changed it.
    assert_eq!(program.publish(own).await["unchanged"], 1);
}

#[tokio::test]
async fn a_minute_closes_although_nothing_more_is_published() {
    let folder = Folder::new();
    let program = Program::start(&folder);
    let base = base();
    let first = program.publish(quote(base, "10.00", "100")).await;
    let after = first["last_event_id"].as_str().unwrap();
    let bar = program.event("bar", after, |_| true).await;
    assert_eq!(
        (&bar["start"], &bar["close"]),
        (&json!(base), &json!("10.00"))
    );
}
