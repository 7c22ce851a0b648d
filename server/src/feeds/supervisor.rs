use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use market::{FeedState, FeedStatus};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{End, Feed, FeedError, Publisher, Skipped};
use crate::{Now, Tape};

/// Owns the tasks of the feeds.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    statuses: Statuses,
}

impl Supervisor {
    /// Runs each feed as a task of its own, until it ends, gives up or `stop` is cancelled.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        feeds: Vec<Box<dyn Feed>>,
        tape: &Tape,
        now: &Now,
        backoff: Backoff,
        stop: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for feed in feeds {
            let publisher = Publisher::new(tape.clone(), Arc::clone(now), feed.name());
            let publisher = Arc::new(publisher);
            statuses.push(Arc::clone(&publisher));
            let stop = stop.clone();
            tasks.spawn(async move {
                let run = stop.run_until_cancelled(supervise(feed, &publisher, backoff));
                if run.await.is_none() {
                    publisher.set(FeedState::Ended, Some("it was stopped".to_owned()));
                }
            });
        }
        Supervisor {
            tasks,
            statuses: Statuses {
                feeds: statuses.into(),
            },
        }
    }

    /// How the feeds are doing; can be read for as long as one likes.
    pub fn statuses(&self) -> Statuses {
        self.statuses.clone()
    }

    /// Waits until every feed has ended.
    pub async fn join(mut self) {
        while let Some(result) = self.tasks.join_next().await {
            if let Err(error) = result {
                tracing::error!("the task of a feed: {error}");
            }
        }
    }
}

/// How all feeds are doing.
#[derive(Debug, Clone)]
pub struct Statuses {
    feeds: Arc<[Arc<Publisher>]>,
}

impl Statuses {
    /// The status of each feed, in the order in which they were given.
    pub fn current(&self) -> Vec<FeedStatus> {
        self.feeds
            .iter()
            .map(|publisher| publisher.status().borrow().clone())
            .collect()
    }

    /// What each feed has passed over so far, in the same order.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.feeds
            .iter()
            .map(|publisher| publisher.skipped())
            .collect()
    }

    /// Waits until a condition holds for the feed at this position in [`Statuses::current`].
    /// Answers `None` where there is no such feed.
    pub async fn wait_for(
        &self,
        position: usize,
        condition: impl FnMut(&FeedStatus) -> bool,
    ) -> Option<FeedStatus> {
        let mut status = self.feeds.get(position)?.status();
        let status = status.wait_for(condition).await.ok()?;
        Some(status.clone())
    }
}

/// How long to wait between tries: a random part of a span that doubles with each failure ("full
/// jitter", after [Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)),
/// so that many clients of a source that fell over do not come back in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The span after the first failure.
    pub base: Duration,
    /// The longest span.
    pub cap: Duration,
    /// How long a feed must have been live for the next failure to count as the first.
    pub settled: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            settled: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The longest wait after so many failures in a row.
    fn span(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }

    fn wait(&self, failures: u32) -> Duration {
        self.span(failures).mul_f64(fastrand::f64())
    }
}

async fn supervise(mut feed: Box<dyn Feed>, publisher: &Publisher, backoff: Backoff) {
    let name = feed.name().to_owned();
    let name = name.as_str();
    let mut failures = 0;
    loop {
        // A feed that panicked is not run again, so that no one sees what it left half done.
        let run = AssertUnwindSafe(async { feed.run(publisher).await }).catch_unwind();
        let error = match run.await {
            Ok(Ok(End::Renew)) => {
                tracing::info!(feed = name, "connects anew, as its source demands");
                failures = 0;
                continue;
            }
            Ok(Ok(End::Finished)) => {
                publisher.finish();
                let skipped = publisher.skipped();
                tracing::info!(feed = name, ?skipped, "ended");
                publisher.set(FeedState::Ended, None);
                return;
            }
            Ok(Err(FeedError::Transient(error))) => error,
            Ok(Err(FeedError::Fatal(error))) => {
                tracing::error!(feed = name, "failed: {error}");
                publisher.set(FeedState::Failed, Some(error));
                return;
            }
            Err(panic) => {
                let error = format!("it panicked: {}", message(panic.as_ref()));
                tracing::error!(feed = name, "failed: {error}");
                publisher.set(FeedState::Failed, Some(error));
                return;
            }
        };
        let settled = publisher
            .live_since()
            .is_some_and(|since| since.elapsed() >= backoff.settled);
        failures = if settled { 1 } else { failures + 1 };
        let wait = backoff.wait(failures);
        tracing::warn!(feed = name, failures, ?wait, "broke off: {error}");
        publisher.set(FeedState::Degraded, Some(error));
        tokio::time::sleep(wait).await;
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
