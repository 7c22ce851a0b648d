use chart::ChartHandle;
use leptos::prelude::*;
use market::{Bar, Event, EventKind, FeedStatus, Interval, Millis, News, Quote, Session, Symbol};

use crate::{
    alerts::store::Alerts,
    browser::storage::Storage,
    chart_panel::choices::ChartChoices,
    lean::{
        signal::{Memo, RwSignal, StoredValue},
        sorted::{SortedMap, SortedSet},
    },
    live::state::State,
    news::{
        filter::NewsFilter,
        list::{NewsList, Story},
        reader::NewsReader,
    },
    settings::preferences::Preferences,
    state::{
        address,
        days::Days,
        market::{ChartChange, Instrument, MarketState},
        missing::Missing,
        page_data::PageData,
        pause::Pause,
        range::Range,
    },
    watchlist::sparkline,
    widgets::{announcer::Announcements, notes::Notes},
};

/// How often it is remembered that the server was heard, in milliseconds.
const HEARD: Millis = 5_000;

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

/// What the whole page is drawn from: plain state that events are written into as they come, and
/// signals that it is copied into at the page's own pace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dashboard {
    pub(crate) state: StoredValue<MarketState>,
    /// Everything known, whether it is on the watchlist or not.
    pub(crate) tickers: RwSignal<SortedMap<Symbol, Ticker>>,
    /// The symbols of the watchlist, in their order.
    pub(crate) watchlist: RwSignal<Vec<Symbol>>,
    /// The watchlist that the person chose, for addresses; none where it is the server's.
    pub(crate) chosen: RwSignal<Option<Vec<Symbol>>>,
    /// What the page has to follow, at least.
    pub(crate) followed: RwSignal<Vec<Symbol>>,
    /// The open symbol.
    pub(crate) open: Memo<Option<Symbol>>,
    /// Whether the server keeps bars of a second.
    pub(crate) archived: bool,
    /// How much of the past the chart shows.
    pub(crate) range: RwSignal<Range>,
    /// The range that the person chose last.
    chosen_range: RwSignal<Range>,
    /// Whether it was chosen for what is open. Otherwise another one is shown where there are no bars for it.
    is_chosen: StoredValue<bool>,
    /// What the days of the open symbol say.
    pub(crate) days: RwSignal<Days>,
    /// The way of the open symbol's price.
    pub(crate) chart: ChartHandle,
    /// How it is drawn.
    pub(crate) choices: ChartChoices,
    /// The stories that are shown, newest first.
    pub(crate) stories: RwSignal<Vec<Story>>,
    /// Which stories are wanted, and how it goes with older ones.
    pub(crate) news: NewsReader,
    /// How many stories wait.
    pub(crate) waiting: RwSignal<usize>,
    /// Whether somebody reads the news, so that new stories have to wait.
    pub(crate) reading: RwSignal<bool>,
    /// How the feeds are doing.
    pub(crate) feeds: RwSignal<Vec<FeedStatus>>,
    /// How current all of this is.
    pub(crate) connection: RwSignal<State>,
    /// Since when the page has not drawn what came, where it should have.
    pub(crate) behind: RwSignal<Option<Millis>>,
    /// How many entries and events could not be read and were left out.
    pub(crate) left_out: RwSignal<u32>,
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
    /// What this browser remembers.
    pub(crate) storage: Storage,
    /// What the person is told until they put it away.
    pub(crate) notes: Notes,
    /// How the person wants the page to be.
    pub(crate) preferences: Preferences,
    /// What the person wants to be told once.
    pub(crate) alerts: Alerts,
    announcements: StoredValue<Announcements>,
    stale_sparklines: StoredValue<SortedSet<Symbol>>,
    /// What waits for the next second, where prices change no faster.
    held: StoredValue<Held>,
}

/// What came since the last second.
#[derive(Debug, Default)]
struct Held {
    instruments: SortedSet<Symbol>,
    /// Whether the chart is behind.
    chart: bool,
}

impl Dashboard {
    /// The dashboard as the server drew it. `named` is the symbol of the address, where the address
    /// names one; while the page is `closed`, no symbol is open.
    pub(crate) fn new(
        data: &PageData,
        named: Signal<Option<Symbol>>,
        closed: Signal<bool>,
    ) -> Self {
        let choices = ChartChoices::new();
        let is_chosen = choices.read_query(&data.query, |_| true);
        let chosen_range = choices.range.get_untracked();
        if let Some(range) = data.opening_range() {
            choices.range.set(range);
        }
        let mut state = MarketState::new(data, choices.range.get_untracked());
        choices
            .compared
            .update(|compared| compared.retain(|symbol| state.instruments.contains_key(symbol)));
        let mut tickers = SortedMap::new();
        for (symbol, instrument) in state.instruments.iter() {
            tickers.insert(*symbol, Ticker::new(*symbol, instrument));
        }
        let notes = Notes::new();
        let storage = Storage::new(notes);
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
        let chosen = data.chosen.then(|| data.watchlist.clone());
        let filter = NewsFilter::read(&data.query);
        state
            .news
            .set_lens(filter.lens(open.get_untracked(), chosen.as_deref()));
        if let Some((found, question)) = data.older.clone().zip(state.news.question()) {
            state.news.answer(&question, found.news, found.next);
        }
        let dashboard = Dashboard {
            tickers: RwSignal::new(tickers),
            watchlist,
            chosen: RwSignal::new(chosen),
            followed: RwSignal::new(Vec::new()),
            open,
            archived: data.archived,
            range: choices.range,
            chosen_range: RwSignal::new(chosen_range),
            is_chosen: StoredValue::new(true),
            days: RwSignal::new(data.days.clone()),
            chart: ChartHandle::new(),
            choices,
            stories: RwSignal::new(state.news.shown()),
            news: NewsReader::new(filter, &state.news),
            waiting: RwSignal::new(0),
            reading: RwSignal::new(false),
            feeds: RwSignal::new(state.feeds.clone()),
            connection: RwSignal::new(State::Connecting),
            behind: RwSignal::new(None),
            left_out: RwSignal::new(0),
            silence: RwSignal::new(0),
            now,
            minute: Memo::new(move |_| now.get() / 10_000 * 10_000),
            pause: Pause::new(),
            announcement: RwSignal::new(String::new()),
            storage,
            notes,
            preferences: Preferences::new(storage),
            alerts: Alerts::new(storage, notes),
            announcements: StoredValue::new(Announcements::default()),
            stale_sparklines: StoredValue::new(SortedSet::new()),
            held: StoredValue::new(Held::default()),
            state: StoredValue::new(state),
        };
        dashboard.follow_chart(is_chosen);
        dashboard
    }

    /// What is drawn of a symbol, where it is known.
    pub(crate) fn ticker(&self, symbol: Symbol) -> Option<Ticker> {
        self.tickers.with(|tickers| tickers.get(&symbol).copied())
    }

    /// What is drawn of the open symbol, where it is known.
    pub(crate) fn open_ticker(&self) -> Option<Ticker> {
        self.open.get().and_then(|symbol| self.ticker(symbol))
    }

    /// Whether anything is known of a symbol.
    pub(crate) fn knows(&self, symbol: Symbol) -> bool {
        self.tickers
            .with_untracked(|tickers| tickers.contains_key(&symbol))
    }

    /// Shows the watchlist that the person chose.
    pub(crate) fn choose(&self, watchlist: Vec<Symbol>) {
        self.state
            .update_value(|state| state.choose(watchlist.clone()));
        self.chosen.set(Some(watchlist.clone()));
        if self.watchlist.with_untracked(|old| *old != watchlist) {
            self.watchlist.set(watchlist);
        }
    }

    /// Follows symbols that are quoted, besides those that are followed already.
    pub(crate) fn follow_also(&self, symbols: &[Symbol]) {
        self.followed.update(|followed| {
            for symbol in symbols {
                if !followed.contains(symbol) {
                    followed.push(*symbol);
                }
            }
        });
    }

    /// Where a symbol is open, with the watchlist where the person chose one.
    pub(crate) fn address_of(&self, symbol: Symbol) -> String {
        self.chosen
            .with(|chosen| address::of_symbol(symbol, chosen.as_deref()))
    }

    /// Where the page begins, with the watchlist where the person chose one.
    pub(crate) fn home(&self) -> String {
        self.chosen
            .with(|chosen| address::of_home(chosen.as_deref()))
    }

    /// Takes an event. The chart gets its price at once; the numbers follow with
    /// [`Dashboard::draw_changes`].
    pub(crate) fn receive(&self, event: Event) {
        let (mut touched, mut bar) = (None, None);
        match &event {
            Event::Quote(quote) => touched = Some(quote.symbol),
            Event::Session(session) => touched = Some(session.symbol),
            Event::News(news) => self.look_for_alerts_of(std::iter::once(news), 0),
            Event::Snapshot(snapshot) => {
                if let Some(since) = self.alerts.wants_news_since() {
                    self.look_for_alerts_of(snapshot.news.iter(), since);
                }
            }
            Event::Bar(closed) => bar = Some(closed.symbol),
            Event::Heartbeat(_) => {}
        }
        let is_snapshot = event.kind() == EventKind::Snapshot;
        let reading = self.reading.get_untracked();
        let change = self
            .state
            .try_update_value(|state| state.apply(event, reading));
        let change = change.unwrap_or(ChartChange::None);
        let moves_chart = change != ChartChange::None || bar.is_some();
        if moves_chart && self.pause.lets_chart(false) {
            self.change_chart(change, bar);
        }
        if let Some(symbol) = touched {
            self.look_for_alerts(Some(symbol));
        } else if is_snapshot {
            self.look_for_alerts(None);
        }
    }

    /// Has the alerts look at what is known of a symbol, or of all.
    pub(crate) fn look_for_alerts(&self, symbol: Option<Symbol>) {
        if self.alerts.is_empty() {
            return;
        }
        self.state.with_value(|state| {
            let look = |(symbol, instrument): (&Symbol, &Instrument)| {
                let watched = state.watchlist.contains(symbol);
                self.alerts.look(*symbol, instrument, watched);
            };
            match symbol {
                Some(symbol) => {
                    if let Some(instrument) = state.instruments.get(&symbol) {
                        look((&symbol, instrument));
                    }
                }
                None => state.instruments.iter().for_each(look),
            }
        });
    }

    /// Has the alerts look at the stories that were published after a moment.
    fn look_for_alerts_of<'a>(&self, stories: impl Iterator<Item = &'a News>, since: Millis) {
        self.state.with_value(|state| {
            let is_watched = |symbol: &Symbol| state.watchlist.contains(symbol);
            for news in stories.filter(|news| news.published > since) {
                self.alerts.look_at_story(news, is_watched);
            }
        });
    }

    /// Has the alerts look at what the page was drawn from: it may have come about while no page was
    /// open.
    pub(crate) fn look_for_alerts_at_first(&self) {
        self.look_for_alerts(None);
        if let Some(since) = self.alerts.wants_news_since() {
            self.stories.with_untracked(|stories| {
                self.look_for_alerts_of(stories.iter().map(|story| &*story.news), since);
            });
        }
    }

    /// Shows the range of the past that the person chose.
    pub(crate) fn set_range(&self, range: Range) {
        self.chosen_range.set(range);
        self.is_chosen.set_value(true);
        self.show_range(range);
    }

    /// Shows the range that was chosen last of a symbol that was opened.
    pub(crate) fn open_range(&self) {
        self.is_chosen.set_value(false);
        self.show_range(self.chosen_range.get_untracked());
    }

    /// Shows another range of the past, as far as it is known.
    fn show_range(&self, range: Range) {
        if self.range.get_untracked() != range {
            self.range.set(range);
        }
    }

    /// Takes the bars that were missing.
    pub(crate) fn complete(
        &self,
        missing: Missing,
        bars: &[Bar],
        until: Option<Millis>,
        older: Option<Interval>,
    ) {
        self.state
            .update_value(|state| state.complete(missing, bars, until, Some(older)));
        let is_opening = missing.before.is_none()
            && self.open.get_untracked() == Some(missing.symbol)
            && !self.is_chosen.get_value();
        if is_opening && let Some(range) = Range::opening(bars.len(), older) {
            self.show_range(range);
        }
        if missing.before.is_some() {
            // Whoever looks back does so while the page is paused, too.
            self.pause.ask_for_chart();
        }
        if self.charted().contains(&missing.symbol) && self.pause.lets_chart(true) {
            self.draw_chart();
        }
    }

    /// The bars that have not come yet, of what is drawn: those that the chosen range needs, and then those
    /// of the times before it that the person looks at.
    pub(crate) fn missing_history(&self) -> Vec<Missing> {
        let range = self.range.get_untracked();
        let symbols = self.charted();
        let from = self.chart.looks_from();
        self.state.with_value(|state| {
            let missing = symbols.into_iter().filter_map(|symbol| {
                let path = &state.instruments.get(&symbol)?.path;
                let newest = Missing::of_range(symbol, range, self.archived, state.run);
                if path.is_filled(range, self.archived) {
                    path.before(newest, from?, self.archived)
                } else {
                    Some(newest)
                }
            });
            missing.collect()
        })
    }

    /// All bars have to be fetched again.
    pub(crate) fn forget_history(&self) {
        self.state.update_value(MarketState::forget_history);
    }

    /// Does something with the stories, and draws what came of it, also where everything else stands
    /// still: the person asked for it.
    pub(crate) fn with_news<R>(&self, act: impl FnOnce(&mut NewsList) -> R) -> Option<R> {
        let done = self.state.try_update_value(|state| state.act_on_news(act));
        if self.pause.is_still() {
            self.state.with_value(|state| self.draw_news(state));
        }
        self.draw_changes();
        done
    }

    /// Reads something of the stories.
    pub(crate) fn read_news<R>(&self, read: impl FnOnce(&NewsList) -> R) -> R {
        self.state.with_value(|state| read(&state.news))
    }

    fn draw_news(&self, state: &MarketState) {
        self.stories.set(state.news.shown());
        self.news.known.set(state.news.known());
        self.waiting.set(state.news.waiting());
    }

    /// Lets everything stand still, or go on from now.
    pub(crate) fn set_paused(&self, paused: bool) {
        // What has come until now is before the pause.
        self.draw_changes();
        self.pause.glimpse.set(());
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
                self.draw_chart();
            }
            self.draw_changes();
            self.draw_held();
        }
    }

    /// Shows what was opened. Where the page is paused it stands still as it is now.
    pub(crate) fn open_as_of_now(&self) {
        self.pause.ask_for_chart();
        self.draw_chart();
        if let Some(symbol) = self.open.get_untracked()
            && self.pause.is_paused()
        {
            self.state
                .with_value(|state| self.draw_instruments(state, &SortedSet::from_iter([symbol])));
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
        let Some(mut changes) = self.state.try_update_value(MarketState::take_changes) else {
            return;
        };
        if self.preferences.is_slow() {
            self.hold(|held| {
                held.instruments
                    .extend(std::mem::take(&mut changes.instruments))
            });
        }
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

    fn hold(&self, what: impl FnOnce(&mut Held)) {
        self.held.update_value(what);
    }

    /// Has the chart wait for the next second.
    pub(crate) fn hold_chart(&self) {
        self.hold(|held| held.chart = true);
    }

    /// Draws what waited for the second.
    fn draw_held(&self) {
        let held = self.held.try_update_value(std::mem::take);
        let Held { instruments, chart } = held.unwrap_or_default();
        self.state
            .with_value(|state| self.draw_instruments(state, &instruments));
        self.stale_sparklines
            .update_value(|stale| stale.extend(instruments));
        if chart {
            self.draw_chart();
        }
    }

    fn draw_instruments(&self, state: &MarketState, changed: &SortedSet<Symbol>) {
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

    /// Notes since when the page has not drawn what came, where it should have.
    pub(crate) fn set_behind(&self, since: Option<Millis>) {
        if self.behind.get_untracked() != since {
            self.behind.set(since);
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
        #[cfg(target_arch = "wasm32")]
        if self.left_out.get_untracked() != crate::browser::json::left_out() {
            self.left_out.set(crate::browser::json::left_out());
        }
        if self.pause.is_paused() {
            self.silence.set(silence);
            if !self.pause.is_hidden() {
                let waiting = self.state.with_value(MarketState::waiting);
                self.pause.waiting.set(waiting);
            }
            return;
        }
        if self.pause.is_hidden() {
            self.pause.glimpse.set(());
            return;
        }
        if let Some(time) = server_time {
            self.now.set(time);
            self.state.update_value(|state| state.news.set_now(time));
        }
        self.silence.set(silence);
        // For the page that says since when the server cannot be reached.
        if self.is_live() && now % HEARD < 1_000 {
            let heard = now.saturating_sub(silence);
            self.storage.note("heard", &heard.to_string());
        }
        self.draw_held();
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
