mod counts;
mod health;
mod past;
mod skew;
mod stories;
mod trading;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use archive::Print;
use market::{
    Bar, Board, Correction, CorrectionOutcome, Event, FeedState, FeedStatus, Millis, Minute,
    Quality, Quote, Session, Symbol, Tick,
};
use tokio::{sync::watch, time::Instant};

use self::skew::Skew;
use crate::{
    FeedContext, Revealed, Secret, SecretError,
    arbiter::{Role, SourceStates},
    kit::wire::{Played, Wire},
};
use clock::MAX_AHEAD;
use events::Draft;
use sessions::Calendar;

/// A feed's side of the tape: what it publishes, and its status.
///
/// If several feeds quote a symbol, one of them is primary and publishes: [`FeedContext`] chooses it. The ticks of the
/// others go only into their own boards.
pub struct Publisher {
    context: FeedContext,
    /// The feed's place in the order of configuration.
    rank: usize,
    status: watch::Sender<FeedStatus>,
    /// The feed's name, under which its trades are archived, too.
    name: Arc<str>,
    // A std mutex: it is held for a few microseconds and never across an await. It also gives a feed's events on the
    // tape the order in which the board received them.
    state: Mutex<State>,
    ignored: AtomicU64,
    wrong: AtomicU64,
    gaps: AtomicU64,
    held: AtomicU64,
    duplicates: AtomicU64,
    mended: AtomicU64,
    /// How much of the source's data has been parsed.
    understood: AtomicU64,
    /// Whether the source has ever been well.
    has_worked: AtomicBool,
    /// The recording that replaces the feed's connections, if there is one.
    played: RwLock<Option<Arc<Played>>>,
}

#[derive(Default)]
struct State {
    board: Board,
    sessions: BTreeMap<Symbol, Session>,
    /// When the next day of a symbol begins, if it has days.
    next_days: BTreeMap<Symbol, Millis>,
    live_since: Option<Instant>,
    /// A refusal of the source that affects only a part.
    partial_entitlement: Option<String>,
    skew: Option<Skew>,
    /// The latest time of receipt.
    latest: Millis,
}

impl State {
    /// Begins a new day of a stock when its exchanges do. Symbols that trade round the clock have no days, and
    /// simulated or replayed ones have their own.
    fn begin_day(&mut self, tick: &Tick) {
        let before = self.next_days.get(&tick.symbol).copied();
        if before.is_some_and(|next| tick.time < next) {
            return;
        }
        let Some(session) = self.sessions.get(&tick.symbol) else {
            return;
        };
        let is_of_now = matches!(session.quality, Quality::Live | Quality::Delayed);
        let next = match Calendar::of(session.venue.as_deref()) {
            calendar @ Calendar::UsStocks if is_of_now => calendar.next_day(tick.time),
            _ => None,
        };
        self.next_days
            .insert(tick.symbol, next.unwrap_or(Millis::MAX));
        if before.is_some() {
            self.board.begin_day(tick.symbol);
        }
    }
}

impl Publisher {
    /// A publisher of the feed with that name. It ranks after all earlier ones of the same context.
    pub fn new(context: FeedContext, name: &str) -> Self {
        let status = FeedStatus {
            name: name.to_owned(),
            state: FeedState::Connecting,
            detail: None,
        };
        let rank = context.sources().add(context.now());
        Publisher {
            context,
            rank,
            status: watch::Sender::new(status),
            name: name.into(),
            state: Mutex::default(),
            ignored: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            held: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            mended: AtomicU64::new(0),
            understood: AtomicU64::new(0),
            has_worked: AtomicBool::new(false),
            played: RwLock::default(),
        }
    }

    /// The time of receipt, now. While a recording is played it is that of the recording.
    pub fn now(&self) -> Millis {
        match self.played() {
            Some(played) => played.now(),
            None => self.context.now(),
        }
    }

    /// The value of a secret. While a recording is played no source needs it.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub fn reveal(&self, secret: &Secret) -> Result<Revealed, SecretError> {
        match self.played() {
            Some(_) => Ok(Revealed::nothing()),
            None => secret.read(),
        }
    }

    /// Waits before the next request to a source. While a recording is played there is nothing to wait for.
    pub async fn rest(&self, time: Duration) {
        match self.played() {
            Some(_) => tokio::task::yield_now().await,
            None => tokio::time::sleep(time).await,
        }
    }

    /// Whether a recording is played.
    pub fn is_played(&self) -> bool {
        self.played().is_some()
    }

    /// A recording replaces the feed's connections from now on.
    pub(crate) fn play(&self, played: Arc<Played>) {
        *self.played.write().unwrap_or_else(PoisonError::into_inner) = Some(played);
    }

    /// The origin of what the feed receives.
    pub(crate) fn wire(&self) -> Wire {
        match self.played() {
            Some(played) => Wire::Played(played),
            None => Wire::Live(self.context.recorder.clone()),
        }
    }

    fn played(&self) -> Option<Arc<Played>> {
        let played = self.played.read().unwrap_or_else(PoisonError::into_inner);
        played.clone()
    }

    /// Takes a tick, and publishes its results if the feed is primary for its symbol: the bars that it closed, then the
    /// quote.
    pub fn tick(&self, tick: &Tick) {
        self.understand();
        let mut state = self.state();
        let mut sources = self.context.sources();
        self.follow_clock(&mut state, &mut sources);
        drop(sources);
        let tick = &self.timed(&mut state, tick.clone());
        let mut sources = self.context.sources();
        let role = self.prepare(&mut state, &mut sources, tick);
        state.begin_day(tick);
        let change = state.board.apply(tick);
        self.close(&mut sources, change.minutes);
        if role != Role::Standby {
            self.publish(&mut sources, tick, change.quote);
        }
    }

    /// Detects that the clock was set back: the times from while it was ahead would hold up everything until they are
    /// reached.
    fn follow_clock(&self, state: &mut State, sources: &mut SourceStates) {
        if self.is_played() {
            return;
        }
        let now = self.context.now();
        if state.latest > now.saturating_add(MAX_AHEAD) {
            tracing::warn!(feed = self.name(), "continues after the clock was set back");
            state.board.set_back(now);
            state.next_days.clear();
            sources.set_back(now);
            state.latest = now;
        }
        state.latest = state.latest.max(now);
    }

    /// Publishes the quote of a tick of the primary feed. No quote goes back in time: if another feed was primary
    /// before, an older quote is held back until its feed has caught up.
    fn publish(&self, sources: &mut SourceStates, tick: &Tick, quote: Quote) {
        if sources.advance_if_newer(quote.symbol, quote.time) {
            self.archive_trade(tick);
            self.append(Event::Quote(quote));
        } else {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Publishes the session of a promoted feed, and the bars that its board closed before.
    fn promote(&self, state: &State, sources: &mut SourceStates, symbol: Symbol) {
        let own = state.sessions.get(&symbol);
        if let Some(session) = sources.introduction(self.rank, symbol, own, self.name()) {
            self.publish_session(session);
        }
        for bar in sources.inherit(self.rank, symbol) {
            self.bar(bar);
        }
    }

    /// Takes minutes that the feed's board has closed, and publishes the bars that are due because of them.
    fn close(&self, sources: &mut SourceStates, minutes: Vec<Minute>) {
        let context = &self.context;
        for minute in minutes {
            match minute.bar() {
                Some(bar) => {
                    let position = context.tape.view(|view| view.position());
                    context.minutes.add(minute, position);
                    for bar in sources.close(self.rank, bar) {
                        self.bar(bar);
                    }
                }
                // It has no bar, and its volume is in longer ones.
                None if sources.is_primary(self.rank, minute.symbol) => {
                    let position = context.tape.view(|view| view.position());
                    if let Some(archive) = &context.archive {
                        archive.minute(minute.clone());
                    }
                    context.minutes.add(minute, position);
                }
                None => {}
            }
        }
    }

    /// Publishes a bar, and archives the sums that it was rendered from first.
    fn bar(&self, bar: Bar) {
        if let Some(archive) = &self.context.archive
            && let Some(minute) = self.context.minutes.exact(&bar)
        {
            archive.minute(minute);
        }
        self.append(Event::Bar(bar));
    }

    /// Takes over the symbols whose primary feed has fallen silent, without waiting for data of this feed. Call it from
    /// time to time.
    pub(crate) fn check_primary(&self) {
        let state = self.state();
        let mut sources = self.context.sources();
        for symbol in sources.due(self.rank) {
            if sources.role(self.rank, symbol) != Role::Promoted {
                continue;
            }
            self.promote(&state, &mut sources, symbol);
            if let Some(quote) = state.board.quote(symbol)
                && sources.advance_if_newer(symbol, quote.time)
            {
                self.append(Event::Quote(quote.clone()));
            }
        }
        for bar in sources.overdue() {
            self.bar(bar);
        }
    }

    /// Cancels or corrects a trade: publishes the corrected quote if it differs. The open bar is corrected with it; a
    /// bar that was published before stays on the tape unchanged, and history corrects it.
    pub fn correct(&self, correction: &Correction) {
        let mut state = self.state();
        let now = self.now();
        let time = match state.skew {
            None if correction.time.saturating_sub(now) <= MAX_AHEAD => correction.time,
            _ => now,
        };
        let correction = &Correction {
            time,
            ..*correction
        };
        let symbol = correction.symbol;
        let mut sources = self.context.sources();
        let is_primary = sources.is_primary(self.rank, symbol);
        // Even of a feed that is primary no longer: it may have published the trade when it was.
        if let Some(archive) = &self.context.archive {
            archive.correct(*correction, Some(Arc::clone(&self.name)));
        }
        let before = state.board.quote(symbol).cloned();
        match state.board.correct(correction) {
            CorrectionOutcome::Whole(quote) | CorrectionOutcome::Quote(quote) => {
                let time = quote.time;
                let is_same = before.is_some_and(|before| Quote { time, ..before } == quote);
                if !is_same && is_primary && sources.advance_if_newer(symbol, time) {
                    self.append(Event::Quote(quote));
                }
            }
            CorrectionOutcome::Unknown => tracing::debug!(
                feed = self.name(),
                %symbol,
                trade = correction.trade,
                "corrects a trade that is not remembered"
            ),
        }
    }

    /// The parts that the feed shares with others.
    #[cfg(test)]
    pub(crate) fn context(&self) -> &FeedContext {
        &self.context
    }

    /// The feed's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Archives a trade, at the time at which its bar has it: that of its receipt if the source gives none or its clock
    /// is wrong.
    fn archive_trade(&self, tick: &Tick) {
        if let Some(archive) = &self.context.archive
            && let Some(trade) = tick.trade
        {
            archive.trade(Print {
                symbol: tick.symbol,
                time: tick.time,
                trade,
                feed: Some(Arc::clone(&self.name)),
            });
        }
    }

    fn append(&self, event: Event) {
        let draft = Draft::new(event);
        self.context
            .tape
            .append_all(self.context.now(), |batch| draft.append(batch));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A feed that panicked under the lock is not run again; its last state may still be read.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("status", &*self.status.borrow())
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
