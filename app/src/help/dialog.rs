use leptos::{ev, html, prelude::*};

use crate::{
    browser::elements,
    help::keys::{self, KEYS, Where},
    lean::{
        reactive::{drawn, handler},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
};

/// The button of the help, and its dialog: all keys, and a switch for single-key shortcuts.
#[component]
pub(crate) fn Help() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let dialog = NodeRef::<html::Dialog>::new();
    let off = NodeRef::<html::Input>::new();
    // Only keys that an element of the page has are listed. This is checked when the help opens.
    let answered = RwSignal::new([true; KEYS.len()]);
    let open = move |_| {
        answered.set(KEYS.map(|key| elements::answers(key.names[0])));
        if let Some(off) = off.get_untracked() {
            off.set_checked(!keys::are_off(dashboard));
        }
        if let Some(dialog) = dialog.get_untracked() {
            // This fails only if the dialog is already open.
            let _ = dialog.show_modal();
        }
    };
    view! {
        <button
            class="bar-button"
            type="button"
            aria-label="Help"
            aria-haspopup="dialog"
            aria-keyshortcuts="?"
            title="Help: keyboard shortcuts"
            on:click=handler(open)
        >
            <span aria-hidden="true">"?"</span>
        </button>
        <dialog class="help" aria-labelledby="help-title" node_ref=dialog>
            <h2 id="help-title">"Keyboard shortcuts"</h2>
            {key_list(Where::Anywhere, answered)}
            <h3>"In the chart"</h3>
            {key_list(Where::Chart, answered)}
            <h3>"In the watchlist"</h3>
            {key_list(Where::Watchlist, answered)}
            <label>
                <input
                    type="checkbox"
                    checked
                    node_ref=off
                    on:change=handler(move |event: ev::Event| {
                        keys::set_enabled(dashboard, event_target_checked(&event));
                    })
                />
                "Enable single-key shortcuts"
            </label>
            <button
                type="button"
                on:click=handler(move |_| {
                    if let Some(dialog) = dialog.get_untracked() {
                        dialog.close();
                    }
                })
            >
                "Close"
            </button>
        </dialog>
    }
}

/// The keys of one part of the page that an element has.
fn key_list(at: Where, answered: RwSignal<[bool; KEYS.len()]>) -> impl IntoView {
    let keys = KEYS.iter().enumerate().filter(move |(_, key)| key.at == at);
    let rows = keys.map(|(index, key)| {
        view! {
            <div hidden=drawn(move || !answered.with(|answered| answered[index]))>
                <dt>
                    <kbd>{key.written}</kbd>
                </dt>
                <dd>{key.does}</dd>
            </div>
        }
    });
    view! { <dl>{rows.collect_view()}</dl> }
}
