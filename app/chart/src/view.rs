//! The chart as a component of the page.

use super::gestures::{Gesture, wheel_factor};
use super::handle::ChartHandle;
use super::reader::Step;
use super::summary::Summary;
use leptos::ev::{KeyboardEvent, PointerEvent, WheelEvent};
use leptos::html;
use leptos::prelude::*;

/// The keys of the plot, as in `aria-keyshortcuts`.
const KEYS: &str = "ArrowLeft ArrowRight PageUp PageDown Shift+ArrowLeft Shift+ArrowRight + - Home End \
                    Enter Escape";

/// A chart of the samples of `handle`.
///
/// The server draws it as SVG. The browser puts canvases over the SVG, and hides it once they are drawn. The chart
/// fills the box that the page's CSS gives it. A handle must not be used for two charts at a time.
#[component]
pub fn Chart(
    /// The handle that provides the samples.
    handle: ChartHandle,
    /// The name of the series, such as a symbol.
    #[prop(into)]
    name: Signal<String>,
    /// Called with the id of a pin when the reader opens it.
    #[prop(optional, into)]
    on_pin: Option<Callback<String>>,
) -> impl IntoView {
    let layers = [(); 3].map(|()| NodeRef::<html::Canvas>::new());
    let drawn = RwSignal::new(false);
    let plot = Plot {
        handle,
        element: NodeRef::new(),
        announcement: RwSignal::new(String::new()),
        gesture: StoredValue::new(Gesture::default()),
        on_pin,
    };
    let summary = handle.model.summary;
    handle.summarize();

    #[cfg(target_arch = "wasm32")]
    mount(handle, drawn, plot.element, layers);

    let canvases =
        layers.map(|layer| view! { <canvas aria-hidden="true" node_ref=layer></canvas> });
    let content = view! {
        <div class="chart-still" aria-hidden="true" inner_html=still(handle)></div>
        {canvases}
        <p class="chart-empty" hidden=boxed(move || summary.with(|summary| summary.points > 0))>
            "Waiting for the first price"
        </p>
    };
    view! {
        <figure class="chart" class:drawn=drawn>
            {plot_box(plot, name, content)}
            {newest_button(handle)}
            <p class="chart-words" aria-live="assertive">
                {boxed(move || plot.announcement.get())}
            </p>
            {caption(summary)}
        </figure>
    }
}

/// The box of the plot, which the reader uses by keyboard and pointer.
fn plot_box(plot: Plot, name: Signal<String>, content: impl IntoView) -> impl IntoView {
    view! {
        <div
            class="chart-plot"
            role="application"
            aria-roledescription="chart"
            aria-label=boxed(move || format!("Chart of {}", name.get()))
            aria-keyshortcuts=KEYS
            tabindex="0"
            node_ref=plot.element
            on:keydown=handler(move |event: KeyboardEvent| plot.on_key(&event))
            on:blur=handler(move |_| plot.leave())
            on:pointerdown=handler(move |event: PointerEvent| plot.on_down(&event))
            on:pointermove=handler(move |event: PointerEvent| plot.on_move(&event))
            on:pointerup=handler(move |event: PointerEvent| plot.on_up(&event))
            on:pointercancel=handler(move |event: PointerEvent| plot.on_up(&event))
            on:pointerleave=handler(move |event: PointerEvent| plot.on_out(&event))
            on:dblclick=handler(move |_| plot.handle.fit())
            on:wheel=handler(move |event: WheelEvent| plot.on_wheel(&event))
        >
            {content}
        </div>
    }
}

/// What is drawn, behind a box: the framework compiles its code anew for each type of closure.
fn boxed<T>(read: impl FnMut() -> T + Send + 'static) -> Box<dyn FnMut() -> T + Send> {
    Box::new(read)
}

/// What an event does, behind a box for the same reason.
fn handler<E>(take: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(take)
}

/// The button that scrolls back to the newest sample.
fn newest_button(handle: ChartHandle) -> impl IntoView {
    let follows = handle.follows();
    view! {
        <button
            type="button"
            class="chart-newest"
            hidden=boxed(move || follows.get())
            on:click=handler(move |_| handle.follow())
        >
            "Newest"
        </button>
    }
}

/// The summary of the chart, with figures for tests.
fn caption(summary: RwSignal<Summary>) -> impl IntoView {
    view! {
        <figcaption
            class="chart-words"
            data-points=boxed(move || summary.with(|summary| summary.points.to_string()))
            data-last=boxed(move || summary.with(|summary| summary.last.clone()))
        >
            {boxed(move || summary.with(|summary| summary.text.clone()))}
        </figcaption>
    }
}

/// The plot with its keyboard and pointer events.
#[derive(Clone, Copy)]
struct Plot {
    handle: ChartHandle,
    element: NodeRef<html::Div>,
    /// What screen readers announce.
    announcement: RwSignal<String>,
    gesture: StoredValue<Gesture>,
    on_pin: Option<Callback<String>>,
}

impl Plot {
    fn leave(self) {
        self.handle.leave();
        // A plot that has the focus is also left when it is removed from the page, when its signals are gone.
        if self.announcement.try_with_untracked(String::is_empty) == Some(false) {
            self.announcement.set(String::new());
        }
    }

    fn open(self, pin: Option<String>) {
        if let (Some(pin), Some(on_pin)) = (pin, self.on_pin) {
            on_pin.run(pin);
        }
    }

    fn on_key(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let handle = self.handle;
        let shift = event.shift_key();
        let words = match (event.key().as_str(), shift) {
            ("ArrowLeft", true) => return act(event, || handle.pan(-0.1)),
            ("ArrowRight", true) => return act(event, || handle.pan(0.1)),
            ("+" | "=", _) => return act(event, || handle.zoom(0.8, 0.5)),
            ("-" | "_", _) => return act(event, || handle.zoom(1.25, 0.5)),
            ("Home", _) => return act(event, || handle.fit()),
            ("ArrowLeft", _) => handle.walk(Step::By(-1)),
            ("ArrowRight", _) => handle.walk(Step::By(1)),
            ("PageUp", _) => handle.walk(Step::By(-10)),
            ("PageDown", _) => handle.walk(Step::By(10)),
            ("End", _) => {
                handle.follow();
                handle.walk(Step::Newest)
            }
            ("Enter", _) => match handle.pin_here() {
                Some(pin) => return act(event, || self.open(Some(pin))),
                None => {
                    let summary = handle.model.summary;
                    Some(summary.with_untracked(|summary| summary.text.clone()))
                }
            },
            ("Escape", _) => return self.leave(),
            _ => return,
        };
        event.prevent_default();
        if let Some(words) = words {
            self.announcement.set(words);
        }
    }

    fn on_down(self, event: &PointerEvent) {
        if event.button() != 0 {
            return;
        }
        let x = event.offset_x().into();
        self.gesture
            .update_value(|gesture| gesture.press(self.handle, event.pointer_id(), x));
        self.handle.point_at(Some(x));
    }

    fn on_move(self, event: &PointerEvent) {
        let (id, x) = (event.pointer_id(), event.offset_x().into());
        let before = self
            .gesture
            .try_update_value(|gesture| gesture.drag(self.handle, id, x));
        if before == Some(true) {
            // The drag continues outside the plot. This fails if the pointer is already gone, which is harmless.
            if let Some(plot) = self.element.get_untracked()
                && !plot.has_pointer_capture(id)
            {
                let _ = plot.set_pointer_capture(id);
            }
        }
        self.handle.point_at(Some(x));
    }

    fn on_up(self, event: &PointerEvent) {
        let pressed = self
            .gesture
            .try_update_value(|gesture| gesture.release(self.handle, event.pointer_id()));
        if pressed == Some(true) && event.type_() == "pointerup" {
            let (x, y) = (event.offset_x().into(), event.offset_y().into());
            self.open(self.handle.pin_at(x, y));
        }
    }

    /// The pointer leaves the plot, and does not drag beyond it.
    fn on_out(self, event: &PointerEvent) {
        if event.buttons() == 0 {
            self.handle.leave();
        }
    }

    fn on_wheel(self, event: &WheelEvent) {
        // The wheel may report lines or pages.
        let unit = [1.0, 16.0, 400.0][(event.delta_mode() as usize).min(2)];
        let (across, down) = (event.delta_x() * unit, event.delta_y() * unit);
        event.prevent_default();
        let Some((_, width)) = self.handle.shown() else {
            return;
        };
        if across.abs() > down.abs() {
            self.handle.pan(across / width);
        } else if down != 0.0 {
            let at = f64::from(event.offset_x()) / width;
            self.handle.zoom(wheel_factor(down), at.clamp(0.0, 1.0));
        }
    }
}

fn act(event: &KeyboardEvent, act: impl FnOnce()) {
    event.prevent_default();
    act();
}

/// The server's drawing of the chart.
#[cfg(not(target_arch = "wasm32"))]
fn still(handle: ChartHandle) -> String {
    let mut svg = String::new();
    handle.model.update(|model| {
        model.settle();
        svg = super::still::render::render(&model.scene);
    });
    svg
}

/// In the browser the server's drawing stays: hydration does not set it.
#[cfg(target_arch = "wasm32")]
fn still(_: ChartHandle) -> &'static str {
    ""
}

/// Draws onto the canvases while they are on the page.
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
        match Painter::new(handle.model, drawn, plot.into(), [axes, series, overlay]) {
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
    use crate::sample::Point;

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
