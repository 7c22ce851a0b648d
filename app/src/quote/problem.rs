use leptos::prelude::*;
use market::{FeedStatus, Symbol};

use crate::{
    lean::reactive::drawn,
    state::{dashboard::Dashboard, page_data::Problem},
    top_bar::bar::trouble,
};

/// A problem of the address: what is wrong, what to do, and links to suggested symbols.
#[component]
pub(crate) fn ProblemNotice(
    /// The problem, if there is one.
    problem: Signal<Option<Problem>>,
    /// The server's suggestions for the address that it drew the page for.
    suggestions: Vec<Symbol>,
) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let text = move |read: fn(Problem) -> String| problem.get().map(read);
    let detail = move || {
        let detail = text(|problem| problem.detail)?;
        (!detail.is_empty()).then(|| sentence(&detail))
    };
    let without = move || {
        problem.with(|problem| {
            problem
                .as_ref()
                .is_none_or(|problem| problem.suggestions.is_empty())
        })
    };
    let links = suggestions.into_iter().map(move |symbol| {
        let href = move || dashboard.address_of(symbol);
        // The server renders these pages, because this page may know only its own watchlist.
        view! {
            <li>
                <a href=drawn(href) rel="external">
                    {symbol.to_string()}
                </a>
            </li>
        }
    });
    view! {
        <section class="problem" aria-label="Problem" hidden=drawn(move || problem.get().is_none())>
            <h1>{drawn(move || text(|problem| problem.title))}</h1>
            <p hidden=drawn(move || detail().is_none())>{drawn(detail)}</p>
            <ul class="suggestions" hidden=drawn(without)>
                {links.collect_view()}
            </ul>
        </section>
    }
}

/// A detail as a sentence. Details of errors have neither a capital letter nor a full stop.
fn sentence(detail: &str) -> String {
    let mut sentence = detail.to_owned();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !detail.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// The problem before the first symbol is known: the reasons that feeds report, and what happens next.
pub(crate) fn nothing_yet(feeds: &[FeedStatus]) -> Problem {
    let mut detail = String::new();
    for feed in feeds {
        if let Some(trouble) = trouble(feed) {
            let reason = feed.detail.as_ref();
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            detail += &sentence(&(trouble + &reason));
            detail.push(' ');
        }
    }
    detail += "Prices appear here as soon as a feed delivers them.";
    Problem {
        status: 200,
        title: "No prices yet".to_owned(),
        detail,
        suggestions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use market::FeedState;

    use super::*;

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence("unknown symbol GOOGX"), "Unknown symbol GOOGX.");
        assert_eq!(
            sentence("Did you mean one of these?"),
            "Did you mean one of these?"
        );
    }

    #[test]
    fn explains_why_there_is_nothing() {
        let detail = |state, detail: Option<&str>| {
            let feed = FeedStatus {
                name: "Replay".to_owned(),
                state,
                detail: detail.map(str::to_owned),
            };
            nothing_yet(&[feed]).detail
        };
        let waits = "Prices appear here as soon as a feed delivers them.";
        assert_eq!(detail(FeedState::Connecting, None), waits);
        assert_eq!(
            detail(FeedState::Failed, Some("no such file")),
            format!("Replay failed: no such file. {waits}")
        );
    }
}
