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

/// The name of the channel and of the lock. Another number where tabs of another version would not be
/// understood.
const NAME: &str = "tickertape 1";

/// The messages of tabs to each other go through here.
pub(super) struct Channel {
    channel: BroadcastChannel,
    // Held as long as the channel may call it.
    _hear: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// Receives the messages of the others; none where the browser has no such channels.
    pub(super) fn open(mut hear: impl FnMut(Message<JsValue>) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(NAME).ok()?;
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(message) = read(&event.data()) {
                hear(message);
            }
        });
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        Some(Channel {
            channel,
            _hear: hear,
        })
    }

    /// Sends a message to all others.
    pub(super) fn post(&self, message: &Message<JsValue>) {
        // It fails where the channel is closed, and then there is nobody to receive it.
        let _ = self.channel.post_message(&written(message));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}

/// A message as a list: what it is, and its parts.
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
            number(beat.heard);
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

/// The message in a list; none where it is no message.
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
            heard: number(6)?,
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

/// A request for leadership, or leadership itself. It ends when this is dropped.
pub(super) struct Lock {
    release: Rc<RefCell<Option<Function>>>,
    request: AbortController,
}

impl Lock {
    /// Wants the browser's lock, once it is free or at once by taking it from whoever has it. `granted`
    /// is called when this tab has it, `ended` when it was taken from it. None where the browser has
    /// no locks, or has none for this page, as where it came by plain HTTP from another machine.
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
        // The two exclude each other: what is stolen is had at once.
        let (name, value) = match steal {
            true => ("steal", JsValue::TRUE),
            false => ("signal", lock.request.signal().into()),
        };
        Reflect::set(&options, &name.into(), &value).ok()?;
        let (release, signal) = (Rc::clone(&lock.release), lock.request.signal());
        // It is held until this promise is kept.
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
        // It fails where the lock was stolen, and where the request was withdrawn.
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
            // A function of the browser's own, which does not throw.
            let _ = keep.call0(&JsValue::UNDEFINED);
        }
    }
}
