mod lookup;
mod traded;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use archive::{Archive, Overlay};
use clock::Now;
use directory::Directory;
use events::{Draft, Minutes, Tape, Topic, View};
use market::{
    Bar, Board, Event, Interval, Millis, Minute, Quality, Quote, Roll, Session, Symbol, Trade,
    TradingState,
};
use tape::EventId;
use tokio_util::sync::CancellationToken;

use self::{
    lookup::{before, calendar, taped},
    traded::traded,
};
use sessions::Sessions;

/// For how many minutes of a symbol it is recorded that their bars were built, so that a published bar replaces them:
/// two hours.
const MAX_BUILT: usize = 120;

/// How many published bars of a symbol are recorded whose minutes have no quote yet.
const MAX_GIVEN: usize = 16;

/// The interval at which minutes that are over are closed although nothing more was published.
const LOOK: Duration = Duration::from_secs(1);

/// Builds bars from published quotes, and gives published symbols sessions and previous closes, as those of feeds have.
///
/// A published quote whose price or cumulative volume differs from that of the previous quote counts as a trade at its
/// price, with the difference of the volumes as its size. A quote without a volume counts as a trade of its size. The
/// volume of the first quote was traded before it. A volume that falls counts in full if another trading day has begun,
/// and otherwise not at all.
///
/// A published bar takes precedence over the built one of its minute, whichever comes first. Symbols that a feed quotes
/// are left to that feed.
pub struct Builder {
    around: Surroundings,
    // A std mutex: it is held while the built events are appended, so that the tape has them in the order of the
    // quotes, and never across an await.
    state: Mutex<BTreeMap<Symbol, Building>>,
}

/// The parts that a builder shares with the feeds.
#[derive(Clone)]
pub struct Surroundings {
    /// The tape.
    pub tape: Tape,
    /// The time of receipt.
    pub clock: Now,
    /// The directory of symbols.
    pub directory: Arc<Directory>,
    /// The state of trading of symbols.
    pub sessions: Arc<Sessions>,
    /// The exact sums of recently closed minutes.
    pub minutes: Arc<Minutes>,
    /// The archive of trades.
    pub archive: Option<Archive>,
    /// Whether a feed quotes a symbol, which is then left to that feed.
    pub is_quoted: Arc<dyn Fn(Symbol) -> bool + Send + Sync>,
}

/// The builder's state of one symbol.
#[derive(Debug, Default)]
struct Building {
    minute: Option<Open>,
    /// The minutes whose bars were built, and those whose bars were published.
    built: VecDeque<Millis>,
    given: VecDeque<Millis>,
}

/// The minute of the newest quote. It stays after it has closed, because more quotes of it may come.
#[derive(Debug)]
struct Open {
    start: Millis,
    roll: Roll,
    /// When its newest quote was received.
    last_quote: Millis,
    /// Its bar on the tape.
    taped: Option<Bar>,
    /// Whether its bar was published.
    given: bool,
}

/// A builder that is locked while a publication is appended.
pub(crate) struct Hold<'a> {
    around: &'a Surroundings,
    state: MutexGuard<'a, BTreeMap<Symbol, Building>>,
    now: Millis,
    /// The symbols of the publication that a feed quotes: determined before the tape is locked.
    fed: BTreeSet<Symbol>,
    /// Sessions as they were published.
    sessions: Vec<Session>,
    /// The symbols of the quotes that were appended.
    quoted: BTreeSet<Symbol>,
    source: &'a str,
}

impl Builder {
    /// A builder for publications beside feeds.
    pub fn new(around: Surroundings) -> Self {
        Builder {
            around,
            state: Mutex::default(),
        }
    }

    /// Closes the minutes that are over although nothing more is published, until `stop` is cancelled. A minute that is
    /// open then continues after a restart.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut interval = tokio::time::interval(LOOK);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            self.close_passed((self.around.clock)());
        }
    }

    fn close_passed(&self, now: Millis) {
        let mut state = self.lock();
        let over = |open: &Open| {
            let end = open.start + Bar::INTERVAL;
            open.taped.is_none() && now.saturating_sub(open.last_quote.max(end)) >= Board::GRACE
        };
        for (symbol, building) in state.iter_mut() {
            if !building.minute.as_ref().is_some_and(over) {
                continue;
            }
            let around = &self.around;
            around.tape.append_all(now, |batch| {
                if let Some(bar) = building.close(around, *symbol, batch.position()) {
                    Draft::new(Event::Bar(bar)).append(batch);
                }
            });
        }
    }

    /// Locks the builder for a publication of `source`.
    pub(crate) fn hold<'a>(&'a self, source: &'a str, now: Millis) -> Hold<'a> {
        Hold {
            around: &self.around,
            state: self.lock(),
            now,
            fed: BTreeSet::new(),
            sessions: Vec::new(),
            quoted: BTreeSet::new(),
            source,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Symbol, Building>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("symbols", &self.lock().len())
            .finish_non_exhaustive()
    }
}

impl Hold<'_> {
    /// The form in which an event is appended, before the tape is locked: a session is completed by its venue's hours,
    /// halts and history.
    pub(crate) fn prepare(&mut self, draft: Draft) -> Draft {
        let symbol = match &**draft.event() {
            Event::Quote(quote) => quote.symbol,
            Event::Session(session) => session.symbol,
            Event::Bar(_) | Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {
                return draft;
            }
        };
        if (self.around.is_quoted)(symbol) {
            self.fed.insert(symbol);
            return draft;
        }
        match &**draft.event() {
            Event::Session(received) => {
                let around = self.around;
                let taped = around.sessions.preview(&around.tape, self.now, received);
                self.sessions.push(received.clone());
                if taped == *received {
                    draft
                } else {
                    Draft::new(Event::Session(taped))
                }
            }
            Event::Quote(quote) if !self.state.contains_key(&quote.symbol) => {
                let minute = self.restored(quote);
                let building = Building {
                    minute,
                    ..Building::default()
                };
                self.state.insert(quote.symbol, building);
                draft
            }
            _ => draft,
        }
    }

    /// The minute of a quote as far as it was built before a restart.
    fn restored(&self, quote: &Quote) -> Option<Open> {
        let around = self.around;
        let archive = around.archive.as_ref()?;
        let (symbol, start) = (quote.symbol, minute(quote.time));
        let taped = around.tape.view(|view| {
            before(view, symbol).filter(|before| minute(before.time) == start)?;
            Some(taped(view, symbol, start))
        })?;
        let end = start + Bar::INTERVAL;
        let stored = archive
            .bars_with(symbol, Interval::Minute, start..end, 1, &Overlay::default())
            .inspect_err(|failure| {
                tracing::warn!(%symbol, %failure, "the minute that was open cannot be read");
            })
            .ok()?
            .pop()?;
        let mut roll = Roll::new();
        roll.add_part(start, &stored.sums);
        Some(Open {
            start,
            roll,
            last_quote: self.now,
            // It was published: a built one would have closed only after the minute.
            given: taped.is_some(),
            taped,
        })
    }

    /// Whether the tape's bar of a minute was built.
    pub(crate) fn is_built(&self, bar: &Bar) -> bool {
        let building = self.state.get(&bar.symbol);
        building.is_some_and(|building| building.built.contains(&bar.start))
    }

    /// Takes an event that is appended after `before`, the tape's newest of the same subject. Returns the bar of the
    /// minute that it ends, which is appended first.
    pub(crate) fn take(
        &mut self,
        event: &Event,
        before: Option<&Event>,
        view: &View<'_>,
        position: EventId,
    ) -> Option<Bar> {
        match event {
            Event::Bar(bar) => {
                self.state.entry(bar.symbol).or_default().give(bar.start);
                None
            }
            Event::Quote(quote) if !self.fed.contains(&quote.symbol) => {
                self.quoted.insert(quote.symbol);
                let before = match before {
                    Some(Event::Quote(before)) => Some(before),
                    _ => None,
                };
                let building = self.state.entry(quote.symbol).or_default();
                let start = minute(quote.time);
                let ends = |open: &Open| open.start < start;
                let closed = building
                    .minute
                    .as_ref()
                    .is_some_and(ends)
                    .then(|| building.close(self.around, quote.symbol, position))
                    .flatten();
                if let Some(trade) = traded(before, quote, calendar(view, quote.symbol)) {
                    building.add(self.around, quote, &trade, self.now);
                }
                closed
            }
            Event::Quote(_)
            | Event::Session(_)
            | Event::News(_)
            | Event::Snapshot(_)
            | Event::Heartbeat(_) => None,
        }
    }

    /// Records the appended sessions, and gives one to each symbol that has none.
    pub(crate) fn finish(self) {
        let Hold {
            around,
            state,
            now,
            sessions,
            quoted,
            source,
            ..
        } = self;
        for session in sessions {
            around.sessions.receive(&around.tape, now, session);
        }
        for symbol in quoted {
            let has_session = |view: &View<'_>| view.newest(&Topic::Session(symbol)).is_some();
            if around.tape.view(has_session) {
                continue;
            }
            let listing = around.directory.get(symbol);
            let (name, venue, currency, tick) = match listing {
                Some(it) => (it.name, it.venue, it.currency, it.tick),
                None => (symbol.to_string(), None, None, None),
            };
            let session = Session {
                symbol,
                name,
                currency,
                venue,
                source: source.to_owned(),
                quality: Quality::Live,
                state: TradingState::Open,
                halt_code: None,
                hours: None,
                open: None,
                prev_close: None,
                tick,
            };
            around.sessions.receive(&around.tape, now, session);
        }
        drop(state);
    }
}

impl Building {
    /// Records that the bar of a minute was published.
    fn give(&mut self, start: Millis) {
        self.built.retain(|built| *built != start);
        match &mut self.minute {
            Some(open) if open.start == start => open.given = true,
            _ => push(&mut self.given, start, MAX_GIVEN),
        }
    }

    fn add(&mut self, around: &Surroundings, quote: &Quote, trade: &Trade, now: Millis) {
        let start = minute(quote.time);
        if self.minute.as_ref().is_none_or(|open| open.start != start) {
            self.minute = Some(Open {
                start,
                roll: Roll::new(),
                last_quote: now,
                taped: None,
                given: self.given.contains(&start),
            });
        }
        let Some(open) = &mut self.minute else {
            return;
        };
        open.roll.add(quote.time, trade);
        (open.last_quote, open.taped) = (now, None);
        if !open.given
            && let Some(archive) = &around.archive
        {
            // It is on disk with its quote: it continues after a restart.
            archive.minute(open.minute(quote.symbol));
        }
    }

    /// Closes the minute. Returns its bar, unless the tape has it or another one was published.
    fn close(&mut self, around: &Surroundings, symbol: Symbol, position: EventId) -> Option<Bar> {
        let open = self.minute.as_mut().filter(|open| !open.given)?;
        let minute = open.minute(symbol);
        let bar = minute.bar()?;
        if open.taped.as_ref() == Some(&bar) {
            return None;
        }
        open.taped = Some(bar.clone());
        push(&mut self.built, open.start, MAX_BUILT);
        if let Some(archive) = &around.archive {
            archive.minute(minute.clone());
        }
        around.minutes.add(minute, position);
        Some(bar)
    }
}

impl Open {
    fn minute(&self, symbol: Symbol) -> Minute {
        Minute {
            symbol,
            start: self.start,
            sums: self.roll.sums().clone(),
        }
    }
}

fn push(list: &mut VecDeque<Millis>, start: Millis, most: usize) {
    if list.contains(&start) {
        return;
    }
    if list.len() >= most {
        list.pop_front();
    }
    list.push_back(start);
}

/// The first millisecond of the minute of a time.
const fn minute(time: Millis) -> Millis {
    time - time % Bar::INTERVAL
}
