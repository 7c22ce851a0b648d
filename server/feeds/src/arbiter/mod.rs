use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Bar, Millis, Price, Session, Symbol};
use tokio::time::Instant;

use crate::HighWaterMark;
use clock::MAX_AHEAD;

/// How long a feed may receive nothing before the next one takes over.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// How long a bar that lacks its beginning waits for a whole one of another feed. Boards close the same minute within
/// [`market::Board::GRACE`] and the difference between the clocks of two exchanges.
const WHOLE: Duration = Duration::from_secs(5);

/// The most bars of one symbol that are held of a standby feed: the one that closes while the next primary feed is
/// chosen, and the one before.
const MAX_HELD: usize = 2;

/// Chooses the primary feed of each symbol that several feeds quote.
///
/// A feed is a candidate when it is connected and has received data of the symbol since the connection began. Of the
/// candidates that received anything within [`SILENCE`] the first one is primary, in the order in which they were
/// configured, and a degraded one only if there is no other. If none receives anything, nothing changes.
#[derive(Debug, Default)]
pub(crate) struct SourceArbiter {
    // A std mutex: it is held for the moment of one tick and never across an await. A publisher takes it while it
    // holds its own lock, never the other way around. It is held while the result is appended, so that the tape has
    // the events in the order of the decisions.
    states: Mutex<SourceStates>,
}

/// All feeds, in the order in which they were configured, and what has been published for each symbol.
#[derive(Debug, Default)]
pub(crate) struct SourceStates {
    sources: Vec<Source>,
    symbols: BTreeMap<Symbol, SymbolState>,
}

#[derive(Debug)]
struct Source {
    standing: Standing,
    /// When it last received anything.
    last_receipt: Instant,
    /// How long it may receive nothing: [`SILENCE`], or longer if it receives less often.
    silence: Duration,
    /// The time of receipt at which the connection began: no bar before it is whole.
    since: Millis,
    /// The symbols of which it has received data since then.
    symbols: BTreeSet<Symbol>,
}

/// The state of a feed, as far as it matters for the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// There is no connection.
    Away,
    /// It is connected and degraded.
    Degraded,
    /// It is connected and live.
    Good,
}

/// What has been published for a symbol.
#[derive(Debug, Default)]
struct SymbolState {
    primary: Option<usize>,
    /// The session that was published last, and its feed.
    session: Option<(usize, Session)>,
    /// The time of the newest quote that was published.
    time: Millis,
    /// The end of the newest bar that was published.
    bars_until: Millis,
    /// Bars that standby feeds closed, oldest first.
    held: Vec<Held>,
    /// The primary feed's own bar, which lacks its beginning and waits for a whole one.
    waiting: Option<(Bar, Instant)>,
}

/// A bar of a standby feed.
#[derive(Debug)]
struct Held {
    rank: usize,
    bar: Bar,
    since: Instant,
}

/// The role of a feed for a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It publishes.
    Primary,
    /// It publishes from now on, and its session first.
    Promoted,
    /// Another feed publishes.
    Standby,
}

impl SourceArbiter {
    /// Whether the lock is held.
    #[cfg(test)]
    pub(crate) fn is_locked(&self) -> bool {
        self.states.try_lock().is_err()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, SourceStates> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceStates {
    /// Restores what was published before a restart. A time further ahead than a feed's may be comes from another
    /// publisher, or from before a clock was set back: it would hold up all feeds.
    pub(crate) fn restore(&mut self, marks: &[HighWaterMark], now: Millis) {
        let latest = now.saturating_add(MAX_AHEAD);
        let sane = |time: Millis| if time <= latest { time } else { 0 };
        for mark in marks {
            let state = self.symbol_state(mark.symbol);
            state.time = sane(mark.quote);
            state.bars_until = sane(mark.bars_until);
        }
    }

    /// The clock was set back: what was published while it was ahead holds up nothing that comes now. No minute up to
    /// this one is published again.
    pub(crate) fn set_back(&mut self, now: Millis) {
        let latest = now.saturating_add(MAX_AHEAD);
        let published = now - now % Bar::INTERVAL + Bar::INTERVAL;
        for state in self.symbols.values_mut() {
            if state.time > latest {
                state.time = 0;
            }
            if state.bars_until > latest {
                state.bars_until = published;
            }
            state.held.retain(|held| held.bar.start <= latest);
            state.waiting.take_if(|(bar, _)| bar.start > latest);
        }
        for source in &mut self.sources {
            source.since = source.since.min(now);
        }
    }

    /// Adds a feed behind all others, and returns its rank.
    pub(crate) fn add(&mut self, now: Millis) -> usize {
        self.sources.push(Source {
            standing: Standing::Good,
            last_receipt: Instant::now(),
            silence: SILENCE,
            since: now,
            symbols: BTreeSet::new(),
        });
        self.sources.len() - 1
    }

    /// A connection begins. One that replaces another without a break inherits its symbols.
    pub(crate) fn begin(&mut self, rank: usize, now: Millis, renewal: bool) {
        let source = &mut self.sources[rank];
        source.since = now;
        if !renewal {
            source.standing = Standing::Good;
            source.symbols.clear();
        }
    }

    pub(crate) fn set_standing(&mut self, rank: usize, standing: Standing) {
        self.sources[rank].standing = standing;
    }

    /// Sets how often a feed receives something when all is well.
    pub(crate) fn expect_every(&mut self, rank: usize, interval: Duration) {
        self.sources[rank].silence = SILENCE.max(interval.saturating_mul(2));
    }

    pub(crate) fn record_receipt(&mut self, rank: usize) {
        self.sources[rank].last_receipt = Instant::now();
    }

    /// Records that a feed has data of a symbol, and returns its role for the symbol.
    pub(crate) fn record_data(&mut self, rank: usize, symbol: Symbol) -> Role {
        let source = &mut self.sources[rank];
        source.last_receipt = Instant::now();
        source.symbols.insert(symbol);
        self.role(rank, symbol)
    }

    /// The role of a feed for a symbol. If it is promoted, it is the primary feed from now on.
    pub(crate) fn role(&mut self, rank: usize, symbol: Symbol) -> Role {
        let primary = self.primary(symbol);
        let chosen = self.chosen(symbol, primary);
        match (chosen == Some(rank), primary == Some(rank)) {
            // The chosen feed has not been promoted yet; until then the old one continues.
            (_, true) => Role::Primary,
            (false, false) => Role::Standby,
            (true, false) => {
                self.symbol_state(symbol).primary = Some(rank);
                Role::Promoted
            }
        }
    }

    /// Whether a feed is the primary one of a symbol now.
    pub(crate) fn is_primary(&self, rank: usize, symbol: Symbol) -> bool {
        self.primary(symbol) == Some(rank)
    }

    /// The symbols for which a feed is to become primary, without data of its own right now.
    pub(crate) fn due(&self, rank: usize) -> Vec<Symbol> {
        let symbols = self.sources[rank].symbols.iter().copied();
        symbols
            .filter(|&symbol| {
                let primary = self.primary(symbol);
                primary != Some(rank) && self.chosen(symbol, primary) == Some(rank)
            })
            .collect()
    }

    /// Whether a symbol has a primary feed.
    pub(crate) fn has_primary(&self, symbol: Symbol) -> bool {
        self.primary(symbol).is_some()
    }

    fn primary(&self, symbol: Symbol) -> Option<usize> {
        self.symbols.get(&symbol).and_then(|state| state.primary)
    }

    fn chosen(&self, symbol: Symbol, primary: Option<usize>) -> Option<usize> {
        let present = |rank: &usize| self.is_present(*rank, symbol);
        let ranks = || (0..self.sources.len()).filter(present);
        let fresh = |rank: &usize| self.sources[*rank].is_fresh();
        let good = |rank: &usize| self.sources[*rank].standing == Standing::Good;
        ranks()
            .find(|rank| fresh(rank) && good(rank))
            .or_else(|| ranks().find(fresh))
            .or_else(|| primary.filter(present))
            .or_else(|| ranks().next())
    }

    fn is_present(&self, rank: usize, symbol: Symbol) -> bool {
        let source = &self.sources[rank];
        source.standing != Standing::Away && source.symbols.contains(&symbol)
    }

    fn symbol_state(&mut self, symbol: Symbol) -> &mut SymbolState {
        self.symbols.entry(symbol).or_default()
    }

    /// Whether a feed's session is to be published: that of the primary feed is, and while there is none, that of the
    /// first feed with one.
    pub(crate) fn presents(&mut self, rank: usize, session: &Session) -> bool {
        let state = self.symbol_state(session.symbol);
        let current = state.session.as_ref().map(|(rank, _)| *rank);
        let first = state.primary.or(current).is_none_or(|other| rank <= other);
        let presents = state.primary.map_or(first, |primary| primary == rank);
        if presents {
            state.session = Some((rank, session.clone()));
        }
        presents
    }

    /// The session that a promoted feed publishes: its own, with the missing fields of the previous one; or the
    /// previous one under the feed's name. `None` if that has been published.
    pub(crate) fn introduction(
        &mut self,
        rank: usize,
        symbol: Symbol,
        own: Option<&Session>,
        name: &str,
    ) -> Option<Session> {
        let state = self.symbol_state(symbol);
        let before = state.session.as_ref().map(|(_, session)| session);
        let session = match (own, before) {
            (Some(own), Some(before)) => {
                let mut session = own.clone();
                // Figures of another venue in another currency would be wrong.
                if session.currency == before.currency {
                    let known = |own: Option<Price>, before| own.or(before);
                    session.open = known(session.open, before.open);
                    session.prev_close = known(session.prev_close, before.prev_close);
                    session.tick = known(session.tick, before.tick);
                }
                session
            }
            (Some(own), None) => own.clone(),
            (None, Some(before)) => Session {
                source: name.to_owned(),
                ..before.clone()
            },
            (None, None) => return None,
        };
        if matches!(&state.session, Some((published, before)) if *published == rank && *before == session)
        {
            return None;
        }
        state.session = Some((rank, session.clone()));
        Some(session)
    }

    /// Whether a quote of this time may be published, and if so the time up to which the symbol is then published: no
    /// quote goes back in time.
    pub(crate) fn advance_if_newer(&mut self, symbol: Symbol, time: Millis) -> bool {
        let state = self.symbol_state(symbol);
        let is_newer = time >= state.time;
        if is_newer {
            state.time = time;
        }
        is_newer
    }

    /// Takes a bar that a feed's board has closed. Returns the bars that are to be published now.
    pub(crate) fn close(&mut self, rank: usize, bar: Bar) -> Vec<Bar> {
        let (symbol, start) = (bar.symbol, bar.start);
        let sources = &self.sources;
        let is_whole = |rank: usize| sources[rank].since <= start;
        let will_have_whole = (0..sources.len()).any(|other| {
            let fresh = sources[other].is_fresh();
            other != rank && is_whole(other) && self.is_present(other, symbol) && fresh
        });
        let state = self.symbols.entry(symbol).or_default();
        if start < state.bars_until {
            return Vec::new();
        }
        let is_primary = state.primary == Some(rank);
        let primary_is_whole = state.primary.is_some_and(is_whole);
        if !is_primary && (primary_is_whole || !is_whole(rank)) {
            state.hold(rank, bar);
            return Vec::new();
        }
        let waiting = state.waiting.take().map(|(waiting, _)| waiting);
        let (same, mut published): (Vec<Bar>, Vec<Bar>) = waiting
            .into_iter()
            .partition(|waiting| waiting.start == start);
        let has_whole = |held: &Held| held.bar.start == start && is_whole(held.rank);
        if is_whole(rank) {
            published.push(bar);
        } else if let Some(held) = state.held.iter().position(has_whole) {
            published.push(state.held.remove(held).bar);
        } else if will_have_whole {
            state.waiting = Some((bar, Instant::now()));
        } else {
            // The bar of the previous primary feed has more of the minute.
            published.push(same.into_iter().next().unwrap_or(bar));
        }
        state.record_published(&published);
        published
    }

    /// The bars that a promoted feed is to publish: those that it closed as a standby and that the primary feed did not
    /// close.
    pub(crate) fn inherit(&mut self, rank: usize, symbol: Symbol) -> Vec<Bar> {
        let since = self.sources[rank].since;
        let state = self.symbol_state(symbol);
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(&mut state.held)
            .into_iter()
            .partition(|held| held.rank == rank);
        state.held = others;
        let own = own.into_iter().map(|held: Held| held.bar);
        let mut published: BTreeMap<Millis, Bar> = own.map(|bar| (bar.start, bar)).collect();
        // A bar that waits for a whole one continues to wait if the feed will close one itself.
        let is_published = |start| since <= start || published.contains_key(&start);
        if let Some((waiting, _)) = state.waiting.take_if(|(bar, _)| !is_published(bar.start)) {
            published.insert(waiting.start, waiting);
        }
        let published: Vec<Bar> = published.into_values().collect();
        state.record_published(&published);
        published
    }

    /// The bars that have waited long enough for a whole one of another feed.
    pub(crate) fn overdue(&mut self) -> Vec<Bar> {
        let mut published = Vec::new();
        for state in self.symbols.values_mut() {
            let waiting = state
                .waiting
                .take_if(|(_, since)| since.elapsed() >= WHOLE)
                .map(|(bar, _)| bar);
            // The primary feed was not there for the whole minute, and did not close it.
            let missed = |held: &Held| {
                let primary = state.primary.map(|primary| &self.sources[primary]);
                held.since.elapsed() >= WHOLE
                    && primary.is_some_and(|primary| primary.since > held.bar.start)
            };
            let held = state.held.iter().position(missed);
            let held = held.map(|held| state.held.remove(held).bar);
            let mut late: Vec<Bar> = waiting.into_iter().chain(held).collect();
            late.sort_by_key(|bar| bar.start);
            late.dedup_by_key(|bar| bar.start);
            state.record_published(&late);
            published.extend(late);
        }
        published
    }
}

impl Source {
    fn is_fresh(&self) -> bool {
        self.last_receipt.elapsed() <= self.silence
    }
}

impl SymbolState {
    fn hold(&mut self, rank: usize, bar: Bar) {
        let own = |held: &Held| held.rank == rank;
        if self.held.iter().filter(|held| own(held)).count() >= MAX_HELD
            && let Some(oldest) = self.held.iter().position(own)
        {
            self.held.remove(oldest);
        }
        let since = Instant::now();
        self.held.push(Held { rank, bar, since });
    }

    /// No bar is published twice: bars of the same minutes that are held are dropped.
    fn record_published(&mut self, bars: &[Bar]) {
        for bar in bars {
            self.bars_until = self.bars_until.max(bar.start + Bar::INTERVAL);
        }
        let until = self.bars_until;
        self.waiting.take_if(|(bar, _)| bar.start < until);
        self.held.retain(|held| held.bar.start >= until);
    }
}

#[cfg(test)]
mod tests;
