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
    /// Whether the watchlist is the person's own and does not follow that of the server.
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

    /// Takes an event. `reading`: whether stories have to wait because somebody reads the list.
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
/// two were never received; or else the size of the one trade that is known.
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
mod tests;
