use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use market::{Millis, Quote, Session, Symbol, Trade};

/// The states of symbols from before a restart: a symbol's primary feed takes its state, once.
#[derive(Debug, Default)]
pub struct ResumeStates {
    states: Mutex<HashMap<Symbol, ResumeState>>,
    marks: Vec<HighWaterMark>,
}

/// How far a symbol was published, by whichever feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWaterMark {
    /// The symbol.
    pub symbol: Symbol,
    /// The time of its newest quote on the tape.
    pub quote: Millis,
    /// The end of its newest bar on the tape.
    pub bars_until: Millis,
}

/// The state of a symbol that a feed resumes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumeState {
    /// Its session, with the feed that published it.
    pub session: Session,
    /// Its newest quote.
    pub quote: Quote,
    /// The end of its newest bar on the tape.
    pub closed_until: Millis,
    /// Its trades since then, oldest first, with their exchange times.
    pub trades: Vec<(Millis, Trade)>,
}

impl ResumeStates {
    /// The states of symbols, and how far each was published.
    pub fn new(states: impl IntoIterator<Item = ResumeState>, marks: Vec<HighWaterMark>) -> Self {
        let states = states.into_iter().map(|state| (state.quote.symbol, state));
        ResumeStates {
            states: Mutex::new(states.collect()),
            marks,
        }
    }

    /// How far symbols were published.
    pub fn marks(&self) -> &[HighWaterMark] {
        &self.marks
    }

    /// Takes the state of a symbol, if a source published it.
    pub fn take(&self, symbol: Symbol, source: &str) -> Option<ResumeState> {
        let mut states = self.lock();
        if states.get(&symbol)?.session.source != source {
            return None;
        }
        states.remove(&symbol)
    }

    /// The session and the newest quote of each symbol that a source published and has not taken.
    pub fn of(&self, source: &str) -> Vec<(Session, Quote)> {
        let states = self.lock();
        states
            .values()
            .filter(|state| state.session.source == source)
            .map(|state| (state.session.clone(), state.quote.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Symbol, ResumeState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
