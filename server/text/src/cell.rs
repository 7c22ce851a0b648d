//! Text in a cell of comma-separated values.

use std::borrow::Cow;

/// The characters by which spreadsheets recognise a formula, which they run.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// Text as a cell: a formula gets a leading apostrophe, which spreadsheets hide. Numbers are no text and stay
/// unchanged.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text of a cell before it was [`escaped`].
pub fn unescaped(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(FORMULA) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_can_be_read_back() {
        for text in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(escaped(text), format!("'{text}"));
            assert_eq!(unescaped(&escaped(text)), text);
        }
        for text in ["", "GOOG", "^GSPC", "a=b", "1-2", "'tis", "'", "''"] {
            assert_eq!(escaped(text), text);
            assert_eq!(unescaped(text), text);
        }
    }
}
