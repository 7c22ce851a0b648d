use leptos::{ev, html, prelude::*};

use crate::{
    browser::elements,
    help::keys::{KEYS, Where},
    lean::{
        reactive::{drawn, heard},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
};

/// Where it is remembered that single keys are turned off.
const OFF: &str = "keys";

/// Whether the person turned single keys off
/// ([WCAG 2.1.4](https://www.w3.org/TR/WCAG22/#character-key-shortcuts)).
pub(crate) fn are_off(dashboard: Dashboard) -> bool {
    dashboard
        .storage
        .read(OFF)
        .is_some_and(|kept| kept == "off")
}

/// The button that opens the help, and the help: every key that there is, and whether they are heard.
#[component]
pub(crate) fn Help() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let dialog = NodeRef::<html::Dialog>::new();
    let off = NodeRef::<html::Input>::new();
    // A key is listed where something in the page answers to it; the help is closed until then.
    let answered = RwSignal::new([true; KEYS.len()]);
    let open = move |_| {
        answered.set(KEYS.map(|key| elements::answers(key.names[0])));
        if let Some(off) = off.get_untracked() {
            off.set_checked(!are_off(dashboard));
        }
        if let Some(dialog) = dialog.get_untracked() {
            // It is open already where this fails.
            let _ = dialog.show_modal();
        }
    };
    let list = |at: Where| {
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
    };
    view! {
        <button
            class="bar-button"
            type="button"
            aria-label="Help"
            aria-haspopup="dialog"
            aria-keyshortcuts="?"
            title="Help: keys"
            on:click=heard(open)
        >
            <span aria-hidden="true">"?"</span>
        </button>
        <dialog class="help" aria-labelledby="help-title" node_ref=dialog>
            <h2 id="help-title">"Keys"</h2>
            {list(Where::Anywhere)}
            <h3>"In the chart"</h3>
            {list(Where::Chart)}
            <h3>"In the watchlist"</h3>
            {list(Where::Watchlist)}
            <label>
                <input
                    type="checkbox"
                    checked
                    node_ref=off
                    on:change=heard(move |event: ev::Event| {
                        let heard = if event_target_checked(&event) { "on" } else { "off" };
                        dashboard.storage.write(OFF, heard);
                    })
                />
                "Keys without Ctrl or Alt work anywhere on the page"
            </label>
            <button
                type="button"
                on:click=heard(move |_| {
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
