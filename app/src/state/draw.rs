//! Copies changes into the signals that the page is drawn from.

use market::{Quote, Symbol};

use crate::{
    lean::sorted::SortedSet,
    news::list::NewsList,
    state::{
        dashboard::{Dashboard, Held},
        market::MarketState,
        ticker::Ticker,
    },
};

impl Dashboard {
    /// Changes the stories and draws them, also while the page is paused: the person asked for it.
    pub(crate) fn with_news<R>(&self, act: impl FnOnce(&mut NewsList) -> R) -> Option<R> {
        let done = self.state.try_update_value(|state| state.act_on_news(act));
        if self.pause.is_still() {
            self.state.with_value(|state| self.draw_news(state));
        }
        self.draw_changes();
        done
    }

    /// Reads the stories.
    pub(crate) fn read_news<R>(&self, read: impl FnOnce(&NewsList) -> R) -> R {
        self.state.with_value(|state| read(&state.news))
    }

    fn draw_news(&self, state: &MarketState) {
        self.news.stories.set(state.news.shown());
        self.news.known.set(state.news.known());
        self.news.waiting.set(state.news.waiting());
    }

    /// Pauses or resumes the page.
    pub(crate) fn set_paused(&self, paused: bool) {
        // Events received until now are drawn before the pause.
        self.draw_changes();
        self.pause.glimpse.set(());
        self.pause.paused.set(paused);
        self.go_on();
    }

    /// Records whether the page is hidden.
    pub(crate) fn set_hidden(&self, hidden: bool) {
        if self.pause.set_hidden(hidden) {
            self.go_on();
        }
    }

    /// Draws pending changes, unless the page is still paused or hidden.
    fn go_on(&self) {
        if !self.pause.is_still() {
            if self.pause.end() {
                self.draw_chart();
            }
            self.draw_changes();
            self.draw_held();
        }
    }

    /// Shows the open symbol as of now, also while the page is paused.
    pub(crate) fn open_as_of_now(&self) {
        self.pause.ask_for_chart();
        self.draw_chart();
        if let Some(symbol) = self.market.open.get_untracked()
            && self.pause.is_paused()
        {
            self.state
                .with_value(|state| self.draw_instruments(state, &SortedSet::from_iter([symbol])));
        }
    }

    /// Reads the quote for the title: the newest, also while the page is hidden.
    pub(crate) fn with_newest_quote<R>(
        &self,
        ticker: Ticker,
        read: impl FnOnce(Option<&Quote>) -> R,
    ) -> R {
        if self.pause.is_hidden() && !self.pause.is_paused() {
            return self.state.with_value(|state| {
                let instrument = state.instruments.get(&ticker.symbol);
                read(instrument.and_then(|instrument| instrument.quote.as_ref()))
            });
        }
        ticker.quote.with_untracked(|quote| read(quote.as_ref()))
    }

    /// Copies changes into the signals, unless the page is paused or hidden.
    pub(crate) fn draw_changes(&self) {
        if self.pause.is_still() {
            return;
        }
        let Some(mut changes) = self.state.try_update_value(MarketState::take_changes) else {
            return;
        };
        if self.person.preferences.is_slow() {
            self.hold(|held| {
                held.instruments
                    .extend(std::mem::take(&mut changes.instruments))
            });
        }
        self.state.with_value(|state| {
            self.draw_instruments(state, &changes.instruments);
            if changes.watchlist {
                self.market.watchlist.set(state.watchlist.clone());
            }
            if changes.news {
                self.draw_news(state);
            }
            if changes.feeds {
                self.market.feeds.set(state.feeds.clone());
            }
        });
        self.pending
            .announcements
            .update_value(|announcements| announcements.add_headlines(changes.headlines));
        self.pending
            .stale_sparklines
            .update_value(|stale| stale.extend(changes.instruments));
    }

    fn hold(&self, what: impl FnOnce(&mut Held)) {
        self.pending.held.update_value(what);
    }

    /// Schedules the chart for the next second.
    pub(crate) fn hold_chart(&self) {
        self.hold(|held| held.chart = true);
    }

    /// Draws what waited for the next second.
    pub(super) fn draw_held(&self) {
        let held = self.pending.held.try_update_value(std::mem::take);
        let Held { instruments, chart } = held.unwrap_or_default();
        self.state
            .with_value(|state| self.draw_instruments(state, &instruments));
        self.pending
            .stale_sparklines
            .update_value(|stale| stale.extend(instruments));
        if chart {
            self.draw_chart();
        }
    }

    fn draw_instruments(&self, state: &MarketState, changed: &SortedSet<Symbol>) {
        let mut others = Vec::new();
        for symbol in changed {
            let instrument = state.instruments.get(symbol);
            let ticker = self
                .market
                .tickers
                .with_untracked(|tickers| tickers.get(symbol).copied());
            match (instrument, ticker) {
                (Some(instrument), Some(ticker)) => {
                    ticker.quote.set(instrument.quote.clone());
                    if ticker
                        .session
                        .with_untracked(|old| *old != instrument.session)
                    {
                        ticker.session.set(instrument.session.clone());
                        if self.market.open.get_untracked() == Some(*symbol) {
                            self.set_chart_digits(Some(instrument));
                        }
                    }
                }
                (None, None) => {}
                (instrument, _) => {
                    others.push((*symbol, instrument.map(|it| Ticker::new(*symbol, it))));
                }
            }
        }
        if others.is_empty() {
            return;
        }
        self.market.tickers.update(|tickers| {
            for (symbol, ticker) in others {
                match ticker {
                    Some(ticker) => tickers.insert(symbol, ticker),
                    None => tickers.remove(&symbol),
                };
            }
        });
    }
}
