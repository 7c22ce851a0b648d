//! How a tab joins the others and leaves them.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

use super::{
    channel::Channel,
    connect::{self, depose, request_leadership},
    receive,
    source::Shared,
    tab::Answer,
};
use crate::browser::environment;

/// Joins the other tabs. Where the browser has no channel between them, each has a stream of
/// its own.
pub(super) fn join(source: &Shared) {
    let shared = Rc::clone(source);
    let channel = Channel::open(move |message| {
        let answer = shared.borrow_mut().tab.receive(message, environment::now());
        match answer {
            Answer::None => {}
            Answer::Take(passed) => receive::take(&shared, passed),
            Answer::Show(beat) => receive::take_beat(&shared, beat),
            Answer::Look => connect::look(&shared, false),
            Answer::Depose => depose(&shared),
        }
    });
    source.borrow_mut().channel = channel;
    request_leadership(source, false);
    connect::look(source, false);
}

/// Lets another tab lead, because this one is about to stand still.
fn leave(source: &Shared) {
    let mut this = source.borrow_mut();
    this.beat();
    this.post(&this.tab.bye());
    this.put_aside();
    this.channel = None;
    this.lock = None;
}

/// Leaves the other tabs where the browser puts this one aside, and comes back with it.
pub(super) fn listen(source: &Shared) {
    let leaves = Rc::clone(source);
    let leave = Closure::<dyn Fn()>::new(move || leave(&leaves));
    let joins = Rc::clone(source);
    let join = Closure::<dyn Fn()>::new(move || {
        // Each page is shown once without having been put aside.
        let away = joins.borrow_mut().aside.come_back();
        if away {
            join(&joins);
        }
    });
    let (window, document) = (window(), document());
    let hear = |target: &web_sys::EventTarget, name: &str, closure: &Closure<dyn Fn()>| {
        // It refuses nothing.
        let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    };
    hear(&window, "pagehide", &leave);
    hear(&window, "pageshow", &join);
    hear(&document, "freeze", &leave);
    hear(&document, "resume", &join);
    leave.forget();
    join.forget();
}
