//! JSON, parsed by the browser. serde_json would be a second parser, of a tenth of the page's bytes.
//!
//! A list that cannot be read as a whole is read entry by entry. An entry that this version of the page cannot read,
//! such as one with an integer above 2^53, is left out and counted.

use std::{
    fmt::Display,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use js_sys::{Array, Object, Reflect};
use leptos::logging::warn;
use market::{Bar, Closes, FeedStatus, News, Quote, Session};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use crate::browser::json_value::Value;

/// How many entries and events were left out since the page was opened.
static LEFT_OUT: AtomicU32 = AtomicU32::new(0);

/// How many entries and events were left out since the page was opened.
pub(crate) fn left_out() -> u32 {
    LEFT_OUT.load(Relaxed)
}

/// Counts something that was left out, and logs the reason to the console.
pub(crate) fn leave_out(what: &str, error: &dyn Display) {
    LEFT_OUT.fetch_add(1, Relaxed);
    warn!("{what} was left out: {error}");
}

/// The value of a JSON text.
pub(crate) fn parse(text: &str) -> Result<JsValue, String> {
    js_sys::JSON::parse(text)
        .map_err(|error| String::from(error.unchecked_into::<js_sys::Error>().message()))
}

/// The value of a JSON text, as a type.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    read_value(&parse(text)?, T::deserialize)
}

/// Reads a value. If that fails because of entries of its lists, they are left out.
pub(crate) fn read_value<T, E: Display>(
    value: &JsValue,
    read: impl Fn(Value) -> Result<T, E>,
) -> Result<T, String> {
    let read = |value: &JsValue| read(Value(value.clone())).map_err(|error| error.to_string());
    match read(value) {
        Err(error) if !sift(value) => Err(error),
        Err(_) => read(value),
        read => read,
    }
}

/// Why a value is not of a type.
type Check = fn(&JsValue) -> Option<String>;

fn check<T: DeserializeOwned>(value: &JsValue) -> Option<String> {
    let read = T::deserialize(Value(value.clone()));
    read.err().map(|error| error.to_string())
}

/// The lists of snapshots, of the page's data and of answers, and how to check an entry.
const LISTS: [(&str, Check); 6] = [
    ("quotes", check::<Quote>),
    ("sessions", check::<Session>),
    ("closes", check::<Closes>),
    ("news", check::<News>),
    ("feeds", check::<FeedStatus>),
    ("bars", check::<Bar>),
];

/// Removes entries that cannot be read from the lists of an object and of its parts that have such lists. Returns
/// whether any were removed.
fn sift(object: &JsValue) -> bool {
    let mut found = false;
    for part in ["snapshot", "older"] {
        found |=
            Reflect::get(object, &part.into()).is_ok_and(|part| part.is_object() && sift(&part));
    }
    for (name, check) in LISTS {
        let list = Reflect::get(object, &name.into()).ok();
        if let Some(list) = list.as_ref().and_then(JsCast::dyn_ref::<Array>) {
            let kept = Array::new();
            let mut is_whole = true;
            for entry in list.iter() {
                let error = check(&entry);
                is_whole &= error.is_none();
                let entry = match error {
                    None => Some(entry),
                    Some(error) => {
                        leave_out(name, &error);
                        without_a_part(&entry, check)
                    }
                };
                if let Some(entry) = entry {
                    kept.push(&entry);
                }
            }
            if !is_whole {
                found |= Reflect::set(object, &name.into(), &kept).is_ok();
            }
        }
    }
    found
}

/// An entry without its one part that cannot be read; `None` if that does not help.
fn without_a_part(entry: &JsValue, check: Check) -> Option<JsValue> {
    let entry = entry.dyn_ref::<Object>()?;
    Object::keys(entry).iter().find_map(|name| {
        let rest = Object::assign(&Object::new(), entry);
        Reflect::delete_property(&rest, &name).ok()?;
        check(&rest).is_none().then(|| rest.into())
    })
}

/// The time in a JSON text such as `{"time":1732111126202,…}`.
pub(crate) fn time_of(text: &JsValue) -> Option<market::Millis> {
    let value = js_sys::JSON::parse(&text.as_string()?).ok()?;
    let time = Reflect::get(&value, &"time".into()).ok()?;
    time.as_f64().map(|time| time as market::Millis)
}
