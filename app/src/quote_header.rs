use leptos::prelude::*;

use crate::{
    clock, dashboard::Dashboard, figure::ChangeFigures, figure::Figure, figures::Shown,
    live::State, quote_figures::QuoteFigures,
};

/// The open symbol: its name, its price, and what has to be known of both.
#[component]
pub(crate) fn QuoteHeader(
    /// Whether anything is known of it, and so whether there is anything to show.
    known: Memo<bool>,
) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let figures = Memo::new(move |_| {
        let Some(symbol) = dashboard.open.get() else {
            return QuoteFigures::default();
        };
        match dashboard.ticker(symbol) {
            Some(ticker) => ticker.quote.with(|quote| {
                ticker
                    .session
                    .with(|session| QuoteFigures::new(symbol, quote.as_ref(), session.as_ref()))
            }),
            None => QuoteFigures::new(symbol, None, None),
        }
    });
    let shown = move |field: fn(&QuoteFigures) -> &Shown| {
        Signal::derive(move || figures.with(|figures| field(figures).clone()))
    };
    let symbol = move || dashboard.open.get().map(|symbol| symbol.to_string());
    let name = move || figures.with(|figures| figures.name.clone());
    let currency = move || figures.with(|figures| figures.currency.clone());
    let source = move || figures.with(|figures| figures.source.clone());
    let marks = Memo::new(move |_| figures.with(|figures| figures.marks.clone()));
    view! {
        <section class="quote" aria-label="Quote" hidden=move || !known.get()>
            <h1>
                <span class="quote-symbol">{symbol}</span>
                " "
                <span class="quote-name">{name}</span>
            </h1>
            <p class="quote-price">
                <Figure field="price" shown=shown(|figures| &figures.price) flashes=true />
                <span class="currency">{currency}</span>
                <ChangeFigures change=Signal::derive(move || {
                    figures.with(|figures| figures.change.clone())
                }) />
                <span class="marks">
                    {move || {
                        marks
                            .get()
                            .into_iter()
                            .map(|mark| view! { <span class="mark">{mark}</span> })
                            .collect_view()
                    }}
                </span>
                <span class="source">{source}</span>
                <Age />
            </p>
            <dl class="quote-details">
                <Side
                    term="Bid"
                    fields=("bid", "bid-size")
                    price=shown(|figures| &figures.bid.0)
                    size=shown(|figures| &figures.bid.1)
                />
                <Side
                    term="Ask"
                    fields=("ask", "ask-size")
                    price=shown(|figures| &figures.ask.0)
                    size=shown(|figures| &figures.ask.1)
                />
                <Detail term="Open" field="open" shown=shown(|figures| &figures.open) />
                <Detail term="High" field="high" shown=shown(|figures| &figures.high) />
                <Detail term="Low" field="low" shown=shown(|figures| &figures.low) />
                <Detail
                    term="Prev close"
                    field="prev-close"
                    shown=shown(|figures| &figures.prev_close)
                />
                <Detail term="Volume" field="volume" shown=shown(|figures| &figures.volume) />
            </dl>
        </section>
    }
}

/// The best price of one side of the book, and how much stands at it.
#[component]
fn Side(
    term: &'static str,
    fields: (&'static str, &'static str),
    price: Signal<Shown>,
    size: Signal<Shown>,
) -> impl IntoView {
    view! {
        <div>
            <dt>{term}</dt>
            <dd>
                <Figure field=fields.0 shown=price flashes=true />
                <span class="size">
                    <span aria-hidden="true">"× "</span>
                    <Figure field=fields.1 shown=size />
                </span>
            </dd>
        </div>
    }
}

/// One number of the list, with its name.
#[component]
fn Detail(term: &'static str, field: &'static str, shown: Signal<Shown>) -> impl IntoView {
    view! {
        <div>
            <dt>{term}</dt>
            <dd>
                <Figure field=field shown=shown />
            </dd>
        </div>
    }
}

/// How old the price is, while nothing arrives.
#[component]
fn Age() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let age = move || match dashboard.connection.get() {
        State::Reconnecting { .. } | State::Stale { .. } => {
            Some(format!("{} old", clock::span(dashboard.silence.get())))
        }
        _ => None,
    };
    view! { <span class="age">{age}</span> }
}
