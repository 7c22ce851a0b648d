use futures_util::StreamExt;
use gloo_net::eventsource::{State, futures::EventSource};
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsValue;

use super::EVENTS;

/// The browser's stream of events. It ends when this is dropped.
pub(super) struct Events(EventSource);

impl Events {
    /// Opens it; `hear` gets each event with its name, the last id and its data. None where the browser
    /// has no such streams.
    pub(super) fn open(
        address: &str,
        hear: impl Fn(&'static str, &str, JsValue) + 'static,
    ) -> Option<Self> {
        let mut stream = EventSource::new(address).ok()?;
        let hear = Rc::new(hear);
        // One task an event name. They keep the stream's order: a browser runs the tasks that an event
        // woke before it dispatches the next.
        for name in EVENTS {
            let Ok(mut events) = stream.subscribe(name) else {
                continue;
            };
            let hear = Rc::clone(&hear);
            spawn_local(async move {
                // The stream of events ends with an error when the `EventSource` closes.
                while let Some(Ok((_, message))) = events.next().await {
                    hear(name, &message.last_event_id(), message.data());
                }
            });
        }
        Some(Events(stream))
    }

    /// Whether it is open.
    pub(super) fn state(&self) -> State {
        self.0.state()
    }
}
