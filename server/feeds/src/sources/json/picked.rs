use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

/// An object in its order, with all of its keys.
pub(super) struct Picked<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Picked<'a> {
    /// The value of a key; the last one if it occurs twice, as in other parsers.
    pub(super) fn last(self, key: &str) -> Option<&'a RawValue> {
        let mut found = self.0.into_iter().rev();
        found.find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Picked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> de::Visitor<'de> for Visitor<'a> {
            type Value = Picked<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Picked<'a>, A::Error> {
                let mut all = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    all.push((key, map.next_value()?));
                }
                Ok(Picked(all))
            }
        }

        /// A text that is only copied if necessary.
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}
