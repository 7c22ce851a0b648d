use market::{Day, Quality, Session, Symbol};

use super::{Publisher, State};
use crate::arbiter::SourceStates;
use directory::Listing;

impl Publisher {
    /// Publishes a session, unless it changes nothing or another feed is primary for its symbol. Its state is what the calendar of its venue and the halts of all feeds make of it: see
    /// [`Sessions`](sessions::Sessions). The directory of symbols learns of it in any case.
    pub fn session(&self, mut session: Session) {
        if self.played().is_some() {
            (session.quality, session.source) = (Quality::Replay, self.name().to_owned());
        }
        self.list([Listing {
            symbol: session.symbol,
            name: session.name.clone(),
            venue: session.venue.clone(),
            currency: session.currency.clone(),
            tick: session.tick,
        }]);
        let mut state = self.state();
        state.sessions.insert(session.symbol, session.clone());
        // Held until the session is appended: a feed that takes over meanwhile appends its own after it.
        let mut sources = self.context.sources();
        if sources.presents(self.rank, &session) {
            self.publish_session(session);
        }
    }

    /// Takes that a symbol is halted, whoever quotes it, with the venue's code of the reason (`T1`,
    /// `LUDP`). A market-wide halt (`MWC1` to `MWC3`) stops all US stocks. To say it again is no
    /// change. While a recording is played, nothing is halted but what is played.
    pub fn halt(&self, symbol: Symbol, code: &str) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            // What was halted once is not halted now.
            true => context
                .sessions
                .halt_played(&context.tape, now, symbol, code),
            false => context.sessions.halt(&context.tape, now, symbol, code),
        }
    }

    /// Takes that a symbol is traded again; where its halt was market-wide, all are.
    pub fn resume(&self, symbol: Symbol) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context.sessions.resume_played(&context.tape, now, symbol),
            false => context.sessions.resume(&context.tape, now, symbol),
        }
    }

    /// Takes that all US stocks are halted, with the code of the reason (`MWC1` to `MWC3`); while a
    /// recording is played, those of the recording.
    pub fn halt_market(&self, code: &str) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context
                .sessions
                .halt_market_played(&context.tape, now, code),
            false => context.sessions.halt_market(&context.tape, now, code),
        }
    }

    /// Takes that all US stocks are traded again that [`Publisher::halt_market`] halted.
    pub fn resume_market(&self) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context.sessions.resume_market_played(&context.tape, now),
            false => context.sessions.resume_market(&context.tape, now),
        }
    }

    /// Adds to the directory of symbols what the source lists.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        self.context.directory.list(listings);
    }

    /// What is known of a symbol from any source that lists some.
    pub fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.context.directory.get(symbol)
    }

    pub(super) fn references(
        &self,
        state: &mut State,
        sources: &mut SourceStates,
        symbol: Symbol,
        day: &Day,
    ) {
        let Some(session) = state.sessions.get_mut(&symbol) else {
            return;
        };
        let open = day.open.or(session.open);
        let prev_close = day.prev_close.or(session.prev_close);
        if (open, prev_close) != (session.open, session.prev_close) {
            (session.open, session.prev_close) = (open, prev_close);
            if sources.presents(self.rank, session) {
                self.publish_session(session.clone());
            }
        }
    }

    pub(super) fn publish_session(&self, session: Session) {
        let context = &self.context;
        context
            .sessions
            .receive(&context.tape, context.now(), session);
    }
}
