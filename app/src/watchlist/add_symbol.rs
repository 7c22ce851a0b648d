use leptos::{ev, html, prelude::*};
use market::Symbol;

use crate::{
    lean::{
        reactive::{drawn, handler},
        signal::RwSignal,
    },
    watchlist::own_list::OwnList,
    widgets::combobox::{Combobox, Decision},
};

/// The field whose symbols are added to the watchlist.
#[derive(Clone, Copy)]
struct Addition {
    own_list: OwnList,
    button: NodeRef<html::Button>,
    field: NodeRef<html::Div>,
    input: NodeRef<html::Input>,
    open: RwSignal<bool>,
    /// Why a symbol was not added.
    complaint: RwSignal<String>,
}

impl Addition {
    fn show(self) {
        self.open.set(true);
        request_animation_frame(move || {
            if let Some(input) = self.input.get_untracked() {
                let _ = input.focus();
            }
        });
    }

    fn hide(self) {
        if let Some(input) = self.input.get_untracked() {
            input.set_value("");
        }
        self.complaint.set(String::new());
        self.open.set(false);
    }

    fn on_key(self, event: &ev::KeyboardEvent) {
        if event.key() == "Escape" {
            self.hide();
            request_animation_frame(move || {
                if let Some(button) = self.button.get_untracked() {
                    let _ = button.focus();
                }
            });
        }
    }

    /// Hides the field when the focus leaves it.
    fn on_leave(self, event: &ev::FocusEvent) {
        use leptos::wasm_bindgen::JsCast;

        let to = event.related_target();
        let to = to.and_then(|to| to.dyn_into::<leptos::web_sys::Node>().ok());
        let stays = self
            .field
            .get_untracked()
            .is_some_and(|field| field.contains(to.as_ref()));
        if !stays {
            self.hide();
        }
    }

    fn add(self, symbol: Symbol, known: bool) {
        let outcome = match known {
            true => self.own_list.add(symbol),
            false => Err(format!(
                "{symbol} was not added: no feed of this server quotes it."
            )),
        };
        if outcome.is_ok()
            && let Some(input) = self.input.get_untracked()
        {
            input.set_value("");
        }
        self.complaint.set(outcome.err().unwrap_or_default());
    }

    /// Adds the chosen symbol, once the server has confirmed that it can be followed.
    fn decide(self, decision: Decision) {
        let symbol = match decision {
            Decision::Suggested(suggestion) if suggestion.quoted => {
                return self.add(suggestion.symbol, true);
            }
            Decision::Suggested(suggestion) => suggestion.symbol,
            Decision::Written(text) => match text.parse::<Symbol>() {
                Ok(symbol) => symbol,
                Err(_) => {
                    if !text.is_empty() {
                        self.complaint.set(format!(
                            "“{text}” matches no symbol and no name. Enter a symbol, e.g. GOOG, or part of a name."
                        ));
                    }
                    return;
                }
            },
        };
        #[cfg(target_arch = "wasm32")]
        leptos::task::spawn_local(async move {
            match crate::live::directory::is_offered(symbol).await {
                Ok(known) => self.add(symbol, known),
                Err(error) => self.complaint.set(format!(
                    "{symbol} was not added, because the server could not be asked about it ({error}): try again."
                )),
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        let _ = symbol;
    }
}

/// The button that opens the field, and the field.
#[component]
pub(crate) fn AddSymbol() -> impl IntoView {
    let addition = Addition {
        own_list: expect_context::<OwnList>(),
        button: NodeRef::new(),
        field: NodeRef::new(),
        input: NodeRef::new(),
        open: RwSignal::new(false),
        complaint: RwSignal::new(String::new()),
    };
    let Addition {
        button,
        field,
        input,
        open,
        complaint,
        ..
    } = addition;
    view! {
        <button
            type="button"
            node_ref=button
            hidden=drawn(move || open.get())
            on:click=handler(move |_| addition.show())
        >
            "+ Add"
        </button>
        <div
            class="add-symbol"
            node_ref=field
            hidden=drawn(move || !open.get())
            on:keydown=handler(move |event| addition.on_key(&event))
            on:focusout=handler(move |event| addition.on_leave(&event))
            on:input=handler(move |_| complaint.set(String::new()))
        >
            <p class="complaint" role="alert">
                {drawn(move || complaint.get())}
            </p>
            <Combobox
                list="additions"
                label="Add a symbol"
                placeholder="Symbol or name"
                input
                decide=Callback::new(move |decision| addition.decide(decision))
            />
        </div>
    }
}
