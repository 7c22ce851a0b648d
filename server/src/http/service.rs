//! The state that the resources share.

use std::{sync::Arc, time::Duration};

use clock::Now;
use events::{Closing, Tape};
use feeds::Skipped;
use front::Proxies;
use history::{History, Past, Scribe, Unreadable};
use leptos::config::LeptosOptions;
use market::{FeedStatus, Millis, Symbol};
use publishers::PublishGate;
use tokio_util::sync::CancellationToken;
use web::{problem::Problem, work::Work};

use crate::Metrics;
use crate::http::{
    cors::Origin,
    limits::{Limits, Slots},
    market_view,
    outgoing::Outgoing,
    remembered::Remembered,
    search::Search,
    security::FrameAncestors,
    selection::Symbols,
    snapshots::Snapshots,
};

/// Returns the states of the feeds, in the order of the configuration.
pub type FeedStatuses = Arc<dyn Fn() -> Vec<FeedStatus> + Send + Sync>;

/// Returns what each feed has skipped, in the same order.
pub type FeedsSkipped = Arc<dyn Fn() -> Vec<Skipped> + Send + Sync>;

/// The state that the resources share.
pub struct Service {
    /// The tape.
    pub tape: Tape,
    /// The history.
    pub history: History,
    /// The directory of symbols, on the tape or not.
    pub search: Search,
    /// The archive's data of symbols that nothing quotes.
    pub remembered: Remembered,
    /// Runs work that would block the serving threads.
    pub work: Work,
    /// The states of the feeds.
    pub feeds: FeedStatuses,
    /// What the feeds have skipped.
    pub skipped: FeedsSkipped,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The limits of one request.
    pub limits: Limits,
    /// The places for streams.
    pub slots: Slots,
    /// The pending answers, besides streams.
    pub outgoing: Outgoing,
    /// The trusted proxies.
    pub proxies: Proxies,
    /// The origins whose pages may read.
    pub origins: Vec<Origin>,
    /// The time.
    pub clock: Now,
    /// The longest time without an event on a stream: [`market::wire::HEARTBEAT`], or less in tests.
    pub heartbeat: Duration,
    /// How long a stream lasts at most before its client reconnects; shortened at random.
    pub lifetime: Option<Duration>,
    /// The writer of history, if there is one.
    pub archive: Option<Scribe>,
    /// The gate of publications.
    pub desk: Arc<PublishGate>,
    /// Cancelled when shutdown begins: no new clients are accepted, and long polls are answered.
    pub shutdown: CancellationToken,
    /// Ends the streams.
    pub closing: Closing,
    /// Recent snapshots of streams.
    pub snapshots: Snapshots,
    /// The page's files and their names.
    pub leptos: LeptosOptions,
    /// The sites that may show the page in a frame.
    pub frame_ancestors: FrameAncestors,
}

impl Service {
    pub(crate) fn now(&self) -> Millis {
        (self.clock)()
    }

    /// Reads history, as [`History::read`] does.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] if it cannot be read: an answer from the tape alone would look as if there had been
    /// nothing before.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(Option<&dyn Past>) -> Result<R, Unreadable> + Send + 'static,
    ) -> Result<R, Problem> {
        self.history.read(read).await.map_err(|_| {
            Problem::Unavailable(
                "the archive cannot be read at the moment: try again, the live stream goes on"
                    .to_owned(),
            )
        })
    }

    /// The unknown ones of some symbols, after a look-up.
    pub(crate) fn unknown(&self, symbols: &Symbols) -> Vec<Symbol> {
        market_view::unknown(&self.tape, &self.remembered, symbols)
    }

    pub(crate) fn feed_statuses(&self) -> Vec<FeedStatus> {
        let mut statuses = (self.feeds)();
        statuses.extend(self.archive.as_ref().and_then(Scribe::feed_status));
        statuses
    }

    /// The state of each feed, and what it has skipped.
    pub(crate) fn feed_counts(&self) -> Vec<(FeedStatus, Skipped)> {
        let skipped = (self.skipped)();
        let skipped = skipped
            .into_iter()
            .chain(std::iter::repeat(Skipped::default()));
        self.feed_statuses().into_iter().zip(skipped).collect()
    }
}
