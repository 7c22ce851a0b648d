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
    Bar, Board, Clock, Correction, CorrectionOutcome, Day, Event, FeedState, FeedStatus, Millis,
    Minute, News, Quality, Quote, Session, Symbol, Tick,
};
use retry::is_logged;
use serde::Serialize;
use tokio::{sync::watch, time::Instant};
use utoipa::ToSchema;

use crate::{
    FeedContext, FrameError,
    arbiter::{SourceStates, Standing, Turn},
    kit::wire::{Played, Wire},
};
use crate::{Revealed, Secret, SecretError};
use clock::MAX_AHEAD;
use directory::Listing;
use events::{Draft, Owner, story};
use publication::{By, Fault, Outcome, Submission};
use sessions::Calendar;

/// A feed's side of the tape: what it publishes, and how it says that it is doing.
///
/// Where several feeds quote a symbol, one of them speaks: [`FeedContext`] knows which. What the others
/// say goes into their own boards and no further.
pub struct Publisher {
    floor: FeedContext,
    /// The feed's place in the order of configuration.
    rank: usize,
    status: watch::Sender<FeedStatus>,
    /// The feed's name, under which its trades are archived, too.
    name: Arc<str>,
    // A std mutex: it is held for a few microseconds and never across an await. It also keeps the
    // order of a feed's events on the tape the order in which the board saw them.
    state: Mutex<State>,
    ignored: AtomicU64,
    wrong: AtomicU64,
    gaps: AtomicU64,
    held: AtomicU64,
    duplicates: AtomicU64,
    mended: AtomicU64,
    /// How much has been understood of what the source sent.
    understood: AtomicU64,
    /// Whether the source has ever been well.
    has_worked: AtomicBool,
    /// The recording that stands in for the feed's connections, if one does.
    played: RwLock<Option<Arc<Played>>>,
}

#[derive(Default)]
struct State {
    board: Board,
    sessions: BTreeMap<Symbol, Session>,
    /// When the next day of a symbol begins, if it has days.
    next_days: BTreeMap<Symbol, Millis>,
    speaks_since: Option<Instant>,
    /// What is amiss although the source speaks.
    lack: Option<String>,
    skew: Option<Skew>,
    /// The latest time of receipt.
    latest: Millis,
}

impl State {
    /// Begins a new day of a stock when its exchanges do. What is traded round the clock has no days,
    /// and what is made up or played again has its own.
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

/// A clock of a source that is wrong, or that makes ours look wrong.
struct Skew {
    /// By how much it is off, for a person.
    reason: String,
    /// Whether the source said what its clock says, and not just a tick carried a time.
    told: bool,
}

/// How far behind ours it may be. Sources do not send what is older than that as news.
const BEHIND: Millis = 10 * 60_000;

impl Publisher {
    /// A publisher of the feed of that name, which has not spoken yet. It comes after all that
    /// were made on the same floor before it.
    pub fn new(floor: FeedContext, name: &str) -> Self {
        let status = FeedStatus {
            name: name.to_owned(),
            state: FeedState::Connecting,
            detail: None,
        };
        let rank = floor.speakers().sit(floor.now());
        Publisher {
            floor,
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

    /// The time of receipt, now. While a recording is played that is the one of the recording.
    pub fn now(&self) -> Millis {
        match self.played() {
            Some(played) => played.now(),
            None => self.floor.now(),
        }
    }

    /// What a secret says. While a recording is played nobody is there who would want to know.
    ///
    /// # Errors
    /// When the secret cannot be read.
    pub fn reveal(&self, secret: &Secret) -> Result<Revealed, SecretError> {
        match self.played() {
            Some(_) => Ok(Revealed::nothing()),
            None => secret.read(),
        }
    }

    /// Waits before a source is asked again. While a recording is played nothing needs sparing.
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

    /// From now on a recording stands in for the feed's connections.
    pub(crate) fn play(&self, played: Arc<Played>) {
        *self.played.write().unwrap_or_else(PoisonError::into_inner) = Some(played);
    }

    /// Where what the feed receives comes from.
    pub(crate) fn wire(&self) -> Wire {
        match self.played() {
            Some(played) => Wire::Played(played),
            None => Wire::Live(self.floor.recorder.clone()),
        }
    }

    fn played(&self) -> Option<Arc<Played>> {
        let played = self.played.read().unwrap_or_else(PoisonError::into_inner);
        played.clone()
    }

    /// Takes a tick, and publishes what it led to where the feed speaks for its symbol: the bars
    /// that it closed, then the quote.
    pub fn tick(&self, tick: &Tick) {
        self.understand();
        let mut state = self.state();
        let mut seats = self.floor.speakers();
        self.follow_clock(&mut state, &mut seats);
        drop(seats);
        let tick = &self.timed(&mut state, tick.clone());
        let mut seats = self.floor.speakers();
        let turn = seats.take_turn(self.rank, tick.symbol);
        self.references(&mut state, &mut seats, tick.symbol, &tick.day);
        if turn == Turn::Begins {
            self.begin_to_speak(&state, &mut seats, tick.symbol);
        }
        self.take_up(&mut state, &mut seats, tick);
        state.begin_day(tick);
        let change = state.board.apply(tick);
        self.close(&mut seats, change.minutes);
        if turn != Turn::Listens {
            self.publish(&mut seats, tick, change.quote);
        }
    }

    /// Notices that the clock was set back, and that it was ahead before: times of then would hold up
    /// everything until they come.
    fn follow_clock(&self, state: &mut State, seats: &mut SourceStates) {
        if self.is_played() {
            return;
        }
        let now = self.floor.now();
        if state.latest > now.saturating_add(MAX_AHEAD) {
            tracing::warn!(feed = self.name(), "goes on after the clock was set back");
            state.board.set_back(now);
            state.next_days.clear();
            seats.set_back(now);
            state.latest = now;
        }
        state.latest = state.latest.max(now);
    }

    /// Publishes what a tick of the speaker led to. No quote goes back in time: where another feed
    /// spoke before, an older one is held back until its feed has caught up.
    fn publish(&self, seats: &mut SourceStates, tick: &Tick, quote: Quote) {
        if seats.advance_if_newer(quote.symbol, quote.time) {
            self.keep(tick);
            self.append(Event::Quote(quote));
        } else {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Introduces the feed as the new speaker: its session, and the bars that its board closed
    /// before it was its turn.
    fn begin_to_speak(&self, state: &State, seats: &mut SourceStates, symbol: Symbol) {
        let own = state.sessions.get(&symbol);
        if let Some(session) = seats.introduction(self.rank, symbol, own, self.name()) {
            self.say(session);
        }
        for bar in seats.inherit(self.rank, symbol) {
            self.bar(bar);
        }
    }

    /// Takes minutes that the feed's board has closed, and publishes the bars that are due because of them.
    fn close(&self, seats: &mut SourceStates, minutes: Vec<Minute>) {
        let floor = &self.floor;
        for minute in minutes {
            match minute.bar() {
                Some(bar) => {
                    let position = floor.tape.view(|view| view.position());
                    floor.minutes.add(minute, position);
                    for bar in seats.close(self.rank, bar) {
                        self.bar(bar);
                    }
                }
                // It has no bar, and its volume is in longer ones.
                None if seats.is_primary(self.rank, minute.symbol) => {
                    let position = floor.tape.view(|view| view.position());
                    if let Some(archive) = &floor.archive {
                        archive.minute(minute.clone());
                    }
                    floor.minutes.add(minute, position);
                }
                None => {}
            }
        }
    }

    /// Publishes a bar, and has what it was rendered from archived before it.
    fn bar(&self, bar: Bar) {
        if let Some(archive) = &self.floor.archive
            && let Some(minute) = self.floor.minutes.exact(&bar)
        {
            archive.minute(minute);
        }
        self.append(Event::Bar(bar));
    }

    /// Takes over what has become this feed's to speak of although it says nothing right now,
    /// because another one has fallen silent. To be called now and then.
    pub(crate) fn look_around(&self) {
        let state = self.state();
        let mut seats = self.floor.speakers();
        for symbol in seats.due(self.rank) {
            if seats.turn(self.rank, symbol) != Turn::Begins {
                continue;
            }
            self.begin_to_speak(&state, &mut seats, symbol);
            if let Some(quote) = state.board.quote(symbol)
                && seats.advance_if_newer(symbol, quote.time)
            {
                self.append(Event::Quote(quote.clone()));
            }
        }
        for bar in seats.overdue() {
            self.bar(bar);
        }
    }

    /// Takes a tick of the past: publishes the bars that it closed, but no quote.
    /// [`Publisher::quotes`] follows when the past is over.
    ///
    /// Of minutes that are long over the bars are archived, and their trades are not.
    pub fn past(&self, tick: &Tick) {
        let mut state = self.state();
        let mut seats = self.floor.speakers();
        let turn = seats.take_turn(self.rank, tick.symbol);
        self.references(&mut state, &mut seats, tick.symbol, &tick.day);
        if turn == Turn::Begins {
            self.begin_to_speak(&state, &mut seats, tick.symbol);
        }
        self.take_up(&mut state, &mut seats, tick);
        let now = self.now();
        let minute = now - now % Bar::INTERVAL;
        if turn != Turn::Listens && tick.time >= minute.saturating_sub(Bar::INTERVAL) {
            self.keep(tick);
        }
        let minutes = state.board.apply(tick).minutes;
        self.close(&mut seats, minutes);
    }

    /// Takes a trade back or puts it right: publishes the quote as it is without the mistake, where
    /// it makes a difference to it. The bar that is open is put right with it; one that was
    /// published before stays on the tape as it was, and is for history to put right.
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
        let mut seats = self.floor.speakers();
        let speaks = seats.is_primary(self.rank, symbol);
        // Also of one who no longer speaks: it may have told the trade when it did.
        if let Some(archive) = &self.floor.archive {
            archive.correct(*correction, Some(Arc::clone(&self.name)));
        }
        let before = state.board.quote(symbol).cloned();
        match state.board.correct(correction) {
            CorrectionOutcome::Whole(quote) | CorrectionOutcome::Quote(quote) => {
                let time = quote.time;
                let is_same = before.is_some_and(|before| Quote { time, ..before } == quote);
                if !is_same && speaks && seats.advance_if_newer(symbol, time) {
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

    /// The session and the newest quote of each symbol that this feed spoke of before a restart, and has
    /// not yet since.
    pub fn left(&self) -> Vec<(Session, Quote)> {
        self.floor.left.of(self.name())
    }

    /// Publishes the newest quote of every symbol that the feed speaks for.
    pub fn quotes(&self) {
        let state = self.state();
        let mut seats = self.floor.speakers();
        for quote in state.board.quotes() {
            if seats.is_primary(self.rank, quote.symbol)
                && seats.advance_if_newer(quote.symbol, quote.time)
            {
                self.append(Event::Quote(quote.clone()));
            }
        }
    }

    /// Publishes the bars that are still open, because no more trades will come.
    pub fn finish(&self) {
        let minutes = self.state().board.finish();
        self.close(&mut self.floor.speakers(), minutes);
    }

    /// Publishes a session, unless it says what is known already or another feed speaks for its
    /// symbol. Its state is what the calendar of its venue and the halts of all feeds make of it: see
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
        let mut seats = self.floor.speakers();
        if seats.presents(self.rank, &session) {
            self.say(session);
        }
    }

    /// Takes that a symbol is halted, whoever quotes it, with the venue's code of the reason (`T1`,
    /// `LUDP`). A market-wide halt (`MWC1` to `MWC3`) stops all US stocks. To say it again is no
    /// change. While a recording is played, nothing is halted but what is played.
    pub fn halt(&self, symbol: Symbol, code: &str) {
        let (floor, now) = (&self.floor, self.floor.now());
        match self.is_played() {
            // What was halted once is not halted now.
            true => floor.sessions.halt_played(&floor.tape, now, symbol, code),
            false => floor.sessions.halt(&floor.tape, now, symbol, code),
        }
    }

    /// Takes that a symbol is traded again; where its halt was market-wide, all are.
    pub fn resume(&self, symbol: Symbol) {
        let (floor, now) = (&self.floor, self.floor.now());
        match self.is_played() {
            true => floor.sessions.resume_played(&floor.tape, now, symbol),
            false => floor.sessions.resume(&floor.tape, now, symbol),
        }
    }

    /// The newest version of a story on the tape.
    pub(crate) fn newest(&self, id: &str) -> Option<News> {
        self.floor.tape.view(|view| {
            let (_, entry) = story::newest(view, id)?;
            match &*entry.event {
                Event::News(news) => Some(news.clone()),
                _ => None,
            }
        })
    }

    /// Takes that all US stocks are halted, with the code of the reason (`MWC1` to `MWC3`); while a
    /// recording is played, those of the recording.
    pub fn halt_market(&self, code: &str) {
        let (floor, now) = (&self.floor, self.floor.now());
        match self.is_played() {
            true => floor.sessions.halt_market_played(&floor.tape, now, code),
            false => floor.sessions.halt_market(&floor.tape, now, code),
        }
    }

    /// Takes that all US stocks are traded again that [`Publisher::halt_market`] halted.
    pub fn resume_market(&self) {
        let (floor, now) = (&self.floor, self.floor.now());
        match self.is_played() {
            true => floor.sessions.resume_market_played(&floor.tape, now),
            false => floor.sessions.resume_market(&floor.tape, now),
        }
    }

    /// Publishes a story, unless it says what is on the tape already.
    pub fn news(&self, mut news: News) {
        // The lock orders it after the ticks that came before it.
        self.understand();
        let _state = self.state();
        let newcomers = &self.floor.newcomers;
        let tape = &self.floor.tape;
        tape.view(|view| newcomers.admit(view, &mut news.symbols));
        let id = news.id.clone();
        let draft = Draft::new(Event::News(news));
        tape.append_all(self.floor.now(), |batch| {
            let earlier = story::newest(&batch.view(), &id);
            let earlier = earlier.map(|(_, entry)| &*entry.event);
            if let Some(draft) = story::after(draft, earlier) {
                let event = Arc::clone(draft.event());
                newcomers.note(draft.append(batch), &event);
            }
        });
    }

    /// Publishes what somebody has written himself, as if he had published it: but for what says nothing
    /// new, or is older than what is known.
    ///
    /// # Errors
    /// When the tape cannot take it.
    pub fn submit(&self, submission: Submission) -> Result<Outcome, Vec<Fault>> {
        let _state = self.state();
        let builder = self.floor.builder.as_deref();
        let FeedContext {
            tape, newcomers, ..
        } = &self.floor;
        let by = By {
            owner: &Owner::Feed,
            newcomers,
        };
        submission.append_built(tape, self.now(), by, builder, self.name())
    }

    /// Tells the directory of symbols what the source lists.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        self.floor.directory.list(listings);
    }

    /// What is known of a symbol from any source that lists some.
    pub fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.floor.directory.get(symbol)
    }

    /// Says that the source speaks, but not as it should: with the reason, for a person. The next
    /// [`Publisher::live`] ends it. Another feed of the same symbols speaks meanwhile.
    pub fn degraded(&self, reason: impl Into<String>) {
        let mut state = self.state();
        state.speaks_since.get_or_insert_with(Instant::now);
        let mut seats = self.floor.speakers();
        seats.heard(self.rank);
        seats.stand(self.rank, Standing::Degraded);
        self.show(FeedState::Degraded, Some(reason.into()));
    }

    /// Says what a source refuses to a feed that is well otherwise, such as one symbol of many;
    /// `None` when it does no longer. The feed is shown as degraded for this reason until its
    /// connection ends, and speaks for what it has.
    pub fn lacks(&self, reason: Option<String>) {
        let mut state = self.state();
        if state.lack != reason {
            state.lack = reason;
            self.show_amiss(&state);
        }
    }

    /// Says what the clock of the source says right now, in a message that it sends at once. Where
    /// that is further from ours than a source can be late, the feed is shown as degraded, and the
    /// times of receipt stand in for those of the source.
    /// Answers whether it is right.
    pub fn clock(&self, time: Millis) -> bool {
        self.clock_behind(time, 0)
    }

    /// As [`Publisher::clock`], of a source whose data is always late by so much.
    pub fn clock_behind(&self, time: Millis, usual: Millis) -> bool {
        let now = self.now();
        let mut state = self.state();
        let behind = now.saturating_sub(time);
        let reason = if time.saturating_sub(now) > MAX_AHEAD {
            Some(skewed(time - now, "ahead of"))
        } else if behind.saturating_sub(usual) > BEHIND && usual > 0 {
            Some(format!(
                "the source's data is {} seconds old: expected {} at the most",
                behind / 1_000,
                (usual + BEHIND) / 1_000
            ))
        } else if behind > BEHIND && usual == 0 {
            Some(skewed(behind, "behind"))
        } else {
            None
        };
        let is_right = reason.is_none();
        self.skew(&mut state, reason, true);
        is_right
    }

    /// The tick with a time that can be believed.
    fn timed(&self, state: &mut State, tick: Tick) -> Tick {
        let session = state.sessions.get(&tick.symbol);
        let is_of_now = session.is_some_and(|session| session.quality == Quality::Live);
        if tick.clock != Clock::Exchange || !is_of_now {
            return tick;
        }
        let now = self.now();
        let ahead = tick.time.saturating_sub(now);
        if ahead > MAX_AHEAD {
            self.skew(state, Some(skewed(ahead, "ahead of")), false);
        } else if state.skew.as_ref().is_some_and(|skew| !skew.told) {
            self.skew(state, None, false);
        }
        match state.skew {
            Some(_) => Tick {
                time: now,
                clock: Clock::Receipt,
                ..tick
            },
            None => tick,
        }
    }

    fn skew(&self, state: &mut State, reason: Option<String>, told: bool) {
        let changed = reason.is_some() != state.skew.is_some();
        // By how much it is off need not be told anew with each message.
        if changed {
            state.skew = reason.map(|reason| Skew { reason, told });
            self.show_amiss(state);
        }
    }

    /// Says that the source speaks. To be called for every frame; it is cheap when that is known.
    pub fn live(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
        let mut state = self.state();
        let mut seats = self.floor.speakers();
        seats.heard(self.rank);
        // Where all clocks are off it is ours, and the first one speaks as ever.
        seats.stand(
            self.rank,
            match state.skew {
                Some(_) => Standing::Degraded,
                None => Standing::Good,
            },
        );
        drop(seats);
        if state.speaks_since.is_none() {
            state.speaks_since = Some(Instant::now());
            tracing::info!(feed = self.name(), "live");
        }
        self.show_amiss(&state);
    }

    /// Shows what is amiss although the source speaks, or that nothing is.
    fn show_amiss(&self, state: &State) {
        if state.speaks_since.is_none() {
            return;
        }
        match state.amiss() {
            Some(reason) => self.show(FeedState::Degraded, Some(reason)),
            None => self.show(FeedState::Live, None),
        }
    }

    /// Says that something came from the source, if only an answer to a ping. To be called for
    /// whatever comes; [`Publisher::live`] says it too.
    pub fn heard(&self) {
        self.floor.speakers().heard(self.rank);
    }

    /// Says how often something comes from the source when all is well. A feed that has heard nothing
    /// for twice that, and five seconds at the least, gives way to the next one of its symbols.
    pub fn hears_every(&self, interval: Duration) {
        self.floor.speakers().hears_every(self.rank, interval);
    }

    /// Whether the source has ever been well, on any connection.
    pub fn has_worked(&self) -> bool {
        self.has_worked.load(Ordering::Relaxed)
    }

    /// How many ticks, corrections and stories the source has given so far.
    pub fn understood(&self) -> u64 {
        self.understood.load(Ordering::Relaxed)
    }

    fn understand(&self) {
        self.understood.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts messages of the source that are missing, as the source's own numbers tell.
    pub fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame that says nothing that we listen to.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame that is not what its source promises, and says so in the log: the first
    /// few, then only powers of two, so that a source gone mad does not fill the disk.
    pub fn wrong(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.wrong) {
            let feed = self.name();
            tracing::warn!(feed, count, "skipped what cannot be read: {why}");
        }
    }

    /// Counts an item that its document has under the identity of another one, and logs it as
    /// [`Publisher::wrong`] does.
    pub fn duplicate(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.duplicates) {
            let feed = self.name();
            tracing::warn!(feed, count, "skipped a duplicate: {why}");
        }
    }

    /// Counts a fault of a document that was read all the same, and logs it as [`Publisher::wrong`] does.
    pub fn mended(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.mended) {
            let feed = self.name();
            tracing::warn!(feed, count, "read in spite of a fault: {why}");
        }
    }

    /// Counts each of these as [`Publisher::wrong`] does.
    pub fn wrongs(&self, faults: Vec<FrameError>) {
        for fault in faults {
            self.wrong(&fault);
        }
    }

    /// What the feed has passed over so far.
    pub fn skipped(&self) -> Skipped {
        Skipped {
            ignored: self.ignored.load(Ordering::Relaxed),
            wrong: self.wrong.load(Ordering::Relaxed),
            late: self.state().board.late(),
            gaps: self.gaps.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            mended: self.mended.load(Ordering::Relaxed),
        }
    }

    /// How the feed is doing, and every change of it.
    pub fn status(&self) -> watch::Receiver<FeedStatus> {
        self.status.subscribe()
    }

    /// What the feed shares with others.
    #[cfg(test)]
    pub(crate) fn floor(&self) -> &FeedContext {
        &self.floor
    }

    /// The feed's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection is made: the first one, one after another that broke off, or one that replaces
    /// another without a break.
    pub(crate) fn begin(&self, renewal: bool) {
        self.state().lack = None;
        self.floor
            .speakers()
            .begin(self.rank, self.floor.now(), renewal);
    }

    /// The connection is at its end, and why.
    pub(crate) fn end(&self, state: FeedState, detail: Option<String>) {
        let mut inner = self.state();
        (inner.speaks_since, inner.lack, inner.skew) = (None, None, None);
        self.floor.speakers().stand(self.rank, Standing::Away);
        self.show(state, detail);
    }

    fn show(&self, state: FeedState, detail: Option<String>) {
        self.status.send_if_modified(|status| {
            let changed = (status.state, &status.detail) != (state, &detail);
            (status.state, status.detail) = (state, detail);
            changed
        });
    }

    /// Since when the source has spoken without a break.
    pub(crate) fn speaks_since(&self) -> Option<Instant> {
        self.state().speaks_since
    }

    /// Has a trade archived, at the time at which its bar has it: that of its receipt, where the
    /// source gives none or its clock is wrong.
    fn keep(&self, tick: &Tick) {
        if let Some(archive) = &self.floor.archive
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

    /// Goes on where the feed left the symbol before a restart.
    fn take_up(&self, state: &mut State, seats: &mut SourceStates, tick: &Tick) {
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
        // What was left while the clock was ahead must not hold up what comes now.
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
        let minutes = board.take_up(quote, closed_until, trades);
        self.close(seats, minutes);
    }

    fn references(&self, state: &mut State, seats: &mut SourceStates, symbol: Symbol, day: &Day) {
        let Some(session) = state.sessions.get_mut(&symbol) else {
            return;
        };
        let open = day.open.or(session.open);
        let prev_close = day.prev_close.or(session.prev_close);
        if (open, prev_close) != (session.open, session.prev_close) {
            (session.open, session.prev_close) = (open, prev_close);
            if seats.presents(self.rank, session) {
                self.say(session.clone());
            }
        }
    }

    fn say(&self, session: Session) {
        let floor = &self.floor;
        floor.sessions.say(&floor.tape, floor.now(), session);
    }

    fn append(&self, event: Event) {
        let draft = Draft::new(event);
        self.floor
            .tape
            .append_all(self.floor.now(), |batch| draft.append(batch));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A feed that panicked under the lock is not run again; its last state may still be read.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is amiss although the source speaks.
    fn amiss(&self) -> Option<String> {
        let skew = self.skew.as_ref().map(|skew| skew.reason.as_str());
        match (self.lack.as_deref(), skew) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (Some(lack), Some(skew)) => Some(format!("{lack}; {skew}")),
        }
    }
}

fn skewed(off: Millis, way: &str) -> String {
    format!(
        "the source's clock is {} seconds {way} ours; the times of receipt stand in for its own",
        off / 1_000
    )
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("status", &*self.status.borrow())
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}

/// Counts one more. Returns the count where it is to be logged.
fn counted(counter: &AtomicU64) -> Option<u64> {
    let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
    is_logged(count, 8).then_some(count)
}

/// What a feed has passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Skipped {
    /// Frames that say nothing that we listen to, and trades that come again.
    pub ignored: u64,
    /// Frames, entries and fields that are not what their source promises.
    pub wrong: u64,
    /// Trades that came for a minute that was closed: in the volume, but in no bar.
    pub late: u64,
    /// Gaps in the source's own numbers of its messages or trades, and numbers that begin anew or are
    /// given twice.
    pub gaps: u64,
    /// Quotes that were older than what another feed had said of their symbol.
    pub held: u64,
    /// Items that their document had under the identity of another one.
    pub duplicates: u64,
    /// Faults of documents that were read all the same; nothing of them is passed over.
    pub mended: u64,
}

#[cfg(test)]
mod tests;
