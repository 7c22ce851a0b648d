/// A text without its leading byte-order mark, which some editors and libraries write and JSON forbids ([RFC 8259,
/// section 8.1](https://www.rfc-editor.org/rfc/rfc8259#section-8.1)).
pub fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_is_left_out_and_nothing_else() {
        for (text, rest) in [
            ("\u{feff}[]", "[]"),
            ("\u{feff}", ""),
            ("[\u{feff}]", "[\u{feff}]"),
            (" \u{feff}[]", " \u{feff}[]"),
            ("\u{feff}\u{feff}[]", "\u{feff}[]"),
        ] {
            assert_eq!(without_bom(text.as_bytes()), rest.as_bytes(), "{text:?}");
        }
    }
}
