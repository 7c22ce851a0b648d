use leptos::prelude::*;
use market::Symbol;

use crate::{address, dashboard::Dashboard, page_data::Problem};

/// What is wrong with the address, what to do, and where to go from here.
#[component]
pub(crate) fn ProblemNotice(
    /// What is wrong.
    problem: Problem,
) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let suggestions = problem.suggestions;
    let list = (!suggestions.is_empty()).then(move || {
        let links = suggestions.into_iter().map(move |symbol| {
            let href = dashboard
                .chosen
                .with_value(|chosen| address::of_symbol(symbol, chosen.as_deref()));
            // The server is asked, because this page may know only its own watchlist.
            view! {
                <li>
                    <a href=href rel="external">
                        {symbol.to_string()}
                    </a>
                </li>
            }
        });
        view! { <ul class="suggestions">{links.collect_view()}</ul> }
    });
    view! {
        <section class="problem" aria-label="Problem">
            <h1>{problem.title}</h1>
            <p>{sentence(&problem.detail)}</p>
            {list}
        </section>
    }
}

/// A detail as a sentence: it comes as an error's, without a capital letter and a full stop.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let stop = if detail.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    first.chain(letters).chain(stop.chars()).collect()
}

/// What is said where somebody comes back, within the page, to a symbol that is not known any more.
pub(crate) fn unknown_symbol(symbol: Symbol) -> Problem {
    Problem {
        status: 404,
        title: format!("{symbol} is not known here"),
        detail: "Choose a symbol from the watchlist.".to_owned(),
        suggestions: Vec::new(),
    }
}

/// What is said before the first symbol is known.
pub(crate) fn nothing_yet() -> Problem {
    Problem {
        status: 200,
        title: "No prices yet".to_owned(),
        detail: "The page fills by itself when the first feed speaks.".to_owned(),
        suggestions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(
            sentence("no feed speaks of GOOGX"),
            "No feed speaks of GOOGX."
        );
        assert_eq!(
            sentence("Did you mean one of these?"),
            "Did you mean one of these?"
        );
    }
}
