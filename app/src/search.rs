use leptos::{ev, html, prelude::*};
use market::Symbol;
use serde::Deserialize;

use crate::{dashboard::Dashboard, navigation::Navigation};

/// How many suggestions there are at the most.
const SUGGESTIONS: usize = 8;

/// The id of the list of suggestions; those in it add their number.
const LIST: &str = "suggestions";

/// A symbol that fits what was written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Suggestion {
    /// What can be opened.
    symbol: Symbol,
    /// Its name as people say it.
    name: String,
    /// Whether a feed speaks of it.
    quoted: bool,
}

/// A step among the suggestions: from none to the first or the last, and round at the ends.
fn step(active: Option<usize>, by: isize, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    Some(match active {
        None if by < 0 => last,
        None => 0,
        Some(at) => at
            .checked_add_signed(by)
            .map_or(last, |to| if to > last { 0 } else { to }),
    })
}

/// Finds a symbol by itself or by its name, with suggestions while one types: the editable combobox
/// with a list of the [ARIA practices](https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). Without a
/// script it is a form that opens the symbol.
#[component]
pub(crate) fn Search(navigation: Navigation) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let input = NodeRef::<html::Input>::new();
    let found = RwSignal::new(Vec::<Suggestion>::new());
    let active = RwSignal::new(None::<usize>);
    // Answers may overtake one another: only the one to the last question counts.
    let asked = StoredValue::new(0_u32);
    let close = move || {
        asked.update_value(|asked| *asked += 1);
        if !found.with_untracked(Vec::is_empty) {
            found.set(Vec::new());
        }
        active.set(None);
    };
    let open = move |symbol: Symbol| {
        close();
        if let Some(input) = input.get_untracked() {
            input.set_value("");
            let _ = input.blur();
        }
        let address = untrack(|| dashboard.address_of(symbol));
        let known = dashboard
            .tickers
            .with_untracked(|tickers| tickers.contains_key(&symbol));
        if known {
            navigation.open(&address);
        } else {
            // This page follows others only; the server knows what there is to say.
            let _ = window().location().assign(&address);
        }
    };
    let ask = move |text: String| {
        let question = asked.get_value();
        #[cfg(target_arch = "wasm32")]
        leptos::task::spawn_local(async move {
            let answer = crate::live::suggestions(&text, SUGGESTIONS).await;
            if asked.try_get_value() == Some(question) {
                found.set(answer);
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (question, text);
    };
    let type_on = move |_| {
        let text = input.get_untracked().map(|input| input.value());
        let text = text.unwrap_or_default().trim().to_owned();
        asked.update_value(|asked| *asked += 1);
        active.set(None);
        if text.is_empty() {
            close();
        } else {
            ask(text);
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let chosen = found.with_untracked(|found| {
            let at = active.get_untracked().unwrap_or(0);
            found.get(at).map(|suggestion| suggestion.symbol)
        });
        let written = || input.get_untracked()?.value().trim().parse().ok();
        if let Some(symbol) = chosen.or_else(written) {
            open(symbol);
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "Escape" => return close(),
            _ => return,
        };
        event.prevent_default();
        let count = found.with_untracked(Vec::len);
        active.update(|active| *active = step(*active, by, count));
    };
    focus_with_slash(input);
    let empty = move || found.with(Vec::is_empty);
    // There are always as many: what is never built anew in the browser brings no code for it.
    let options = (0..SUGGESTIONS).map(|at| {
        let read = move |read: fn(&Suggestion) -> String| {
            move || found.with(|found| found.get(at).map(read))
        };
        let is_active = move || active.get() == Some(at);
        view! {
            <li
                id=format!("{LIST}-{at}")
                role="option"
                aria-selected=move || if is_active() { "true" } else { "false" }
                hidden=move || found.with(|found| found.len() <= at)
                // The field keeps the focus.
                on:mousedown=|event| event.prevent_default()
                on:click=move |_| {
                    let symbol = found
                        .with_untracked(|found| found.get(at).map(|suggestion| suggestion.symbol));
                    if let Some(symbol) = symbol {
                        open(symbol);
                    }
                }
            >
                <span class="row-symbol">{read(|suggestion| suggestion.symbol.to_string())}</span>
                " "
                <span class="row-name">{read(|suggestion| suggestion.name.clone())}</span>
                " "
                <span class="unquoted">
                    {read(|suggestion| {
                        if suggestion.quoted { String::new() } else { "not quoted here".to_owned() }
                    })}
                </span>
            </li>
        }
    });
    view! {
        <form class="search" role="search" action="/stocks" on:submit=submit>
            <input
                type="text"
                enterkeyhint="search"
                name="symbols"
                role="combobox"
                aria-label="Search symbols"
                aria-autocomplete="list"
                aria-expanded=move || if empty() { "false" } else { "true" }
                aria-controls=LIST
                aria-activedescendant=move || active.get().map(|at| format!("{LIST}-{at}"))
                aria-keyshortcuts="/"
                placeholder="Search /"
                autocomplete="off"
                autocapitalize="characters"
                spellcheck="false"
                maxlength="64"
                node_ref=input
                on:input=type_on
                on:keydown=on_key
                on:blur=move |_| close()
            />
            <ul id=LIST role="listbox" aria-label="Suggestions" hidden=empty>
                {options.collect_view()}
            </ul>
        </form>
    }
}

/// `/` goes to the field, unless something is written elsewhere.
fn focus_with_slash(input: NodeRef<html::Input>) {
    Effect::new(move || {
        let handle = window_event_listener(ev::keydown, move |event| {
            let is_plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if event.key() == "/"
                && is_plain
                && !crate::page::is_writing()
                && let Some(input) = input.get_untracked()
            {
                event.prevent_default();
                let _ = input.focus();
                input.select();
            }
        });
        on_cleanup(move || handle.remove());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_go_round() {
        assert_eq!(step(None, 1, 3), Some(0));
        assert_eq!(step(None, -1, 3), Some(2));
        assert_eq!(step(Some(0), 1, 3), Some(1));
        assert_eq!(step(Some(2), 1, 3), Some(0));
        assert_eq!(step(Some(0), -1, 3), Some(2));
        assert_eq!(step(None, 1, 0), None);
    }
}
