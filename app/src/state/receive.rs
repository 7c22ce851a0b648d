//! Applies events, and checks alerts.

use market::{Event, EventKind, Millis, News, Symbol};

use crate::state::{
    dashboard::Dashboard,
    market::{ChartChange, Instrument},
};

impl Dashboard {
    /// Applies an event. The chart is updated at once, the numbers with [`Dashboard::draw_changes`].
    pub(crate) fn receive(&self, event: Event) {
        let (mut touched, mut bar) = (None, None);
        match &event {
            Event::Quote(quote) => touched = Some(quote.symbol),
            Event::Session(session) => touched = Some(session.symbol),
            Event::News(news) => self.look_for_alerts_of(std::iter::once(news), 0),
            Event::Snapshot(snapshot) => {
                if let Some(since) = self.person.alerts.wants_news_since() {
                    self.look_for_alerts_of(snapshot.news.iter(), since);
                }
            }
            Event::Bar(closed) => bar = Some(closed.symbol),
            Event::Heartbeat(_) => {}
        }
        let is_snapshot = event.kind() == EventKind::Snapshot;
        let reading = self.news.reading.get_untracked();
        let change = self
            .state
            .try_update_value(|state| state.apply(event, reading));
        let change = change.unwrap_or(ChartChange::None);
        let moves_chart = change != ChartChange::None || bar.is_some();
        if moves_chart && self.pause.lets_chart(false) {
            self.change_chart(change, bar);
        }
        if let Some(symbol) = touched {
            self.look_for_alerts(Some(symbol));
        } else if is_snapshot {
            self.look_for_alerts(None);
        }
    }

    /// Checks alerts for a symbol, or for all symbols.
    pub(crate) fn look_for_alerts(&self, symbol: Option<Symbol>) {
        if self.person.alerts.is_empty() {
            return;
        }
        self.state.with_value(|state| {
            let look = |(symbol, instrument): (&Symbol, &Instrument)| {
                let watched = state.watchlist.contains(symbol);
                self.person.alerts.look(*symbol, instrument, watched);
            };
            match symbol {
                Some(symbol) => {
                    if let Some(instrument) = state.instruments.get(&symbol) {
                        look((&symbol, instrument));
                    }
                }
                None => state.instruments.iter().for_each(look),
            }
        });
    }

    /// Checks alerts for stories that were published after `since`.
    fn look_for_alerts_of<'a>(&self, stories: impl Iterator<Item = &'a News>, since: Millis) {
        self.state.with_value(|state| {
            let is_watched = |symbol: &Symbol| state.watchlist.contains(symbol);
            for news in stories.filter(|news| news.published > since) {
                self.person.alerts.look_at_story(news, is_watched);
            }
        });
    }

    /// Checks alerts for the page's own data, which may have changed while no page was open.
    pub(crate) fn look_for_alerts_at_first(&self) {
        self.look_for_alerts(None);
        if let Some(since) = self.person.alerts.wants_news_since() {
            self.news.stories.with_untracked(|stories| {
                self.look_for_alerts_of(stories.iter().map(|story| &*story.news), since);
            });
        }
    }
}
