use market::{
    Bar, Event, FeedStatus, Interval, Millis, Price, Quote, Session, Size, Snapshot, Symbol,
    wire::SPARKLINE_BARS,
};
use rust_decimal::Decimal;

use crate::{
    lean::sorted::{SortedMap, SortedSet},
    news::list::NewsList,
    state::{
        missing::Missing,
        page_data::{FoundBars, PageData},
        price_path::{Added, PricePath, PricePoint},
        range::Range,
    },
};

/// What is known of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instrument {
    /// The newest quote.
    pub(crate) quote: Option<Quote>,
    /// What changes slower.
    pub(crate) session: Option<Session>,
    /// The newest closes, oldest first.
    pub(crate) closes: Vec<Price>,
    /// The way of the price, for the chart.
    pub(crate) path: PricePath,
}

impl Instrument {
    /// Whether no feed quotes it and its price is the last close of the archive.
    fn is_of_the_archive(&self) -> bool {
        let quote = self.quote.as_ref();
        quote.is_some_and(|quote| quote.close_of.is_some())
    }

    fn add_bar(&mut self, bar: &Bar) -> Option<Added> {
        let added = self.path.add_bar(bar);
        // One of before is in the line already, and moves it by less than is seen.
        if added == Some(Added::Corrected) {
            return added;
        }
        self.closes.push(bar.close);
        let surplus = self.closes.len().saturating_sub(SPARKLINE_BARS);
        self.closes.drain(..surplus);
        added
    }
}

/// What has changed since it was asked for last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Symbols whose quote, session or closes changed.
    pub(crate) instruments: SortedSet<Symbol>,
    /// Whether the watchlist has other symbols.
    pub(crate) watchlist: bool,
    /// Whether stories came, changed or wait.
    pub(crate) news: bool,
    /// How many stories are new.
    pub(crate) headlines: usize,
    /// Whether the feeds are doing otherwise.
    pub(crate) feeds: bool,
}

/// What the chart has to do after an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ChartChange {
    /// Nothing.
    None,
    /// Add one price of a symbol.
    Push(Symbol, PricePoint),
    /// Draw a symbol's way anew.
    Replace(Symbol),
    /// Draw whatever is open anew.
    ReplaceAll,
}

/// Everything that the page shows, as plain values. Events are written into it as they come; what
/// is drawn is copied out of it at the page's own pace.
#[derive(Debug, Clone)]
pub(crate) struct MarketState {
    /// What is known of each symbol.
    pub(crate) instruments: SortedMap<Symbol, Instrument>,
    /// The symbols in the order in which they are shown.
    pub(crate) watchlist: Vec<Symbol>,
    /// Whether the watchlist is the person's own and does not follow what the server knows.
    pub(crate) chosen: bool,
    /// The stories.
    pub(crate) news: NewsList,
    /// How the feeds are doing.
    pub(crate) feeds: Vec<FeedStatus>,
    /// How often everything was replaced: what was asked for before is no answer after.
    pub(crate) run: u32,
    changes: Changes,
}

impl MarketState {
    /// The state that the server drew the page from, which has the bars of a range.
    pub(crate) fn new(data: &PageData, range: Range) -> Self {
        let mut state = MarketState {
            instruments: SortedMap::new(),
            watchlist: data.watchlist.clone(),
            chosen: data.chosen,
            news: NewsList::new(&data.snapshot.news),
            feeds: data.snapshot.feeds.clone(),
            run: 0,
            changes: Changes::default(),
        };
        state.take_quotes(&data.snapshot);
        if let Some(symbol) = data.symbol {
            fill(&mut state, symbol, range, data, &data.bars, data.until);
        }
        for FoundBars { bars, until, .. } in &data.compared {
            if let Some(bar) = bars.first() {
                fill(&mut state, bar.symbol, range, data, bars, *until);
            }
        }
        state.changes = Changes::default();
        state.news.set_now(data.snapshot.time);
        state
    }

    /// Takes an event. `reading` says that stories have to wait because somebody reads the list.
    pub(crate) fn apply(&mut self, event: Event, reading: bool) -> ChartChange {
        match event {
            Event::Quote(quote) => self.take_quote(quote),
            Event::Session(session) => {
                let symbol = session.symbol;
                self.instrument(symbol).session = Some(session);
                ChartChange::None
            }
            Event::Bar(bar) => {
                let added = self.instrument(bar.symbol).add_bar(&bar);
                added.map_or(ChartChange::None, |added| chart_change(bar.symbol, added))
            }
            Event::News(news) => {
                self.changes.news = true;
                self.changes.headlines += usize::from(self.news.add(news, reading));
                ChartChange::None
            }
            Event::Snapshot(snapshot) => self.take_snapshot(snapshot, reading),
            Event::Heartbeat(_) => ChartChange::None,
        }
    }

    /// Takes the bars that were missing, oldest first; none where they were asked for in another
    /// [`MarketState::run`].
    pub(crate) fn complete(
        &mut self,
        missing: Missing,
        bars: &[Bar],
        until: Option<Millis>,
        older: Option<Option<Interval>>,
    ) {
        let instrument = self.instruments.get_mut(&missing.symbol);
        if let Some(instrument) = instrument.filter(|_| missing.run == self.run) {
            instrument.path.fill(missing, bars, until, older);
        }
    }

    /// All bars have to be fetched again; what is there stays until they come.
    pub(crate) fn forget_history(&mut self) {
        for instrument in self.instruments.values_mut() {
            instrument.path.forget_filled();
        }
    }

    /// Shows the watchlist that the person chose.
    pub(crate) fn choose(&mut self, watchlist: Vec<Symbol>) {
        self.watchlist = watchlist;
        self.chosen = true;
        self.changes.watchlist = false;
    }

    /// Does something with the stories, which are drawn anew.
    pub(crate) fn act_on_news<R>(&mut self, act: impl FnOnce(&mut NewsList) -> R) -> R {
        self.changes.news = true;
        act(&mut self.news)
    }

    /// How many changes wait that would be seen: of each symbol one, and each new story.
    pub(crate) fn waiting(&self) -> usize {
        self.changes.instruments.len() + self.changes.headlines
    }

    /// What has changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// The instrument of a symbol, which joins the watchlist where that follows the server.
    fn instrument(&mut self, symbol: Symbol) -> &mut Instrument {
        self.changes.instruments.insert(symbol);
        if !self.chosen && !self.watchlist.contains(&symbol) {
            self.watchlist.push(symbol);
            self.changes.watchlist = true;
        }
        self.instruments.get_or_default(symbol)
    }

    fn take_quote(&mut self, mut quote: Quote) -> ChartChange {
        let symbol = quote.symbol;
        let instrument = self.instrument(symbol);
        // A quote whose bid or ask alone changed is no new point of the price.
        let traded = instrument.quote.as_ref().is_none_or(|old| {
            (old.price, old.size, old.volume) != (quote.price, quote.size, quote.volume)
        });
        // The last close of a symbol that nothing quotes is in its bars.
        let price = quote.price.filter(|_| traded && quote.close_of.is_none());
        let volume = traded_since(instrument.quote.as_ref(), &quote);
        let (time, last_trade) = (quote.time, quote.traded);
        // Not every source gives it: then it is of the quote that brought the price.
        let before = instrument.quote.as_ref().and_then(|old| old.traded);
        quote.traded = quote
            .traded
            .or(if traded { Some(time) } else { before })
            .filter(|_| quote.price.is_some());
        instrument.quote = Some(quote);
        let Some(price) = price else {
            return ChartChange::None;
        };
        let price = price.to_f64();
        let point = PricePoint {
            // A quote that came without a trade, as before the market opens, has the price of an older one.
            time: last_trade.filter(|at| *at < time).unwrap_or(time),
            price,
            volume,
        };
        chart_change(symbol, instrument.path.add_as_of(point, time))
    }

    fn take_snapshot(&mut self, snapshot: Snapshot, reading: bool) -> ChartChange {
        if snapshot.reset {
            // What came between is lost: nothing that was known before may stand beside the new.
            self.run += 1;
            self.changes.instruments.extend(self.instruments.keys());
            // The archive's last closes are not on the tape: a snapshot of all symbols lacks them.
            self.instruments.retain(Instrument::is_of_the_archive);
            self.forget_history();
        }
        self.take_quotes(&snapshot);
        if snapshot.reset && !self.chosen {
            let instruments = &self.instruments;
            self.watchlist
                .retain(|symbol| instruments.contains_key(symbol));
            self.changes.watchlist = true;
        }
        if snapshot.reset {
            self.changes.headlines += self.news.start_over(snapshot.news, reading);
        } else {
            for news in snapshot.news.into_iter().rev() {
                self.changes.headlines += usize::from(self.news.add(news, reading));
            }
        }
        self.changes.news = true;
        self.changes.feeds |= self.feeds != snapshot.feeds;
        self.feeds = snapshot.feeds;
        ChartChange::ReplaceAll
    }

    fn take_quotes(&mut self, snapshot: &Snapshot) {
        for quote in &snapshot.quotes {
            self.take_quote(quote.clone());
        }
        for session in &snapshot.sessions {
            self.instrument(session.symbol).session = Some(session.clone());
        }
        for closes in &snapshot.closes {
            let surplus = closes.prices.len().saturating_sub(SPARKLINE_BARS);
            self.instrument(closes.symbol).closes = closes.prices[surplus..].to_vec();
        }
    }
}

/// Fills the way of a price with the bars of the page.
fn fill(
    state: &mut MarketState,
    symbol: Symbol,
    range: Range,
    data: &PageData,
    bars: &[Bar],
    until: Option<Millis>,
) {
    let path = &mut state.instruments.get_or_default(symbol).path;
    let filled = Missing::of_range(symbol, range, data.archived, 0);
    path.fill(filled, bars, until, None);
    // There are more of them than the page carries.
    let most = PageData::most_bars(range, data.archived);
    if bars.len() >= most && most < range.bars(data.archived) as usize {
        path.forget_filled();
    }
}

/// What was traded from one quote to the next: what the day's volume grew by, also where quotes between the
/// two were never heard; or else the size of the one trade that is known.
fn traded_since(before: Option<&Quote>, quote: &Quote) -> f64 {
    let known = before.and_then(|before| before.volume).zip(quote.volume);
    let grown = known.map(|(before, now)| (now.decimal() - before.decimal()).max(Decimal::ZERO));
    let traded = grown.map(Size::from).or(quote.size);
    traded.map_or(0.0, Size::to_f64)
}

/// What the chart has to do when the way of a symbol's price went on.
fn chart_change(symbol: Symbol, added: Added) -> ChartChange {
    match added {
        Added::Newest(point) => ChartChange::Push(symbol, point),
        Added::StartedOver | Added::Corrected | Added::Between => ChartChange::Replace(symbol),
        Added::Late => ChartChange::None,
    }
}

#[cfg(test)]
mod tests {
    use market::{Closes, Heartbeat};

    use super::*;
    use crate::{
        format::figures::tests::{quote, session, symbol},
        news::list::tests::news,
        state::{price_path::tests::bar, range::Range},
    };

    fn data(chosen: bool) -> PageData {
        PageData {
            path: "/stocks/GOOG".to_owned(),
            query: String::new(),
            id: "1-0".to_owned(),
            watchlist: vec![symbol("GOOG")],
            chosen,
            symbol: Some(symbol("GOOG")),
            snapshot: Snapshot {
                quotes: vec![quote("GOOG", 200_000, "597.32")],
                sessions: vec![session("GOOG", Some("596.05"), None)],
                closes: vec![Closes {
                    symbol: symbol("GOOG"),
                    prices: vec!["596".parse().unwrap()],
                }],
                news: vec![news("a")],
                ..Snapshot::default()
            },
            older: None,
            range: None,
            bars: vec![bar(0, "596")],
            days: crate::state::days::Days::default(),
            until: None,
            compared: Vec::new(),
            archived: false,
            problem: None,
        }
    }

    fn watchlist(state: &MarketState) -> Vec<&str> {
        state.watchlist.iter().map(Symbol::as_str).collect()
    }

    #[test]
    fn starts_from_what_the_page_was_drawn_from() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let instrument = &state.instruments[&symbol("GOOG")];
        assert_eq!(instrument.closes.len(), 1);
        assert!(instrument.path.is_filled(Range::Day, false));
        let times: Vec<_> = instrument
            .path
            .points()
            .iter()
            .map(|point| point.time)
            .collect();
        assert_eq!(times, [60_000.0, 200_000.0]);
        let changes = state.take_changes();
        assert!(changes.instruments.is_empty() && !changes.news && !changes.watchlist);
    }

    #[test]
    fn a_quote_moves_the_chart_only_where_its_price_is_new() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let newer = quote("GOOG", 201_000, "597.40");
        let bid = Quote {
            bid: Some("597.39".parse().unwrap()),
            time: 202_000,
            ..newer.clone()
        };
        assert!(matches!(
            state.apply(Event::Quote(newer), false),
            ChartChange::Push(_, PricePoint { time: 201_000, .. })
        ));
        assert_eq!(state.apply(Event::Quote(bid), false), ChartChange::None);
        assert!(state.take_changes().instruments.contains(&symbol("GOOG")));
        assert!(state.take_changes().instruments.is_empty());
    }

    #[test]
    fn a_price_is_of_its_trade_whether_the_source_times_it_or_not() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let traded = |state: &MarketState| {
            let quote = state.instruments[&symbol("GOOG")].quote.as_ref();
            quote.and_then(|quote| quote.traded)
        };
        assert_eq!(traded(&state), Some(200_000));
        let newer = quote("GOOG", 201_000, "597.40");
        let bid = Quote {
            bid: Some("597.39".parse().unwrap()),
            time: 3_900_000,
            ..newer.clone()
        };
        state.apply(Event::Quote(newer), false);
        state.apply(Event::Quote(bid.clone()), false);
        assert_eq!(traded(&state), Some(201_000));
        let timed = Quote {
            traded: Some(200_500),
            ..bid
        };
        state.apply(Event::Quote(timed), false);
        assert_eq!(traded(&state), Some(200_500));
    }

    #[test]
    fn a_quote_of_closed_hours_draws_the_price_at_its_trade() {
        let mut data = data(false);
        data.snapshot.quotes[0] = Quote {
            traded: Some(200_000),
            ..quote("GOOG", 50_000_000, "597.32")
        };
        let mut state = MarketState::new(&data, Range::Day);
        let newest = |state: &MarketState| {
            let path = &state.instruments.get(&symbol("GOOG")).unwrap().path;
            path.points().last().map(|last| (last.time, last.close))
        };
        assert_eq!(newest(&state), Some((200_000.0, 597.32)));
        // The first trade of the next session.
        let opening = Quote {
            traded: Some(60_000_000),
            ..quote("GOOG", 60_000_050, "600.00")
        };
        let change = state.apply(Event::Quote(opening), false);
        assert!(matches!(change, ChartChange::Push(..)), "{change:?}");
        assert_eq!(newest(&state), Some((60_000_000.0, 600.0)));
    }

    #[test]
    fn a_new_symbol_joins_unless_the_watchlist_was_chosen() {
        let mut state = MarketState::new(&data(false), Range::Day);
        state.apply(Event::Quote(quote("AAPL", 1, "5")), false);
        assert_eq!(watchlist(&state), ["GOOG", "AAPL"]);
        assert!(state.take_changes().watchlist);
        let mut state = MarketState::new(&data(true), Range::Day);
        state.apply(Event::Quote(quote("AAPL", 1, "5")), false);
        assert_eq!(watchlist(&state), ["GOOG"]);
    }

    #[test]
    fn a_reset_replaces_everything_but_the_news_under_the_reader() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let reset = Snapshot {
            reset: true,
            quotes: vec![quote("MSFT", 5, "30")],
            news: vec![news("b"), news("a")],
            ..Snapshot::default()
        };
        let change = state.apply(Event::Snapshot(reset), true);
        assert_eq!(change, ChartChange::ReplaceAll);
        assert_eq!(watchlist(&state), ["MSFT"]);
        assert!(!state.instruments.contains_key(&symbol("GOOG")));
        assert_eq!((state.news.shown().len(), state.news.waiting()), (1, 1));
        let changes = state.take_changes();
        assert_eq!(changes.headlines, 1);
        assert!(changes.instruments.contains(&symbol("GOOG")));
    }

    #[test]
    fn the_last_close_of_the_archive_is_no_price_of_the_chart() {
        let close = Quote {
            close_of: Some("2026-11-23".to_owned()),
            ..quote("OLD", 100_000, "12.34")
        };
        let mut data = data(false);
        data.snapshot.quotes.push(close);
        let mut state = MarketState::new(&data, Range::Day);
        let old = &state.instruments[&symbol("OLD")];
        assert!(old.path.points().is_empty());
        let price = old.quote.as_ref().unwrap().price;
        assert_eq!(price.unwrap().to_string(), "12.34");
        // It is not on the tape, so that a reset leaves it.
        let reset = Snapshot {
            reset: true,
            quotes: vec![quote("MSFT", 5, "30")],
            ..Snapshot::default()
        };
        state.apply(Event::Snapshot(reset), false);
        assert_eq!(watchlist(&state), ["OLD", "MSFT"]);
        // Once something quotes it, it is as every other.
        state.apply(Event::Quote(quote("OLD", 310_000, "13")), false);
        let old = &state.instruments[&symbol("OLD")];
        assert_eq!(old.path.points().len(), 1);
    }

    #[test]
    fn bars_that_were_asked_for_before_a_reset_are_left_out() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let missing = |run| Missing::of_range(symbol("GOOG"), Range::Day, true, run);
        let asked = missing(state.run);
        let reset = Snapshot {
            reset: true,
            quotes: vec![quote("GOOG", 300_000, "12.50")],
            ..Snapshot::default()
        };
        state.apply(Event::Snapshot(reset), false);
        state.complete(asked, &[bar(0, "596")], None, None);
        let path = &state.instruments[&symbol("GOOG")].path;
        assert!(!path.is_filled(Range::Day, false));
        assert_eq!(path.points().len(), 1);
        state.complete(missing(state.run), &[bar(0, "12.40")], None, None);
        let path = &state.instruments[&symbol("GOOG")].path;
        assert!(path.is_filled(Range::Day, false));
        assert_eq!(path.points().len(), 2);
        // What comes from before it says nothing of what is missing since.
        state.forget_history();
        let before = Missing {
            before: Some(0),
            ..missing(state.run)
        };
        state.complete(before, &[], None, None);
        let path = &state.instruments[&symbol("GOOG")].path;
        assert!(!path.is_filled(Range::Day, false));
        assert_eq!(path.points().len(), 2);
    }

    #[test]
    fn a_heartbeat_changes_nothing() {
        let mut state = MarketState::new(&data(false), Range::Day);
        state.apply(Event::Heartbeat(Heartbeat { time: 1 }), false);
        let changes = state.take_changes();
        assert!(changes.instruments.is_empty() && !changes.news && !changes.feeds);
    }

    #[test]
    fn an_hour_of_a_thousand_quotes_a_second_that_nobody_draws_takes_no_more_room_than_minutes() {
        let mut state = MarketState::new(&data(false), Range::Day);
        let mut quotes: Vec<Quote> = (0..30)
            .map(|number| quote(&format!("SYM{number}"), 0, "1"))
            .collect();
        let prices = ["1.01", "1.02", "1.03"].map(|price| price.parse::<Price>().unwrap());
        let mut sizes = Vec::new();
        for millisecond in 0..3_600_000_u64 {
            let turn = millisecond as usize;
            let quote = &mut quotes[turn % 30];
            quote.time = 300_000 + millisecond;
            quote.price = Some(prices[turn % 3]);
            state.apply(Event::Quote(quote.clone()), turn.is_multiple_of(2));
            if turn.is_multiple_of(1_000) {
                state.apply(
                    Event::News(news(&turn.to_string())),
                    turn.is_multiple_of(2_000),
                );
            }
            if (turn + 1).is_multiple_of(600_000) {
                let points: usize = state
                    .instruments
                    .values()
                    .map(|instrument| instrument.path.points().len())
                    .sum();
                let stories = (state.news.shown().len(), state.news.waiting());
                sizes.push((points, stories, state.changes.instruments.len()));
            }
        }
        assert_eq!(sizes.len(), 6);
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
        // What would be seen are the symbols and the stories, however many quotes there were.
        assert_eq!(state.waiting(), 30 + 3_600);
        let newest = &state.instruments[&symbol("SYM29")];
        assert_eq!(
            newest.quote.as_ref().map(|quote| quote.time),
            Some(3_899_999)
        );
    }

    #[test]
    fn bars_extend_the_sparkline() {
        let mut state = MarketState::new(&data(false), Range::Day);
        for minute in 1..=100 {
            state.apply(Event::Bar(bar(minute * 60_000, "600")), false);
        }
        assert_eq!(
            state.instruments[&symbol("GOOG")].closes.len(),
            SPARKLINE_BARS
        );
    }
}
