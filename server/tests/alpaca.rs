//! The feed of stocks from Alpaca against a local server with the same protocol, valid and invalid.

mod support;

use std::time::Duration;

use feeds::{
    FeedSpec, Timeouts,
    sources::alpaca::{Endpoint, Options, Stocks},
};
use market::{FeedState, News, NewsType, Quality, TradingState};
use serde_json::json;
use server::{RecordOptions, record};
use support::{
    secrets::Kept,
    socket_server::{Dialogue, SocketServer, Stage, within},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// 2024-07-24T15:00:30Z, while the exchanges are open.
const NOW: u64 = 1_721_833_230_000;

const KEY: &str = "PKTESTKEY";
const SECRET: &str = "s3cr3tOfTheTest";

/// A feed, the server that it connects to, and the files with its key.
struct Play {
    server: SocketServer,
    stage: Stage,
    _kept: [Kept; 2],
}

impl Play {
    async fn new() -> Self {
        Play::with(Endpoint::Iex, timeouts()).await
    }

    async fn with(feed: Endpoint, timeouts: Timeouts) -> Self {
        let server = SocketServer::bind().await;
        let kept = [Kept::new("key", KEY), Kept::new("secret", SECRET)];
        let options = Options {
            symbols: ["AAPL", "MSFT"].map(|name| name.parse().unwrap()).to_vec(),
            feed,
            key: kept[0].secret(),
            secret: kept[1].secret(),
            url: Some(server.url("/v2/iex").parse().unwrap()),
        };
        let feed = Stocks::new(options).with_timeouts(timeouts);
        let stage = Stage::at(NOW, vec![Box::new(feed)]);
        Play {
            server,
            stage,
            _kept: kept,
        }
    }

    /// Goes through the dialogue until the subscription is confirmed.
    async fn open(&self) -> Dialogue {
        let mut socket = self.server.accept().await;
        welcome(&mut socket).await;
        socket
            .text(r#"[{"T":"success","msg":"authenticated"}]"#)
            .await;
        let request = socket.receive().await;
        assert_eq!(
            request,
            json!({
                "action": "subscribe",
                "trades": ["AAPL", "MSFT"],
                "quotes": ["AAPL", "MSFT"],
                "statuses": ["AAPL", "MSFT"],
                "lulds": ["AAPL", "MSFT"],
            })
        );
        socket.text(r#"[{"T":"subscription","trades":["AAPL","MSFT"],"quotes":["AAPL","MSFT"],"bars":[],"updatedBars":[],"dailyBars":[],"statuses":["AAPL","MSFT"],"lulds":["AAPL","MSFT"],"corrections":["AAPL","MSFT"],"cancelErrors":["AAPL","MSFT"]}]"#).await;
        socket.settled().await;
        self.stage.reaches(FeedState::Live).await;
        socket
    }

    fn news(&self) -> Vec<News> {
        self.stage.news()
    }

    fn price(&self) -> String {
        let quote = self.stage.quote("AAPL").unwrap();
        quote.price.unwrap().to_string()
    }
}

fn timeouts() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(10),
        opening: Duration::from_secs(10),
        connections: (10_000, Duration::from_secs(1)),
        ..Timeouts::default()
    }
}

/// Takes the login.
async fn welcome(socket: &mut Dialogue) {
    socket.text(r#"[{"T":"success","msg":"connected"}]"#).await;
    let request = socket.receive().await;
    let login = json!({"action": "auth", "key": KEY, "secret": SECRET});
    assert_eq!(request, login);
}

fn trade(number: u64, second: u32, price: &str) -> String {
    format!(
        r#"[{{"T":"t","i":{number},"S":"AAPL","x":"V","p":{price},"s":100,"t":"2024-07-24T15:00:{second:02}.000000001Z","c":["@"],"z":"C"}}]"#
    )
}

fn status(code: &str, reason: &str, second: u32) -> String {
    format!(
        r#"[{{"T":"s","S":"AAPL","sc":"{code}","sm":"Trading Status","rc":"{reason}","rm":"Because","t":"2024-07-24T15:00:{second:02}Z","z":"C"}}]"#
    )
}

#[tokio::test]
async fn logs_in_subscribes_and_tells_quotes_and_trades() {
    let play = Play::new().await;
    let mut socket = play.open().await;
    let session = play.stage.session("AAPL").unwrap();
    assert_eq!(
        (session.source.as_str(), session.quality, session.state),
        ("Alpaca", Quality::Live, TradingState::Open)
    );
    assert_eq!(session.venue.as_deref(), Some("IEX"));
    assert_eq!(session.currency.as_deref(), Some("USD"));

    socket.text(r#"[{"T":"q","S":"AAPL","bx":"V","bp":218.10,"bs":300,"ax":"V","ap":1e2,"as":4,"t":"2024-07-24T15:00:01.335689322Z","c":["R"],"z":"C"},{"T":"t","i":1,"S":"AAPL","x":"V","p":218.11000,"s":100,"t":"2024-07-24T15:00:02Z","c":["@"],"z":"C"},{"T":"t","i":2,"S":"AAPL","x":"V","p":300,"s":3,"t":"2024-07-24T15:00:03Z","c":["@","I"],"z":"C"}]"#).await;
    socket.settled().await;
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(quote.bid.unwrap().to_string(), "218.10");
    assert_eq!(quote.bid_size.unwrap().to_string(), "300");
    assert_eq!(quote.ask.unwrap().to_string(), "100");
    assert_eq!(quote.price.unwrap().to_string(), "218.11000");
    assert_eq!(quote.high.unwrap().to_string(), "218.11000");
    assert_eq!(
        quote.volume.unwrap().to_string(),
        "103",
        "with the odd lot, which moves nothing else"
    );
    assert_eq!(quote.time, 1_721_833_203_000);
    play.stage.end().await;
}

#[tokio::test]
async fn says_what_is_wrong_and_tries_again_only_where_that_may_help() {
    for (code, message, part) in [
        (402, "auth failed", "key or the secret is wrong"),
        (409, "insufficient subscription", "feed=iex"),
        (408, "v2 not enabled", "not enabled"),
        (400, "invalid syntax", "check the address"),
    ] {
        let play = Play::new().await;
        let mut socket = play.server.accept().await;
        welcome(&mut socket).await;
        let error = format!(r#"[{{"T":"error","code":{code},"msg":"{message} for {KEY}"}}]"#);
        socket.text(error).await;
        let detail = play.stage.reaches_with(FeedState::Failed, part).await;
        assert!(
            detail.contains(message) && !detail.contains(KEY),
            "{detail}"
        );
        play.stage.end().await;
    }

    let play = Play::new().await;
    let mut socket = play.server.accept().await;
    welcome(&mut socket).await;
    socket
        .text(r#"[{"T":"success","msg":"authenticated"}]"#)
        .await;
    socket.receive().await;
    socket
        .text(r#"[{"T":"error","code":405,"msg":"symbol limit exceeded"}]"#)
        .await;
    play.stage
        .reaches_with(FeedState::Failed, "take some out")
        .await;

    let play = Play::new().await;
    for (code, message) in [
        (401, "not authenticated"),
        (404, "auth timeout"),
        (407, "slow client"),
        (500, "internal error"),
        (499, "something new"),
    ] {
        let mut socket = play.server.accept().await;
        socket.text(r#"[{"T":"success","msg":"connected"}]"#).await;
        socket.receive().await;
        let error = format!(r#"[{{"T":"error","code":{code},"msg":"{message}"}}]"#);
        socket.text(error).await;
        play.stage.degraded(message).await;
    }
    let mut socket = play.server.accept().await;
    socket
        .text(r#"[{"T":"error","code":406,"msg":"connection limit exceeded"}]"#)
        .await;
    play.stage.degraded("another program holds it").await;
    play.stage.end().await;

    // Logging in twice does no harm.
    let play = Play::new().await;
    let mut socket = play.open().await;
    socket
        .text(r#"[{"T":"error","code":403,"msg":"already authenticated"}]"#)
        .await;
    socket.text(trade(1, 1, "5")).await;
    socket.settled().await;
    assert_eq!(play.price(), "5");
    play.stage.end().await;
}

#[tokio::test]
async fn waits_for_each_step_only_so_long() {
    let short = Timeouts {
        opening: Duration::from_millis(200),
        ..timeouts()
    };
    let play = Play::with(Endpoint::Iex, short).await;
    let _silent = play.server.accept().await;
    play.stage.degraded("a welcome did not come").await;
    let mut socket = play.server.accept().await;
    welcome(&mut socket).await;
    play.stage
        .degraded("an answer to the login did not come")
        .await;
    let mut socket = play.server.accept().await;
    welcome(&mut socket).await;
    socket
        .text(r#"[{"T":"success","msg":"authenticated"}]"#)
        .await;
    play.stage
        .degraded("an answer to the subscription did not come")
        .await;
    play.open().await;
    play.stage.end().await;
}

#[tokio::test]
async fn a_key_that_is_not_there_is_said_and_nothing_is_tried() {
    let server = SocketServer::bind().await;
    let options = Options {
        symbols: vec!["AAPL".parse().unwrap()],
        feed: Endpoint::Iex,
        key: feeds::Secret::Env("TICKERTAPE_NO_SUCH_KEY".to_owned()),
        secret: feeds::Secret::Env("TICKERTAPE_NO_SUCH_SECRET".to_owned()),
        url: Some(server.url("/").parse().unwrap()),
    };
    let stage = Stage::at(NOW, vec![Box::new(Stocks::new(options))]);
    stage
        .reaches_with(FeedState::Failed, "TICKERTAPE_NO_SUCH_KEY is not set")
        .await;
    stage.end().await;
}

#[tokio::test]
async fn survives_what_no_source_should_send() {
    let play = Play::new().await;
    let mut socket = play.open().await;
    socket.text(trade(1, 1, "5")).await;
    let skipped = play.stage.skipped();
    for text in [
        "",
        "garbage",
        "{}",
        "null",
        "[1,2]",
        r#"[{"T":"t"}]"#,
        r#"[{"T":"t","i":9,"S":"AAPL","x":"V","p":-1,"s":1,"t":"2024-07-24T15:00:01Z"}]"#,
        // Half a frame.
        r#"[{"T":"t","i":9,"S":"AAPL","x":"V","p":2"#,
        // Two days ahead: not a valid time.
        r#"[{"T":"t","i":9,"S":"AAPL","x":"V","p":2,"s":1,"t":"2024-07-26T15:00:31Z"}]"#,
    ] {
        socket.text(text).await;
    }
    for text in [
        "[]",
        r#"[{"T":"b","S":"AAPL","o":1}]"#,
        r#"[{"T":"t","i":9,"S":"GOOG","x":"V","p":2,"s":1,"t":"2024-07-24T15:00:09Z"}]"#,
    ] {
        socket.text(text).await;
    }
    socket.send(Message::binary(vec![0, 159, 146, 150])).await;
    // The valid parts of a message count, though another part is invalid.
    let mixed = format!(r#"[{{"T":"t"}},{}"#, &trade(2, 2, "6")[1..]);
    socket.text(mixed).await;
    socket.settled().await;
    assert_eq!(play.price(), "6");
    let now = play.stage.skipped();
    assert_eq!(
        (now.wrong - skipped.wrong, now.ignored - skipped.ignored),
        (11, 4)
    );
    assert_eq!(play.stage.statuses.current()[0].state, FeedState::Live);

    // More than any message of the source has, of which only the head need arrive.
    socket.raw(&[0x81, 127, 0, 0, 0, 0, 0, 0xa0, 0, 0]).await;
    play.stage.degraded("too long").await;
    let mut socket = play.open().await;
    // Not even a frame of a WebSocket.
    socket.raw(&[0xff; 64]).await;
    play.stage.degraded("broke").await;
    let socket = play.open().await;
    socket.close(1011, "maintenance").await;
    play.stage.degraded("code 1011: maintenance").await;
    let socket = play.open().await;
    socket.cut();
    play.stage.degraded("broke").await;
    let mut socket = play.open().await;
    socket.text(trade(3, 4, "7")).await;
    socket.settled().await;
    assert_eq!(play.price(), "7");
    play.stage.end().await;
}

#[tokio::test]
async fn a_source_that_says_nothing_is_asked_and_then_left() {
    let short = Timeouts {
        ping: Duration::from_millis(50),
        silence: Duration::from_millis(400),
        ..timeouts()
    };
    let play = Play::with(Endpoint::Iex, short).await;
    let mut socket = play.open().await;
    // It answers: that is fine, however long it takes.
    for _ in 0..12 {
        let message = socket.next().await;
        assert!(
            matches!(message, Message::Ping(_) | Message::Pong(_)),
            "{message:?}"
        );
    }
    assert_eq!(play.stage.statuses.current()[0].state, FeedState::Live);
    // Now it does not even do that.
    play.stage.degraded("silence for 400ms").await;
    drop(socket);
    play.stage.end().await;
}

#[tokio::test]
async fn corrections_and_cancels_mend_the_quote_and_the_bar() {
    let play = Play::new().await;
    let mut socket = play.open().await;
    socket.text(trade(1, 1, "10")).await;
    socket.text(trade(2, 2, "90")).await;
    socket.text(trade(3, 3, "11")).await;
    socket.settled().await;
    let high = |play: &Play| {
        let quote = play.stage.quote("AAPL").unwrap();
        quote.high.unwrap().to_string()
    };
    assert_eq!(high(&play), "90");
    socket.text(r#"[{"T":"c","S":"AAPL","x":"V","oi":2,"op":90,"os":100,"oc":["@"],"ci":4,"cp":9.0,"cs":50,"cc":["@"],"t":"2024-07-24T15:00:05Z","z":"C"}]"#).await;
    socket.settled().await;
    assert_eq!(high(&play), "11");
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(quote.low.unwrap().to_string(), "9.0");
    assert_eq!(quote.volume.unwrap().to_string(), "250");
    assert_eq!(quote.time, 1_721_833_205_000);
    socket.text(r#"[{"T":"x","S":"AAPL","i":3,"x":"V","p":11,"s":100,"a":"E","t":"2024-07-24T15:00:06Z","z":"C"}]"#).await;
    socket.settled().await;
    assert_eq!(play.price(), "9.0");
    // One that was never reported, and one of another exchange.
    socket.text(r#"[{"T":"x","S":"AAPL","i":77,"x":"V","p":11,"s":100,"a":"C","t":"2024-07-24T15:00:07Z","z":"C"},{"T":"x","S":"AAPL","i":1,"x":"K","p":10,"s":100,"a":"C","t":"2024-07-24T15:00:07Z","z":"C"}]"#).await;
    socket.settled().await;
    assert_eq!(play.stage.quote("AAPL").unwrap().time, 1_721_833_206_000);

    // The next minute closes the bar, as if everything had been right from the beginning.
    socket.text(r#"[{"T":"t","i":5,"S":"AAPL","x":"V","p":12,"s":1,"t":"2024-07-24T15:01:00Z","c":["@"],"z":"C"}]"#).await;
    socket.settled().await;
    let bars = play.stage.bars();
    let bar = bars.first().expect("the minute is closed");
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string());
    assert_eq!(prices, ["10", "10", "9.0", "9.0"]);
    assert_eq!((bar.volume.to_string().as_str(), bar.trades), ("150", 2));
    assert_eq!(bar.vwap.unwrap().to_string(), "9.667");
    play.stage.end().await;
}

#[tokio::test]
async fn halts_and_resumptions_are_stories_and_change_the_session() {
    let play = Play::new().await;
    let mut socket = play.open().await;
    let session = |play: &Play| {
        let session = play.stage.session("AAPL").unwrap();
        (session.state, session.halt_code)
    };
    socket.text(status("H", "T1", 1)).await;
    socket.text(status("H", "T1", 1)).await;
    socket.settled().await;
    let halted = |code: &str| (TradingState::Halted, Some(code.to_owned()));
    assert_eq!(session(&play), halted("T1"));
    socket.text(status("Q", "T1", 2)).await;
    socket.settled().await;
    assert_eq!(session(&play), halted("T1"), "quotes alone");
    socket.text(status("T", "", 3)).await;
    socket.settled().await;
    assert_eq!(session(&play), (TradingState::Open, None));

    socket.text(r#"[{"T":"l","S":"AAPL","u":240.1,"d":196.4,"i":"B","t":"2024-07-24T15:00:04Z","z":"C"}]"#).await;
    socket.text(status("P", "LUDP", 5)).await;
    socket.settled().await;
    assert_eq!(session(&play), halted("LUDP"));
    // A late trade from before the halt ends nothing.
    socket.text(trade(1, 4, "240")).await;
    socket.settled().await;
    assert_eq!(session(&play), halted("LUDP"));
    // The resumption is missed; a trade after the halt shows it.
    socket.cut();
    let mut socket = play.open().await;
    assert_eq!(session(&play), halted("LUDP"));
    socket.text(trade(2, 20, "239")).await;
    socket.settled().await;
    assert_eq!(session(&play), (TradingState::Open, None));

    let news = play.news();
    let stories: Vec<_> = news
        .iter()
        .map(|news| (news.kind, news.code.as_deref(), news.published))
        .collect();
    assert_eq!(
        stories,
        [
            (NewsType::Halt, Some("T1"), 1_721_833_201_000),
            (NewsType::Resume, None, 1_721_833_203_000),
            (NewsType::Halt, Some("LUDP"), 1_721_833_205_000),
        ]
    );
    assert_eq!(news[0].headline, "AAPL: Trading Status");
    assert_eq!(news[0].basis, market::Basis::Native);
    let summary = news[2].summary.as_deref().unwrap();
    assert!(summary.contains("between 196.4 and 240.1"), "{summary}");
    play.stage.end().await;
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_is_said() {
    // The source's clock is ahead by less than the limit: prices count, their times do not.
    let play = Play::new().await;
    let mut socket = play.open().await;
    socket
        .text(trade(1, 1, "5").replace("07-24T15", "07-25T14"))
        .await;
    socket.settled().await;
    play.stage.degraded("ahead of").await;
    assert_eq!(play.stage.quote("AAPL").unwrap().time, NOW);
    socket.text(r#"[{"T":"x","S":"AAPL","i":1,"x":"V","p":5,"s":100,"a":"C","t":"2024-07-25T14:00:07Z","z":"C"}]"#).await;
    socket.settled().await;
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!((quote.price, quote.time), (None, NOW));
    play.stage.end().await;

    // The server's clock is behind by more than a day: no time is credible, and that is reported.
    let play = Play::new().await;
    let mut socket = play.open().await;
    for number in 0..100 {
        socket
            .text(trade(number, 1, "5").replace("07-24", "07-27"))
            .await;
    }
    play.stage
        .degraded("more than a day ahead of its receipt")
        .await;
    assert_eq!(play.stage.quote("AAPL"), None);
    play.stage.end().await;
}

#[tokio::test]
async fn a_recording_is_played_without_a_key() {
    let server = SocketServer::bind().await;
    let kept = [Kept::new("key", KEY), Kept::new("secret", SECRET)];
    let file = std::env::temp_dir().join(format!("tickertape-{}-alpaca", std::process::id()));
    let spec = format!(
        "alpaca:AAPL?key_file={}&secret_file={}&url={}",
        kept[0].path().display(),
        kept[1].path().display(),
        server.url("/v2/iex")
    );
    let options = RecordOptions {
        feed: spec.parse().unwrap(),
        file: file.clone(),
        time: None,
        max_bytes: None,
        overwrite: true,
    };
    let stop = CancellationToken::new();
    let recording = {
        let stop = stop.clone();
        tokio::spawn(async move { record(options, &stop).await })
    };
    let mut socket = server.accept().await;
    welcome(&mut socket).await;
    for text in [
        r#"[{"T":"success","msg":"authenticated"}]"#,
        r#"[{"T":"subscription","trades":["AAPL"]}]"#,
        &trade(1, 1, "10.00"),
        &trade(2, 2, "90"),
        r#"[{"T":"x","S":"AAPL","i":2,"x":"V","p":90,"s":100,"a":"C","t":"2024-07-24T15:00:06Z","z":"C"}]"#,
    ] {
        socket.text(text).await;
    }
    socket.settled().await;
    stop.cancel();
    within(recording).await.unwrap().unwrap();
    drop(kept);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        !written.contains(KEY) && !written.contains(SECRET),
        "{written}"
    );

    let replay: FeedSpec = format!("replay:{}?speed=max", file.display())
        .parse()
        .unwrap();
    let stage = Stage::at(NOW, vec![replay.build(1).unwrap()]);
    stage.reaches(FeedState::Ended).await;
    let quote = stage.quote("AAPL").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "10.00");
    assert_eq!(quote.high.unwrap().to_string(), "10.00");
    stage.end().await;
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn the_test_stream_has_trades_and_quotes_alone_and_says_that_it_is_made_up() {
    let play = Play::with(Endpoint::Test, timeouts()).await;
    let mut socket = play.server.accept().await;
    welcome(&mut socket).await;
    socket
        .text(r#"[{"T":"success","msg":"authenticated"}]"#)
        .await;
    let request = socket.receive().await;
    assert_eq!(
        request,
        json!({"action": "subscribe", "trades": ["AAPL", "MSFT"], "quotes": ["AAPL", "MSFT"]})
    );
    socket
        .text(r#"[{"T":"subscription","trades":["AAPL","MSFT"],"quotes":["AAPL","MSFT"]}]"#)
        .await;
    let status = play.stage.reaches(FeedState::Live).await;
    assert_eq!(status.name, "Alpaca test");
    let session = play.stage.session("AAPL").unwrap();
    assert_eq!(session.quality, Quality::Simulated);
    play.stage.end().await;
}

#[tokio::test]
async fn a_thousand_connections_leave_nothing_behind() {
    let play = Play::new().await;
    for number in 0..1_000_u64 {
        let mut socket = play.server.accept().await;
        match number % 4 {
            0 => socket.cut(),
            1 => {
                welcome(&mut socket).await;
                socket.cut();
            }
            2 => {
                socket
                    .text(r#"[{"T":"error","code":500,"msg":"internal error"}]"#)
                    .await;
                socket.gone().await;
            }
            _ => {
                welcome(&mut socket).await;
                socket
                    .text(r#"[{"T":"success","msg":"authenticated"}]"#)
                    .await;
                socket.receive().await;
                socket
                    .text(r#"[{"T":"subscription","trades":["AAPL"]}]"#)
                    .await;
                socket.text(trade(number, 1, "5")).await;
                socket.settled().await;
                socket.cut();
            }
        }
    }
    let mut socket = play.open().await;
    socket.text(trade(5_000, 2, "6")).await;
    socket.settled().await;
    assert_eq!(play.price(), "6");
    let quote = play.stage.quote("AAPL").unwrap();
    assert_eq!(quote.volume.unwrap().to_string(), "25100");
    play.stage.end().await;
}

#[tokio::test]
async fn an_official_close_moves_the_price_of_its_exchange_alone() {
    let close = r#"[{"T":"t","i":1,"S":"AAPL","x":"Q","p":184.00,"s":500,"t":"2024-07-24T15:00:02Z","c":["6"],"z":"C"},{"T":"t","i":2,"S":"AAPL","x":"P","p":183.20,"s":100,"t":"2024-07-24T15:00:10Z","c":["M"],"z":"C"},{"T":"t","i":3,"S":"AAPL","x":"P","p":190,"s":100,"t":"2024-07-24T15:00:11Z","c":["Q"],"z":"C"}]"#;
    for (feed, price, high, low) in [
        (Endpoint::Sip, "184.00", "184.00", "184.00"),
        (Endpoint::DelayedSip, "184.00", "184.00", "184.00"),
        (Endpoint::Iex, "190", "190", "183.20"),
    ] {
        let play = Play::with(feed, timeouts()).await;
        let mut socket = play.open().await;
        socket.text(close).await;
        socket.settled().await;
        let quote = play.stage.quote("AAPL").unwrap();
        let prices = [quote.price, quote.high, quote.low].map(|price| price.unwrap().to_string());
        assert_eq!(prices, [price, high, low], "{feed}");
        assert_eq!(quote.volume.unwrap().to_string(), "500", "{feed}");
        play.stage.end().await;
    }
}

#[tokio::test]
async fn what_is_later_than_its_feed_is_late() {
    let ago = |minutes: u32| {
        trade(1, 0, "401.2").replace("15:00:00.000000001", &format!("14:{:02}:30", 60 - minutes))
    };
    for (feed, timely, late, words) in [
        (Endpoint::Iex, 9, 40, "seconds behind ours"),
        (Endpoint::DelayedSip, 20, 40, "2400 seconds old"),
    ] {
        let play = Play::with(feed, timeouts()).await;
        let mut socket = play.open().await;
        socket.text(ago(timely)).await;
        socket.settled().await;
        assert_eq!(play.stage.statuses.current()[0].state, FeedState::Live);
        socket.text(ago(late)).await;
        play.stage.degraded(words).await;
        play.stage.end().await;
    }
}
