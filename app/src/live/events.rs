use market::EventKind;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use super::aside::Close;

/// Whether a stream is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadyState {
    /// It is being opened or reopened.
    Connecting,
    /// It is open.
    Open,
    /// It is closed.
    Closed,
}

/// The browser's stream of events. Dropping it closes the stream.
pub(super) struct Events {
    stream: EventSource,
    listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Events {
    /// Opens the stream, and calls `receive` with the kind, the last id and the data of each event. `None` if the
    /// browser has no such streams.
    pub(super) fn open(
        address: &str,
        mut receive: impl FnMut(EventKind, &str, JsValue) + 'static,
    ) -> Option<Self> {
        let stream = EventSource::new(address).ok()?;
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(kind) = EventKind::named(&event.type_()) {
                receive(kind, &event.last_event_id(), event.data());
            }
        });
        for kind in EventKind::ALL {
            let listener = listener.as_ref().unchecked_ref();
            // This cannot fail.
            let _ = stream.add_event_listener_with_callback(kind.name(), listener);
        }
        Some(Events { stream, listener })
    }

    /// The state of the stream.
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
        // An event in flight must not be delivered.
        for kind in EventKind::ALL {
            let listener = self.listener.as_ref().unchecked_ref();
            let _ = self
                .stream
                .remove_event_listener_with_callback(kind.name(), listener);
        }
    }
}
