use leptos::{html, prelude::*};
use market::Symbol;

use crate::{
    browser,
    dashboard::{Dashboard, Ticker},
    figure::{ChangeFigures, Figure},
    figures::{Change, Shown, digits},
    sparkline::Sparkline,
};

/// The symbols that are followed, each a link that opens it.
#[component]
pub(crate) fn Watchlist() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let nav = NodeRef::<html::Nav>::new();
    Effect::new(move || {
        dashboard.open.track();
        // After the row is marked as the open one.
        request_animation_frame(move || {
            if let Some(nav) = nav.get_untracked() {
                browser::scroll_to_current(&nav);
            }
        });
    });
    let empty = move || dashboard.watchlist.with(Vec::is_empty);
    view! {
        <nav class="watchlist" aria-label="Watchlist" node_ref=nav>
            <ul>
                <For
                    each=move || dashboard.watchlist.get()
                    key=|symbol| *symbol
                    children=|symbol| view! { <Row symbol /> }
                />
            </ul>
            <p class="empty" hidden=move || !empty()>
                "No symbol is known yet. They appear here with their first price."
            </p>
        </nav>
    }
}

/// One symbol: its name, the way of its price, its price and change.
#[component]
fn Row(symbol: Symbol) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let href = move || dashboard.address_of(symbol);
    let current = move || (dashboard.open.get() == Some(symbol)).then_some("page");
    let ticker = move || dashboard.ticker(symbol);
    let name = move || {
        let session = ticker()?.session;
        session.with(|session| session.as_ref().map(|session| session.name.clone()))
    };
    let price = Signal::derive(move || match ticker() {
        Some(Ticker { quote, session, .. }) => quote.with(|quote| {
            let digits = session.with(|session| digits(session.as_ref(), quote.as_ref()));
            let price = quote.as_ref().and_then(|quote| quote.price);
            Shown::price(symbol, price, digits)
        }),
        None => Shown::unknown(Some(symbol)),
    });
    let change = Memo::new(move |_| match ticker() {
        Some(Ticker { quote, session, .. }) => quote.with(|quote| {
            session.with(|session| Change::of(symbol, quote.as_ref(), session.as_ref()))
        }),
        None => Change::of(symbol, None, None),
    });
    let sparkline = Signal::derive(move || {
        ticker()
            .map(|ticker| ticker.sparkline.get())
            .unwrap_or_default()
    });
    view! {
        <li>
            <a
                class="row"
                href=href
                aria-current=current
                data-symbol=symbol.to_string()
                data-noscroll=""
            >
                <span class="row-head">
                    <span class="row-symbol">{symbol.to_string()}</span>
                    <span class="row-name">{name}</span>
                    <Figure field="price" shown=price flashes=true />
                </span>
                <span class="row-foot">
                    <Sparkline path=sparkline />
                    <ChangeFigures change />
                </span>
            </a>
        </li>
    }
}
