use leptos::{ev, prelude::*};
use market::NewsType;

use crate::{
    lean::reactive::{drawn, handler},
    news::{
        filter::{About, NewsFilter, kind_of, word_of},
        reader::NewsReader,
    },
    state::{address, dashboard::Dashboard},
};

/// The form of the filter. Without a script the server answers it.
#[component]
pub(crate) fn NewsFilterForm() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let news = dashboard.news;
    let filter = news.filter;
    let on_words = move |event| {
        let words = event_target_value(&event);
        news.choose(|filter| filter.words = words);
    };
    // Without a script the browser sends the form, and a hidden field keeps the watchlist in the address.
    let symbols = move || {
        dashboard
            .market
            .chosen
            .with(|chosen| address::list(chosen.as_deref()?))
    };
    view! {
        <form
            class="news-filter"
            aria-label="Filter the news"
            on:submit=handler(|event: ev::SubmitEvent| event.prevent_default())
        >
            {kind_select(news)}
            {about_select(dashboard)}
            <input
                type="search"
                name="q"
                aria-label="Search headlines"
                placeholder="Search headlines"
                autocomplete="off"
                maxlength="100"
                value=filter.with_untracked(|filter| filter.words.clone())
                prop:value=drawn(move || filter.with(|filter| filter.words.clone()))
                on:input=handler(on_words)
            />
            <input type="hidden" name="symbols" disabled=drawn(move || symbols().is_none()) value=drawn(symbols) />
            <button class="news-submit" type="submit">
                "Show"
            </button>
            {outcome(news)}
        </form>
    }
}

/// The choice of a type.
fn kind_select(news: NewsReader) -> impl IntoView {
    let kind = move || news.filter.with(|filter| filter.kind);
    let kinds = NewsType::ALL.map(|of| {
        view! {
            <option value=word_of(of) selected=drawn(move || kind() == Some(of))>
                {of.label()}
            </option>
        }
    });
    let on_kind =
        move |event| news.choose(|filter| filter.kind = kind_of(&event_target_value(&event)));
    view! {
        <select
            name="type"
            aria-label="Type of news"
            prop:value=drawn(move || kind().map(word_of).unwrap_or_default())
            on:change=handler(on_kind)
        >
            <option value="">"All types"</option>
            {kinds}
        </select>
    }
}

/// The choice of symbols.
fn about_select(dashboard: Dashboard) -> impl IntoView {
    let news = dashboard.news;
    let about = move || news.filter.with(|filter| filter.about);
    let followed = move || dashboard.market.chosen.with(Option::is_some);
    let of_open = move || match dashboard.market.open.get() {
        Some(symbol) => format!("{symbol} only"),
        None => "open symbol".to_owned(),
    };
    let on_about = move |event| {
        let about = About::of_word(&event_target_value(&event));
        news.choose(|filter| filter.about = about.unwrap_or_default());
    };
    view! {
        <select
            name="of"
            aria-label="Symbols of news"
            prop:value=drawn(move || about().word())
            on:change=handler(on_about)
        >
            <option value="">
                {drawn(move || if followed() { "Watchlist" } else { "All symbols" })}
            </option>
            <option value=About::Open.word() selected=drawn(move || about() == About::Open)>
                {drawn(of_open)}
            </option>
            <option
                value=About::All.word()
                selected=drawn(move || about() == About::All)
                hidden=drawn(move || !followed())
            >
                "All symbols"
            </option>
        </select>
    }
}

/// How many stories pass the filter, or what is wrong with it; and a button that clears it.
fn outcome(news: NewsReader) -> impl IntoView {
    let filter = news.filter;
    let outcome = move || {
        if let Some(mistake) = filter.with(|filter| filter.mistake.clone()) {
            return Some(mistake + ", so all are shown");
        }
        let shown = news.stories.with(Vec::len);
        filter
            .with(|filter| !filter.is_open())
            .then(|| format!("{shown} of {} stories", news.known.get()))
    };
    view! {
        <p class="news-outcome" hidden=drawn(move || outcome().is_none())>
            <span>{drawn(outcome)}</span>
            <button
                type="button"
                on:click=handler(move |_| news.choose(|filter| *filter = NewsFilter::default()))
            >
                "Clear"
            </button>
        </p>
    }
}
