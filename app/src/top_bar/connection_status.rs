use leptos::prelude::*;
use market::Millis;

use crate::{
    format::clock::{self, Zone},
    lean::reactive::drawn,
    live::state::State,
    state::dashboard::Dashboard,
};

/// How current the page is.
#[component]
pub(crate) fn ConnectionStatus() -> impl IntoView {
    let Dashboard {
        live,
        pause,
        person,
        ..
    } = expect_context::<Dashboard>();
    let (connection, behind) = (live.connection, live.behind);
    let zone = person.preferences.zone;
    let name = move || match (pause.paused.get(), behind.get()) {
        (true, _) => "paused",
        (false, behind) => state_name(connection.get(), behind),
    };
    let title = move || match connection.get() {
        State::Polling => Some(
            "Something on the way holds the stream back, so the page asks for what is new every \
             second. It goes back to the stream as soon as that comes through.",
        ),
        State::Crowded { .. } => Some(
            "The server has as many streams open as it allows, so the page asks for what is new every \
             few seconds. It goes back to the stream as soon as there is room.",
        ),
        _ => None,
    };
    view! {
        <div
            class="connection"
            role="group"
            aria-label="Connection"
            data-state=drawn(name)
            title=drawn(title)
        >
            {drawn(move || match (pause.paused.get(), connection.get()) {
                (false, state) => match behind.get().filter(|_| is_current(state)) {
                    Some(since) => {
                        format!("Not drawn since {}", clock::time_of_day(since, zone.get()))
                    }
                    None => state_text(state, zone.get()),
                },
                (true, State::Reconnecting { .. } | State::Stale { .. }) => {
                    format!("Paused · {}", state_text(connection.get(), zone.get()))
                }
                (true, _) => paused_text(pause.waiting.get()),
            })}
        </div>
    }
}

/// Whether received data is current in this state.
const fn is_current(state: State) -> bool {
    matches!(
        state,
        State::Live { .. } | State::Polling | State::Crowded { .. }
    )
}

/// How many updates of a paused page are pending.
fn paused_text(waiting: usize) -> String {
    let updates = if waiting == 1 { "update" } else { "updates" };
    format!("Paused · {waiting} {updates} pending")
}

/// The name of a state in the style sheets. A page that is `behind` with drawing is stale in any state.
pub(crate) const fn state_name(state: State, behind: Option<Millis>) -> &'static str {
    match state {
        _ if is_current(state) && behind.is_some() => "stale",
        State::Connecting => "connecting",
        State::Live { .. } => "live",
        State::Reconnecting { .. } => "reconnecting",
        State::Stale { .. } => "stale",
        State::Polling => "polling",
        State::Crowded { .. } => "crowded",
    }
}

fn state_text(state: State, zone: Zone) -> String {
    let clock = |time| clock::time_of_day(time, zone);
    match state {
        State::Connecting => "Connecting".to_owned(),
        State::Live { delay: None } => "Live".to_owned(),
        State::Live { delay: Some(delay) } => format!("Live · {delay} ms"),
        State::Reconnecting { since } => format!("Reconnecting since {}", clock(since)),
        State::Stale { since } => format!("Stale since {}", clock(since)),
        State::Polling => "Live (polling)".to_owned(),
        State::Crowded { pause } => {
            format!("Too many streams: updates every {}", clock::span(pause))
        }
    }
}
