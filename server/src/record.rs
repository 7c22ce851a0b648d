use std::{future::pending, io, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use market::{FeedState, FeedStatus};
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::config::values::{bytes, duration};
use clock::Clock;
use events::Tape;
use feeds::{Backoff, FeedContext, ParsedFeed, Recorded, Recorder, Supervisor};

/// How often received data is written out, and the progress is shown.
const FLUSH: Duration = Duration::from_secs(1);

/// The limits of the tape of a recording, which is not read.
const WINDOW: tape::Limits = tape::Limits {
    entries: 1_000,
    bytes: 16 * 1024 * 1024,
    topic_bytes: 0,
    age_ms: 60_000,
};

/// The feed, the file and the limits of a recording.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RecordOptions {
    /// The feed to record, as for --feed
    #[arg(value_parser = |text: &str| text.parse::<ParsedFeed>())]
    pub feed: ParsedFeed,

    /// The file, which is compressed if its name ends in .gz
    pub file: PathBuf,

    /// How long to record [default: until Ctrl-C]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub time: Option<Duration>,

    /// The largest size of the file [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_bytes: Option<u64>,

    /// Replace an existing file
    #[arg(long)]
    pub overwrite: bool,
}

/// Records what a feed receives until it ends, the limits are reached or `stop` is cancelled. Returns the size, and why
/// it ended.
///
/// # Errors
/// If the feed receives nothing, or nothing that could be recorded, or fails, its secrets are missing, or the file
/// cannot be written. What was recorded until then stays.
pub async fn record(
    options: RecordOptions,
    stop: &CancellationToken,
) -> Result<(Recorded, String), String> {
    let shown = options.file.display().to_string();
    let ParsedFeed {
        kind,
        options: table,
        spec,
    } = options.feed;
    if !spec.receives() {
        return Err(format!(
            "{kind} receives nothing that could be recorded: expected a feed with a source"
        ));
    }
    for secret in spec.secrets() {
        secret.read().map_err(|error| format!("{kind}: {error}"))?;
    }
    let full = stop.child_token();
    let most = options.max_bytes.unwrap_or(u64::MAX);
    let recorder = Recorder::create(
        &options.file,
        options.overwrite,
        most,
        &kind,
        &table,
        full.clone(),
    );
    let recorder = recorder.map_err(|error| unwritable(&shown, &error))?;
    let recorder = Arc::new(recorder);
    let clock = Clock::system().as_now();
    let mut context = FeedContext::new(Tape::new(clock(), 1, WINDOW), clock);
    context.recorder = Some(Arc::clone(&recorder));
    let feeds = spec.build(0).into_iter().collect();
    let supervisor = Supervisor::start(feeds, &context, Backoff::default(), &full);
    let statuses = supervisor.statuses();

    let begin = Instant::now();
    let progress = progress(&shown);
    let mut beat = interval(FLUSH);
    let time = async {
        match options.time {
            Some(time) => sleep(time).await,
            None => pending().await,
        }
    };
    let over = statuses.wait_for(0, |status| {
        matches!(status.state, FeedState::Ended | FeedState::Failed)
    });
    tokio::pin!(time, over);
    let (why, failed) = loop {
        tokio::select! {
            () = full.cancelled() => break ("it was stopped".to_owned(), false),
            () = &mut time => break ("its time is over".to_owned(), false),
            status = &mut over => {
                let status = status.as_ref();
                let failed = status.is_some_and(|status| status.state == FeedState::Failed);
                let detail = status.and_then(|status| status.detail.clone());
                break (detail.unwrap_or_else(|| "its source has ended".to_owned()), failed);
            }
            _ = beat.tick() => {
                let recorded = recorder.flush();
                let state = statuses.current().pop().map(state_of);
                progress.set_message(progress_line(recorded, begin, state));
            }
        }
    };
    full.cancel();
    supervisor.join().await;
    progress.finish_and_clear();
    let (recorded, is_full) = recorder
        .finish()
        .map_err(|error| unwritable(&shown, &error))?;
    match (failed, is_full) {
        (true, _) => Err(format!(
            "{shown} has {} frames, then the feed failed: {why}",
            recorded.frames
        )),
        (false, false) if recorded.frames == 0 => Err(format!(
            "{shown} has 0 frames: nothing was received, and the recording ended because {why}"
        )),
        (false, true) => Ok((recorded, format!("it has {most} bytes"))),
        (false, false) => Ok((recorded, why)),
    }
}

/// Why a file cannot be recorded to.
fn unwritable(shown: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{shown} is there already: expected another name, or --overwrite")
        }
        _ => format!("{shown} cannot be written: {error}"),
    }
}

/// The state of the feed as the progress shows it.
fn state_of(status: FeedStatus) -> String {
    match (status.state, status.detail) {
        (FeedState::Live, _) => "live".to_owned(),
        (_, Some(detail)) => detail,
        (_, None) => "connecting".to_owned(),
    }
}

/// A line that is rewritten each second, if standard error is a terminal.
fn progress(shown: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(shown.to_owned());
    match ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn progress_line(recorded: Recorded, begin: Instant, state: Option<String>) -> String {
    format!(
        "{} frames, {}, {} in the file, {} s, {}",
        HumanCount(recorded.frames),
        HumanBytes(recorded.bytes),
        HumanBytes(recorded.written),
        begin.elapsed().as_secs(),
        state.unwrap_or_default(),
    )
}
