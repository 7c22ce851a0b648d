use chart::ChartHandle;
use leptos::prelude::*;
use market::{FeedStatus, Millis, Symbol};

use crate::{
    alerts::store::Alerts,
    browser::storage::Storage,
    chart_panel::choices::ChartChoices,
    lean::{
        signal::{Memo, RwSignal, StoredValue},
        sorted::{SortedMap, SortedSet},
    },
    live::state::State,
    news::{filter::NewsFilter, reader::NewsReader},
    settings::preferences::Preferences,
    state::{
        address, days::Days, market::MarketState, page_data::PageData, pause::Pause, range::Range,
        ticker::Ticker,
    },
    widgets::{announcer::Announcements, notes::Notes},
};

/// The state of the page: plain values that events are applied to at once, and signals that they are copied into at the
/// page's own pace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dashboard {
    /// The plain values.
    pub(crate) state: StoredValue<MarketState>,
    /// Symbols, their quotes, and which of them are shown.
    pub(crate) market: Market,
    /// The chart of the open symbol.
    pub(crate) chart: Charting,
    /// The news and its filter.
    pub(crate) news: NewsReader,
    /// How current the page is.
    pub(crate) live: Liveness,
    /// The server's time.
    pub(crate) clock: Clock,
    /// Whether the page is paused or hidden.
    pub(crate) pause: Pause,
    /// The person's own data.
    pub(crate) person: Person,
    /// What is drawn with the next second.
    pub(super) pending: Pending,
}

/// Symbols, their quotes, and which of them are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Market {
    /// Every symbol that has a quote, a session or closes, on the watchlist or not.
    pub(crate) tickers: RwSignal<SortedMap<Symbol, Ticker>>,
    /// The symbols of the watchlist, in their order.
    pub(crate) watchlist: RwSignal<Vec<Symbol>>,
    /// The watchlist that the person chose, for addresses; `None` if it is the server's.
    pub(crate) chosen: RwSignal<Option<Vec<Symbol>>>,
    /// The symbols that the page has to follow, at least.
    pub(crate) followed: RwSignal<Vec<Symbol>>,
    /// The open symbol.
    pub(crate) open: Memo<Option<Symbol>>,
    /// The daily figures of the open symbol.
    pub(crate) days: RwSignal<Days>,
    /// The status of the feeds.
    pub(crate) feeds: RwSignal<Vec<FeedStatus>>,
    /// Whether the server keeps bars of a second.
    pub(crate) archived: bool,
}

/// The chart of the open symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charting {
    /// The chart itself.
    pub(crate) handle: ChartHandle,
    /// Its choices: range, kind, scale and so on.
    pub(crate) choices: ChartChoices,
    /// The range that the person chose last.
    pub(super) chosen_range: RwSignal<Range>,
    /// Whether it was chosen for the open symbol. Otherwise another range is shown if there are no bars for it.
    pub(super) is_chosen: StoredValue<bool>,
}

/// How current the page is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Liveness {
    /// The state of the connection.
    pub(crate) connection: RwSignal<State>,
    /// Since when the page has failed to draw received events.
    pub(crate) behind: RwSignal<Option<Millis>>,
    /// How many entries and events could not be read and were left out.
    pub(crate) left_out: RwSignal<u32>,
    /// How long nothing was received, in milliseconds.
    pub(crate) silence: RwSignal<Millis>,
}

/// The server's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// It starts with the time of the snapshot, so that the server and the browser draw the same, and advances every
    /// second.
    pub(crate) now: RwSignal<Millis>,
    /// The same in steps of ten seconds, for the ages of stories.
    pub(crate) minute: Memo<Millis>,
}

/// The person's own data, and messages to the person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// The browser's storage.
    pub(crate) storage: Storage,
    /// Messages that stay until the person dismisses them.
    pub(crate) notes: Notes,
    /// The person's preferences.
    pub(crate) preferences: Preferences,
    /// The person's alerts.
    pub(crate) alerts: Alerts,
    /// What screen readers announce next.
    pub(crate) announcement: RwSignal<String>,
}

/// What is drawn with the next second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) announcements: StoredValue<Announcements>,
    pub(super) stale_sparklines: StoredValue<SortedSet<Symbol>>,
    /// What waits while prices change only once a second.
    pub(super) held: StoredValue<Held>,
}

/// Changes since the last second.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) instruments: SortedSet<Symbol>,
    /// Whether the chart has to be redrawn.
    pub(super) chart: bool,
}

impl Dashboard {
    /// The dashboard as the server drew it. `named` is the symbol of the address, if it names one. While the page is
    /// `closed`, no symbol is open.
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
        let market = Market::new(data, &state, named, closed);
        let chosen = data.chosen.then_some(&*data.watchlist);
        let filter = NewsFilter::read(&data.query);
        state
            .news
            .set_lens(filter.lens(market.open.get_untracked(), chosen));
        if let Some((found, question)) = data.older.clone().zip(state.news.question()) {
            state.news.answer(&question, found.news, found.next);
        }
        let dashboard = Dashboard {
            market,
            chart: Charting {
                handle: ChartHandle::new(),
                choices,
                chosen_range: RwSignal::new(chosen_range),
                is_chosen: StoredValue::new(true),
            },
            news: NewsReader::new(filter, &state.news),
            live: Liveness::new(),
            clock: Clock::new(data.snapshot.time),
            pause: Pause::new(),
            person: Person::new(),
            pending: Pending::new(),
            state: StoredValue::new(state),
        };
        dashboard.follow_chart(is_chosen);
        dashboard
    }

    /// The ticker of a symbol, if it is known.
    pub(crate) fn ticker(&self, symbol: Symbol) -> Option<Ticker> {
        self.market
            .tickers
            .with(|tickers| tickers.get(&symbol).copied())
    }

    /// The ticker of the open symbol, if it is known.
    pub(crate) fn open_ticker(&self) -> Option<Ticker> {
        self.market
            .open
            .get()
            .and_then(|symbol| self.ticker(symbol))
    }

    /// Whether a symbol is known.
    pub(crate) fn knows(&self, symbol: Symbol) -> bool {
        self.market
            .tickers
            .with_untracked(|tickers| tickers.contains_key(&symbol))
    }

    /// Shows the watchlist that the person chose.
    pub(crate) fn choose(&self, watchlist: Vec<Symbol>) {
        self.state
            .update_value(|state| state.choose(watchlist.clone()));
        self.market.chosen.set(Some(watchlist.clone()));
        if self
            .market
            .watchlist
            .with_untracked(|old| *old != watchlist)
        {
            self.market.watchlist.set(watchlist);
        }
    }

    /// Follows additional symbols.
    pub(crate) fn follow_also(&self, symbols: &[Symbol]) {
        self.market.followed.update(|followed| {
            for symbol in symbols {
                if !followed.contains(symbol) {
                    followed.push(*symbol);
                }
            }
        });
    }

    /// The address that opens a symbol, with the watchlist if the person chose one.
    pub(crate) fn address_of(&self, symbol: Symbol) -> String {
        self.market
            .chosen
            .with(|chosen| address::of_symbol(symbol, chosen.as_deref()))
    }

    /// The address of the start page, with the watchlist if the person chose one.
    pub(crate) fn home(&self) -> String {
        self.market
            .chosen
            .with(|chosen| address::of_home(chosen.as_deref()))
    }
}

impl Market {
    fn new(
        data: &PageData,
        state: &MarketState,
        named: Signal<Option<Symbol>>,
        closed: Signal<bool>,
    ) -> Self {
        let mut tickers = SortedMap::new();
        for (symbol, instrument) in state.instruments.iter() {
            tickers.insert(*symbol, Ticker::new(*symbol, instrument));
        }
        let watchlist = RwSignal::new(state.watchlist.clone());
        let open = Memo::new(move |_| {
            if closed.get() {
                return None;
            }
            named
                .get()
                .or_else(|| watchlist.with(|symbols| symbols.first().copied()))
        });
        Market {
            tickers: RwSignal::new(tickers),
            watchlist,
            chosen: RwSignal::new(data.chosen.then(|| data.watchlist.clone())),
            followed: RwSignal::new(Vec::new()),
            open,
            days: RwSignal::new(data.days.clone()),
            feeds: RwSignal::new(state.feeds.clone()),
            archived: data.archived,
        }
    }
}

impl Liveness {
    fn new() -> Self {
        Liveness {
            connection: RwSignal::new(State::Connecting),
            behind: RwSignal::new(None),
            left_out: RwSignal::new(0),
            silence: RwSignal::new(0),
        }
    }
}

impl Clock {
    fn new(time: Millis) -> Self {
        let now = RwSignal::new(time);
        Clock {
            now,
            minute: Memo::new(move |_| now.get() / 10_000 * 10_000),
        }
    }
}

impl Person {
    fn new() -> Self {
        let notes = Notes::new();
        let storage = Storage::new(notes);
        Person {
            storage,
            notes,
            preferences: Preferences::new(storage),
            alerts: Alerts::new(storage, notes),
            announcement: RwSignal::new(String::new()),
        }
    }
}

impl Pending {
    fn new() -> Self {
        Pending {
            announcements: StoredValue::new(Announcements::default()),
            stale_sparklines: StoredValue::new(SortedSet::new()),
            held: StoredValue::new(Held::default()),
        }
    }
}
