use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The name under which something is traded, as its venue writes it: `GOOG`, `ABR$D`, `BRK/A`,
/// `ES=F`, `币安人生USDT`.
///
/// One to [`Symbol::MAX_CHARS`] letters and digits of any script and [`Symbol::SIGNS`], with at least one letter or
/// digit. Any case and composition is accepted and stored in one form: upper case, in Unicode's [normalization form
/// C](https://www.unicode.org/reports/tr15/). It contains no white space, nothing invisible and no comma, which
/// separates symbols in lists.
///
/// It is `Copy` because every event, row and topic carries one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    // Padded with zero bytes, which no symbol contains, so that derived order is the text's order.
    bytes: [u8; Symbol::MAX_BYTES],
    len: u8,
}

impl Symbol {
    /// The longest symbol, in characters. The longest names of the sources fit
    /// (`BTC-PERPETUAL-20261225`).
    pub const MAX_CHARS: usize = 24;

    /// The longest symbol, in bytes of UTF-8. With the length, a symbol takes 32 bytes.
    pub const MAX_BYTES: usize = 31;

    /// What a symbol may have besides letters and digits. Most are suffixes of
    /// [US exchanges](https://www.nasdaqtrader.com/Trader.aspx?id=CQSSymbolConvention); pairs of
    /// currencies have `/`, names with their venue `:`, and Indian stocks `&`.
    pub const SIGNS: &'static str = "! # $ % & * + - . / : = @ ^ _ ~";

    /// The symbol as text, in upper case.
    pub fn as_str(&self) -> &str {
        // It is UTF-8 by construction, so this cannot fail.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// The longest text that is normalized, in bytes: decomposed letters take more than a symbol does.
const MAX_TEXT_BYTES: usize = 4 * Symbol::MAX_BYTES;

/// Why a text is not a [`Symbol`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolError {
    text: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    NoLetter,
    TooLong,
    Has(char),
    /// `.` or `..` is alone between slashes, where readers of addresses resolve it.
    Dots,
}

impl fmt::Display for SymbolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a symbol: expected 1 to {} letters, digits and {}",
            self.text,
            Symbol::MAX_CHARS,
            Symbol::SIGNS,
        )?;
        match self.reason {
            Reason::NoLetter => f.write_str(", with at least one letter or digit"),
            Reason::TooLong => write!(f, ", at most {} bytes of UTF-8", Symbol::MAX_BYTES),
            Reason::Has(' ') => f.write_str(", without spaces (BAC PRL is BAC.PRL)"),
            Reason::Has(other) => write!(f, ", without {other:?}"),
            Reason::Dots => f.write_str(", without . or .. between slashes"),
        }
    }
}

impl std::error::Error for SymbolError {}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let read = if text.is_ascii() {
            read(text)
        } else if text.len() > MAX_TEXT_BYTES {
            Err(Reason::TooLong)
        } else {
            read(&normalized(text))
        };
        read.map_err(|reason| SymbolError {
            text: text.chars().take(64).collect(),
            reason,
        })
    }
}

/// Parses a text in normalization form C, whose letters outside ASCII are in upper case.
fn read(text: &str) -> Result<Symbol, Reason> {
    if let Some(other) = text.chars().find(|c| !is_allowed(*c)) {
        return Err(Reason::Has(other));
    }
    if text.len() > Symbol::MAX_BYTES || text.chars().count() > Symbol::MAX_CHARS {
        return Err(Reason::TooLong);
    }
    if !text.chars().any(is_letter_or_digit) {
        return Err(Reason::NoLetter);
    }
    if text.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(Reason::Dots);
    }
    let mut bytes = [0; Symbol::MAX_BYTES];
    let used = &mut bytes[..text.len()];
    used.copy_from_slice(text.as_bytes());
    used.make_ascii_uppercase();
    Ok(Symbol {
        bytes,
        len: text.len() as u8,
    })
}

fn is_allowed(c: char) -> bool {
    match c {
        // These are letters that show nothing: fillers of Hangul, and vowels that Khmer implies.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' => false,
        ' ' => false,
        c => is_letter_or_digit(c) || Symbol::SIGNS.contains(c),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn is_letter_or_digit(c: char) -> bool {
    c.is_alphanumeric()
}

/// The same, by the browser's tables.
#[cfg(target_arch = "wasm32")]
fn is_letter_or_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let letters = js_sys::RegExp::new("[\\p{Alphabetic}\\p{N}]", "u");
    letters.test(c.encode_utf8(&mut [0; 4]))
}

/// A text in upper case and normalization form C. It is composed before and after, because case
/// depends on composition and composition on case; it is in lower case in between, because some
/// letters in upper case are variants of others (`ẞ`, `ϴ`).
#[cfg(not(target_arch = "wasm32"))]
fn normalized(text: &str) -> String {
    let composer = icu_normalizer::ComposingNormalizerBorrowed::new_nfc();
    let upper = composer.normalize(text).to_lowercase().to_uppercase();
    composer.normalize(&upper).into_owned()
}

/// The same, by the browser's tables.
#[cfg(target_arch = "wasm32")]
fn normalized(text: &str) -> String {
    const FORM: &str = "NFC";
    let composed = js_sys::JsString::from(text).normalize(FORM);
    let upper = composed.to_lower_case().to_upper_case();
    upper.normalize(FORM).into()
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
    fn reads_what_venues_write() {
        for text in [
            // Nasdaq's directory and platform: preferred, warrant, unit, right, when issued,
            // when distributed, called, convertible, emerging, partly paid, test.
            "ABR$D",
            "AGM$A",
            "AGM.A",
            "ACHR+",
            "ACHR+A",
            "AAC=",
            "PHGE^",
            "PHGE^#",
            "BAC-L",
            "BAC-A#",
            "F-$",
            "GE*",
            "T%",
            "T%*",
            "ECM!",
            "PP@",
            "ZVZZT~",
            "ZVZZ.T",
            // Others of the US.
            "BRK.B",
            "BRK/A",
            "BRK-A",
            "BF.B",
            "BAC.PRL",
            "BAC/PRL",
            "ABRPD",
            "O:SPY251219C00650000",
            "/ES",
            "$SPX",
            "SPXW251219C06500000",
            "ES1!",
            // Yahoo and Stooq.
            "M&M.NS",
            "J&KBANK.NS",
            "ES=F",
            "^GSPC",
            "EURUSD=X",
            "0700.HK",
            "AAPL.US",
            "^SPX",
            "10USY.B",
            // Coins.
            "BTC/USDT",
            "XBT/USD",
            "BTC/USDT:USDT",
            "BINANCE:BTCUSDT",
            "BTCUSDT_261225",
            "@107",
            "BTC-PERPETUAL-20261225",
            "币安人生USDT",
            "我踏马来了USDT",
            "龙虾USDT",
            "币安人生USDT_261225",
        ] {
            let symbol = text.parse::<Symbol>();
            assert_eq!(symbol.as_ref().map(Symbol::as_str), Ok(text));
        }
    }

    #[test]
    fn refuses_what_is_not_a_symbol_and_names_it() {
        for (text, why) in [
            ("", "at least one letter or digit"),
            (".", "at least one letter or digit"),
            ("..", "at least one letter or digit"),
            ("*", "at least one letter or digit"),
            ("/", "at least one letter or digit"),
            ("A/../B", "without . or .. between slashes"),
            ("./B", "without . or .. between slashes"),
            ("A B", "without spaces"),
            ("BAC PRL", "(BAC PRL is BAC.PRL)"),
            (" GOOG", "without spaces"),
            ("GOOG\n", r"without '\n'"),
            ("GOOG\0", r"without '\0'"),
            ("GO\u{a0}OG", r"without '\u{a0}'"),
            ("GO\u{3000}OG", r"without '\u{3000}'"),
            ("GOOG,AAPL", "without ','"),
            ("<B>", "without '<'"),
            ("A\"", "without '\"'"),
            ("A'", r"without '\''"),
            ("A\\B", r"without '\\'"),
            ("A?B", "without '?'"),
            ("A;B", "without ';'"),
            ("A|B", "without '|'"),
            ("A\u{202e}B", r"without '\u{202e}'"),
            ("A\u{2066}B", r"without '\u{2066}'"),
            ("A\u{200f}B", r"without '\u{200f}'"),
            ("A\u{200b}B", r"without '\u{200b}'"),
            ("A\u{200d}B", r"without '\u{200d}'"),
            ("A\u{ad}B", r"without '\u{ad}'"),
            ("A\u{feff}B", r"without '\u{feff}'"),
            ("A\u{fe0f}", r"without '\u{fe0f}'"),
            ("A\u{3164}", "without '\u{3164}'"),
            ("A\u{e000}", r"without '\u{e000}'"),
            ("A\u{301}\u{327}B\u{301}", "without"),
            ("\u{1f680}USDT", "without '\u{1f680}'"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXY", "1 to 24 letters"),
            ("币安人生币安人生币安人", "at most 31 bytes"),
        ] {
            let error = text.parse::<Symbol>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text:?} is not a symbol: ")),
                "{error}"
            );
            assert!(error.contains(why), "{error}: {why}");
        }
        assert!("ABCDEFGHIJKLMNOPQRSTUVWX".parse::<Symbol>().is_ok());
        let long = "é".repeat(1_000_000).parse::<Symbol>().unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    #[test]
    fn one_symbol_has_one_form() {
        for (text, form) in [
            ("cafe\u{301}", "CAFÉ"),
            ("CAF\u{c9}", "CAFÉ"),
            ("straße", "STRASSE"),
            ("STRA\u{1e9e}E", "STRASSE"),
            ("\u{3f4}", "Θ"),
            ("\u{212a}ELVIN", "KELVIN"),
            ("币安人生usdt", "币安人生USDT"),
            ("лкoh", "ЛКOH"),
            ("istanbul\u{130}", "ISTANBULİ"),
        ] {
            let symbol = text.parse::<Symbol>();
            assert_eq!(symbol.as_ref().map(Symbol::as_str), Ok(form));
        }
        // A letter that is not composed in upper case ends in a combining mark, which is not a letter.
        let error = "\u{390}".parse::<Symbol>().unwrap_err().to_string();
        assert!(error.ends_with(r"without '\u{301}'"), "{error}");
    }

    /// Every character, alone and within a symbol.
    #[test]
    fn what_is_accepted_is_read_as_itself() {
        let mut accepted = 0;
        for c in '\0'..=char::MAX {
            for text in [c.to_string(), format!("A{c}B")] {
                let Ok(symbol) = text.parse::<Symbol>() else {
                    continue;
                };
                accepted += 1;
                let shown = symbol.as_str();
                assert_eq!(shown.parse(), Ok(symbol), "{c:?}");
                assert_eq!(
                    shown.to_lowercase().to_uppercase().parse(),
                    Ok(symbol),
                    "{c:?}"
                );
                let hidden = |c| crate::text::is_hidden(c) || c.is_whitespace() || c == ',';
                assert!(!shown.contains(hidden), "{c:?}");
            }
        }
        assert!(accepted > 200_000, "{accepted}");
    }

    #[test]
    fn order_is_the_texts_order() {
        let mut symbols: Vec<Symbol> = ["MSFT", "币安人生USDT", "A", "AA", "GOOG"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        symbols.sort();
        let texts: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
        assert_eq!(texts, ["A", "AA", "GOOG", "MSFT", "币安人生USDT"]);
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Symbol>(), 32);
    }
}
