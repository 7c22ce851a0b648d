use leptos::{ev, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use market::Symbol;

use crate::{
    address,
    announcer::Announcer,
    dashboard::Dashboard,
    figures::{Shown, digits},
    news::NewsPanel,
    page_data::{PageData, Problem},
    problem::{ProblemNotice, nothing_yet, unknown_symbol},
    quote_header::QuoteHeader,
    top_bar::{TopBar, state_name},
    watchlist::Watchlist,
};

/// The whole page. It stays as it is when the address changes; only what it shows changes.
#[component]
pub(crate) fn Page() -> impl IntoView {
    let data = use_context::<PageData>().unwrap_or_default();
    let path = use_location().pathname;
    let named = Memo::new(move |_| address::symbol_of(&path.read()));
    let dashboard = Dashboard::new(&data, named.into());
    provide_context(dashboard);

    let problem = problem(dashboard, path, data.problem.clone());
    let state = Memo::new(move |_| state_name(dashboard.connection.get()));
    walk_with_keys(dashboard);
    follow(dashboard, data);

    view! {
        <Title text=title(dashboard) />
        <a class="skip" href="#quote" rel="external">
            "Skip to the quote"
        </a>
        <TopBar />
        <Watchlist />
        <main data-state=state>
            {move || match problem.get() {
                Some(problem) => view! { <ProblemNotice problem /> }.into_any(),
                None => {
                    view! {
                        <QuoteHeader />
                        <section class="chart" aria-label="Chart"></section>
                    }
                        .into_any()
                }
            }}
            <NewsPanel />
        </main>
        <Announcer text=dashboard.announcement />
    }
}

/// What stands in the place of a quote, where there is none to show.
fn problem(
    dashboard: Dashboard,
    path: Memo<String>,
    drawn: Option<Problem>,
) -> Memo<Option<Problem>> {
    let drawn = drawn.map(|problem| (path.get_untracked(), problem));
    Memo::new(move |_| {
        if let Some((at, problem)) = &drawn
            && *at == path.get()
        {
            return Some(problem.clone());
        }
        match dashboard.open.get() {
            None => Some(nothing_yet()),
            Some(symbol) if dashboard.ticker(symbol).is_none() => Some(unknown_symbol(symbol)),
            Some(_) => None,
        }
    })
}

/// The title of the window: the symbol and its price, no faster than once a second.
fn title(dashboard: Dashboard) -> impl Fn() -> String + Send + Sync + 'static {
    move || {
        dashboard.now.track();
        let Some(ticker) = dashboard.open_ticker() else {
            return "Tickertape".to_owned();
        };
        let price = ticker.quote.with_untracked(|quote| {
            let digits = ticker
                .session
                .with_untracked(|session| digits(session.as_ref(), quote.as_ref()));
            let price = quote.as_ref().and_then(|quote| quote.price);
            Shown::price(ticker.symbol, price, digits).text
        });
        format!("{} {price} · Tickertape", ticker.symbol)
    }
}

/// `j` and `k` open the next and the previous symbol of the watchlist.
fn walk_with_keys(dashboard: Dashboard) {
    let navigate = use_navigate();
    Effect::new(move || {
        let navigate = navigate.clone();
        let handle = window_event_listener(ev::keydown, move |event| {
            let step = match event.key().as_str() {
                "j" => 1,
                "k" => -1,
                _ => return,
            };
            if event.ctrl_key() || event.meta_key() || event.alt_key() || is_writing() {
                return;
            }
            let open = dashboard.open.get_untracked();
            let next = dashboard
                .watchlist
                .with_untracked(|symbols| neighbour(symbols, open, step));
            if let Some(symbol) = next {
                let address = dashboard
                    .chosen
                    .with_value(|chosen| address::of_symbol(symbol, chosen.as_deref()));
                let options = NavigateOptions {
                    scroll: false,
                    ..NavigateOptions::default()
                };
                navigate(&address, options);
            }
        });
        on_cleanup(move || handle.remove());
    });
}

/// Whether what is typed goes into a field.
fn is_writing() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    })
}

/// The symbol some steps after the open one; the first where none is open, none beyond the ends.
fn neighbour(symbols: &[Symbol], open: Option<Symbol>, step: isize) -> Option<Symbol> {
    let position = symbols.iter().position(|symbol| Some(*symbol) == open);
    let next = match position {
        Some(position) => position.checked_add_signed(step)?,
        None => 0,
    };
    symbols.get(next).copied()
}

/// Follows the stream, in a browser.
fn follow(dashboard: Dashboard, data: PageData) {
    #[cfg(target_arch = "wasm32")]
    {
        let symbols = data.chosen.then(|| {
            let mut symbols = data.watchlist;
            symbols.extend(data.symbol.filter(|symbol| !symbols.contains(symbol)));
            symbols
        });
        let mut start = Some((symbols, data.id));
        Effect::new(move || {
            if let Some((symbols, id)) = start.take() {
                crate::live::follow(dashboard, symbols, id);
            }
        });
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (dashboard, data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::symbol;

    #[test]
    fn walks_the_watchlist_without_leaving_it() {
        let symbols = ["AAPL", "GOOG", "MSFT"].map(symbol);
        let [aapl, goog, msft] = symbols;
        assert_eq!(neighbour(&symbols, Some(goog), 1), Some(msft));
        assert_eq!(neighbour(&symbols, Some(goog), -1), Some(aapl));
        assert_eq!(neighbour(&symbols, Some(aapl), -1), None);
        assert_eq!(neighbour(&symbols, Some(msft), 1), None);
        assert_eq!(neighbour(&symbols, None, 1), Some(aapl));
        assert_eq!(neighbour(&symbols, Some(symbol("X")), 1), Some(aapl));
        assert_eq!(neighbour(&[], None, 1), None);
    }
}
