use std::collections::{BTreeMap, btree_map::Entry};

use rust_decimal::Decimal;

use crate::{Bar, Best, Clock, Millis, Price, Quote, Size, Symbol, Tick, Trade};

/// The state of every symbol of one feed: turns ticks into quotes that carry the whole state, and
/// trades into one-minute bars.
///
/// A bar closes when a trade of a later minute of its symbol comes, or when the feed's watermark
/// (the greatest exchange time that any symbol's tick has carried) is [`Board::GRACE`] past the
/// bar's end. A trade that comes for a minute that is closed is counted in [`Board::late`]; it is
/// part of the quote's volume, high and low, but no bar has it.
///
/// Within a bar and for the last price, trades are in the order of their exchange times, and those
/// of the same time in the order in which they came.
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
    /// The bars that it closed, of any symbol.
    pub bars: Vec<Bar>,
    /// The state of its symbol.
    pub quote: Quote,
}

#[derive(Debug)]
struct State {
    quote: Quote,
    last_trade: Option<Millis>,
    open_bar: Option<OpenBar>,
    /// The end of the newest closed bar.
    closed_until: Millis,
}

#[derive(Debug)]
struct OpenBar {
    bar: Bar,
    open_time: Millis,
    close_time: Millis,
    /// Price times size, for the average; `None` once it no longer fits.
    turnover: Option<Decimal>,
}

impl Board {
    /// How far the watermark must be past the end of a bar to close it. Two seconds are longer
    /// than sources let messages of different symbols overtake one another.
    pub const GRACE: Millis = 2_000;

    /// A board of a feed that has not said anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a tick.
    pub fn apply(&mut self, tick: &Tick) -> Change {
        if tick.clock == Clock::Exchange {
            self.watermark = self.watermark.max(tick.time);
        }
        let state = self.symbols.entry(tick.symbol).or_insert_with(|| State {
            quote: Quote::new(tick.symbol, tick.time),
            last_trade: None,
            open_bar: None,
            closed_until: 0,
        });
        let mut bars = Vec::new();
        if let Some(trade) = &tick.trade {
            match state.count(tick.time, trade) {
                Counted::Late => self.late += 1,
                Counted::Open(closed) => bars.extend(closed),
            }
            if let Some(open) = &state.open_bar {
                let end = open.bar.start + Bar::INTERVAL;
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
        }
        state.quote(tick);
        let quote = state.quote.clone();
        bars.extend(self.close_passed());
        Change { bars, quote }
    }

    /// Takes a symbol up where an earlier board left it: its quote, the end of the newest bar that
    /// closed, and the trades after that, with their exchange times and oldest first. They are in the quote
    /// already; what they say of bars that end before the newest of them comes back.
    ///
    /// Nothing happens where the symbol has a state.
    pub fn take_up(
        &mut self,
        quote: Quote,
        closed_until: Millis,
        trades: impl IntoIterator<Item = (Millis, Trade)>,
    ) -> Vec<Bar> {
        let Entry::Vacant(entry) = self.symbols.entry(quote.symbol) else {
            return Vec::new();
        };
        let state = entry.insert(State {
            quote,
            last_trade: None,
            open_bar: None,
            closed_until,
        });
        let mut bars = Vec::new();
        for (time, trade) in trades {
            if let Counted::Open(closed) = state.count(time, &trade) {
                bars.extend(closed);
            }
            state.last_trade = state.last_trade.max(Some(time));
        }
        if let Some(open) = &state.open_bar {
            let end = open.bar.start + Bar::INTERVAL;
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        }
        bars
    }

    /// Closes the bars that are open, because the feed is at its end.
    pub fn finish(&mut self) -> Vec<Bar> {
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

    fn close_passed(&mut self) -> Vec<Bar> {
        let Some(until) = self.watermark.checked_sub(Self::GRACE) else {
            return Vec::new();
        };
        if self.first_end.is_none_or(|end| end > until) {
            return Vec::new();
        }
        let mut bars = Vec::new();
        self.first_end = None;
        for state in self.symbols.values_mut() {
            let Some(open) = &state.open_bar else {
                continue;
            };
            let end = open.bar.start + Bar::INTERVAL;
            if end <= until {
                bars.extend(state.close());
            } else {
                self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            }
        }
        bars
    }
}

enum Counted {
    /// The trade's minute is closed.
    Late,
    /// It is in the open bar, and may have closed the one before.
    Open(Option<Bar>),
}

impl State {
    fn quote(&mut self, tick: &Tick) {
        let quote = &mut self.quote;
        // Never back: where a source times its trades but not its prices, two clocks are mixed.
        quote.time = quote.time.max(tick.time);
        let side = |side: &Best, price: &mut Option<Price>, size: &mut Option<Size>| match *side {
            Best::Unchanged => {}
            Best::Nobody => (*price, *size) = (None, None),
            Best::At {
                price: at,
                size: of,
            } => (*price, *size) = (Some(at), of),
        };
        side(&tick.bid, &mut quote.bid, &mut quote.bid_size);
        side(&tick.ask, &mut quote.ask, &mut quote.ask_size);
        if let Some(trade) = &tick.trade {
            if self.last_trade.is_none_or(|last| tick.time >= last) {
                self.last_trade = Some(tick.time);
                quote.price = Some(trade.price);
                quote.size = trade.size;
            }
            quote.high = Some(quote.high.map_or(trade.price, |high| high.max(trade.price)));
            quote.low = Some(quote.low.map_or(trade.price, |low| low.min(trade.price)));
            if let Some(size) = trade.size {
                quote.volume = Some(quote.volume.map_or(size, |volume| add(volume, size)));
            }
        }
        quote.volume = tick.day.volume.or(quote.volume);
        quote.high = tick.day.high.or(quote.high);
        quote.low = tick.day.low.or(quote.low);
    }

    fn count(&mut self, time: Millis, trade: &Trade) -> Counted {
        let start = time - time % Bar::INTERVAL;
        if let Some(open) = &mut self.open_bar
            && open.bar.start == start
        {
            open.add(time, trade);
            return Counted::Open(None);
        }
        let after_open = self
            .open_bar
            .as_ref()
            .is_none_or(|open| open.bar.start < start);
        if !after_open || start < self.closed_until {
            return Counted::Late;
        }
        let closed = self.close();
        self.open_bar = Some(OpenBar::new(self.quote.symbol, start, time, trade));
        Counted::Open(closed)
    }

    fn close(&mut self) -> Option<Bar> {
        let bar = self.open_bar.take()?.close();
        self.closed_until = bar.start + Bar::INTERVAL;
        Some(bar)
    }
}

impl OpenBar {
    fn new(symbol: Symbol, start: Millis, time: Millis, trade: &Trade) -> Self {
        let mut open = OpenBar {
            bar: Bar {
                symbol,
                start,
                open: trade.price,
                high: trade.price,
                low: trade.price,
                close: trade.price,
                volume: Size::ZERO,
                vwap: None,
                trades: 0,
            },
            open_time: time,
            close_time: time,
            turnover: Some(Decimal::ZERO),
        };
        open.add(time, trade);
        open
    }

    fn add(&mut self, time: Millis, trade: &Trade) {
        let bar = &mut self.bar;
        if time < self.open_time {
            self.open_time = time;
            bar.open = trade.price;
        }
        if time >= self.close_time {
            self.close_time = time;
            bar.close = trade.price;
        }
        bar.high = bar.high.max(trade.price);
        bar.low = bar.low.min(trade.price);
        bar.trades += 1;
        if let Some(size) = trade.size {
            bar.volume = add(bar.volume, size);
            let paid = trade.price.decimal().checked_mul(size.decimal());
            self.turnover = self
                .turnover
                .and_then(|turnover| turnover.checked_add(paid?));
        }
    }

    fn close(self) -> Bar {
        let mut bar = self.bar;
        // Two digits more than the prices have say what an average adds; past eight they are noise.
        let scale = [bar.open, bar.high, bar.low, bar.close]
            .map(Price::scale)
            .into_iter()
            .fold(0, u32::max);
        let digits = (scale + 2).min(8).max(scale);
        bar.vwap = self
            .turnover
            .and_then(|turnover| turnover.checked_div(bar.volume.decimal()))
            .map(|average| Price::from(average).rounded(digits));
        bar
    }
}

/// A sum that stays where it was when it would no longer fit into 28 digits.
fn add(sum: Size, size: Size) -> Size {
    sum.checked_add(size).unwrap_or(sum)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::Day;

    const MINUTE: Millis = Bar::INTERVAL;

    fn symbol(text: &str) -> Symbol {
        text.parse().unwrap()
    }

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn size(text: &str) -> Size {
        text.parse().unwrap()
    }

    fn trade(name: &str, time: Millis, at: &str, of: &str) -> Tick {
        let mut tick = Tick::new(symbol(name), time, Clock::Exchange);
        tick.trade = Some(Trade::new(price(at), Some(size(of))));
        tick
    }

    #[test]
    fn a_quote_carries_the_whole_state_exactly() {
        let mut board = Board::new();
        let mut tick = Tick::new(symbol("BTCUSDT"), 100, Clock::Receipt);
        tick.bid = Best::At {
            price: price("61837.63000000"),
            size: Some(size("3.78826000")),
        };
        tick.ask = Best::At {
            price: price("61837.64000000"),
            size: None,
        };
        board.apply(&tick);
        board.apply(&trade("BTCUSDT", 200, "61837.63000000", "0.02000000"));
        let change = board.apply(&trade("BTCUSDT", 300, "61837.60000000", "0.1"));
        let quote = change.quote;
        assert_eq!(quote.time, 300);
        assert_eq!(quote.price.unwrap().to_string(), "61837.60000000");
        assert_eq!(quote.size.unwrap().to_string(), "0.1");
        assert_eq!(quote.bid.unwrap().to_string(), "61837.63000000");
        assert_eq!(quote.bid_size.unwrap().to_string(), "3.78826000");
        assert_eq!(quote.ask.unwrap().to_string(), "61837.64000000");
        assert_eq!(quote.ask_size, None);
        assert_eq!(quote.volume.unwrap().to_string(), "0.12000000");
        assert_eq!(quote.high.unwrap().to_string(), "61837.63000000");
        assert_eq!(quote.low.unwrap().to_string(), "61837.60000000");

        tick.bid = Best::Nobody;
        tick.ask = Best::Unchanged;
        let quote = board.apply(&tick).quote;
        assert_eq!((quote.bid, quote.bid_size), (None, None));
        assert!(quote.ask.is_some());
        assert_eq!(quote.time, 300, "an older clock never sets the time back");
        assert_eq!(board.quote(symbol("BTCUSDT")), Some(&quote));
    }

    #[test]
    fn the_sources_figures_stand_and_later_trades_come_on_top() {
        let mut board = Board::new();
        board.apply(&trade("A", 1, "10", "5"));
        let mut tick = trade("A", 2, "11", "1");
        tick.day = Day {
            volume: Some(size("1000")),
            high: Some(price("14")),
            low: Some(price("9")),
            ..Day::default()
        };
        let quote = board.apply(&tick).quote;
        assert_eq!(quote.volume, Some(size("1000")), "the trade is part of it");
        assert_eq!(
            (quote.high, quote.low),
            (Some(price("14")), Some(price("9")))
        );
        let quote = board.apply(&trade("A", 3, "15", "2")).quote;
        assert_eq!(quote.volume, Some(size("1002")));
        assert_eq!(
            (quote.high, quote.low),
            (Some(price("15")), Some(price("9")))
        );
    }

    #[test]
    fn a_trade_of_a_later_minute_closes_the_bar() {
        let mut board = Board::new();
        assert_eq!(board.apply(&trade("A", 59_000, "10.00", "1")).bars, []);
        assert_eq!(board.apply(&trade("A", 59_999, "10.03", "2")).bars, []);
        let bars = board.apply(&trade("A", 60_000, "9", "1")).bars;
        let expected = Bar {
            symbol: symbol("A"),
            start: 0,
            open: price("10.00"),
            high: price("10.03"),
            low: price("10.00"),
            close: price("10.03"),
            volume: size("3"),
            vwap: Some(price("10.0200")),
            trades: 2,
        };
        assert_eq!(bars, [expected]);
        assert_eq!(bars[0].vwap.unwrap().to_string(), "10.0200");
        assert_eq!(board.finish().len(), 1);
        assert_eq!(board.finish(), []);
    }

    #[test]
    fn the_watermark_of_the_feed_closes_bars_of_silent_symbols() {
        let mut board = Board::new();
        board.apply(&trade("B", 1_000, "10", "1"));
        board.apply(&trade("A", 2_000, "20", "1"));
        let just_before = MINUTE + Board::GRACE - 1;
        assert_eq!(board.apply(&trade("C", just_before, "5", "1")).bars, []);

        let mut receipt = Tick::new(symbol("C"), just_before + 60_000, Clock::Receipt);
        receipt.bid = Best::Nobody;
        assert_eq!(board.apply(&receipt).bars, [], "our clock closes nothing");

        let mut quoted = Tick::new(symbol("C"), just_before + 1, Clock::Exchange);
        quoted.ask = Best::Nobody;
        let bars = board.apply(&quoted).bars;
        let closed: Vec<&str> = bars.iter().map(|bar| bar.symbol.as_str()).collect();
        assert_eq!(closed, ["A", "B"]);
    }

    #[test]
    fn late_trades_are_counted_and_not_lost_from_the_volume() {
        let mut board = Board::new();
        board.apply(&trade("A", 10_000, "10", "1"));
        board.apply(&trade("A", 61_000, "11", "1"));
        let change = board.apply(&trade("A", 59_000, "12", "4"));
        assert_eq!(board.late(), 1);
        assert_eq!(change.bars, []);
        assert_eq!(change.quote.price, Some(price("11")), "it is not the last");
        assert_eq!(change.quote.volume, Some(size("6")));
        assert_eq!(change.quote.high, Some(price("12")));
        let bars = board.finish();
        assert_eq!((bars[0].trades, bars[0].high), (1, price("11")));

        board.apply(&trade("A", 62_000, "11", "1"));
        assert_eq!(board.late(), 2, "also when nothing has opened since");
    }

    #[test]
    fn trades_within_a_bar_are_in_the_order_of_their_times() {
        let mut board = Board::new();
        board.apply(&trade("A", 30_000, "10", "1"));
        board.apply(&trade("A", 40_000, "12", "1"));
        board.apply(&trade("A", 20_000, "9", "1"));
        let quote = board.apply(&trade("A", 35_000, "11", "1")).quote;
        assert_eq!(quote.price, Some(price("12")));
        let bar = board.finish().remove(0);
        assert_eq!((bar.open, bar.close), (price("9"), price("12")));
        assert_eq!(
            (bar.low, bar.high, bar.trades),
            (price("9"), price("12"), 4)
        );
    }

    #[test]
    fn a_trade_without_a_size_has_no_weight() {
        let mut board = Board::new();
        let mut tick = trade("A", 1, "10", "1");
        tick.trade = Some(Trade::new(price("10"), None));
        let quote = board.apply(&tick).quote;
        assert_eq!((quote.volume, quote.size), (None, None));
        let bar = board.finish().remove(0);
        assert_eq!((bar.volume, bar.vwap, bar.trades), (Size::ZERO, None, 1));
    }

    /// Trades of three symbols whose times rise but for some that come up to `slack` late.
    fn trades(slack: Millis) -> impl Strategy<Value = Vec<(usize, Millis, i64, i64)>> {
        let step = (
            0..3_usize,
            0..9_000_u64,
            0..=slack,
            1..99_999_i64,
            0..5_000_i64,
        );
        proptest::collection::vec(step, 1..200).prop_map(|steps| {
            let mut now = 300_000;
            steps
                .into_iter()
                .map(|(symbol, wait, late, price, size)| {
                    now += wait;
                    (symbol, now - late, price, size)
                })
                .collect()
        })
    }

    const NAMES: [&str; 3] = ["A", "B", "C"];

    fn tick(&(name, time, at, of): &(usize, Millis, i64, i64)) -> Tick {
        let mut tick = Tick::new(symbol(NAMES[name]), time, Clock::Exchange);
        tick.trade = Some(Trade::new(
            Decimal::new(at, 2).into(),
            Some(Decimal::new(of, 1).into()),
        ));
        tick
    }

    fn apply(board: &mut Board, trade: &(usize, Millis, i64, i64)) -> Change {
        board.apply(&tick(trade))
    }

    fn run(board: &mut Board, trades: &[(usize, Millis, i64, i64)]) -> Vec<Bar> {
        let mut bars = Vec::new();
        for trade in trades {
            bars.extend(apply(board, trade).bars);
        }
        bars.extend(board.finish());
        bars
    }

    proptest! {
        #[test]
        fn a_board_that_is_taken_up_goes_on_as_if_it_had_not_ended(
            trades in trades(0),
            at: proptest::sample::Index,
        ) {
            let mut whole = Board::new();
            let expected = run(&mut whole, &trades);

            let at = at.index(trades.len());
            let mut first = Board::new();
            let mut bars = Vec::new();
            for trade in &trades[..at] {
                bars.extend(apply(&mut first, trade).bars);
            }
            // The last one was told and not stored.
            let lost = bars.pop();
            let mut second = Board::new();
            for quote in first.quotes() {
                let of_symbol = |bar: &&Bar| bar.symbol == quote.symbol;
                let closed = bars.iter().rev().find(of_symbol);
                let until = closed.map_or(0, |bar| bar.start + Bar::INTERVAL);
                let since = trades[..at].iter().filter(|(name, time, ..)| {
                    symbol(NAMES[*name]) == quote.symbol && *time >= until
                });
                let since = since.map(|trade| (trade.1, tick(trade).trade.unwrap()));
                bars.extend(second.take_up(quote.clone(), until, since));
            }
            prop_assert!(second.quotes().eq(first.quotes()));
            bars.extend(run(&mut second, &trades[at..]));
            prop_assert!(second.quotes().eq(whole.quotes()));
            prop_assert_eq!(second.late(), 0);
            prop_assert!(lost.is_none_or(|lost| bars.contains(&lost)));
            let sorted = |mut bars: Vec<Bar>| {
                bars.sort_by_key(|bar| (bar.symbol, bar.start));
                bars
            };
            prop_assert_eq!(sorted(bars), sorted(expected));
        }

        #[test]
        fn bars_are_the_trades_regrouped(trades in trades(0)) {
            let mut board = Board::new();
            let mut bars = run(&mut board, &trades);
            bars.sort_by_key(|bar| (bar.symbol, bar.start));
            prop_assert_eq!(board.late(), 0);

            let mut groups: BTreeMap<(Symbol, Millis), Vec<(i64, i64)>> = BTreeMap::new();
            for &(name, time, at, of) in &trades {
                let key = (symbol(NAMES[name]), time / MINUTE * MINUTE);
                groups.entry(key).or_default().push((at, of));
            }
            prop_assert_eq!(bars.len(), groups.len());
            for (bar, ((symbol, start), group)) in bars.iter().zip(&groups) {
                let cents = |cents: i64| Price::from(Decimal::new(cents, 2));
                let prices: Vec<i64> = group.iter().map(|(at, _)| *at).collect();
                let volume: i64 = group.iter().map(|(_, of)| of).sum();
                let turnover: i64 = group.iter().map(|(at, of)| at * of).sum();
                prop_assert_eq!(bar.symbol, *symbol);
                prop_assert_eq!(bar.start, *start);
                prop_assert_eq!(bar.open, cents(prices[0]));
                prop_assert_eq!(bar.close, cents(prices[prices.len() - 1]));
                prop_assert_eq!(bar.high, cents(*prices.iter().max().unwrap()));
                prop_assert_eq!(bar.low, cents(*prices.iter().min().unwrap()));
                prop_assert_eq!(bar.volume, Size::from(Decimal::new(volume, 1)));
                prop_assert_eq!(bar.trades, group.len() as u64);
                // Hundredths of a cent, half away from zero, in whole numbers alone.
                let vwap = (volume != 0).then(|| (turnover * 200 + volume) / (volume * 2));
                prop_assert_eq!(bar.vwap, vwap.map(|vwap| Decimal::new(vwap, 4).into()));
            }
        }

        #[test]
        fn every_trade_is_in_one_bar_or_counted_as_late(trades in trades(200_000)) {
            let mut board = Board::new();
            let bars = run(&mut board, &trades);
            let in_bars: u64 = bars.iter().map(|bar| bar.trades).sum();
            prop_assert_eq!(in_bars + board.late(), trades.len() as u64);
            let volume: Decimal = board.quotes().filter_map(|quote| quote.volume).map(Size::decimal).sum();
            let expected: i64 = trades.iter().map(|(.., of)| of).sum();
            prop_assert_eq!(volume, Decimal::new(expected, 1));
            for name in NAMES {
                let starts: Vec<Millis> = bars
                    .iter()
                    .filter(|bar| bar.symbol == symbol(name))
                    .map(|bar| bar.start)
                    .collect();
                prop_assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "each minute once, in order");
            }
        }
    }
}
