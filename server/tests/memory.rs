//! The state that a server keeps across restarts, and its behaviour when it cannot: the real server on a folder.

mod support;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use archive::Archive;
use clap::Parser;
use events::{Entry, Topic};
use feeds::{FeedContext, Publisher};
use history::{RecoveredState, Scribe};
use leptos::config::LeptosOptions;
use market::{Bar, Clock, Correction, Event, FeedState, Quote, Snapshot, Symbol, Tick, Trade};
use publishers::{PublishGate, TokenGrant};
use reqwest::{RequestBuilder, StatusCode};
use rusqlite::Connection;
use serde_json::{Value, json};
use server::{Config, Metrics};
use tape::EventId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use support::{START, Server, bar, news, problem, quote, session};

const TOKEN: &str = "the-token-of-the-desk";
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A folder of a test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tickertape-memory-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("tickertape.db")
    }

    fn database(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(folder: &Path, options: &[&str]) -> Config {
    let grant = TokenGrant::new("desk", TOKEN).unwrap().to_string();
    let folder = folder.to_str().unwrap();
    // Appended events are on disk when a server has ended, however slow the machine is.
    let grace = ["--grace", "60s"];
    let arguments = ["tickertape", "--data", folder, "--publish-token", &grant];
    Config::try_parse_from(arguments.iter().chain(&grace).chain(options)).unwrap()
}

/// Starts a server whose clock stands at a time; `None` for one that advances.
async fn start(folder: &Folder, options: &[&str], at: Option<u64>) -> Result<Server, String> {
    let config = config(&folder.0, options);
    let now = Arc::new(AtomicU64::new(at.unwrap_or_default()));
    let clock = match at {
        None => clock::Clock::system(),
        Some(_) => {
            let now = Arc::clone(&now);
            clock::Clock::following(Arc::new(move || now.load(Ordering::SeqCst)))
        }
    };
    let beginning =
        RecoveredState::new(config.archive_place().ok(), config.archive.keep(), &clock)?;
    let tape = beginning.tape.clone();
    let listener = front::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let leptos = LeptosOptions::builder().output_name("tickertape").build();
    let desk = Arc::new(PublishGate::new(&config.publish));
    let stop = shutdown.clone();
    let running = server::run(listener, config, desk, beginning, leptos, clock, stop);
    Ok(Server {
        address,
        tape,
        metrics: Arc::new(Metrics::new(START)),
        now,
        shutdown,
        serving: tokio::spawn(running),
        client: support::client(),
    })
}

async fn started(folder: &Folder, at: u64) -> Server {
    start(folder, &["--feed", "none"], Some(at)).await.unwrap()
}

async fn stop(server: Server) {
    server.shutdown.cancel();
    timeout(TEST_TIMEOUT, server.serving)
        .await
        .unwrap()
        .unwrap();
}

fn posting(server: &Server, events: &[Event]) -> RequestBuilder {
    let events: Vec<Value> = events
        .iter()
        .map(|event| {
            let data: Value = serde_json::from_str(&event.data()).unwrap();
            json!({"event": event.name(), "data": data})
        })
        .collect();
    server
        .client
        .post(format!("http://{}/publish", server.address))
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .body(Value::from(events).to_string())
}

/// Publishes valid events, and returns the tape's position.
async fn publish(server: &Server, events: &[Event]) -> String {
    let response = posting(server, events).send().await.unwrap();
    let status = response.status();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["last_event_id"].as_str().unwrap().to_owned()
}

async fn snapshot(server: &Server) -> (String, Snapshot) {
    let mut stream = server.stream("/stocks?symbols=*&news=all", &[]).await;
    stream.snapshot().await
}

/// The events after an id, up to a story that is published now.
async fn since(server: &Server, id: &str) -> Vec<(String, Event)> {
    let headers = [("last-event-id", id)];
    let mut stream = server.stream("/stocks?symbols=*&news=all", &headers).await;
    let end = news(&format!("end:{id}:{}", server.position()), "GOOG");
    publish(server, std::slice::from_ref(&end)).await;
    let mut events = Vec::new();
    loop {
        let (id, event) = stream.event().await;
        if event == end {
            return events;
        }
        // With nothing to send a stream begins with one.
        if !matches!(event, Event::Heartbeat(_)) {
            events.push((id, event));
        }
    }
}

fn kept(events: Vec<(String, Event)>) -> Vec<Event> {
    let kept = |event: &Event| matches!(event, Event::Bar(_) | Event::News(_));
    let events = events.into_iter().map(|(_, event)| event);
    events.filter(kept).collect()
}

fn id(text: &str) -> EventId {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_as_if_there_had_been_none() {
    let folder = Folder::new("restart");
    let first = started(&folder, START).await;
    let listed = [session("GOOG"), quote("GOOG", "597.32")];
    let before = publish(&first, &listed).await;
    publish(&first, &[bar("GOOG", 0), news("test:1", "GOOG")]).await;
    let middle = publish(&first, &[bar("GOOG", 1), quote("GOOG", "600.00")]).await;
    let last = publish(&first, &[news("test:2", "GOOG")]).await;
    let (_, seen) = snapshot(&first).await;
    assert_eq!(seen.closes[0].prices.len(), 2);
    stop(first).await;

    // The clock goes on, stands still, is set back by an hour.
    let mut newest = last.clone();
    for (round, now) in [START + 5_000, START, START - 3_600_000]
        .into_iter()
        .enumerate()
    {
        let server = started(&folder, now).await;
        let (position, again) = snapshot(&server).await;
        let expected = Snapshot {
            time: now,
            news: again.news.clone(),
            ..seen.clone()
        };
        assert_eq!(again, expected);
        let stories: Vec<&str> = again.news.iter().map(|news| &*news.id).collect();
        assert!(stories.ends_with(&["test:2", "test:1"]), "{stories:?}");
        assert!(
            id(&position) >= id(&newest),
            "{position} is before {newest}"
        );

        let events = since(&server, &before).await;
        assert!(events.iter().all(|(id, _)| *id > before || id.is_empty()));
        let events = kept(events);
        let expected = [
            bar("GOOG", 0),
            news("test:1", "GOOG"),
            bar("GOOG", 1),
            news("test:2", "GOOG"),
        ];
        assert_eq!(events[..4], expected);
        // A quote's id, which can be resumed from like any other.
        assert_eq!(
            kept(since(&server, &middle).await)[..1],
            [news("test:2", "GOOG")]
        );

        let story = news(&format!("test:after:{round}"), "GOOG");
        let after = publish(&server, std::slice::from_ref(&story)).await;
        assert!(id(&after) > id(&newest), "{after} comes after {newest}");
        let events = kept(since(&server, &newest).await);
        assert!(events.contains(&story) && !events.contains(&news("test:2", "GOOG")));
        newest = server.position().to_string();

        // Events older than the archive are treated like lost ones.
        let headers = [("last-event-id", "1700000000000-1000")];
        let mut stream = server.stream("/stocks/GOOG", &headers).await;
        assert!(stream.snapshot().await.1.reset);
        stop(server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_again_after_a_restart_is_unchanged() {
    let folder = Folder::new("unchanged");
    let events = [
        session("GOOG"),
        quote("GOOG", "597.32"),
        bar("GOOG", 0),
        news("test:1", "GOOG"),
    ];
    let first = started(&folder, START).await;
    publish(&first, &events).await;
    stop(first).await;
    let second = started(&folder, START + 1).await;
    let response = posting(&second, &events).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    // A quote of the same time is the same state repeated.
    assert_eq!(
        (&answer["count"], &answer["unchanged"]),
        (&json!(1), &json!(3))
    );
    stop(second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_is_answered_when_it_is_on_disk() {
    let folder = Folder::new("waits");
    let server = started(&folder, START).await;
    publish(&server, &[session("GOOG")]).await;
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;

    let held = folder.database();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut first = tokio::spawn(posting(&server, &[quote("GOOG", "597.32")]).send());
    // The stream has it at once; the publisher has no answer yet.
    assert_eq!(stream.event().await.1, quote("GOOG", "597.32"));
    let early = timeout(Duration::from_millis(300), &mut first).await;
    assert!(early.is_err(), "answered before it was on disk");
    held.execute_batch("COMMIT").unwrap();
    let response = timeout(TEST_TIMEOUT, first)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let written: i64 = held
        .query_row("SELECT count(*) FROM quotes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(written, 1);
    stop(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_write_is_told_and_the_stream_goes_on() {
    let folder = Folder::new("held");
    let server = started(&folder, START).await;
    publish(&server, &[session("GOOG")]).await;
    let mut stream = server.stream("/stocks/GOOG", &[]).await;
    stream.snapshot().await;

    let held = folder.database();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let response = posting(&server, &[news("test:1", "GOOG")]).send();
    let response = timeout(TEST_TIMEOUT, response).await.unwrap().unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let answer = problem(response, 503).await;
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("streamed, but not on disk"), "{detail}");
    assert_eq!(stream.event().await.1, news("test:1", "GOOG"));

    // From now on it is known.
    let position = server.position();
    let response = posting(&server, &[news("test:2", "GOOG")]).send();
    let answer = problem(response.await.unwrap(), 503).await;
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("nothing was taken"), "{detail}");
    assert_eq!(server.position(), position);
    let (_, first) = snapshot(&server).await;
    let archive = &first.feeds[0];
    assert_eq!(
        (&*archive.name, archive.state),
        ("Archive", FeedState::Degraded)
    );
    let detail = archive.detail.as_deref().unwrap();
    assert!(detail.contains("it is tried again"), "{detail}");
    let ready = server.get("/health/ready", &[]).await;
    assert_eq!(ready.status(), StatusCode::OK);
    assert!(ready.text().await.unwrap().contains("nothing is archived"));
    let stats = server.json("/stats").await;
    assert_eq!(stats["archive"]["state"], "degraded", "{stats}");
    let degraded = "tickertape_archive_state{state=\"degraded\"}";
    assert_eq!(server.metric(degraded).await, Some(1.0));

    held.execute_batch("COMMIT").unwrap();
    server.becomes(degraded, 0.0).await;
    assert_eq!(server.json("/stats").await["archive"]["state"], "ok");
    // A snapshot is shared by all requests within a moment.
    while !snapshot(&server).await.1.feeds.is_empty() {
        tokio::task::yield_now().await;
    }
    // If it is sent again, existing events are left out.
    publish(&server, &[news("test:1", "GOOG"), news("test:2", "GOOG")]).await;
    stop(server).await;
    let server = started(&folder, START).await;
    let stories = snapshot(&server).await.1.news;
    let stories: Vec<&str> = stories.iter().map(|news| &*news.id).collect();
    assert_eq!(stories, ["test:2", "test:1"]);
    stop(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_file_is_set_aside_and_a_new_one_begun() {
    let folder = Folder::new("corrupt");
    let server = started(&folder, START).await;
    let lost = publish(&server, &[session("GOOG"), news("test:1", "GOOG")]).await;
    stop(server).await;
    std::fs::write(folder.file(), vec![7; 20_000]).unwrap();

    let server = started(&folder, START + 1).await;
    let mut stream = server
        .stream("/stocks?symbols=*", &[("last-event-id", &lost)])
        .await;
    assert!(stream.snapshot().await.1.reset, "its ids are others'");
    publish(&server, &[session("GOOG"), news("test:2", "GOOG")]).await;
    let notice = server.json("/stats").await["archive"]["notice"].clone();
    assert!(notice.as_str().unwrap().contains("set aside"), "{notice}");
    stop(server).await;
    let names = std::fs::read_dir(&folder.0).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.contains("corrupt")),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_one_servers() {
    let folder = Folder::new("two");
    let first = started(&folder, START).await;
    let Err(why) = start(&folder, &["--feed", "none"], Some(START)).await else {
        panic!("two servers write one archive");
    };
    assert!(why.contains("--data"), "{why}");
    assert!(why.contains(&std::process::id().to_string()), "{why}");
    stop(first).await;
    stop(started(&folder, START).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_told_and_the_server_serves() {
    let folder = Folder::new("file");
    std::fs::write(&folder.0, "not a folder").unwrap();
    let server = started(&folder, START).await;
    let (_, first) = snapshot(&server).await;
    assert_eq!(
        (&*first.feeds[0].name, first.feeds[0].state),
        ("Archive", FeedState::Failed)
    );
    let response = posting(&server, &[session("GOOG")]).send().await.unwrap();
    problem(response, 503).await;
    let stats = server.json("/stats").await;
    assert_eq!(stats["archive"]["state"], "failed");
    // It is not tried again.
    let detail = stats["archive"]["detail"].as_str().unwrap();
    assert!(detail.contains("put that right and restart"), "{detail}");
    assert!(!detail.contains("tried again"), "{detail}");
    // An alarm for a failing archive also works for one that was never opened.
    let failed = "tickertape_archive_state{state=\"failed\"}";
    assert_eq!(server.metric(failed).await, Some(1.0));
    stop(server).await;
    std::fs::remove_file(&folder.0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_held_for_a_moment_at_the_start_is_waited_for() {
    let folder = Folder::new("moment");
    stop(started(&folder, START).await).await;
    let held = folder.database();
    held.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let holder = std::thread::spawn(move || {
        // Longer than a commit waits; the start itself is what is held up.
        std::thread::sleep(Duration::from_millis(1_500));
        held.execute_batch("COMMIT").unwrap();
    });
    let server = started(&folder, START).await;
    assert_eq!(server.json("/stats").await["archive"]["state"], "ok");
    publish(&server, &[session("GOOG"), news("test:1", "GOOG")]).await;
    holder.join().unwrap();
    stop(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_prices_go_on_where_they_were_and_never_mix() {
    let folder = Folder::new("simulate");
    let prices = |snapshot: &Snapshot| -> Vec<(Symbol, String)> {
        let quotes = snapshot.quotes.iter();
        let price = |quote: &Quote| quote.price.unwrap().to_string();
        quotes.map(|quote| (quote.symbol, price(quote))).collect()
    };
    let live = async |server: &Server| {
        loop {
            let (id, snapshot) = snapshot(server).await;
            let is_live = |feed: &market::FeedStatus| feed.state == FeedState::Live;
            if snapshot.feeds.iter().all(is_live) && !snapshot.quotes.is_empty() {
                return (id, snapshot);
            }
            tokio::task::yield_now().await;
        }
    };
    let first = start(&folder, &["--feed", "simulate"], Some(START))
        .await
        .unwrap();
    let (left, before) = live(&first).await;
    stop(first).await;
    assert!(!folder.file().exists() && folder.0.join("simulated.db").exists());

    let later = START + 60_000;
    let second = start(&folder, &["--feed", "simulate"], Some(later))
        .await
        .unwrap();
    let (_, after) = live(&second).await;
    let since = since(&second, &left).await;
    let bars = since
        .iter()
        .filter(|(_, event)| matches!(event, Event::Bar(bar) if bar.start + 60_000 < START));
    assert!(
        bars.count() <= before.quotes.len(),
        "the past is made up once"
    );
    stop(second).await;
    assert_eq!(before.quotes.len(), after.quotes.len());
    for ((symbol, was), (_, is)) in prices(&before).into_iter().zip(prices(&after)) {
        let [was, is] = [was, is].map(|price| price.parse::<f64>().unwrap());
        assert!(
            (is / was - 1.0).abs() < 0.02,
            "{symbol} leaps from {was} to {is}"
        );
    }
    for closes in &before.closes {
        let again = after
            .closes
            .iter()
            .find(|other| other.symbol == closes.symbol);
        assert!(again.unwrap().prices.len() >= closes.prices.len().min(59));
    }

    // A seed repeats the same tape: nothing of it is read or written.
    let file = std::fs::read(folder.0.join("simulated.db")).unwrap();
    let seeded = ["--feed", "simulate", "--seed", "7"];
    let third = start(&folder, &seeded, Some(START)).await.unwrap();
    live(&third).await;
    assert_eq!(third.json("/stats").await.get("archive"), None);
    stop(third).await;
    assert_eq!(std::fs::read(folder.0.join("simulated.db")).unwrap(), file);

    // Real prices begin a file of their own.
    let real = started(&folder, later).await;
    assert_eq!(snapshot(&real).await.1.quotes, []);
    stop(real).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tape_forgets_before_it_is_written_is_counted() {
    let folder = Folder::new("gap");
    let clock: clock::Now = Arc::new(|| START);
    let options = archive::Options::new(Arc::clone(&clock));
    let (archive, opened) = Archive::open(&folder.0, "tickertape.db", options).unwrap();
    let limits = tape::Limits {
        entries: 5,
        bytes: usize::MAX,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    let tape = events::Tape::new(opened.start, opened.mark, limits);
    let append = |event: Event| {
        let conflation_key = Topic::conflation_key(&event);
        tape.append(START, &Topic::of(&event), conflation_key.as_ref(), |id| {
            Entry::new(id, event)
        })
    };
    let stop = CancellationToken::new();
    let metrics = Arc::new(Metrics::new(START));
    let (scribe, writing) = Scribe::start(
        archive.clone(),
        &tape,
        clock,
        move |took| metrics.committed(took),
        Vec::new(),
        stop.clone(),
    );

    let held = folder.database();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    append(news("test:0", "GOOG"));
    // It is being written.
    let mut status = archive.watch();
    status.wait_for(|status| status.failures > 0).await.unwrap();
    for number in 1..=20 {
        append(news(&format!("test:{number}"), "GOOG"));
        append(quote("GOOG", &format!("{number}.50")));
    }
    let position = append(bar("GOOG", 0));
    assert!(scribe.trouble(&tape).is_some());
    held.execute_batch("COMMIT").unwrap();
    status
        .wait_for(|status| status.state == archive::State::Ok)
        .await
        .unwrap();
    scribe.on_disk(position).await.unwrap();

    assert_eq!(scribe.report().lost, 16);
    let status = scribe.feed_status().unwrap();
    assert_eq!(status.state, FeedState::Degraded);
    assert!(status.detail.unwrap().starts_with("16 events"));
    stop.cancel();
    writing.await.unwrap();
    archive.close().await.unwrap();
    let mut stored = held.prepare("SELECT story FROM news ORDER BY id").unwrap();
    let stored = stored.query_map([], |row| row.get(0)).unwrap();
    let stored: Vec<String> = stored.map(Result::unwrap).collect();
    assert_eq!(
        stored,
        ["test:0", "test:17", "test:18", "test:19", "test:20"]
    );
    let quotes: i64 = held
        .query_row("SELECT count(*) FROM quotes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(quotes, 1, "the newest");
}

/// A feed driven by the test, on an archive of real prices.
struct Feeding {
    publisher: Publisher,
    context: FeedContext,
    archive: Archive,
    scribe: Scribe,
    stop: CancellationToken,
    writing: tokio::task::JoinHandle<()>,
    tape: events::Tape,
}

impl Feeding {
    fn at(folder: &Folder, now: u64, name: &str) -> Self {
        let clock: clock::Now = Arc::new(move || now);
        let config = config(&folder.0, &["--feed", "none"]);
        let beginning = RecoveredState::new(
            config.archive_place().ok(),
            config.archive.keep(),
            &clock::Clock::following(clock.clone()),
        )
        .unwrap();
        let (tape, archive) = (beginning.tape, beginning.archive.unwrap().unwrap());
        let mut context = FeedContext::new(tape.clone(), Arc::clone(&clock));
        context.archive = Some(archive.clone());
        context.restore(beginning.left);
        let stop = CancellationToken::new();
        let metrics = Arc::new(Metrics::new(now));
        let (scribe, writing) = Scribe::start(
            archive.clone(),
            &tape,
            clock,
            move |took| metrics.committed(took),
            Vec::new(),
            stop.clone(),
        );
        let publisher = Publisher::new(context.clone(), name);
        publisher.live();
        Feeding {
            publisher,
            context,
            archive,
            scribe,
            stop,
            writing,
            tape,
        }
    }

    fn trade(&self, time: u64, price: &str, size: &str) {
        let mut tick = Tick::new("BTC-USD".parse().unwrap(), time, Clock::Exchange);
        let size = Some(size.parse().unwrap());
        tick.trade = Some(Trade::new(price.parse().unwrap(), size));
        self.publisher.tick(&tick);
    }

    fn quote(&self) -> Quote {
        let key = Topic::Quote("BTC-USD".parse().unwrap());
        self.tape
            .view(|view| match &*view.newest(&key).unwrap().1.event {
                Event::Quote(quote) => quote.clone(),
                other => panic!("{other:?}"),
            })
    }

    fn bars(&self) -> Vec<Bar> {
        let topic = Topic::Symbol("BTC-USD".parse().unwrap());
        self.tape.view(|view| {
            let bars = view.retained(&topic).map(|(_, entry)| &*entry.event);
            let bars = bars.map(|event| match event {
                Event::Bar(bar) => bar.clone(),
                other => panic!("{other:?}"),
            });
            bars.collect()
        })
    }

    async fn end(self) {
        let position = self.tape.view(|view| view.position());
        self.scribe.on_disk(position).await.unwrap();
        self.stop.cancel();
        self.writing.await.unwrap();
        self.archive.close().await.unwrap();
    }
}

fn figures(quote: &Quote) -> [String; 3] {
    [quote.high, quote.low]
        .map(|price| price.unwrap().to_string())
        .into_iter()
        .chain([quote.volume.unwrap().to_string()])
        .collect::<Vec<String>>()
        .try_into()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_goes_on_where_it_left_its_symbols() {
    let folder = Folder::new("feed");
    let minute = START / 60_000 * 60_000;
    let mut published = match session("BTC-USD") {
        Event::Session(session) => session,
        other => panic!("{other:?}"),
    };
    (published.venue, published.prev_close) = (Some("Coinbase".to_owned()), None);
    let first = Feeding::at(&folder, minute, "test");
    first.publisher.session(published.clone());
    let mut tick = Tick::new(published.symbol, minute + 1_000, Clock::Exchange);
    tick.day.prev_close = Some("9".parse().unwrap());
    first.publisher.tick(&tick);
    first.trade(minute + 10_000, "10", "1");
    first.trade(minute + 20_000, "12", "2");
    first.end().await;

    let second = Feeding::at(&folder, minute + 40_000, "test");
    let before = second.tape.stats();
    second.publisher.session(published.clone());
    assert_eq!(second.tape.stats(), before, "it is known");
    second.trade(minute + 50_000, "11", "4");
    assert_eq!(figures(&second.quote()), ["12", "10", "7"]);
    assert_eq!(second.bars(), []);
    second.end().await;

    // The minute ends while the server is down: its bar is published all the same, and complete.
    let third = Feeding::at(&folder, minute + 130_000, "test");
    third.publisher.session(published.clone());
    third.trade(minute + 125_000, "13", "1");
    let bar = &third.bars()[0];
    assert_eq!(bar.start, minute);
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string());
    assert_eq!(prices, ["10", "12", "10", "11"]);
    assert_eq!((bar.volume.to_string(), bar.trades), ("7".to_owned(), 3));
    assert_eq!(figures(&third.quote()), ["13", "10", "8"]);
    third.end().await;

    // Another source publishes no bar again, nor goes back in time.
    let other = Feeding::at(&folder, minute + 135_000, "other");
    let before = (other.quote(), other.bars());
    other.trade(minute + 55_000, "20", "1");
    other.trade(minute + 124_999, "21", "1");
    assert_eq!((other.quote(), other.bars()), before);
    assert_eq!(before.1.len(), 1);
    assert_eq!(other.publisher.skipped().held, 2);
    other.end().await;

    // Numbers of another source are separate, and so are those of another day.
    let other = Feeding::at(&folder, minute + 140_000, "other");
    other.trade(minute + 135_000, "14", "1");
    assert_eq!(figures(&other.quote()), ["14", "14", "1"]);
    other.end().await;
    let day = 24 * 60 * 60 * 1_000;
    let tomorrow = Feeding::at(&folder, minute + day, "test");
    tomorrow.publisher.session(published);
    tomorrow.trade(minute + day, "15", "2");
    assert_eq!(figures(&tomorrow.quote()), ["15", "15", "2"]);
    tomorrow.end().await;
}

/// The same number at two venues means two trades, and each venue corrects its own, even when the other one is primary.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_of_its_own_feeds_trade() {
    let folder = Folder::new("corrections");
    let minute = START / 60_000 * 60_000;
    let east = Feeding::at(&folder, minute + 2_000, "East");
    let west = Publisher::new(east.context.clone(), "West");
    west.live();
    let symbol: market::Symbol = "BTC-USD".parse().unwrap();
    let trade = |feed: &Publisher, wait: u64, price: &str| {
        let mut tick = Tick::new(symbol, minute + wait, Clock::Exchange);
        let trade = Trade::new(price.parse().unwrap(), Some("1".parse().unwrap()));
        tick.trade = Some(trade.with_id(7));
        feed.tick(&tick);
    };
    let take_back = |feed: &Publisher| {
        feed.correct(&Correction {
            symbol,
            time: minute + 2_000,
            trade: 7,
            right: None,
        });
    };
    trade(&east.publisher, 1_000, "10");
    east.publisher.degraded("it is not well");
    trade(&west, 1_500, "20");
    let stored = async || -> Vec<String> {
        east.archive.commit(Vec::new()).await.unwrap();
        let trades = east.archive.trades(symbol, 0..u64::MAX >> 1);
        let prices = trades.map(|print| print.unwrap().trade.price.to_string());
        prices.collect()
    };
    assert_eq!(stored().await, ["10", "20"]);
    // The other one is primary, and keeps its own.
    take_back(&east.publisher);
    assert_eq!(stored().await, ["20"]);
    take_back(&west);
    assert_eq!(stored().await, [""; 0]);
    drop(west);
    east.end().await;
}

/// Changes the byte at the beginning of a text in the archive's file.
fn damage(folder: &Folder, text: &str, byte: u8) {
    let mut bytes = std::fs::read(folder.file()).unwrap();
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter_map(|(place, window)| (window == text.as_bytes()).then_some(place))
        .collect();
    assert_eq!(places.len(), 1, "{text} in the file");
    bytes[places[0]] = byte;
    std::fs::write(folder.file(), bytes).unwrap();
}

fn repair(folder: &Folder, options: &[&str]) -> Result<(bool, String), String> {
    let data = folder.0.to_str().unwrap();
    let arguments = ["tickertape", "repair", "--data", data];
    let config = Config::try_parse_from(arguments.iter().chain(options)).unwrap();
    let Some(server::Command::Repair(options)) = config.command else {
        unreachable!("it is a repair");
    };
    let mut out = Vec::new();
    let done = server::repair::repair(&options, START, &mut out)?;
    Ok((done, String::from_utf8(out).unwrap()))
}

#[tokio::test]
async fn a_damaged_story_is_left_out_reported_and_repaired() {
    for (text, byte) in [
        ("{\"id\":\"test:2\"", b'['),
        ("headline\":\"test:2", b'X'),
        ("test:2 happened", 0xff),
    ] {
        let folder = Folder::new("damaged");
        let server = started(&folder, START).await;
        let stories = ["test:1", "test:2", "test:3"].map(|id| {
            let Event::News(mut news) = news(id, "GOOG") else {
                unreachable!("it is news");
            };
            news.headline = format!("{id} happened");
            Event::News(news)
        });
        publish(&server, &stories).await;
        stop(server).await;
        damage(&folder, text, byte);
        for _ in 0..2 {
            let server = started(&folder, START + 10_000).await;
            let ids = snapshot(&server).await.1.news;
            let mut ids: Vec<&str> = ids.iter().map(|news| &*news.id).collect();
            ids.retain(|id| *id != "test:4");
            assert_eq!(ids, ["test:3", "test:1"]);
            let page = server.json("/news").await;
            assert!(!page.to_string().contains("test:2"), "{page}");
            assert!(page.to_string().contains("test:3"), "{page}");
            let ready = server.get("/health/ready", &[]).await;
            assert_eq!(ready.status(), StatusCode::OK);
            let ready = ready.text().await.unwrap();
            assert!(ready.starts_with("degraded: 1 rows"), "{ready}");
            let quarantined = server.metric("tickertape_archive_quarantined").await;
            assert_eq!(quarantined, Some(1.0));
            assert_eq!(server.json("/stats").await["archive"]["quarantined"], 1);
            publish(&server, &[news("test:4", "GOOG")]).await;
            let refused = repair(&folder, &[]).unwrap_err();
            assert!(refused.contains("stop the server first"), "{refused}");
            stop(server).await;
        }
        // A checksum can locate one damaged byte.
        let (done, report) = repair(&folder, &[]).unwrap();
        assert!(done, "{report}");
        assert!(report.contains("1 rows corrected"), "{report}");
        let server = started(&folder, START + 20_000).await;
        let page = server.json("/news?q=happened").await.to_string();
        assert!(page.contains("test:2 happened"), "{page}");
        let ready = server.get("/health/ready", &[]).await.text().await.unwrap();
        assert_eq!(ready, "ready\n");
        stop(server).await;
    }
}

#[tokio::test]
async fn a_file_that_was_set_aside_is_reported_until_it_is_acknowledged() {
    let folder = Folder::new("aside");
    let server = started(&folder, START).await;
    publish(&server, &[news("test:1", "GOOG")]).await;
    stop(server).await;
    std::fs::write(folder.file(), vec![0xa5; 8_192]).unwrap();
    for _ in 0..2 {
        let server = started(&folder, START).await;
        let ready = server.get("/health/ready", &[]).await;
        assert_eq!(ready.status(), StatusCode::OK);
        let ready = ready.text().await.unwrap();
        assert!(ready.starts_with("degraded: "), "{ready}");
        assert!(ready.contains("was set aside"), "{ready}");
        assert_eq!(
            server.metric("tickertape_archive_set_aside").await,
            Some(1.0)
        );
        publish(&server, &[news("test:2", "GOOG")]).await;
        stop(server).await;
    }
    let server = started(&folder, START).await;
    let (_, report) = repair(&folder, &["--acknowledge"]).unwrap();
    assert!(report.contains("acknowledged: now"), "{report}");
    // The running server notices it.
    server.becomes("tickertape_archive_set_aside", 0.0).await;
    let ready = server.get("/health/ready", &[]).await.text().await.unwrap();
    assert_eq!(ready, "ready\n");
    stop(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_a_symbol_and_a_story_are_is_known_after_a_restart() {
    let folder = Folder::new("owners");
    let other = TokenGrant::new("other", "another-token").unwrap();
    let other = format!("--publish-token={other}");
    let options = ["--feed", "none", &*other];
    let first = start(&folder, &options, Some(START)).await.unwrap();
    publish(
        &first,
        &[
            session("GOOG"),
            quote("GOOG", "597.32"),
            news("test:1", "GOOG"),
        ],
    )
    .await;
    stop(first).await;

    let second = start(&folder, &options, Some(START + 1_000)).await.unwrap();
    for event in [
        session("GOOG"),
        quote("GOOG", "1.00"),
        news("test:1", "AAPL"),
    ] {
        let posting = posting(&second, std::slice::from_ref(&event));
        let (client, request) = posting.build_split();
        let mut request = request.unwrap();
        let bearer = "Bearer another-token".parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let response = client.execute(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("with the token desk"), "{detail}");
    }
    publish(&second, &[quote("GOOG", "2.00"), news("test:1", "AAPL")]).await;
    stop(second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_behind_a_clock_that_was_ahead_everything_goes_on() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    let folder = Folder::new("ahead");
    let first = started(&folder, START + DAY).await;
    let tomorrow = |event: Event| match event {
        Event::Quote(quote) => Event::Quote(Quote {
            time: START + DAY,
            ..quote
        }),
        other => other,
    };
    let ahead = [
        session("GOOG"),
        tomorrow(quote("GOOG", "1.00")),
        news("test:1", "GOOG"),
    ];
    let last = publish(&first, &ahead).await;
    stop(first).await;

    let second = started(&folder, START).await;
    let position = publish(&second, &[quote("GOOG", "2.00"), bar("GOOG", 0)]).await;
    assert!(id(&position) > id(&last), "{position} after {last}");
    let quotes = second.json("/stocks/GOOG").await;
    assert_eq!(quotes["price"], "2.00");
    stop(second).await;
    // Nor is the price of then the newest after another one.
    let third = started(&folder, START + 1_000).await;
    assert_eq!(third.json("/stocks/GOOG").await["price"], "2.00");
    stop(third).await;
}
