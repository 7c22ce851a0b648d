//! The chart as a component of the page.

use super::handle::{ChartHandle, Step};
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;

/// A chart of the points of `handle`, which are those of `name`.
///
/// The server draws it as SVG; the browser puts canvases over that and hides it once they are drawn.
/// It fills the box that the page's CSS gives it. A handle shows in one chart at a time.
#[component]
pub fn Chart(
    /// Where the points come from.
    handle: ChartHandle,
    /// What they are of, such as a symbol.
    #[prop(into)]
    name: Signal<String>,
) -> impl IntoView {
    let plot = NodeRef::<html::Div>::new();
    let layers = [(); 3].map(|()| NodeRef::<html::Canvas>::new());
    let drawn = RwSignal::new(false);
    let spoken = RwSignal::new(String::new());
    let summary = handle.summary;
    handle.summarize();

    #[cfg(target_arch = "wasm32")]
    mount(handle, drawn, plot, layers);

    let leave = move || {
        handle.leave();
        // A plot that has focus is left when it is taken off the page, and its signals are gone.
        if spoken.try_with_untracked(String::is_empty) == Some(false) {
            spoken.set(String::new());
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.shift_key() {
            return;
        }
        let step = match event.key().as_str() {
            "ArrowLeft" => Step::Back,
            "ArrowRight" => Step::Forward,
            "Home" => Step::First,
            "End" => Step::Last,
            "Escape" => return leave(),
            _ => return,
        };
        event.prevent_default();
        if let Some(said) = handle.walk(step) {
            spoken.set(said);
        }
    };
    let canvases =
        layers.map(|layer| view! { <canvas aria-hidden="true" node_ref=layer></canvas> });

    view! {
        <figure class="chart" class:drawn=drawn>
            <div
                class="chart-plot"
                role="application"
                aria-roledescription="chart"
                aria-label=move || format!("Chart of {}", name.get())
                aria-keyshortcuts="ArrowLeft ArrowRight Home End Escape"
                tabindex="0"
                node_ref=plot
                on:keydown=on_key
                on:blur=move |_| leave()
                on:pointerdown=move |event| handle.point_at(Some(event.offset_x().into()))
                on:pointermove=move |event| handle.point_at(Some(event.offset_x().into()))
                on:pointerleave=move |_| handle.leave()
                on:pointercancel=move |_| handle.leave()
            >
                <div class="chart-still" aria-hidden="true" inner_html=still(handle)></div>
                {canvases}
                <p class="chart-empty" hidden=move || summary.with(|summary| summary.points > 0)>
                    "Waiting for the first price"
                </p>
            </div>
            <p class="chart-words" aria-live="assertive">{spoken}</p>
            <figcaption
                class="chart-words"
                data-points=move || summary.with(|summary| summary.points)
                data-last=move || summary.with(|summary| summary.last.clone())
            >
                {move || summary.with(|summary| summary.text.clone())}
            </figcaption>
        </figure>
    }
}

/// The chart as the server draws it.
#[cfg(not(target_arch = "wasm32"))]
fn still(handle: ChartHandle) -> String {
    let mut svg = String::new();
    handle.with_model(|model| svg = super::svg::render(&model.series, model.look()));
    svg
}

/// The browser keeps what the server drew: hydration does not set it.
#[cfg(target_arch = "wasm32")]
fn still(_: ChartHandle) -> &'static str {
    ""
}

/// Draws onto the canvases as soon as they are on the page, until they no longer are.
#[cfg(target_arch = "wasm32")]
fn mount(
    handle: ChartHandle,
    drawn: RwSignal<bool>,
    plot: NodeRef<html::Div>,
    layers: [NodeRef<html::Canvas>; 3],
) {
    use super::painter::Painter;
    Effect::new(move || {
        let [Some(axes), Some(series), Some(overlay)] = layers.map(|layer| layer.get()) else {
            return;
        };
        let Some(plot) = plot.get() else { return };
        match Painter::new(handle, drawn, plot.into(), [axes, series, overlay]) {
            Ok(painter) => handle.attach(painter),
            // The server's drawing stays.
            Err(error) => leptos::logging::warn!("the chart cannot be drawn: {error:?}"),
        }
    });
    on_cleanup(move || handle.detach());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Point;

    #[test]
    fn the_server_draws_the_whole_chart() {
        Owner::new().with(|| {
            let handle = ChartHandle::new();
            let minutes = (0..).map(|n| 1_341_927_000_000.0 + f64::from(n) * 60_000.0);
            let points = minutes.zip([597.1, 590.1, 597.32]);
            handle.replace(points.map(|(time, value)| Point::new(time, value)));
            let html = view! { <Chart handle name="GOOG"/> }.to_html();
            for part in [
                "aria-label=\"Chart of GOOG\"",
                "<svg",
                "data-points=\"3\"",
                "data-last=\"597.32\"",
                "597.32, 3 points from",
            ] {
                assert!(html.contains(part), "{part} is not in {html}");
            }
            assert_eq!(html.matches("<canvas").count(), 3);
        });
    }
}
