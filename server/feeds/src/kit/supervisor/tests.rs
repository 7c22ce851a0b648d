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

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
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
        &testing::context(testing::tape()),
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
async fn each_end_is_reported() {
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
async fn stays_away_as_long_as_the_source_requests() {
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

#[tokio::test(start_paused = true)]
async fn the_publisher_publishes_sessions_once_and_follows_the_days_figures() {
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
