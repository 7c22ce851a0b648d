use std::time::Duration;

use feeds::{Feed, Timeouts, pairs::Pair, sources::coinbase::Coinbase};
use market::{FeedState, Quality};
use serde_json::{Value, json};

use super::support::socket_server::{Dialogue, SocketServer, Stage};

/// 2023-03-04T03:37:21Z
pub(crate) const NOW: u64 = 1_677_901_041_000;

/// A ticker of this product: its sequence, trade and price, its time in milliseconds after `NOW`.
pub(crate) fn ticker(product: &str, number: u64, price: &str, time: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(NOW as i64 + time).unwrap();
    json!({
        "type": "ticker", "sequence": number, "product_id": product, "price": price,
        "open_24h": "22000.00", "volume_24h": "1000.5", "low_24h": "21900.1", "high_24h": "22500.2",
        "best_bid": "22345.66", "best_bid_size": "0.5", "best_ask": "22345.68", "best_ask_size": "0.25",
        "side": "sell", "time": time.to_string(), "trade_id": number, "last_size": "0.01000000",
    })
    .to_string()
}

fn heartbeat(product: &str, last: u64, time: &str) -> String {
    json!({"type": "heartbeat", "sequence": 90, "last_trade_id": last, "product_id": product, "time": time})
        .to_string()
}

const TIME: &str = "2023-03-04T03:37:21.000000Z";

pub(crate) fn subscriptions(products: &[&str]) -> String {
    json!({"type": "subscriptions", "channels": [
        {"name": "ticker", "product_ids": products, "account_ids": null},
        {"name": "heartbeat", "product_ids": products},
    ]})
    .to_string()
}

pub(crate) fn feed(server: &SocketServer, products: &[&str], timeouts: Timeouts) -> Box<dyn Feed> {
    let pairs = products.iter().map(|name| Pair::read(name).unwrap());
    let url = server.url("/").parse().unwrap();
    Box::new(Coinbase::new(pairs.collect(), url).with_timeouts(timeouts))
}

async fn start(timeouts: Timeouts) -> (SocketServer, Stage) {
    let server = SocketServer::bind().await;
    let stage = Stage::at(NOW, vec![feed(&server, &["BTC-USD", "ETH-USD"], timeouts)]);
    (server, stage)
}

/// Takes the feed's next connection and its request.
async fn accept(server: &SocketServer) -> Dialogue {
    let mut dialogue = server.accept().await;
    assert_eq!(
        dialogue.receive().await,
        request("subscribe", &["BTC-USD", "ETH-USD"])
    );
    dialogue
}

fn request(kind: &str, products: &[&str]) -> Value {
    json!({"type": kind, "product_ids": products, "channels": ["ticker", "heartbeat"]})
}

#[tokio::test]
async fn reads_tickers_exactly_and_each_trade_once() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    stage.reaches(FeedState::Live).await;
    let session = stage.session("BTC-USD").unwrap();
    assert_eq!(session.name, "Bitcoin / US Dollar");
    assert_eq!(
        (session.quality, &*session.source),
        (Quality::Live, "Coinbase")
    );

    dialogue.text(ticker("BTC-USD", 10, "22345.67", -5)).await;
    dialogue.text(ticker("BTC-USD", 11, "22345.70", -4)).await;
    // The same again, an older one, another product, a match of a published trade.
    dialogue.text(ticker("BTC-USD", 11, "1.00", -4)).await;
    dialogue.text(ticker("BTC-USD", 9, "2.00", -6)).await;
    dialogue.text(ticker("SOL-USD", 9, "2.00", -3)).await;
    dialogue
        .text(r#"{"type":"match","trade_id":11,"product_id":"BTC-USD","price":"3.00","size":"1"}"#)
        .await;
    dialogue.text(r#"{"type":"anything new"}"#).await;
    let half = ticker("BTC-USD", 12, "3.00", 0);
    dialogue.text(&half[..half.len() / 2]).await;
    dialogue.text(ticker("BTC-USD", 12, "-3.00", 0)).await;
    dialogue.settled().await;

    let quote = stage.quote("BTC-USD").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "22345.70");
    assert_eq!(quote.size.unwrap().to_string(), "0.01000000");
    assert_eq!(quote.bid_size.unwrap().to_string(), "0.5");
    assert_eq!(quote.volume.unwrap().to_string(), "1000.5");
    assert_eq!(quote.time, NOW, "that of the best prices");
    let close = stage.session("BTC-USD").unwrap().prev_close;
    assert_eq!(close.unwrap().to_string(), "22000.00");
    let skipped = stage.skipped();
    assert_eq!((skipped.ignored, skipped.wrong, skipped.gaps), (5, 2, 0));
    assert_eq!(stage.quote("SOL-USD"), None);

    // The next connection begins with the last trade again. It is in one bar, once.
    dialogue.close(1001, "ErrSlowConsume").await;
    stage.degraded("code 1001: ErrSlowConsume").await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    dialogue.text(ticker("BTC-USD", 11, "22345.70", -4)).await;
    dialogue
        .text(ticker("BTC-USD", 12, "22345.80", 60_000))
        .await;
    dialogue.settled().await;
    let bars = stage.bars();
    assert_eq!(bars.len(), 1, "{bars:?}");
    assert_eq!(
        (bars[0].trades, bars[0].volume.to_string()),
        (2, "0.02000000".to_owned())
    );
    stage.end().await;
}

#[tokio::test]
async fn a_missed_ticker_is_counted_and_asked_for() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    dialogue.text(ticker("BTC-USD", 10, "22345.67", -5)).await;
    dialogue.text(heartbeat("BTC-USD", 10, TIME)).await;
    // A heartbeat may overtake the ticker of its trade.
    dialogue.text(heartbeat("BTC-USD", 11, TIME)).await;
    dialogue.text(ticker("BTC-USD", 11, "22345.68", -4)).await;
    dialogue.text(heartbeat("BTC-USD", 11, TIME)).await;
    dialogue.settled().await;
    assert_eq!(stage.skipped().gaps, 0);

    dialogue.text(heartbeat("BTC-USD", 13, TIME)).await;
    dialogue.settled().await;
    assert_eq!(stage.skipped().gaps, 0);
    dialogue.text(heartbeat("BTC-USD", 13, TIME)).await;
    for kind in ["unsubscribe", "subscribe"] {
        let request = dialogue.receive().await;
        let expected = json!({"type": kind, "product_ids": ["BTC-USD"], "channels": ["ticker"]});
        assert_eq!(request, expected);
    }
    assert_eq!(stage.skipped().gaps, 1);
    // The confirmed subscriptions in between are not all of the requested ones.
    dialogue.text(subscriptions(&["ETH-USD"])).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    dialogue.text(ticker("BTC-USD", 13, "22345.90", -3)).await;
    for _ in 0..3 {
        dialogue.text(heartbeat("BTC-USD", 13, TIME)).await;
    }
    dialogue.settled().await;
    assert_eq!(stage.skipped().gaps, 1);
    assert_eq!(
        stage.quote("BTC-USD").unwrap().price.unwrap().to_string(),
        "22345.90"
    );
    assert_eq!(stage.statuses.current()[0].state, FeedState::Live);
    stage.end().await;
}

#[tokio::test]
async fn a_product_that_is_refused_leaves_the_others() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    let refusal = |product: &str| {
        json!({"type": "error", "message": "Failed to subscribe", "reason": format!("{product} is not a valid product")}).to_string()
    };
    dialogue.text(refusal("BTC-USD")).await;
    assert_eq!(dialogue.receive().await, request("subscribe", &["ETH-USD"]));
    dialogue.text(subscriptions(&["ETH-USD"])).await;
    dialogue.text(ticker("ETH-USD", 5, "1500.10", 0)).await;
    let words = "Coinbase refuses BTC-USD (Failed to subscribe: BTC-USD is not a valid product)";
    let detail = stage.degraded(words).await;
    dialogue.text(heartbeat("ETH-USD", 5, TIME)).await;
    dialogue.settled().await;
    assert_eq!(
        stage.statuses.current()[0].detail,
        Some(detail),
        "it stays so"
    );
    assert!(stage.quote("ETH-USD").is_some());
    assert_eq!(stage.session("BTC-USD"), None);

    // The last one too, on the next connection: that is the end.
    dialogue.cut();
    let mut dialogue = accept(&server).await;
    dialogue.text(refusal("ETH-USD")).await;
    assert_eq!(dialogue.receive().await, request("subscribe", &["BTC-USD"]));
    dialogue.text(refusal("BTC-USD")).await;
    stage
        .reaches_with(FeedState::Failed, "the symbols are to be checked")
        .await;
    dialogue.gone().await;
    stage.end().await;

    // One is left out silently.
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["ETH-USD"])).await;
    stage
        .degraded("refuses BTC-USD (it is not among the subscriptions)")
        .await;
    stage.end().await;
}

#[tokio::test]
async fn other_refusals_are_told_apart() {
    for (message, reason, state, words) in [
        (
            "Failed to subscribe",
            "authentication required",
            FeedState::Failed,
            "authentication required",
        ),
        (
            "rate limit exceeded",
            "",
            FeedState::Degraded,
            "tries again in 6",
        ),
        (
            "something broke",
            "over there",
            FeedState::Degraded,
            "something broke: over there",
        ),
    ] {
        let (server, stage) = start(Timeouts::default()).await;
        let mut dialogue = accept(&server).await;
        dialogue
            .text(json!({"type": "error", "message": message, "reason": reason}).to_string())
            .await;
        stage.reaches_with(state, words).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_left() {
    let timeouts = Timeouts {
        opening: Duration::from_millis(200),
        ..Timeouts::default()
    };
    let (server, stage) = start(timeouts).await;
    let mut slow = accept(&server).await;
    // It sends data, but not the requested ones.
    slow.text(r#"{"type":"welcome"}"#).await;
    stage
        .degraded("an answer to the subscription did not come within 200ms")
        .await;
    slow.gone().await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn a_heartbeat_tells_of_a_wrong_clock() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    dialogue
        .text(heartbeat("BTC-USD", 0, "2023-03-03T03:37:21.000000Z"))
        .await;
    stage.degraded("86400 seconds behind ours").await;
    dialogue
        .text(ticker("BTC-USD", 10, "22345.67", -86_400_000))
        .await;
    dialogue.settled().await;
    assert_eq!(stage.quote("BTC-USD").unwrap().time, NOW);
    dialogue.text(heartbeat("BTC-USD", 0, TIME)).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

/// As the source sends it right after a product is listed.
#[tokio::test]
async fn a_product_that_was_never_traded_has_no_reference_and_no_price() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    let new = ticker("BTC-USD", 1, "0", -5)
        .replace("22000.00", "0")
        .replace("\"1000.5\"", "\"0\"");
    let (before, after) = new.split_once("\"trade_id\":").unwrap();
    let (_, after) = after.split_once(',').unwrap();
    dialogue.text(format!("{before}{after}")).await;
    dialogue.settled().await;
    let quote = stage.quote("BTC-USD").unwrap();
    assert!(quote.price.is_none() && quote.ask.is_some(), "{quote:?}");
    assert_eq!(quote.volume.unwrap().to_string(), "0");
    let session = stage.session("BTC-USD").unwrap();
    assert_eq!((session.open, session.prev_close), (None, None));
    assert_eq!(stage.skipped().wrong, 0);
    stage.reaches(FeedState::Live).await;

    // A side that is empty costs no trade.
    let traded = ticker("BTC-USD", 2, "0.5", -4);
    let at = traded.find("\"best_bid\":\"").unwrap() + "\"best_bid\":\"".len();
    let end = at + traded[at..].find('"').unwrap();
    let traded = format!("{}{}", &traded[..at], &traded[end..]);
    dialogue.text(traded).await;
    dialogue.settled().await;
    let quote = stage.quote("BTC-USD").unwrap();
    assert_eq!(quote.price.unwrap().to_string(), "0.5");
    assert_eq!((quote.bid, stage.skipped().wrong), (None, 0));
    stage.end().await;
}

#[tokio::test]
async fn trades_that_are_late_are_told_although_the_heartbeat_is_timely() {
    let (server, stage) = start(Timeouts::default()).await;
    let mut dialogue = accept(&server).await;
    dialogue.text(subscriptions(&["BTC-USD", "ETH-USD"])).await;
    // The first one has its last trade, however old.
    dialogue.text(ticker("BTC-USD", 1, "5", -2_400_000)).await;
    dialogue.text(heartbeat("BTC-USD", 1, TIME)).await;
    dialogue.settled().await;
    stage.reaches(FeedState::Live).await;
    dialogue.text(ticker("BTC-USD", 2, "6", -2_399_000)).await;
    stage.degraded("2399 seconds behind ours").await;
    dialogue.text(heartbeat("BTC-USD", 2, TIME)).await;
    dialogue.settled().await;
    assert_eq!(stage.statuses.current()[0].state, FeedState::Degraded);
    dialogue.text(ticker("BTC-USD", 3, "7", -1)).await;
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}
