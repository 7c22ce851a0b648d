use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use super::{
    aside::Close,
    names::{EVENTS, known},
};

/// Whether a stream is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyState {
    /// It is being opened, or opened anew.
    Connecting,
    /// It is open.
    Open,
    /// It is closed.
    Closed,
}

/// The browser's stream of events. It ends when this is dropped.
pub(super) struct Events {
    stream: EventSource,
    hear: Closure<dyn FnMut(MessageEvent)>,
}

impl Events {
    /// Opens it; `hear` is called with each event with its name, the last id and its data. None where the browser
    /// has no such streams.
    pub(super) fn open(
        address: &str,
        mut hear: impl FnMut(&'static str, &str, JsValue) + 'static,
    ) -> Option<Self> {
        let stream = EventSource::new(address).ok()?;
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            hear(known(&event.type_()), &event.last_event_id(), event.data());
        });
        for name in EVENTS {
            // It refuses nothing.
            let _ = stream.add_event_listener_with_callback(name, hear.as_ref().unchecked_ref());
        }
        Some(Events { stream, hear })
    }

    /// Whether it is open.
    pub(super) fn state(&self) -> ReadyState {
        match self.stream.ready_state() {
            EventSource::CONNECTING => ReadyState::Connecting,
            EventSource::OPEN => ReadyState::Open,
            _ => ReadyState::Closed,
        }
    }
}

impl Close for Events {
    fn close(&self) {
        self.stream.close();
    }

    fn is_closed(&self) -> bool {
        self.state() == ReadyState::Closed
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.close();
        // An event that is on its way finds nobody.
        for name in EVENTS {
            let hear = self.hear.as_ref().unchecked_ref();
            let _ = self.stream.remove_event_listener_with_callback(name, hear);
        }
    }
}
