use leptos::{ev, prelude::*};

use crate::{
    lean::reactive::{drawn, handler},
    settings::preferences::{SETTINGS, Setting},
    state::dashboard::Dashboard,
};

/// The button of the settings, and their menu. The browser itself opens and closes it, on the button, Escape or a click
/// outside, and returns the focus.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    let preferences = expect_context::<Dashboard>().person.preferences;
    let choose = move |event: ev::Event| {
        let input = event_target::<leptos::web_sys::HtmlInputElement>(&event);
        preferences.choose(&input.name(), &input.value());
    };
    let settings = SETTINGS.iter().enumerate().map(|(at, setting)| {
        let Setting {
            name,
            label,
            choices,
        } = setting;
        let choices = choices.iter().enumerate().map(|(choice, (value, text))| {
            view! {
                <label>
                    <input
                        type="radio"
                        name=*name
                        value=*value
                        prop:checked=drawn(move || preferences.is_chosen(at, choice))
                        checked=choice == 0
                    />
                    <span>{*text}</span>
                </label>
            }
        });
        view! {
            <fieldset>
                <legend>{*label}</legend>
                {choices.collect_view()}
            </fieldset>
        }
    });
    view! {
        <button
            class="bar-button"
            type="button"
            popovertarget="settings"
            aria-label="Settings"
            title="Settings"
        >
            <span aria-hidden="true">"◐"</span>
        </button>
        <form
            class="popover settings"
            id="settings"
            popover="auto"
            aria-label="Settings"
            autocomplete="off"
            on:change=handler(choose)
        >
            {settings.collect_view()}
        </form>
    }
}
