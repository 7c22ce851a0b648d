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
    arbiter::{Role, SourceStates, Standing},
    kit::wire::{Played, Wire},
};
use crate::{Revealed, Secret, SecretError};
use clock::MAX_AHEAD;
use directory::Listing;
use events::{Draft, Owner, story};
use publication::{By, Fault, Outcome, Submission};
use sessions::Calendar;

/// A feed's side of the tape: what it publishes, and its status.
///
/// Where several feeds quote a symbol, one of them is primary and publishes: [`FeedContext`] has the choice. The
/// ticks of the others go into their own boards and no further.
pub struct Publisher {
    context: FeedContext,
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
    live_since: Option<Instant>,
    /// What the source refuses, while all else is well.
    partial_entitlement: Option<String>,
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
    /// Whether the source sent the time of its clock, and not just a tick with a time.
    is_reported: bool,
}

/// How far behind ours the clock of a source may be. What is older is not sent as new.
const MAX_BEHIND: Millis = 10 * 60_000;

impl Publisher {
    /// A publisher of the feed of that name. It ranks after all that were made with the same context before.
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

    /// The time of receipt, now. While a recording is played that is the one of the recording.
    pub fn now(&self) -> Millis {
        match self.played() {
            Some(played) => played.now(),
            None => self.context.now(),
        }
    }

    /// The value of a secret. While a recording is played there is no source that needs it.
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
            None => Wire::Live(self.context.recorder.clone()),
        }
    }

    fn played(&self) -> Option<Arc<Played>> {
        let played = self.played.read().unwrap_or_else(PoisonError::into_inner);
        played.clone()
    }

    /// Takes a tick, and publishes what it led to where the feed is primary for its symbol: the bars that it
    /// closed, then the quote.
    pub fn tick(&self, tick: &Tick) {
        self.understand();
        let mut state = self.state();
        let mut sources = self.context.sources();
        self.follow_clock(&mut state, &mut sources);
        drop(sources);
        let tick = &self.timed(&mut state, tick.clone());
        let mut sources = self.context.sources();
        let role = sources.record_data(self.rank, tick.symbol);
        self.references(&mut state, &mut sources, tick.symbol, &tick.day);
        if role == Role::Promoted {
            self.promote(&state, &mut sources, tick.symbol);
        }
        self.restore(&mut state, &mut sources, tick);
        state.begin_day(tick);
        let change = state.board.apply(tick);
        self.close(&mut sources, change.minutes);
        if role != Role::Standby {
            self.publish(&mut sources, tick, change.quote);
        }
    }

    /// Notices that the clock was set back, and that it was ahead before: times of then would hold up
    /// everything until they come.
    fn follow_clock(&self, state: &mut State, sources: &mut SourceStates) {
        if self.is_played() {
            return;
        }
        let now = self.context.now();
        if state.latest > now.saturating_add(MAX_AHEAD) {
            tracing::warn!(feed = self.name(), "goes on after the clock was set back");
            state.board.set_back(now);
            state.next_days.clear();
            sources.set_back(now);
            state.latest = now;
        }
        state.latest = state.latest.max(now);
    }

    /// Publishes the quote of a tick of the primary feed. No quote goes back in time: where another feed was
    /// primary before, an older one is held back until its feed has caught up.
    fn publish(&self, sources: &mut SourceStates, tick: &Tick, quote: Quote) {
        if sources.advance_if_newer(quote.symbol, quote.time) {
            self.archive_trade(tick);
            self.append(Event::Quote(quote));
        } else {
            self.held.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Publishes for a feed that is promoted its session, and the bars that its board closed before.
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

    /// Publishes a bar, and has what it was rendered from archived before it.
    fn bar(&self, bar: Bar) {
        if let Some(archive) = &self.context.archive
            && let Some(minute) = self.context.minutes.exact(&bar)
        {
            archive.minute(minute);
        }
        self.append(Event::Bar(bar));
    }

    /// Takes over the symbols whose primary feed has fallen silent, without waiting for data of this feed. To be
    /// called now and then.
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

    /// Takes a tick of the past: publishes the bars that it closed, but no quote.
    /// [`Publisher::quotes`] follows when the past is over.
    ///
    /// Of minutes that are long over the bars are archived, and their trades are not.
    pub fn past(&self, tick: &Tick) {
        let mut state = self.state();
        let mut sources = self.context.sources();
        let role = sources.record_data(self.rank, tick.symbol);
        self.references(&mut state, &mut sources, tick.symbol, &tick.day);
        if role == Role::Promoted {
            self.promote(&state, &mut sources, tick.symbol);
        }
        self.restore(&mut state, &mut sources, tick);
        let now = self.now();
        let minute = now - now % Bar::INTERVAL;
        if role != Role::Standby && tick.time >= minute.saturating_sub(Bar::INTERVAL) {
            self.archive_trade(tick);
        }
        let minutes = state.board.apply(tick).minutes;
        self.close(&mut sources, minutes);
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
        let mut sources = self.context.sources();
        let is_primary = sources.is_primary(self.rank, symbol);
        // Also of a feed that is primary no longer: it may have published the trade when it was.
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

    /// The session and the newest quote of each symbol for which this feed was primary before a restart, and of
    /// which it has had no data since.
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

    /// The newest version of a story on the tape.
    pub(crate) fn newest(&self, id: &str) -> Option<News> {
        self.context.tape.view(|view| {
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

    /// Publishes a story, unless it says what is on the tape already.
    pub fn news(&self, mut news: News) {
        // The lock orders it after the ticks that came before it.
        self.understand();
        let _state = self.state();
        let newcomers = &self.context.newcomers;
        let tape = &self.context.tape;
        tape.view(|view| newcomers.admit(view, &mut news.symbols));
        let id = news.id.clone();
        let draft = Draft::new(Event::News(news));
        tape.append_all(self.context.now(), |batch| {
            let earlier = story::newest(&batch.view(), &id);
            let earlier = earlier.map(|(_, entry)| &*entry.event);
            if let Some(draft) = story::after(draft, earlier) {
                let event = Arc::clone(draft.event());
                newcomers.note(draft.append(batch), &event);
            }
        });
    }

    /// Publishes events that the source wrote in the form of publications, but for those that change nothing or
    /// are older than what is known.
    ///
    /// # Errors
    /// When the tape cannot take it.
    pub fn submit(&self, submission: Submission) -> Result<Outcome, Vec<Fault>> {
        let _state = self.state();
        let builder = self.context.builder.as_deref();
        let FeedContext {
            tape, newcomers, ..
        } = &self.context;
        let by = By {
            owner: &Owner::Feed,
            newcomers,
        };
        submission.append_built(tape, self.now(), by, builder, self.name())
    }

    /// Adds to the directory of symbols what the source lists.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        self.context.directory.list(listings);
    }

    /// What is known of a symbol from any source that lists some.
    pub fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.context.directory.get(symbol)
    }

    /// Sets the status to degraded, with the reason for a person: there is data, but not as it should be. The next
    /// [`Publisher::live`] ends it. Another feed of the same symbols is primary meanwhile.
    pub fn degraded(&self, reason: impl Into<String>) {
        let mut state = self.state();
        state.live_since.get_or_insert_with(Instant::now);
        let mut sources = self.context.sources();
        sources.record_receipt(self.rank);
        sources.set_standing(self.rank, Standing::Degraded);
        self.show(FeedState::Degraded, Some(reason.into()));
    }

    /// Sets what the source refuses while all else is well, such as one symbol of many; `None` when it does no
    /// longer. The feed is shown as degraded for this reason until its connection ends, and stays primary for what
    /// it has.
    pub fn set_partial_entitlement(&self, reason: Option<String>) {
        let mut state = self.state();
        if state.partial_entitlement != reason {
            state.partial_entitlement = reason;
            self.show_amiss(&state);
        }
    }

    /// Takes the time of the source's clock, of a message that it sends at once. Where that is further from ours
    /// than a source can be late, the feed is shown as degraded, and the times of receipt stand in for those of the
    /// source. Returns whether the clock is right.
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
        } else if behind.saturating_sub(usual) > MAX_BEHIND && usual > 0 {
            Some(format!(
                "the source's data is {} seconds old: expected {} at the most",
                behind / 1_000,
                (usual + MAX_BEHIND) / 1_000
            ))
        } else if behind > MAX_BEHIND && usual == 0 {
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
        } else if state.skew.as_ref().is_some_and(|skew| !skew.is_reported) {
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

    fn skew(&self, state: &mut State, reason: Option<String>, is_reported: bool) {
        let changed = reason.is_some() != state.skew.is_some();
        // By how much it is off need not be told anew with each message.
        if changed {
            state.skew = reason.map(|reason| Skew {
                reason,
                is_reported,
            });
            self.show_amiss(state);
        }
    }

    /// Sets the status to live. To be called for every frame; it is cheap when nothing changes.
    pub fn live(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
        let mut state = self.state();
        let mut sources = self.context.sources();
        sources.record_receipt(self.rank);
        // Where all clocks are off it is ours, and the first feed stays primary.
        sources.set_standing(
            self.rank,
            match state.skew {
                Some(_) => Standing::Degraded,
                None => Standing::Good,
            },
        );
        drop(sources);
        if state.live_since.is_none() {
            state.live_since = Some(Instant::now());
            tracing::info!(feed = self.name(), "live");
        }
        self.show_amiss(&state);
    }

    /// Shows what is amiss with a live source, or that nothing is.
    fn show_amiss(&self, state: &State) {
        if state.live_since.is_none() {
            return;
        }
        match state.amiss() {
            Some(reason) => self.show(FeedState::Degraded, Some(reason)),
            None => self.show(FeedState::Live, None),
        }
    }

    /// Records that something came from the source, if only an answer to a ping. [`Publisher::live`] includes it.
    pub fn record_receipt(&self) {
        self.context.sources().record_receipt(self.rank);
    }

    /// Sets how often something comes from the source when all is well. A feed that receives nothing for twice
    /// that, and for five seconds at least, gives way to the next one of its symbols.
    pub fn expect_every(&self, interval: Duration) {
        self.context.sources().expect_every(self.rank, interval);
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

    /// Counts messages of the source that are missing by the source's own numbers.
    pub fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame of a kind that is not used.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame that cannot be read, and logs the first few, then only powers of two, so that a faulty
    /// source does not fill the disk.
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
    pub(crate) fn context(&self) -> &FeedContext {
        &self.context
    }

    /// The feed's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection is made: the first one, one after another that broke off, or one that replaces
    /// another without a break.
    pub(crate) fn begin(&self, renewal: bool) {
        self.state().partial_entitlement = None;
        self.context
            .sources()
            .begin(self.rank, self.context.now(), renewal);
    }

    /// The connection is at its end, and why.
    pub(crate) fn end(&self, state: FeedState, detail: Option<String>) {
        let mut inner = self.state();
        (inner.live_since, inner.partial_entitlement, inner.skew) = (None, None, None);
        self.context
            .sources()
            .set_standing(self.rank, Standing::Away);
        self.show(state, detail);
    }

    fn show(&self, state: FeedState, detail: Option<String>) {
        self.status.send_if_modified(|status| {
            let changed = (status.state, &status.detail) != (state, &detail);
            (status.state, status.detail) = (state, detail);
            changed
        });
    }

    /// Since when the source has been live without a break.
    pub(crate) fn live_since(&self) -> Option<Instant> {
        self.state().live_since
    }

    /// Has a trade archived, at the time at which its bar has it: that of its receipt, where the
    /// source gives none or its clock is wrong.
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
        let minutes = board.restore(quote, closed_until, trades);
        self.close(sources, minutes);
    }

    fn references(&self, state: &mut State, sources: &mut SourceStates, symbol: Symbol, day: &Day) {
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

    fn publish_session(&self, session: Session) {
        let context = &self.context;
        context.sessions.say(&context.tape, context.now(), session);
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

impl State {
    /// What is amiss with a live source.
    fn amiss(&self) -> Option<String> {
        let skew = self.skew.as_ref().map(|skew| skew.reason.as_str());
        match (self.partial_entitlement.as_deref(), skew) {
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
    /// Frames of kinds that are not used, and trades that come again.
    pub ignored: u64,
    /// Frames, entries and fields that cannot be read.
    pub wrong: u64,
    /// Trades that came for a minute that was closed: in the volume, but in no bar.
    pub late: u64,
    /// Gaps in the source's own numbers of its messages or trades, and numbers that begin anew or are
    /// given twice.
    pub gaps: u64,
    /// Quotes that were older than what another feed had published of their symbol.
    pub held: u64,
    /// Items that their document had under the identity of another one.
    pub duplicates: u64,
    /// Faults of documents that were read all the same; nothing of them is passed over.
    pub mended: u64,
}

#[cfg(test)]
mod tests;
