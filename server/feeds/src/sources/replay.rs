//! Recordings, replayed with their original pauses, or faster.
//!
//! Three formats are recognised by their first line, all plain or compressed with gzip:
//!
//! - Tickertape's own, of any feed: see `docs/inside/recordings.md`;
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

/// Creates the recorded feed, by the header of its recording.
pub type RecordedFeed = fn(&Header) -> Result<Box<dyn Feed>, String>;

/// How many frames are read ahead.
const AHEAD: usize = 1_024;

/// How many lines of Tickertape's own recordings are read ahead: one may be a response of some megabytes.
const AHEAD_OF_LINES: usize = 64;

/// How long a feed may take to publish what it received last.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The options of the feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Options {
    /// The path of the recording.
    pub file: PathBuf,
    /// The speed of the replay.
    #[serde(default)]
    pub speed: Speed,
}

impl FeedOptions for Options {
    const NAME: &'static str = "replay";
    const KEYS: &'static [&'static str] = &["file", "speed"];
    const MAIN: Main = Main::Text("file");
    const RECEIVES: bool = false;

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

    fn subjects(&self) -> Vec<String> {
        vec![format!("replay:{}", self.file.display())]
    }
}

/// The speed of a replay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was recorded.
    Times(f64),
    /// As fast as it can be read.
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
/// If it does not exist, or its first line is of no format.
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
    /// A feed that replays this file at this speed.
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

    /// Lets the recorded feed receive what it received then.
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
        // The reason why the feed broke off the first time.
        let refusal: Mutex<Option<String>> = Mutex::default();
        let playing = async {
            loop {
                let taken = played.taken();
                match feed.run(publisher).await {
                    Ok(End::Finished) => return Ok(()),
                    Ok(End::Renew) => {}
                    Err(_) if played.is_over() => return Ok(()),
                    // It broke off then too, or it rejects the data now.
                    Err(error) if played.taken() > taken => {
                        publisher.wrong(&error);
                        let mut refusal = refusal.lock().unwrap_or_else(PoisonError::into_inner);
                        refusal.get_or_insert(error.to_string());
                    }
                    Err(error) => return Err(FeedError::Fatal(error.to_string())),
                }
            }
        };
        // When the feed has ended, the rest of the recording is of no use.
        let pacing = async {
            pacing.await;
            std::future::pending::<()>().await;
        };
        let over = async {
            played.over().await;
            // Another task of the feed may still be working.
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            end = playing => end?,
            () = pacing => {}
            () = over => {}
        }
        let skipped = publisher.skipped();
        match reading.await {
            // A quiet source has sent nothing; one that is not understood has sent something.
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
        // It ends with the file, or when its frames are no longer taken.
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

    /// Waits until the data received then is due. If the recording's clock stepped back, nothing waits.
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
mod tests;
