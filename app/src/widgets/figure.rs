use leptos::prelude::*;

use crate::{
    browser::environment,
    format::figures::Shown,
    lean::{reactive::drawn, signal::Memo},
    widgets::flash::Flash,
};

/// A number that changes. Changed digits flash, and `data-value` and the title have all received digits.
#[component]
pub(crate) fn Figure(
    /// The name of the number, `price`, `bid-size` …
    field: &'static str,
    /// The number.
    #[prop(into)]
    shown: Signal<Shown>,
    /// Whether its digits flash. Only those of prices do, so that the page stays calm.
    #[prop(optional)]
    flashes: bool,
) -> impl IntoView {
    let animation = move |flash: &Flash| if flashes { flash.animation() } else { "" };
    let flash = Memo::new(move |previous: Option<&Flash>| {
        shown.with(|shown| Flash::next(previous, shown, environment::now()))
    });
    let exact = move || shown.with(|shown| shown.exact.clone());
    let title = move || Some(exact()).filter(|exact| !exact.is_empty());
    // The last two texts are empty when the server draws the page, and the framework writes an empty text as a space.
    // So they are set as properties.
    view! {
        <span class="figure" data-field=field data-value=drawn(exact) title=drawn(title)>
            {drawn(move || flash.with(|flash| flash.before.clone()))}
            <span
                class=drawn(move || flash.with(animation))
                prop:textContent=drawn(move || flash.with(|flash| flash.changed.clone()))
            ></span>
            <span prop:textContent=drawn(move || flash.with(|flash| flash.after.clone()))></span>
        </span>
    }
}

/// A change in the currency and in percent, with its colour, its sign and its arrow.
#[component]
pub(crate) fn ChangeFigures(
    /// The change.
    #[prop(into)]
    change: Signal<crate::format::figures::Change>,
) -> impl IntoView {
    let direction = move || change.with(|change| change.direction);
    view! {
        <span class=drawn(move || format!("change {}", direction().name()))>
            <span class="arrow" aria-hidden="true">
                {drawn(move || direction().arrow())}
            </span>
            <Figure
                field="change"
                shown=Signal::derive(move || change.with(|change| change.amount.clone()))
            />
            <Figure
                field="percent"
                shown=Signal::derive(move || change.with(|change| change.percent.clone()))
            />
        </span>
    }
}
