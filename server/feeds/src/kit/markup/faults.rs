use std::fmt;

/// The most faults of one document, beyond which it does not count as XML.
const MAX_FAULTS: usize = 10_000;

/// How many texts of faults are kept.
const MAX_FAULT_TEXTS: usize = 100;

/// Faults of a document that was parsed all the same.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) texts: Vec<String>,
    pub(super) count: usize,
}

impl Faults {
    /// Records a fault. The text quotes the error.
    pub(super) fn add(&mut self, what: fmt::Arguments<'_>) {
        self.count += 1;
        if self.texts.len() < MAX_FAULT_TEXTS {
            let what = what.to_string();
            if !self.texts.contains(&what) {
                self.texts.push(what);
            }
        }
    }

    /// Refuses a document with too many faults.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.count > MAX_FAULTS {
            true => Err(format!(
                "it is no XML: it has more than {MAX_FAULTS} faults"
            )),
            false => Ok(()),
        }
    }
}

/// A few characters around a place in a text, to quote.
pub(super) fn excerpt(text: &str, at: usize) -> String {
    let mut start = at.saturating_sub(16);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let around: String = text[start..].chars().take(40).collect();
    market::plain(&around)
}
