//! The built-in market: 30 US stocks with real names and made-up prices and news, so that a page
//! has something to show without a key, a network or an open exchange.
//!
//! Everything is marked as simulated: the quality of every session, the source and the summary of every story. The
//! market is open round the clock, see [`Simulation`].
//!
//! After a restart it continues from the prices in the archive. The time between is left out.

mod random;
mod simulation;
mod stock_state;
mod stocks;
mod stories;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::BoxFuture;
use market::Millis;
use tokio::{
    task::yield_now,
    time::{MissedTickBehavior, interval},
};

use crate::{About, End, Feed, FeedError, Licence, Publisher};
use clock::MAX_AHEAD;

pub use simulation::{Output, Simulation};

/// A longer stall is left out of the simulation; a shorter one is caught up with.
const CATCH_UP: Millis = 5_000;

/// Paces a [`Simulation`] by the clock.
#[derive(Debug)]
pub struct Simulate {
    seed: u64,
}

impl Simulate {
    /// The market of a seed.
    pub fn new(seed: u64) -> Self {
        Simulate { seed }
    }

    async fn pace(&self, publisher: &Publisher) -> Result<End, FeedError> {
        let start = publisher.now();
        let left = publisher.unresumed();
        let mut simulation = if left.is_empty() {
            tracing::info!(seed = self.seed, "this market can be repeated with --seed");
            Simulation::new(self.seed, start)
        } else {
            tracing::info!("goes on from the archive, which no seed repeats");
            let simulation = Simulation::resume(self.seed, start, &left);
            for session in simulation.sessions() {
                publisher.session(session);
            }
            simulation
        };
        // The past comes at once: its bars and stories, but only the last of its quotes.
        let mut steps = 0_u32;
        while left.is_empty() && simulation.time() + Simulation::STEP <= start {
            for output in simulation.step() {
                match output {
                    Output::Tick(tick) => publisher.past(&tick),
                    other => publish(other, publisher),
                }
            }
            steps += 1;
            if steps.is_multiple_of(1_000) {
                yield_now().await;
            }
        }
        publisher.quotes();
        publisher.live();

        let mut timer = interval(Duration::from_millis(Simulation::STEP));
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            let now = publisher.now();
            if now.saturating_sub(simulation.time()) > CATCH_UP {
                let gap = now - simulation.time();
                tracing::warn!(
                    gap,
                    "the clock leapt; the simulated market leaves out the gap"
                );
                simulation.skip_to(now);
            }
            // A clock that was set back by more than times may be ahead takes the market with it.
            if simulation.time() > now + MAX_AHEAD {
                let gap = simulation.time() - now;
                tracing::warn!(
                    gap,
                    "the clock was set back; the simulated market goes back with it"
                );
                simulation.go_back_to(now);
            }
            // If it was set back by less, the market continues from where it is, a step at a time.
            let stepped_back = simulation.time() > now + CATCH_UP;
            let until = if stepped_back { simulation.time() } else { now };
            while simulation.time() <= until {
                for output in simulation.step() {
                    publish(output, publisher);
                }
            }
        }
    }
}

impl Feed for Simulate {
    fn name(&self) -> &str {
        stories::SOURCE
    }

    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>> {
        Box::pin(self.pace(publisher))
    }
}

/// What the feed would do.
pub(crate) fn about() -> About {
    About {
        does: format!(
            "makes prices and news of {} US stocks up",
            stocks::STOCKS.len()
        ),
        symbols: stocks::STOCKS
            .iter()
            .filter_map(|stock| stock.symbol.parse().ok())
            .collect(),
        licence: Licence::Public,
    }
}

fn publish(output: Output, publisher: &Publisher) {
    match output {
        Output::Session(session) => publisher.session(session),
        Output::Tick(tick) => publisher.tick(&tick),
        Output::News(news) => publisher.news(news),
    }
}
