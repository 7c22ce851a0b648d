use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast};

use crate::{
    browser::elements,
    chart_panel::choices::{ChartChoices, STUDIES},
    lean::reactive::{drawn, effect, handler},
    state::dashboard::Dashboard,
};

/// The elements of a [`Menu`].
#[derive(Debug, Clone, Copy)]
struct Opening {
    menu: NodeRef<html::Details>,
    summary: NodeRef<html::Summary>,
}

impl Opening {
    /// Closes the menu. With `returns`, focuses its name.
    fn close(self, returns: bool) {
        let Some(menu) = self.menu.get_untracked().filter(|menu| menu.open()) else {
            return;
        };
        menu.set_open(false);
        if let Some(summary) = self.summary.get_untracked().filter(|_| returns) {
            let _ = summary.focus();
        }
    }

    /// Closes the menu on a click outside of it.
    fn close_from_outside(self) {
        effect(move || {
            let handle = window_event_listener(ev::pointerdown, move |event| {
                let inside = self.menu.get_untracked().is_some_and(|menu| {
                    let target = event.target();
                    menu.contains(target.as_ref().and_then(JsCast::dyn_ref))
                });
                if !inside {
                    self.close(false);
                }
            });
            on_cleanup(move || handle.remove());
        });
    }

    /// Closes the menu when the focus leaves it.
    fn on_leave(self, event: &ev::FocusEvent) {
        let stays = match (self.menu.get_untracked(), event.related_target()) {
            (Some(menu), Some(next)) => menu.contains(next.dyn_ref()),
            // A click on an element that takes no focus.
            (_, None) => true,
            _ => false,
        };
        if !stays {
            self.close(false);
        }
    }
}

/// A menu that opens below its name. It closes when the focus leaves it, on Escape, and on a click outside.
#[component]
fn Menu(
    name: &'static str,
    /// A sign that is shown in place of the name.
    #[prop(optional)]
    sign: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let opening = Opening {
        menu: NodeRef::new(),
        summary: NodeRef::new(),
    };
    opening.close_from_outside();
    view! {
        <details
            class="menu"
            node_ref=opening.menu
            on:keydown=handler(move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" {
                    opening.close(true);
                }
            })
            on:focusout=handler(move |event: ev::FocusEvent| opening.on_leave(&event))
        >
            <summary
                node_ref=opening.summary
                aria-label=sign.map(|_| name)
                title=sign.map(|_| name)
            >
                {sign.unwrap_or(name)}
            </summary>
            // A button closes the menu. Several boxes may be checked in a row.
            <div
                class="menu-body"
                on:click=handler(move |event: ev::MouseEvent| {
                    if elements::closest(event.target(), "button").is_some() {
                        opening.close(true);
                    }
                })
            >
                {children()}
            </div>
        </details>
    }
}

/// The menu of studies, volume and news.
#[component]
pub(crate) fn StudiesMenu() -> impl IntoView {
    let choices = expect_context::<Dashboard>().chart.choices;
    let studies = STUDIES.map(|(study, _, name)| {
        let chosen = Signal::derive(move || choices.studies.with(|all| all.contains(&study)));
        check(name, chosen, move |wanted| choices.study(study, wanted))
    });
    let ChartChoices { volume, pins, .. } = choices;
    view! {
        <Menu name="Studies">
            {studies.into_iter().collect_view()}
            {check("Volume", volume.into(), move |wanted| volume.set(wanted))}
            {check("News", pins.into(), move |wanted| pins.set(wanted))}
        </Menu>
    }
}

/// The menu of symbols to compare with: those of the watchlist.
#[component]
pub(crate) fn CompareMenu() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let choices = dashboard.chart.choices;
    let full = move || choices.compared.with(Vec::len) >= chart::scene::MAX_LINES;
    view! {
        <Menu name="Compare">
            <For
                each=move || {
                    // An address may name symbols that are not on the watchlist.
                    let mut symbols = dashboard.market.watchlist.get();
                    for symbol in choices.compared.get() {
                        if !symbols.contains(&symbol) {
                            symbols.push(symbol);
                        }
                    }
                    symbols
                }
                key=|symbol| *symbol
                children=move |symbol| {
                    let chosen = Signal::derive(move || {
                        choices.compared.with(|all| all.contains(&symbol))
                    });
                    let itself = move || dashboard.market.open.get() == Some(symbol);
                    view! {
                        <label class="check" hidden=drawn(itself)>
                            <input
                                type="checkbox"
                                checked=chosen.get_untracked()
                                prop:checked=drawn(move || chosen.get())
                                disabled=drawn(move || full() && !chosen.get())
                                on:change=handler(move |event: ev::Event| {
                                    choices.compare(symbol, event_target_checked(&event));
                                })
                            />
                            {symbol.to_string()}
                        </label>
                    }
                }
            />
        </Menu>
    }
}

/// The menu that saves the chart as a file.
#[component]
pub(crate) fn SaveMenu() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let name = move |end: &str| {
        let open = dashboard.market.open.get_untracked();
        let symbol = open.map(|symbol| symbol.to_string()).unwrap_or_default();
        format!(
            "{symbol} {}.{end}",
            dashboard.chart.choices.range.get_untracked()
        )
    };
    view! {
        <Menu name="Save" sign="⤓">
            <button type="button" on:click=handler(move |_| dashboard.chart.handle.save_image(&name("png")))>
                "Image (PNG)"
            </button>
            <button type="button" on:click=handler(move |_| dashboard.chart.handle.save_csv(&name("csv")))>
                "Data (CSV)"
            </button>
        </Menu>
    }
}

fn check(
    name: &'static str,
    chosen: Signal<bool>,
    choose: impl Fn(bool) + 'static,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                checked=chosen.get_untracked()
                prop:checked=drawn(move || chosen.get())
                on:change=handler(move |event: ev::Event| choose(event_target_checked(&event)))
            />
            {name}
        </label>
    }
}
