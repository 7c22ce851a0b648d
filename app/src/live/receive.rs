//! Applies events of the stream, of other tabs and of answers to the page.

use std::{rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use market::{Event, EventKind, Symbol};
use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::{reader::Passed, request, source::Shared, tab::Beat};
use crate::{
    browser::{environment, json, json_value::Kept},
    document::stopped,
    state::address,
};

/// The events after an id.
#[derive(Deserialize)]
pub(super) struct Answer {
    pub(super) events: Vec<Item>,
    pub(super) last_event_id: String,
}

#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(default)]
    pub(super) id: Option<String>,
    pub(super) event: String,
    pub(super) data: Kept,
}

/// The event that was passed on; `None` if it is malformed.
pub(super) fn event(passed: Passed<JsValue>) -> Option<Event> {
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

/// Applies the events that this tab wants to the page.
pub(super) fn show(source: &Shared, events: impl IntoIterator<Item = Event>) {
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
    if let Some(wait) = this.pace.change(environment::now()) {
        let source = Rc::clone(source);
        set_timeout(
            move || {
                source.borrow_mut().pace.begin(environment::now());
                dashboard.draw_changes();
                // Only after drawing: a panic before means that nothing was drawn.
                source.borrow_mut().pace.end();
            },
            Duration::from_millis(wait),
        );
    }
}

/// Requests events that only this tab missed, if there are any.
pub(super) fn catch_up(source: &Shared) {
    let mut this = source.borrow_mut();
    let Some(question) = this.tab.reader.ask(environment::now()) else {
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
            this.tab.reader.unanswered(question, environment::now());
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

/// Takes an event that another tab passed on.
pub(super) fn take(source: &Shared, passed: Passed<JsValue>) {
    if stopped::is_stopped() {
        return;
    }
    source.borrow_mut().note_contact(environment::now());
    show(source, event(passed));
}

/// Shows the state of the leader's stream.
pub(super) fn take_beat(source: &Shared, beat: Beat) {
    let mut this = source.borrow_mut();
    this.notice_gap(beat.received_at);
    this.received_at = beat.received_at;
    this.beat = Some((beat, environment::now()));
    this.dashboard.set_connection(this.state());
    drop(this);
    catch_up(source);
}
