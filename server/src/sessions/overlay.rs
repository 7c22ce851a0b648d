use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::civil::Date;
use market::{Event, Millis, Price, Quality, Session, Symbol, TradingState};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Calendar;
use crate::{Draft, Owner, Tape, Topic, feeds::Floor};

/// The sessions of all feeds as they are told: a halt, whoever reports it, stands over the hours of
/// the exchange, and these over what the feed says that speaks. A previous close that the feed does
/// not give comes from history.
///
/// What is simulated or played again keeps its own state and figures, since its time is not now. The
/// halts of a recording stand over what is played, and over nothing else.
#[derive(Debug, Default)]
pub struct Sessions {
    // A std mutex: it is held for some microseconds a session and never across an await. It is held
    // while what was found is appended, so that the tape has it in the order in which it was found.
    state: Mutex<State>,
    /// Rung when a previous close is wanted.
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    symbols: BTreeMap<Symbol, Known>,
    halts: BTreeMap<Symbol, Option<String>>,
    /// Those that recordings report.
    played_halts: BTreeMap<Symbol, Option<String>>,
    /// The code of a halt of all US stocks that a recording reports.
    played_market_wide: Option<String>,
    market_wide: Option<MarketWide>,
}

/// What is known of one symbol.
#[derive(Debug)]
struct Known {
    calendar: Calendar,
    /// As its feed says it.
    said: Session,
    /// The trading day on which the feed first said this previous close. It may say the same again
    /// on the next, with what else is new, and then it is that of the day before.
    close_said_on: Date,
    /// As it is on the tape.
    told: Session,
    /// The trading day for which history was asked for the close before, and the answer.
    history: Option<(Date, Option<Price>)>,
}

/// A halt of all US stocks.
#[derive(Debug)]
struct MarketWide {
    code: String,
    /// Where it was reported: the symbols, or none of the whole market, whose resumption ends it.
    reported: BTreeSet<Option<Symbol>>,
    /// It ends with the day in any case.
    until: Millis,
}

/// Tells the close of the last session before a trading day: of which symbol, by which calendar,
/// before which day. It may wait for a disk.
pub type PreviousClose = Arc<dyn Fn(Symbol, Calendar, Date) -> Option<Price> + Send + Sync>;

/// More halts than there are US stocks; a source gone mad does not fill the memory.
const MOST_HALTS: usize = 20_000;

/// The machine may have slept, or its clock may have been set.
const LOOK: Duration = Duration::from_secs(30);

/// How long an answer of history is good: bars or splits may have been imported since.
const HISTORY: Duration = Duration::from_secs(5 * 60);

impl Sessions {
    /// Takes what a feed says of a session, and publishes it unless that is known already.
    pub fn say(&self, tape: &Tape, now: Millis, said: Session) {
        let mut state = self.state();
        let calendar = Calendar::of(said.venue.as_deref());
        let today = calendar.trading_day(now);
        let symbol = said.symbol;
        match state.symbols.get_mut(&symbol) {
            Some(known) => {
                if known.calendar != calendar {
                    known.history = None;
                }
                if known.said.prev_close != said.prev_close {
                    known.close_said_on = today;
                }
                (known.calendar, known.said) = (calendar, said);
                state.tell(tape, now, [symbol]);
            }
            None => {
                let mut said = said;
                inherit(tape, &mut said, calendar, today);
                let known = Known {
                    calendar,
                    told: said.clone(),
                    said,
                    close_said_on: today,
                    history: None,
                };
                let told = state.told(&known, now);
                state.symbols.insert(
                    symbol,
                    Known {
                        told: told.clone(),
                        ..known
                    },
                );
                append(tape, now, vec![told]);
            }
        }
        let known = state.symbols.get(&symbol);
        if known.is_some_and(|known| known.wants_history(now)) {
            self.wanted.notify_one();
        }
    }

    /// What [`Sessions::say`] would publish of a session now. Nothing is taken.
    pub fn preview(&self, tape: &Tape, now: Millis, said: &Session) -> Session {
        let mut said = said.clone();
        let calendar = Calendar::of(said.venue.as_deref());
        let today = calendar.trading_day(now);
        let state = self.state();
        let before = state.symbols.get(&said.symbol);
        if before.is_none() {
            inherit(tape, &mut said, calendar, today);
        }
        let same = before.filter(|known| known.said.prev_close == said.prev_close);
        let known = Known {
            calendar,
            told: said.clone(),
            close_said_on: same.map_or(today, |known| known.close_said_on),
            history: before
                .filter(|known| known.calendar == calendar)
                .and_then(|known| known.history),
            said,
        };
        state.told(&known, now)
    }

    /// Takes that a symbol is halted, with the venue's code of the reason. A market-wide halt
    /// (`MWC1` to `MWC3`) stops all US stocks, whichever symbol it is reported of.
    pub fn halt(&self, tape: &Tape, now: Millis, symbol: Symbol, code: &str) {
        let code = market::plain(code);
        let mut state = self.state();
        if is_market_wide(&code) {
            return state.halt_market(tape, now, Some(symbol), code);
        }
        if state.halts.len() >= MOST_HALTS && !state.halts.contains_key(&symbol) {
            tracing::warn!(%symbol, code, "more halts than there are symbols; this one is left out");
            return;
        }
        state
            .halts
            .insert(symbol, (!code.is_empty()).then_some(code));
        state.tell(tape, now, [symbol]);
    }

    /// Takes that all US stocks are halted, with the code of the reason.
    pub fn halt_market(&self, tape: &Tape, now: Millis, code: &str) {
        let mut state = self.state();
        state.halt_market(tape, now, None, market::plain(code));
    }

    /// Takes that all US stocks are traded again that [`Sessions::halt_market`] halted.
    pub fn resume_market(&self, tape: &Tape, now: Millis) {
        self.state().resume_market(tape, now, None);
    }

    /// Takes that all US stocks were halted in a recording.
    pub fn halt_market_played(&self, tape: &Tape, now: Millis, code: &str) {
        let mut state = self.state();
        state.played_market_wide = Some(market::plain(code));
        state.tell_all(tape, now);
    }

    /// Takes that all US stocks were traded again in a recording.
    pub fn resume_market_played(&self, tape: &Tape, now: Millis) {
        let mut state = self.state();
        if state.played_market_wide.take().is_some() {
            state.tell_all(tape, now);
        }
    }

    /// Takes that a symbol was halted in a recording. A market-wide halt is that of the symbol alone:
    /// when its day ends, the recording says.
    pub fn halt_played(&self, tape: &Tape, now: Millis, symbol: Symbol, code: &str) {
        let code = Some(market::plain(code)).filter(|code| !code.is_empty());
        let mut state = self.state();
        let halts = &mut state.played_halts;
        if halts.len() < MOST_HALTS || halts.contains_key(&symbol) {
            halts.insert(symbol, code);
            state.tell(tape, now, [symbol]);
        }
    }

    /// Takes that a symbol was traded again in a recording.
    pub fn resume_played(&self, tape: &Tape, now: Millis, symbol: Symbol) {
        let mut state = self.state();
        if state.played_halts.remove(&symbol).is_some() {
            state.tell(tape, now, [symbol]);
        }
    }

    /// Takes that a symbol is traded again. Where its halt was market-wide, all are.
    pub fn resume(&self, tape: &Tape, now: Millis, symbol: Symbol) {
        let mut state = self.state();
        if state.halts.remove(&symbol).is_some() {
            state.tell(tape, now, [symbol]);
        } else {
            state.resume_market(tape, now, Some(symbol));
        }
    }

    /// Publishes what has changed because time has passed.
    pub fn refresh(&self, tape: &Tape, now: Millis) {
        let mut state = self.state();
        state.market_wide.take_if(|halt| halt.until <= now);
        state.tell_all(tape, now);
    }

    /// What nobody told the previous close of: symbol, calendar and trading day.
    fn wanted(&self, now: Millis) -> Vec<(Symbol, Calendar, Date)> {
        let state = self.state();
        let wanted = state
            .symbols
            .iter()
            .filter(|(_, known)| known.wants_history(now));
        wanted
            .map(|(symbol, known)| (*symbol, known.calendar, known.calendar.trading_day(now)))
            .collect()
    }

    /// Takes what history says of closes.
    fn remember(
        &self,
        tape: &Tape,
        now: Millis,
        closes: Vec<(Symbol, Calendar, Date, Option<Price>)>,
    ) {
        let mut state = self.state();
        let mut symbols = Vec::with_capacity(closes.len());
        for (symbol, calendar, day, close) in closes {
            let known = state.symbols.get_mut(&symbol);
            if let Some(known) = known.filter(|known| known.calendar == calendar) {
                known.history = Some((day, close));
                symbols.push(symbol);
            }
        }
        state.tell(tape, now, symbols);
    }

    /// Has history asked again for every close.
    fn forget_history(&self) {
        for known in self.state().symbols.values_mut() {
            // The old answer goes on to be told until there is a new one.
            if let Some((_, close)) = known.history {
                known.history = Some((Date::MIN, close));
            }
        }
    }

    /// When the state of a symbol changes by its calendar, at the earliest.
    fn next(&self, now: Millis) -> Option<Millis> {
        let calendars: BTreeSet<Calendar> = {
            let state = self.state();
            state.symbols.values().map(|known| known.calendar).collect()
        };
        calendars
            .into_iter()
            .filter_map(|calendar| calendar.next(now))
            .min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a halt of all US stocks, reported of a symbol or of none.
    fn halt_market(&mut self, tape: &Tape, now: Millis, of: Option<Symbol>, code: String) {
        let until = Calendar::UsStocks.next_day(now).unwrap_or(Millis::MAX);
        let halt = self.market_wide.get_or_insert_with(|| MarketWide {
            code: code.clone(),
            reported: BTreeSet::new(),
            until,
        });
        (halt.code, halt.until) = (code, until);
        if halt.reported.len() < MOST_HALTS {
            halt.reported.insert(of);
        }
        self.tell_all(tape, now);
    }

    /// Ends a halt of all US stocks, where it was reported of the same.
    fn resume_market(&mut self, tape: &Tape, now: Millis, of: Option<Symbol>) {
        let halt = self.market_wide.take_if(|halt| halt.reported.contains(&of));
        if halt.is_some() {
            self.tell_all(tape, now);
        }
    }

    fn tell_all(&mut self, tape: &Tape, now: Millis) {
        let all: Vec<Symbol> = self.symbols.keys().copied().collect();
        self.tell(tape, now, all);
    }

    /// Publishes the sessions of these symbols that are not on the tape as they are now.
    fn tell(&mut self, tape: &Tape, now: Millis, symbols: impl IntoIterator<Item = Symbol>) {
        let mut changed = Vec::new();
        for symbol in symbols {
            let Some(known) = self.symbols.get(&symbol) else {
                continue;
            };
            let told = self.told(known, now);
            if told != known.told {
                changed.push(told.clone());
                if let Some(known) = self.symbols.get_mut(&symbol) {
                    known.told = told;
                }
            }
        }
        append(tape, now, changed);
    }

    /// The session as it is to be told.
    fn told(&self, known: &Known, now: Millis) -> Session {
        let mut told = known.said.clone();
        let exchange = known.calendar == Calendar::UsStocks;
        if told.quality == Quality::Replay {
            let market_wide = self.played_market_wide.as_ref().filter(|_| exchange);
            if let Some(code) = self.played_halts.get(&told.symbol) {
                (told.state, told.halt_code) = (TradingState::Halted, code.clone());
            } else if let Some(code) = market_wide {
                (told.state, told.halt_code) = (TradingState::Halted, Some(code.clone()));
            }
        }
        if !known.is_of_now() {
            return told;
        }
        let market_wide = self.market_wide.as_ref().filter(|_| exchange);
        if let Some(code) = self.halts.get(&told.symbol) {
            (told.state, told.halt_code) = (TradingState::Halted, code.clone());
        } else if let Some(halt) = market_wide {
            (told.state, told.halt_code) = (TradingState::Halted, Some(halt.code.clone()));
        } else if exchange && told.state != TradingState::Halted {
            (told.state, told.halt_code) = (known.calendar.state(now), None);
        }
        if exchange {
            told.hours = known.calendar.regular(now);
        }
        if !known.has_previous_close(now) {
            told.prev_close = known.history.and_then(|(_, close)| close);
        }
        told
    }
}

impl Known {
    /// Whether the feed speaks of the present.
    fn is_of_now(&self) -> bool {
        matches!(self.said.quality, Quality::Live | Quality::Delayed)
    }

    /// Whether the feed gave the close that today's change is counted from. What it said on Friday
    /// is not that of Monday; where days roll, as with coins, it is for the feed to go on.
    fn has_previous_close(&self, now: Millis) -> bool {
        let good = match self.calendar {
            Calendar::UsStocks => self.close_said_on == self.calendar.trading_day(now),
            Calendar::Always => true,
        };
        good && self.said.prev_close.is_some()
    }

    fn wants_history(&self, now: Millis) -> bool {
        let today = || self.calendar.trading_day(now);
        self.is_of_now()
            && !self.has_previous_close(now)
            && self.history.is_none_or(|(day, _)| day != today())
    }
}

/// Whether a code is of a halt of the whole market; `MWCQ` is of its end.
pub(crate) fn is_market_wide(code: &str) -> bool {
    matches!(code, "MWC0" | "MWC1" | "MWC2" | "MWC3")
}

/// Lets the first word of a feed after a restart stand beside what it said before, on the same day:
/// some tell the figures of the day with their first price only.
fn inherit(tape: &Tape, said: &mut Session, calendar: Calendar, today: Date) {
    let before = tape.view(|view| {
        let (id, entry) = view.merged(&Topic::Session(said.symbol))?;
        match &*entry.event {
            Event::Session(before) => Some((id, before.clone())),
            _ => None,
        }
    });
    if let Some((id, before)) = before
        && before.source == said.source
        && calendar.trading_day(id.ms) == today
    {
        said.open = said.open.or(before.open);
        said.prev_close = said.prev_close.or(before.prev_close);
    }
}

/// The key of the quotes of a session's symbol.
fn symbol_of(event: &Event) -> Option<Topic> {
    match event {
        Event::Session(session) => Some(Topic::Quote(session.symbol)),
        _ => None,
    }
}

fn append(tape: &Tape, now: Millis, sessions: Vec<Session>) {
    if sessions.is_empty() {
        return;
    }
    let drafts: Vec<Draft> = sessions
        .into_iter()
        .map(|session| Draft::new(Event::Session(session)))
        .collect();
    tape.append_all(now, |batch| {
        let view = batch.view();
        for draft in drafts {
            // A tape that was refilled knows what was told before a restart.
            let key = Topic::merge(draft.event());
            let there = key.and_then(|key| view.merged(&key));
            if there.is_none_or(|(_, entry)| entry.event != *draft.event()) {
                // That a symbol is halted does not make it anybody else's.
                let quote = symbol_of(draft.event()).and_then(|key| view.merged(&key));
                let draft = match there.or(quote).map(|(_, entry)| &entry.owner) {
                    Some(owner @ Owner::Token(_)) => draft.of(owner.clone()),
                    _ => draft,
                };
                draft.append(batch);
            }
        }
    });
}

/// Keeps the sessions of a floor as the clock says: publishes what opens and closes, and asks
/// history for previous closes. Ends when `stop` is cancelled.
pub async fn keep_sessions(
    floor: Floor,
    previous_close: Option<PreviousClose>,
    stop: CancellationToken,
) {
    let sessions = &floor.sessions;
    let mut asked = tokio::time::Instant::now();
    loop {
        let now = floor.now();
        sessions.refresh(&floor.tape, now);
        if let Some(previous_close) = &previous_close {
            if asked.elapsed() >= HISTORY {
                asked = tokio::time::Instant::now();
                sessions.forget_history();
            }
            let wanted = sessions.wanted(now);
            if !wanted.is_empty() {
                let previous_close = Arc::clone(previous_close);
                let asking = tokio::task::spawn_blocking(move || {
                    let answer = |(symbol, calendar, day)| {
                        (symbol, calendar, day, previous_close(symbol, calendar, day))
                    };
                    wanted.into_iter().map(answer).collect()
                });
                match stop.run_until_cancelled(asking).await {
                    None => return,
                    Some(Ok(closes)) => sessions.remember(&floor.tape, floor.now(), closes),
                    Some(Err(error)) => tracing::error!("asking for previous closes: {error}"),
                }
            }
        }
        let next = sessions.next(now).map_or(LOOK, |next| {
            Duration::from_millis(next.saturating_sub(floor.now())).min(LOOK)
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(next) => {}
            () = sessions.wanted.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use jiff::civil::DateTime;
    use market::RegularHours;
    use tokio::time::Instant;

    use super::*;
    use crate::{Now, Topic, feeds::Publisher, testing};

    fn new_york(text: &str) -> Millis {
        let local: DateTime = text.parse().unwrap();
        let moment = local.in_tz("America/New_York").unwrap();
        moment.timestamp().as_millisecond() as Millis
    }

    fn symbol(text: &str) -> Symbol {
        text.parse().unwrap()
    }

    fn stock(text: &str, quality: Quality) -> Session {
        Session {
            symbol: symbol(text),
            name: "Test Inc.".to_owned(),
            currency: Some("USD".to_owned()),
            venue: Some("Nasdaq".to_owned()),
            source: "Test".to_owned(),
            quality,
            state: TradingState::Open,
            halt_code: None,
            hours: None,
            open: None,
            prev_close: None,
            tick: None,
        }
    }

    fn coin(text: &str) -> Session {
        Session {
            venue: Some("Coinbase".to_owned()),
            ..stock(text, Quality::Live)
        }
    }

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    struct Floors {
        floor: Floor,
        cursor: crate::Cursor,
    }

    impl Floors {
        /// A floor whose clock starts at that time of New York and goes as the runtime's.
        fn at(text: &str) -> Self {
            let (start, begin) = (new_york(text), Instant::now());
            let clock: Now = Arc::new(move || start + begin.elapsed().as_millis() as Millis);
            let tape = testing::tape();
            let cursor = tape.subscribe(&[Topic::Symbols]);
            Floors {
                floor: Floor::new(tape, clock),
                cursor,
            }
        }

        /// Symbol, state and code of the sessions that were published since the last call.
        fn read(&mut self) -> Vec<(String, TradingState, Option<String>)> {
            told(self.sessions())
        }

        fn sessions(&mut self) -> Vec<Session> {
            let mut read = Vec::new();
            self.cursor.read(0, usize::MAX, &mut read).unwrap();
            sessions_of(&read)
        }

        /// Waits for the next ones.
        async fn next(&mut self) -> Vec<Session> {
            let mut read = Vec::new();
            poll_fn(|context| self.cursor.poll_read(context, 0, usize::MAX, &mut read))
                .await
                .unwrap();
            sessions_of(&read)
        }

        fn publisher(&self, name: &str) -> Publisher {
            Publisher::new(self.floor.clone(), name)
        }
    }

    fn sessions_of(read: &[crate::Delivery]) -> Vec<Session> {
        let events = read.iter().map(|delivery| &*delivery.payload.event);
        events
            .filter_map(|event| match event {
                Event::Session(session) => Some(session.clone()),
                _ => None,
            })
            .collect()
    }

    fn told(sessions: Vec<Session>) -> Vec<(String, TradingState, Option<String>)> {
        let told =
            |session: Session| (session.symbol.to_string(), session.state, session.halt_code);
        sessions.into_iter().map(told).collect()
    }

    fn is(symbol: &str, state: TradingState) -> (String, TradingState, Option<String>) {
        (symbol.to_owned(), state, None)
    }

    fn halted(symbol: &str, code: &str) -> (String, TradingState, Option<String>) {
        (
            symbol.to_owned(),
            TradingState::Halted,
            Some(code.to_owned()),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_halt_stands_over_the_calendar_and_the_calendar_over_the_feed() {
        let mut floor = Floors::at("2024-07-01T08:00");
        let quotes = floor.publisher("Quotes");
        let halts = floor.publisher("Halts");
        // The feed says that it is open.
        quotes.session(stock("GOOG", Quality::Live));
        assert_eq!(floor.read(), [is("GOOG", TradingState::Pre)]);
        halts.halt(symbol("GOOG"), "T1");
        assert_eq!(floor.read(), [halted("GOOG", "T1")]);
        // Said twice, and by the quotes that know nothing of it: nothing new.
        halts.halt(symbol("GOOG"), "T1");
        quotes.session(stock("GOOG", Quality::Live));
        assert_eq!(floor.read(), []);
        halts.halt(symbol("GOOG"), "T2");
        assert_eq!(floor.read(), [halted("GOOG", "T2")]);
        halts.resume(symbol("GOOG"));
        assert_eq!(floor.read(), [is("GOOG", TradingState::Pre)]);
        halts.resume(symbol("GOOG"));
        assert_eq!(floor.read(), []);
        // A halt is known before the symbol is.
        halts.halt(symbol("AAPL"), "LUDP");
        assert_eq!(floor.read(), []);
        quotes.session(stock("AAPL", Quality::Delayed));
        assert_eq!(floor.read(), [halted("AAPL", "LUDP")]);
        // A feed that says by itself that its symbol is halted is believed.
        let mut own = stock("MSFT", Quality::Live);
        (own.state, own.halt_code) = (TradingState::Halted, Some("H10".to_owned()));
        quotes.session(own);
        assert_eq!(floor.read(), [halted("MSFT", "H10")]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_of_now_or_has_no_hours_keeps_its_own_state() {
        let mut floor = Floors::at("2024-07-06T11:00");
        let publisher = floor.publisher("Test");
        publisher.session(stock("GOOG", Quality::Simulated));
        publisher.session(stock("AAPL", Quality::Replay));
        publisher.session(coin("BTC-USD"));
        publisher.halt(symbol("GOOG"), "T1");
        publisher.halt(symbol("MSFT"), "MWC1");
        let open = ["GOOG", "AAPL", "BTC-USD"].map(|symbol| is(symbol, TradingState::Open));
        let sessions = floor.sessions();
        assert!(sessions.iter().all(|session| session.hours.is_none()));
        assert_eq!(told(sessions), open);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_halted_in_a_recording_is_not_halted_now() {
        let mut floor = Floors::at("2024-07-01T11:00");
        let publisher = floor.publisher("Test");
        publisher.session(stock("AAPL", Quality::Live));
        publisher.session(stock("GOOG", Quality::Replay));
        floor.read();
        let halt = |name: &str, code: &str| {
            let Floor { sessions, tape, .. } = &floor.floor;
            sessions.halt_played(tape, floor.floor.now(), symbol(name), code);
        };
        halt("AAPL", "T1");
        halt("SPY", "MWC1");
        halt("GOOG", "LUDP");
        assert_eq!(floor.read(), [halted("GOOG", "LUDP")]);
        // Nor is what is halted now halted then.
        publisher.resume(symbol("GOOG"));
        assert_eq!(floor.read(), []);
        let Floor { sessions, tape, .. } = &floor.floor;
        sessions.resume_played(tape, floor.floor.now(), symbol("GOOG"));
        assert_eq!(floor.read(), [is("GOOG", TradingState::Open)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_market_wide_halt_stops_all_stocks_and_no_coin() {
        let mut floor = Floors::at("2024-07-01T11:00");
        let publisher = floor.publisher("Test");
        publisher.session(stock("AAPL", Quality::Live));
        publisher.session(stock("GOOG", Quality::Live));
        publisher.session(coin("BTC-USD"));
        publisher.halt(symbol("GOOG"), "T1");
        floor.read();
        publisher.halt(symbol("SPY"), "MWC1");
        assert_eq!(
            floor.read(),
            [halted("AAPL", "MWC1")],
            "the other has its own"
        );
        publisher.session(stock("MSFT", Quality::Live));
        assert_eq!(floor.read(), [halted("MSFT", "MWC1")]);
        // The end of another halt does not end it.
        publisher.resume(symbol("GOOG"));
        publisher.resume(symbol("GOOG"));
        assert_eq!(floor.read(), [halted("GOOG", "MWC1")]);
        publisher.resume(symbol("SPY"));
        let open = ["AAPL", "GOOG", "MSFT"].map(|symbol| is(symbol, TradingState::Open));
        assert_eq!(floor.read(), open);
        // Of the third degree: nobody says that it ends, but the next day begins.
        publisher.halt(symbol("SPY"), "MWC3");
        assert_eq!(floor.read().len(), 3);
        // Halted as before, and another day's hours come next.
        let sessions = &floor.floor.sessions;
        sessions.refresh(&floor.floor.tape, new_york("2024-07-01T20:00"));
        let halts = ["AAPL", "GOOG", "MSFT"].map(|symbol| halted(symbol, "MWC3"));
        assert_eq!(floor.read(), halts);
        let sessions = &floor.floor.sessions;
        sessions.refresh(&floor.floor.tape, new_york("2024-07-02T03:59"));
        assert_eq!(floor.read(), []);
        let sessions = &floor.floor.sessions;
        sessions.refresh(&floor.floor.tape, new_york("2024-07-02T04:00"));
        let pre = ["AAPL", "GOOG", "MSFT"].map(|symbol| is(symbol, TradingState::Pre));
        assert_eq!(floor.read(), pre);
    }

    #[tokio::test(start_paused = true)]
    async fn a_halt_of_the_market_without_a_symbol_ends_with_its_own_resumption() {
        let mut floor = Floors::at("2024-07-01T11:00");
        let publisher = floor.publisher("Test");
        publisher.session(stock("AAPL", Quality::Live));
        publisher.session(stock("PLAYED", Quality::Replay));
        publisher.session(coin("BTC-USD"));
        floor.read();
        publisher.halt_market("MWC1");
        assert_eq!(floor.read(), [halted("AAPL", "MWC1")]);
        publisher.session(stock("ABR$D", Quality::Live));
        assert_eq!(floor.read(), [halted("ABR$D", "MWC1")]);
        // A symbol that it was not reported of does not end it.
        publisher.resume(symbol("AAPL"));
        assert_eq!(floor.read(), []);
        publisher.resume_market();
        let open = ["AAPL", "ABR$D"].map(|symbol| is(symbol, TradingState::Open));
        assert_eq!(floor.read(), open);
        // Of a recording, it halts what is played.
        let Floor { sessions, tape, .. } = &floor.floor;
        sessions.halt_market_played(tape, floor.floor.now(), "MWC2");
        assert_eq!(floor.read(), [halted("PLAYED", "MWC2")]);
        let Floor { sessions, tape, .. } = &floor.floor;
        sessions.resume_market_played(tape, floor.floor.now());
        assert_eq!(floor.read(), [is("PLAYED", TradingState::Open)]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_hours_are_told_to_the_millisecond_until_the_end() {
        // The Wednesday before Independence Day: a half day, a holiday, and a Friday.
        let mut floor = Floors::at("2024-07-03T03:00");
        let publisher = floor.publisher("Test");
        publisher.session(stock("GOOG", Quality::Live));
        publisher.session(coin("BTC-USD"));
        let [goog, coin] = &floor.sessions()[..] else {
            panic!("two sessions");
        };
        let half_day = RegularHours {
            open: new_york("2024-07-03T09:30"),
            close: new_york("2024-07-03T13:00"),
        };
        assert_eq!((goog.hours, coin.hours), (Some(half_day), None));
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keep_sessions(floor.floor.clone(), None, stop.clone()));
        for (time, state, opens) in [
            ("2024-07-03T04:00", TradingState::Pre, "2024-07-03T09:30"),
            ("2024-07-03T09:30", TradingState::Open, "2024-07-03T09:30"),
            ("2024-07-03T13:00", TradingState::Post, "2024-07-05T09:30"),
            ("2024-07-03T17:00", TradingState::Closed, "2024-07-05T09:30"),
            ("2024-07-05T04:00", TradingState::Pre, "2024-07-05T09:30"),
        ] {
            let sessions = floor.next().await;
            let hours = sessions[0].hours.map(|hours| hours.open);
            assert_eq!(hours, Some(new_york(opens)), "{time}");
            // Timers of the runtime are of a millisecond, and it sleeps once more where it is early.
            let late = floor.floor.now() - new_york(time);
            assert!(late <= 2, "{time}: {late} ms");
            assert_eq!(told(sessions), [is("GOOG", state)], "{time}");
        }
        stop.cancel();
        keeper.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_close_before_comes_from_history_and_moves_on_with_the_day() {
        // Friday before a long weekend: Monday is Memorial Day.
        let mut floor = Floors::at("2024-05-24T15:59");
        let publisher = floor.publisher("Test");
        let mut giving = Session {
            prev_close: Some(price("7")),
            ..stock("GIVEN", Quality::Live)
        };
        publisher.session(stock("ASKED", Quality::Live));
        publisher.session(giving.clone());
        publisher.session(coin("COIN"));
        publisher.session(stock("MADEUP", Quality::Simulated));
        floor.read();
        // Its answer says before which day it was asked.
        let history: PreviousClose = Arc::new(|_, calendar: Calendar, day: Date| {
            let before = calendar.session_before(day);
            Some(price(&format!("{}.{:02}", before.month(), before.day())))
        });
        let stop = CancellationToken::new();
        let keeper = keep_sessions(floor.floor.clone(), Some(history), stop.clone());
        let keeper = tokio::spawn(keeper);
        let mut closes = BTreeMap::new();
        let mut until = async |closes: &mut BTreeMap<String, Price>, time: &str| {
            while floor.floor.now() < new_york(time) {
                let left = Duration::from_millis(new_york(time) - floor.floor.now());
                let said = tokio::time::timeout(left, floor.next()).await;
                for session in said.unwrap_or_default() {
                    match session.prev_close {
                        Some(close) => closes.insert(session.symbol.to_string(), close),
                        None => closes.remove(session.symbol.as_str()),
                    };
                }
            }
        };
        for (time, asked, given, coin) in [
            ("2024-05-24T16:30", "5.23", "7", "5.23"),
            // The weekend and the holiday: Friday's change stays, coins go on by UTC.
            ("2024-05-25T12:00", "5.23", "7", "5.24"),
            ("2024-05-27T12:00", "5.23", "7", "5.26"),
            ("2024-05-28T03:59", "5.23", "7", "5.27"),
            // What the feed gave on Friday is no longer the close before.
            ("2024-05-28T04:01", "5.24", "5.24", "5.27"),
            // Nor is it when the feed has something else to say.
            ("2024-05-28T09:31", "5.24", "5.24", "5.27"),
            // The next one that it gives is.
            ("2024-05-28T09:40", "5.24", "8", "5.27"),
        ] {
            if time.ends_with("09:31") {
                giving.open = Some(price("7.5"));
                publisher.session(giving.clone());
            } else if time.ends_with("09:40") {
                giving.prev_close = Some(price("8"));
                publisher.session(giving.clone());
            }
            until(&mut closes, time).await;
            let expected = [("ASKED", asked), ("COIN", coin), ("GIVEN", given)];
            let expected = expected.map(|(symbol, text)| (symbol.to_owned(), price(text)));
            assert_eq!(closes, BTreeMap::from(expected), "{time}");
        }
        stop.cancel();
        keeper.await.unwrap();
    }
}
