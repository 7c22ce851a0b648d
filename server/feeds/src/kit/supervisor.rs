use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use market::{FeedState, FeedStatus};
use retry::{Backoff, is_logged};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{End, Feed, FeedContext, FeedError, Publisher, Skipped};

/// Owns the tasks of the feeds.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    /// Detects silent feeds; it ends with the value.
    watch: JoinSet<()>,
    statuses: Statuses,
}

/// How often the feeds are checked for silence.
const LOOK: Duration = Duration::from_millis(500);

/// How long a feed must have been live for its next failure to count as the first.
const SETTLED: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Runs each feed as a task of its own, until it ends, gives up or `stop` is cancelled.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        feeds: Vec<Box<dyn Feed>>,
        context: &FeedContext,
        backoff: Backoff,
        stop: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for feed in feeds {
            let publisher = Publisher::new(context.clone(), feed.name());
            let publisher = Arc::new(publisher);
            statuses.push(Arc::clone(&publisher));
            let stop = stop.clone();
            tasks.spawn(async move {
                let run = stop.run_until_cancelled(supervise(feed, &publisher, backoff));
                if run.await.is_none() {
                    publisher.end(FeedState::Ended, Some("it was stopped".to_owned()));
                }
            });
        }
        let statuses = Statuses {
            feeds: statuses.into(),
        };
        let mut watch = JoinSet::new();
        if statuses.feeds.len() > 1 {
            let feeds = Arc::clone(&statuses.feeds);
            watch.spawn(async move {
                let mut looks = tokio::time::interval(LOOK);
                looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    looks.tick().await;
                    for publisher in &*feeds {
                        publisher.check_primary();
                    }
                }
            });
        }
        Supervisor {
            tasks,
            watch,
            statuses,
        }
    }

    /// The states of the feeds; may be kept for any time.
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
        self.watch.shutdown().await;
    }
}

/// The states of all feeds.
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

    /// What each feed has skipped so far, in the same order.
    pub fn skipped(&self) -> Vec<Skipped> {
        self.feeds
            .iter()
            .map(|publisher| publisher.skipped())
            .collect()
    }

    /// Waits until a condition holds for the feed at this position in [`Statuses::current`]. Returns `None` if there is
    /// no such feed.
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

async fn supervise(mut feed: Box<dyn Feed>, publisher: &Publisher, backoff: Backoff) {
    let name = feed.name().to_owned();
    let name = name.as_str();
    let mut failures = 0;
    let mut renewal = false;
    loop {
        publisher.begin(renewal);
        renewal = false;
        // A feed that panicked is not run again, so that its incomplete state is never used.
        let run = AssertUnwindSafe(async { feed.run(publisher).await }).catch_unwind();
        let (error, at_least) = match run.await {
            Ok(Ok(End::Renew)) => {
                tracing::info!(feed = name, "reconnects, as its source requires");
                failures = 0;
                renewal = true;
                continue;
            }
            Ok(Ok(End::Finished)) => {
                publisher.finish();
                let skipped = publisher.skipped();
                tracing::info!(feed = name, ?skipped, "ended");
                publisher.end(FeedState::Ended, None);
                return;
            }
            Ok(Err(FeedError::Transient(error))) => (error, Duration::ZERO),
            Ok(Err(FeedError::Later { why, wait })) => (why, wait),
            Ok(Err(FeedError::Fatal(error))) => {
                tracing::error!(feed = name, "failed: {error}");
                // Otherwise a waiter for the feed's recovery would wait for ever.
                let error = format!("{error}; it is tried again when the server is restarted");
                publisher.end(FeedState::Failed, Some(error));
                return;
            }
            Err(panic) => {
                let error = format!("it panicked: {}", message(panic.as_ref()));
                tracing::error!(feed = name, "failed: {error}");
                publisher.end(FeedState::Failed, Some(error));
                return;
            }
        };
        let settled = publisher
            .live_since()
            .is_some_and(|since| since.elapsed() >= SETTLED);
        failures = if settled { 1 } else { failures + 1 };
        // Jitter is added to the source's requested wait, so that its clients still spread.
        let wait = at_least + backoff.jittered(failures);
        if is_logged(failures.into(), 4) {
            tracing::warn!(feed = name, failures, ?wait, "broke off: {error}");
        } else {
            tracing::debug!(feed = name, failures, ?wait, "broke off: {error}");
        }
        let error = match at_least {
            Duration::ZERO => error,
            _ => format!("{error}; tries again in {} seconds", wait.as_secs() + 1),
        };
        publisher.end(FeedState::Degraded, Some(error));
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

#[cfg(test)]
mod tests;
