use leptos::{ev, prelude::*};

use crate::{
    dashboard::Dashboard,
    reactive::{drawn, effect, heard},
};

/// What uses the space bar itself, or scrolls by it.
const USES_SPACE: &str =
    "button, input, textarea, select, summary, a:focus-visible, [tabindex='0'], [contenteditable]";

/// Lets everything that moves stand still, and go on. The space bar does the same.
#[component]
pub(crate) fn PauseButton() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let paused = dashboard.pause.paused;
    let pressed = move || match paused.get() {
        true => "true",
        false => "false",
    };
    effect(move || {
        dashboard.set_hidden(document().hidden());
        let shown = window_event_listener(ev::visibilitychange, move |_| {
            dashboard.set_hidden(document().hidden());
        });
        let keys = window_event_listener(ev::keydown, move |event| {
            if event.key() == " " && !event.repeat() && is_free(&event) {
                event.prevent_default();
                dashboard.set_paused(!paused.get_untracked());
            }
        });
        on_cleanup(move || {
            shown.remove();
            keys.remove();
        });
    });
    view! {
        <button
            class="pause"
            type="button"
            aria-label="Pause"
            aria-pressed=drawn(pressed)
            aria-keyshortcuts="Space"
            title="Let prices, chart and news stand still (space)"
            on:click=heard(move |_| dashboard.set_paused(!paused.get_untracked()))
        ></button>
    }
}

/// Whether nothing else uses the space bar just now.
fn is_free(event: &leptos::web_sys::KeyboardEvent) -> bool {
    let alone = !(event.ctrl_key() || event.meta_key() || event.alt_key() || event.shift_key());
    let focused = document().active_element();
    alone
        && !event.default_prevented()
        && focused.is_none_or(|element| !element.matches(USES_SPACE).unwrap_or(true))
}
