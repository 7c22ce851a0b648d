use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_util::StreamExt;
use gloo_net::eventsource::{State as ReadyState, futures::EventSource};
use leptos::{logging::warn, prelude::*, task::spawn_local};
use market::{Event, Millis, Symbol};
use serde::Deserialize;
use wasm_bindgen::JsValue;
use web_sys::MessageEvent;

use super::{
    connection::{Connection, Task, Verdict},
    history::History,
    request,
};
use crate::{address, browser, dashboard::Dashboard, json};

/// Every event that a stream carries.
const EVENTS: [&str; 6] = ["message", "session", "bar", "news", "snapshot", "heartbeat"];
/// How often the state of the connection is looked at. An `EventSource` says nothing while it
/// tries again by itself, so this is also how late a lost connection is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest time between two drawings of the page's numbers.
const DRAW: Millis = 100;
/// How long the server may wait with the answer to a poll, in seconds: as long as it wants to.
const WAIT: u32 = 25;
/// After so long without a word, as when the machine slept, bars are fetched again: single prices of
/// that time are lost.
const GAP: Millis = 60_000;

/// What came after an id.
#[derive(Deserialize)]
struct Answer {
    events: Vec<Item>,
    last_event_id: String,
}

impl Answer {
    /// The events, but for those that are malformed.
    fn read(self) -> impl Iterator<Item = Event> {
        let events = self.events.into_iter();
        events.filter_map(|Item { event, data }| read(&event, Ok(data.into())))
    }
}

#[derive(Deserialize)]
struct Item {
    event: String,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    data: JsValue,
}

struct Source {
    dashboard: Dashboard,
    /// What to listen to; `None` stands for everything.
    symbols: Option<Vec<Symbol>>,
    /// Those of them of which nothing is known at the position that the stream resumes after.
    added: Vec<Symbol>,
    connection: Connection,
    stream: Option<EventSource>,
    history: History,
    /// Whether a drawing is due, and when the last one was.
    drawing: bool,
    drawn: Millis,
}

impl Source {
    /// Has the history fetched again where nothing was heard for long.
    fn notice_gap(&self) {
        if browser::now().saturating_sub(self.connection.heard_at()) >= GAP {
            self.dashboard.forget_history();
        }
    }
}

/// Opens the stream after a position on the tape and follows it for as long as the page is open.
pub(crate) fn follow(dashboard: Dashboard, symbols: Option<Vec<Symbol>>, last_id: String) {
    let source = Rc::new(RefCell::new(Source {
        dashboard,
        symbols,
        added: Vec::new(),
        connection: Connection::new(browser::now(), last_id),
        stream: None,
        history: History::default(),
        drawing: false,
        drawn: 0,
    }));
    open(&source);
    let opener = Rc::clone(&source);
    Effect::new(move || {
        dashboard.open.track();
        dashboard.range.track();
        opener.borrow_mut().history.fill(dashboard);
    });
    let follower = Rc::clone(&source);
    Effect::new(move || follow_also(&follower, &dashboard.followed.read()));
    set_interval(move || look(&source), LOOK);
}

/// Follows symbols besides those that are followed already: what is known of them comes first.
fn follow_also(source: &Rc<RefCell<Source>>, symbols: &[Symbol]) {
    let mut this = source.borrow_mut();
    let dashboard = this.dashboard;
    let is_new = |symbol: &Symbol| match &this.symbols {
        Some(followed) => !followed.contains(symbol),
        // Everything is followed, and what has not spoken yet is not known.
        None => !dashboard.knows(*symbol),
    };
    let new: Vec<Symbol> = symbols.iter().copied().filter(is_new).collect();
    if new.is_empty() {
        return;
    }
    if let Some(followed) = &mut this.symbols {
        followed.extend(&new);
    }
    if this.stream.is_some() {
        this.added.extend(new);
        drop(this);
        open(source);
        return;
    }
    // The next poll brings what comes of them, and this one what is known.
    let address = address::of_added(&new, this.connection.last_id());
    drop(this);
    let source = Rc::clone(source);
    spawn_local(async move {
        match request::get::<Answer>(&address, 0).await {
            Ok(answer) => show(&source, answer.read()),
            Err(error) => warn!("what is known of {new:?} did not come: {error}"),
        }
    });
}

/// Opens a stream, and with that ends the one before.
fn open(source: &Rc<RefCell<Source>>) {
    let mut this = source.borrow_mut();
    // The old one is closed first: a browser allows six connections to a host.
    this.stream = None;
    let address = address::of_stream(
        this.symbols.as_deref(),
        &this.added,
        this.connection.last_id(),
    );
    let Ok(mut stream) = EventSource::new(&address) else {
        this.connection.poll_only();
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

/// Takes one event of the stream.
fn hear(source: &Rc<RefCell<Source>>, name: &str, message: &MessageEvent) {
    // One that was on its way when the page went over to polling comes by that.
    if source.borrow().stream.is_none() {
        return;
    }
    let data = message.data().as_string().unwrap_or_default();
    let Some(event) = read(name, json::parse(&data)) else {
        return;
    };
    let server_time = match &event {
        Event::Snapshot(snapshot) => {
            source.borrow_mut().added.clear();
            Some(snapshot.time)
        }
        Event::Heartbeat(heartbeat) => Some(heartbeat.time),
        _ => None,
    };
    let mut this = source.borrow_mut();
    this.notice_gap();
    this.connection
        .heard(browser::now(), &message.last_event_id(), server_time);
    drop(this);
    show(source, [event]);
}

/// The event of a name and its data; none where it is malformed.
fn read(name: &str, data: Result<serde_wasm_bindgen::Deserializer, String>) -> Option<Event> {
    let read = data.and_then(|data| Event::read(name, data).map_err(|error| error.to_string()));
    match read {
        Ok(event) => Some(event),
        Err(error) => {
            warn!("an event was left out: {error}");
            None
        }
    }
}

/// Puts events on the page.
fn show(source: &Rc<RefCell<Source>>, events: impl IntoIterator<Item = Event>) {
    let mut this = source.borrow_mut();
    let dashboard = this.dashboard;
    for event in events {
        dashboard.receive(event);
    }
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

/// Asks for what came after the last id, and takes it where the stream does not bring it.
fn ask(source: &Rc<RefCell<Source>>, wait: u32) {
    let this = source.borrow();
    let address = address::of_poll(this.symbols.as_deref(), this.connection.last_id(), wait);
    drop(this);
    let source = Rc::clone(source);
    spawn_local(async move {
        let answer: Result<Answer, String> = request::get(&address, wait * 1_000).await;
        let mut this = source.borrow_mut();
        let now = browser::now();
        let Ok(answer) = answer else {
            this.connection.unanswered(now);
            return;
        };
        let verdict = this
            .connection
            .answered(now, answer.events.is_empty(), browser::chance());
        match verdict {
            Verdict::Leave => {}
            Verdict::Open => {
                drop(this);
                open(&source);
            }
            Verdict::Take => {
                this.stream = None;
                this.connection.polled(now, &answer.last_event_id);
                drop(this);
                show(&source, answer.read());
            }
        }
    });
}

/// Looks at the connection and lets time pass on the page.
fn look(source: &Rc<RefCell<Source>>) {
    let mut this = source.borrow_mut();
    let now = browser::now();
    this.notice_gap();
    match this.stream.as_ref().map(EventSource::state) {
        Some(ReadyState::Open) => this.connection.opened(now),
        Some(ReadyState::Connecting) => this.connection.dropped(now),
        Some(ReadyState::Closed) => this.connection.closed(now, browser::chance()),
        None => {}
    }
    let task = this.connection.tick(now, browser::chance());
    let dashboard = this.dashboard;
    dashboard.set_connection(this.connection.state());
    if dashboard.is_live() {
        this.history.fill(dashboard);
    }
    let server_time = this.connection.server_time(now);
    let silence = now.saturating_sub(this.connection.heard_at());
    drop(this);
    match task {
        Task::Rest => {}
        Task::Open => open(source),
        Task::Ask { wait } => ask(source, if wait { WAIT } else { 0 }),
    }
    dashboard.tick(now, server_time, silence);
}
