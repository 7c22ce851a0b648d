use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use super::picked::Picked;

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(pub(super) Vec<String>);

impl Pointer {
    pub(super) fn whole() -> Self {
        Pointer(Vec::new())
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::whole());
        }
        let steps = text.strip_prefix('/')?.split('/').map(|step| {
            let mut rest = step;
            while let Some(at) = rest.find('~') {
                rest = &rest[at + 1..];
                if !rest.starts_with(['0', '1']) {
                    return None;
                }
            }
            Some(step.replace("~1", "/").replace("~0", "~"))
        });
        steps.collect::<Option<_>>().map(Pointer)
    }

    /// The value there, unless there is none or it is `null`.
    pub(super) fn find<'a>(&self, mut value: &'a RawValue) -> Option<&'a RawValue> {
        for step in &self.0 {
            value = match value.get().as_bytes().first()? {
                b'{' => serde_json::from_str::<Picked<'_>>(value.get())
                    .ok()?
                    .last(step)?,
                b'[' => {
                    let index: usize = step.parse().ok()?;
                    // No leading zeros, as the RFC requires.
                    if index.to_string() != *step {
                        return None;
                    }
                    let all: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
                    all.get(index)?
                }
                _ => return None,
            };
        }
        (value.get() != "null").then_some(value)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Pointer::read(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not a JSON pointer: expected /KEY/KEY…, with ~1 for a slash in a key and ~0 for a tilde"
            ))
        })
    }
}
