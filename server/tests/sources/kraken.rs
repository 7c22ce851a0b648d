use std::time::Duration;

use feeds::{Feed, Timeouts, pairs::Pair, sources::kraken::Kraken};
use market::FeedState;
use serde_json::{Value, json};

use super::support::socket_server::{Dialogue, SocketServer, Stage};

/// 2023-09-25T09:04:31.8Z
pub(crate) const NOW: u64 = 1_695_632_671_800;

const STATUS: &str = r#"{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":1,"system":"online","version":"2.0.0"}]}"#;
const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;
// From the documentation: numbers are exact.
const TICKER: &str = r#"{"channel":"ticker","type":"update","data":[{"symbol":"ALGO/USD","bid":0.10025,"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,"timestamp":"2023-09-25T09:04:31.742648Z"}]}"#;

pub(crate) fn trades(kind: &str, trades: &[(&str, u64, &str)]) -> String {
    let data: Vec<String> = trades
        .iter()
        .map(|(pair, id, price)| {
            format!(r#"{{"symbol":"{pair}","side":"sell","price":{price},"qty":6423.46326000,"ord_type":"limit","trade_id":{id},"timestamp":"2023-09-25T09:04:31.700000Z"}}"#)
        })
        .collect();
    format!(
        r#"{{"channel":"trade","type":"{kind}","data":[{}]}}"#,
        data.join(",")
    )
}

pub(crate) fn feed(server: &SocketServer, pairs: &[&str], timeouts: Timeouts) -> Box<dyn Feed> {
    let pairs = pairs.iter().map(|name| Pair::read(name).unwrap());
    let url = server.url("/v2").parse().unwrap();
    Box::new(Kraken::new(pairs.collect(), url).with_timeouts(timeouts))
}

async fn start(timeouts: Timeouts) -> (SocketServer, Stage) {
    let server = SocketServer::bind().await;
    let stage = Stage::at(NOW, vec![feed(&server, &["ALGO-USD", "BTC-EUR"], timeouts)]);
    (server, stage)
}

pub(crate) fn granted(channel: &str, pair: &str) -> String {
    json!({"method": "subscribe", "req_id": 1, "result": {"channel": channel, "snapshot": true, "symbol": pair}, "success": true, "time_in": "2023-09-25T09:04:31.742599Z", "time_out": "2023-09-25T09:04:31.742648Z"}).to_string()
}

fn refused(pair: &str) -> String {
    json!({"error": format!("Currency pair not supported {pair}"), "method": "subscribe", "req_id": 1, "success": false, "symbol": pair, "time_in": "2023-09-25T09:04:31.742599Z"}).to_string()
}

/// The request: the method, the channel and the pairs.
fn parts_of(request: &Value) -> (&str, &str, Vec<&str>) {
    let params = &request["params"];
    let pairs = params["symbol"].as_array().unwrap().iter();
    (
        request["method"].as_str().unwrap(),
        params["channel"].as_str().unwrap(),
        pairs.map(|pair| pair.as_str().unwrap()).collect(),
    )
}

async fn accept(server: &SocketServer) -> Dialogue {
    let mut dialogue = server.accept().await;
    assert_eq!(dialogue.path, "/v2");
    dialogue.text(STATUS).await;
    let ticker = dialogue.receive().await;
    assert_eq!(
        parts_of(&ticker),
        ("subscribe", "ticker", vec!["ALGO/USD", "BTC/EUR"])
    );
    assert_eq!(ticker["params"]["event_trigger"], "bbo");
    let trade = dialogue.receive().await;
    assert_eq!(
        parts_of(&trade),
        ("subscribe", "trade", vec!["ALGO/USD", "BTC/EUR"])
    );
    assert_eq!(trade["params"]["snapshot"], true);
    assert_ne!(ticker["req_id"], trade["req_id"]);
    dialogue
}

async fn grant(dialogue: &mut Dialogue) {
    for pair in ["ALGO/USD", "BTC/EUR"] {
        for channel in ["ticker", "trade"] {
            dialogue.text(granted(channel, pair)).await;
        }
    }
}

#[tokio::test]
async fn reads_numbers_exactly_and_each_trade_once() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(HEARTBEAT).await;
    dialogue.settled().await;
    assert_eq!(
        stage.statuses.current()[0].state,
        FeedState::Connecting,
        "nothing stands yet"
    );
    grant(&mut dialogue).await;
    stage.reaches(FeedState::Live).await;

    // Of the trades before the subscription, only the last one.
    dialogue
        .text(trades(
            "snapshot",
            &[("ALGO/USD", 8, "0.10010"), ("ALGO/USD", 9, "0.10020")],
        ))
        .await;
    dialogue.text(TICKER.replace("0.10025", "1e999")).await;
    dialogue.text(TICKER.replace("1361.44813783", "-1")).await;
    dialogue.text(TICKER).await;
    dialogue
        .text(trades(
            "update",
            &[("ALGO/USD", 10, "1.0040E-1"), ("ALGO/USD", 11, "0.10050")],
        ))
        .await;
    dialogue
        .text(trades(
            "update",
            &[("ALGO/USD", 11, "0.10050"), ("ADA/USD", 2, "8")],
        ))
        .await;
    dialogue
        .text(r#"{"channel":"instrument","type":"snapshot","data":{}}"#)
        .await;
    dialogue.text(r#"{"method":"pong","req_id":9}"#).await;
    dialogue.text(&TICKER[..TICKER.len() / 2]).await;
    dialogue.settled().await;

    let quote = stage.quote("ALGO-USD").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "0.10050");
    assert_eq!(quote.size.unwrap().to_string(), "6423.46326000");
    assert_eq!(quote.bid_size.unwrap().to_string(), "740.0");
    assert_eq!(quote.ask_size.unwrap().to_string(), "1361.44813783");
    assert_eq!(
        quote.volume.unwrap().to_string(),
        "1009885.91035185",
        "two trades came on top"
    );
    assert_eq!(quote.low.unwrap().to_string(), "0.09979");
    let session = stage.session("ALGO-USD").unwrap();
    assert_eq!(session.name, "Algorand / US Dollar");
    assert_eq!(session.prev_close.unwrap().to_string(), "0.10052");
    let skipped = stage.skipped();
    assert_eq!((skipped.ignored, skipped.wrong, skipped.gaps), (3, 3, 0));
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}

#[tokio::test]
async fn missing_trades_are_counted_and_fetched() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    grant(&mut dialogue).await;
    dialogue
        .text(trades("snapshot", &[("ALGO/USD", 9, "0.10020")]))
        .await;
    dialogue
        .text(trades("update", &[("ALGO/USD", 12, "0.10050")]))
        .await;
    let away = dialogue.receive().await;
    assert_eq!(parts_of(&away), ("unsubscribe", "trade", vec!["ALGO/USD"]));
    let anew = dialogue.receive().await;
    assert_eq!(parts_of(&anew), ("subscribe", "trade", vec!["ALGO/USD"]));
    assert_eq!(stage.skipped().gaps, 1);
    dialogue.text(r#"{"method":"unsubscribe","result":{"channel":"trade","symbol":"ALGO/USD"},"success":true}"#).await;
    dialogue.text(granted("trade", "ALGO/USD")).await;
    let all: Vec<(&str, u64, &str)> = (8..=13).map(|id| ("ALGO/USD", id, "0.10060")).collect();
    dialogue.text(trades("snapshot", &all)).await;
    dialogue.settled().await;
    // 9, 12, then 10, 11 and 13: five trades of the same size.
    let quote = stage.quote("ALGO-USD").unwrap();
    assert_eq!(quote.volume.unwrap().to_string(), "32117.31630000");
    assert_eq!(stage.skipped().gaps, 1);

    // The trades from while there was no connection come with the next one.
    dialogue.cut();
    let mut dialogue = accept(&server).await;
    grant(&mut dialogue).await;
    let all: Vec<(&str, u64, &str)> = (12..=15).map(|id| ("ALGO/USD", id, "0.10070")).collect();
    dialogue.text(trades("snapshot", &all)).await;
    dialogue.settled().await;
    let quote = stage.quote("ALGO-USD").unwrap();
    assert_eq!(quote.volume.unwrap().to_string(), "44964.24282000");
    assert_eq!(stage.skipped().gaps, 1);

    // The source restarts its numbers.
    dialogue.cut();
    let mut dialogue = accept(&server).await;
    grant(&mut dialogue).await;
    dialogue
        .text(trades(
            "snapshot",
            &[("ALGO/USD", 1, "0.2"), ("ALGO/USD", 2, "0.3")],
        ))
        .await;
    dialogue.settled().await;
    assert_eq!(
        stage.quote("ALGO-USD").unwrap().price.unwrap().to_string(),
        "0.3"
    );
    stage.end().await;
}

#[tokio::test]
async fn a_pair_that_is_refused_leaves_the_others() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    for channel in ["ticker", "trade"] {
        dialogue.text(granted(channel, "ALGO/USD")).await;
        dialogue.text(refused("BTC/EUR")).await;
    }
    dialogue.text(TICKER).await;
    dialogue.text(HEARTBEAT).await;
    dialogue.settled().await;
    stage
        .degraded("Kraken refuses BTC-EUR (Currency pair not supported BTC/EUR)")
        .await;
    assert!(stage.quote("ALGO-USD").is_some());
    assert_eq!(stage.session("BTC-EUR"), None);
    dialogue.cut();

    let mut dialogue = accept(&server).await;
    for pair in ["ALGO/USD", "BTC/EUR"] {
        dialogue.text(refused(pair)).await;
    }
    stage
        .reaches_with(FeedState::Failed, "the symbols are to be checked")
        .await;
    stage.end().await;

    for (error, state, words) in [
        ("Malformed request", FeedState::Failed, "Malformed request"),
        ("Exceeded msg rate", FeedState::Degraded, "tries again in 6"),
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        let mut dialogue = accept(&server).await;
        dialogue
            .text(json!({"error": error, "method": "subscribe", "success": false}).to_string())
            .await;
        stage.reaches_with(state, words).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn maintenance_is_told_until_it_is_over() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    grant(&mut dialogue).await;
    stage.reaches(FeedState::Live).await;
    dialogue.text(STATUS.replace("online", "maintenance")).await;
    stage.degraded("maintenance").await;
    dialogue.text(HEARTBEAT).await;
    dialogue.settled().await;
    assert_eq!(stage.statuses.current()[0].state, FeedState::Degraded);
    dialogue.text(STATUS).await;
    dialogue.text(HEARTBEAT).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn asks_in_its_own_way_whether_anybody_is_there() {
    let timeouts = Timeouts {
        silence: Duration::from_millis(600),
        opening: Duration::from_secs(3),
        ..Timeouts::default()
    };
    let (server, stage) = start(timeouts).await;
    let mut dialogue = accept(&server).await;
    // Its pings are answered for as long as it sends them, but the subscription never is.
    let mut pings = 0;
    {
        let degraded = stage.degraded("an answer to the subscription did not come within 3s");
        tokio::pin!(degraded);
        loop {
            tokio::select! {
                biased;
                _ = &mut degraded => break,
                ping = dialogue.receive() => {
                    assert_eq!(ping["method"], "ping");
                    pings += 1;
                    let pong = json!({"method": "pong", "req_id": ping["req_id"]});
                    dialogue.text(pong.to_string()).await;
                }
            }
        }
    }
    assert!(pings > 0);
    let silent = server.accept().await;
    stage.degraded("silence for 600ms").await;
    drop(silent);
    stage.end().await;
}

#[tokio::test]
async fn one_entry_that_is_wrong_leaves_the_others() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    grant(&mut dialogue).await;
    dialogue
        .text(trades("snapshot", &[("ALGO/USD", 100, "0.10020")]))
        .await;
    dialogue
        .text(trades(
            "update",
            &[
                ("ALGO/USD", 101, "0.2"),
                ("ALGO/USD", 102, "0"),
                ("ALGO/USD", 103, "0.3"),
            ],
        ))
        .await;
    dialogue.settled().await;
    let quote = stage.quote("ALGO-USD").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "0.3");
    assert_eq!(quote.low.unwrap().to_string(), "0.10020");
    assert_eq!(quote.volume.unwrap().to_string(), "19270.38978000");
    // The invalid one is no gap: there is nothing to request.
    let skipped = stage.skipped();
    assert_eq!((skipped.wrong, skipped.gaps), (1, 0));

    // A gap is filled with the valid entries.
    dialogue
        .text(trades("update", &[("ALGO/USD", 106, "0.6")]))
        .await;
    assert_eq!(dialogue.receive().await["method"], "unsubscribe");
    assert_eq!(dialogue.receive().await["method"], "subscribe");
    dialogue.text(granted("trade", "ALGO/USD")).await;
    dialogue
        .text(trades(
            "snapshot",
            &[
                ("ALGO/USD", 103, "0.3"),
                ("ALGO/USD", 104, "-1"),
                ("ALGO/USD", 105, "0.5"),
                ("ALGO/USD", 106, "0.6"),
            ],
        ))
        .await;
    dialogue.settled().await;
    let quote = stage.quote("ALGO-USD").unwrap();
    assert_eq!(quote.volume.unwrap().to_string(), "32117.31630000");
    let skipped = stage.skipped();
    assert_eq!((skipped.wrong, skipped.gaps), (2, 1));

    // No valid entry in it.
    dialogue
        .text(trades("update", &[("ALGO/USD", 107, "0")]))
        .await;
    dialogue.settled().await;
    assert_eq!(stage.skipped().wrong, 3);
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}

#[tokio::test]
async fn the_first_version_of_the_api_is_named() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = server.accept().await;
    dialogue
        .text(r#"{"connectionID":8628615390848610000,"event":"systemStatus","status":"online","version":"1.0.0"}"#)
        .await;
    stage
        .reaches_with(
            FeedState::Failed,
            "version 1 of Kraken's API: expected version 2",
        )
        .await;
    stage.end().await;
}
