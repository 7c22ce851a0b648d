//! Joining and leaving the other tabs.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};

use super::{
    channel::Channel,
    connect::{self, depose, request_leadership},
    receive,
    source::{Peers, Shared},
    tab::Answer,
};
use crate::browser::environment;

/// Joins the other tabs. If the browser has no channel between them, each tab has its own stream.
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
    source.borrow_mut().peers.channel = channel;
    request_leadership(source, false);
    connect::look(source, false);
}

/// Leaves the other tabs, before the browser freezes this one.
fn leave(source: &Shared) {
    let mut this = source.borrow_mut();
    this.beat();
    this.post(&this.tab.bye());
    this.put_aside();
    this.peers = Peers::default();
}

/// Leaves the other tabs when the browser freezes this one or puts it into its cache, and joins them again afterwards.
pub(super) fn listen(source: &Shared) {
    let leaves = Rc::clone(source);
    let leave = Closure::<dyn Fn()>::new(move || leave(&leaves));
    let joins = Rc::clone(source);
    let join = Closure::<dyn Fn()>::new(move || {
        // A page is also shown when it is loaded.
        let away = joins.borrow_mut().aside.come_back();
        if away {
            join(&joins);
        }
    });
    let (window, document) = (window(), document());
    let add = |target: &web_sys::EventTarget, name: &str, closure: &Closure<dyn Fn()>| {
        // This cannot fail.
        let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    };
    add(&window, "pagehide", &leave);
    add(&window, "pageshow", &join);
    add(&document, "freeze", &leave);
    add(&document, "resume", &join);
    leave.forget();
    join.forget();
}
