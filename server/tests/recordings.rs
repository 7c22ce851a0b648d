//! The feeds against real recordings. A naive pass over the same file computes the expected result.

mod support;

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use events::{Tape, Topic};
use feeds::{
    Backoff, Feed, FeedContext, FeedSpec, Skipped, Supervisor, Timeouts,
    pairs::Pair,
    sources::{binance::Binance, coinbase::Coinbase},
};
use flate2::read::MultiGzDecoder;
use market::{Event, FeedState, Price, Quote, Size};
use serde_json::Value;
use support::socket_server::{SocketServer, Stage};
use tokio_util::sync::CancellationToken;

/// The recording of that name, or `None` where recordings are not at hand.
fn recording(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TICKERTAPE_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(name);
    if file.exists() {
        return Some(file);
    }
    println!(
        "skipped: {} is not there; TICKERTAPE_RECORDINGS names the folder",
        file.display()
    );
    None
}

fn text(file: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(file).unwrap();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

struct Played {
    /// The final quotes, by symbol.
    quotes: BTreeMap<String, Quote>,
    bars: Vec<market::Bar>,
    appended: u64,
    skipped: Skipped,
}

async fn play(file: &Path) -> Played {
    let limits = tape::Limits {
        entries: 100_000,
        bytes: 1 << 30,
        topic_bytes: 0,
        age_ms: u64::MAX,
    };
    let tape = Tape::new(1, 0, limits);
    let spec: FeedSpec = format!("replay:{}?speed=max", file.display())
        .parse()
        .unwrap();
    let supervisor = Supervisor::start(
        spec.build(1).into_iter().collect(),
        &FeedContext::new(tape.clone(), Arc::new(|| 2_u64)),
        Backoff::default(),
        &CancellationToken::new(),
    );
    let statuses = supervisor.statuses();
    supervisor.join().await;
    let status = statuses.current().remove(0);
    assert_eq!(status.state, FeedState::Ended, "{status:?}");
    let (quotes, bars) = tape.view(|view| {
        let quotes = view
            .conflated(&Topic::Symbols)
            .filter_map(|(_, entry)| match &*entry.event {
                Event::Quote(quote) => Some((quote.symbol.to_string(), quote.clone())),
                _ => None,
            });
        let bars = view
            .retained(&Topic::Symbols)
            .filter_map(|(_, entry)| match &*entry.event {
                Event::Bar(bar) => Some(bar.clone()),
                _ => None,
            });
        (quotes.collect(), bars.collect())
    });
    Played {
        quotes,
        bars,
        appended: tape.stats().appended,
        skipped: statuses.skipped()[0],
    }
}

fn price(value: &Value) -> Option<Price> {
    Some(value.as_str()?.parse().unwrap())
}

fn size(value: &Value) -> Option<Size> {
    Some(value.as_str()?.parse().unwrap())
}

#[tokio::test]
async fn binance_ends_with_the_last_prices_of_its_recording() {
    let Some(file) = recording("binance-btcusdt-20240808.jsonl.gz") else {
        return;
    };
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut book, mut last) = (Value::Null, Value::Null);
    let (mut volume, mut high, mut low) = (Size::ZERO, None, None);
    let mut minutes: BTreeMap<u64, (u64, Size)> = BTreeMap::new();
    for line in text(&file).lines() {
        let (_, json) = line.split_once(' ').unwrap();
        let mut frame: Value = serde_json::from_str(json).unwrap();
        let data = frame["data"].take();
        match frame["stream"].as_str() {
            Some("btcusdt@bookTicker") => {
                *counts.entry("book").or_default() += 1;
                book = data;
            }
            Some("btcusdt@trade") => {
                *counts.entry("trade").or_default() += 1;
                let at = price(&data["p"]);
                high = high.max(at);
                low = if low.is_none() { at } else { low.min(at) };
                let of = size(&data["q"]).unwrap();
                volume = volume.checked_add(of).unwrap();
                let minute = minutes
                    .entry(data["T"].as_u64().unwrap() / 60_000)
                    .or_insert((0, Size::ZERO));
                *minute = (minute.0 + 1, minute.1.checked_add(of).unwrap());
                last = data;
            }
            Some("btcusdt@depth@100ms") => *counts.entry("depth").or_default() += 1,
            _ => *counts.entry("other").or_default() += 1,
        }
    }
    assert_eq!(
        (counts["book"], counts["trade"], counts["depth"]),
        (28_040, 9_757, 3_451)
    );

    let played = play(&file).await;
    let quote = &played.quotes["BTCUSDT"];
    assert_eq!(
        (quote.bid, quote.bid_size),
        (price(&book["b"]), size(&book["B"]))
    );
    assert_eq!(
        (quote.ask, quote.ask_size),
        (price(&book["a"]), size(&book["A"]))
    );
    assert_eq!(
        (quote.price, quote.size),
        (price(&last["p"]), size(&last["q"]))
    );
    assert_eq!(
        quote.bid.unwrap().to_string(),
        book["b"].as_str().unwrap(),
        "with its digits"
    );
    assert_eq!(
        (quote.volume, quote.high, quote.low),
        (Some(volume), high, low)
    );
    let expected = Skipped {
        ignored: counts["depth"] + counts["other"],
        ..Skipped::default()
    };
    assert_eq!(played.skipped, expected);
    let bars: BTreeMap<u64, (u64, Size)> = played
        .bars
        .iter()
        .map(|bar| (bar.start / 60_000, (bar.trades, bar.volume)))
        .collect();
    assert_eq!(bars, minutes);
    // A quote for each frame, the bars, and one session.
    assert_eq!(
        played.appended,
        counts["book"] + counts["trade"] + played.bars.len() as u64 + 1
    );
}

#[tokio::test]
async fn coinbase_ends_with_the_last_price_of_each_product() {
    let Some(file) = recording("coinbase-20210417.ws.gz") else {
        return;
    };
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let (mut tickers, mut others) = (0, 0);
    for line in text(&file)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("wss://"))
    {
        let (_, json) = line.split_once(": ").unwrap();
        let frame: Value = serde_json::from_str(json).unwrap();
        if frame["type"] == "ticker" {
            tickers += 1;
            let product = frame["product_id"].as_str().unwrap().to_owned();
            last.insert(product, frame);
        } else {
            others += 1;
        }
    }
    assert_eq!((tickers, last.len()), (107, 10));

    let played = play(&file).await;
    assert_eq!(played.quotes.len(), 10);
    for (product, ticker) in &last {
        let quote = &played.quotes[product];
        assert_eq!(
            (quote.price, quote.size),
            (price(&ticker["price"]), size(&ticker["last_size"]))
        );
        assert_eq!(
            (quote.bid, quote.ask),
            (price(&ticker["best_bid"]), price(&ticker["best_ask"]))
        );
        assert_eq!((quote.bid_size, quote.ask_size), (None, None));
        assert_eq!(quote.volume, size(&ticker["volume_24h"]));
        assert_eq!(
            (quote.high, quote.low),
            (price(&ticker["high_24h"]), price(&ticker["low_24h"]))
        );
    }
    let skipped = Skipped {
        ignored: others,
        late: played.skipped.late,
        ..Skipped::default()
    };
    assert_eq!(played.skipped, skipped);
    let in_bars: u64 = played.bars.iter().map(|bar| bar.trades).sum();
    assert_eq!(in_bars + played.skipped.late, tickers);
    println!(
        "{} bars, {} late trades",
        played.bars.len(),
        played.skipped.late
    );
}

/// Plays the frames of a recording to a feed over a WebSocket, and compares the result with that of `replay:` for the
/// same file.
async fn lives_up_to(
    file: &Path,
    now: u64,
    frames: impl Iterator<Item = &str>,
    feed: impl FnOnce(String) -> Box<dyn Feed>,
) {
    let server = SocketServer::bind().await;
    let stage = Stage::at(now, vec![feed(server.url("/stream"))]);
    let mut dialogue = server.accept().await;
    for frame in frames {
        dialogue.text(frame).await;
    }
    dialogue.settled().await;

    let played = play(file).await;
    assert!(!played.quotes.is_empty());
    for (symbol, quote) in &played.quotes {
        let mut live = stage.quote(symbol).unwrap();
        // If the source gives no time, it is that of receipt.
        assert!(live.time >= quote.time);
        live.time = quote.time;
        assert_eq!(live, *quote);
    }
    // A recording ends, and its open bars with it; a source continues.
    let bars = stage.bars();
    assert!(!bars.is_empty());
    let played_bars: Vec<market::Bar> = played.bars.iter().rev().cloned().collect();
    let (closed, open) = played_bars.split_at(bars.len());
    assert_eq!(bars, closed);
    assert!(open.len() <= played.quotes.len(), "{open:?}");
    // A recording skips answers to subscriptions too.
    let skipped = Skipped {
        ignored: played.skipped.ignored,
        ..stage.skipped()
    };
    assert_eq!(skipped, played.skipped);
    assert_eq!(stage.reaches(FeedState::Live).await.detail, None);
    stage.end().await;
}

#[tokio::test]
async fn binance_live_is_as_its_recording() {
    let Some(file) = recording("binance-btcusdt-20240808.jsonl.gz") else {
        return;
    };
    let text = text(&file);
    let (received, _) = text.lines().last().unwrap().split_once(' ').unwrap();
    let now = received.parse::<u64>().unwrap() / 1_000_000;
    let frames = text.lines().map(|line| line.split_once(' ').unwrap().1);
    lives_up_to(&file, now, frames, |url| {
        let symbols = vec!["BTCUSDT".parse().unwrap()];
        Box::new(Binance::new(symbols, url.parse().unwrap()))
    })
    .await;
}

#[tokio::test]
async fn coinbase_live_is_as_its_recording() {
    let Some(file) = recording("coinbase-20210417.ws.gz") else {
        return;
    };
    let text = text(&file);
    let lines = || {
        text.lines()
            .filter(|line| !line.is_empty() && !line.starts_with("wss://"))
            .map(|line| line.split_once(": ").unwrap())
    };
    let (received, _) = lines().next_back().unwrap();
    let (seconds, _) = received.split_once('.').unwrap();
    let now = seconds.parse::<u64>().unwrap() * 1_000 + 999;
    let products = [
        "SKL-USD", "SKL-BTC", "BAND-GBP", "NMR-EUR", "BAND-BTC", "YFI-BTC", "DASH-BTC", "NU-GBP",
        "CRV-EUR", "SKL-GBP",
    ];
    let pairs = products.map(|name| Pair::read(name).unwrap()).to_vec();
    lives_up_to(&file, now, lines().map(|(_, frame)| frame), |url| {
        let feed = Coinbase::new(pairs, url.parse().unwrap());
        Box::new(feed.with_timeouts(Timeouts::default()))
    })
    .await;
}
