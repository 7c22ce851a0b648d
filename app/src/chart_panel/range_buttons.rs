use leptos::prelude::*;

use crate::{
    lean::reactive::{drawn, handler},
    state::{dashboard::Dashboard, range::Range},
};

/// The buttons that choose the range of the chart.
#[component]
pub(crate) fn RangeButtons() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let buttons = Range::ALL.into_iter().zip(1..).map(|(range, key)| {
        let pressed = move || match dashboard.chart.choices.range.get() == range {
            true => "true",
            false => "false",
        };
        view! {
            <button
                type="button"
                aria-pressed=drawn(pressed)
                aria-label=range.name()
                aria-keyshortcuts=format!("{key}")
                on:click=handler(move |_| dashboard.set_range(range))
            >
                {range.as_str()}
            </button>
        }
    });
    view! {
        <div class="ranges" role="group" aria-label="Range">
            {buttons.collect_view()}
        </div>
    }
}
