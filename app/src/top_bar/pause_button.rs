use leptos::{ev, prelude::*};

use crate::{
    lean::reactive::{drawn, effect, handler},
    state::dashboard::Dashboard,
};

/// The button that pauses and resumes the page. The space bar does the same.
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
        on_cleanup(move || shown.remove());
    });
    view! {
        <button
            class="pause"
            type="button"
            aria-label="Pause"
            aria-pressed=drawn(pressed)
            aria-keyshortcuts="Space"
            title="Pause updates (Space)"
            on:click=handler(move |_| dashboard.set_paused(!paused.get_untracked()))
        ></button>
    }
}
