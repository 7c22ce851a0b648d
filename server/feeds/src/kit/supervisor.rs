use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use market::{FeedState, FeedStatus};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{End, Feed, FeedContext, FeedError, Publisher, Skipped};

/// Owns the tasks of the feeds.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    /// Sees who has fallen silent; it ends with the value.
    watch: JoinSet<()>,
    statuses: Statuses,
}

/// How often it is looked who has fallen silent.
const LOOK: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Runs each feed as a task of its own, until it ends, gives up or `stop` is cancelled.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        feeds: Vec<Box<dyn Feed>>,
        floor: &FeedContext,
        backoff: Backoff,
        stop: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let mut statuses = Vec::new();
        for feed in feeds {
            let publisher = Publisher::new(floor.clone(), feed.name());
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
                        publisher.look_around();
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
        self.watch.shutdown().await;
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
    let mut renewal = false;
    loop {
        publisher.begin(renewal);
        renewal = false;
        // A feed that panicked is not run again, so that no one sees what it left half done.
        let run = AssertUnwindSafe(async { feed.run(publisher).await }).catch_unwind();
        let (error, at_least) = match run.await {
            Ok(Ok(End::Renew)) => {
                tracing::info!(feed = name, "connects anew, as its source demands");
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
                // Whoever puts it right would wait for ever else.
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
            .speaks_since()
            .is_some_and(|since| since.elapsed() >= backoff.settled);
        failures = if settled { 1 } else { failures + 1 };
        // Jitter comes on top of what the source asks for, so that its clients still part.
        let wait = at_least + backoff.wait(failures);
        // The first few, then only powers of two: a source may be away for days.
        if failures <= 4 || failures.is_power_of_two() {
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
mod tests {
    use std::collections::VecDeque;

    use futures_util::future::{BoxFuture, pending};
    use market::{Clock, Tick};
    use tokio::{sync::mpsc, time::Instant};

    use super::*;
    use crate::testing;

    /// What a scripted feed does when it is run.
    enum Act {
        Fail,
        Busy(Duration),
        LiveThenFail(Duration),
        Renew,
        Finish,
        GiveUp,
        Panic,
        Hang,
    }

    struct Scripted {
        acts: VecDeque<Act>,
        /// Receives the start of each run.
        runs: mpsc::UnboundedSender<Instant>,
    }

    impl Feed for Scripted {
        fn name(&self) -> &str {
            "Scripted"
        }

        fn run<'a>(
            &'a mut self,
            publisher: &'a Publisher,
        ) -> BoxFuture<'a, Result<End, FeedError>> {
            self.runs.send(Instant::now()).unwrap();
            let act = self.acts.pop_front().unwrap_or(Act::Hang);
            Box::pin(async move {
                match act {
                    Act::Fail => Err(FeedError::Transient("no route".to_owned())),
                    Act::Busy(wait) => Err(FeedError::Later {
                        why: "too many".to_owned(),
                        wait,
                    }),
                    Act::LiveThenFail(time) => {
                        publisher.live();
                        tokio::time::sleep(time).await;
                        Err(FeedError::Transient("it broke".to_owned()))
                    }
                    Act::Renew => {
                        publisher.live();
                        Ok(End::Renew)
                    }
                    Act::Finish => Ok(End::Finished),
                    Act::GiveUp => Err(FeedError::Fatal("no such file".to_owned())),
                    Act::Panic => panic!("index 7 out of range"),
                    Act::Hang => pending().await,
                }
            })
        }
    }

    struct Run {
        supervisor: Supervisor,
        runs: mpsc::UnboundedReceiver<Instant>,
        stop: CancellationToken,
    }

    fn start(acts: impl IntoIterator<Item = Act>) -> Run {
        let (sender, runs) = mpsc::unbounded_channel();
        let feed = Scripted {
            acts: acts.into_iter().collect(),
            runs: sender,
        };
        let stop = CancellationToken::new();
        let supervisor = Supervisor::start(
            vec![Box::new(feed)],
            &testing::floor(testing::tape()),
            Backoff::default(),
            &stop,
        );
        Run {
            supervisor,
            runs,
            stop,
        }
    }

    async fn state_at_the_end(acts: impl IntoIterator<Item = Act>) -> FeedStatus {
        let run = start(acts);
        let statuses = run.supervisor.statuses();
        run.supervisor.join().await;
        statuses.current().remove(0)
    }

    #[tokio::test(start_paused = true)]
    async fn each_end_is_told() {
        let status = state_at_the_end([Act::Fail, Act::Finish]).await;
        assert_eq!((status.state, status.detail), (FeedState::Ended, None));
        let status = state_at_the_end([Act::GiveUp]).await;
        assert_eq!(status.state, FeedState::Failed);
        assert_eq!(
            status.detail.as_deref(),
            Some("no such file; it is tried again when the server is restarted")
        );
        let status = state_at_the_end([Act::Panic]).await;
        assert_eq!(status.state, FeedState::Failed);
        assert_eq!(
            status.detail.as_deref(),
            Some("it panicked: index 7 out of range")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_that_breaks_off_is_degraded_until_it_is_live_again() {
        let second = Duration::from_secs(1);
        let run = start([
            Act::LiveThenFail(second),
            Act::Fail,
            Act::LiveThenFail(second),
        ]);
        let statuses = run.supervisor.statuses();
        assert_eq!(statuses.current()[0].state, FeedState::Connecting);
        for (state, detail) in [
            (FeedState::Live, None),
            (FeedState::Degraded, Some("it broke")),
            (FeedState::Degraded, Some("no route")),
            (FeedState::Live, None),
            (FeedState::Degraded, Some("it broke")),
        ] {
            let reached =
                |status: &FeedStatus| status.state == state && status.detail.as_deref() == detail;
            assert!(statuses.wait_for(0, reached).await.is_some());
        }
        run.stop.cancel();
        run.supervisor.join().await;
        assert_eq!(statuses.current()[0].state, FeedState::Ended);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_waits_for_nothing_and_stays_live() {
        let mut run = start([Act::Renew, Act::Renew]);
        let first = run.runs.recv().await.unwrap();
        run.runs.recv().await.unwrap();
        let third = run.runs.recv().await.unwrap();
        assert_eq!(first, third);
        assert_eq!(
            run.supervisor.statuses().current()[0].state,
            FeedState::Live
        );
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_the_cap_and_begin_anew_after_a_settled_run() {
        let failures = std::iter::repeat_with(|| Act::Fail).take(40);
        let settled = Act::LiveThenFail(Duration::from_secs(61));
        let mut run = start(failures.chain([settled]));
        let mut before = run.runs.recv().await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..40 {
            let now = run.runs.recv().await.unwrap();
            waits.push(now - before);
            before = now;
        }
        for (failures, wait) in (1..).zip(&waits) {
            // Timers of the runtime are of a millisecond.
            let most = Backoff::default().span(failures) + Duration::from_millis(1);
            assert!(*wait <= most, "{wait:?} after {failures} failures");
        }
        assert!(waits.iter().max() > Some(&Duration::from_secs(10)));
        let after_settled = run.runs.recv().await.unwrap() - before - Duration::from_secs(61);
        assert!(
            after_settled <= Duration::from_millis(1_001),
            "{after_settled:?}"
        );
        run.stop.cancel();
        run.supervisor.join().await;
    }

    #[tokio::test(start_paused = true)]
    async fn stays_away_as_long_as_the_source_asks() {
        let hour = Duration::from_secs(3_600);
        let mut run = start([Act::Busy(hour)]);
        let statuses = run.supervisor.statuses();
        let first = run.runs.recv().await.unwrap();
        let degraded = |status: &FeedStatus| status.state == FeedState::Degraded;
        let status = statuses.wait_for(0, degraded).await.unwrap();
        let detail = status.detail.unwrap();
        assert!(
            detail.starts_with("too many; tries again in 360"),
            "{detail}"
        );
        let waited = run.runs.recv().await.unwrap() - first;
        assert!(
            hour <= waited && waited <= hour + Duration::from_secs(2),
            "{waited:?}"
        );
    }

    #[test]
    fn spans_double_and_never_overflow() {
        let backoff = Backoff::default();
        let spans: Vec<u64> = [1, 2, 3, 5, 6, 40, u32::MAX]
            .map(|failures| backoff.span(failures).as_secs())
            .to_vec();
        assert_eq!(spans, [1, 2, 4, 16, 30, 30, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_publisher_tells_sessions_once_and_follows_the_days_figures() {
        let tape = testing::tape();
        let mut reader = testing::listen(&tape);
        let publisher = testing::publisher(&tape);
        let symbol = "BTC-USD".parse().unwrap();
        let session = crate::sources::coinbase::session(symbol, "Test", market::Quality::Live);
        publisher.session(session.clone());
        assert_eq!(reader.events().len(), 1);
        publisher.session(session);
        assert_eq!(reader.events(), []);

        let mut tick = Tick::new(symbol, 5, Clock::Exchange);
        tick.day.open = Some("7".parse().unwrap());
        publisher.tick(&tick);
        let events = reader.events();
        assert!(
            matches!(&events[..], [market::Event::Session(session), market::Event::Quote(_)] if session.open == tick.day.open),
            "{events:?}"
        );
        publisher.tick(&tick);
        assert_eq!(reader.events().len(), 1, "a quote alone");

        publisher.ignore();
        publisher.wrong(&"garbage");
        let skipped = Skipped {
            ignored: 1,
            wrong: 1,
            ..Skipped::default()
        };
        assert_eq!(publisher.skipped(), skipped);
    }

    #[test]
    fn a_stock_begins_its_day_with_its_exchanges_and_a_coin_never_does() {
        let tape = testing::tape();
        let publisher = testing::publisher(&tape);
        let friday = testing::START - 3 * 24 * 60 * 60 * 1_000;
        for (name, venue, volume, high) in [
            ("AAPL", "IEX", "3", "12"),
            ("BTCUSDT", "Binance", "6", "14"),
        ] {
            let symbol = name.parse().unwrap();
            publisher.session(market::Session {
                symbol,
                name: name.to_owned(),
                currency: None,
                venue: Some(venue.to_owned()),
                source: "Test".to_owned(),
                quality: market::Quality::Live,
                state: market::TradingState::Open,
                halt_code: None,
                hours: None,
                open: None,
                prev_close: None,
                tick: None,
            });
            let mut reader = testing::listen(&tape);
            // From Friday to Monday, at half past ten in New York.
            for (time, price, size) in [
                (friday, "14", "1"),
                (friday + 1_000, "10", "2"),
                (testing::START, "12", "1"),
                (testing::START + 1_000, "11", "2"),
            ] {
                let mut tick = Tick::new(symbol, time, Clock::Exchange);
                let size = Some(size.parse().unwrap());
                tick.trade = Some(market::Trade::new(price.parse().unwrap(), size));
                publisher.tick(&tick);
            }
            let events = reader.events();
            let Some(market::Event::Quote(quote)) = events.last() else {
                panic!("{events:?}");
            };
            assert_eq!(quote.volume.unwrap().to_string(), volume, "{name}");
            assert_eq!(quote.high.unwrap().to_string(), high, "{name}");
        }
    }
}
