mod state;

use std::collections::{BTreeMap, btree_map::Entry};

pub use self::state::CorrectionOutcome;
use self::state::{Counted, Figures, MAX_RECENT, State};
use crate::{Bar, Clock, Correction, Millis, Minute, Quote, Symbol, Tick, Trade};

/// The state of every symbol of one feed: turns ticks into quotes that carry the whole state, and
/// trades into one-minute bars.
///
/// A bar closes when a trade of a later minute of its symbol comes, or when the feed's watermark
/// (the greatest exchange time that any symbol's tick has carried) is [`Board::GRACE`] past the
/// bar's end. A trade that comes for a minute that is closed is counted in [`Board::late`]; it is
/// part of the quote's volume, high and low, but no bar has it.
///
/// Within a bar and for the last price, trades are in the order of their exchange times, and those
/// of the same time in the order in which they came. What a trade moves is its [`TradeEligibility`]; a bar
/// is what [`Roll`] makes of them, and a minute in which no trade moved a price has none.
///
/// Of a symbol whose trades have numbers the board remembers the newest [`Board::RECENT`] one by
/// one, and what came before them in sums, so that one that was wrong can be put right as
/// if it had never come ([`Board::correct`]).
///
/// [`TradeEligibility`]: crate::TradeEligibility
#[derive(Debug, Default)]
pub struct Board {
    // Ordered, so that bars that close together come out in an order that does not change.
    symbols: BTreeMap<Symbol, State>,
    watermark: Millis,
    // The end of the oldest open bar: nothing is looked through before the watermark passes it.
    first_end: Option<Millis>,
    late: u64,
}

/// What a tick led to, in the order in which it is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The minutes that it closed, of any symbol. One in which no trade moved a price has no bar.
    pub minutes: Vec<Minute>,
    /// The state of its symbol.
    pub quote: Quote,
}

impl Change {
    /// The bars of the minutes that it closed.
    pub fn bars(&self) -> Vec<Bar> {
        self.minutes.iter().filter_map(Minute::bar).collect()
    }
}

impl Board {
    /// How far the watermark must be past the end of a bar to close it. Two seconds are longer
    /// than sources let messages of different symbols overtake one another.
    pub const GRACE: Millis = 2_000;

    /// How many trades of a symbol are remembered one by one: some minutes of the busiest stock.
    /// Corrections come seconds after their trades, most of them.
    pub const RECENT: usize = MAX_RECENT;

    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a tick.
    pub fn apply(&mut self, tick: &Tick) -> Change {
        if tick.clock == Clock::Exchange {
            self.watermark = self.watermark.max(tick.time);
        }
        let state = self
            .symbols
            .entry(tick.symbol)
            .or_insert_with(|| State::new(Quote::new(tick.symbol, tick.time)));
        let mut minutes = Vec::new();
        if let Some(trade) = &tick.trade {
            match state.trade(tick.time, trade) {
                Counted::Late => self.late += 1,
                Counted::Open(closed) => minutes.extend(closed),
            }
            if let Some(open) = &state.open_bar {
                let end = open.start + Bar::INTERVAL;
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
        }
        state.tick(tick);
        let quote = state.quote.clone();
        minutes.extend(self.close_passed());
        Change { minutes, quote }
    }

    /// Takes a symbol up where an earlier board left it: its quote, the end of the newest bar that
    /// closed, and the trades after that, with their exchange times and oldest first. They are in the quote
    /// already. They can be
    /// corrected in an archive alone. The minutes come back that end before the newest of the trades.
    ///
    /// Nothing happens where the symbol has a state.
    pub fn restore(
        &mut self,
        quote: Quote,
        closed_until: Millis,
        trades: impl IntoIterator<Item = (Millis, Trade)>,
    ) -> Vec<Minute> {
        let Entry::Vacant(entry) = self.symbols.entry(quote.symbol) else {
            return Vec::new();
        };
        let mut minutes = Vec::new();
        let mut last = quote.traded.unwrap_or_default();
        let mut state = State::new(quote);
        state.closed_until = closed_until;
        for (time, trade) in trades {
            if let Counted::Open(closed) = state.roll(time, &trade) {
                minutes.extend(closed);
            }
            if trade.moves.last {
                last = time.max(last);
            }
        }
        let quote = &state.quote;
        state.figures = Figures {
            last: quote.price.map(|price| (last, price, quote.size)),
            high: quote.high,
            low: quote.low,
            volume: quote.volume,
        };
        if let Some(open) = &state.open_bar {
            let end = open.start + Bar::INTERVAL;
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        }
        entry.insert(state);
        minutes
    }

    /// Forgets that anything was later than a time, because the clock has been set back. Prices stay; a bar that is open there is dropped, for its minute is yet to come.
    pub fn set_back(&mut self, latest: Millis) {
        self.watermark = self.watermark.min(latest);
        self.first_end = None;
        for state in self.symbols.values_mut() {
            state.set_back(latest);
            if let Some(open) = &state.open_bar {
                let end = open.start + Bar::INTERVAL;
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
        }
    }

    /// Begins a new day of a symbol: volume, high and low are those of the trades that come from now
    /// on. The last price stays until there is another one.
    pub fn begin_day(&mut self, symbol: Symbol) {
        if let Some(state) = self.symbols.get_mut(&symbol) {
            state.begin_day();
        }
    }

    /// Takes a trade back or puts it right: afterwards the quote and the open bar are as if it had
    /// been right from the beginning, but for the quote's time, which never goes back.
    ///
    /// Sums that the source gives itself ([`Day`]) stay as it gave them: it corrects them itself.
    pub fn correct(&mut self, correction: &Correction) -> CorrectionOutcome {
        let state = self.symbols.get_mut(&correction.symbol);
        state.map_or(CorrectionOutcome::Unknown, |state| {
            state.correct(correction)
        })
    }

    /// Closes the minutes that are open, because the feed is at its end.
    pub fn finish(&mut self) -> Vec<Minute> {
        self.first_end = None;
        self.symbols.values_mut().filter_map(State::close).collect()
    }

    /// The state of a symbol.
    pub fn quote(&self, symbol: Symbol) -> Option<&Quote> {
        self.symbols.get(&symbol).map(|state| &state.quote)
    }

    /// The state of every symbol, in the order of the symbols.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        self.symbols.values().map(|state| &state.quote)
    }

    /// How many trades came for a minute that was closed.
    pub fn late(&self) -> u64 {
        self.late
    }

    fn close_passed(&mut self) -> Vec<Minute> {
        let Some(until) = self.watermark.checked_sub(Self::GRACE) else {
            return Vec::new();
        };
        if self.first_end.is_none_or(|end| end > until) {
            return Vec::new();
        }
        let mut minutes = Vec::new();
        self.first_end = None;
        for state in self.symbols.values_mut() {
            let Some(open) = &state.open_bar else {
                continue;
            };
            let end = open.start + Bar::INTERVAL;
            if end <= until {
                minutes.extend(state.close());
            } else {
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
        }
        minutes
    }
}

#[cfg(test)]
mod tests;
