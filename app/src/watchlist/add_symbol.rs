use leptos::{ev, html, prelude::*};
use market::Symbol;

use crate::{
    lean::{
        reactive::{drawn, heard},
        signal::RwSignal,
    },
    watchlist::own_list::OwnList,
    widgets::combobox::{Combobox, Decision},
};

/// The button that opens a field, and the field whose symbols are added to the watchlist.
#[component]
pub(crate) fn AddSymbol() -> impl IntoView {
    let own_list = expect_context::<OwnList>();
    let button = NodeRef::<html::Button>::new();
    let field = NodeRef::<html::Div>::new();
    let input = NodeRef::<html::Input>::new();
    let open = RwSignal::new(false);
    let complaint = RwSignal::new(String::new());
    let show = move |_| {
        open.set(true);
        request_animation_frame(move || {
            if let Some(input) = input.get_untracked() {
                let _ = input.focus();
            }
        });
    };
    let hide = move || {
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
        complaint.set(String::new());
        open.set(false);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            hide();
            request_animation_frame(move || {
                if let Some(button) = button.get_untracked() {
                    let _ = button.focus();
                }
            });
        }
    };
    let on_leave = move |event: ev::FocusEvent| {
        use leptos::wasm_bindgen::JsCast;

        let to = event.related_target();
        let to = to.and_then(|to| to.dyn_into::<leptos::web_sys::Node>().ok());
        let stays = field
            .get_untracked()
            .is_some_and(|field| field.contains(to.as_ref()));
        if !stays {
            hide();
        }
    };
    let add = move |symbol: Symbol, known: bool| {
        let outcome = match known {
            true => own_list.add(symbol),
            false => Err(format!(
                "{symbol} was not added: no feed of this server quotes it."
            )),
        };
        if outcome.is_ok()
            && let Some(input) = input.get_untracked()
        {
            input.set_value("");
        }
        complaint.set(outcome.err().unwrap_or_default());
    };
    let decide = Callback::new(move |decision: Decision| {
        let symbol = match decision {
            Decision::Suggested(suggestion) if suggestion.quoted => {
                return add(suggestion.symbol, true);
            }
            Decision::Suggested(suggestion) => suggestion.symbol,
            Decision::Written(text) => match text.parse::<Symbol>() {
                Ok(symbol) => symbol,
                Err(_) => {
                    if !text.is_empty() {
                        complaint.set(format!(
                            "“{text}” is no symbol and nothing is called so: write one such as GOOG, or a part of a name."
                        ));
                    }
                    return;
                }
            },
        };
        #[cfg(target_arch = "wasm32")]
        leptos::task::spawn_local(async move {
            match crate::live::directory::is_offered(symbol).await {
                Ok(known) => add(symbol, known),
                Err(error) => complaint.set(format!(
                    "{symbol} was not added, because the server could not be asked about it ({error}): try again."
                )),
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = symbol;
    });
    view! {
        <button
            type="button"
            node_ref=button
            hidden=drawn(move || open.get())
            on:click=heard(show)
        >
            "+ Add"
        </button>
        <div
            class="add-symbol"
            node_ref=field
            hidden=drawn(move || !open.get())
            on:keydown=heard(on_key)
            on:focusout=heard(on_leave)
            on:input=heard(move |_| complaint.set(String::new()))
        >
            <p class="complaint" role="alert">
                {drawn(move || complaint.get())}
            </p>
            <Combobox
                list="additions"
                label="Add a symbol"
                placeholder="Symbol or name"
                input
                decide
            />
        </div>
    }
}
