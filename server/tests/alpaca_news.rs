//! The feed of news from Alpaca against local servers that play its stream and its archive.

mod support;

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use events::Topic;
use feeds::sources::alpaca::{Stories, StoriesOptions};
use market::{Action, Basis, FeedState, News, NewsType};
use reqwest::Url;
use serde_json::{Value, json};
use support::{
    script::{Reply, Requested, Script, ok, status},
    secrets::Kept,
    socket_server::{Dialogue, SocketServer, Stage},
};

/// 2024-07-24T15:00:30Z.
const NOW: u64 = 1_721_833_230_000;

const KEY: &str = "PKTESTKEY";
const SECRET: &str = "s3cr3tOfTheTest";

struct Play {
    server: SocketServer,
    archive: Script,
    stage: Stage,
    _kept: [Kept; 2],
}

impl Play {
    async fn new(archive: Script, symbols: &[&str], backfill: u16) -> Self {
        let server = SocketServer::bind().await;
        let kept = [Kept::new("key", KEY), Kept::new("secret", SECRET)];
        let options = StoriesOptions {
            symbols: symbols.iter().map(|name| name.parse().unwrap()).collect(),
            backfill,
            key: kept[0].secret(),
            secret: kept[1].secret(),
            rest: archive.url("/v1beta1/news").parse().unwrap(),
            url: server.url("/v1beta1/news").parse().unwrap(),
        };
        let stage = Stage::at(NOW, vec![Box::new(Stories::new(options))]);
        Play {
            server,
            archive,
            stage,
            _kept: kept,
        }
    }

    /// Goes through the dialogue until the subscription is confirmed; returns the request.
    async fn open(&self) -> (Dialogue, Value) {
        let mut socket = self.server.accept().await;
        socket.text(r#"[{"T":"success","msg":"connected"}]"#).await;
        let login = json!({"action": "auth", "key": KEY, "secret": SECRET});
        assert_eq!(socket.receive().await, login);
        socket
            .text(r#"[{"T":"success","msg":"authenticated"}]"#)
            .await;
        let request = socket.receive().await;
        socket.text(r#"[{"T":"subscription","news":["*"]}]"#).await;
        (socket, request)
    }

    fn news(&self) -> Vec<News> {
        self.stage.news()
    }

    /// Waits until so many stories are published, and returns the headlines.
    async fn headlines(&self, count: usize) -> Vec<String> {
        let mut reader = self.stage.tape.subscribe(&[Topic::AllNews]);
        let mut read = Vec::new();
        let enough = async {
            while self.news().len() < count {
                poll_fn(|context| reader.poll_read(context, NOW, usize::MAX, &mut read))
                    .await
                    .unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
        let headlines: Vec<String> = self.news().into_iter().map(|news| news.headline).collect();
        assert!(waited.is_ok(), "{headlines:?}: expected {count}");
        headlines
    }
}

/// A story as in both stream and archive.
fn story(id: u64, headline: &str, updated: &str) -> Value {
    json!({
        "id": id,
        "headline": headline,
        "summary": "A &amp; B",
        "author": "Benzinga Newsdesk",
        "created_at": "2024-07-24T14:00:00Z",
        "updated_at": format!("2024-07-24T{updated}Z"),
        "url": "https://www.benzinga.com/1",
        "content": "<p>much more</p>",
        "symbols": ["AAPL", "AAPL", "no symbol"],
        "source": "benzinga",
    })
}

fn streamed(story: &Value) -> String {
    let mut story = story.clone();
    story["T"] = json!("n");
    json!([story]).to_string()
}

fn page(stories: &[Value], next: Option<&str>) -> Reply {
    ok(json!({"news": stories, "next_page_token": next}).to_string())
}

fn query(request: &Requested, name: &str) -> Option<String> {
    let url: Url = format!("http://a.example{}", request.target)
        .parse()
        .unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn tells_what_the_archive_and_the_stream_say_once_and_what_changes() {
    let archive = Script::of([page(
        &[
            story(3, "Acme Q3 EPS $1.40 Beats $1.32 Estimate", "14:03:00"),
            story(2, "Acme: it&#39;s two", "14:02:00"),
        ],
        None,
    )])
    .await;
    let play = Play::new(archive, &[], 50).await;
    let (mut socket, request) = play.open().await;
    assert_eq!(request, json!({"action": "subscribe", "news": ["*"]}));
    play.stage.reaches(FeedState::Live).await;
    let headlines = play.headlines(2).await;
    assert_eq!(
        headlines,
        ["Acme: it's two", "Acme Q3 EPS $1.40 Beats $1.32 Estimate"],
        "the oldest first"
    );
    let news = play.news();
    let first = &news[1];
    assert_eq!(
        (first.kind, first.basis),
        (NewsType::Earnings, Basis::Inferred)
    );
    assert_eq!(
        (first.id.as_str(), first.source.as_str()),
        ("alpaca:3", "Benzinga")
    );
    assert_eq!(first.summary.as_deref(), Some("A & B"));
    assert_eq!(first.published, 1_721_829_600_000);
    assert_eq!(first.symbols, ["AAPL".parse().unwrap()]);
    assert_eq!(
        first.url.as_ref().map(|url| url.as_str()),
        Some("https://www.benzinga.com/1")
    );

    // The same again, an older version, a newer one, another story, one without a headline.
    socket
        .text(streamed(&story(
            3,
            "Acme Q3 EPS $1.40 Beats $1.32 Estimate",
            "14:03:00",
        )))
        .await;
    socket
        .text(streamed(&story(2, "Acme: an older two", "14:01:00")))
        .await;
    socket
        .text(streamed(&story(2, "Acme: a better two", "14:05:00")))
        .await;
    socket
        .text(streamed(&story(4, "Acme: four", "14:06:00")))
        .await;
    socket
        .text(streamed(&story(5, " <b></b> ", "14:06:00")))
        .await;
    socket.settled().await;
    let news = play.news();
    let changes: Vec<_> = news[2..]
        .iter()
        .map(|news| (news.headline.as_str(), news.action))
        .collect();
    assert_eq!(
        changes,
        [
            ("Acme: a better two", Action::Updated),
            ("Acme: four", Action::Created)
        ]
    );
    assert_eq!(play.stage.skipped().wrong, 1);

    let requests = play.archive.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("apca-api-key-id"), KEY);
    assert_eq!(requests[0].header("apca-api-secret-key"), SECRET);
    assert_eq!(query(&requests[0], "sort").as_deref(), Some("desc"));
    assert_eq!(query(&requests[0], "limit").as_deref(), Some("50"));
    assert_eq!(
        (query(&requests[0], "start"), query(&requests[0], "symbols")),
        (None, None)
    );
    play.stage.end().await;
}

#[tokio::test]
async fn goes_through_the_pages_slowly_and_waits_as_long_as_it_is_told() {
    let stories = |from: u64, count: u64| -> Vec<Value> {
        (0..count)
            .map(|place| {
                let id = from - place;
                story(id, &format!("Acme: {id}"), &format!("14:{:02}:00", id / 2))
            })
            .collect()
    };
    let archive = Script::of([
        page(&stories(70, 50), Some("second")),
        status(429).with("retry-after", "1"),
        page(&stories(20, 10), Some("third")),
        page(&stories(10, 10), Some("fourth")),
    ])
    .await;
    let begun = Instant::now();
    let play = Play::new(archive, &["AAPL", "BRK.B"], 70).await;
    let (socket, request) = play.open().await;
    assert_eq!(
        request,
        json!({"action": "subscribe", "news": ["AAPL", "BRK.B"]})
    );
    play.stage.degraded("stories may be missing").await;
    let headlines = play.headlines(70).await;
    assert_eq!(
        (headlines[0].as_str(), headlines[69].as_str()),
        ("Acme: 1", "Acme: 70")
    );
    // Two pauses between pages and the requested one.
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let requests = play.archive.requests();
    let pages: Vec<_> = requests
        .iter()
        .map(|request| {
            let name = |name| query(request, name).unwrap_or_default();
            (name("page_token"), name("limit"), name("symbols"))
        })
        .collect();
    let expected = [
        ("", "50"),
        ("second", "20"),
        ("second", "20"),
        ("third", "10"),
    ]
    .map(|(token, limit)| (token.to_owned(), limit.to_owned(), "AAPL,BRK.B".to_owned()));
    assert_eq!(pages, expected, "no more than were wanted");
    drop(socket);
    play.stage.end().await;
}

#[tokio::test]
async fn asks_after_a_break_for_what_came_meanwhile() {
    let missed = page(
        &[
            story(9, "Acme: missed", "14:30:00"),
            story(8, "Acme: last", "14:20:00"),
        ],
        Some("more"),
    );
    let archive = Script::of([
        page(&[story(7, "Acme: first", "14:05:00")], None),
        missed,
        // A source that always has more pages is not requested for ever.
        page(&[], Some("still more")),
    ])
    .await;
    let play = Play::new(archive, &[], 50).await;
    let (mut socket, _) = play.open().await;
    play.headlines(1).await;
    socket
        .text(streamed(&story(8, "Acme: last", "14:20:00")))
        .await;
    socket.settled().await;
    socket.cut();
    let (mut socket, _) = play.open().await;
    let expected = ["Acme: first", "Acme: last", "Acme: missed"];
    assert_eq!(play.headlines(3).await, expected);
    let requests = play.archive.requests();
    assert_eq!(requests.len(), 3);
    let start = query(&requests[1], "start");
    assert_eq!(start.as_deref(), Some("2024-07-24T14:20:00Z"));
    socket
        .text(streamed(&story(10, "Acme: next", "14:40:00")))
        .await;
    socket.settled().await;
    assert_eq!(play.headlines(4).await[3], "Acme: next");
    play.stage.end().await;
}

#[tokio::test]
async fn what_the_archive_could_not_tell_is_asked_for_again() {
    let archive = Script::of([
        page(&[story(5, "Acme: five", "14:10:00")], None),
        status(503).with("retry-after", "60"),
        page(&[story(6, "Acme: six", "14:15:00")], None),
    ])
    .await;
    let play = Play::new(archive, &[], 50).await;
    let (socket, _) = play.open().await;
    play.headlines(1).await;
    socket.cut();
    let (mut socket, _) = play.open().await;
    play.stage.degraded("answers 503").await;
    socket
        .text(streamed(&story(8, "Acme: eight", "14:20:00")))
        .await;
    socket.settled().await;
    socket.cut();
    let (_socket, _) = play.open().await;
    let expected = ["Acme: five", "Acme: eight", "Acme: six"];
    assert_eq!(play.headlines(3).await, expected);
    let starts: Vec<_> = play.archive.requests()[1..]
        .iter()
        .map(|request| query(request, "start"))
        .collect();
    let since = Some("2024-07-24T14:10:00Z".to_owned());
    assert_eq!(
        starts,
        [since.clone(), since],
        "not what came after the gap"
    );
    play.stage.end().await;
}

#[tokio::test]
async fn a_key_that_the_archive_does_not_take_ends_it() {
    let archive = Script::of([status(401)]).await;
    let play = Play::new(archive, &[], 50).await;
    let _socket = play.open().await;
    let detail = play.stage.reaches_with(FeedState::Failed, "401").await;
    assert!(detail.contains("the key is missing or wrong"), "{detail}");
    assert!(
        !detail.contains(KEY) && !detail.contains(SECRET),
        "{detail}"
    );
    assert_eq!(play.archive.requests().len(), 1);
    play.stage.end().await;
}

#[tokio::test]
async fn the_stream_goes_on_while_the_archive_fails() {
    let archive = Script::of([ok("garbage"), status(500), ok(r#"{"news":[{"id":1},5]}"#)]).await;
    let play = Play::new(archive, &[], 50).await;
    let (mut socket, _) = play.open().await;
    play.stage.degraded("cannot be read").await;
    socket
        .text(streamed(&story(1, "Acme: one", "14:01:00")))
        .await;
    play.stage.reaches(FeedState::Live).await;
    play.stage.degraded("answers 500").await;
    socket
        .text(streamed(&story(2, "Acme: two", "14:02:00")))
        .await;
    play.stage.reaches(FeedState::Live).await;
    assert_eq!(play.headlines(2).await, ["Acme: one", "Acme: two"]);
    play.archive.wait_for_requests(3).await;
    socket
        .text(streamed(&story(3, "Acme: three", "14:03:00")))
        .await;
    assert_eq!(play.headlines(3).await[2], "Acme: three");
    play.stage.end().await;
}

#[tokio::test]
async fn without_a_backfill_the_archive_is_left_alone() {
    let archive = Script::of([status(500)]).await;
    let play = Play::new(archive, &[], 0).await;
    let (mut socket, _) = play.open().await;
    socket
        .text(streamed(&story(1, "Acme: one", "14:01:00")))
        .await;
    socket.settled().await;
    assert_eq!(play.headlines(1).await, ["Acme: one"]);
    assert_eq!(play.archive.requests().len(), 0);
    play.stage.end().await;
}
