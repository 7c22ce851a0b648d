//! JSON, read by the browser's own parser. serde_json is a tenth of the page's bytes, and would be
//! a second one.

use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;

/// The value of a text, for serde to read.
pub(crate) fn parse(text: &str) -> Result<serde_wasm_bindgen::Deserializer, String> {
    js_sys::JSON::parse(text)
        .map(serde_wasm_bindgen::Deserializer::from)
        .map_err(|error| String::from(error.unchecked_into::<js_sys::Error>().message()))
}

/// What a text says.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    T::deserialize(parse(text)?).map_err(|error| error.to_string())
}

/// The time that a text says, `{"time":1732111126202,…}`.
pub(crate) fn time_of(text: &wasm_bindgen::JsValue) -> Option<market::Millis> {
    let value = js_sys::JSON::parse(&text.as_string()?).ok()?;
    let time = js_sys::Reflect::get(&value, &"time".into()).ok()?;
    time.as_f64().map(|time| time as market::Millis)
}
