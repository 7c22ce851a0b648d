use leptos::{ev, html, prelude::*};
use market::{NewsType, Symbol};

use crate::{
    alerts::alert,
    lean::{
        reactive::{drawn, effect, handler},
        signal::RwSignal,
    },
    news::filter::word_of,
    state::dashboard::Dashboard,
};

/// The conditions: names and labels.
const CONDITIONS: [(&str, &str); 4] = [
    ("above", "Price at or above"),
    ("below", "Price at or below"),
    ("change", "Change in percent, up or down"),
    ("news", "News of a type"),
];

/// The fields of a new alert.
#[derive(Debug, Clone, Copy)]
struct Form {
    dashboard: Dashboard,
    symbol: NodeRef<html::Select>,
    value: NodeRef<html::Input>,
    kind: NodeRef<html::Select>,
    /// The name of the chosen condition.
    name: RwSignal<String>,
    /// Why the alert was not added.
    complaint: RwSignal<String>,
}

impl Form {
    fn is_news(self) -> bool {
        self.name.with(|name| name == "news")
    }

    /// The open symbol, then the others of the watchlist.
    fn symbols(self) -> Vec<Symbol> {
        let open = self.dashboard.market.open.get();
        let list = self.dashboard.market.watchlist.get();
        let others = list.into_iter().filter(|symbol| Some(*symbol) != open);
        open.into_iter().chain(others).collect()
    }

    /// Selects the open symbol whenever it changes.
    fn follow_open(self) {
        effect(move || {
            let open = self.dashboard.market.open.get();
            request_animation_frame(move || {
                if let (Some(symbol), Some(open)) = (self.symbol.get_untracked(), open) {
                    symbol.set_value(open.as_str());
                }
            });
        });
    }

    fn submit(self, event: &ev::SubmitEvent) {
        event.prevent_default();
        let (Some(symbol), Some(input), Some(kind)) = (
            self.symbol.get_untracked(),
            self.value.get_untracked(),
            self.kind.get_untracked(),
        ) else {
            return;
        };
        let symbol: Option<Symbol> = symbol.value().parse().ok();
        let name = self.name.get_untracked();
        let read = alert::condition(&name, &input.value(), &kind.value(), symbol);
        let outcome = read.and_then(|condition| {
            let now = self.dashboard.clock.now.get_untracked();
            self.dashboard.person.alerts.add(symbol, condition, now)?;
            self.dashboard.look_for_alerts(None);
            // The input is kept after an error, and cleared after success.
            input.set_value("");
            Ok(())
        });
        self.complaint.set(match outcome {
            Ok(()) => String::new(),
            Err(error) => {
                let _ = input.focus();
                error
            }
        });
    }
}

/// The form that creates an alert.
#[component]
pub(crate) fn AlertForm() -> impl IntoView {
    let form = Form {
        dashboard: expect_context::<Dashboard>(),
        symbol: NodeRef::new(),
        value: NodeRef::new(),
        kind: NodeRef::new(),
        name: RwSignal::new(CONDITIONS[0].0.to_owned()),
        complaint: RwSignal::new(String::new()),
    };
    let Form {
        symbol,
        name,
        complaint,
        ..
    } = form;
    form.follow_open();
    view! {
        <form
            class="alert-form"
            aria-label="New alert"
            autocomplete="off"
            on:submit=handler(move |event| form.submit(&event))
        >
            <div>
                <label for="alert-when">"When"</label>
                <select
                    id="alert-when"
                    on:change=handler(move |event: ev::Event| {
                        complaint.set(String::new());
                        name.set(event_target_value(&event));
                    })
                >
                    {CONDITIONS
                        .map(|(name, text)| view! { <option value=name>{text}</option> })
                        .collect_view()}
                </select>
            </div>
            {value_fields(form)}
            <div>
                <label for="alert-of">"Symbol"</label>
                <select id="alert-of" node_ref=symbol on:change=handler(move |_| complaint.set(String::new()))>
                    <For
                        each=move || form.symbols()
                        key=|symbol| *symbol
                        children=|symbol| {
                            view! { <option value=symbol.to_string()>{symbol.to_string()}</option> }
                        }
                    />
                    <option value="*">"Any watchlist symbol"</option>
                </select>
            </div>
            <p class="complaint" id="alert-complaint" role="alert">
                {drawn(move || complaint.get())}
            </p>
            <button type="submit">"Add alert"</button>
        </form>
    }
}

/// The fields of the chosen condition: a price or percentage, or a type of news.
fn value_fields(form: Form) -> impl IntoView {
    let Form {
        value,
        kind,
        name,
        complaint,
        ..
    } = form;
    let label = move || match name.with(|name| name == "change") {
        true => "Percent",
        false => "Price",
    };
    let wrong = move || !complaint.with(String::is_empty);
    view! {
        <div hidden=drawn(move || form.is_news())>
            <label for="alert-value">{drawn(label)}</label>
            <input
                id="alert-value"
                type="text"
                inputmode="decimal"
                maxlength="40"
                aria-invalid=drawn(move || wrong().then_some("true"))
                aria-describedby="alert-complaint"
                // Only one of the two fields is shown. It gets the focus when the form opens.
                autofocus=""
                node_ref=value
                on:input=handler(move |_| complaint.set(String::new()))
            />
        </div>
        <div hidden=drawn(move || !form.is_news())>
            <label for="alert-type">"Type"</label>
            <select id="alert-type" autofocus="" node_ref=kind>
                {NewsType::ALL
                    .map(|kind| {
                        view! { <option value=word_of(kind)>{kind.label()}</option> }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}
