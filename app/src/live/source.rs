use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_util::StreamExt;
use gloo_net::eventsource::{State as ReadyState, futures::EventSource};
use leptos::{logging::warn, prelude::*, task::spawn_local};
use market::{Event, Millis, Symbol};
use web_sys::MessageEvent;

use super::{State, connection::Connection, history::History};
use crate::{address, browser, dashboard::Dashboard, json};

/// Every event that a stream carries.
const EVENTS: [&str; 6] = ["message", "session", "bar", "news", "snapshot", "heartbeat"];
/// How often the state of the connection is looked at. An `EventSource` says nothing while it
/// tries again by itself, so this is also how late a lost connection is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest time between two drawings of the page's numbers.
const DRAW: Millis = 100;

struct Source {
    dashboard: Dashboard,
    /// What to listen to; `None` stands for everything.
    symbols: Option<Vec<Symbol>>,
    connection: Connection,
    stream: Option<EventSource>,
    history: History,
    /// Whether a drawing is due, and when the last one was.
    drawing: bool,
    drawn: Millis,
    /// Whether the browser has no `EventSource`.
    unsupported: bool,
}

/// Opens the stream after a position on the tape and follows it for as long as the page is open.
pub(crate) fn follow(dashboard: Dashboard, symbols: Option<Vec<Symbol>>, last_id: String) {
    let source = Rc::new(RefCell::new(Source {
        dashboard,
        symbols,
        connection: Connection::new(browser::now(), last_id),
        stream: None,
        history: History::default(),
        drawing: false,
        drawn: 0,
        unsupported: false,
    }));
    open(&source);
    let opener = Rc::clone(&source);
    Effect::new(move || {
        dashboard.open.track();
        opener.borrow_mut().history.fill(dashboard);
    });
    set_interval(move || look(&source), LOOK);
}

/// Opens a stream, and with that ends the one before.
fn open(source: &Rc<RefCell<Source>>) {
    let mut this = source.borrow_mut();
    // The old one is closed first: a browser allows six connections to a host.
    this.stream = None;
    let address = address::of_stream(this.symbols.as_deref(), this.connection.last_id());
    let Ok(mut stream) = EventSource::new(&address) else {
        this.unsupported = true;
        this.dashboard.set_connection(State::Unsupported);
        return;
    };
    // One task an event name. They keep the stream's order: a browser runs the tasks that an event
    // woke before it dispatches the next.
    for name in EVENTS {
        let Ok(mut events) = stream.subscribe(name) else {
            continue;
        };
        let source = Rc::clone(source);
        spawn_local(async move {
            // The stream of events ends with an error when the `EventSource` closes.
            while let Some(Ok((_, message))) = events.next().await {
                hear(&source, name, &message);
            }
        });
    }
    this.stream = Some(stream);
}

/// Takes one event.
fn hear(source: &Rc<RefCell<Source>>, name: &str, message: &MessageEvent) {
    let data = message.data().as_string().unwrap_or_default();
    let read = json::parse(&data)
        .and_then(|data| Event::read(name, data).map_err(|error| error.to_string()));
    let event = match read {
        Ok(event) => event,
        Err(error) => {
            warn!("an event was left out: {error}");
            return;
        }
    };
    let server_time = match &event {
        Event::Snapshot(snapshot) => Some(snapshot.time),
        Event::Heartbeat(heartbeat) => Some(heartbeat.time),
        _ => None,
    };
    let mut this = source.borrow_mut();
    this.connection
        .heard(browser::now(), &message.last_event_id(), server_time);
    let dashboard = this.dashboard;
    dashboard.receive(event);
    if !dashboard.is_live() {
        dashboard.set_connection(this.connection.state());
    }
    if !this.drawing {
        this.drawing = true;
        let rested = browser::now().saturating_sub(this.drawn);
        let source = Rc::clone(source);
        set_timeout(
            move || {
                let mut this = source.borrow_mut();
                this.drawing = false;
                this.drawn = browser::now();
                drop(this);
                dashboard.draw_changes();
            },
            Duration::from_millis(DRAW.saturating_sub(rested)),
        );
    }
}

/// Looks at the connection and lets time pass on the page.
fn look(source: &Rc<RefCell<Source>>) {
    let mut this = source.borrow_mut();
    let now = browser::now();
    match this.stream.as_ref().map(EventSource::state) {
        Some(ReadyState::Open) => this.connection.opened(now),
        Some(ReadyState::Connecting) => this.connection.dropped(now),
        Some(ReadyState::Closed) | None => this.connection.closed(now, browser::chance()),
    }
    let reopen = !this.unsupported && this.connection.tick(now, browser::chance());
    let dashboard = this.dashboard;
    if !this.unsupported {
        dashboard.set_connection(this.connection.state());
    }
    if dashboard.is_live() {
        this.history.fill(dashboard);
    }
    let server_time = this.connection.server_time(now);
    let silence = now.saturating_sub(this.connection.heard_at());
    drop(this);
    if reopen {
        open(source);
    }
    dashboard.tick(now, server_time, silence);
}
