//! The binary, killed at random moments while events are published and read: publications answered with 200 are there
//! afterwards, as is every story and bar that a client has received, answered or not, under the same id; no id is given
//! twice, and a client that resumes misses nothing.
#![cfg(unix)]

mod support;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use market::{Event, Quote, Symbol, sse::Decoder};
use publishers::TokenGrant;
use reqwest::{Client, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use tape::EventId;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use support::{bar, news, quote, session};

const TOKEN: &str = "the-token-of-the-desk";

/// How often it is killed, unless `TICKERTAPE_KILLS` is set.
const KILLS: u32 = 10;

/// Each publisher has symbols of its own.
const PUBLISHERS: [[&str; 3]; 2] = [["AAPL", "GOOG", "MSFT"], ["BTC-USD", "ETH-USD", "SOL-USD"]];

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Program(Child);

impl Program {
    /// Starts the server and waits until it listens.
    fn start(folder: &Folder) -> (Self, SocketAddr) {
        let grant = TokenGrant::new("desk", TOKEN).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(["--listen", "127.0.0.1:0", "--feed", "none", "--log", "warn"])
            .args(["--publish-token", &grant.to_string()])
            .args(["--publish-rate", "1000000", "--publish-burst", "1000000"])
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
        let address = address.parse().unwrap();
        (Program(process), address)
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server's address; `None` while it is dead.
type Address = watch::Receiver<Option<SocketAddr>>;

/// Publications answered with 200.
#[derive(Default)]
struct Answered {
    kept: Vec<Event>,
    quotes: HashMap<Symbol, Quote>,
    publications: u64,
}

/// Publishes one batch after the other, and each that was not answered again.
async fn publish(
    symbols: [&'static str; 3],
    address: Address,
    answered: Arc<Mutex<Answered>>,
    ends: CancellationToken,
) {
    let client = support::client();
    let mut sessions = symbols.map(session).to_vec();
    for number in 0.. {
        if ends.is_cancelled() {
            return;
        }
        let mut batch = std::mem::take(&mut sessions);
        for (place, symbol) in symbols.into_iter().enumerate() {
            let Event::Quote(mut quote) = quote(symbol, &format!("{number}.0{place}1")) else {
                unreachable!("it is a quote");
            };
            quote.time += number;
            batch.push(Event::Quote(quote));
        }
        batch.push(bar(symbols[number as usize % 3], number));
        batch.push(news(&format!("{}:{number}", symbols[0]), symbols[1]));
        let lines = batch.iter().map(|event| {
            let data: Value = serde_json::from_str(&event.data()).unwrap();
            format!("{}\n", json!({"event": event.name(), "data": data}))
        });
        let lines: String = lines.collect();
        while !is_taken(&client, &address, &lines).await {}
        let mut answered = answered.lock().unwrap();
        answered.publications += 1;
        for event in batch {
            match event {
                Event::Quote(quote) => {
                    answered.quotes.insert(quote.symbol, quote);
                }
                Event::Session(_) => {}
                kept => answered.kept.push(kept),
            }
        }
    }
}

async fn is_taken(client: &Client, address: &Address, lines: &str) -> bool {
    let mut address = address.clone();
    let address = address.wait_for(Option::is_some).await.unwrap().unwrap();
    let response = client
        .post(format!("http://{address}/publish"))
        .bearer_auth(TOKEN)
        .header("content-type", "application/x-ndjson")
        .body(lines.to_owned())
        .send()
        .await;
    let Ok(response) = response else {
        // It is dead, or about to be.
        tokio::time::sleep(Duration::from_millis(1)).await;
        return false;
    };
    let status = response.status();
    let Ok(body) = response.text().await else {
        return false;
    };
    assert_eq!(status, StatusCode::OK, "{body}");
    true
}

/// The events that a client has received.
#[derive(Default)]
struct Seen {
    first: Option<EventId>,
    last: Option<EventId>,
    /// Every event with an id.
    by_id: BTreeMap<EventId, Event>,
    quotes: HashMap<Symbol, Quote>,
    connections: u64,
}

/// Follows the stream, and reconnects with its last id.
async fn follow(address: Address, seen: Arc<Mutex<Seen>>) {
    let client = support::client();
    loop {
        let address = address
            .clone()
            .wait_for(Option::is_some)
            .await
            .unwrap()
            .unwrap();
        let last = seen.lock().unwrap().last;
        let mut request = client
            .get(format!("http://{address}/stocks?symbols=*&news=all"))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let Ok(mut response) = request.send().await else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        assert_eq!(response.status(), StatusCode::OK);
        seen.lock().unwrap().connections += 1;
        let mut decoder = Decoder::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            let mut seen = seen.lock().unwrap();
            decoder.push(&chunk, |message| {
                let event = Event::decode(&message.name, &message.data).unwrap();
                seen.take(event, &message.last_event_id);
            });
        }
    }
}

impl Seen {
    fn take(&mut self, event: Event, id: &str) {
        let id: Option<EventId> = id.parse().ok();
        let is_new = id.is_some() && id != self.last;
        if let Some(id) = id.filter(|_| is_new) {
            assert!(Some(id) > self.last, "{id} comes after {:?}", self.last);
            self.last = Some(id);
            self.first.get_or_insert(id);
        }
        match &event {
            Event::Snapshot(snapshot) => {
                assert!(!snapshot.reset, "{id:?} is not known");
                for quote in &snapshot.quotes {
                    self.quotes.insert(quote.symbol, quote.clone());
                }
                return;
            }
            Event::Quote(quote) => {
                self.quotes.insert(quote.symbol, quote.clone());
            }
            Event::Bar(_) | Event::News(_) => assert!(is_new, "{event:?} has no id"),
            _ => {}
        }
        if let Some(id) = id.filter(|_| is_new) {
            let before = self.by_id.insert(id, event);
            assert_eq!(before, None, "{id} comes twice");
        }
    }
}

/// The retained events on disk.
fn stored(folder: &Folder) -> Vec<Event> {
    let database = Connection::open(folder.0.join("data/tickertape.db")).unwrap();
    let check: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let mut events = database
        .prepare("SELECT name, data FROM events ORDER BY id")
        .unwrap();
    let rows = events.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let rows = rows
        .unwrap()
        .map(|row: rusqlite::Result<(String, String)>| {
            let (name, data) = row.unwrap();
            Event::decode(&name, &data).unwrap()
        });
    rows.collect()
}

fn check(folder: &Folder, answered: &Answered) -> Vec<Event> {
    let stored = stored(folder);
    let there: HashSet<String> = stored.iter().map(Event::data).collect();
    assert_eq!(there.len(), stored.len(), "something is stored twice");
    for event in &answered.kept {
        assert!(
            there.contains(&event.data()),
            "answered 200 and lost: {event:?}"
        );
    }
    stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost() {
    let kills = match std::env::var("TICKERTAPE_KILLS") {
        Ok(kills) => kills.parse().expect("TICKERTAPE_KILLS is no number"),
        Err(_) => KILLS,
    };
    let name = format!("tickertape-kill-{}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    // A folder of a killed process with the same number.
    let _ = std::fs::remove_dir_all(&folder.0);
    std::fs::create_dir_all(folder.0.join("site/pkg")).unwrap();
    let (sender, address) = watch::channel(None);
    let answered: Arc<Mutex<Answered>> = Arc::default();
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let (mut reading, mut publishing) = (JoinSet::new(), JoinSet::new());
    reading.spawn(follow(address.clone(), Arc::clone(&seen)));
    let connected = async |times: u64| {
        while seen.lock().unwrap().connections < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (mut program, first) = Program::start(&folder);
    sender.send_replace(Some(first));
    // The reader connects first, so that it must receive everything.
    connected(1).await;
    let ends = CancellationToken::new();
    for symbols in PUBLISHERS {
        let answered = Arc::clone(&answered);
        publishing.spawn(publish(symbols, address.clone(), answered, ends.clone()));
    }
    let began = Instant::now();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_micros(fastrand::u64(20_000..300_000))).await;
        program.kill();
        sender.send_replace(None);
        check(&folder, &answered.lock().unwrap());
        let (next, address) = Program::start(&folder);
        program = next;
        sender.send_replace(Some(address));
        for tasks in [&mut reading, &mut publishing] {
            assert!(tasks.try_join_next().is_none(), "a client gave up");
        }
    }
    let took = began.elapsed();

    // Once more each, then the publishers end, and the reader reaches the end.
    let before = answered.lock().unwrap().publications;
    while answered.lock().unwrap().publications < before + 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Pending requests are answered first.
    ends.cancel();
    while publishing.join_next().await.is_some() {}
    let client = support::client();
    let get = async |path: &str| -> Value {
        let address = address.borrow().unwrap();
        let request = client.get(format!("http://{address}{path}"));
        let response = request.header("accept", "application/json").send();
        let body = response.await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&body).unwrap()
    };
    let newest: EventId = get("/stats").await["tape"]["newest"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen.lock().unwrap().last < Some(newest) {
        assert!(Instant::now() < deadline, "{newest} does not come");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reading.shutdown().await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let answered = std::mem::take(&mut *answered.lock().unwrap());

    let quotes: Vec<Quote> = serde_json::from_value(get("/stocks?symbols=*").await).unwrap();
    assert_eq!(quotes.len(), 6);
    for quote in quotes {
        assert_eq!(seen.quotes[&quote.symbol], quote, "the client has another");
        assert!(
            quote.time >= answered.quotes[&quote.symbol].time,
            "it is older than one that was answered 200"
        );
    }
    // All events, from the beginning: those that were received, under the same ids.
    let mut after = seen.first.unwrap().to_string();
    let mut kept = 0;
    let mut missing: BTreeMap<EventId, &Event> = seen
        .by_id
        .iter()
        .filter(|(_, event)| matches!(event, Event::Bar(_) | Event::News(_)))
        .map(|(id, event)| (*id, event))
        .collect();
    loop {
        let page = get(&format!("/stocks?symbols=*&news=all&after={after}")).await;
        let events = page["events"].as_array().unwrap();
        for event in events {
            let name = event["event"].as_str().unwrap();
            if !matches!(name, "bar" | "news") {
                assert_ne!(name, "snapshot", "{after} is not known");
                continue;
            }
            kept += 1;
            let id = event["id"].as_str().unwrap();
            let again = Event::decode(name, &event["data"].to_string()).unwrap();
            let id = id.parse().unwrap();
            let before = seen.by_id.get(&id);
            assert_eq!(before, Some(&again), "under {id}");
            missing.remove(&id);
        }
        if events.is_empty() {
            break;
        }
        after = page["last_event_id"].as_str().unwrap().to_owned();
    }
    assert_eq!(
        missing,
        BTreeMap::new(),
        "somebody has seen what is not there"
    );
    program.kill();
    let stored = check(&folder, &answered);
    assert_eq!(stored.len(), kept, "the tape is not what is stored");
    let Answered { publications, .. } = answered;
    let Seen { connections, .. } = seen;
    println!(
        "{kills} kills in {took:?}: {publications} publications answered, {kept} kept events, {connections} connections, {} events seen",
        seen.by_id.len()
    );
}
