use market::{Clock, FeedState, FeedStatus, Millis, Quality, Tick};
use tokio::{sync::watch, time::Instant};

use std::{sync::atomic::Ordering, time::Duration};

use super::{Publisher, State, skew::Skew};
use crate::arbiter::Standing;
use clock::MAX_AHEAD;

/// How far behind the server's the clock of a source may be. An older message was not sent as new.
const MAX_BEHIND: Millis = 10 * 60_000;

impl Publisher {
    /// Sets the status to degraded, with the reason for a person: there is data, but not as it should be. The next
    /// [`Publisher::live`] ends it. Another feed of the same symbols is primary meanwhile.
    pub fn degraded(&self, reason: impl Into<String>) {
        let mut state = self.state();
        state.live_since.get_or_insert_with(Instant::now);
        let mut sources = self.context.sources();
        sources.record_receipt(self.rank);
        sources.set_standing(self.rank, Standing::Degraded);
        self.show(FeedState::Degraded, Some(reason.into()));
    }

    /// Sets a refusal of the source that affects only a part, such as one symbol of many; `None` when it ends. The feed
    /// is shown as degraded for this reason until its connection ends, and stays primary for the rest.
    pub fn set_partial_entitlement(&self, reason: Option<String>) {
        let mut state = self.state();
        if state.partial_entitlement != reason {
            state.partial_entitlement = reason;
            self.show_amiss(&state);
        }
    }

    /// Checks the source's clock by the time of a message that it sends at once. If the difference is larger than any
    /// delay of a source, the feed is shown as degraded, and the times of receipt replace those of the source. Returns
    /// whether the clock is right.
    pub fn clock(&self, time: Millis) -> bool {
        self.clock_behind(time, 0)
    }

    /// As [`Publisher::clock`], for a source whose data is always late by this much.
    pub fn clock_behind(&self, time: Millis, usual: Millis) -> bool {
        let now = self.now();
        let mut state = self.state();
        let behind = now.saturating_sub(time);
        let reason = if time.saturating_sub(now) > MAX_AHEAD {
            Some(skewed(time - now, "ahead of"))
        } else if behind.saturating_sub(usual) > MAX_BEHIND && usual > 0 {
            Some(format!(
                "the source's data is {} seconds old: expected {} at the most",
                behind / 1_000,
                (usual + MAX_BEHIND) / 1_000
            ))
        } else if behind > MAX_BEHIND && usual == 0 {
            Some(skewed(behind, "behind"))
        } else {
            None
        };
        let is_right = reason.is_none();
        self.skew(&mut state, reason, true);
        is_right
    }

    /// The tick with a credible time.
    pub(super) fn timed(&self, state: &mut State, tick: Tick) -> Tick {
        let session = state.sessions.get(&tick.symbol);
        let is_of_now = session.is_some_and(|session| session.quality == Quality::Live);
        if tick.clock != Clock::Exchange || !is_of_now {
            return tick;
        }
        let now = self.now();
        let ahead = tick.time.saturating_sub(now);
        if ahead > MAX_AHEAD {
            self.skew(state, Some(skewed(ahead, "ahead of")), false);
        } else if state.skew.as_ref().is_some_and(|skew| !skew.is_reported) {
            self.skew(state, None, false);
        }
        match state.skew {
            Some(_) => Tick {
                time: now,
                clock: Clock::Receipt,
                ..tick
            },
            None => tick,
        }
    }

    pub(super) fn skew(&self, state: &mut State, reason: Option<String>, is_reported: bool) {
        let changed = reason.is_some() != state.skew.is_some();
        // The difference is not reported again with each message.
        if changed {
            state.skew = reason.map(|reason| Skew {
                reason,
                is_reported,
            });
            self.show_amiss(state);
        }
    }

    /// Sets the status to live. Call it for every frame; it is cheap when nothing changes.
    pub fn live(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
        let mut state = self.state();
        let mut sources = self.context.sources();
        sources.record_receipt(self.rank);
        // If all clocks are off, the server's is wrong, and the first feed stays primary.
        sources.set_standing(
            self.rank,
            match state.skew {
                Some(_) => Standing::Degraded,
                None => Standing::Good,
            },
        );
        drop(sources);
        if state.live_since.is_none() {
            state.live_since = Some(Instant::now());
            tracing::info!(feed = self.name(), "live");
        }
        self.show_amiss(&state);
    }

    /// Shows what degrades a live source, or that nothing does.
    pub(super) fn show_amiss(&self, state: &State) {
        if state.live_since.is_none() {
            return;
        }
        match state.amiss() {
            Some(reason) => self.show(FeedState::Degraded, Some(reason)),
            None => self.show(FeedState::Live, None),
        }
    }

    /// Records that the source has sent something, if only an answer to a ping. [`Publisher::live`] includes it.
    pub fn record_receipt(&self) {
        self.context.sources().record_receipt(self.rank);
    }

    /// Sets how often the source sends something when all is well. A feed that receives nothing for twice that, and for
    /// five seconds at least, gives way to the next one of its symbols.
    pub fn expect_every(&self, interval: Duration) {
        self.context.sources().expect_every(self.rank, interval);
    }

    /// Whether the source has ever been well, on any connection.
    pub fn has_worked(&self) -> bool {
        self.has_worked.load(Ordering::Relaxed)
    }

    /// The status of the feed, and every change of it.
    pub fn status(&self) -> watch::Receiver<FeedStatus> {
        self.status.subscribe()
    }

    /// A connection is established: the first one, one after another that broke off, or one that replaces another
    /// without a break.
    pub(crate) fn begin(&self, renewal: bool) {
        self.state().partial_entitlement = None;
        self.context
            .sources()
            .begin(self.rank, self.context.now(), renewal);
    }

    /// The connection has ended, with the reason.
    pub(crate) fn end(&self, state: FeedState, detail: Option<String>) {
        let mut inner = self.state();
        (inner.live_since, inner.partial_entitlement, inner.skew) = (None, None, None);
        self.context
            .sources()
            .set_standing(self.rank, Standing::Away);
        self.show(state, detail);
    }

    pub(super) fn show(&self, state: FeedState, detail: Option<String>) {
        self.status.send_if_modified(|status| {
            let changed = (status.state, &status.detail) != (state, &detail);
            (status.state, status.detail) = (state, detail);
            changed
        });
    }

    /// The time since which the source has been live without a break.
    pub(crate) fn live_since(&self) -> Option<Instant> {
        self.state().live_since
    }
}

impl State {
    /// What degrades a live source.
    fn amiss(&self) -> Option<String> {
        let skew = self.skew.as_ref().map(|skew| skew.reason.as_str());
        match (self.partial_entitlement.as_deref(), skew) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (Some(lack), Some(skew)) => Some(format!("{lack}; {skew}")),
        }
    }
}

fn skewed(off: Millis, way: &str) -> String {
    format!(
        "the source's clock is {} seconds {way} ours; the times of receipt stand in for its own",
        off / 1_000
    )
}
