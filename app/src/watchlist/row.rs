use leptos::{prelude::*, web_sys::EventTarget};
use market::Symbol;

use crate::{
    browser::elements,
    format::figures::{Change, Shown, close_words, digits},
    lean::{reactive::drawn, signal::Memo},
    state::{dashboard::Dashboard, ticker::Ticker},
    watchlist::sparkline::Sparkline,
    widgets::figure::{ChangeFigures, Figure},
};

/// A row of the watchlist: symbol, name, sparkline, price, change, and buttons to move and remove it.
#[component]
pub(crate) fn Row(symbol: Symbol) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let href = move || dashboard.address_of(symbol);
    let current = move || (dashboard.market.open.get() == Some(symbol)).then_some("page");
    let ticker = move || dashboard.ticker(symbol);
    let name = move || {
        let session = ticker().and_then(|ticker| ticker.session.get());
        session.map_or_else(
            // For a symbol that no feed quotes, the day of its last close.
            || ticker().map_or_else(String::new, |ticker| ticker.quote.with(close_words)),
            |session| session.name,
        )
    };
    let price = Signal::derive(move || price_of(symbol, ticker()));
    let change = Memo::new(move |_| change_of(symbol, ticker()));
    let sparkline = Signal::derive(move || {
        ticker()
            .map(|ticker| ticker.sparkline.get())
            .unwrap_or_default()
    });
    let text = symbol.to_string();
    let button = |name: &'static str, label: String, mark: &'static str| {
        view! {
            <button type="button" name=name value=symbol.to_string() aria-label=label title=name>
                {mark}
            </button>
        }
    };
    view! {
        <li>
            <a
                class="row"
                href=drawn(href)
                aria-current=drawn(current)
                data-symbol=text.clone()
                aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown Delete"
                data-noscroll=""
                // The row is dragged within the list, not as a link.
                draggable="false"
            >
                <span class="row-head">
                    <span class="row-symbol">{text.clone()}</span>
                    <span class="row-name">{drawn(name)}</span>
                    <Figure field="price" shown=price flashes=true />
                </span>
                <span class="row-foot">
                    <Sparkline path=sparkline />
                    <ChangeFigures change />
                </span>
            </a>
            {button("up", format!("Move {text} up"), "↑")}
            {button("down", format!("Move {text} down"), "↓")}
            {button("remove", format!("Remove {text}"), "×")}
        </li>
    }
}

fn price_of(symbol: Symbol, ticker: Option<Ticker>) -> Shown {
    let Some(Ticker { quote, session, .. }) = ticker else {
        return Shown::unknown(Some(symbol));
    };
    quote.with(|quote| {
        let digits = session.with(|session| digits(session.as_ref(), quote.as_ref()));
        let price = quote.as_ref().and_then(|quote| quote.price);
        Shown::price(symbol, price, digits)
    })
}

fn change_of(symbol: Symbol, ticker: Option<Ticker>) -> Change {
    let Some(Ticker { quote, session, .. }) = ticker else {
        return Change::of(symbol, None, None);
    };
    quote.with(|quote| session.with(|session| Change::of(symbol, quote.as_ref(), session.as_ref())))
}

/// The symbol of the row that contains an element.
pub(crate) fn symbol_at(target: Option<EventTarget>) -> Option<Symbol> {
    let link = elements::closest(target, "a[data-symbol]")?;
    link.get_attribute("data-symbol")?.parse().ok()
}
