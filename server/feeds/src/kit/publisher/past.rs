//! Data of the past, and the state from before a restart.

use market::{Bar, Event, Millis, Quote, Session, Tick};

use super::{Publisher, State};
use crate::arbiter::{Role, SourceStates};
use clock::MAX_AHEAD;
use sessions::Calendar;

impl Publisher {
    /// Takes a tick of the past: publishes the bars that it closed, but no quote. Call [`Publisher::quotes`] after the
    /// last one.
    ///
    /// Bars of minutes that are long over are archived, and their trades are not.
    pub fn past(&self, tick: &Tick) {
        let mut state = self.state();
        let mut sources = self.context.sources();
        let role = self.prepare(&mut state, &mut sources, tick);
        let now = self.now();
        let minute = now - now % Bar::INTERVAL;
        if role != Role::Standby && tick.time >= minute.saturating_sub(Bar::INTERVAL) {
            self.archive_trade(tick);
        }
        let minutes = state.board.apply(tick).minutes;
        self.close(&mut sources, minutes);
    }

    /// The session and the newest quote of each symbol for which this feed was primary before a restart, and of which
    /// it has received no data since.
    pub fn unresumed(&self) -> Vec<(Session, Quote)> {
        self.context.resume.of(self.name())
    }

    /// Publishes the newest quote of every symbol for which the feed is primary.
    pub fn quotes(&self) {
        let state = self.state();
        let mut sources = self.context.sources();
        for quote in state.board.quotes() {
            if sources.is_primary(self.rank, quote.symbol)
                && sources.advance_if_newer(quote.symbol, quote.time)
            {
                self.append(Event::Quote(quote.clone()));
            }
        }
    }

    /// Publishes the bars that are still open, because no more trades will come.
    pub fn finish(&self) {
        let minutes = self.state().board.finish();
        self.close(&mut self.context.sources(), minutes);
    }

    /// Prepares a symbol for a tick of it: its references, its promotion if this feed becomes primary, and its state from
    /// before a restart. Returns the role of this feed.
    pub(super) fn prepare(
        &self,
        state: &mut State,
        sources: &mut SourceStates,
        tick: &Tick,
    ) -> Role {
        let role = sources.record_data(self.rank, tick.symbol);
        self.references(state, sources, tick.symbol, &tick.day);
        if role == Role::Promoted {
            self.promote(state, sources, tick.symbol);
        }
        self.restore(state, sources, tick);
        role
    }

    /// Restores the state of a symbol from before a restart.
    fn restore(&self, state: &mut State, sources: &mut SourceStates, tick: &Tick) {
        if state.board.quote(tick.symbol).is_some() {
            return;
        }
        let Some(left) = self
            .context
            .resume
            .take(tick.symbol, &self.status.borrow().name)
        else {
            return;
        };
        let mut quote = left.quote;
        // State from while the clock was ahead must not hold up what comes now.
        let now = self.now();
        let latest = now.saturating_add(MAX_AHEAD);
        let is_sane = |time: Millis| time <= latest;
        let closed_until = Some(left.closed_until).filter(|until| is_sane(*until));
        let closed_until = closed_until.unwrap_or(now - now % Bar::INTERVAL + Bar::INTERVAL);
        if !is_sane(quote.time) {
            quote.time = now.min(tick.time);
        }
        let trades = left.trades.into_iter().filter(|(time, _)| is_sane(*time));
        let session = state.sessions.get(&tick.symbol);
        let calendar = Calendar::of(session.and_then(|session| session.venue.as_deref()));
        if calendar.trading_day(quote.time) != calendar.trading_day(tick.time) {
            (quote.volume, quote.high, quote.low) = (None, None, None);
        }
        let board = &mut state.board;
        let minutes = board.restore(quote, closed_until, trades);
        self.close(sources, minutes);
    }
}
