//! Two sources of one symbol, as a reader of the stream sees them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use feeds::Timeouts;
use market::{Bar, Event};
use serde_json::Value;

use super::{
    coinbase, kraken,
    support::{
        Server, Stream,
        socket_server::{Dialogue, SocketServer, Stage},
    },
};

/// Coinbase before Kraken, both with a connection, and a reader of the results.
struct Two {
    clock: Arc<AtomicU64>,
    first: SocketServer,
    second: SocketServer,
    stage: Stage,
    server: Server,
}

const PRODUCT: &[&str] = &["BTC-USD"];

impl Two {
    async fn start() -> Self {
        // The times of the frames are after that of Coinbase's tests, whose minute begins here.
        let clock = Arc::new(AtomicU64::new(minute(0)));
        let (first, second) = (SocketServer::bind().await, SocketServer::bind().await);
        let feeds = vec![
            coinbase::feed(&first, PRODUCT, Timeouts::default()),
            kraken::feed(&second, PRODUCT, Timeouts::default()),
        ];
        let read = Arc::clone(&clock);
        let stage = Stage::new(Arc::new(move || read.load(Ordering::SeqCst)), feeds);
        let tape = stage.tape.clone();
        let statuses = stage.statuses.clone();
        let server = Server::set(|service| {
            service.tape = tape;
            service.feeds = Arc::new(move || statuses.current());
        });
        Two {
            clock,
            first,
            second,
            stage,
            server,
        }
    }

    async fn coinbase(&self) -> Dialogue {
        let mut dialogue = self.first.accept().await;
        dialogue.receive().await;
        dialogue.text(coinbase::subscriptions(PRODUCT)).await;
        dialogue
    }

    async fn kraken(&self) -> Dialogue {
        let mut dialogue = self.second.accept().await;
        for channel in ["ticker", "trade"] {
            dialogue.receive().await;
            dialogue.text(kraken::granted(channel, "BTC/USD")).await;
        }
        dialogue.text(kraken::trades("snapshot", &[])).await;
        dialogue
    }

    fn at(&self, time: u64) {
        self.clock.store(time, Ordering::SeqCst);
    }
}

/// The beginning of a minute, counted from one in which the tests begin.
fn minute(number: u64) -> u64 {
    coinbase::NOW - coinbase::NOW % Bar::INTERVAL + number * Bar::INTERVAL
}

/// A trade of Coinbase.
fn ticker(id: u64, price: &str, time: u64) -> String {
    coinbase::ticker("BTC-USD", id, price, time as i64 - coinbase::NOW as i64)
}

/// A trade of Kraken.
fn trade(id: u64, price: &str, time: u64) -> String {
    let time = jiff::Timestamp::from_millisecond(time as i64).unwrap();
    let frame = kraken::trades("update", &[("BTC/USD", id, price)]);
    let mut frame: Value = serde_json::from_str(&frame).unwrap();
    frame["data"][0]["timestamp"] = time.to_string().into();
    frame.to_string()
}

/// The next event, in short.
async fn next(stream: &mut Stream) -> String {
    match stream.event().await.1 {
        Event::Quote(quote) => format!("quote {}", quote.price.unwrap()),
        Event::Session(session) => format!("session {}", session.source),
        Event::Bar(bar) => format!(
            "bar {} of {} trades",
            (bar.start - minute(0)) / Bar::INTERVAL,
            bar.trades
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_source_with_a_wrong_clock_gives_way_to_one_with_a_right_one() {
    let two = Two::start().await;
    let mut coinbase = two.coinbase().await;
    let mut kraken = two.kraken().await;
    two.at(minute(0) + 10_000);
    coinbase.text(ticker(1, "100.0", minute(0) + 9_000)).await;
    coinbase.settled().await;
    kraken.text(trade(1, "200.0", minute(0) + 9_000)).await;
    kraken.settled().await;
    let mut stream = two.server.stream("/stocks/BTC-USD", &[]).await;
    let snapshot = stream.snapshot().await.1;
    assert_eq!(snapshot.sessions[0].source, "Coinbase");

    // Two minutes ahead. Its data is not published from then on.
    coinbase.text(ticker(2, "101.0", minute(2) + 10_000)).await;
    coinbase.text(ticker(3, "101.5", minute(2) + 10_000)).await;
    coinbase.settled().await;
    two.stage.degraded("120 seconds ahead").await;
    two.at(minute(0) + 11_000);
    kraken.text(trade(2, "201.0", minute(0) + 11_000)).await;
    while next(&mut stream).await != "session Kraken" {}
    while next(&mut stream).await != "quote 201.0" {}
    coinbase.text(ticker(4, "102.0", minute(2) + 11_000)).await;
    coinbase.settled().await;
    kraken.text(trade(3, "202.0", minute(0) + 11_001)).await;
    assert_eq!(next(&mut stream).await, "quote 202.0");

    // It is right again.
    two.at(minute(0) + 12_000);
    coinbase.text(ticker(5, "103.0", minute(0) + 12_000)).await;
    coinbase.text(ticker(6, "104.0", minute(0) + 12_000)).await;
    assert_eq!(next(&mut stream).await, "session Coinbase");
    while next(&mut stream).await != "quote 104.0" {}
}

#[tokio::test]
async fn the_stream_says_who_speaks_and_every_bar_comes_once() {
    let two = Two::start().await;
    let mut coinbase = two.coinbase().await;
    let mut kraken = two.kraken().await;
    coinbase.text(ticker(1, "100.0", minute(0) + 1)).await;
    coinbase.settled().await;
    kraken.text(trade(1, "200.0", minute(0) + 2)).await;
    kraken.settled().await;
    let mut stream = two.server.stream("/stocks/BTC-USD", &[]).await;
    let snapshot = stream.snapshot().await.1;
    assert_eq!(snapshot.sessions[0].source, "Coinbase");
    assert_eq!(snapshot.quotes[0].price.unwrap().to_string(), "100.0");

    // The first one breaks off: the second one is primary, with its newest quote.
    two.at(minute(0) + 28_000);
    coinbase.cut();
    assert_eq!(next(&mut stream).await, "session Kraken");
    assert_eq!(next(&mut stream).await, "quote 200.0");
    kraken.text(trade(2, "201.0", minute(0) + 30_000)).await;
    assert_eq!(next(&mut stream).await, "quote 201.0");

    // It is back, and primary again as soon as it has data. Quotes older than the published ones are held back.
    let mut coinbase = two.coinbase().await;
    coinbase.text(ticker(2, "101.0", minute(0) + 29_000)).await;
    assert_eq!(next(&mut stream).await, "session Coinbase");
    two.at(minute(0) + 50_000);
    coinbase.text(ticker(3, "102.0", minute(0) + 50_000)).await;
    assert_eq!(next(&mut stream).await, "quote 102.0");
    assert_eq!(two.stage.statuses.skipped()[0].held, 1);

    // It was not there for all of the minute. Kraken was: its bar is published, once.
    two.at(minute(1) + 1_000);
    coinbase.text(ticker(4, "103.0", minute(1) + 1_000)).await;
    assert_eq!(next(&mut stream).await, "quote 103.0");
    kraken.text(trade(3, "203.0", minute(1) + 1_001)).await;
    assert_eq!(next(&mut stream).await, "bar 0 of 2 trades");

    // It falls silent; its connection stands. Kraken receives heartbeats and publishes nothing either.
    let silent = coinbase;
    let since = tokio::time::Instant::now();
    let beating = async {
        loop {
            kraken.text(r#"{"channel":"heartbeat"}"#).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let event = tokio::select! {
        event = next(&mut stream) => event,
        () = beating => unreachable!("it beats for ever"),
    };
    assert_eq!(event, "session Kraken");
    let after = since.elapsed();
    assert!(after < Duration::from_secs(20), "{after:?}");
    assert_eq!(next(&mut stream).await, "quote 203.0");

    // The minute that both began is published by the primary at its end.
    two.at(minute(2) + 1_000);
    kraken.text(trade(4, "204.0", minute(2) + 1_000)).await;
    assert_eq!(next(&mut stream).await, "bar 1 of 1 trades");
    assert_eq!(next(&mut stream).await, "quote 204.0");
    let mut coinbase = silent;
    coinbase.text(ticker(5, "105.0", minute(2) + 2_000)).await;
    assert_eq!(next(&mut stream).await, "session Coinbase");
    assert_eq!(next(&mut stream).await, "quote 105.0");
    let bars: Vec<u64> = two.stage.bars().iter().map(|bar| bar.start).collect();
    assert_eq!(bars, [minute(0), minute(1)]);
    two.stage.end().await;
}

#[tokio::test]
async fn a_source_that_is_not_well_gives_way() {
    let two = Two::start().await;
    // Only the second one answers; the first is not waited for.
    let mut kraken = two.kraken().await;
    kraken.text(trade(1, "200.0", minute(0) + 2)).await;
    kraken.settled().await;
    let mut stream = two.server.stream("/stocks/BTC-USD", &[]).await;
    let snapshot = stream.snapshot().await.1;
    assert_eq!(snapshot.sessions[0].source, "Kraken");
    let mut coinbase = two.coinbase().await;
    coinbase.text(ticker(1, "100.0", minute(0) + 3)).await;
    assert_eq!(next(&mut stream).await, "session Coinbase");
    assert_eq!(next(&mut stream).await, "quote 100.0");
    // Maintenance of the standby changes nothing; then the other one breaks, and a degraded feed is primary rather than
    // none.
    let status = r#"{"channel":"status","type":"update","data":[{"system":"maintenance"}]}"#;
    kraken.text(status).await;
    kraken.text(trade(2, "201.0", minute(0) + 4)).await;
    kraken.settled().await;
    coinbase.text(ticker(2, "101.0", minute(0) + 5)).await;
    assert_eq!(next(&mut stream).await, "quote 101.0");
    coinbase.close(1011, "").await;
    assert_eq!(next(&mut stream).await, "session Kraken");
    kraken.text(trade(3, "202.0", minute(0) + 6)).await;
    assert_eq!(next(&mut stream).await, "quote 202.0");
    two.stage.end().await;
}
