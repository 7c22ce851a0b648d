//! How current the page is, updated every second.

use market::Millis;

use crate::{
    live::state::State,
    state::{dashboard::Dashboard, market::MarketState, ticker::line},
};

/// How often the time of the last contact with the server is stored, in milliseconds.
const REACHED_EVERY: Millis = 5_000;

impl Dashboard {
    /// Sets the state of the connection.
    pub(crate) fn set_connection(&self, state: State) {
        let before = self.live.connection.get_untracked();
        // The delay is not visible.
        let is_same = match (before, state) {
            (State::Live { .. }, State::Live { .. }) if self.pause.is_hidden() => true,
            _ => before == state,
        };
        if !is_same {
            self.live.connection.set(state);
        }
    }

    /// Records since when the page has failed to draw received events.
    pub(crate) fn set_behind(&self, since: Option<Millis>) {
        if self.live.behind.get_untracked() != since {
            self.live.behind.set(since);
        }
    }

    /// Whether events or heartbeats arrive, by the stream or by polling.
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.live.connection.get_untracked(),
            State::Live { .. } | State::Polling | State::Crowded { .. }
        )
    }

    /// Updates the page after a second. `silence` is how long nothing was received, in milliseconds.
    pub(crate) fn tick(&self, now: Millis, server_time: Option<Millis>, silence: Millis) {
        #[cfg(target_arch = "wasm32")]
        if self.live.left_out.get_untracked() != crate::browser::json::left_out() {
            self.live.left_out.set(crate::browser::json::left_out());
        }
        if self.pause.is_paused() {
            self.live.silence.set(silence);
            if !self.pause.is_hidden() {
                let waiting = self.state.with_value(MarketState::waiting);
                self.pause.waiting.set(waiting);
            }
            return;
        }
        if self.pause.is_hidden() {
            self.pause.glimpse.set(());
            return;
        }
        if let Some(time) = server_time {
            self.clock.now.set(time);
            self.state.update_value(|state| state.news.set_now(time));
        }
        self.live.silence.set(silence);
        // The page that is shown while the server cannot be reached displays it.
        if self.is_live() && now % REACHED_EVERY < 1_000 {
            let reached = now.saturating_sub(silence);
            self.person.storage.note("heard", &reached.to_string());
        }
        self.draw_held();
        let due = self
            .pending
            .announcements
            .try_update_value(|announcements| announcements.due(now));
        if let Some(text) = due.flatten() {
            self.person.announcement.set(text);
        }
        let stale = self
            .pending
            .stale_sparklines
            .try_update_value(std::mem::take);
        for symbol in stale.unwrap_or_default() {
            let ticker = self
                .market
                .tickers
                .with_untracked(|tickers| tickers.get(&symbol).copied());
            let path = self
                .state
                .with_value(|state| state.instruments.get(&symbol).map(line));
            if let (Some(ticker), Some(path)) = (ticker, path)
                && ticker.sparkline.with_untracked(|old| *old != path)
            {
                ticker.sparkline.set(path);
            }
        }
    }
}
