use leptos::{ev, html, prelude::*};

use crate::{
    lean::{
        reactive::{drawn, handler},
        signal::{RwSignal, StoredValue},
    },
    widgets::suggestion::Suggestion,
};

/// The maximum number of suggestions.
pub(crate) const SUGGESTIONS: usize = 8;

/// What the person chose.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// One of the suggestions.
    Suggested(Suggestion),
    /// The text in the field, if there is no suggestion.
    Written(String),
}

/// A step through the suggestions, from none to the first or the last, and around at the ends.
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

/// The field of a [`Combobox`], and its suggestions.
#[derive(Debug, Clone, Copy)]
struct Field {
    input: NodeRef<html::Input>,
    decide: Callback<Decision>,
    found: RwSignal<Vec<Suggestion>>,
    /// The suggestion that is selected by the arrow keys.
    active: RwSignal<Option<usize>>,
    /// The number of the last request. Answers may arrive out of order, and only the last one counts.
    asked: StoredValue<u32>,
}

impl Field {
    fn new(input: NodeRef<html::Input>, decide: Callback<Decision>) -> Self {
        Field {
            input,
            decide,
            found: RwSignal::new(Vec::new()),
            active: RwSignal::new(None),
            asked: StoredValue::new(0),
        }
    }

    /// Closes the suggestions.
    fn close(self) {
        self.asked.update_value(|asked| *asked += 1);
        if !self.found.with_untracked(Vec::is_empty) {
            self.found.set(Vec::new());
        }
        self.active.set(None);
    }

    fn take(self, decision: Decision) {
        self.close();
        self.decide.run(decision);
    }

    /// Requests suggestions for a text.
    fn ask(self, text: String) {
        let question = self.asked.get_value();
        #[cfg(target_arch = "wasm32")]
        leptos::task::spawn_local(async move {
            let answer = crate::live::directory::suggestions(&text, SUGGESTIONS).await;
            if self.asked.try_get_value() == Some(question) {
                self.found.set(answer.unwrap_or_default());
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (question, text);
    }

    /// The text in the field.
    fn written(self) -> String {
        let text = self.input.get_untracked().map(|input| input.value());
        text.unwrap_or_default().trim().to_owned()
    }

    fn on_input(self) {
        let text = self.written();
        self.asked.update_value(|asked| *asked += 1);
        self.active.set(None);
        if text.is_empty() {
            self.close();
        } else {
            self.ask(text);
        }
    }

    /// The suggestion at an index, as a decision.
    fn at(self, index: usize) -> Option<Decision> {
        let suggestion = self.found.with_untracked(|found| found.get(index).cloned());
        suggestion.map(Decision::Suggested)
    }

    fn submit(self, event: &ev::SubmitEvent) {
        event.prevent_default();
        let suggested = self.at(self.active.get_untracked().unwrap_or(0));
        self.take(suggested.unwrap_or_else(|| Decision::Written(self.written())));
    }

    fn on_key(self, event: &ev::KeyboardEvent) {
        let open = !self.found.with_untracked(Vec::is_empty);
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "Escape" if open => {
                // Escape closes only the suggestions, and nothing around them.
                event.stop_propagation();
                return self.close();
            }
            _ => return,
        };
        event.prevent_default();
        let count = self.found.with_untracked(Vec::len);
        self.active
            .update(|active| *active = step(*active, by, count));
    }

    /// The option at an index of the list.
    fn option(self, list: &'static str, index: usize) -> impl IntoView {
        let Field { found, active, .. } = self;
        let read = move |read: fn(&Suggestion) -> String| {
            drawn(move || found.with(|found| found.get(index).map(read)))
        };
        let is_active = move || active.get() == Some(index);
        view! {
            <li
                id=format!("{list}-{index}")
                role="option"
                aria-selected=drawn(move || if is_active() { "true" } else { "false" })
                hidden=drawn(move || found.with(|found| found.len() <= index))
                // The field keeps the focus.
                on:mousedown=handler(|event: ev::MouseEvent| event.prevent_default())
                on:click=handler(move |_| {
                    if let Some(decision) = self.at(index) {
                        self.take(decision);
                    }
                })
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
    }
}

/// A field for a symbol or a name, with suggestions: the editable combobox with a list of the [ARIA
/// practices](https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). Without a script it is a form that opens the symbol.
#[component]
pub(crate) fn Combobox(
    /// The id of the list; its options add their number.
    list: &'static str,
    /// The name of the field.
    label: &'static str,
    /// The placeholder of the field.
    placeholder: &'static str,
    /// The key that focuses it.
    #[prop(optional)]
    key: Option<&'static str>,
    /// The role of the form, where it has one.
    #[prop(optional)]
    role: Option<&'static str>,
    /// The field.
    input: NodeRef<html::Input>,
    /// Called with what the person chose.
    decide: Callback<Decision>,
) -> impl IntoView {
    let field = Field::new(input, decide);
    let Field { found, active, .. } = field;
    let empty = move || found.with(Vec::is_empty);
    // The number of options is fixed: the browser then needs no code to build options.
    let options = (0..SUGGESTIONS).map(|index| field.option(list, index));
    view! {
        <form
            class="combobox"
            role=role
            action="/stocks"
            on:submit=handler(move |event| field.submit(&event))
        >
            <input
                type="text"
                enterkeyhint="search"
                name="symbols"
                role="combobox"
                aria-label=label
                aria-autocomplete="list"
                aria-expanded=drawn(move || if empty() { "false" } else { "true" })
                aria-controls=list
                aria-activedescendant=drawn(move || active.get().map(|at| format!("{list}-{at}")))
                aria-keyshortcuts=key
                placeholder=placeholder
                autocomplete="off"
                autocapitalize="characters"
                spellcheck="false"
                maxlength="64"
                node_ref=input
                on:input=handler(move |_| field.on_input())
                on:keydown=handler(move |event| field.on_key(&event))
                on:blur=handler(move |_| field.close())
            />
            <ul id=list role="listbox" aria-label="Suggestions" hidden=drawn(empty)>
                {options.collect_view()}
            </ul>
        </form>
    }
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
