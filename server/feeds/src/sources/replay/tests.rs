use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use market::{Event, FeedState, Quality};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    Backoff, Supervisor,
    sources::foreign::{MAX_LINE, Recorded, is_of_client, split_line},
    testing,
};

const BOOK: &str = r#"{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"61837.63","B":"3.7","a":"61837.64","A":"1.5"}}"#;

fn trade(time: u64, price: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@trade","data":{{"s":"BTCUSDT","p":"{price}","q":"0.5","T":{time}}}}}"#
    )
}

/// A file that is removed with the test.
struct Recording(PathBuf);

impl Recording {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("tickertape-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Recording(path)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Why a file cannot be played.
async fn failure(file: &Path) -> FeedError {
    let publisher = testing::publisher(&testing::tape());
    let mut feed = Replay::new(file.to_owned(), Speed::Max, crate::registry::recorded_feed);
    feed.run(&publisher).await.unwrap_err()
}

fn frames(recording: &Recording) -> Vec<Recorded> {
    let mut frames = Vec::new();
    read(&recording.0, |frame| {
        frames.push(frame);
        true
    })
    .unwrap();
    frames
}

#[test]
fn skips_wrong_and_cut_lines_and_names_them() {
    let text = format!(
        "1723161254087891268 {BOOK}\nnot a frame\n\n1723161254087891269 {}\r\n1723161254087891270 {{\"lastUpdateId\":1}}\n1723161254087891271 {{\"stream\":\"btc",
        trade(1_723_161_254_007, "61837.00")
    );
    let frames = frames(&Recording::new("wrong", text.as_bytes()));
    let kinds: Vec<char> = frames
        .iter()
        .map(|frame| match &frame.content {
            Ok(Some(_)) => 't',
            Ok(None) => 'i',
            Err(_) => 'w',
        })
        .collect();
    assert_eq!(kinds, ['t', 'w', 't', 'i', 'w']);
    assert_eq!(frames[4].line, 6);
    assert_eq!(
        frames[0].received,
        Duration::from_nanos(1_723_161_254_087_891_268)
    );
}

#[test]
fn an_archive_that_breaks_off_gives_what_is_good() {
    let mut text = String::new();
    let mut noise = fastrand::Rng::with_seed(1);
    for number in 0..2_000 {
        text += &format!(
            "1723161254087891268 {}\n",
            trade(1_723_161_254_000 + number, &noise.u32(1..).to_string())
        );
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let bytes = gzip.finish().unwrap();
    assert_eq!(frames(&Recording::new("whole", &bytes)).len(), 2_000);
    let cut = frames(&Recording::new("cut", &bytes[..bytes.len() / 2]));
    assert!((500..1_500).contains(&cut.len()), "{}", cut.len());
    let last = cut.last().unwrap().content.as_ref().unwrap_err();
    assert!(last.to_string().contains("breaks off"), "{last}");
}

#[test]
fn a_line_without_an_end_is_not_held() {
    let mut text = format!("1723161254087891268 {BOOK}\n").into_bytes();
    text.extend(std::iter::repeat_n(b'x', MAX_LINE * 2));
    text.extend(format!("\n1723161254087891268 {BOOK}").bytes());
    let frames = frames(&Recording::new("long", &text));
    assert_eq!(frames.len(), 3);
    assert!(frames[1].content.is_err() && frames[2].content.is_ok());
}

#[test]
fn reports_the_errors_of_a_file() {
    let error = |path: &Path| read(path, |_| true).unwrap_err().to_string();
    let missing = error(Path::new("/nowhere/recording.gz"));
    assert!(missing.contains("/nowhere/recording.gz"), "{missing}");
    for bytes in [
        &b""[..],
        b"hello\n",
        b"{}\n",
        b"17 {}\n",
        b"\x1f\x8bnot gzip",
    ] {
        let recording = Recording::new("unknown", bytes);
        let error = error(&recording.0);
        assert!(error.contains("unknown"), "{error}");
    }
    let recording = Recording::new("hello", b"hello\n");
    let error = error(&recording.0);
    assert!(
        error.contains("\"hello\"") && error.contains("expected frames of Binance"),
        "{error}"
    );
}

#[test]
fn reads_lines_in_both_forms_and_all_units() {
    let time = Duration::new(1_618_677_817, 61_845_000);
    for line in [
        "1618677817.061845: {}",
        "1618677817061845000 {}",
        "1618677817061845 {}",
        "1618677817061845: {}",
    ] {
        assert_eq!(split_line(line), Some((time, "{}")), "{line}");
    }
    assert!(is_of_client(
        "wss://ws-feed.pro.coinbase.com <-> 1618677816.8434298"
    ));
    assert!(is_of_client(
        "wss://ws-feed.pro.coinbase.com <- 1618677817.020616: {}"
    ));
    for line in ["x: {}", "17 {}", "17: {}", "1618677817", "1618677817 x"] {
        assert_eq!(split_line(line), None, "{line}");
    }
}

#[test]
fn frames_of_binance_are_read_in_the_form_of_cryptofeed_and_each_trade_once() {
    let aggregate = r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT","a":5,"p":"2","q":"1","f":1,"l":3,"T":1700000000000}}"#;
    let single = r#"{"e":"trade","s":"BTCUSDT","t":1,"p":"2","q":"1","T":1700000000000}"#;
    let text = format!(
        "wss://stream.binance.com:9443/stream <-> 1700000000.5\n1700000000.6: {{\"result\":null,\"id\":1}}\n1700000000.7: {aggregate}\n1700000000.8: {single}\n"
    );
    let frames = frames(&Recording::new("aggregate", text.as_bytes()));
    let trades: Vec<bool> = frames
        .iter()
        .map(|frame| matches!(&frame.content, Ok(Some(tick)) if tick.trade.is_some()))
        .collect();
    assert_eq!(trades, [true, false], "{frames:?}");
}

/// Replayed, it would look as if nothing had ever happened.
#[tokio::test]
async fn a_recording_that_is_not_understood_is_refused_by_name() {
    for (name, text, words) in [
        (
            "kraken1",
            "wss://ws.kraken.com <-> 1700000000.5\n1700000000.6: [0,[[\"5541.2\",\"0.1\",\"1534614057.3\",\"s\",\"l\",\"\"]],\"trade\",\"XBT/USD\"]\n",
            "version 1 of Kraken",
        ),
        (
            "kraken1events",
            "1700000000.6: {\"event\":\"systemStatus\",\"status\":\"online\"}\n",
            "version 1 of Kraken",
        ),
        (
            "kraken2",
            "wss://ws.kraken.com/v2 <-> 1700000000.5\n1700000000.6: {\"channel\":\"trade\",\"data\":[]}\n",
            "Kraken",
        ),
        (
            "depth",
            "1700000000000000000 {\"stream\":\"btcusdt@depth\",\"data\":{}}\n",
            "none of its 1 frames",
        ),
        (
            "client",
            "wss://ws-feed.exchange.coinbase.com <-> 1700000000.5\n",
            "no frame",
        ),
        (
            "wrong",
            "1700000000000000000 {\"stream\":\"btcusdt@trade\",\"data\":{\"s\":\"BTCUSDT\",\"p\":\"0\"}}\n",
            "p is 0",
        ),
    ] {
        let recording = Recording::new(name, text.as_bytes());
        let why = ready(&recording.0, crate::registry::recorded_feed).unwrap_err();
        assert!(why.contains(words) && why.contains(name), "{name}: {why}");
        let error = failure(&recording.0).await;
        assert!(
            matches!(&error, FeedError::Fatal(why) if why.contains(words)),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_recording_of_the_first_version_of_kraken_ends_with_the_reason() {
    let text = r#"{"tickertape_recording":1,"started":1700000000000000000,"kind":"kraken","options":{"symbols":["BTC-USD"]}}
{"at":1700000000000000000,"connection":1,"address":"wss://ws.kraken.com/v2"}
{"at":1700000000100000000,"connection":1,"text":"{\"event\":\"systemStatus\",\"status\":\"online\"}"}
{"at":1700000000200000000,"connection":1,"text":"[0,[[\"5541.2\",\"0.1\",\"1534614057.3\",\"s\",\"l\",\"\"]],\"trade\",\"XBT/USD\"]"}
"#;
    let recording = Recording::new("first-version", text.as_bytes());
    let error = failure(&recording.0).await;
    assert!(
        matches!(&error, FeedError::Fatal(why) if why.contains("version 1 of Kraken")),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn keeps_the_pauses_or_shortens_them() {
    let second = 1_000_000_000_u64;
    let mut text = String::new();
    for (at, price) in [(0, "1"), (10, "2"), (70, "3")] {
        text += &format!(
            "{} {}\n",
            1_700_000_000 * second + at * second,
            trade(1_700_000_000_000 + at * 1_000, price)
        );
    }
    let recording = Recording::new("pace", text.as_bytes());
    for (speed, expected) in [
        (Speed::Times(1.0), 70.0),
        (Speed::Times(7.0), 10.0),
        (Speed::Max, 0.0),
    ] {
        let tape = testing::tape();
        let mut reader = testing::listen(&tape);
        let begin = Instant::now();
        let supervisor = Supervisor::start(
            vec![Box::new(Replay::new(
                recording.0.clone(),
                speed,
                crate::registry::recorded_feed,
            ))],
            &testing::context(tape),
            Backoff::default(),
            &CancellationToken::new(),
        );
        let statuses = supervisor.statuses();
        supervisor.join().await;
        let took = begin.elapsed().as_secs_f64();
        assert!(
            (took - expected).abs() < 0.1,
            "{speed:?} took {took} seconds"
        );
        assert_eq!(statuses.current()[0].state, FeedState::Ended);
        let events = reader.events();
        let bars = events
            .iter()
            .filter(|event| matches!(event, Event::Bar(_)))
            .count();
        assert_eq!(bars, 2, "the last one closes with the recording");
        let Some(Event::Quote(quote)) =
            events.iter().find(|event| matches!(event, Event::Quote(_)))
        else {
            panic!("{events:?}");
        };
        assert_eq!(
            (quote.time, quote.price),
            (1_700_000_070_000, Some("3".parse().unwrap()))
        );
        let session = events.iter().find_map(|event| match event {
            Event::Session(session) => Some(session),
            _ => None,
        });
        assert_eq!(session.unwrap().quality, Quality::Replay);
    }
}

#[tokio::test]
async fn a_missing_file_is_a_failure_with_that_reason() {
    let error = failure(Path::new("/nowhere/x.gz")).await;
    assert!(
        matches!(&error, FeedError::Fatal(why) if why.contains("/nowhere/x.gz")),
        "{error:?}"
    );
}
