//! The stream of this tab, while it leads: who opens it, when it is opened anew, and when polling takes its place.

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

/// Requests leadership: once no other tab has it, or at once.
pub(super) fn request_leadership(source: &Shared, steal: bool) {
    let mut this = source.borrow_mut();
    // The request of before is withdrawn first: it would queue behind this one.
    this.lock = None;
    if this.channel.is_some() {
        let (granted, ended) = (Rc::clone(source), Rc::clone(source));
        this.lock = Lock::request(steal, move || lead(&granted), move || depose(&ended));
    }
    if this.lock.is_none() {
        this.channel = None;
        drop(this);
        lead(source);
    }
}

fn lead(source: &Shared) {
    source.borrow_mut().lead();
    open(source);
    look(source, false);
}

/// Another tab leads.
pub(super) fn depose(source: &Shared) {
    source.borrow_mut().let_go();
    request_leadership(source, false);
    look(source, false);
}

/// Looks at the connection, and where a second `passed` lets time pass on the page.
pub(super) fn look(source: &Shared, passed: bool) {
    if stopped::is_stopped() {
        return;
    }
    let mut this = source.borrow_mut();
    if this.aside.is_away() {
        return;
    }
    this.aside.keep_closed();
    let now = environment::now();
    let mut task = Task::Rest;
    match this.tab.look(now, passed, environment::chance()) {
        Duty::Rest => {}
        Duty::Hello => this.post(&this.tab.hello()),
        Duty::Steal => {
            drop(this);
            // It takes the place of a leader that is silent.
            request_leadership(source, true);
            this = source.borrow_mut();
        }
        Duty::Open => {
            if let Some(link) = &mut this.link {
                link.run = 0;
                task = link.connection.renew(now);
            }
        }
    }
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
        this.history.fill(dashboard);
    }
    let server_time = this.server_time(now);
    let silence = now.saturating_sub(this.heard);
    this.beat();
    drop(this);
    match task {
        Task::Rest => {}
        Task::Open => open(source),
        Task::Ask { wait } => ask(
            source,
            if wait {
                MAX_POLL_WAIT.as_secs() as u32
            } else {
                0
            },
        ),
    }
    catch_up(source);
    if passed {
        dashboard.tick(now, server_time, silence);
    }
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

/// Opens the leader's stream, and with that ends the one before.
fn open(source: &Shared) {
    let mut this = source.borrow_mut();
    this.runs += 1;
    let run = this.runs;
    let wants = this.tab.tabs.carries().clone();
    let Some(link) = &mut this.link else { return };
    // The old one is closed first: a browser allows six connections to a host.
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

/// Takes one event of the stream that was opened in some run.
fn take_event(source: &Shared, run: u32, kind: EventKind, id: &str, data: JsValue) {
    if stopped::is_stopped() {
        return;
    }
    let mut this = source.borrow_mut();
    let now = environment::now();
    // One that was on its way when the page went over to another stream, or to polling, comes by that.
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
    link.connection.heard(now, id, server_time);
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

/// As the leader, asks for what came after the last id, and takes it where the stream does not bring
/// it.
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

/// Takes the answer to a poll that was sent in some run.
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
