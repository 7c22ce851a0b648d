//! Recordings, played again with the pauses that they were recorded with, or quicker.
//!
//! Three formats are known by their first line, all plain or compressed with gzip:
//!
//! - our own, of any feed: see `docs/recordings.md`;
//! - frames of Binance's combined streams, as [hftbacktest](https://github.com/nkaz001/hftbacktest)
//!   collects them: the time of receipt in nanoseconds since the epoch, a space, the frame;
//! - frames of Coinbase Exchange, as [cryptofeed](https://github.com/bmoscon/cryptofeed) collects
//!   them: `SECONDS: {frame}` from the server, `URL <- SECONDS: {frame}` to it, `URL <-> SECONDS`
//!   on connecting.
//!
//! Quotes carry the times of the recording.

use std::{
    collections::HashSet,
    io::{self, BufRead},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use market::{Millis, Quality, Session, Symbol, Tick};
use serde::{Deserialize, Deserializer, de::Error as _};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    About, End, Feed, FeedError, FrameError, Licence, Publisher, binance, coinbase,
    recording::{self, ReadLine, next_line, open},
    spec::{FeedOptions, FeedSpec, Main},
    wire::Played,
};

/// The longest line that is read; what is longer is no frame. Snapshots of whole books have 60 KB.
const MAX_LINE: usize = 4 << 20;

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
        // What may not be shown live may not be shown later.
        let recorded = recording::header(&self.file).ok().flatten();
        let recorded = recorded.and_then(|header| header.feed().ok());
        About {
            does: format!("plays the recording {} {pace}", self.file.display()),
            symbols: Vec::new(),
            licence: recorded.map_or(Licence::Terms, |feed| feed.about().licence),
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
pub(super) fn ready(file: &Path) -> Result<(), String> {
    let is_pipe = std::fs::metadata(file).is_ok_and(|file| !file.is_file());
    match recording::header(file) {
        _ if is_pipe => Ok(()),
        Ok(Some(header)) => header.feed().map(drop),
        Ok(None) => read(file, |_| false).map_err(|error| error.to_string()),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// Plays a recording.
#[derive(Debug)]
pub struct Replay {
    file: PathBuf,
    speed: Speed,
    name: String,
}

impl Replay {
    /// A feed that plays this file so quickly.
    pub fn new(file: PathBuf, speed: Speed) -> Self {
        let name = file
            .file_name()
            .unwrap_or(file.as_os_str())
            .to_string_lossy();
        Replay {
            name: format!("Replay of {name}"),
            file,
            speed,
        }
    }

    async fn play(&self, publisher: &Publisher) -> Result<End, FeedError> {
        let named = |error: &dyn std::fmt::Display| {
            FeedError::Fatal(format!("{}: {error}", self.file.display()))
        };
        if let Some(header) = recording::header(&self.file).map_err(|error| named(&error))? {
            let feed = header.feed().map_err(|error| named(&error))?;
            return self.play_again(feed, publisher).await;
        }
        self.play_ticks(publisher).await
    }

    /// Has the feed that was recorded receive what it received then.
    async fn play_again(&self, feed: FeedSpec, publisher: &Publisher) -> Result<End, FeedError> {
        let mut feed = feed
            .build(0)
            .ok_or_else(|| FeedError::Fatal("a recording of no feed".to_owned()))?;
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
        let playing = async {
            loop {
                let taken = played.taken();
                match feed.run(publisher).await {
                    Ok(End::Finished) => return Ok(()),
                    Ok(End::Renew) => {}
                    Err(_) if played.is_over() => return Ok(()),
                    // It broke off then too, or it does not like what it is given now.
                    Err(error) if played.taken() > taken => publisher.wrong(&error),
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
        match reading.await {
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
        while let Some(frame) = frames.recv().await {
            pace.wait(frame.received).await;
            publisher.live();
            match frame.content {
                Ok(Some(tick)) => {
                    if known.insert(tick.symbol) {
                        publisher.session(frame.source.session(tick.symbol, &self.name));
                    }
                    publisher.tick(&tick);
                }
                Ok(None) => publisher.ignore(),
                Err(error) => publisher.wrong(&format_args!("line {}: {error}", frame.line)),
            }
        }
        match reading.await {
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

/// A frame of a recording, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The line that it stands in, from 1.
    pub line: u64,
    /// When it was received, since the epoch; zero for a line that does not say so.
    pub received: Duration,
    /// Who sent it.
    pub source: Source,
    /// What it says: nothing where it is of a kind that is not listened to.
    pub content: Result<Option<Tick>, FrameError>,
}

/// Who sent what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Binance.
    Binance,
    /// Coinbase Exchange.
    Coinbase,
}

impl Source {
    /// Tells from a recording's first line whose it is.
    fn of(line: &str) -> Option<Self> {
        if binance_line(line).is_some() {
            Some(Source::Binance)
        } else if is_of_client(line) || coinbase_line(line).is_some() {
            Some(Source::Coinbase)
        } else {
            None
        }
    }

    /// What is known of a symbol without asking.
    fn session(self, symbol: Symbol, name: &str) -> Session {
        match self {
            Source::Binance => binance::session(symbol, name, Quality::Replay),
            Source::Coinbase => coinbase::session(symbol, name, Quality::Replay),
        }
    }
}

/// Reads a recording and hands out its frames until `each` says that it wants no more. A line that
/// cannot be read is handed out as an error, and the next one is read.
///
/// # Errors
/// When the file cannot be opened, or its first line is of neither format.
pub fn read(file: &Path, each: impl FnMut(Recorded) -> bool) -> io::Result<()> {
    open(file)
        .and_then(|mut lines| read_from(&mut *lines, each))
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

/// Reads what a recording holds, as [`read`] does.
///
/// # Errors
/// When its first line cannot be read, or is of neither format.
pub(super) fn read_from(
    lines: &mut dyn BufRead,
    mut each: impl FnMut(Recorded) -> bool,
) -> io::Result<()> {
    let mut source = None;
    let mut parser = coinbase::Parser::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        let text = match next_line(lines, &mut bytes, MAX_LINE) {
            Ok(ReadLine::End) if source.is_none() => {
                return Err(unknown("the file is empty"));
            }
            Ok(ReadLine::End) => break,
            Ok(ReadLine::TooLong) => Err(FrameError(format!("longer than {MAX_LINE} bytes"))),
            Ok(ReadLine::Read) => {
                std::str::from_utf8(&bytes).map_err(|error| FrameError(error.to_string()))
            }
            Err(error) if source.is_none() => return Err(error),
            Err(error) => {
                // Most likely the archive was cut off. What came before it is good.
                each(Recorded {
                    line,
                    received: Duration::ZERO,
                    source: Source::Binance,
                    content: Err(FrameError(format!("the file breaks off: {error}"))),
                });
                break;
            }
        };
        if text == Ok("") {
            continue;
        }
        let source = match source {
            Some(source) => source,
            None => {
                let first = String::from_utf8_lossy(&bytes);
                let known = Source::of(&first).ok_or_else(|| {
                    let start: String = first.chars().take(60).collect();
                    unknown(&format!("the first line is {start:?}"))
                })?;
                *source.insert(known)
            }
        };
        let frame = |received, content| Recorded {
            line,
            received,
            source,
            content,
        };
        let frame = match (source, text) {
            (_, Err(error)) => frame(Duration::ZERO, Err(error)),
            (Source::Binance, Ok(text)) => match binance_line(text) {
                Some((received, json)) => frame(received, binance::parse(json, millis(received))),
                None => frame(
                    Duration::ZERO,
                    Err(FrameError::new(&"no time and frame", text)),
                ),
            },
            (Source::Coinbase, Ok(text)) if is_of_client(text) => continue,
            (Source::Coinbase, Ok(text)) => match coinbase_line(text) {
                Some((received, json)) => frame(received, parser.parse(json, millis(received))),
                None => frame(
                    Duration::ZERO,
                    Err(FrameError::new(&"no time and frame", text)),
                ),
            },
        };
        if !each(frame) {
            break;
        }
    }
    Ok(())
}

fn unknown(what: &str) -> io::Error {
    let expected = "expected `NANOSECONDS {frame}` of Binance, or `SECONDS: {frame}` of Coinbase";
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {expected}"))
}

fn millis(received: Duration) -> Millis {
    Millis::try_from(received.as_millis()).unwrap_or(Millis::MAX)
}

fn binance_line(line: &str) -> Option<(Duration, &str)> {
    let (nanos, json) = line.split_once(' ')?;
    let right = json.starts_with('{')
        && nanos.len() >= 16
        && nanos.bytes().all(|byte| byte.is_ascii_digit());
    right.then_some((Duration::from_nanos(nanos.parse().ok()?), json))
}

fn coinbase_line(line: &str) -> Option<(Duration, &str)> {
    let (seconds, json) = line.split_once(": ")?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !json.starts_with('{') || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some((Duration::new(whole.parse().ok()?, nanos), json))
}

/// What the recording's own client said, and when it connected.
fn is_of_client(line: &str) -> bool {
    let address = ["ws://", "wss://"]
        .iter()
        .any(|scheme| line.starts_with(scheme));
    address && (line.contains(" <- ") || line.contains(" <-> "))
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::Arc};

    use flate2::{Compression, write::GzEncoder};
    use market::{Event, FeedState};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        feeds::{Backoff, Supervisor},
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
            trade(7, "61837.00")
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
                trade(number, &noise.u32(1..).to_string())
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
            error.contains("\"hello\"") && error.contains("expected `NANOSECONDS"),
            "{error}"
        );
    }

    #[test]
    fn reads_lines_of_coinbase() {
        let (received, json) = coinbase_line("1618677817.061845: {}").unwrap();
        assert_eq!(
            (received, json),
            (Duration::new(1_618_677_817, 61_845_000), "{}")
        );
        assert!(is_of_client(
            "wss://ws-feed.pro.coinbase.com <-> 1618677816.8434298"
        ));
        assert!(is_of_client(
            "wss://ws-feed.pro.coinbase.com <- 1618677817.020616: {}"
        ));
        assert_eq!(coinbase_line("x: {}"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_pauses_or_shortens_them() {
        let second = 1_000_000_000_u64;
        let mut text = String::new();
        for (at, price) in [(0, "1"), (10, "2"), (70, "3")] {
            text += &format!(
                "{} {}\n",
                1_700_000_000 * second + at * second,
                trade(at * 1_000, price)
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
                vec![Box::new(Replay::new(recording.0.clone(), speed))],
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
                (70_000, Some("3".parse().unwrap()))
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
        let tape = testing::tape();
        let publisher = Arc::new(testing::publisher(&tape));
        let mut feed = Replay::new(PathBuf::from("/nowhere/x.gz"), Speed::Max);
        let error = feed.run(&publisher).await.unwrap_err();
        assert!(
            matches!(&error, FeedError::Fatal(why) if why.contains("/nowhere/x.gz")),
            "{error:?}"
        );
    }
}
