//! What the resources share.

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

/// Tells how each feed is doing, in the order of the configuration.
pub type FeedStatuses = Arc<dyn Fn() -> Vec<FeedStatus> + Send + Sync>;

/// Tells what each feed has passed over, in the same order.
pub type FeedsSkipped = Arc<dyn Fn() -> Vec<Skipped> + Send + Sync>;

/// What the resources share.
pub struct Service {
    /// What they read.
    pub tape: Tape,
    /// What was before that.
    pub history: History,
    /// What is listed, on the tape or not.
    pub search: Search,
    /// What the archive has of symbols that nothing quotes.
    pub remembered: Remembered,
    /// Runs what would hold up the threads that serve.
    pub work: Work,
    /// How the feeds are doing.
    pub feeds: FeedStatuses,
    /// What they have passed over.
    pub skipped: FeedsSkipped,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How much one request may ask for.
    pub limits: Limits,
    /// The places for streams.
    pub slots: Slots,
    /// What is on its way besides streams.
    pub outgoing: Outgoing,
    /// Whom to believe where a request comes from.
    pub proxies: Proxies,
    /// Whose pages may read.
    pub origins: Vec<Origin>,
    /// The time.
    pub clock: Now,
    /// The longest time without an event on a stream: [`market::wire::HEARTBEAT`], or less in tests.
    pub heartbeat: Duration,
    /// How long a stream lasts at the most, then its client comes back; shortened at random.
    pub lifetime: Option<Duration>,
    /// What writes history, where that is done.
    pub archive: Option<Scribe>,
    /// Where publications come in.
    pub desk: Arc<PublishGate>,
    /// Is cancelled when shutdown begins: nobody new is wanted, and long polls are answered.
    pub shutdown: CancellationToken,
    /// Ends the streams.
    pub closing: Closing,
    /// What the streams of the last moment opened with.
    pub snapshots: Snapshots,
    /// Where the page's files are and how they are called.
    pub leptos: LeptosOptions,
    /// Who may show the page in a frame.
    pub frame_ancestors: FrameAncestors,
}

impl Service {
    pub(crate) fn now(&self) -> Millis {
        (self.clock)()
    }

    /// Reads what was, as [`History::read`] does.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] where it cannot be read: an answer from the tape alone would look as
    /// if there had been nothing before.
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

    /// Those of some symbols that are not known, once they have been looked up.
    pub(crate) fn unknown(&self, symbols: &Symbols) -> Vec<Symbol> {
        market_view::unknown(&self.tape, &self.remembered, symbols)
    }

    pub(crate) fn feed_statuses(&self) -> Vec<FeedStatus> {
        let mut statuses = (self.feeds)();
        statuses.extend(self.archive.as_ref().and_then(Scribe::feed_status));
        statuses
    }

    /// How each feed is doing, and what it has passed over.
    pub(crate) fn feed_counts(&self) -> Vec<(FeedStatus, Skipped)> {
        let skipped = (self.skipped)();
        let skipped = skipped
            .into_iter()
            .chain(std::iter::repeat(Skipped::default()));
        self.feed_statuses().into_iter().zip(skipped).collect()
    }
}
