use leptos::prelude::*;

use crate::{
    lean::reactive::{drawn, handler},
    news::{filter::NewsFilter, loader, reader::Older},
    state::dashboard::Dashboard,
};

/// The end of the list: a message if the list is empty, and the button that loads older stories.
#[component]
pub(crate) fn OlderNews() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let news = dashboard.news;
    let empty = move || dashboard.news.stories.with(Vec::is_empty);
    let filtered = move || news.filter.with(|filter| !filter.is_open());
    let coming = move || news.older.with(|older| *older == Older::Coming);
    let nothing = move || match (filtered(), coming()) {
        (true, true) => "Loading matching stories…",
        (true, false) => "No stories match these filters.",
        (false, _) => "No news yet. Stories appear here as they come.",
    };
    let outcome = move || {
        news.older.with(|older| match older {
            Older::Unasked => None,
            Older::Coming => Some("Loading older stories…".to_owned()),
            Older::Failed(error) => Some(format!("Older stories could not be loaded: {error}.")),
            Older::Over => Some("There are no older stories.".to_owned()),
        })
    };
    let label = move || {
        news.older.with(|older| match older {
            Older::Failed(_) => "Try again",
            _ => "Older stories",
        })
    };
    let over = move || news.older.with(|older| *older == Older::Over);
    view! {
        <div class="empty" hidden=drawn(move || !empty())>
            <p>{drawn(nothing)}</p>
            <button
                type="button"
                hidden=drawn(move || !filtered())
                on:click=handler(move |_| news.choose(|filter| *filter = NewsFilter::default()))
            >
                "Show all news"
            </button>
        </div>
        <div class="older">
            <p hidden=drawn(move || outcome().is_none()) aria-live="polite">
                {drawn(outcome)}
            </p>
            // The button stays, so that it keeps the focus.
            <button
                type="button"
                aria-disabled=drawn(move || if coming() || over() { "true" } else { "false" })
                on:click=handler(move |_| {
                    if !over() {
                        loader::load_older(dashboard);
                    }
                })
            >
                {drawn(label)}
            </button>
        </div>
    }
}
