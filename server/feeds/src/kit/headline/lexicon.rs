//! The words of all phrases, numbered, so that a word of a headline is looked up once and not once per phrase.

use std::{collections::HashMap, sync::LazyLock};

use super::{rules, verbs::VERBS, vocabulary::NOUNS};

static NUMBERS: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let required = rules::TABLES.iter().copied().flatten();
    let phrases = required.flat_map(|(_, required, refused)| required.iter().chain(*refused));
    let phrases = phrases
        .chain(rules::SILENT.iter().copied().flatten())
        .chain(NOUNS.iter().chain(VERBS).flat_map(|(_, phrases)| *phrases));
    let elements = phrases.flat_map(|phrase| phrase.split(' '));
    let mut numbers = HashMap::new();
    for word in elements.flat_map(|element| element.trim_start_matches(['?', '!']).split('|')) {
        let next = numbers.len();
        numbers.entry(word).or_insert(next);
    }
    numbers
});

/// The number of a word; `None` if no phrase has it.
pub(super) fn number(word: &str) -> Option<usize> {
    NUMBERS.get(word).copied()
}

/// A set of numbered words, a bit for each.
#[derive(Debug, Clone, Default)]
pub(super) struct WordSet(Vec<u64>);

impl WordSet {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, number: usize) {
        let place = number / 64;
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] |= 1 << (number % 64);
    }

    pub(super) fn extend(&mut self, other: &WordSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (bits, more) in self.0.iter_mut().zip(&other.0) {
            *bits |= more;
        }
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        let bits = self.0.get(number / 64);
        bits.is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }
}
