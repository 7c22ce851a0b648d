use std::time::Duration;

use feeds::{Feed, Timeouts, sources::binance::Binance};
use market::{FeedState, Quality};
use tokio_tungstenite::tungstenite::Message;

use super::support::socket_server::{Dialogue, SocketServer, Stage};

pub(crate) const NOW: u64 = 1_723_161_255_400;

const BOOK: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}"#;
const DAY: &str = r#"{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1723161255344,"s":"BTCUSDT","c":"61837.63000000","o":"55133.20000000","h":"62745.14000000","l":"54730.00000000","v":"57123.45678000","q":"1.0"}}"#;
const STREAMS: &str = "/stream?streams=btcusdt@bookTicker/btcusdt@trade/btcusdt@miniTicker/ethusdt@bookTicker/ethusdt@trade/ethusdt@miniTicker";

pub(crate) fn trade(price: &str) -> String {
    numbered(1, price)
}

fn numbered(id: u64, price: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":{id},"p":"{price}","q":"0.02000000","T":1723161255342,"m":true,"M":true}}}}"#
    )
}

pub(crate) fn feed(server: &SocketServer, timeouts: Timeouts) -> Box<dyn Feed> {
    let symbols = ["BTCUSDT", "ETHUSDT"].map(|name| name.parse().unwrap());
    let url = server.url("/stream").parse().unwrap();
    Box::new(Binance::new(symbols.to_vec(), url).with_timeouts(timeouts))
}

pub(crate) async fn start(timeouts: Timeouts) -> (SocketServer, Stage) {
    let server = SocketServer::bind().await;
    let stage = Stage::at(NOW, vec![feed(&server, timeouts)]);
    (server, stage)
}

async fn accept(server: &SocketServer) -> Dialogue {
    let dialogue = server.accept().await;
    assert_eq!(dialogue.path, STREAMS);
    dialogue
}

#[tokio::test]
async fn reads_all_streams_and_survives_what_it_does_not_know() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    for (symbol, name) in [
        ("BTCUSDT", "Bitcoin / Tether"),
        ("ETHUSDT", "Ethereum / Tether"),
    ] {
        let session = stage.session(symbol).expect("before anything was sent");
        assert_eq!(session.name, name);
        assert_eq!(
            (session.quality, &*session.source),
            (Quality::Live, "Binance")
        );
    }
    assert_eq!(stage.statuses.current()[0].state, FeedState::Connecting);

    dialogue.text(BOOK).await;
    dialogue.text(r#"{"result":null,"id":1}"#).await;
    let depth = r#"{"stream":"btcusdt@depth@100ms","data":{}}"#;
    dialogue.text(depth).await;
    dialogue.text(BOOK.replace("BTCUSDT", "XRPUSDT")).await;
    dialogue.send(Message::binary(vec![0, 159, 146, 150])).await;
    dialogue.text("garbage").await;
    dialogue.text(&BOOK[..100]).await;
    dialogue.text(trade("much")).await;
    dialogue.text(numbered(7, "61837.63000000")).await;
    dialogue.settled().await;

    stage.reaches(FeedState::Live).await;
    let quote = stage.quote("BTCUSDT").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "61837.63000000");
    assert_eq!(quote.bid_size.unwrap().to_string(), "3.78826000");
    assert_eq!(quote.ask.unwrap().to_string(), "61837.64000000");
    assert_eq!(quote.volume.unwrap().to_string(), "0.02000000");
    let skipped = stage.skipped();
    assert_eq!((skipped.ignored, skipped.wrong, skipped.gaps), (4, 3, 0));

    // The day's figures replace the counted ones, and give the base of changes.
    dialogue.text(DAY).await;
    // Two trades are missing; an earlier one is no news.
    dialogue.text(numbered(10, "61840.00000000")).await;
    dialogue.text(numbered(7, "61837.63000000")).await;
    dialogue.settled().await;
    let quote = stage.quote("BTCUSDT").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "61840.00000000");
    assert_eq!(quote.volume.unwrap().to_string(), "57123.47678000");
    assert_eq!(quote.high.unwrap().to_string(), "62745.14000000");
    let close = stage.session("BTCUSDT").unwrap().prev_close;
    assert_eq!(close.unwrap().to_string(), "55133.20000000");
    assert_eq!(stage.skipped().gaps, 1);

    // On the next connection the numbers are new ones, and the references stay.
    dialogue.cut();
    let mut dialogue = accept(&server).await;
    dialogue.text(numbered(90, "61841.00000000")).await;
    dialogue.settled().await;
    assert_eq!(stage.skipped().gaps, 1);
    assert_eq!(stage.session("BTCUSDT").unwrap().prev_close, close);
    stage.end().await;
}

#[tokio::test]
async fn comes_back_and_asks_again_however_the_connection_ends() {
    let timeouts = Timeouts {
        silence: Duration::from_millis(400),
        ..Timeouts::default()
    };
    let (server, stage) = start(timeouts).await;

    let mut dialogue = accept(&server).await;
    dialogue.text(trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    dialogue.cut();
    stage.degraded("broke").await;

    let mut dialogue = accept(&server).await;
    dialogue.text(trade("2.0")).await;
    stage.reaches(FeedState::Live).await;
    assert_eq!(
        stage.quote("BTCUSDT").unwrap().price,
        Some("2.0".parse().unwrap())
    );
    dialogue.close(1012, "service restart").await;
    stage.degraded("code 1012: service restart").await;

    // The server is dead: it neither sends nor answers, but its connection stands.
    let mut dead = accept(&server).await;
    dead.text(trade("3.0")).await;
    stage.reaches(FeedState::Live).await;
    stage.degraded("silence for 400ms").await;

    // It has nothing to send, but answers: that is fine, however long it takes.
    let mut dialogue = accept(&server).await;
    for _ in 0..4 {
        let message = dialogue.next().await;
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
    }
    dialogue.text(trade("4.0")).await;
    stage.reaches(FeedState::Live).await;
    assert_eq!(
        stage.quote("BTCUSDT").unwrap().price,
        Some("4.0".parse().unwrap())
    );
    drop(dead);
    stage.end().await;
}

#[tokio::test]
async fn replaces_an_old_connection_without_a_break() {
    let timeouts = Timeouts {
        lifetime: Duration::from_millis(200),
        ..Timeouts::default()
    };
    let (server, stage) = start(timeouts).await;
    let mut first = accept(&server).await;
    first.text(trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    let _second = accept(&server).await;
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}

#[tokio::test]
async fn numbers_that_begin_anew_cost_no_trade() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    for (number, price) in [(100, "8"), (101, "9"), (1, "7"), (2, "6")] {
        dialogue.text(numbered(number, price)).await;
    }
    dialogue.settled().await;
    let quote = stage.quote("BTCUSDT").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "6");
    assert_eq!(quote.volume.unwrap().to_string(), "0.08000000");
    assert_eq!(stage.skipped().gaps, 1);
    // Once more is no news, and it is counted.
    let ignored = stage.skipped().ignored;
    dialogue.text(numbered(2, "6")).await;
    dialogue.settled().await;
    assert_eq!(stage.skipped().ignored, ignored + 1);
    stage.end().await;

    // One number for all.
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    for price in ["8", "9", "7"] {
        dialogue.text(numbered(0, price)).await;
    }
    dialogue.settled().await;
    let quote = stage.quote("BTCUSDT").unwrap();
    assert_eq!(quote.volume.unwrap().to_string(), "0.06000000");
    assert_eq!(stage.skipped().gaps, 2);
    stage.end().await;
}

#[tokio::test]
async fn what_was_not_traded_yet_keeps_the_connection() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    let book = BOOK
        .replace("61837.63000000", "0.00000000")
        .replace("61837.64000000", "0.00000000");
    dialogue.text(book).await;
    let mut day = DAY.to_owned();
    for figure in [
        "61837.63000000",
        "55133.20000000",
        "62745.14000000",
        "54730.00000000",
        "57123.45678000",
    ] {
        day = day.replace(figure, "0.00000000");
    }
    for _ in 0..105 {
        dialogue.text(&*day).await;
    }
    dialogue.settled().await;
    assert_eq!(stage.skipped().wrong, 0);
    let quote = stage.quote("BTCUSDT").unwrap();
    assert_eq!((quote.price, quote.bid, quote.low), (None, None, None));
    let session = stage.session("BTCUSDT").unwrap();
    assert_eq!((session.open, session.prev_close), (None, None));
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}
