//! Recordings, played again with the pauses that they were recorded with, or quicker.
//!
//! Three formats are known by their first line, all plain or compressed with gzip:
//!
//! - our own, of any feed: see `docs/inside/recordings.md`;
//! - frames of Binance or Coinbase Exchange, as [hftbacktest](https://github.com/nkaz001/hftbacktest)
//!   or [cryptofeed](https://github.com/bmoscon/cryptofeed) collect them: see [`foreign`](crate::sources::foreign).
//!
//! Quotes carry the times of the recording.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, sleep},
};

use crate::{
    About, End, Feed, FeedError, Licence, Publisher,
    kit::{
        options::{FeedOptions, Main},
        recording::{self, Header},
        wire::Played,
    },
    sources::foreign::{self, read},
};

/// Makes the feed that was recorded, by the header of its recording.
pub type RecordedFeed = fn(&Header) -> Result<Box<dyn Feed>, String>;

/// How many frames are read ahead.
const AHEAD: usize = 1_024;

/// How many lines of our own recordings are read ahead: one may be an answer of some megabytes.
const AHEAD_OF_LINES: usize = 64;

/// How long a feed may take to publish what it received last.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What can be said of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// Where the recording lies.
    pub file: PathBuf,
    /// How quickly it is played.
    #[serde(default)]
    pub speed: Speed,
}

impl FeedOptions for Options {
    const NAME: &'static str = "replay";
    const KEYS: &'static [&'static str] = &["file", "speed"];
    const MAIN: Main = Main::Text("file");

    fn about(&self) -> About {
        let pace = match self.speed {
            Speed::Times(1.0) => "at its own pace".to_owned(),
            Speed::Times(times) => format!("{times} times as quickly as it was recorded"),
            Speed::Max => "as quickly as it can be read".to_owned(),
        };
        About {
            does: format!("plays the recording {} {pace}", self.file.display()),
            symbols: Vec::new(),
            licence: Licence::Terms,
        }
    }

    fn checked(self) -> Result<Self, String> {
        if self.file.as_os_str().is_empty() {
            return Err("without a file: expected one, as in replay:recording.jsonl.gz".to_owned());
        }
        Ok(self)
    }
}

/// How quickly a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as quickly as it was recorded.
    Times(f64),
    /// As quickly as it can be read.
    Max,
}

impl Default for Speed {
    fn default() -> Self {
        Speed::Times(1.0)
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            Number(f64),
            Text(String),
        }
        let text = match Text::deserialize(deserializer)? {
            Text::Number(number) => number.to_string(),
            Text::Text(text) => text,
        };
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.parse() {
            Ok(times) if (0.001..=1_000_000.0).contains(&times) => Ok(Speed::Times(times)),
            _ => Err(D::Error::custom(format!(
                "{text:?} is not a speed: expected a number from 0.001 to 1000000, or max"
            ))),
        }
    }
}

/// Whether a file is a recording that can be played.
///
/// # Errors
/// When it is not there, or its first line is of no format.
pub(crate) fn ready(file: &Path, recorded: RecordedFeed) -> Result<(), String> {
    let is_pipe = std::fs::metadata(file).is_ok_and(|file| !file.is_file());
    match recording::header(file) {
        _ if is_pipe => Ok(()),
        Ok(Some(header)) => recorded(&header).map(drop),
        Ok(None) => foreign::ready(file),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// Plays a recording.
#[derive(Debug)]
pub struct Replay {
    file: PathBuf,
    speed: Speed,
    name: String,
    recorded: RecordedFeed,
}

impl Replay {
    /// A feed that plays this file so quickly.
    pub fn new(file: PathBuf, speed: Speed, recorded: RecordedFeed) -> Self {
        let name = file
            .file_name()
            .unwrap_or(file.as_os_str())
            .to_string_lossy();
        Replay {
            name: format!("Replay of {name}"),
            file,
            speed,
            recorded,
        }
    }

    async fn play(&self, publisher: &Publisher) -> Result<End, FeedError> {
        let named = |error: &dyn std::fmt::Display| {
            FeedError::Fatal(format!("{}: {error}", self.file.display()))
        };
        if let Some(header) = recording::header(&self.file).map_err(|error| named(&error))? {
            let feed = (self.recorded)(&header).map_err(|error| named(&error))?;
            return self.play_again(feed, publisher).await;
        }
        self.play_ticks(publisher).await
    }

    /// Has the feed that was recorded receive what it received then.
    async fn play_again(
        &self,
        mut feed: Box<dyn Feed>,
        publisher: &Publisher,
    ) -> Result<End, FeedError> {
        let (sender, mut lines) = mpsc::channel(AHEAD_OF_LINES);
        let file = self.file.clone();
        let reading = spawn_blocking(move || {
            recording::read(&file, |number, line| {
                sender.blocking_send((number, line)).is_ok()
            })
        });
        let (due, played) = mpsc::channel(1);
        let played = Arc::new(Played::new(played));
        publisher.play(Arc::clone(&played));
        let pacing = async move {
            let mut pace = Pace::new(self.speed);
            while let Some((number, line)) = lines.recv().await {
                match line {
                    Ok(line) => {
                        pace.wait(Duration::from_nanos(line.at)).await;
                        if due.send(line).await.is_err() {
                            break;
                        }
                    }
                    Err(error) => publisher.wrong(&format_args!("line {number}: {error}")),
                }
            }
        };
        // Why the feed broke off the first time.
        let refusal: Mutex<Option<String>> = Mutex::default();
        let playing = async {
            loop {
                let taken = played.taken();
                match feed.run(publisher).await {
                    Ok(End::Finished) => return Ok(()),
                    Ok(End::Renew) => {}
                    Err(_) if played.is_over() => return Ok(()),
                    // It broke off then too, or it does not like what it is given now.
                    Err(error) if played.taken() > taken => {
                        publisher.wrong(&error);
                        let mut refusal = refusal.lock().unwrap_or_else(PoisonError::into_inner);
                        refusal.get_or_insert(error.to_string());
                    }
                    Err(error) => return Err(FeedError::Fatal(error.to_string())),
                }
            }
        };
        // When the feed has had enough, what is left of the recording is of no use.
        let pacing = async {
            pacing.await;
            std::future::pending::<()>().await;
        };
        let over = async {
            played.over().await;
            // Another task of the feed may still have something in hand.
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            end = playing => end?,
            () = pacing => {}
            () = over => {}
        }
        let skipped = publisher.skipped();
        match reading.await {
            // Of a quiet source there is nothing; of one that is not understood there is something.
            Ok(Ok(())) if publisher.understood() == 0 && skipped.ignored + skipped.wrong > 0 => {
                Err(FeedError::Fatal(format!(
                    "{}: nothing in it is understood: {} messages are wrong and {} of no known kind{}",
                    self.file.display(),
                    skipped.wrong,
                    skipped.ignored,
                    refusal
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .take()
                        .map_or_else(String::new, |why| format!("; {why}"))
                )))
            }
            Ok(Ok(())) => Ok(End::Finished),
            Ok(Err(error)) => Err(FeedError::Fatal(error.to_string())),
            Err(error) => Err(FeedError::Fatal(format!("reading it failed: {error}"))),
        }
    }

    async fn play_ticks(&self, publisher: &Publisher) -> Result<End, FeedError> {
        let (sender, mut frames) = mpsc::channel(AHEAD);
        let file = self.file.clone();
        // It ends with the file, or when nobody takes its frames any more.
        let reading =
            spawn_blocking(move || read(&file, |frame| sender.blocking_send(frame).is_ok()));
        let mut pace = Pace::new(self.speed);
        let mut known = HashSet::new();
        let mut count = 0_u64;
        let mut wrong = None;
        while let Some(frame) = frames.recv().await {
            pace.wait(frame.received).await;
            count += 1;
            for fault in frame.faults {
                publisher.wrong(&format_args!("line {}: {fault}", frame.line));
            }
            match frame.content {
                Ok(Some(tick)) => {
                    publisher.live();
                    if known.insert(tick.symbol) {
                        publisher.session(frame.source.session(tick.symbol, &self.name));
                    }
                    publisher.tick(&tick);
                }
                Ok(None) => publisher.ignore(),
                Err(error) => {
                    let error = format!("line {}: {error}", frame.line);
                    publisher.wrong(&error);
                    wrong.get_or_insert(error);
                }
            }
        }
        match reading.await {
            Ok(Ok(())) if publisher.understood() == 0 => Err(FeedError::Fatal(format!(
                "{}: {}",
                self.file.display(),
                foreign::nothing(count, wrong.as_deref())
            ))),
            Ok(Ok(())) => Ok(End::Finished),
            Ok(Err(error)) => Err(FeedError::Fatal(error.to_string())),
            Err(error) => Err(FeedError::Fatal(format!(
                "reading {}: {error}",
                self.file.display()
            ))),
        }
    }
}

impl Feed for Replay {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.play(publisher))
    }
}

/// Keeps the recording's pauses.
struct Pace {
    speed: Speed,
    begin: Option<(Instant, Duration)>,
}

impl Pace {
    fn new(speed: Speed) -> Self {
        Pace { speed, begin: None }
    }

    /// Waits until what was received then is due. Where the recording's clock stepped back, nothing
    /// waits.
    async fn wait(&mut self, received: Duration) {
        let Speed::Times(times) = self.speed else {
            return;
        };
        let (begin, first) = *self.begin.get_or_insert_with(|| (Instant::now(), received));
        let after =
            Duration::try_from_secs_f64(received.saturating_sub(first).as_secs_f64() / times);
        if let Some(due) = after.ok().and_then(|after| begin.checked_add(after))
            && due > Instant::now()
        {
            tokio::time::sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
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

    /// A file that is gone when the test is.
    struct Recording(PathBuf);

    impl Recording {
        fn new(name: &str, bytes: &[u8]) -> Self {
            let path =
                std::env::temp_dir().join(format!("tickertape-{}-{name}", std::process::id()));
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
    fn says_what_is_wrong_with_a_file() {
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

    /// Played, it would be as if nothing had ever happened.
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
                &testing::floor(tape),
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
    async fn a_missing_file_is_a_failure_that_says_so() {
        let error = failure(Path::new("/nowhere/x.gz")).await;
        assert!(
            matches!(&error, FeedError::Fatal(why) if why.contains("/nowhere/x.gz")),
            "{error:?}"
        );
    }
}
