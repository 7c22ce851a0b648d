use market::{Day, Quality, Session, Symbol};

use super::{Publisher, State};
use crate::arbiter::SourceStates;
use directory::Listing;

impl Publisher {
    /// Publishes a session, unless it changes nothing or another feed is primary for its symbol. The calendar of its
    /// venue and the halts of all feeds determine its state: see [`Sessions`](sessions::Sessions). The directory of
    /// symbols records it in any case.
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

    /// Records a halt of a symbol, whichever feed quotes it, with the venue's code of the reason (`T1`, `LUDP`). A
    /// market-wide halt (`MWC1` to `MWC3`) stops all US stocks. Repeating it changes nothing. While a recording is
    /// played, only replayed symbols are halted.
    pub fn halt(&self, symbol: Symbol, code: &str) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            // A halt in a recording is not one of now.
            true => context
                .sessions
                .halt_played(&context.tape, now, symbol, code),
            false => context.sessions.halt(&context.tape, now, symbol, code),
        }
    }

    /// Ends a halt of a symbol; if the halt was market-wide, it ends for all.
    pub fn resume(&self, symbol: Symbol) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context.sessions.resume_played(&context.tape, now, symbol),
            false => context.sessions.resume(&context.tape, now, symbol),
        }
    }

    /// Records a halt of all US stocks, with the code of the reason (`MWC1` to `MWC3`); while a recording is played, of
    /// the recording's only.
    pub fn halt_market(&self, code: &str) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context
                .sessions
                .halt_market_played(&context.tape, now, code),
            false => context.sessions.halt_market(&context.tape, now, code),
        }
    }

    /// Ends a halt of all US stocks by [`Publisher::halt_market`].
    pub fn resume_market(&self) {
        let (context, now) = (&self.context, self.context.now());
        match self.is_played() {
            true => context.sessions.resume_market_played(&context.tape, now),
            false => context.sessions.resume_market(&context.tape, now),
        }
    }

    /// Adds the source's listings to the directory of symbols.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        self.context.directory.list(listings);
    }

    /// The listing of a symbol from any source.
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
