use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use market::{Event, EventKind, Millis, Symbol, wire::MAX_POLL_WAIT};
use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::{
    State,
    aside::Aside,
    channel::{Channel, Lock},
    connection::{Connection, Task, Verdict},
    events::{Events, ReadyState},
    history::History,
    pace::Pace,
    reader::Passed,
    request,
    tab::{Beat, Message, Tab},
    tabs::{Duty, Wants},
    together,
};
use crate::{
    address, browser, dashboard::Dashboard, json, json_value::Kept, reactive::effect,
    sorted::SortedSet, stopped,
};

/// How often the state of the connection is looked at. An `EventSource` says nothing while it
/// tries again by itself, so this is also how late a lost connection is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// After so long without a word, as when the machine slept, bars are fetched again: single prices of
/// that time are lost.
const GAP: Millis = 60_000;

/// What came after an id.
#[derive(Deserialize)]
struct Answer {
    events: Vec<Item>,
    last_event_id: String,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    id: Option<String>,
    event: String,
    data: Kept,
}

/// The stream of the tab that leads.
struct Link {
    connection: Connection,
    events: Option<Events>,
    /// Another number for each that was opened: what was asked for before is no answer after.
    run: u32,
}

/// What the page gets its events from: a stream of its own, or the tab that has it.
pub(super) struct Source {
    dashboard: Dashboard,
    pub(super) tab: Tab<JsValue>,
    link: Option<Link>,
    pub(super) channel: Option<Channel>,
    pub(super) lock: Option<Lock>,
    /// What the leader said of its stream last, and when.
    beat: Option<(Beat, Millis)>,
    /// Whether the browser has put this tab aside.
    pub(super) away: bool,
    /// The stream that it had then.
    aside: Aside<Events>,
    /// Symbols that the page wants since a moment ago and of which it knows nothing yet.
    added: SortedSet<Symbol>,
    /// When something was heard last, by this tab or the leader.
    heard: Millis,
    runs: u32,
    history: History,
    /// When the page's numbers are drawn.
    pace: Pace,
}

/// The source, as everything that is called by the browser holds it.
pub(super) type Shared = Rc<RefCell<Source>>;

impl Source {
    /// How current the page is.
    fn state(&self) -> State {
        if let Some(link) = &self.link {
            return link.connection.state();
        }
        match &self.beat {
            Some((beat, _)) if !self.tab.tabs.is_silent() => beat.state,
            Some(_) => State::Reconnecting { since: self.heard },
            None => State::Connecting,
        }
    }

    /// The server's time, as near as is known.
    fn server_time(&self, now: Millis) -> Option<Millis> {
        match (&self.link, &self.beat) {
            (Some(link), _) => link.connection.server_time(now),
            (None, Some((beat, said))) => {
                Some(beat.server_time?.saturating_add(now.saturating_sub(*said)))
            }
            (None, None) => None,
        }
    }

    /// Has the history fetched again where nothing was heard for long.
    fn notice_gap(&mut self, now: Millis) {
        if now.saturating_sub(self.heard) >= GAP {
            self.dashboard.forget_history();
            // Clocks drift while a machine sleeps, or are set.
            if let Some(link) = &mut self.link {
                link.connection.forget_skew();
            }
        }
    }

    /// Something was heard.
    fn hears(&mut self, now: Millis) {
        self.notice_gap(now);
        self.heard = now;
    }

    pub(super) fn post(&self, message: &Message<JsValue>) {
        if let Some(channel) = &self.channel {
            channel.post(message);
        }
    }

    /// As the leader, says how the stream is.
    pub(super) fn beat(&self) {
        let Some(link) = &self.link else { return };
        let connection = &link.connection;
        let tabs = &self.tab.tabs;
        self.post(&Message::Beat(Beat {
            term: tabs.term(),
            position: connection.last_id().to_owned(),
            carries: tabs.carries().clone(),
            state: connection.state(),
            heard: self.heard,
            server_time: connection.server_time(browser::now()),
        }));
    }

    /// From now on this tab has the stream; it still has to be opened.
    pub(super) fn lead(&mut self) {
        let now = browser::now();
        self.tab.lead(now);
        self.runs += 1;
        self.link = Some(Link {
            connection: Connection::new(now, self.tab.reader.position().to_owned()),
            events: None,
            run: self.runs,
        });
    }

    /// The browser puts this tab aside: its stream is closed, and stays so.
    pub(super) fn put_aside(&mut self) {
        let stream = self.link.as_mut().and_then(|link| link.events.take());
        self.aside.put(stream);
        self.let_go();
        self.away = true;
    }

    /// The browser shows this tab again. Whether it was put aside.
    pub(super) fn come_back(&mut self) -> bool {
        self.aside.keep_closed();
        std::mem::take(&mut self.away)
    }

    /// From now on this tab has no stream.
    pub(super) fn let_go(&mut self) {
        self.link = None;
        self.beat = None;
        self.tab.tabs.follow();
    }

    /// As the leader, heard an event: passes it on, and gives it back where it is to be taken.
    fn pass(&mut self, passed: Passed<JsValue>) -> Option<Passed<JsValue>> {
        if self.channel.is_some() {
            self.post(&Message::Passed {
                term: self.tab.tabs.term(),
                passed: passed.clone(),
            });
        }
        self.tab.hear(passed)
    }
}

/// Follows the stream after a position on the tape for as long as the page is open.
pub(crate) fn follow(dashboard: Dashboard, symbols: Option<Vec<Symbol>>, last_id: String) {
    let now = browser::now();
    // Any number but 0, and small enough to be one of the browser's.
    let id = 1 + (browser::chance() * (1_u64 << 52) as f64) as u64;
    let wants = symbols.map_or(Wants::All, |symbols| {
        Wants::These(symbols.into_iter().collect())
    });
    let source = Rc::new(RefCell::new(Source {
        dashboard,
        tab: Tab::new(id, wants, last_id),
        link: None,
        channel: None,
        lock: None,
        beat: None,
        away: false,
        aside: Aside::default(),
        added: SortedSet::new(),
        heard: now,
        runs: 0,
        history: History::default(),
        pace: Pace::default(),
    }));
    together::join(&source);
    together::listen(&source);
    let opener = Rc::clone(&source);
    effect(move || {
        dashboard.open.track();
        dashboard.range.track();
        opener.borrow_mut().history.fill(dashboard);
    });
    let follower = Rc::clone(&source);
    Effect::new(move |before: Option<usize>| {
        let followed = dashboard.followed.get();
        follow_also(&follower, &followed[before.unwrap_or(0)..]);
        followed.len()
    });
    set_interval(move || look(&source, true), LOOK);
}

/// Follows symbols besides those that are followed already: what is known of them is asked for as of the
/// page's position, and all is followed from there.
fn follow_also(source: &Shared, symbols: &[Symbol]) {
    let mut this = source.borrow_mut();
    let dashboard = this.dashboard;
    let is_unknown = |symbol: &&Symbol| match this.tab.tabs.wants() {
        Wants::These(wanted) => !wanted.contains(*symbol),
        // Everything is followed, and what has not spoken yet is not known.
        Wants::All => !dashboard.knows(**symbol),
    };
    let unknown: Vec<Symbol> = symbols.iter().filter(is_unknown).copied().collect();
    if unknown.is_empty() {
        return;
    }
    let mut wants = this.tab.tabs.wants().clone();
    if let Wants::These(wanted) = &mut wants {
        wanted.extend(&unknown);
    }
    this.tab.tabs.want(wants);
    this.added.extend(unknown);
    this.tab.reader.miss();
    drop(this);
    look(source, false);
}

/// Opens the leader's stream, and with that ends the one before.
pub(super) fn open(source: &Shared) {
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
        hear(&shared, run, kind, id, data);
    }) {
        Some(events) => link.events = Some(events),
        None => link.connection.poll_only(),
    }
    this.beat();
}

/// Takes one event of the stream that was opened in some run.
fn hear(source: &Shared, run: u32, kind: EventKind, id: &str, data: JsValue) {
    if stopped::is_stopped() {
        return;
    }
    let mut this = source.borrow_mut();
    let now = browser::now();
    // One that was on its way when the page went over to another stream, or to polling, comes by that.
    let current = |link: &&mut Link| link.run == run && link.events.is_some();
    if this.link.as_mut().filter(current).is_none() {
        return;
    }
    this.hears(now);
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

/// What was passed on is an event; none where it is malformed.
fn event(passed: Passed<JsValue>) -> Option<Event> {
    let Passed { kind, data, .. } = passed;
    let kind = kind?;
    let data = match data.as_string() {
        Some(text) => json::parse(&text),
        None => Ok(data),
    };
    let read = data.and_then(|data| json::read_value(&data, |data| Event::read(kind, data)));
    read.inspect_err(|error| json::leave_out("an event", error))
        .ok()
}

/// Puts events on the page, as far as they are its own.
fn show(source: &Shared, events: impl IntoIterator<Item = Event>) {
    let mut this = source.borrow_mut();
    let dashboard = this.dashboard;
    for event in events {
        if this.tab.tabs.wants().has(&event) {
            dashboard.receive(event);
        }
    }
    if !dashboard.is_live() {
        dashboard.set_connection(this.state());
        if dashboard.is_live() {
            this.beat();
        }
    }
    if dashboard.pause.is_still() {
        return;
    }
    if let Some(wait) = this.pace.change(browser::now()) {
        let source = Rc::clone(source);
        set_timeout(
            move || {
                source.borrow_mut().pace.begin(browser::now());
                dashboard.draw_changes();
                // Not before it is drawn: what stops on the way has drawn nothing.
                source.borrow_mut().pace.end();
            },
            Duration::from_millis(wait),
        );
    }
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
        let mut this = source.borrow_mut();
        let now = browser::now();
        let Some(link) = this.link.as_mut().filter(|link| link.run == run) else {
            return;
        };
        let connection = &mut link.connection;
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => {
                match failure.retry_after {
                    Some(pause) => connection.crowded(now, pause, browser::chance()),
                    None => connection.unanswered(now),
                }
                if failure.is_unknown {
                    this.tab.tabs.carry_all(now);
                    drop(this);
                    look(&source, false);
                }
                return;
            }
        };
        match connection.answered(now, answer.events.is_empty(), browser::chance()) {
            Verdict::Leave => {}
            Verdict::Open => {
                drop(this);
                open(&source);
            }
            Verdict::Take => {
                link.events = None;
                let mut before = connection.last_id().to_owned();
                connection.polled(now, &answer.last_event_id);
                this.hears(now);
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
                show(&source, taken.into_iter().filter_map(event));
                catch_up(&source);
            }
        }
    });
}

/// Asks for what this tab alone missed, if it did.
fn catch_up(source: &Shared) {
    let mut this = source.borrow_mut();
    let Some(question) = this.tab.reader.ask(browser::now()) else {
        return;
    };
    let wants = this.tab.tabs.asks().symbols();
    let added: Vec<Symbol> = std::mem::take(&mut this.added).into_iter().collect();
    let position = this.tab.reader.position();
    let address = match added.is_empty() {
        true => address::of_poll(wants.as_deref(), position, 0),
        false => address::of_added(wants.as_deref(), &added, position),
    };
    drop(this);
    let source = Rc::clone(source);
    spawn_local(async move {
        let answer: Result<Answer, _> = request::ask(&address, 0).await;
        let mut this = source.borrow_mut();
        let Ok(answer) = answer else {
            this.tab.reader.unanswered(question, browser::now());
            this.added.extend(added);
            return;
        };
        let Some(waited) = this.tab.answered(question, &answer.last_event_id) else {
            if !added.is_empty() {
                this.added.extend(added);
                this.tab.reader.miss();
            }
            return;
        };
        drop(this);
        let answered = answer.events.into_iter().map(|item| Passed {
            before: String::new(),
            id: String::new(),
            kind: EventKind::named(&item.event),
            data: item.data.0,
        });
        show(&source, answered.chain(waited).filter_map(event));
    });
}

/// Takes what another tab passed on.
pub(super) fn take(source: &Shared, passed: Passed<JsValue>) {
    if stopped::is_stopped() {
        return;
    }
    source.borrow_mut().hears(browser::now());
    show(source, event(passed));
}

/// Shows how the leader's stream is.
pub(super) fn take_beat(source: &Shared, beat: Beat) {
    let mut this = source.borrow_mut();
    this.notice_gap(beat.heard);
    this.heard = beat.heard;
    this.beat = Some((beat, browser::now()));
    this.dashboard.set_connection(this.state());
    drop(this);
    catch_up(source);
}

/// Looks at the connection, and where a second `passed` lets time pass on the page.
pub(super) fn look(source: &Shared, passed: bool) {
    if stopped::is_stopped() {
        return;
    }
    let mut this = source.borrow_mut();
    if this.away {
        return;
    }
    this.aside.keep_closed();
    let now = browser::now();
    let mut task = Task::Rest;
    match this.tab.look(now, passed, browser::chance()) {
        Duty::Rest => {}
        Duty::Hello => this.post(&this.tab.hello()),
        Duty::Steal => {
            drop(this);
            together::steal(source);
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
            match link.events.as_ref().map(Events::state) {
                Some(ReadyState::Open) => link.connection.opened(now),
                Some(ReadyState::Connecting) => link.connection.dropped(now),
                Some(ReadyState::Closed) => link.connection.closed(now, browser::chance()),
                None => {}
            }
            task = link.connection.tick(now, browser::chance());
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
