use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use market::{Bar, Event, FeedStatus, Millis, Quote, Session, Symbol};

use crate::{
    Range,
    announcer::Announcements,
    chart::{ChartHandle, Point},
    figures::digits,
    live::State,
    market_state::{ChartChange, Instrument, MarketState},
    news_list::Story,
    page_data::PageData,
    pause::Pause,
    price_path::PricePoint,
    sparkline,
};

/// What the page draws of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticker {
    /// What is traded.
    pub(crate) symbol: Symbol,
    /// The newest quote.
    pub(crate) quote: RwSignal<Option<Quote>>,
    /// What changes slower.
    pub(crate) session: RwSignal<Option<Session>>,
    /// The line of the newest closes.
    pub(crate) sparkline: RwSignal<String>,
}

impl Ticker {
    fn new(symbol: Symbol, instrument: &Instrument) -> Self {
        Ticker {
            symbol,
            quote: RwSignal::new(instrument.quote.clone()),
            session: RwSignal::new(instrument.session.clone()),
            sparkline: RwSignal::new(line(instrument)),
        }
    }
}

fn line(instrument: &Instrument) -> String {
    let newest = instrument.quote.as_ref().and_then(|quote| quote.price);
    sparkline::path(&instrument.closes, newest)
}

fn chart_point(point: PricePoint) -> Point {
    Point::new(point.time as f64, point.price)
}

/// Bars that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Of what.
    pub(crate) symbol: Symbol,
    /// How far back.
    pub(crate) range: Range,
    /// The [`MarketState::run`] that they have to be of.
    pub(crate) run: u32,
}

/// What the whole page is drawn from: plain state that events are written into as they come, and
/// signals that it is copied into at the page's own pace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dashboard {
    state: StoredValue<MarketState>,
    /// Everything known, whether it is on the watchlist or not.
    pub(crate) tickers: RwSignal<BTreeMap<Symbol, Ticker>>,
    /// The symbols of the watchlist, in their order.
    pub(crate) watchlist: RwSignal<Vec<Symbol>>,
    /// The watchlist that the person chose, for addresses; none where it is the server's.
    pub(crate) chosen: StoredValue<Option<Vec<Symbol>>>,
    /// The open symbol.
    pub(crate) open: Memo<Option<Symbol>>,
    /// Whether the server keeps bars of a second.
    pub(crate) archived: bool,
    /// How much of the past the chart shows.
    pub(crate) range: RwSignal<Range>,
    /// The way of the open symbol's price.
    pub(crate) chart: ChartHandle,
    /// The stories that are shown, newest first.
    pub(crate) stories: RwSignal<Vec<Story>>,
    /// How many stories wait.
    pub(crate) waiting: RwSignal<usize>,
    /// Whether somebody reads the news, so that new stories have to wait.
    pub(crate) reading: RwSignal<bool>,
    /// How the feeds are doing.
    pub(crate) feeds: RwSignal<Vec<FeedStatus>>,
    /// How current all of this is.
    pub(crate) connection: RwSignal<State>,
    /// How long nothing was heard, in milliseconds.
    pub(crate) silence: RwSignal<Millis>,
    /// The server's time. It begins with the snapshot's, so that what is drawn from it is the same
    /// on the server and in the browser, and goes on with every second.
    pub(crate) now: RwSignal<Millis>,
    /// The same, no finer than ages of stories are told.
    pub(crate) minute: Memo<Millis>,
    /// Whether the page stands still.
    pub(crate) pause: Pause,
    /// What is said to people who do not see the page.
    pub(crate) announcement: RwSignal<String>,
    announcements: StoredValue<Announcements>,
    stale_sparklines: StoredValue<BTreeSet<Symbol>>,
}

impl Dashboard {
    /// The dashboard as the server drew it. `named` is the symbol of the address, where the address
    /// names one; while the page is `closed`, no symbol is open.
    pub(crate) fn new(
        data: &PageData,
        named: Signal<Option<Symbol>>,
        closed: Signal<bool>,
    ) -> Self {
        let state = MarketState::new(data);
        let mut tickers = BTreeMap::new();
        for (symbol, instrument) in &state.instruments {
            tickers.insert(*symbol, Ticker::new(*symbol, instrument));
        }
        let now = RwSignal::new(data.snapshot.time);
        let watchlist = RwSignal::new(state.watchlist.clone());
        let open = Memo::new(move |_| {
            if closed.get() {
                return None;
            }
            named
                .get()
                .or_else(|| watchlist.with(|symbols| symbols.first().copied()))
        });
        let dashboard = Dashboard {
            tickers: RwSignal::new(tickers),
            watchlist,
            chosen: StoredValue::new(data.chosen.then(|| data.watchlist.clone())),
            open,
            archived: data.archived,
            range: RwSignal::new(Range::default()),
            chart: ChartHandle::new(),
            stories: RwSignal::new(state.news.shown().to_vec()),
            waiting: RwSignal::new(0),
            reading: RwSignal::new(false),
            feeds: RwSignal::new(state.feeds.clone()),
            connection: RwSignal::new(State::Connecting),
            silence: RwSignal::new(0),
            now,
            minute: Memo::new(move |_| now.get() / 10_000 * 10_000),
            pause: Pause::new(),
            announcement: RwSignal::new(String::new()),
            announcements: StoredValue::new(Announcements::default()),
            stale_sparklines: StoredValue::new(BTreeSet::new()),
            state: StoredValue::new(state),
        };
        dashboard.chart.set_span(Range::default().millis() as f64);
        dashboard.draw_chart(open.get_untracked());
        Effect::new(move |drawn: Option<Option<Symbol>>| {
            let symbol = open.get();
            if drawn.is_some_and(|drawn| drawn != symbol) {
                dashboard.open_as_of_now(symbol);
            }
            symbol
        });
        dashboard
    }

    /// Shows the way of a symbol's price, as far as it is known.
    fn draw_chart(&self, symbol: Option<Symbol>) {
        self.state.with_value(|state| {
            let instrument = symbol.and_then(|symbol| state.instruments.get(&symbol));
            let points = instrument.map(|instrument| instrument.path.points());
            self.set_chart_digits(instrument);
            self.chart
                .replace(points.into_iter().flatten().map(chart_point));
        });
    }

    fn set_chart_digits(&self, instrument: Option<&Instrument>) {
        let session = instrument.and_then(|instrument| instrument.session.as_ref());
        let quote = instrument.and_then(|instrument| instrument.quote.as_ref());
        self.chart.set_decimals(digits(session, quote));
    }

    /// What is drawn of a symbol, where it is known.
    pub(crate) fn ticker(&self, symbol: Symbol) -> Option<Ticker> {
        self.tickers.with(|tickers| tickers.get(&symbol).copied())
    }

    /// What is drawn of the open symbol, where it is known.
    pub(crate) fn open_ticker(&self) -> Option<Ticker> {
        self.open.get().and_then(|symbol| self.ticker(symbol))
    }

    /// Takes an event. The chart gets its price at once; the numbers follow with
    /// [`Dashboard::draw_changes`].
    pub(crate) fn receive(&self, event: Event) {
        let reading = self.reading.get_untracked();
        let change = self
            .state
            .try_update_value(|state| state.apply(event, reading));
        let open = self.open.get_untracked();
        let change = change.unwrap_or(ChartChange::None);
        if change == ChartChange::None || !self.pause.lets_chart(false) {
            return;
        }
        match change {
            ChartChange::Push(symbol, point) if open == Some(symbol) => {
                self.chart.push(chart_point(point));
            }
            ChartChange::Replace(symbol) if open == Some(symbol) => self.draw_chart(open),
            ChartChange::ReplaceAll => self.draw_chart(open),
            ChartChange::None | ChartChange::Push(..) | ChartChange::Replace(_) => {}
        }
    }

    /// Shows another range of the past, as far as it is known.
    pub(crate) fn set_range(&self, range: Range) {
        if self.range.get_untracked() != range {
            self.chart.set_span(range.millis() as f64);
            self.range.set(range);
            self.pause.ask_for_chart();
            self.draw_chart(self.open.get_untracked());
        }
    }

    /// Takes the bars that were missing.
    pub(crate) fn complete(&self, missing: Missing, bars: &[Bar], until: Option<Millis>) {
        let interval = missing.range.interval(self.archived);
        self.state
            .update_value(|state| state.complete(missing, interval, bars, until));
        let open = self.open.get_untracked();
        if open == Some(missing.symbol) && self.pause.lets_chart(true) {
            self.draw_chart(open);
        }
    }

    /// The bars of the open symbol that the chosen range needs and that have not come yet.
    pub(crate) fn missing_history(&self) -> Option<Missing> {
        let symbol = self.open.get_untracked()?;
        let range = self.range.get_untracked();
        self.state.with_value(|state| {
            let instrument = state.instruments.get(&symbol)?;
            let filled = instrument.path.is_filled(range, self.archived);
            (!filled).then_some(Missing {
                symbol,
                range,
                run: state.run,
            })
        })
    }

    /// All bars have to be fetched again.
    pub(crate) fn forget_history(&self) {
        self.state.update_value(MarketState::forget_history);
    }

    /// Puts the stories that wait on top.
    pub(crate) fn release_news(&self) {
        self.state.update_value(MarketState::release_news);
        // The person asks for them, also where everything else stands still.
        self.state.with_value(|state| self.draw_news(state));
    }

    fn draw_news(&self, state: &MarketState) {
        self.stories.set(state.news.shown().to_vec());
        self.waiting.set(state.news.waiting());
    }

    /// Lets everything stand still, or go on from now.
    pub(crate) fn set_paused(&self, paused: bool) {
        // What has come until now is before the pause.
        self.draw_changes();
        self.pause.paused.set(paused);
        self.go_on();
    }

    /// Notes whether anybody can see the page.
    pub(crate) fn set_hidden(&self, hidden: bool) {
        if self.pause.set_hidden(hidden) {
            self.go_on();
        }
    }

    /// Draws what came meanwhile, where nothing keeps the page still any more.
    fn go_on(&self) {
        if !self.pause.is_still() {
            if self.pause.end() {
                self.draw_chart(self.open.get_untracked());
            }
            self.draw_changes();
        }
    }

    /// Shows another symbol. Where the page is paused it stands still as it is now.
    fn open_as_of_now(&self, symbol: Option<Symbol>) {
        self.pause.ask_for_chart();
        self.draw_chart(symbol);
        if let Some(symbol) = symbol
            && self.pause.is_paused()
        {
            self.state
                .with_value(|state| self.draw_instruments(state, &BTreeSet::from([symbol])));
        }
    }

    /// Reads the quote that a title shows: the newest, also while nobody sees the page itself.
    pub(crate) fn with_newest_quote<R>(
        &self,
        ticker: Ticker,
        read: impl FnOnce(Option<&Quote>) -> R,
    ) -> R {
        if self.pause.is_hidden() && !self.pause.is_paused() {
            return self.state.with_value(|state| {
                let instrument = state.instruments.get(&ticker.symbol);
                read(instrument.and_then(|instrument| instrument.quote.as_ref()))
            });
        }
        ticker.quote.with_untracked(|quote| read(quote.as_ref()))
    }

    /// Copies what has changed into what is drawn.
    pub(crate) fn draw_changes(&self) {
        if self.pause.is_still() {
            return;
        }
        let Some(changes) = self.state.try_update_value(MarketState::take_changes) else {
            return;
        };
        self.state.with_value(|state| {
            self.draw_instruments(state, &changes.instruments);
            if changes.watchlist {
                self.watchlist.set(state.watchlist.clone());
            }
            if changes.news {
                self.draw_news(state);
            }
            if changes.feeds {
                self.feeds.set(state.feeds.clone());
            }
        });
        self.announcements
            .update_value(|announcements| announcements.add_headlines(changes.headlines));
        self.stale_sparklines
            .update_value(|stale| stale.extend(changes.instruments));
    }

    fn draw_instruments(&self, state: &MarketState, changed: &BTreeSet<Symbol>) {
        let mut others = Vec::new();
        for symbol in changed {
            let instrument = state.instruments.get(symbol);
            let ticker = self
                .tickers
                .with_untracked(|tickers| tickers.get(symbol).copied());
            match (instrument, ticker) {
                (Some(instrument), Some(ticker)) => {
                    ticker.quote.set(instrument.quote.clone());
                    if ticker
                        .session
                        .with_untracked(|old| *old != instrument.session)
                    {
                        ticker.session.set(instrument.session.clone());
                        if self.open.get_untracked() == Some(*symbol) {
                            self.set_chart_digits(Some(instrument));
                        }
                    }
                }
                (None, None) => {}
                (instrument, _) => {
                    others.push((*symbol, instrument.map(|it| Ticker::new(*symbol, it))));
                }
            }
        }
        if others.is_empty() {
            return;
        }
        self.tickers.update(|tickers| {
            for (symbol, ticker) in others {
                match ticker {
                    Some(ticker) => tickers.insert(symbol, ticker),
                    None => tickers.remove(&symbol),
                };
            }
        });
    }

    /// Says how current the page is.
    pub(crate) fn set_connection(&self, state: State) {
        let before = self.connection.get_untracked();
        // Nobody sees the delay.
        let is_same = match (before, state) {
            (State::Live { .. }, State::Live { .. }) if self.pause.is_hidden() => true,
            _ => before == state,
        };
        if !is_same {
            self.connection.set(state);
        }
    }

    /// Whether events or heartbeats arrive, by the stream or by polling.
    pub(crate) fn is_live(&self) -> bool {
        matches!(
            self.connection.get_untracked(),
            State::Live { .. } | State::Polling | State::Crowded { .. }
        )
    }

    /// A second passed.
    pub(crate) fn tick(&self, now: Millis, server_time: Option<Millis>, silence: Millis) {
        if self.pause.is_paused() {
            self.silence.set(silence);
            if !self.pause.is_hidden() {
                let waiting = self.state.with_value(MarketState::waiting);
                self.pause.waiting.set(waiting);
            }
            return;
        }
        if self.pause.is_hidden() {
            self.pause.glimpse.set(now);
            return;
        }
        if let Some(time) = server_time {
            self.now.set(time);
        }
        self.silence.set(silence);
        let said = self
            .announcements
            .try_update_value(|announcements| announcements.due(now));
        if let Some(text) = said.flatten() {
            self.announcement.set(text);
        }
        let stale = self.stale_sparklines.try_update_value(std::mem::take);
        for symbol in stale.unwrap_or_default() {
            let ticker = self
                .tickers
                .with_untracked(|tickers| tickers.get(&symbol).copied());
            let path = self
                .state
                .with_value(|state| state.instruments.get(&symbol).map(line));
            if let (Some(ticker), Some(path)) = (ticker, path)
                && ticker.sparkline.with_untracked(|old| *old != path)
            {
                ticker.sparkline.set(path);
            }
        }
    }
}
