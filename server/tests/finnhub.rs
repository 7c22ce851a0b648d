//! The feed of trades from Finnhub against a local server with the same protocol, valid and invalid.

mod support;

use std::time::Duration;

use feeds::{
    Timeouts,
    sources::finnhub::{Finnhub, Options},
};
use market::{FeedState, Quality};
use serde_json::json;
use support::{
    secrets::Kept,
    socket_server::{Dialogue, SocketServer, Stage},
};
use tokio_tungstenite::tungstenite::Message;

/// 2024-07-24T15:00:30Z.
const NOW: u64 = 1_721_833_230_000;
const KEY: &str = "c0ffee_K3Y-of-the-test";

struct Play {
    server: SocketServer,
    stage: Stage,
    kept: Kept,
}

impl Play {
    async fn new(timeouts: Timeouts) -> Self {
        let server = SocketServer::bind().await;
        let kept = Kept::new("finnhub", KEY);
        let options = Options {
            symbols: ["AAPL", "TSLA"].map(|name| name.parse().unwrap()).to_vec(),
            key: kept.secret(),
            url: server.url("/").parse().unwrap(),
        };
        let feed = Finnhub::new(options).with_timeouts(timeouts);
        let stage = Stage::at(NOW, vec![Box::new(feed)]);
        Play {
            server,
            stage,
            kept,
        }
    }

    async fn open(&self) -> Dialogue {
        let mut socket = self.server.accept().await;
        assert_eq!(socket.path, format!("/?token={KEY}"));
        for symbol in ["AAPL", "TSLA"] {
            let request = json!({"type": "subscribe", "symbol": symbol});
            assert_eq!(socket.receive().await, request);
        }
        socket
    }

    fn never_shows_the_key(&self) {
        let statuses = self.stage.statuses.current();
        assert!(!format!("{statuses:?}").contains(KEY), "{statuses:?}");
    }
}

fn trade(price: &str, second: u64) -> String {
    let time = 1_721_833_200_000 + second * 1_000;
    format!(
        r#"{{"data":[{{"c":["1"],"p":{price},"s":"AAPL","t":{time},"v":100}}],"type":"trade"}}"#
    )
}

#[tokio::test]
async fn subscribes_and_tells_trades_with_their_conditions() {
    let play = Play::new(Timeouts::default()).await;
    let mut socket = play.open().await;
    socket.text(r#"{"type":"ping"}"#).await;
    play.stage.reaches(FeedState::Live).await;
    socket.text(r#"{"data":[{"c":["1","8"],"p":218.1100,"s":"AAPL","t":1721833201000,"v":100},{"c":["1","12"],"p":500,"s":"AAPL","t":1721833202000,"v":3},{"c":null,"p":1e-05,"s":"TSLA","t":1721833202000,"v":0.5}],"type":"trade"}"#).await;
    socket.settled().await;
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "218.1100");
    assert_eq!(quote.high.unwrap().to_string(), "218.1100");
    assert_eq!(quote.volume.unwrap().to_string(), "103");
    let quote = play.stage.quote("TSLA").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "0.00001");
    let session = play.stage.session("TSLA").unwrap();
    assert_eq!(
        (session.source.as_str(), session.quality),
        ("Finnhub", Quality::Live)
    );
    play.stage.end().await;
}

#[tokio::test]
async fn a_wrong_key_ends_it_and_too_many_connections_wait() {
    let play = Play::new(Timeouts::default()).await;
    play.server
        .answer("401 Unauthorized", "", &format!("Invalid API key: {KEY}"))
        .await;
    let detail = play.stage.reaches_with(FeedState::Failed, "401").await;
    assert!(detail.contains("key"), "{detail}");
    play.never_shows_the_key();
    play.stage.end().await;

    for (message, part) in [
        ("Invalid API key", "the key is wrong"),
        ("Subscribing to too many symbols", "take some symbols out"),
        ("You don't have access to this resource.", "has no right"),
    ] {
        let play = Play::new(Timeouts::default()).await;
        let mut socket = play.open().await;
        let message = json!({"type": "error", "msg": format!("{message} {KEY}")});
        socket.text(message.to_string()).await;
        play.stage.reaches_with(FeedState::Failed, part).await;
        play.never_shows_the_key();
        play.stage.end().await;
    }

    let play = Play::new(Timeouts::default()).await;
    let headers = "retry-after: 1\r\n";
    play.server
        .answer("429 Too Many Requests", headers, "API limit reached.")
        .await;
    play.stage.degraded("429").await;
    play.never_shows_the_key();
    // It reconnects by itself.
    play.open().await;
    play.stage.end().await;

    // A key that no address can carry.
    let play = Play::new(Timeouts::default()).await;
    play.server.accept().await.cut();
    play.kept.becomes("a key with blanks");
    let detail = play
        .stage
        .reaches_with(FeedState::Failed, "characters")
        .await;
    assert!(!detail.contains("blanks"), "{detail}");
    play.stage.end().await;
}

#[tokio::test]
async fn survives_what_no_source_should_send() {
    let play = Play::new(Timeouts::default()).await;
    let mut socket = play.open().await;
    socket.text(trade("5", 1)).await;
    for text in [
        "",
        "garbage",
        "[]",
        r#"{"type":"trade","data":[{"p":1"#,
        r#"{"type":"error","msg":"Invalid symbol"}"#,
        r#"{"type":"trade","data":[{"s":"AAPL","p":-5,"t":1721833203000,"v":1}]}"#,
        // In no unit.
        r#"{"type":"trade","data":[{"s":"AAPL","p":5,"t":17218332,"v":1}]}"#,
    ] {
        socket.text(text).await;
    }
    for text in [
        r#"{"type":"news","data":[]}"#,
        r#"{"type":"trade","data":[{"s":"GOOG","p":5,"t":1721833203000,"v":1}]}"#,
    ] {
        socket.text(text).await;
    }
    socket.send(Message::binary(vec![0xff; 100])).await;
    let price = |play: &Play| play.stage.quote("AAPL").unwrap().price.unwrap().to_string();
    // A time in another unit is recognised by its magnitude.
    let micros = trade("5.5", 2).replace("1721833202000", "1721833202000000");
    socket.text(micros).await;
    socket.settled().await;
    assert_eq!(price(&play), "5.5");
    socket.text(trade("6", 3)).await;
    socket.settled().await;
    assert_eq!(price(&play), "6");
    let skipped = play.stage.skipped();
    assert_eq!(skipped.wrong, 7);
    // More than any message of the source has, of which only the head need arrive.
    socket.raw(&[0x81, 127, 0, 0, 0, 0, 0, 0xa0, 0, 0]).await;
    play.stage.degraded("too long").await;
    play.open().await.close(1008, "slow").await;
    play.stage.degraded("code 1008: slow").await;
    play.open().await.cut();
    let mut socket = play.open().await;
    socket.text(trade("7", 4)).await;
    socket.settled().await;
    assert_eq!(price(&play), "7");
    play.never_shows_the_key();
    play.stage.end().await;
}

#[tokio::test]
async fn silence_and_a_thousand_connections() {
    let timeouts = Timeouts {
        ping: Duration::from_millis(100),
        silence: Duration::from_millis(400),
        connections: (10_000, Duration::from_secs(1)),
        ..Timeouts::default()
    };
    let play = Play::new(timeouts).await;
    let silent = play.open().await;
    play.stage.degraded("silence for 400ms").await;
    drop(silent);
    for number in 0..1_000 {
        let mut socket = play.server.accept().await;
        if number % 2 == 0 {
            socket.text(trade("5", 1)).await;
            socket.settled().await;
        }
        socket.cut();
    }
    let mut socket = play.open().await;
    socket.text(trade("6", 2)).await;
    socket.settled().await;
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "6");
    assert_eq!(quote.volume.unwrap().to_string(), "50100");
    play.never_shows_the_key();
    play.stage.end().await;
}

#[tokio::test]
async fn trades_of_forty_minutes_ago_are_late() {
    let play = Play::new(Timeouts::default()).await;
    let mut socket = play.open().await;
    let late = |second: u64| {
        let time = 1_721_833_200_000 + second * 1_000;
        trade("280.31", second).replace(&time.to_string(), &(time - 2_400_000).to_string())
    };
    socket.text(late(1)).await;
    play.stage.degraded("seconds behind ours").await;
    assert_eq!(play.stage.quote("AAPL").unwrap().time, NOW);
    // A report that moves no last price may be late.
    socket.text(trade("281", 20)).await;
    play.stage.reaches(FeedState::Live).await;
    socket.text(late(2).replace("\"1\"", "\"24\"")).await;
    socket.settled().await;
    assert_eq!(play.stage.statuses.current()[0].state, FeedState::Live);
    play.stage.end().await;
}

#[tokio::test]
async fn times_in_seconds_are_of_today_and_none_is_of_1970() {
    let play = Play::new(Timeouts::default()).await;
    let mut socket = play.open().await;
    socket
        .text(r#"{"data":[{"p":182.00,"s":"AAPL","t":1721833221,"v":1},{"p":183.00,"s":"AAPL","t":1721833,"v":1}],"type":"trade"}"#)
        .await;
    socket.settled().await;
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(
        (quote.time, quote.price.unwrap().to_string().as_str()),
        (1_721_833_221_000, "182.00")
    );
    assert_eq!(play.stage.skipped().wrong, 1);
    play.stage.end().await;
}
