//! Text from outside, made safe to show to a person.

use serde::{Deserialize, Deserializer};

/// Whether a character is invisible and may change how others are read: control characters, the embeddings, overrides
/// and isolates of the [bidirectional
/// algorithm](https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters), which reverse the text after
/// them, and characters without width or meaning in plain text.
///
/// Characters that some scripts need stay: the marks of direction (U+200E, U+200F, U+061C), which reverse nothing, and
/// the joiners (U+200C, U+200D) of Persian, Indic scripts and emoji.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{2060}'..='\u{2064}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text without its invisible characters, on one line: each run of white space, including the ends of lines and
/// paragraphs, becomes one space, and both ends are trimmed.
///
/// The result is text and is never parsed as HTML.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // Line ends are control characters as well as white space, and separate words.
    let seen = text.chars().filter(|c| c.is_whitespace() || !is_hidden(*c));
    for c in seen {
        if !c.is_whitespace() {
            plain.push(c);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Parses a text and cleans it.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| plain(&text))
}

/// Parses a text that may be absent and cleans it; a text of which nothing remains is absent.
pub(crate) fn read_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text
        .map(|text| plain(&text))
        .filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reverses_or_hides_is_left_out() {
        for (text, shown) in [
            ("Profit \u{202e}%09 pu\u{202c}", "Profit %09 pu"),
            ("\u{2066}a\u{2069}\u{2067}b", "ab"),
            ("GO\u{200b}OG\u{feff}\u{2060}", "GOOG"),
            (
                "nul\0 and bell\u{7} and \u{85}next",
                "nul and bell and next",
            ),
            ("\u{1b}[31mred", "[31mred"),
            ("a\u{e0041}\u{e0042}b", "ab"),
        ] {
            assert_eq!(plain(text), shown, "{text:?}");
        }
    }

    #[test]
    fn it_is_one_line() {
        assert_eq!(
            plain("  one\r\n two\t\tthree\u{2028}four \u{a0} "),
            "one two three four"
        );
        assert_eq!(plain(" \n\u{200b} "), "");
    }

    #[test]
    fn what_scripts_need_stays() {
        for text in [
            "<b>Ä & \u{1f469}\u{200d}\u{1f4bb}</b>",
            "نمی\u{200c}خواهم",
            "עברית \u{200f}(GOOG)",
            "क्\u{200d}ष",
            "e\u{301}",
        ] {
            assert_eq!(plain(text), text);
        }
    }
}
