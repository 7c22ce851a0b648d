use leptos::{ev, html, prelude::*};

use crate::{
    browser::elements,
    lean::{
        reactive::{drawn, effect, handler},
        signal::RwSignal,
    },
    news::{
        filter_form::NewsFilterForm, list::NewsList, loader, older::OlderNews, story::StoryItem,
    },
    state::dashboard::Dashboard,
};

/// The id of the heading, which a key focuses.
pub(crate) const HEADING: &str = "news";

/// The newest stories. They do not move while they are read: while the list is scrolled or focused, or the pointer is
/// on it, new stories wait behind a button.
#[component]
pub(crate) fn NewsPanel() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let list = NodeRef::<html::Div>::new();
    let scrolled = RwSignal::new(false);
    let focused = RwSignal::new(false);
    let hovered = RwSignal::new(false);
    let look = move || {
        if let Some(list) = list.get_untracked() {
            // On a narrow page the page itself scrolls, and the list leaves the screen at the top.
            let away = list.scroll_top() > 0 || elements::is_cut_off_at_the_top(&list);
            if scrolled.get_untracked() != away {
                scrolled.set(away);
            }
        }
    };
    effect(move || {
        let handle = window_event_listener(ev::scroll, move |_| look());
        on_cleanup(move || handle.remove());
    });
    effect(move || {
        let reading = scrolled.get() || focused.get() || hovered.get();
        dashboard.news.reading.set(reading);
        if !reading && dashboard.news.waiting.get_untracked() > 0 {
            dashboard.with_news(NewsList::release);
        }
    });
    loader::follow_choice(dashboard);
    view! {
        <section
            class="news"
            aria-label="News"
            on:pointerenter=handler(move |_| hovered.set(true))
            on:pointerleave=handler(move |_| hovered.set(false))
        >
            {head(dashboard, list)}
            <NewsFilterForm />
            <div
                class="news-list"
                node_ref=list
                on:scroll=handler(move |_| look())
                on:focusin=handler(move |_| focused.set(true))
                on:focusout=handler(move |_| focused.set(false))
            >
                <For
                    each=move || dashboard.news.stories.get()
                    key=|story| (story.news.id.clone(), story.revision)
                    children=|story| view! { <StoryItem story /> }
                />
                <OlderNews />
            </div>
        </section>
    }
}

/// The heading, and the button that shows the stories that wait.
fn head(dashboard: Dashboard, list: NodeRef<html::Div>) -> impl IntoView {
    let show = move |_| {
        dashboard.with_news(NewsList::release);
        if let Some(list) = list.get_untracked() {
            list.set_scroll_top(0);
        }
        // The button is about to be hidden, so the focus moves to the heading.
        elements::focus_by_id(HEADING);
    };
    let waiting = move || dashboard.news.waiting.get();
    view! {
        <div class="news-head">
            <h2 id=HEADING tabindex="-1" aria-keyshortcuts="n">
                "News"
            </h2>
            <button
                class="waiting"
                type="button"
                hidden=drawn(move || waiting() == 0)
                on:click=handler(show)
            >
                {drawn(move || format!("{} new", waiting()))}
            </button>
        </div>
    }
}
