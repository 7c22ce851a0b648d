//! Deserializes values of the browser's JSON parser.
//!
//! serde-wasm-bindgen does the same for any JavaScript value. Its errors bring in the standard library's formatting of
//! floating point, 2 % of the page's program; here the browser formats numbers.

use std::{cell::RefCell, fmt};

use js_sys::{Array, Reflect};
use serde::{
    Deserialize,
    de::{self, Expected, IntoDeserializer, Unexpected, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};
use wasm_bindgen::{JsCast, JsValue};

use crate::lean::sorted::SortedMap;

/// Why a value is not of a type.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Unreadable {
    fn new(found: &str, expected: &dyn Expected) -> Self {
        Unreadable(format!("found {found}, expected {expected}"))
    }
}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Unreadable(message.to_string())
    }

    fn invalid_type(value: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(value, expected)
    }

    fn invalid_value(value: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match value {
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Str(text) => text.to_owned(),
            _ => "another value".to_owned(),
        };
        Self::new(&found, expected)
    }
}

type Outcome<T> = Result<T, Unreadable>;

/// A JSON value: null, a boolean, a number, a string, an array or an object.
pub(crate) struct Value(pub(crate) JsValue);

/// How many characters of a value an error contains.
const MAX_FOUND: usize = 64;

impl Value {
    /// The error for a value that is not what was expected.
    fn mismatch(&self, expected: &dyn Expected) -> Unreadable {
        let found = js_sys::JSON::stringify(&self.0).map(String::from);
        let found: String = found.unwrap_or_default().chars().take(MAX_FOUND).collect();
        Unreadable::new(&found, expected)
    }

    /// A whole number that a JavaScript number can hold exactly.
    fn whole(&self) -> Option<u64> {
        let number = self.0.as_f64()?;
        let whole = number as u64;
        (whole as f64 == number && number <= MAX_NUMBER).then_some(whole)
    }

    fn read_text<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0.as_string() {
            Some(text) => visitor.visit_string(text),
            None => Err(self.mismatch(&visitor)),
        }
    }

    fn read_whole<'de, V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.whole() {
            Some(number) => visitor.visit_u64(number),
            None => Err(self.mismatch(&visitor)),
        }
    }
}

impl<'de> de::Deserializer<'de> for Value {
    type Error = Unreadable;

    /// All types that are read ask for a specific kind of value.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        Err(self.mismatch(&visitor))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0.as_bool() {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.read_whole(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.read_whole(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.read_whole(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.read_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        self.read_text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0.dyn_ref::<Array>() {
            Some(list) => visitor.visit_seq(Entries {
                list: list.clone(),
                next: 0,
            }),
            None => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Outcome<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        if !self.0.is_object() || Array::is_array(&self.0) {
            return Err(self.mismatch(&visitor));
        }
        visitor.visit_map(Parts {
            object: self.0,
            names: names.iter(),
            next: JsValue::UNDEFINED,
        })
    }

    /// Only variants without data are supported, each as a string.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        match self.0.as_string() {
            Some(word) => visitor.visit_enum(word.into_deserializer()),
            None => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Outcome<V::Value> {
        if name == KEPT {
            HELD.with(|held| held.replace(self.0));
            return visitor.visit_unit();
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map identifier
        ignored_any
    }
}

/// The largest whole number up to which a floating point number holds all whole numbers exactly.
const MAX_NUMBER: f64 = market::MAX_NUMBER as f64;

struct Entries {
    list: Array,
    next: u32,
}

impl<'de> de::SeqAccess<'de> for Entries {
    type Error = Unreadable;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Outcome<Option<T::Value>> {
        if self.next >= self.list.length() {
            return Ok(None);
        }
        let entry = self.list.get(self.next);
        self.next += 1;
        seed.deserialize(Value(entry)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some((self.list.length() - self.next) as usize)
    }
}

/// The fields of an object that a type has.
struct Parts {
    object: JsValue,
    names: std::slice::Iter<'static, &'static str>,
    next: JsValue,
}

impl<'de> de::MapAccess<'de> for Parts {
    type Error = Unreadable;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Outcome<Option<K::Value>> {
        for name in self.names.by_ref() {
            self.next = Reflect::get(&self.object, &key(name)).unwrap_or_default();
            // A field that is undefined is not in the JSON.
            if !self.next.is_undefined() {
                let name: StrDeserializer<'_, Unreadable> = name.into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Outcome<V::Value> {
        seed.deserialize(Value(std::mem::take(&mut self.next)))
    }
}

thread_local! {
    /// Names of fields as JavaScript strings. They are needed for each event.
    static NAMES: RefCell<SortedMap<&'static str, JsValue>> = RefCell::new(SortedMap::new());
    /// The value that a [`Kept`] takes.
    static HELD: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

fn key(name: &'static str) -> JsValue {
    NAMES.with_borrow_mut(|names| {
        if let Some(known) = names.get(&name) {
            return known.clone();
        }
        let key = JsValue::from_str(name);
        names.insert(name, key.clone());
        key
    })
}

const KEPT: &str = "tickertape:kept";

/// A value that is kept as it is, to be read as a type later.
pub(crate) struct Kept(pub(crate) JsValue);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;

        impl Visitor<'_> for Take {
            type Value = Kept;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value of the browser")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Kept, E> {
                Ok(Kept(HELD.with(RefCell::take)))
            }
        }

        deserializer.deserialize_newtype_struct(KEPT, Take)
    }
}
