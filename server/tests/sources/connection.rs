//! Faults of a connection, for any protocol over it.

use std::time::Duration;

use feeds::Timeouts;
use market::FeedState;
use tokio_tungstenite::tungstenite::Message;

use super::{
    binance::{NOW, feed, start, trade},
    support::socket_server::{Dialogue, SocketServer, Stage},
};

/// The unmasked head of a frame from a server, with this first byte and length.
fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first, 127];
    head.extend(length.to_be_bytes());
    head
}

#[tokio::test]
async fn answers_that_are_no_websocket_are_told_and_retried_as_they_should_be() {
    for (status, headers, body, words) in [
        ("503 Service Unavailable", "", "", "503 Service Unavailable"),
        (
            "503 Service Unavailable",
            "retry-after: 1\r\n",
            "down for a moment",
            "down for a moment; tries again in ",
        ),
        ("500 Oops", "", "<b>\u{202e}boom</b>", "<b>boom</b>"),
        (
            "302 Found",
            "location: wss://elsewhere.example/stream\r\n",
            "",
            "points to \"wss://elsewhere.example/stream\": expected a WebSocket",
        ),
        ("200 OK", "", "hello", "answered 200 OK: hello"),
        ("408 Request Timeout", "", "", "408"),
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        server.answer(status, headers, body).await;
        stage.degraded(words).await;
        // It continues.
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        stage.reaches(FeedState::Live).await;
        stage.end().await;
    }
    for (status, headers, words) in [
        ("401 Unauthorized", "", "401 Unauthorized: no; the key"),
        ("403 Forbidden", "", "what it is entitled to"),
        ("404 Not Found", "", "the address is to be checked"),
        ("451 Unavailable For Legal Reasons", "", "451"),
        (
            "308 Permanent Redirect",
            "location: wss://elsewhere.example/\r\n",
            "it is to be given as url",
        ),
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        server.answer(status, headers, "no").await;
        stage.reaches_with(FeedState::Failed, words).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn stays_away_when_it_was_too_often() {
    for (status, retry, seconds) in [
        (
            "429 Too Many Requests",
            "retry-after: 7200\r\n",
            7_200..7_205,
        ),
        ("429 Too Many Requests", "", 60..65),
        ("418 I'm a teapot", "retry-after: 30\r\n", 30..35),
        (
            "429 Too Many Requests",
            "retry-after: Fri, 09 Aug 2024 00:00:00 GMT\r\n",
            344..350,
        ),
        (
            "429 Too Many Requests",
            "retry-after: 99999999999999999999\r\n",
            86_400..86_405,
        ),
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        server.answer(status, retry, "").await;
        let detail = stage.degraded("tries again in ").await;
        let (_, rest) = detail.rsplit_once("tries again in ").unwrap();
        let wait: u64 = rest.trim_end_matches(" seconds").parse().unwrap();
        assert!(seconds.contains(&wait), "{retry}: {detail}");
        stage.end().await;
    }
}

#[tokio::test]
async fn nobody_who_shakes_hands_is_no_connection() {
    let timeouts = Timeouts {
        connect: Duration::from_millis(100),
        ..Timeouts::default()
    };
    let (server, stage) = start(timeouts).await;
    let hung = server.hang().await;
    let detail = stage.degraded("no connection to ws://127.0.0.1").await;
    assert!(detail.contains("within 100ms"), "{detail}");
    drop(hung);
    stage.end().await;
}

#[tokio::test]
async fn broken_frames_cost_the_connection_and_nothing_else() {
    let (server, stage) = start(Timeouts::default()).await;
    let long = "x".repeat(10 << 20);
    for (bytes, words) in [
        // A message of 10 MB, by its head alone and in fragments that claim no length.
        (head(0x81, 10 << 20), "too long"),
        (head(0x82, u64::MAX >> 1), "too long"),
        // A reserved bit, an opcode that does not exist, a text that is no UTF-8.
        (vec![0xf1, 1, b'x'], "broke"),
        (vec![0x83, 0], "broke"),
        (vec![0x81, 2, 0xc3, 0x28], "broke"),
        // A ping that is longer than allowed.
        ([head(0x89, 200), vec![b'x'; 200]].concat(), "broke"),
        // Half a frame, and then the end.
        (vec![0x81, 100, b'{'], "broke"),
    ] {
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        stage.reaches(FeedState::Live).await;
        dialogue.raw(&bytes).await;
        if bytes.len() == 3 && bytes[1] == 100 {
            dialogue.cut();
        } else {
            dialogue.gone().await;
        }
        let detail = stage.degraded("").await;
        assert!(detail.to_lowercase().contains(words), "{bytes:?}: {detail}");
    }
    let mut dialogue = server.accept().await;
    dialogue.text(trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    // The feed closes the connection while it is being sent.
    let sent = dialogue.try_send(Message::text(long)).await;
    let detail = stage.degraded("broke").await;
    assert!(detail.contains("too long"), "{detail} {sent:?}");
    let mut dialogue = server.accept().await;
    dialogue.text(trade("2.0")).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn a_source_gone_mad_is_given_up_for_another_connection() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = server.accept().await;
    // An occasional invalid message does not matter.
    for _ in 0..3 {
        for _ in 0..99 {
            dialogue.text("{").await;
        }
        dialogue.text(trade("1.0")).await;
    }
    dialogue.settled().await;
    stage.reaches(FeedState::Live).await;
    for _ in 0..100 {
        dialogue.text("{").await;
    }
    stage.degraded("100 messages in a row cannot be read").await;
    assert_eq!(stage.skipped().wrong, 397);
    drop(server.accept().await);
    stage.end().await;
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_is_told_and_ours_stands_in() {
    const DAY: u64 = 24 * 60 * 60 * 1_000;
    for (now, words) in [
        (NOW - DAY + 1_000, "seconds ahead of ours"),
        (NOW + DAY, "seconds behind ours"),
    ] {
        let server = SocketServer::bind().await;
        let stage = Stage::at(now, vec![feed(&server, Timeouts::default())]);
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        stage.degraded(words).await;
        assert_eq!(stage.quote("BTCUSDT").unwrap().time, now);
        // It is corrected.
        let right = trade("2.0").replace(":1,", ":2,");
        let right = right.replace("1723161255342", &now.to_string());
        dialogue.text(right).await;
        stage.reaches(FeedState::Live).await;
        let quote = stage.quote("BTCUSDT").unwrap();
        assert_eq!(quote.price, Some("2.0".parse().unwrap()));
        stage.end().await;
    }
}

/// Writes the same bytes until the feed has closed the connection; returns how many it accepted.
async fn flood(dialogue: &mut Dialogue, bytes: &[u8], most: usize) -> usize {
    let mut written = 0;
    while written < most && dialogue.try_raw(bytes).await.is_ok() {
        written += bytes.len();
    }
    written
}

#[tokio::test]
async fn a_message_that_never_ends_costs_the_connection() {
    const MOST: usize = 64 << 20;
    let (server, stage) = start(Timeouts::default()).await;
    for pieces in [
        // Empty pieces of a text, and some with a ping now and then.
        [0x00, 0x00].repeat(1 << 12),
        [&[0x00, 0x00].repeat(50_000)[..], &[0x89, 0x00]].concat(),
    ] {
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        stage.reaches(FeedState::Live).await;
        dialogue.raw(&[0x01, 0x00]).await;
        let written = flood(&mut dialogue, &pieces, MOST).await;
        assert!(written < MOST, "it takes {written} bytes and more");
        stage.degraded("without a whole message").await;
    }
    // A long message in small pieces is one all the same.
    let mut dialogue = server.accept().await;
    let text = trade("3.5");
    for (place, byte) in text.bytes().enumerate() {
        let first = if place == 0 { 0x01 } else { 0x00 };
        dialogue.raw(&[first, 1, byte]).await;
    }
    dialogue.raw(&[0x80, 0]).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn a_source_that_sends_nothing_but_pings_is_left() {
    const MOST: usize = 64 << 20;
    let (server, stage) = start(Timeouts::default()).await;
    let pings = [&[0x89, 125][..], &[b'x'; 125]].concat().repeat(64);
    let mut dialogue = server.accept().await;
    dialogue.text(trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    let written = flood(&mut dialogue, &pings, MOST).await;
    assert!(written < MOST, "it takes {written} bytes and more");
    stage.degraded("more than 1000 pings").await;
    let mut dialogue = server.accept().await;
    for _ in 0..100_000 {
        if dialogue.try_send(Message::text("{}")).await.is_err() {
            break;
        }
    }
    stage.degraded("useless messages a second").await;
    stage.end().await;
}

#[tokio::test]
async fn a_source_that_has_worked_is_asked_again_after_a_refusal() {
    for status in [
        "403 Forbidden",
        "404 Not Found",
        "401 Unauthorized",
        "308 Permanent Redirect",
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        let mut dialogue = server.accept().await;
        dialogue.text(trade("1.0")).await;
        stage.reaches(FeedState::Live).await;
        dialogue.cut();
        server.answer(status, "", "for now").await;
        stage.degraded("tries again in 60").await;
        stage.end().await;
    }
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = server.accept().await;
    dialogue.text(trade("1.0")).await;
    stage.reaches(FeedState::Live).await;
    dialogue.cut();
    server.answer("410 Gone", "", "for good").await;
    stage.reaches_with(FeedState::Failed, "410 Gone").await;
    stage.end().await;
}
