use leptos::{ev, prelude::*};

use crate::{
    lean::{
        reactive::{drawn, effect, handler},
        signal::{Memo, RwSignal},
    },
    quote::figures::Mark,
};

/// The marks beside a price, each with a tooltip on hover and focus.
#[component]
pub(crate) fn Marks(marks: Memo<Vec<Mark>>) -> impl IntoView {
    // A tooltip that covers something can be dismissed without moving the pointer.
    let dismissed = RwSignal::new(false);
    effect(move || {
        let handle = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" {
                dismissed.set(true);
            }
        });
        on_cleanup(move || handle.remove());
    });
    let chips = move || {
        let marks = marks.get().into_iter().enumerate();
        let chips = marks.map(|(at, mark)| {
            let id = format!("mark-{at}");
            view! {
                <span class="mark-place">
                    <button
                        type="button"
                        class="mark"
                        data-mark=mark.kind
                        aria-describedby=id.clone()
                    >
                        {mark.text}
                    </button>
                    <span class="mark-meaning" role="tooltip" id=id>
                        {mark.meaning}
                    </span>
                </span>
            }
        });
        chips.collect_view()
    };
    view! {
        <span
            class="marks"
            data-dismissed=drawn(move || dismissed.get().then_some(""))
            on:mouseenter=handler(move |_| dismissed.set(false))
            on:focusin=handler(move |_| dismissed.set(false))
        >
            {drawn(chips)}
        </span>
    }
}
