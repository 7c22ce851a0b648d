mod state;

use std::collections::{BTreeMap, btree_map::Entry};

pub use self::state::CorrectionOutcome;
use self::state::{Counted, Figures, MAX_RECENT, State};
use crate::{Bar, Clock, Correction, Millis, Minute, Quote, Symbol, Tick, Trade};

/// The state of every symbol of one feed: turns ticks into quotes that carry the whole state, and
/// trades into one-minute bars.
///
/// A bar closes when a trade of a later minute of its symbol arrives, or when the feed's watermark (the greatest
/// exchange time of any symbol's tick) is [`Board::GRACE`] past the bar's end. A trade that arrives for a closed minute
/// is counted in [`Board::late`]; it is part of the quote's volume, high and low, but of no bar.
///
/// Within a bar, and for the last price, trades are ordered by exchange time, and trades of the same time by arrival.
/// What a trade moves is its [`TradeEligibility`]; a bar is what [`Roll`] makes of its trades. A minute in which no
/// trade moved a price has no bar.
///
/// For a symbol whose trades are numbered, the board keeps the newest [`Board::RECENT`] trades one by one and earlier
/// ones as sums. A wrong trade can then be corrected as if it had never been reported ([`Board::correct`]).
///
/// [`TradeEligibility`]: crate::TradeEligibility
#[derive(Debug, Default)]
pub struct Board {
    // Ordered, so that bars that close together are returned in a stable order.
    symbols: BTreeMap<Symbol, State>,
    watermark: Millis,
    // The end of the oldest open bar: no bar is examined before the watermark passes it.
    first_end: Option<Millis>,
    late: u64,
}

/// What a tick produced, in the order in which it is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The minutes that the tick closed, of any symbol. A minute in which no trade moved a price has no bar.
    pub minutes: Vec<Minute>,
    /// The state of the tick's symbol.
    pub quote: Quote,
}

impl Change {
    /// The bars of the closed minutes.
    pub fn bars(&self) -> Vec<Bar> {
        self.minutes.iter().filter_map(Minute::bar).collect()
    }
}

impl Board {
    /// How far the watermark must be past the end of a bar to close it. Sources let messages of different symbols
    /// overtake one another by less than two seconds.
    pub const GRACE: Millis = 2_000;

    /// How many trades of a symbol are kept one by one: some minutes of the busiest stock. Most corrections arrive
    /// seconds after their trades.
    pub const RECENT: usize = MAX_RECENT;

    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies a tick.
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

    /// Restores a symbol from an earlier board: its quote, the end of the newest closed bar, and the trades after that
    /// with their exchange times, oldest first. The quote already includes these trades. They can be corrected in an
    /// archive only. Returns the minutes that end before the newest of the trades.
    ///
    /// Does nothing if the symbol has a state already.
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

    /// Forgets every later time, because the clock has been set back. Prices stay. A bar that is open after that time
    /// is dropped, since its minute is yet to come.
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

    /// Begins a new day of a symbol: volume, high and low count the trades from now on. The last price stays until the
    /// next trade.
    pub fn begin_day(&mut self, symbol: Symbol) {
        if let Some(state) = self.symbols.get_mut(&symbol) {
            state.begin_day();
        }
    }

    /// Cancels or corrects a trade: afterwards the quote and the open bar are as if the trade had been right from the
    /// beginning. Only the quote's time never goes back.
    ///
    /// Sums that the source itself reports ([`Day`]) stay unchanged: the source corrects them.
    pub fn correct(&mut self, correction: &Correction) -> CorrectionOutcome {
        let state = self.symbols.get_mut(&correction.symbol);
        state.map_or(CorrectionOutcome::Unknown, |state| {
            state.correct(correction)
        })
    }

    /// Closes the open minutes, because the feed has ended.
    pub fn finish(&mut self) -> Vec<Minute> {
        self.first_end = None;
        self.symbols.values_mut().filter_map(State::close).collect()
    }

    /// The state of a symbol.
    pub fn quote(&self, symbol: Symbol) -> Option<&Quote> {
        self.symbols.get(&symbol).map(|state| &state.quote)
    }

    /// The state of every symbol, ordered by symbol.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        self.symbols.values().map(|state| &state.quote)
    }

    /// How many trades arrived for a closed minute.
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
