//! The feed of JSON against a server that plays documents, valid and invalid.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use feeds::{
    FeedSpec,
    fetch::Timeouts,
    sources::json::{Json, Options},
};
use market::{Event, FeedState, Quality, Quote, Session};
use support::{
    script::{Reply, Script, ok, status},
    stage::Stage,
};

const NOW: u64 = 1_795_240_800_000;

/// A second of the day before.
const SECOND: u64 = 1_795_200_000;

fn options(script: &Script, more: &str) -> Options {
    let table = format!("url = {:?}\n{more}", script.url("/v1/prices?key=secret"));
    let spec = FeedSpec::from_table("json", table.parse().unwrap());
    let FeedSpec::Json(mut options) = spec.unwrap() else {
        panic!("{table}");
    };
    options.interval = Duration::from_millis(5);
    *options
}

fn start(options: Options) -> Stage {
    let feed = Json::new(options).with_timeouts(Timeouts {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(3),
        answer: Duration::from_secs(10),
    });
    Stage::at(Arc::new(|| NOW), feed)
}

async fn quotes(stage: &mut Stage, least: usize) -> Vec<Quote> {
    let mut quotes = Vec::new();
    while quotes.len() < least {
        let events = stage.next_events().await.into_iter();
        quotes.extend(events.filter_map(|event| match event {
            Event::Quote(quote) => Some(quote),
            _ => None,
        }));
    }
    quotes
}

async fn sessions(stage: &mut Stage) -> Vec<Session> {
    let events = stage.next_events().await.into_iter();
    events
        .filter_map(|event| match event {
            Event::Session(session) => Some(session),
            _ => None,
        })
        .collect()
}

fn price(quote: &Quote) -> String {
    quote.price.unwrap().to_string()
}

#[tokio::test]
async fn only_what_changes_is_told() {
    let row = |last: &str, bid: &str, time: u64| {
        ok(format!(
            r#"{{"result":[{{"pair":"BTC/USD","last":{last},"bid":"{bid}","volume":"12.50","time":{time}}},{{"pair":"ETH/USD","last":1}}]}}"#
        ))
    };
    let plays = Arc::new(Mutex::new(row("61837.63000000", "61837.60", SECOND + 1)));
    let playing = Arc::clone(&plays);
    let script = Script::new(move |_| playing.lock().unwrap().clone()).await;
    let mut stage = start(options(
        &script,
        "items = '/result'\nsymbol = '/pair'\nprice = '/last'\ntime_unit = 's'\ncurrency = 'USD'\nvenue = 'Test'\nquality = 'delayed'\nfeed_name = 'Rates'",
    ));
    let first = quotes(&mut stage, 2).await;
    let btc = stage.quote("BTC-USD").unwrap();
    assert_eq!(price(&btc), "61837.63000000");
    assert_eq!(btc.bid.unwrap().to_string(), "61837.60");
    assert_eq!(
        (btc.ask, btc.volume.unwrap().to_string()),
        (None, "12.50".to_owned())
    );
    assert_eq!(
        (btc.time, stage.quote("ETH-USD").unwrap().time),
        ((SECOND + 1) * 1_000, NOW)
    );
    assert_eq!(first.len(), 2);
    stage.reaches(FeedState::Live).await;

    // Repeated, and repeated at another time.
    let requests = script.requests().len();
    script.wait_for_requests(requests + 3).await;
    *plays.lock().unwrap() = row("61837.63000000", "61837.60", SECOND + 2);
    let requests = script.requests().len();
    script.wait_for_requests(requests + 3).await;
    assert_eq!(stage.events(), []);
    assert!(stage.skipped().ignored >= 8);

    // A best price moves no last price, and nothing but BTC has changed.
    *plays.lock().unwrap() = row("61837.63000000", "61837.61", SECOND + 3);
    let changed = quotes(&mut stage, 1).await;
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].symbol.as_str(), changed[0].time),
        ("BTC-USD", (SECOND + 3) * 1_000)
    );
    assert_eq!(changed[0].bid.unwrap().to_string(), "61837.61");
    *plays.lock().unwrap() = row("61837.64", "61837.61", SECOND + 4);
    assert_eq!(price(&quotes(&mut stage, 1).await[0]), "61837.64");
    stage.end().await;
}

#[tokio::test]
async fn of_two_rows_of_one_symbol_the_first_counts() {
    let document = |price: u32| {
        ok(format!(
            r#"[{{"symbol":"AAPL","price":{price}}},{{"symbol":"AAPL","price":6}},{{"symbol":"aapl","price":7}}]"#
        ))
    };
    let plays = Arc::new(Mutex::new(document(5)));
    let playing = Arc::clone(&plays);
    let script = Script::new(move |_| playing.lock().unwrap().clone()).await;
    let mut stage = start(options(&script, ""));
    assert_eq!(price(&quotes(&mut stage, 1).await[0]), "5");
    let requests = script.requests().len();
    script.wait_for_requests(requests + 3).await;
    assert_eq!(stage.events(), [], "nothing has changed");
    let skipped = stage.skipped();
    assert!(skipped.wrong >= 6, "{skipped:?}");
    stage.reaches(FeedState::Live).await;

    *plays.lock().unwrap() = document(8);
    let changed = quotes(&mut stage, 1).await;
    assert_eq!((changed.len(), price(&changed[0])), (1, "8".to_owned()));

    // The second one is about something else, even while the first one is invalid.
    *plays.lock().unwrap() = ok(
        r#"[{"symbol":"AAPL","price":"n/a"},{"symbol":"AAPL","price":6},{"symbol":"MSFT","price":1}]"#,
    );
    let changed = quotes(&mut stage, 1).await;
    assert_eq!(changed[0].symbol.as_str(), "MSFT");
    assert_eq!(price(&stage.quote("AAPL").unwrap()), "8");
    stage.end().await;
}

#[tokio::test]
async fn figures_that_change_and_are_old_are_those_of_a_late_source() {
    let late = NOW - 40 * 60_000;
    let document =
        |price: u32, time: u64| ok(format!(r#"{{"symbol":"A","price":{price},"time":{time}}}"#));
    let plays = Arc::new(Mutex::new(document(5, late)));
    let playing = Arc::clone(&plays);
    let script = Script::new(move |_| playing.lock().unwrap().clone()).await;
    let mut stage = start(options(&script, ""));
    // The last price may be of yesterday, as long as it stays.
    quotes(&mut stage, 1).await;
    stage.reaches(FeedState::Live).await;
    *plays.lock().unwrap() = document(6, late + 1_000);
    let changed = quotes(&mut stage, 1).await;
    assert_eq!((price(&changed[0]), changed[0].time), ("6".to_owned(), NOW));
    stage
        .reaches_with(FeedState::Degraded, "2399 seconds old")
        .await;
    *plays.lock().unwrap() = document(7, NOW - 1_000);
    stage.reaches(FeedState::Live).await;
    stage.end().await;
}

#[tokio::test]
async fn it_says_what_it_is() {
    let document = r#"{"GOOG":{"price":"597.30","name":"Alphabet\u202e Inc.","open":590,"prev_close":"580.10"}}"#;
    let script = Script::of([ok(document)]).await;
    let mut stage = start(options(
        &script,
        "keyed = true\nquality = 'delayed'\ncurrency = 'USD'\nvenue = 'Nasdaq'",
    ));
    let session = sessions(&mut stage).await.remove(0);
    assert_eq!(session.name, "Alphabet Inc.");
    assert_eq!(session.currency.as_deref(), Some("USD"));
    assert_eq!(session.venue.as_deref(), Some("Nasdaq"));
    assert_eq!(
        (session.source.as_str(), session.quality),
        ("JSON of 127.0.0.1", Quality::Delayed)
    );
    assert_eq!(session.open.unwrap().to_string(), "590");
    assert_eq!(session.prev_close.unwrap().to_string(), "580.10");
    stage.end().await;
}

#[tokio::test]
async fn it_asks_with_its_headers_and_for_what_is_new() {
    let answer = ok(r#"{"price":1}"#).with("etag", "\"1\"");
    let script = Script::of([answer, status(304)]).await;
    let file = std::env::temp_dir().join(format!("tickertape-json-{}", std::process::id()));
    std::fs::write(&file, "hunter2\n").unwrap();
    let more = format!(
        "symbol = 'GOOG'\nuser_agent = 'me'\nheaders = {{ accept = 'application/json', x-key = {{ file = {:?} }} }}",
        file.display().to_string()
    );
    let mut stage = start(options(&script, &more));
    quotes(&mut stage, 1).await;
    let requests = script.wait_for_requests(3).await;
    assert_eq!(requests[0].header("x-key"), "hunter2");
    assert_eq!(requests[0].header("accept"), "application/json");
    assert_eq!(requests[0].header("user-agent"), "me");
    assert_eq!(requests[0].target, "/v1/prices?key=secret");
    assert_eq!(
        (
            requests[0].header("if-none-match"),
            requests[1].header("if-none-match")
        ),
        ("", "\"1\"")
    );
    stage.reaches(FeedState::Live).await;
    stage.end().await;

    std::fs::remove_file(&file).unwrap();
    let stage = start(options(&script, &more));
    let status = stage.reaches(FeedState::Failed).await;
    let detail = status.detail.unwrap();
    assert!(detail.contains("the header x-key: the file"), "{detail}");
    stage.end().await;
}

#[tokio::test]
async fn a_source_is_asked_as_seldom_as_it_likes() {
    for (reply, state) in [
        (
            ok(r#"{"price":1}"#).with("cache-control", "max-age=3600"),
            FeedState::Live,
        ),
        (status(429).with("retry-after", "3600"), FeedState::Degraded),
        (status(401), FeedState::Failed),
        (
            status(301).with("location", "https://b.example/?key=secret"),
            FeedState::Failed,
        ),
    ] {
        let script = Script::of([reply, status(500)]).await;
        let stage = start(options(&script, "symbol = 'GOOG'"));
        let status = stage.reaches(state).await;
        let detail = status.detail.unwrap_or_default();
        assert!(!detail.contains("secret"), "{detail}");
        // Time enough for a second request, if there was one.
        let waited =
            tokio::time::timeout(Duration::from_millis(200), stage.reaches_with(state, "500"));
        assert!(waited.await.is_err());
        assert_eq!(script.requests().len(), 1);
        stage.end().await;
    }
}

#[tokio::test]
async fn rows_that_are_none_are_counted_and_the_rest_is_told() {
    let document = r#"[{"symbol":"A","price":1},{"symbol":"B"},{"price":2},{"symbol":"C","price":"x"},null,
        {"symbol":"D","price":4,"time":99999999999999},{"symbol":"A","price":1}]"#;
    let script = Script::of([ok(document)]).await;
    let mut stage = start(options(&script, ""));
    let changed = quotes(&mut stage, 2).await;
    let quotes: Vec<_> = changed
        .iter()
        .map(|quote| (quote.symbol.as_str().to_owned(), quote.time))
        .collect();
    assert_eq!(quotes, [("A".to_owned(), NOW), ("D".to_owned(), NOW)]);
    stage.reaches(FeedState::Live).await;
    assert!(stage.skipped().wrong >= 5);
    stage.end().await;
}

#[tokio::test]
async fn whatever_comes_it_says_so_and_goes_on() {
    let deep = "[".repeat(1_000_000);
    for (fault, words) in [
        (ok("{\"symbol\":\"GO"), "no JSON"),
        (ok(b"\0\x01\xff\xfe"), "no JSON"),
        (ok("<html>"), "no JSON"),
        (ok(deep), "no JSON"),
        (ok("{}"), "no symbol at /symbol"),
        (ok("[{\"symbol\":\"GOOG\"}]"), "GOOG has no price"),
        (ok("5"), "no row of prices"),
        (Reply::Silence, "nothing came for"),
        (Reply::Stall(b"{\"symbol\"".to_vec()), "nothing came for"),
        (Reply::Bytes(b"garbage".to_vec()), "no whole answer"),
        (status(503), "answers 503"),
    ] {
        let now = Arc::new(Mutex::new(fault));
        let plays = Arc::clone(&now);
        let script = Script::new(move |_| plays.lock().unwrap().clone()).await;
        let mut stage = start(options(&script, ""));
        let status = stage.reaches_with(FeedState::Degraded, words).await;
        assert!(!status.detail.unwrap().contains("secret"));
        *now.lock().unwrap() = ok(r#"{"symbol":"GOOG","price":"1.0"}"#);
        assert_eq!(price(&quotes(&mut stage, 1).await[0]), "1.0", "{words}");
        stage.reaches(FeedState::Live).await;
        stage.end().await;
    }
}

#[tokio::test]
async fn symbols_without_end_are_bounded() {
    let rows: Vec<String> = (0..1_500)
        .map(|number| format!(r#"{{"symbol":"S{number}","price":1}}"#))
        .collect();
    let script = Script::of([ok(format!("[{}]", rows.join(",")))]).await;
    let mut stage = start(options(&script, ""));
    assert_eq!(quotes(&mut stage, 1_000).await.len(), 1_000);
    stage.reaches(FeedState::Live).await;
    script.wait_for_requests(3).await;
    assert!(stage.skipped().wrong >= 500);
    assert!(stage.quote("S999").is_some() && stage.quote("S1000").is_none());
    stage.end().await;
}

#[tokio::test]
async fn a_thousand_polls_tell_each_change_once() {
    let mut number = 0;
    let script = Script::new(move |_| {
        number += 1;
        // Each price is in two polls.
        ok(format!(r#"{{"symbol":"GOOG","price":{}}}"#, 1 + number / 2))
    })
    .await;
    let mut given = options(&script, "");
    given.interval = Duration::from_micros(100);
    let before = start(given);
    script.wait_for_requests(1_001).await;
    let quote = before.quote("GOOG").unwrap();
    assert!(quote.price.unwrap() >= "500".parse().unwrap(), "{quote:?}");
    let skipped = before.skipped();
    assert!((499..=520).contains(&skipped.ignored), "{skipped:?}");
    before.end().await;
}

#[test]
fn options_are_checked() {
    for (table, words) in [
        ("", "url"),
        ("url = 'ftp://a'", "expected http://HOST"),
        (
            "url = 'https://a'\nprice = 'price'",
            "\"price\" is not a JSON pointer",
        ),
        (
            "url = 'https://a'\nsymbol = 'a b'",
            "neither a JSON pointer",
        ),
        (
            "url = 'https://a'\nsymbol = 'GOOG'\nkeyed = true",
            "keyed beside one symbol",
        ),
        (
            "url = 'https://a'\ntime_unit = 'h'",
            "unknown variant `h`, expected one of",
        ),
        (
            "url = 'https://a'\nheaders = { 'a b' = 'c' }",
            "\"a b\" is not the name of a header",
        ),
        (
            "url = 'https://a'\nheaders = { a = \"hunter2\\n\" }",
            "the header a has characters",
        ),
        ("url = 'https://a'\nheaders = { a = 5 }", "expected"),
        ("url = 'https://a'\nrename = { a = 'b c' }", "\"b c\""),
        ("url = 'https://a'\ninterval = 0", "1 to 86400"),
        ("url = 'https://a'\nprise = '/a'", "did you mean price?"),
    ] {
        let error = FeedSpec::from_table("json", table.parse().unwrap()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words), "{table}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let spec: FeedSpec = "json:https://a.example/p?x=1&y=2".parse().unwrap();
    let FeedSpec::Json(options) = &spec else {
        panic!("{spec:?}");
    };
    assert_eq!(options.url.as_str(), "https://a.example/p?x=1&y=2");
    assert_eq!(options.interval, Duration::from_secs(10));
}
