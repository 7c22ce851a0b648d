use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The name under which something is traded: 1–24 of `A-Z 0-9 . ^ = _ -`, but not `.` or `..`, which
/// are steps in a path and no part of it.
///
/// Read in any case, kept in upper case. It is `Copy` because every event, row and topic carries
/// one; 24 bytes hold the longest names of the sources (`BTC-PERPETUAL-20261225`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    // Padded with zero bytes, which no symbol contains, so that derived order is the text's order.
    bytes: [u8; Symbol::MAX_LEN],
    len: u8,
}

impl Symbol {
    /// The longest symbol, in bytes.
    pub const MAX_LEN: usize = 24;

    /// The symbol as text, in upper case.
    pub fn as_str(&self) -> &str {
        // All bytes are ASCII by construction, so this cannot fail.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// Why a text is not a [`Symbol`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolError {
    text: String,
}

impl fmt::Display for SymbolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a symbol: expected 1 to 24 of A-Z 0-9 . ^ = _ -",
            self.text
        )
    }
}

impl std::error::Error for SymbolError {}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let error = || SymbolError {
            text: text.chars().take(64).collect(),
        };
        if text.is_empty() || text.len() > Symbol::MAX_LEN || matches!(text, "." | "..") {
            return Err(error());
        }
        let mut bytes = [0; Symbol::MAX_LEN];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            let upper = from.to_ascii_uppercase();
            if !matches!(upper, b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'^' | b'=' | b'_' | b'-') {
                return Err(error());
            }
            *to = upper;
        }
        Ok(Symbol {
            bytes,
            len: text.len() as u8,
        })
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_case_and_keeps_upper() {
        let symbol: Symbol = "brk.b".parse().unwrap();
        assert_eq!(symbol.as_str(), "BRK.B");
        assert_eq!(symbol, "BRK.B".parse().unwrap());
    }

    #[test]
    fn refuses_what_is_not_a_symbol_and_names_it() {
        for text in [
            "",
            "A B",
            "GOOG\n",
            "ÄÖ",
            "ABCDEFGHIJKLMNOPQRSTUVWXY",
            "a/b",
            ".",
            "..",
        ] {
            let error = text.parse::<Symbol>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
        for text in ["ABCDEFGHIJKLMNOPQRSTUVWX", "...", ".A", "^GSPC"] {
            assert!(text.parse::<Symbol>().is_ok(), "{text}");
        }
    }

    #[test]
    fn order_is_the_texts_order() {
        let mut symbols: Vec<Symbol> = ["MSFT", "A", "AA", "GOOG"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        symbols.sort();
        let texts: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
        assert_eq!(texts, ["A", "AA", "GOOG", "MSFT"]);
    }
}
