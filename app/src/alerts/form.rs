use leptos::{ev, html, prelude::*};
use market::{NewsType, Symbol};

use crate::{
    alerts::alert,
    lean::{
        reactive::{drawn, effect, heard},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
};

/// The conditions, by their names and as people know them.
const CONDITIONS: [(&str, &str); 4] = [
    ("above", "Price at or above"),
    ("below", "Price at or below"),
    ("change", "Change in percent, up or down"),
    ("news", "News of a type"),
];

/// Makes an alert.
#[component]
pub(crate) fn AlertForm() -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let symbol = NodeRef::<html::Select>::new();
    let value = NodeRef::<html::Input>::new();
    let kind = NodeRef::<html::Select>::new();
    let name = RwSignal::new(CONDITIONS[0].0.to_owned());
    let complaint = RwSignal::new(String::new());
    let is_news = move || name.with(|name| name == "news");
    let value_label = move || match name.with(|name| name == "change") {
        true => "Percent",
        false => "Price",
    };
    let wrong = move || !complaint.with(String::is_empty);
    // The open symbol, then the others.
    let symbols = move || {
        let open = dashboard.open.get();
        let list = dashboard.watchlist.get();
        let others = list.into_iter().filter(|symbol| Some(*symbol) != open);
        open.into_iter().chain(others).collect::<Vec<Symbol>>()
    };
    // What was chosen before is of another symbol's page.
    effect(move || {
        let open = dashboard.open.get();
        request_animation_frame(move || {
            if let (Some(symbol), Some(open)) = (symbol.get_untracked(), open) {
                symbol.set_value(open.as_str());
            }
        });
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(symbol), Some(input), Some(kind)) = (
            symbol.get_untracked(),
            value.get_untracked(),
            kind.get_untracked(),
        ) else {
            return;
        };
        let symbol: Option<Symbol> = symbol.value().parse().ok();
        let name = name.get_untracked();
        let read = alert::condition(&name, &input.value(), &kind.value(), symbol);
        let outcome = read.and_then(|condition| {
            let now = dashboard.now.get_untracked();
            dashboard.alerts.add(symbol, condition, now)?;
            dashboard.look_for_alerts(None);
            // What is wrong loses nothing that was written; what is done is cleared.
            input.set_value("");
            Ok(())
        });
        complaint.set(match outcome {
            Ok(()) => String::new(),
            Err(error) => {
                let _ = input.focus();
                error
            }
        });
    };
    view! {
        <form class="alert-form" aria-label="New alert" autocomplete="off" on:submit=heard(submit)>
            <div>
                <label for="alert-when">"When"</label>
                <select
                    id="alert-when"
                    on:change=heard(move |event: ev::Event| {
                        complaint.set(String::new());
                        name.set(event_target_value(&event));
                    })
                >
                    {CONDITIONS
                        .map(|(name, text)| view! { <option value=name>{text}</option> })
                        .collect_view()}
                </select>
            </div>
            <div hidden=drawn(is_news)>
                <label for="alert-value">{drawn(value_label)}</label>
                <input
                    id="alert-value"
                    type="text"
                    inputmode="decimal"
                    maxlength="40"
                    aria-invalid=drawn(move || wrong().then_some("true"))
                    aria-describedby="alert-complaint"
                    // Of the two that are shown in turn, the one that is shown has the focus when the form opens.
                    autofocus=""
                    node_ref=value
                    on:input=heard(move |_| complaint.set(String::new()))
                />
            </div>
            <div hidden=drawn(move || !is_news())>
                <label for="alert-type">"Type"</label>
                <select id="alert-type" autofocus="" node_ref=kind>
                    {NewsType::ALL
                        .map(|kind| {
                            view! { <option value=alert::kind_name(kind)>{kind.label()}</option> }
                        })
                        .collect_view()}
                </select>
            </div>
            <div>
                <label for="alert-of">"Of"</label>
                <select id="alert-of" node_ref=symbol on:change=heard(move |_| complaint.set(String::new()))>
                    <For
                        each=symbols
                        key=|symbol| *symbol
                        children=|symbol| {
                            view! { <option value=symbol.to_string()>{symbol.to_string()}</option> }
                        }
                    />
                    <option value="*">"any of the watchlist"</option>
                </select>
            </div>
            <p class="complaint" id="alert-complaint" role="alert">
                {drawn(move || complaint.get())}
            </p>
            <button type="submit">"Add alert"</button>
        </form>
    }
}
