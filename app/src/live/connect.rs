//! The stream of this tab while it leads: opening, reopening, and polling in its place.

use std::rc::Rc;

use leptos::task::spawn_local;
use market::{EventKind, Millis, wire::MAX_POLL_WAIT};
use wasm_bindgen::JsValue;

use super::{
    channel::Lock,
    events::{Events, ReadyState},
    reader::Passed,
    receive::{Answer, Item, catch_up, event, show},
    request::{self, Failure},
    source::{Link, Shared},
    tabs::Duty,
    task::{Task, Verdict},
};
use crate::{
    browser::{environment, json, json_value::Kept},
    document::stopped,
    state::address,
};

/// Requests leadership: once no other tab has it, or with `steal` at once.
pub(super) fn request_leadership(source: &Shared, steal: bool) {
    let mut this = source.borrow_mut();
    // The earlier request is withdrawn first: it would queue behind this one.
    this.peers.lock = None;
    if this.peers.channel.is_some() {
        let (granted, ended) = (Rc::clone(source), Rc::clone(source));
        this.peers.lock = Lock::request(steal, move || lead(&granted), move || depose(&ended));
    }
    if this.peers.lock.is_none() {
        this.peers.channel = None;
        drop(this);
        lead(source);
    }
}

fn lead(source: &Shared) {
    source.borrow_mut().lead();
    open(source);
    look(source, false);
}

/// Gives up the stream, because another tab leads.
pub(super) fn depose(source: &Shared) {
    source.borrow_mut().let_go();
    request_leadership(source, false);
    look(source, false);
}

/// Checks the connection. `passed` is whether a second has passed, for which the page's clock advances.
pub(super) fn look(source: &Shared, passed: bool) {
    if stopped::is_stopped() {
        return;
    }
    let this = source.borrow();
    if this.aside.is_away() {
        return;
    }
    this.aside.keep_closed();
    drop(this);
    let now = environment::now();
    let mut task = do_duty(source, now, passed);
    let mut this = source.borrow_mut();
    if let Some(link) = &mut this.link {
        if task == Task::Rest {
            task = tick(link, now);
        }
        this.notice_gap(now);
    }
    let dashboard = this.dashboard;
    dashboard.set_connection(this.state());
    if dashboard.pause.is_still() {
        this.pace.end();
    }
    dashboard.set_behind(this.pace.behind(now));
    if dashboard.is_live() {
        this.bars.fill(dashboard);
    }
    let server_time = this.server_time(now);
    let silence = now.saturating_sub(this.received_at);
    this.beat();
    drop(this);
    match task {
        Task::Rest => {}
        Task::Open => open(source),
        Task::Ask { wait: true } => ask(source, MAX_POLL_WAIT.as_secs() as u32),
        Task::Ask { wait: false } => ask(source, 0),
    }
    catch_up(source);
    if passed {
        dashboard.tick(now, server_time, silence);
    }
}

/// Does what this tab has to do as one of several, and returns what has to be done for its stream because of that.
fn do_duty(source: &Shared, now: Millis, passed: bool) -> Task {
    let mut this = source.borrow_mut();
    match this.tab.look(now, passed, environment::chance()) {
        Duty::Rest => {}
        Duty::Hello => this.post(&this.tab.hello()),
        Duty::Steal => {
            drop(this);
            // This tab replaces a silent leader.
            request_leadership(source, true);
        }
        Duty::Open => {
            if let Some(link) = &mut this.link {
                link.run = 0;
                return link.connection.renew(now);
            }
        }
    }
    Task::Rest
}

/// Records the state of the stream, and returns what has to be done for it now.
fn tick(link: &mut Link, now: Millis) -> Task {
    match link.events.as_ref().map(Events::state) {
        Some(ReadyState::Open) => link.connection.opened(now),
        Some(ReadyState::Connecting) => link.connection.dropped(now),
        Some(ReadyState::Closed) => link.connection.closed(now, environment::chance()),
        None => {}
    }
    link.connection.tick(now, environment::chance())
}

/// Opens the leader's stream, and closes the previous one.
fn open(source: &Shared) {
    let mut this = source.borrow_mut();
    this.runs += 1;
    let run = this.runs;
    let wants = this.tab.tabs.carries().clone();
    let Some(link) = &mut this.link else { return };
    // The old stream is closed first: a browser allows six connections per host.
    link.events = None;
    link.run = run;
    let address = address::of_stream(wants.symbols().as_deref(), link.connection.last_id());
    let shared = Rc::clone(source);
    match Events::open(&address, move |kind, id, data| {
        take_event(&shared, run, kind, id, data);
    }) {
        Some(events) => link.events = Some(events),
        None => link.connection.poll_only(),
    }
    this.beat();
}

/// Takes an event of the stream that was opened in `run`.
fn take_event(source: &Shared, run: u32, kind: EventKind, id: &str, data: JsValue) {
    if stopped::is_stopped() {
        return;
    }
    let mut this = source.borrow_mut();
    let now = environment::now();
    // An event that was in flight when the page changed to another stream, or to polling, comes again that way.
    let current = |link: &&mut Link| link.run == run && link.events.is_some();
    if this.link.as_mut().filter(current).is_none() {
        return;
    }
    this.note_contact(now);
    let Some(link) = &mut this.link else { return };
    let server_time = match kind.has_server_time() {
        true => json::time_of(&data),
        false => None,
    };
    let before = link.connection.last_id().to_owned();
    link.connection.receive(now, id, server_time);
    let taken = match kind {
        EventKind::Heartbeat => None,
        EventKind::Quote
        | EventKind::Session
        | EventKind::Bar
        | EventKind::News
        | EventKind::Snapshot => this.pass(Passed {
            before,
            id: id.to_owned(),
            kind: Some(kind),
            data,
        }),
    };
    drop(this);
    show(source, taken.and_then(event));
    catch_up(source);
}

/// As the leader, polls for events after the last id, and takes them if the stream does not send them.
fn ask(source: &Shared, wait: u32) {
    let this = source.borrow();
    let Some(link) = &this.link else { return };
    let run = link.run;
    let carries = this.tab.tabs.carries();
    let address = address::of_poll(
        carries.symbols().as_deref(),
        link.connection.last_id(),
        wait,
    );
    drop(this);
    let source = Rc::clone(source);
    spawn_local(async move {
        let answer: Result<Answer, _> = request::ask(&address, wait * 1_000).await;
        take_answer(&source, run, answer);
    });
}

/// Takes the answer to a poll that was sent in `run`.
fn take_answer(source: &Shared, run: u32, answer: Result<Answer, Failure>) {
    let mut this = source.borrow_mut();
    let now = environment::now();
    let Some(link) = this.link.as_mut().filter(|link| link.run == run) else {
        return;
    };
    let connection = &mut link.connection;
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            match failure.retry_after {
                Some(pause) => connection.crowded(now, pause, environment::chance()),
                None => connection.unanswered(now),
            }
            if failure.is_unknown {
                this.tab.tabs.carry_all(now);
                drop(this);
                look(source, false);
            }
            return;
        }
    };
    match connection.answered(now, answer.events.is_empty(), environment::chance()) {
        Verdict::Leave => {}
        Verdict::Open => {
            drop(this);
            open(source);
        }
        Verdict::Take => {
            link.events = None;
            let mut before = connection.last_id().to_owned();
            connection.polled(now, &answer.last_event_id);
            this.note_contact(now);
            let end = Item {
                id: Some(answer.last_event_id),
                event: String::new(),
                data: Kept(JsValue::NULL),
            };
            let mut taken = Vec::new();
            for item in answer.events.into_iter().chain([end]) {
                let Some(id) = item.id else { continue };
                taken.extend(this.pass(Passed {
                    before: std::mem::replace(&mut before, id.clone()),
                    id,
                    kind: EventKind::named(&item.event),
                    data: item.data.0,
                }));
            }
            drop(this);
            show(source, taken.into_iter().filter_map(event));
            catch_up(source);
        }
    }
}
