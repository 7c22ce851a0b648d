//! Why a line is refused.

use std::fmt;

use crate::{columns::Role, lines::Malformed};

/// Why a line was refused: the kind that is counted, and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) kind: &'static str,
    why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Refused {
    /// A file in which nearly everything is a separate symbol.
    pub(crate) fn symbols(most: usize) -> Self {
        refused(
            "one symbol too many",
            format!("there are more than {most} symbols: expected less"),
        )
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Refused {
            kind: "not a record",
            why: malformed.to_string(),
        }
    }
}

/// A refusal of that kind.
pub(crate) fn refused(kind: &'static str, why: impl Into<String>) -> Refused {
    Refused {
        kind,
        why: why.into(),
    }
}

/// The beginning of a text, in quotes.
pub(crate) fn short(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    format!("{short:?}")
}

/// A field that is empty or missing.
pub(crate) fn missing(role: Role) -> Refused {
    refused("an empty field", format!("there is no {role} in the line"))
}
