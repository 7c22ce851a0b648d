use leptos::prelude::*;

use crate::{
    browser::environment,
    format::figures::Shown,
    lean::{reactive::drawn, signal::Memo},
    widgets::flash::Flash,
};

/// A number that changes. The digits that changed flash, and every digit that came stands in
/// `data-value` and in the title.
#[component]
pub(crate) fn Figure(
    /// What the number is, `price`, `bid-size` …
    field: &'static str,
    /// The number.
    #[prop(into)]
    shown: Signal<Shown>,
    /// Whether its digits flash: only those of prices do, so that the page stays calm.
    #[prop(optional)]
    flashes: bool,
) -> impl IntoView {
    let animation = move |flash: &Flash| if flashes { flash.animation() } else { "" };
    let flash = Memo::new(move |previous: Option<&Flash>| {
        shown.with(|shown| Flash::next(previous, shown, environment::now()))
    });
    let exact = move || shown.with(|shown| shown.exact.clone());
    let title = move || Some(exact()).filter(|exact| !exact.is_empty());
    // The later two are empty when the page is drawn: an empty text in HTML would be a space.
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
