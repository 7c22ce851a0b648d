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
        price_history::{Added, PriceHistory, PricePoint},
        range::Range,
    },
};

/// The data of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instrument {
    /// The newest quote.
    pub(crate) quote: Option<Quote>,
    /// The newest session.
    pub(crate) session: Option<Session>,
    /// The newest closes, oldest first.
    pub(crate) closes: Vec<Price>,
    /// The price history, for the chart.
    pub(crate) history: PriceHistory,
}

impl Instrument {
    /// Whether its price is the last close of the archive, because no feed quotes it.
    fn is_of_the_archive(&self) -> bool {
        let quote = self.quote.as_ref();
        quote.is_some_and(|quote| quote.close_of.is_some())
    }

    fn add_bar(&mut self, bar: &Bar) -> Option<Added> {
        let added = self.history.add_bar(bar);
        // An earlier bar is already part of the line, and its correction is too small to see.
        if added == Some(Added::Corrected) {
            return added;
        }
        self.closes.push(bar.close);
        let surplus = self.closes.len().saturating_sub(SPARKLINE_BARS);
        self.closes.drain(..surplus);
        added
    }
}

/// Changes since the last call of [`MarketState::take_changes`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Symbols whose quote, session or closes changed.
    pub(crate) instruments: SortedSet<Symbol>,
    /// Whether the watchlist changed.
    pub(crate) watchlist: bool,
    /// Whether the stories changed.
    pub(crate) news: bool,
    /// How many stories are new.
    pub(crate) headlines: usize,
    /// Whether the status of the feeds changed.
    pub(crate) feeds: bool,
}

/// How an event changes the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ChartChange {
    /// Not at all.
    None,
    /// A price of a symbol is added.
    Push(Symbol, PricePoint),
    /// The price history of a symbol is redrawn.
    Replace(Symbol),
    /// Everything is redrawn.
    ReplaceAll,
}

/// Everything that the page shows, as plain values. Events are applied to it at once, and it is copied into signals at
/// the page's own pace.
#[derive(Debug, Clone)]
pub(crate) struct MarketState {
    /// The data of each symbol.
    pub(crate) instruments: SortedMap<Symbol, Instrument>,
    /// The symbols of the watchlist, in order.
    pub(crate) watchlist: Vec<Symbol>,
    /// Whether the person chose the watchlist, so that it does not follow the server's.
    pub(crate) chosen: bool,
    /// The stories.
    pub(crate) news: NewsList,
    /// The status of the feeds.
    pub(crate) feeds: Vec<FeedStatus>,
    /// How often everything was replaced: answers to earlier requests are ignored.
    pub(crate) run: u32,
    changes: Changes,
}

impl MarketState {
    /// The state that the server drew the page from, with the bars of a range.
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

    /// Applies an event. `reading` is whether new stories have to wait. Returns how the chart changes.
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

    /// Adds bars that were missing, oldest first, unless they were requested in another [`MarketState::run`].
    pub(crate) fn complete(
        &mut self,
        missing: Missing,
        bars: &[Bar],
        until: Option<Millis>,
        older: Option<Option<Interval>>,
    ) {
        let instrument = self.instruments.get_mut(&missing.symbol);
        if let Some(instrument) = instrument.filter(|_| missing.run == self.run) {
            instrument.history.fill(missing, bars, until, older);
        }
    }

    /// Has all bars fetched again. Known ones stay until then.
    pub(crate) fn forget_history(&mut self) {
        for instrument in self.instruments.values_mut() {
            instrument.history.forget_filled();
        }
    }

    /// Shows the watchlist that the person chose.
    pub(crate) fn choose(&mut self, watchlist: Vec<Symbol>) {
        self.watchlist = watchlist;
        self.chosen = true;
        self.changes.watchlist = false;
    }

    /// Changes the stories, which are then redrawn.
    pub(crate) fn act_on_news<R>(&mut self, act: impl FnOnce(&mut NewsList) -> R) -> R {
        self.changes.news = true;
        act(&mut self.news)
    }

    /// How many visible changes are pending: one for each symbol, and each new story.
    pub(crate) fn waiting(&self) -> usize {
        self.changes.instruments.len() + self.changes.headlines
    }

    /// Takes the changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// The instrument of a symbol. A new symbol joins the watchlist, unless the person chose that.
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
        // A quote in which only bid or ask changed adds no price to the history.
        let traded = instrument.quote.as_ref().is_none_or(|old| {
            (old.price, old.size, old.volume) != (quote.price, quote.size, quote.volume)
        });
        // The last close of a symbol that no feed quotes is already in its bars.
        let price = quote.price.filter(|_| traded && quote.close_of.is_none());
        let volume = traded_since(instrument.quote.as_ref(), &quote);
        let (time, last_trade) = (quote.time, quote.traded);
        // Not every source provides the time of the trade. Then it is the time of the quote with the price.
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
            // A quote without a new trade, as before the market opens, has an older price.
            time: last_trade.filter(|at| *at < time).unwrap_or(time),
            price,
            volume,
        };
        chart_change(symbol, instrument.history.add_as_of(point, time))
    }

    fn take_snapshot(&mut self, snapshot: Snapshot, reading: bool) -> ChartChange {
        if snapshot.reset {
            // Events in between are lost, so older data must not be mixed with the new.
            self.run += 1;
            self.changes.instruments.extend(self.instruments.keys());
            // The archive's last closes are not on the tape, and so not in the snapshot.
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

/// Fills a price history with the bars of the page.
fn fill(
    state: &mut MarketState,
    symbol: Symbol,
    range: Range,
    data: &PageData,
    bars: &[Bar],
    until: Option<Millis>,
) {
    let history = &mut state.instruments.get_or_default(symbol).history;
    let filled = Missing::of_range(symbol, range, data.archived, 0);
    history.fill(filled, bars, until, None);
    // There are more bars than the page contains.
    let most = PageData::most_bars(range, data.archived);
    if bars.len() >= most && most < range.bars(data.archived) as usize {
        history.forget_filled();
    }
}

/// The volume from one quote to the next: the increase of the day's volume, which includes trades of quotes that were
/// not received, or else the size of the quote's trade.
fn traded_since(before: Option<&Quote>, quote: &Quote) -> f64 {
    let known = before.and_then(|before| before.volume).zip(quote.volume);
    let grown = known.map(|(before, now)| (now.decimal() - before.decimal()).max(Decimal::ZERO));
    let traded = grown.map(Size::from).or(quote.size);
    traded.map_or(0.0, Size::to_f64)
}

/// How a chart changes with a price history.
fn chart_change(symbol: Symbol, added: Added) -> ChartChange {
    match added {
        Added::Newest(point) => ChartChange::Push(symbol, point),
        Added::StartedOver | Added::Corrected | Added::Between => ChartChange::Replace(symbol),
        Added::Late => ChartChange::None,
    }
}

#[cfg(test)]
mod tests;
