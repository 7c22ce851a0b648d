use leptos::prelude::*;
use market::{Millis, Quality};

use crate::{
    format::{
        clock,
        figures::{Shown, close_words},
    },
    lean::{reactive::drawn, signal::Memo},
    live::state::State,
    quote::{
        days_reader, figures::QuoteFigures, mark::Marks, opening_hours::OpeningHours,
        range_bar::RangeBar,
    },
    state::dashboard::Dashboard,
    widgets::figure::{ChangeFigures, Figure},
};

/// The open symbol: its name, its price, and its figures.
#[component]
pub(crate) fn QuoteHeader(
    /// Whether the open symbol is known.
    known: Memo<bool>,
) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let figures = Memo::new(move |_| {
        let Some(symbol) = dashboard.market.open.get() else {
            return QuoteFigures::default();
        };
        let ticker = dashboard.ticker(symbol);
        let quote = ticker.and_then(|ticker| ticker.quote.get());
        let session = ticker.and_then(|ticker| ticker.session.get());
        dashboard
            .market
            .days
            .with(|days| QuoteFigures::new(symbol, quote.as_ref(), session.as_ref(), days))
    });
    days_reader::follow_days(dashboard);
    let symbol = move || dashboard.market.open.get().map(|symbol| symbol.to_string());
    let name = move || figures.with(|figures| figures.name.clone());
    // Empty texts and not `None`: hydration needs the same nodes as the drawn page, also if some data could not be
    // read.
    let text = move |field: fn(&QuoteFigures) -> &Option<String>| {
        drawn(move || figures.with(|figures| field(figures).clone().unwrap_or_default()))
    };
    let marks = Memo::new(move |_| figures.with(|figures| figures.marks.clone()));
    view! {
        <section class="quote" aria-label="Quote" hidden=drawn(move || !known.get())>
            <div class="quote-title">
                <h1>
                    <span class="quote-symbol">{drawn(symbol)}</span>
                    " "
                    <span class="quote-name">{drawn(name)}</span>
                    " "
                    <span class="venue">{text(|figures| &figures.venue)}</span>
                </h1>
                <OpeningHours />
            </div>
            // Only printed: the time of the figures.
            <p class="print-only">
                {drawn(move || {
                    let zone = dashboard.person.preferences.zone.get();
                    format!("As of {}", clock::exact(dashboard.clock.now.get(), zone))
                })}
            </p>
            <p class="quote-price">
                <Figure field="price" shown=shown(figures, |figures| &figures.price) flashes=true />
                <span class="currency">{text(|figures| &figures.currency)}</span>
                <ChangeFigures change=Signal::derive(move || {
                    figures.with(|figures| figures.change.clone())
                }) />
                <Marks marks />
                <span class="source">{text(|figures| &figures.source)}</span>
                <Age />
            </p>
            {details(figures)}
        </section>
    }
}

/// A signal of one of the figures.
fn shown(figures: Memo<QuoteFigures>, field: fn(&QuoteFigures) -> &Shown) -> Signal<Shown> {
    Signal::derive(move || figures.with(|figures| field(figures).clone()))
}

/// Whether one of the figures is unknown. Figures for which there is too little history are hidden with their labels.
fn unknown(figures: Memo<QuoteFigures>, field: fn(&QuoteFigures) -> &Shown) -> Signal<bool> {
    Signal::derive(move || figures.with(|figures| field(figures).number.is_none()))
}

/// The list of figures below the price.
fn details(figures: Memo<QuoteFigures>) -> impl IntoView {
    view! {
        <dl class="quote-details">
            <Side
                term="Bid"
                fields=("bid", "bid-size")
                price=shown(figures, |figures| &figures.bid.0)
                size=shown(figures, |figures| &figures.bid.1)
            />
            <Side
                term="Ask"
                fields=("ask", "ask-size")
                price=shown(figures, |figures| &figures.ask.0)
                size=shown(figures, |figures| &figures.ask.1)
            />
            <Detail term="Open" field="open" shown=shown(figures, |figures| &figures.day.open) />
            <Detail
                term="Prev close"
                field="prev-close"
                shown=shown(figures, |figures| &figures.day.prev_close)
            />
            <Detail term="Volume" field="volume" shown=shown(figures, |figures| &figures.day.volume) />
            <Detail
                term="VWAP"
                field="vwap"
                shown=shown(figures, |figures| &figures.day.vwap)
                hidden=unknown(figures, |figures| &figures.day.vwap)
            />
            <Detail
                term="Avg volume"
                field="average-volume"
                shown=shown(figures, |figures| &figures.history.average_volume)
                hidden=unknown(figures, |figures| &figures.history.average_volume)
            />
            <RangeBar
                term="Day range"
                fields=("low", "high")
                low=shown(figures, |figures| &figures.day.low)
                high=shown(figures, |figures| &figures.day.high)
                last=shown(figures, |figures| &figures.price)
            />
            <RangeBar
                term="52 weeks"
                fields=("year-low", "year-high")
                low=shown(figures, |figures| &figures.history.year.0)
                high=shown(figures, |figures| &figures.history.year.1)
                last=shown(figures, |figures| &figures.price)
                hidden=unknown(figures, |figures| &figures.history.year.0)
            />
        </dl>
    }
}

/// The best price of one side of the book, and its size.
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

/// One figure of the list, with its label.
#[component]
fn Detail(
    term: &'static str,
    field: &'static str,
    shown: Signal<Shown>,
    #[prop(optional, into)] hidden: Signal<bool>,
) -> impl IntoView {
    view! {
        <div hidden=drawn(move || hidden.get())>
            <dt>{term}</dt>
            <dd>
                <Figure field=field shown=shown />
            </dd>
        </div>
    }
}

/// The age from which on the age of a price is shown while the page is current, in milliseconds.
const OLD: Millis = 60_000;

/// The age of the price: how long ago the last trade was.
#[component]
fn Age() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let age = move || {
        let ticker = dashboard.open_ticker();
        let mut close = ticker.map_or_else(String::new, |it| it.quote.with(close_words));
        if !close.is_empty() {
            close.push_str(": no feed quotes this symbol");
            return close;
        }
        let traded = ticker.and_then(|it| it.quote.with(|quote| quote.as_ref()?.traded));
        let session = ticker.and_then(|it| it.session.get());
        let is_of_now = session.is_none_or(|session| session.quality != Quality::Replay);
        let age = traded
            .filter(|_| is_of_now)
            .map(|traded| dashboard.clock.now.get().saturating_sub(traded));
        let silence = match dashboard.live.connection.get() {
            State::Reconnecting { .. } | State::Stale { .. } => Some(dashboard.live.silence.get()),
            _ => None,
        };
        words_of_age(age, silence)
    };
    // These words are longer than an age and may take a second line.
    let name = move || {
        let ticker = dashboard.open_ticker();
        let close_of = ticker.is_some_and(|it| {
            it.quote
                .with(|quote| quote.as_ref().is_some_and(|quote| quote.close_of.is_some()))
        });
        if close_of { "age close" } else { "age" }
    };
    view! { <span class=drawn(name)>{drawn(age)}</span> }
}

/// The age of a price in words. `age` is how long ago its trade was, and `silence` how long nothing was received, if
/// the page is not current.
fn words_of_age(age: Option<Millis>, silence: Option<Millis>) -> String {
    match (age, silence) {
        // There may have been later trades that are not shown.
        (age, Some(silence)) => {
            format!("{} old", clock::span(silence.max(age.unwrap_or_default())))
        }
        (Some(age), None) if age >= OLD => format!("last trade {} ago", clock::span(age)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::words_of_age;

    #[test]
    fn a_price_is_as_old_as_its_trade() {
        const HOUR: u64 = 3_600_000;
        for (age, silence, words) in [
            (Some(5_000), None, ""),
            (Some(HOUR), None, "last trade 1 h ago"),
            (Some(HOUR), Some(6_000), "1 h old"),
            (Some(2_000), Some(6_000), "6 s old"),
            (None, Some(6_000), "6 s old"),
            (None, None, ""),
        ] {
            assert_eq!(words_of_age(age, silence), words);
        }
    }
}
