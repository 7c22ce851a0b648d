use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use market::{Millis, Quote, Session, Symbol, Trade};

/// Where the feeds of before left their symbols: each is taken up by the feed that spoke of it, once.
#[derive(Debug, Default)]
pub struct ResumeStates {
    left: Mutex<HashMap<Symbol, ResumeState>>,
    told: Vec<HighWaterMark>,
}

/// How far a symbol was told, whoever told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWaterMark {
    /// Which one.
    pub symbol: Symbol,
    /// The time of its newest quote on the tape.
    pub quote: Millis,
    /// The end of its newest bar on the tape.
    pub bars_until: Millis,
}

/// Where a feed left a symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct ResumeState {
    /// Its session, which says who spoke of it.
    pub session: Session,
    /// Its newest quote.
    pub quote: Quote,
    /// The end of its newest bar on the tape.
    pub closed_until: Millis,
    /// Its trades since then, oldest first, with their exchange times.
    pub trades: Vec<(Millis, Trade)>,
}

impl ResumeStates {
    /// What was left of symbols, and how far each was told.
    pub fn new(left: impl IntoIterator<Item = ResumeState>, told: Vec<HighWaterMark>) -> Self {
        let left = left.into_iter().map(|left| (left.quote.symbol, left));
        ResumeStates {
            left: Mutex::new(left.collect()),
            told,
        }
    }

    /// How far symbols were told.
    pub fn told(&self) -> &[HighWaterMark] {
        &self.told
    }

    /// Takes what a source has left of a symbol.
    pub fn take(&self, symbol: Symbol, source: &str) -> Option<ResumeState> {
        let mut left = self.lock();
        if left.get(&symbol)?.session.source != source {
            return None;
        }
        left.remove(&symbol)
    }

    /// The session and the newest quote of each symbol that a source has left and not taken.
    pub fn of(&self, source: &str) -> Vec<(Session, Quote)> {
        let left = self.lock();
        left.values()
            .filter(|left| left.session.source == source)
            .map(|left| (left.session.clone(), left.quote.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Symbol, ResumeState>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
