use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use archive::Print;
use market::{
    Board, Clock, Correction, Day, Event, FeedState, FeedStatus, Mended, Millis, News, Quote,
    Session, Symbol, Tick,
};
use tokio::{sync::watch, time::Instant};

use super::Floor;
use crate::{Draft, Listing, sessions::Calendar, story};

/// A feed's side of the tape: what it publishes, and how it says that it is doing.
pub struct Publisher {
    floor: Floor,
    status: watch::Sender<FeedStatus>,
    // A std mutex: it is held for a few microseconds and never across an await. It also keeps the
    // order of a feed's events on the tape the order in which the board saw them.
    state: Mutex<State>,
    ignored: AtomicU64,
    wrong: AtomicU64,
}

#[derive(Default)]
struct State {
    board: Board,
    sessions: BTreeMap<Symbol, Session>,
    live_since: Option<Instant>,
}

impl Publisher {
    /// A publisher of the feed of that name, which has not spoken yet.
    pub fn new(floor: Floor, name: &str) -> Self {
        let status = FeedStatus {
            name: name.to_owned(),
            state: FeedState::Connecting,
            detail: None,
        };
        Publisher {
            floor,
            status: watch::Sender::new(status),
            state: Mutex::default(),
            ignored: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
        }
    }

    /// The time of receipt, now.
    pub fn now(&self) -> Millis {
        self.floor.now()
    }

    /// Publishes what a tick led to: the bars that it closed, then the quote.
    pub fn tick(&self, tick: &Tick) {
        let mut state = self.state();
        self.references(&mut state, tick.symbol, &tick.day);
        self.take_up(&mut state, tick);
        let change = state.board.apply(tick);
        for bar in change.bars {
            self.append(Event::Bar(bar));
        }
        self.append(Event::Quote(change.quote));
    }

    /// Takes a tick of the past: publishes the bars that it closed, but no quote.
    /// [`Publisher::quotes`] follows when the past is over.
    pub fn past(&self, tick: &Tick) {
        let mut state = self.state();
        self.references(&mut state, tick.symbol, &tick.day);
        self.take_up(&mut state, tick);
        for bar in state.board.apply(tick).bars {
            self.append(Event::Bar(bar));
        }
    }

    /// Takes a trade back or puts it right: publishes the quote as it is without the mistake, where
    /// it makes a difference to it. The bar that is open is put right with it; one that was
    /// published before stays on the tape as it was, and is for history to put right.
    pub fn correct(&self, correction: &Correction) {
        let mut state = self.state();
        if let Some(archive) = &self.floor.archive {
            archive.correct(*correction);
        }
        let before = state.board.quote(correction.symbol).cloned();
        match state.board.correct(correction) {
            Mended::Whole(quote) | Mended::Quote(quote) => {
                let same = before.is_some_and(|before| {
                    Quote {
                        time: quote.time,
                        ..before
                    } == quote
                });
                if !same {
                    self.append(Event::Quote(quote));
                }
            }
            Mended::Unknown => tracing::debug!(
                feed = self.name(),
                symbol = %correction.symbol,
                trade = correction.trade,
                "corrects a trade that is not remembered"
            ),
        }
    }

    /// The session and the newest quote of each symbol that this feed spoke of before a restart, and has
    /// not yet since.
    pub fn left(&self) -> Vec<(Session, Quote)> {
        self.floor.left.of(&self.name())
    }

    /// Publishes the newest quote of every symbol.
    pub fn quotes(&self) {
        let state = self.state();
        for quote in state.board.quotes() {
            self.append(Event::Quote(quote.clone()));
        }
    }

    /// Publishes the bars that are still open, because no more trades will come.
    pub fn finish(&self) {
        for bar in self.state().board.finish() {
            self.append(Event::Bar(bar));
        }
    }

    /// Publishes a session, unless it says what is known already. Its state is what the calendar of
    /// its venue and the halts of all feeds make of it: see [`Sessions`](crate::sessions::Sessions).
    pub fn session(&self, session: Session) {
        let mut state = self.state();
        state.sessions.insert(session.symbol, session.clone());
        self.say(session);
    }

    /// Takes that a symbol is halted, whoever quotes it, with the venue's code of the reason (`T1`,
    /// `LUDP`). A market-wide halt (`MWC1` to `MWC3`) stops all US stocks. To say it again is no
    /// change.
    pub fn halt(&self, symbol: Symbol, code: &str) {
        let floor = &self.floor;
        floor.sessions.halt(&floor.tape, self.now(), symbol, code);
    }

    /// Takes that a symbol is traded again; where its halt was market-wide, all are.
    pub fn resume(&self, symbol: Symbol) {
        let floor = &self.floor;
        floor.sessions.resume(&floor.tape, self.now(), symbol);
    }

    /// Publishes a story, unless it says what is on the tape already.
    pub fn news(&self, news: News) {
        // The lock orders it after the ticks that came before it.
        let _state = self.state();
        let id = news.id.clone();
        let draft = Draft::new(Event::News(news));
        self.floor.tape.append_all(self.now(), |batch| {
            let earlier = story::newest(&batch.view(), &id);
            if let Some(draft) = story::after(draft, earlier) {
                draft.append(batch);
            }
        });
    }

    /// Tells the directory of symbols what the source lists.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        self.floor.directory.list(listings);
    }

    /// Says that the source speaks, but not as it should: with the reason, for a person. The next
    /// [`Publisher::live`] ends it.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.set(FeedState::Degraded, Some(reason.into()));
    }

    /// Says that the source speaks. To be called for every frame; it is cheap when that is known.
    pub fn live(&self) {
        let changed = self.status.send_if_modified(|status| {
            let changed = status.state != FeedState::Live;
            status.state = FeedState::Live;
            status.detail = None;
            changed
        });
        if changed {
            self.state().live_since = Some(Instant::now());
            tracing::info!(feed = self.name(), "live");
        }
    }

    /// Says that something came from the source, if only an answer to a ping. To be called for
    /// whatever comes; [`Publisher::live`] says it too.
    pub fn heard(&self) {}

    /// Counts a frame that says nothing that we listen to.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame that is not what its source promises, and says so in the log: the first
    /// few, then only powers of two, so that a source gone mad does not fill the disk.
    pub fn wrong(&self, why: &dyn fmt::Display) {
        let count = self.wrong.fetch_add(1, Ordering::Relaxed) + 1;
        if count <= 8 || count.is_power_of_two() {
            tracing::warn!(
                feed = self.name(),
                count,
                "skipped what cannot be read: {why}"
            );
        }
    }

    /// What the feed has passed over so far.
    pub fn skipped(&self) -> Skipped {
        Skipped {
            ignored: self.ignored.load(Ordering::Relaxed),
            wrong: self.wrong.load(Ordering::Relaxed),
            late: self.state().board.late(),
        }
    }

    /// How the feed is doing, and every change of it.
    pub fn status(&self) -> watch::Receiver<FeedStatus> {
        self.status.subscribe()
    }

    /// The feed's name.
    pub fn name(&self) -> String {
        self.status.borrow().name.clone()
    }

    pub(super) fn set(&self, state: FeedState, detail: Option<String>) {
        self.state().live_since = None;
        self.status.send_modify(|status| {
            status.state = state;
            status.detail = detail;
        });
    }

    /// Since when the feed has been live without a break.
    pub(super) fn live_since(&self) -> Option<Instant> {
        self.state().live_since
    }

    /// Has the trade archived, and goes on where the feed left the symbol before a restart.
    fn take_up(&self, state: &mut State, tick: &Tick) {
        if let Some(archive) = &self.floor.archive
            && let Some(trade) = tick.trade.filter(|_| tick.clock == Clock::Exchange)
        {
            archive.trade(Print {
                symbol: tick.symbol,
                time: tick.time,
                trade,
            });
        }
        if state.board.quote(tick.symbol).is_some() {
            return;
        }
        let Some(left) = self
            .floor
            .left
            .take(tick.symbol, &self.status.borrow().name)
        else {
            return;
        };
        let mut quote = left.quote;
        let session = state.sessions.get(&tick.symbol);
        let calendar = Calendar::of(session.and_then(|session| session.venue.as_deref()));
        if calendar.trading_day(quote.time) != calendar.trading_day(tick.time) {
            (quote.volume, quote.high, quote.low) = (None, None, None);
        }
        for bar in state.board.take_up(quote, left.closed_until, left.trades) {
            self.append(Event::Bar(bar));
        }
    }

    fn references(&self, state: &mut State, symbol: Symbol, day: &Day) {
        let Some(session) = state.sessions.get_mut(&symbol) else {
            return;
        };
        let open = day.open.or(session.open);
        let prev_close = day.prev_close.or(session.prev_close);
        if (open, prev_close) != (session.open, session.prev_close) {
            (session.open, session.prev_close) = (open, prev_close);
            self.say(session.clone());
        }
    }

    fn say(&self, session: Session) {
        let floor = &self.floor;
        floor.sessions.say(&floor.tape, self.now(), session);
    }

    fn append(&self, event: Event) {
        let draft = Draft::new(event);
        self.floor
            .tape
            .append_all(self.now(), |batch| draft.append(batch));
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

/// What a feed has passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Frames that say nothing that we listen to.
    pub ignored: u64,
    /// Frames that are not what their source promises.
    pub wrong: u64,
    /// Trades that came for a minute that was closed: in the volume, but in no bar.
    pub late: u64,
}
