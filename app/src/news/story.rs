use std::fmt::Write as _;

use leptos::prelude::*;
use market::{Action, Basis, Millis, News, NewsType, Symbol};

use crate::{
    browser::elements,
    format::clock,
    lean::reactive::drawn,
    news::{filter::NewsFilter, list::Story},
    state::dashboard::Dashboard,
};

/// One story.
#[component]
pub(crate) fn StoryItem(story: Story) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let Story { news, changed, .. } = story;
    let published = news.published;
    let age = move || clock::ago(published, dashboard.clock.minute.get());
    let exact = move || clock::exact(published, dashboard.person.preferences.zone.get());
    // Without an address the headline is not a link: an anchor without `href`.
    let url = news.url.as_ref().map(|url| url.as_str().to_owned());
    let target = url.as_ref().map(|_| "_blank");
    let rel = url.as_ref().map(|_| "noopener noreferrer nofollow");
    view! {
        <article class="story" id=element_id(&news.id) data-action=state_name(&news)>
            {story_kind(dashboard, &news, changed)}
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
                // Last, because its width changes over time. The style sheet shows the exact time on hover and focus.
                <time datetime=clock::machine_readable(published) data-exact=drawn(exact)>
                    {drawn(age)}
                </time>
            </p>
        </article>
    }
}

/// The type of a story, whether the type is guessed, and whether the story was corrected or withdrawn.
fn story_kind(dashboard: Dashboard, news: &News, changed: Option<Millis>) -> impl IntoView + use<> {
    let guessed = (news.basis == Basis::Inferred).then(|| {
        view! {
            <span class="guessed" title="Words in the headline suggest this type; the source gave none.">
                "guessed"
            </span>
        }
    });
    let state = state_name(news).map(|state| match changed {
        Some(time) => {
            let zone = dashboard.person.preferences.zone.get_untracked();
            format!("{state} at {}", clock::time_of_day(time, zone))
        }
        None => state.to_owned(),
    });
    view! {
        <p class="story-kind">
            <span class="kind" data-kind=kind_group(news.kind)>
                {kind(news)}
            </span>
            {guessed}
            {state.map(|state| view! { <span class="story-state">{state}</span> })}
        </p>
    }
}

/// Whether a story was corrected or withdrawn, as a word.
const fn state_name(news: &News) -> Option<&'static str> {
    match news.action {
        Action::Created => None,
        Action::Updated => Some("corrected"),
        Action::Deleted => Some("withdrawn"),
    }
}

/// A link that opens a symbol. The server renders the page of a symbol that this page does not know.
#[component]
fn SymbolLink(symbol: Symbol) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let href = move || dashboard.address_of(symbol);
    let known = move || dashboard.ticker(symbol).is_some();
    view! {
        <a
            class="story-symbol"
            href=drawn(href)
            rel=drawn(move || (!known()).then_some("external"))
            data-noscroll=""
        >
            {symbol.to_string()}
        </a>
    }
}

/// Removes stories from the drawn page that its data does not have.
#[cfg(target_arch = "wasm32")]
pub(crate) fn keep_drawn(data: &crate::state::page_data::PageData) {
    let Ok(drawn) = document().query_selector_all(".story") else {
        return;
    };
    let known: Vec<String> = data.stories().map(|news| element_id(&news.id)).collect();
    for at in 0..drawn.length() {
        use wasm_bindgen::JsCast;
        let story = drawn
            .item(at)
            .and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        if let Some(story) = story.filter(|story| !known.contains(&story.id())) {
            story.remove();
        }
    }
}

/// Shows a story and focuses it, even if it waits or the filter hides it. Returns whether it is known.
pub(crate) fn show_story(dashboard: Dashboard, id: &str) -> bool {
    let known = dashboard.with_news(|news| {
        let story = news.find(id)?;
        news.release();
        Some(news.lens().passes(&story))
    });
    let Some(passes) = known.flatten() else {
        return false;
    };
    if !passes {
        dashboard
            .news
            .choose(|filter| *filter = NewsFilter::default());
    }
    let id = element_id(id);
    // Once it is drawn.
    request_animation_frame(move || {
        elements::focus_by_id(&id);
    });
    true
}

/// The id of a story's element. Characters other than letters, digits, `-`, `.` and `_` are written as bytes in
/// hexadecimal.
pub(crate) fn element_id(id: &str) -> String {
    let mut element = "story-".to_owned();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            element.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(element, ":{byte:02x}");
        }
    }
    element
}

/// The type with its form or code, `filing 8-K`, `halt T1`.
fn kind(news: &News) -> String {
    let detail = news.form.as_ref().or(news.code.as_ref());
    match detail {
        Some(detail) => format!("{} {detail}", news.kind.label()),
        None => news.kind.label().to_owned(),
    }
}

/// The style of a type: only halts and resumptions have one.
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
    use crate::news::list::tests::news;

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

    #[test]
    fn each_story_has_an_element_of_its_own() {
        assert_eq!(element_id("sec:0001-26"), "story-sec:3a0001-26");
        assert_eq!(element_id("a b"), "story-a:20b");
        assert_ne!(element_id("a b"), element_id("a:20b"));
    }
}
