use leptos::{ev, html, prelude::*};
use market::{Action, Basis, News, NewsType, Symbol};

use crate::{browser, clock, dashboard::Dashboard, news_list::Story};

/// The newest stories. They never move under a reader: while the list is scrolled or has the
/// focus, new ones wait behind a button.
#[component]
pub(crate) fn NewsPanel() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let list = NodeRef::<html::Div>::new();
    let heading = NodeRef::<html::H2>::new();
    let scrolled = RwSignal::new(false);
    let focused = RwSignal::new(false);
    let look = move || {
        if let Some(list) = list.get_untracked() {
            // On a narrow page it is the page that scrolls, and the list leaves by the top.
            let away = list.scroll_top() > 0 || browser::is_cut_off_at_the_top(&list);
            if scrolled.get_untracked() != away {
                scrolled.set(away);
            }
        }
    };
    Effect::new(move || {
        let handle = window_event_listener(ev::scroll, move |_| look());
        on_cleanup(move || handle.remove());
    });
    Effect::new(move || {
        let reading = scrolled.get() || focused.get();
        dashboard.reading.set(reading);
        if !reading && dashboard.waiting.get_untracked() > 0 {
            dashboard.release_news();
        }
    });
    let show = move |_| {
        dashboard.release_news();
        if let Some(list) = list.get_untracked() {
            list.set_scroll_top(0);
        }
        // The button is about to go, and the focus must not go with it.
        if let Some(heading) = heading.get_untracked() {
            let _ = heading.focus();
            heading.scroll_into_view();
        }
    };
    let waiting = move || dashboard.waiting.get();
    let empty = move || dashboard.stories.with(Vec::is_empty);
    view! {
        <section class="news" aria-label="News">
            <div class="news-head">
                <h2 node_ref=heading tabindex="-1">
                    "News"
                </h2>
                <button
                    class="waiting"
                    type="button"
                    hidden=move || waiting() == 0
                    on:click=show
                >
                    {move || format!("{} new", waiting())}
                </button>
            </div>
            <div
                class="news-list"
                node_ref=list
                on:scroll=move |_| look()
                on:focusin=move |_| focused.set(true)
                on:focusout=move |_| focused.set(false)
            >
                <For
                    each=move || dashboard.stories.get()
                    key=|story| (story.news.id.clone(), story.revision)
                    children=|story| view! { <StoryItem story /> }
                />
                <p class="empty" hidden=move || !empty()>
                    "No news yet. Stories appear here as they come."
                </p>
            </div>
        </section>
    }
}

/// One story.
#[component]
fn StoryItem(story: Story) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let news = story.news;
    let published = news.published;
    let age = move || clock::ago(published, dashboard.minute.get());
    let exact = move || clock::exact(published, dashboard.preferences.zone.get());
    let guessed = (news.basis == Basis::Inferred).then(|| {
        view! {
            <span class="guessed" title="Words in the headline suggest this type; the source gave none.">
                "guessed"
            </span>
        }
    });
    let state = match news.action {
        Action::Created => None,
        Action::Updated => Some("corrected"),
        Action::Deleted => Some("withdrawn"),
    };
    // Without an address it is text: an anchor that leads nowhere is no link.
    let url = news.url.as_ref().map(|url| url.as_str().to_owned());
    let target = url.as_ref().map(|_| "_blank");
    let rel = url.as_ref().map(|_| "noopener noreferrer nofollow");
    view! {
        <article class="story" data-action=state>
            <p class="story-kind">
                <span class="kind" data-kind=kind_group(news.kind)>
                    {kind(&news)}
                </span>
                {guessed}
                {state.map(|state| view! { <span class="story-state">{state}</span> })}
            </p>
            <h3>
                <a href=url target=target rel=rel>
                    {news.headline.clone()}
                </a>
            </h3>
            {news
                .summary
                .clone()
                .map(|summary| view! { <p class="story-summary">{summary}</p> })}
            <p class="story-foot">
                <span class="story-source">{news.source.clone()}</span>
                {news
                    .symbols
                    .iter()
                    .map(|symbol| view! { <SymbolLink symbol=*symbol /> })
                    .collect_view()}
                // Last, because it changes its width as time goes by.
                <time datetime=clock::machine_readable(published) title=exact>
                    {age}
                </time>
            </p>
        </article>
    }
}

/// A link that opens a symbol. One that this page does not know is asked of the server.
#[component]
fn SymbolLink(symbol: Symbol) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let href = move || dashboard.address_of(symbol);
    let known = move || dashboard.ticker(symbol).is_some();
    view! {
        <a
            class="story-symbol"
            href=href
            rel=move || (!known()).then_some("external")
            data-noscroll=""
        >
            {symbol.to_string()}
        </a>
    }
}

/// The type with what makes it exact, `filing 8-K`, `halt T1`.
fn kind(news: &News) -> String {
    let detail = news.form.as_ref().or(news.code.as_ref());
    match detail {
        Some(detail) => format!("{} {detail}", news.kind.label()),
        None => news.kind.label().to_owned(),
    }
}

/// What stops or starts trading is marked; everything else is news like any other.
const fn kind_group(kind: NewsType) -> Option<&'static str> {
    match kind {
        NewsType::Halt => Some("halt"),
        NewsType::Resume => Some("resume"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news_list::tests::news;

    #[test]
    fn names_the_form_and_the_code() {
        let mut story = news("a");
        assert_eq!(kind(&story), "headline");
        story.kind = NewsType::Filing;
        story.form = Some("8-K".to_owned());
        assert_eq!(kind(&story), "filing 8-K");
        story.kind = NewsType::Halt;
        story.form = None;
        story.code = Some("T1".to_owned());
        assert_eq!(kind(&story), "halt T1");
    }
}
