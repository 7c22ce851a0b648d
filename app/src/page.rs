use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    chart_panel::panel::ChartPanel,
    document::stopped,
    format::figures::{Shown, digits},
    help::keys,
    lean::{
        reactive::drawn,
        signal::{Memo, StoredValue},
    },
    news::{panel::NewsPanel, story::show_story},
    quote::{
        header::QuoteHeader,
        problem::{ProblemNotice, nothing_yet},
    },
    state::{
        address,
        dashboard::Dashboard,
        navigation::Navigation,
        page_data::{PageData, Problem},
    },
    top_bar::{bar::TopBar, connection_status::state_name},
    watchlist::{own_list::OwnList, panel::Watchlist},
    widgets::{announcer::Announcer, notes::NoteList},
};

/// The whole page. It stays when the address changes, and only its content changes. Parts with nothing to show are
/// hidden and not left out: a part that the browser never has to build needs no code for that.
#[component]
pub(crate) fn Page() -> impl IntoView {
    let data = take_context::<PageData>().unwrap_or_default();
    let navigation = Navigation::new(data.path.clone());
    let path = navigation.path();
    // A problem belongs to the address that the page was drawn for, and to no other.
    let drawn_for = path.get_untracked();
    let drawn_problem = StoredValue::new(data.problem.clone());
    let troubled = Memo::new(move |_| {
        drawn_problem.with_value(Option::is_some) && path.with(|path| *path == drawn_for)
    });
    let named = Memo::new(move |_| path.with(|path| address::symbol_of(path)));
    // With some problems there is still a quote to show, as when one of many symbols is unknown.
    let nothing_open = data.symbol.is_none();
    let closed = Signal::derive(move || nothing_open && troubled.get());
    let dashboard = Dashboard::new(&data, named.into(), closed);
    provide_context(dashboard);

    let known = Memo::new(move |_| dashboard.open_ticker().is_some());
    let problem = Signal::derive(move || match troubled.get() {
        true => drawn_problem.get_value(),
        false => problem_of(dashboard, known),
    });
    let suggestions = data
        .problem
        .as_ref()
        .map(|problem| problem.suggestions.clone());
    let on_story = Callback::new(move |id: String| {
        show_story(dashboard, &id);
    });
    let state = move || state_name(dashboard.live.connection.get(), dashboard.live.behind.get());
    #[cfg(target_arch = "wasm32")]
    navigation.listen();
    keys::listen(dashboard, navigation);
    let own_list = OwnList::new(dashboard, navigation);
    provide_context(own_list);
    follow(dashboard, own_list, data.id);

    view! {
        <Title text=title(dashboard) />
        <div class="page" data-state=drawn(state)>
            <a class="skip" href="#quote" rel="external">
                "Skip to the quote"
            </a>
            <TopBar navigation />
            <Watchlist />
            <main id="quote" tabindex="-1">
                <ProblemNotice problem suggestions=suggestions.unwrap_or_default() />
                <QuoteHeader known />
                <ChartPanel known on_story />
                <NewsPanel />
            </main>
            <NoteList notes=dashboard.person.notes />
            <Announcer text=dashboard.person.announcement />
        </div>
    }
}

/// Why there is nothing to show for the open symbol; `None` if there is something.
fn problem_of(dashboard: Dashboard, known: Memo<bool>) -> Option<Problem> {
    match dashboard.market.open.get() {
        None => Some(dashboard.market.feeds.with(|feeds| nothing_yet(feeds))),
        Some(symbol) => (!known.get()).then(|| Problem::unknown_symbol(symbol)),
    }
}

/// The title of the window: the symbol and its price, updated at most once a second.
fn title(dashboard: Dashboard) -> impl Fn() -> String + Send + Sync + 'static {
    move || {
        // A page that has stopped shows no price.
        if stopped::is_stopped() {
            return stopped::TITLE.to_owned();
        }
        dashboard.clock.now.track();
        dashboard.pause.glimpse.track();
        let Some(ticker) = dashboard.open_ticker() else {
            return "Tickertape".to_owned();
        };
        let price = dashboard.with_newest_quote(ticker, |quote| {
            let digits = ticker
                .session
                .with_untracked(|session| digits(session.as_ref(), quote));
            let price = quote.and_then(|quote| quote.price);
            Shown::price(ticker.symbol, price, digits).text
        });
        format!("{} {price} · Tickertape", ticker.symbol)
    }
}

/// Follows the stream, in the browser.
fn follow(dashboard: Dashboard, own_list: OwnList, id: String) {
    #[cfg(target_arch = "wasm32")]
    {
        let mut start = Some(id);
        crate::lean::reactive::effect(move || {
            let Some(id) = start.take() else {
                return;
            };
            untrack(|| {
                own_list.begin();
                dashboard.look_for_alerts_at_first();
            });
            let symbols = dashboard.market.chosen.get_untracked().map(|mut symbols| {
                for symbol in dashboard.charted() {
                    if !symbols.contains(&symbol) {
                        symbols.push(symbol);
                    }
                }
                symbols
            });
            crate::live::follow::follow(dashboard, symbols, id);
        });
        // The page may show symbols that are not on the person's own watchlist. Those that are charted are followed,
        // too.
        crate::lean::reactive::effect(move || {
            dashboard.market.open.track();
            dashboard.chart.choices.compared.track();
            let mut drawn = dashboard.charted();
            drawn.retain(|symbol| dashboard.knows(*symbol));
            dashboard.follow_also(&drawn);
        });
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (dashboard, own_list, id);
}
