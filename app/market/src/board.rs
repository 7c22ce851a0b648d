use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use crate::{
    Bar, Best, Clock, Correction, Day, Millis, Minute, Price, Quote, Roll, Size, Symbol, Tick,
    Trade, roll::sum,
};

/// The state of every symbol of one feed: turns ticks into quotes that carry the whole state, and
/// trades into one-minute bars.
///
/// A bar closes when a trade of a later minute of its symbol comes, or when the feed's watermark
/// (the greatest exchange time that any symbol's tick has carried) is [`Board::GRACE`] past the
/// bar's end. A trade that comes for a minute that is closed is counted in [`Board::late`]; it is
/// part of the quote's volume, high and low, but no bar has it.
///
/// Within a bar and for the last price, trades are in the order of their exchange times, and those
/// of the same time in the order in which they came. What a trade moves, its [`TradeEligibility`] say; a bar
/// is what [`Roll`] makes of them, and a minute in which no trade moved a price has none.
///
/// Of a symbol whose trades have numbers the board remembers the newest [`Board::RECENT`] one by
/// one, and what came before them in sums, so that one that was told wrongly can be put right as
/// if it had never been told ([`Board::correct`]).
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

/// What a tick led to, in the order in which it is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The minutes that it closed, of any symbol. One in which no trade moved a price has no bar.
    pub minutes: Vec<Minute>,
    /// The state of its symbol.
    pub quote: Quote,
}

/// What a correction led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorrectionOutcome {
    /// All of it is put right: the quote, which is the symbol's state now, and the open bar.
    Whole(Quote),
    /// The quote is put right. The minute of the trade is closed: its bar is told already, and only
    /// an archive can put it right there.
    Quote(Quote),
    /// The trade is older than what the board remembers, or was never told: nothing has changed
    /// here. An archive that knows it can put it right there.
    Unknown,
}

#[derive(Debug)]
struct State {
    quote: Quote,
    /// What all trades have led to.
    figures: Figures,
    /// What the trades have led to that are not in `recent`, once a trade has had a number.
    before: Figures,
    recent: VecDeque<Recent>,
    /// How many trades have been remembered.
    count: u64,
    /// The trades before this count are part of `before`, but for the last price: the source has
    /// given sums of its own since.
    summed: u64,
    /// Whether a trade has had a number.
    numbered: bool,
    open_bar: Option<OpenBar>,
    /// The end of the newest closed bar.
    closed_until: Millis,
}

#[derive(Debug)]
struct OpenBar {
    start: Millis,
    /// All trades.
    roll: Roll,
    /// Those that are not in the state's `recent`, once a trade has had a number.
    before: Roll,
}

/// A trade that is remembered.
#[derive(Debug)]
struct Recent {
    count: u64,
    time: Millis,
    trade: Trade,
}

/// What trades lead to in a quote.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    /// The time, price and size of the last trade.
    last: Option<(Millis, Price, Option<Size>)>,
    high: Option<Price>,
    low: Option<Price>,
    volume: Option<Size>,
}

impl Figures {
    fn add(&mut self, time: Millis, trade: &Trade) {
        self.add_last(time, trade);
        self.add_sums(trade);
    }

    fn add_last(&mut self, time: Millis, trade: &Trade) {
        if trade.moves.last && self.last.is_none_or(|(last, ..)| time >= last) {
            self.last = Some((time, trade.price, trade.size));
        }
    }

    fn add_sums(&mut self, trade: &Trade) {
        if trade.moves.range {
            self.high = Some(self.high.map_or(trade.price, |high| high.max(trade.price)));
            self.low = Some(self.low.map_or(trade.price, |low| low.min(trade.price)));
        }
        if let Some(size) = trade.size.filter(|_| trade.moves.volume) {
            self.volume = Some(self.volume.map_or(size, |volume| sum(volume, size)));
        }
    }
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
    pub const RECENT: usize = 2_048;

    /// A board of a feed that has not said anything.
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

    /// Forgets that anything was later than a time, because the clock that said so has been set back. What
    /// it says of prices stays; a bar that is open there is dropped, for its minute is yet to come.
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
    /// been told right from the beginning, but for the quote's time, which never goes back.
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

enum Counted {
    /// The trade's minute is closed.
    Late,
    /// It is in the open bar, and may have closed the one before.
    Open(Option<Minute>),
}

impl State {
    fn new(quote: Quote) -> Self {
        State {
            quote,
            figures: Figures::default(),
            before: Figures::default(),
            recent: VecDeque::new(),
            count: 0,
            summed: 0,
            numbered: false,
            open_bar: None,
            closed_until: 0,
        }
    }

    fn tick(&mut self, tick: &Tick) {
        let quote = &mut self.quote;
        // Never back: where a source times its trades but not its prices, two clocks are mixed.
        quote.time = quote.time.max(tick.time);
        let side = |side: &Best, price: &mut Option<Price>, size: &mut Option<Size>| match *side {
            Best::Unchanged => {}
            Best::Empty => (*price, *size) = (None, None),
            Best::At {
                price: at,
                size: of,
            } => (*price, *size) = (Some(at), of),
        };
        side(&tick.bid, &mut quote.bid, &mut quote.bid_size);
        side(&tick.ask, &mut quote.ask, &mut quote.ask_size);
        self.day(&tick.day);
        self.show();
    }

    fn set_back(&mut self, latest: Millis) {
        self.quote.time = self.quote.time.min(latest);
        for figures in [&mut self.figures, &mut self.before] {
            if let Some((time, ..)) = &mut figures.last {
                *time = latest.min(*time);
            }
        }
        for recent in &mut self.recent {
            recent.time = latest.min(recent.time);
        }
        // The board no longer holds whether it published the bar of this minute, so it does not publish it again.
        self.closed_until = self.closed_until.min(minute(latest) + Bar::INTERVAL);
        self.open_bar.take_if(|open| open.start > latest);
    }

    /// Takes the sums that the source gives itself. They have everything in them that came before.
    fn day(&mut self, day: &Day) {
        if (day.volume, day.high, day.low) == (None, None, None) {
            return;
        }
        let figures = &mut self.figures;
        figures.volume = day.volume.or(figures.volume);
        figures.high = day.high.or(figures.high);
        figures.low = day.low.or(figures.low);
        self.before = Figures {
            last: self.before.last,
            ..*figures
        };
        self.summed = self.count;
    }

    fn begin_day(&mut self) {
        for figures in [&mut self.figures, &mut self.before] {
            *figures = Figures {
                last: figures.last,
                ..Figures::default()
            };
        }
        self.summed = self.count;
        self.show();
    }

    fn show(&mut self) {
        let Figures {
            last,
            high,
            low,
            volume,
        } = self.figures;
        // A symbol that was taken up without its last trade has none with a time.
        self.quote.traded = last.map(|(time, ..)| time).filter(|time| *time > 0);
        self.quote.price = last.map(|(_, price, _)| price);
        self.quote.size = last.and_then(|(.., size)| size);
        (self.quote.high, self.quote.low, self.quote.volume) = (high, low, volume);
    }

    fn trade(&mut self, time: Millis, trade: &Trade) -> Counted {
        if trade.id.is_some() && !self.numbered {
            self.numbered = true;
            self.before = self.figures;
            if let Some(open) = &mut self.open_bar {
                open.before = open.roll.clone();
            }
        }
        let counted = self.roll(time, trade);
        self.figures.add(time, trade);
        if self.numbered {
            self.remember(time, trade);
        }
        counted
    }

    fn remember(&mut self, time: Millis, trade: &Trade) {
        self.recent.push_back(Recent {
            count: self.count,
            time,
            trade: *trade,
        });
        self.count += 1;
        if self.recent.len() > Board::RECENT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.forget(&oldest);
        }
    }

    /// Remembers a trade from now on in sums alone.
    fn forget(&mut self, recent: &Recent) {
        self.before.add_last(recent.time, &recent.trade);
        if recent.count >= self.summed {
            self.before.add_sums(&recent.trade);
        }
        if let Some(open) = &mut self.open_bar
            && recent.is_in(open)
        {
            open.before.add(recent.time, &recent.trade);
        }
    }

    fn roll(&mut self, time: Millis, trade: &Trade) -> Counted {
        let start = minute(time);
        let mut closed = None;
        match &self.open_bar {
            Some(open) if open.start == start => {}
            Some(open) if open.start > start => return Counted::Late,
            _ if start < self.closed_until => return Counted::Late,
            _ => {
                closed = self.close();
                self.open_bar = Some(OpenBar {
                    start,
                    roll: Roll::new(),
                    before: Roll::new(),
                });
            }
        }
        if let Some(open) = &mut self.open_bar {
            open.roll.add(time, trade);
        }
        Counted::Open(closed)
    }

    fn correct(&mut self, correction: &Correction) -> CorrectionOutcome {
        // From the newest on: a number may come again after a source has begun anew.
        let place = self
            .recent
            .iter()
            .rposition(|recent| recent.trade.id == Some(correction.trade));
        let Some(place) = place else {
            return CorrectionOutcome::Unknown;
        };
        let open = self.open_bar.as_ref();
        let is_open = open.is_some_and(|open| self.recent[place].is_in(open));
        match correction.right {
            Some(right) => self.recent[place].trade = right,
            None => {
                self.recent.remove(place);
            }
        }
        self.figures = self.before;
        for recent in &self.recent {
            self.figures.add_last(recent.time, &recent.trade);
            if recent.count >= self.summed {
                self.figures.add_sums(&recent.trade);
            }
        }
        if let Some(open) = self.open_bar.as_mut().filter(|_| is_open) {
            open.roll = open.before.clone();
            for recent in &self.recent {
                if recent.is_in(open) {
                    open.roll.add(recent.time, &recent.trade);
                }
            }
        }
        self.quote.time = self.quote.time.max(correction.time);
        self.show();
        if is_open {
            CorrectionOutcome::Whole(self.quote.clone())
        } else {
            CorrectionOutcome::Quote(self.quote.clone())
        }
    }

    fn close(&mut self) -> Option<Minute> {
        let open = self.open_bar.take()?;
        self.closed_until = open.start + Bar::INTERVAL;
        Some(Minute {
            symbol: self.quote.symbol,
            start: open.start,
            sums: open.roll.into_sums(),
        })
    }
}

/// The first millisecond of the minute.
fn minute(time: Millis) -> Millis {
    time - time % Bar::INTERVAL
}

impl Recent {
    fn is_in(&self, open: &OpenBar) -> bool {
        // A late trade is of an earlier minute than any bar that opens after it.
        minute(self.time) == open.start
    }
}

#[cfg(test)]
mod tests;
