use leptos::{ev, prelude::*};

use crate::{
    chart_panel::choices::{KINDS, SCALES, meant, word},
    lean::reactive::{drawn, handler},
    state::dashboard::Dashboard,
};

/// The choice of the kind of chart.
#[component]
pub(crate) fn KindSelect() -> impl IntoView {
    let kind = expect_context::<Dashboard>().chart.choices.kind;
    let words = KINDS.map(|(_, word, name)| (word, name));
    select(
        "Chart type",
        Some("c"),
        words.into(),
        Signal::derive(move || word(&KINDS, &kind.get())),
        Signal::stored(false),
        move |word| {
            if let Some(chosen) = meant(&KINDS, word) {
                kind.set(chosen);
            }
        },
    )
}

/// The choice of the scale. While symbols are compared it is fixed to percent.
#[component]
pub(crate) fn ScaleSelect() -> impl IntoView {
    let choices = expect_context::<Dashboard>().chart.choices;
    let scale = choices.scale;
    let words = SCALES.map(|(_, word, name)| (word, name));
    select(
        "Scale",
        None,
        words.into(),
        Signal::derive(move || match choices.compared.with(Vec::is_empty) {
            true => word(&SCALES, &scale.get()),
            false => "percent",
        }),
        Signal::derive(move || !choices.compared.with(Vec::is_empty)),
        move |word| {
            if let Some(chosen) = meant(&SCALES, word) {
                scale.set(chosen);
            }
        },
    )
}

fn select(
    label: &'static str,
    key: Option<&'static str>,
    words: Vec<(&'static str, &'static str)>,
    chosen: Signal<&'static str>,
    fixed: Signal<bool>,
    choose: impl Fn(&str) + 'static,
) -> impl IntoView {
    // The server writes attributes, not properties.
    let now = chosen.get_untracked();
    let options = words.into_iter().map(|(word, name)| {
        view! {
            <option value=word selected=word == now>
                {name}
            </option>
        }
    });
    view! {
        <select
            class="chart-select"
            aria-label=label
            aria-keyshortcuts=key
            prop:value=drawn(move || chosen.get())
            disabled=drawn(move || fixed.get())
            on:change=handler(move |event: ev::Event| choose(&event_target_value(&event)))
        >
            {options.collect_view()}
        </select>
    }
}
