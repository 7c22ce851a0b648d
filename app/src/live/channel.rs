use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::window;
use market::{EventKind, Symbol};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::{
    reader::Passed,
    state::State,
    tab::{Beat, Message},
    tabs::Wants,
};

/// The name of the channel and of the lock. The number changes with the format of messages.
const NAME: &str = "tickertape 1";

/// The channel between the tabs of a browser.
pub(super) struct Channel {
    channel: BroadcastChannel,
    // Kept as long as the channel may call it.
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// Opens the channel, and calls `receive` with the messages of other tabs. `None` if the browser has no such
    /// channels.
    pub(super) fn open(mut receive: impl FnMut(Message<JsValue>) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(NAME).ok()?;
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = read(&event.data()) {
                receive(message);
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Some(Channel {
            channel,
            _listener: listener,
        })
    }

    /// Sends a message to all others.
    pub(super) fn post(&self, message: &Message<JsValue>) {
        // This fails only if the channel is closed.
        let _ = self.channel.post_message(&written(message));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

/// A message as a list: its kind and its parts.
fn written(message: &Message<JsValue>) -> JsValue {
    let list = Array::new();
    let number = |number: u64| {
        list.push(&(number as f64).into());
    };
    let text = |text: &str| {
        list.push(&text.into());
    };
    match message {
        Message::Beat(beat) => {
            number(0);
            number(beat.term);
            text(&beat.position);
            list.push(&symbols(&beat.carries));
            let (state, detail) = beat.state.parts();
            number(state.into());
            number(detail);
            number(beat.received_at);
            list.push(&beat.server_time.map(|time| time as f64).into());
        }
        Message::Passed { term, passed } => {
            number(1);
            number(*term);
            text(&passed.before);
            text(&passed.id);
            text(passed.kind.map_or("", EventKind::name));
            list.push(&passed.data);
        }
        Message::Hello { tab, term, wants } => {
            number(2);
            number(*tab);
            number(*term);
            list.push(&symbols(wants));
        }
        Message::Bye { tab } => {
            number(3);
            number(*tab);
        }
    }
    list.into()
}

/// The message of a list; `None` if it is malformed.
fn read(list: &JsValue) -> Option<Message<JsValue>> {
    let list = list.dyn_ref::<Array>()?;
    let number = |at| list.get(at).as_f64().map(|number| number as u64);
    let text = |at| list.get(at).as_string();
    Some(match number(0)? {
        0 => Message::Beat(Beat {
            term: number(1)?,
            position: text(2)?,
            carries: wants(&list.get(3))?,
            state: State::of_parts(number(4)?, number(5)?),
            received_at: number(6)?,
            server_time: number(7),
        }),
        1 => {
            let name = text(4)?;
            Message::Passed {
                term: number(1)?,
                passed: Passed {
                    before: text(2)?,
                    id: text(3)?,
                    kind: EventKind::named(&name),
                    data: list.get(5),
                },
            }
        }
        2 => Message::Hello {
            tab: number(1)?,
            term: number(2)?,
            wants: wants(&list.get(3))?,
        },
        3 => Message::Bye { tab: number(1)? },
        _ => return None,
    })
}

fn symbols(wants: &Wants) -> JsValue {
    match wants {
        Wants::All => JsValue::NULL,
        Wants::These(symbols) => {
            let list = Array::new();
            for symbol in symbols {
                list.push(&symbol.as_str().into());
            }
            list.into()
        }
    }
}

fn wants(value: &JsValue) -> Option<Wants> {
    if value.is_null() {
        return Some(Wants::All);
    }
    let names = value.dyn_ref::<Array>()?.iter();
    let symbols = names.map(|name| name.as_string()?.parse::<Symbol>().ok());
    Some(Wants::These(symbols.collect::<Option<_>>()?))
}

/// A request for leadership, or leadership itself, until this is dropped.
pub(super) struct Lock {
    release: Rc<RefCell<Option<Function>>>,
    request: AbortController,
}

impl Lock {
    /// Requests the browser's lock: once it is free, or with `steal` at once, taking it from the tab that has it.
    /// `granted` is called when this tab gets the lock, `ended` when it loses it. `None` if the browser has no locks,
    /// or none for this page, such as one loaded by plain HTTP from another machine.
    pub(super) fn request(
        steal: bool,
        granted: impl FnOnce() + 'static,
        ended: impl FnOnce() + 'static,
    ) -> Option<Self> {
        let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
        let request = Reflect::get(&locks, &"request".into()).ok()?;
        let request = request.dyn_into::<Function>().ok()?;
        let lock = Lock {
            release: Rc::default(),
            request: AbortController::new().ok()?,
        };
        let options = Object::new();
        // The two options exclude each other: a stolen lock is granted at once.
        let (name, value) = match steal {
            true => ("steal", JsValue::TRUE),
            false => ("signal", lock.request.signal().into()),
        };
        Reflect::set(&options, &name.into(), &value).ok()?;
        let (release, signal) = (Rc::clone(&lock.release), lock.request.signal());
        // The lock is held until this promise is fulfilled.
        let hold = Closure::once_into_js(move || {
            if signal.aborted() {
                return JsValue::UNDEFINED;
            }
            let held = Promise::new(&mut |keep, _| {
                release.replace(Some(keep));
            });
            granted();
            held.into()
        });
        let promise = request.call3(&locks, &NAME.into(), &options, &hold).ok()?;
        let signal = lock.request.signal();
        // The promise is rejected if the lock was stolen or the request withdrawn.
        let failed = Closure::once(move |_: JsValue| {
            if !signal.aborted() {
                ended();
            }
        });
        let _ = promise.dyn_into::<Promise>().ok()?.catch(&failed);
        failed.forget();
        Some(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.request.abort();
        if let Some(keep) = self.release.take() {
            // This function of the browser does not throw.
            let _ = keep.call0(&JsValue::UNDEFINED);
        }
    }
}
