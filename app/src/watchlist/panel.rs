use leptos::{ev, html, prelude::*};

use crate::{
    browser::elements,
    lean::{
        reactive::{drawn, effect, handler},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
    watchlist::{
        add_symbol::AddSymbol,
        drag::Drag,
        own_list::{self, OwnList},
        row::{Row, symbol_at},
    },
    widgets::announcer::Announcer,
};

/// The watchlist: links that open symbols, and the tools to change it.
#[component]
pub(crate) fn Watchlist() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let own_list = expect_context::<OwnList>();
    let list = NodeRef::<html::Ul>::new();
    let editing = RwSignal::new(false);
    let drag = Drag::new(own_list);
    effect(move || {
        dashboard.market.open.track();
        own_list::reveal("[aria-current]".to_owned());
    });
    let empty = move || {
        dashboard.market.watchlist.with(Vec::is_empty).then(|| {
            if dashboard.market.chosen.with(Option::is_some) {
                "The watchlist is empty. Add the symbols that you follow."
            } else {
                "No symbols yet. They appear here with their first price."
            }
        })
    };
    view! {
        <nav
            class="watchlist"
            aria-label="Watchlist"
            aria-keyshortcuts="j k"
            data-editing=drawn(move || editing.get().then_some(""))
            on:click=handler(move |event| on_click(own_list, drag, &event))
            on:keydown=handler(move |event| on_key(own_list, &event))
        >
            <ul
                node_ref=list
                on:pointerdown=handler(move |event: ev::PointerEvent| drag.begin(&event))
                on:pointermove=handler(move |event: ev::PointerEvent| drag.go_on(&event, list))
                on:pointerup=handler(move |_| drag.end(true))
                on:pointercancel=handler(move |_| drag.end(false))
            >
                <For
                    each=move || dashboard.market.watchlist.get()
                    key=|symbol| *symbol
                    children=|symbol| view! { <Row symbol /> }
                />
            </ul>
            <p class="empty" hidden=drawn(move || empty().is_none())>
                {drawn(empty)}
            </p>
            <div class="list-tools">
                <AddSymbol />
                <button
                    type="button"
                    aria-pressed=drawn(move || if editing.get() { "true" } else { "false" })
                    on:click=handler(move |_| editing.update(|editing| *editing = !*editing))
                >
                    "Edit"
                </button>
            </div>
            {shared_note(own_list)}
            <Announcer text=own_list.announcement />
        </nav>
    }
}

/// Handles the buttons of rows. They have a name and a value, so that one handler serves all rows.
fn on_click(own_list: OwnList, drag: Drag, event: &ev::MouseEvent) {
    if drag.has_just_ended() {
        event.prevent_default();
        return;
    }
    let button = elements::closest(event.target(), "button[value]");
    let read = |name| button.as_ref()?.get_attribute(name);
    if let (Some(name), Some(Ok(symbol))) = (read("name"), read("value").map(|it| it.parse())) {
        match &*name {
            "up" => own_list.step(symbol, -1),
            "down" => own_list.step(symbol, 1),
            _ => return own_list.remove_here(symbol),
        }
        own_list::focus(format!("button[name='{name}'][value='{symbol}']"));
    }
}

/// Handles keys that move or remove the focused row.
fn on_key(own_list: OwnList, event: &ev::KeyboardEvent) {
    let Some(symbol) = symbol_at(event.target()) else {
        return;
    };
    match (&*event.key(), event.alt_key()) {
        ("ArrowUp", true) => own_list.step(symbol, -1),
        ("ArrowDown", true) => own_list.step(symbol, 1),
        ("Delete", false) => return own_list.remove_here(symbol),
        _ => return,
    }
    event.prevent_default();
    own_list::focus_row(symbol);
}

/// The choice between a shared list and the person's own.
fn shared_note(own_list: OwnList) -> impl IntoView {
    view! {
        <p class="shared" hidden=drawn(move || !own_list.shared.get())>
            <span>"A shared list"</span>
            <button type="button" on:click=handler(move |_| own_list.keep())>
                "Keep"
            </button>
            <button type="button" on:click=handler(move |_| own_list.go_back())>
                "Back to mine"
            </button>
        </p>
    }
}
