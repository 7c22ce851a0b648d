use leptos::prelude::*;

use crate::{
    alerts::{alert::Alert, form::AlertForm},
    browser::notification::{self, Permission},
    format::clock,
    lean::{
        reactive::{drawn, effect, handler},
        signal::RwSignal,
    },
    state::dashboard::Dashboard,
};

/// The button of the alerts, and their panel: the form, the list, and the permission for notifications.
#[component]
pub(crate) fn AlertPanel() -> impl IntoView {
    let alerts = expect_context::<Dashboard>().person.alerts;
    let empty = move || alerts.list.with(Vec::is_empty);
    view! {
        <button
            class="bar-button"
            type="button"
            popovertarget="alerts"
            aria-label="Alerts"
            aria-keyshortcuts="a"
            title="Alerts"
        >
            <svg viewBox="0 0 16 16" aria-hidden="true">
                <path d="M3 12h10c-1-1-1.5-2-1.5-5a3.5 3.5 0 0 0-7 0C4.5 10 4 11 3 12Zm3.5 0a1.5 1.5 0 0 0 3 0M8 3.5V2" />
            </svg>
        </button>
        <section class="popover alerts" id="alerts" popover="auto" aria-label="Alerts">
            <AlertForm />
            <ul aria-label="Your alerts">
                <For
                    each=move || alerts.list.get()
                    key=|alert| (alert.id, alert.armed, alert.fired, alert.near.is_empty())
                    children=|alert| view! { <Item alert /> }
                />
            </ul>
            <p class="muted" hidden=drawn(move || !empty())>
                "No alerts yet. Alerts are stored in this browser and checked while this page is open."
            </p>
            <Notifications />
        </section>
    }
}

/// One alert.
#[component]
fn Item(alert: Alert) -> impl IntoView {
    let dashboard = expect_context::<Dashboard>();
    let alerts = dashboard.person.alerts;
    let words = alert.words();
    let (id, fired) = (alert.id, alert.fired);
    let is_beyond = alert.is_beyond_already();
    let state = move || match fired {
        Some(time) => {
            let zone = dashboard.person.preferences.zone.get();
            format!("Triggered {}", clock::exact(time, zone))
        }
        None if is_beyond => "Condition already met; will trigger on the next crossing".to_owned(),
        None => "Active".to_owned(),
    };
    view! {
        <li>
            <span class="alert-words">{words.clone()}</span>
            <span class="muted">{drawn(state)}</span>
            <button
                type="button"
                hidden=fired.is_none()
                aria-label=format!("Reactivate: {words}")
                on:click=handler(move |_| alerts.arm(id, dashboard.clock.now.get_untracked()))
            >
                "Reactivate"
            </button>
            <button
                type="button"
                aria-label=format!("Remove: {words}")
                on:click=handler(move |_| alerts.remove(id))
            >
                "Remove"
            </button>
        </li>
    }
}

/// Whether the browser shows notifications, and a button that asks for them. It is asked only by a click.
#[component]
fn Notifications() -> impl IntoView {
    let permission = RwSignal::new(Permission::default());
    effect(move || permission.set(notification::permission()));
    let text = move || match permission.get() {
        Permission::Unasked => "Alerts are shown on this page.",
        Permission::Granted => "Alerts are shown on this page and by the browser.",
        Permission::Denied => {
            "Alerts are shown on this page alone: this browser does not allow the page to notify you. \
             Its settings for this site can."
        }
        Permission::Missing => {
            "Alerts are shown on this page alone: this browser has no notifications."
        }
    };
    view! {
        <p class="muted" role="status">
            {drawn(text)}
        </p>
        <button
            type="button"
            hidden=drawn(move || permission.get() != Permission::Unasked)
            on:click=handler(move |_| notification::ask(move |answer| permission.set(answer)))
        >
            "Enable browser notifications"
        </button>
    }
}
