use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::civil::Date;
use market::{Millis, Price, Quality, Session, Symbol, TradingState};
use tokio::sync::Notify;

use crate::{
    Calendar,
    append::{append, inherit},
};
use events::Tape;

/// The sessions of all feeds as they are published: a halt, whichever feed reports it, takes precedence over the hours
/// of the exchange, and these over the session of the primary feed. If the feed does not give a previous close, history
/// provides it.
///
/// Simulated and replayed sessions keep their own state and figures, since their time is not the present. The halts of
/// a recording apply to replayed sessions only.
#[derive(Debug, Default)]
pub struct Sessions {
    // A std mutex: it is held for some microseconds a session and never across an await. It is held while the result is
    // appended, so that the tape has it in the order in which it was computed.
    state: Mutex<State>,
    /// Notified when a previous close is needed.
    pub(crate) wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    symbols: BTreeMap<Symbol, SymbolSession>,
    halts: BTreeMap<Symbol, Option<String>>,
    /// The halts that recordings report.
    played_halts: BTreeMap<Symbol, Option<String>>,
    /// The code of a halt of all US stocks that a recording reports.
    played_market_wide: Option<String>,
    market_wide: Option<MarketWide>,
}

/// The session of one symbol, as its feed sent it and as it was published.
#[derive(Debug)]
struct SymbolSession {
    calendar: Calendar,
    /// As its feed sent it.
    received: Session,
    /// The trading day on which the feed first sent this previous close. If the feed repeats it on the next day with
    /// other data, it is the close of the day before.
    close_received_on: Date,
    /// As on the tape.
    published: Session,
    /// The trading day for which history was queried for the previous close, and the result.
    history: Option<(Date, Option<Price>)>,
}

/// A halt of all US stocks.
#[derive(Debug)]
struct MarketWide {
    code: String,
    /// The symbols that it was reported for, or none for the whole market. A resumption for the same ends it.
    reported: BTreeSet<Option<Symbol>>,
    /// It ends with the day in any case.
    until: Millis,
}

/// Looks up the close of the last session before a trading day: of a symbol, by a calendar, before a day. It may block
/// on a disk.
pub type PreviousClose = Arc<dyn Fn(Symbol, Calendar, Date) -> Option<Price> + Send + Sync>;

/// More halts than there are US stocks; a faulty source must not fill the memory.
const MAX_HALTS: usize = 20_000;

impl Sessions {
    /// Takes the session that a feed sent, and publishes it if it has changed anything.
    pub fn receive(&self, tape: &Tape, now: Millis, received: Session) {
        let mut state = self.state();
        let calendar = Calendar::of(received.venue.as_deref());
        let today = calendar.trading_day(now);
        let symbol = received.symbol;
        match state.symbols.get_mut(&symbol) {
            Some(known) => {
                if known.calendar != calendar {
                    known.history = None;
                }
                if known.received.prev_close != received.prev_close {
                    known.close_received_on = today;
                }
                (known.calendar, known.received) = (calendar, received);
                state.publish(tape, now, [symbol]);
            }
            None => {
                let mut received = received;
                inherit(tape, &mut received, calendar, today);
                let known = SymbolSession {
                    calendar,
                    published: received.clone(),
                    received,
                    close_received_on: today,
                    history: None,
                };
                let published = state.to_publish(&known, now);
                state.symbols.insert(
                    symbol,
                    SymbolSession {
                        published: published.clone(),
                        ..known
                    },
                );
                append(tape, now, vec![published]);
            }
        }
        let known = state.symbols.get(&symbol);
        if known.is_some_and(|known| known.wants_history(now)) {
            self.wanted.notify_one();
        }
    }

    /// What [`Sessions::receive`] would publish for a session now. Changes nothing.
    pub fn preview(&self, tape: &Tape, now: Millis, received: &Session) -> Session {
        let mut received = received.clone();
        let calendar = Calendar::of(received.venue.as_deref());
        let today = calendar.trading_day(now);
        let state = self.state();
        let before = state.symbols.get(&received.symbol);
        if before.is_none() {
            inherit(tape, &mut received, calendar, today);
        }
        let same = before.filter(|known| known.received.prev_close == received.prev_close);
        let known = SymbolSession {
            calendar,
            published: received.clone(),
            close_received_on: same.map_or(today, |known| known.close_received_on),
            history: before
                .filter(|known| known.calendar == calendar)
                .and_then(|known| known.history),
            received,
        };
        state.to_publish(&known, now)
    }

    /// Records that a symbol is halted, with the venue's code of the reason. A market-wide halt (`MWC1` to `MWC3`)
    /// stops all US stocks, whichever symbol it is reported for.
    pub fn halt(&self, tape: &Tape, now: Millis, symbol: Symbol, code: &str) {
        let code = market::plain(code);
        let mut state = self.state();
        if is_market_wide(&code) {
            return state.halt_market(tape, now, Some(symbol), code);
        }
        if state.halts.len() >= MAX_HALTS && !state.halts.contains_key(&symbol) {
            tracing::warn!(%symbol, code, "more halts than there are symbols; this one is left out");
            return;
        }
        state
            .halts
            .insert(symbol, (!code.is_empty()).then_some(code));
        state.publish(tape, now, [symbol]);
    }

    /// Records a halt of all US stocks, with the code of the reason.
    pub fn halt_market(&self, tape: &Tape, now: Millis, code: &str) {
        let mut state = self.state();
        state.halt_market(tape, now, None, market::plain(code));
    }

    /// Ends a halt of all US stocks by [`Sessions::halt_market`].
    pub fn resume_market(&self, tape: &Tape, now: Millis) {
        self.state().resume_market(tape, now, None);
    }

    /// Records a halt of all US stocks in a recording.
    pub fn halt_market_played(&self, tape: &Tape, now: Millis, code: &str) {
        let mut state = self.state();
        state.played_market_wide = Some(market::plain(code));
        state.publish_all(tape, now);
    }

    /// Ends a halt of all US stocks in a recording.
    pub fn resume_market_played(&self, tape: &Tape, now: Millis) {
        let mut state = self.state();
        if state.played_market_wide.take().is_some() {
            state.publish_all(tape, now);
        }
    }

    /// Records a halt of a symbol in a recording. A market-wide halt counts for the symbol only: the recording reports
    /// when its day ends.
    pub fn halt_played(&self, tape: &Tape, now: Millis, symbol: Symbol, code: &str) {
        let code = Some(market::plain(code)).filter(|code| !code.is_empty());
        let mut state = self.state();
        let halts = &mut state.played_halts;
        if halts.len() < MAX_HALTS || halts.contains_key(&symbol) {
            halts.insert(symbol, code);
            state.publish(tape, now, [symbol]);
        }
    }

    /// Ends a halt of a symbol in a recording.
    pub fn resume_played(&self, tape: &Tape, now: Millis, symbol: Symbol) {
        let mut state = self.state();
        if state.played_halts.remove(&symbol).is_some() {
            state.publish(tape, now, [symbol]);
        }
    }

    /// Ends a halt of a symbol. If the halt was market-wide, it ends for all.
    pub fn resume(&self, tape: &Tape, now: Millis, symbol: Symbol) {
        let mut state = self.state();
        if state.halts.remove(&symbol).is_some() {
            state.publish(tape, now, [symbol]);
        } else {
            state.resume_market(tape, now, Some(symbol));
        }
    }

    /// Publishes what has changed because time has passed.
    pub fn refresh(&self, tape: &Tape, now: Millis) {
        let mut state = self.state();
        state.market_wide.take_if(|halt| halt.until <= now);
        state.publish_all(tape, now);
    }

    /// The sessions without a previous close: symbol, calendar and trading day.
    pub(crate) fn wanted(&self, now: Millis) -> Vec<(Symbol, Calendar, Date)> {
        let state = self.state();
        let wanted = state
            .symbols
            .iter()
            .filter(|(_, known)| known.wants_history(now));
        wanted
            .map(|(symbol, known)| (*symbol, known.calendar, known.calendar.trading_day(now)))
            .collect()
    }

    /// Takes the closes from history.
    pub(crate) fn remember(
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
        state.publish(tape, now, symbols);
    }

    /// Looks up every close again.
    pub(crate) fn forget_history(&self) {
        for known in self.state().symbols.values_mut() {
            // The old result stays published until there is a new one.
            if let Some((_, close)) = known.history {
                known.history = Some((Date::MIN, close));
            }
        }
    }

    /// When the state of a symbol changes by its calendar, at the earliest.
    pub(crate) fn next(&self, now: Millis) -> Option<Millis> {
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
    /// Records a halt of all US stocks, reported for a symbol or for none.
    fn halt_market(&mut self, tape: &Tape, now: Millis, of: Option<Symbol>, code: String) {
        let until = Calendar::UsStocks.next_day(now).unwrap_or(Millis::MAX);
        let halt = self.market_wide.get_or_insert_with(|| MarketWide {
            code: code.clone(),
            reported: BTreeSet::new(),
            until,
        });
        (halt.code, halt.until) = (code, until);
        if halt.reported.len() < MAX_HALTS {
            halt.reported.insert(of);
        }
        self.publish_all(tape, now);
    }

    /// Ends a halt of all US stocks, if it was reported for the same.
    fn resume_market(&mut self, tape: &Tape, now: Millis, of: Option<Symbol>) {
        let halt = self.market_wide.take_if(|halt| halt.reported.contains(&of));
        if halt.is_some() {
            self.publish_all(tape, now);
        }
    }

    fn publish_all(&mut self, tape: &Tape, now: Millis) {
        let all: Vec<Symbol> = self.symbols.keys().copied().collect();
        self.publish(tape, now, all);
    }

    /// Publishes the sessions of these symbols that differ from those on the tape.
    fn publish(&mut self, tape: &Tape, now: Millis, symbols: impl IntoIterator<Item = Symbol>) {
        let mut changed = Vec::new();
        for symbol in symbols {
            let Some(known) = self.symbols.get(&symbol) else {
                continue;
            };
            let published = self.to_publish(known, now);
            if published != known.published {
                changed.push(published.clone());
                if let Some(known) = self.symbols.get_mut(&symbol) {
                    known.published = published;
                }
            }
        }
        append(tape, now, changed);
    }

    /// The session as it is to be published.
    fn to_publish(&self, known: &SymbolSession, now: Millis) -> Session {
        let mut published = known.received.clone();
        let exchange = known.calendar == Calendar::UsStocks;
        if published.quality == Quality::Replay {
            let market_wide = self.played_market_wide.as_ref().filter(|_| exchange);
            if let Some(code) = self.played_halts.get(&published.symbol) {
                (published.state, published.halt_code) = (TradingState::Halted, code.clone());
            } else if let Some(code) = market_wide {
                (published.state, published.halt_code) = (TradingState::Halted, Some(code.clone()));
            }
        }
        if !known.is_of_now() {
            return published;
        }
        let market_wide = self.market_wide.as_ref().filter(|_| exchange);
        if let Some(code) = self.halts.get(&published.symbol) {
            (published.state, published.halt_code) = (TradingState::Halted, code.clone());
        } else if let Some(halt) = market_wide {
            (published.state, published.halt_code) =
                (TradingState::Halted, Some(halt.code.clone()));
        } else if exchange && published.state != TradingState::Halted {
            (published.state, published.halt_code) = (known.calendar.state(now), None);
        }
        if exchange {
            published.hours = known.calendar.regular(now);
        }
        if !known.has_previous_close(now) {
            published.prev_close = known.history.and_then(|(_, close)| close);
        }
        published
    }
}

impl SymbolSession {
    /// Whether the feed's data is of the present.
    fn is_of_now(&self) -> bool {
        matches!(self.received.quality, Quality::Live | Quality::Delayed)
    }

    /// Whether the feed gave the close that the day's change is counted from. A close that it sent on Friday is not
    /// Monday's; for rolling days, as with coins, the feed keeps it current.
    fn has_previous_close(&self, now: Millis) -> bool {
        let good = match self.calendar {
            Calendar::UsStocks => self.close_received_on == self.calendar.trading_day(now),
            Calendar::Always => true,
        };
        good && self.received.prev_close.is_some()
    }

    fn wants_history(&self, now: Millis) -> bool {
        let today = || self.calendar.trading_day(now);
        self.is_of_now()
            && !self.has_previous_close(now)
            && self.history.is_none_or(|(day, _)| day != today())
    }
}

/// Whether a code is that of a market-wide halt; `MWCQ` ends one.
pub fn is_market_wide(code: &str) -> bool {
    matches!(code, "MWC0" | "MWC1" | "MWC2" | "MWC3")
}
