//! The type of a story by its headline, for sources that give none.
//!
//! The result is a guess and is published as [`Basis::Inferred`], so a missing type is better than a wrong one. A rule
//! requires a verb with its object ("declares … dividend"), not a keyword, and names the idioms that look alike. Words
//! that belong to a company's name and titles of former officers do not count; questions, lists and explanations have
//! no type. If several types match, the one that begins first in the headline wins. No headline implies a press
//! release: that depends on its publisher, not on its words.
//!
//! `tuned.tsv`, `held_out.tsv` and `fresh.tsv` are labelled headlines. The rules were written against the first. The
//! last was labelled independently, and the rules were corrected afterwards.
//!
//! [`Basis::Inferred`]: market::Basis::Inferred

mod grammar;
mod lexicon;
mod names;
mod rules;
mod verbs;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use market::NewsType;

use grammar::{Phrase, find, phrase};
use words::{Word, words};

/// Returns the type that a headline implies, [`NewsType::Headline`] if it implies none.
pub fn infer(headline: &str) -> NewsType {
    let words = words(headline);
    let has_question = headline
        .split_whitespace()
        .any(|word| word.len() > 1 && word.ends_with('?'));
    if has_question || SILENT.iter().any(|it| find(it, &words).is_some()) {
        return NewsType::Headline;
    }
    first(&RULES, &words).unwrap_or(NewsType::Headline)
}

/// The type of the rule that begins first, and of several at the same word the first in the table.
fn first(rules: &[Rule], words: &[Word]) -> Option<NewsType> {
    rules
        .iter()
        .filter_map(|rule| Some((rule.begin(words)?, rule.kind)))
        .min_by_key(|(begin, _)| *begin)
        .map(|(_, kind)| kind)
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| read(rules::TABLES));
static SILENT: LazyLock<Vec<Phrase>> = LazyLock::new(|| phrases(&rules::SILENT.concat()));

fn read(tables: &[&[rules::Row]]) -> Vec<Rule> {
    tables.iter().copied().flatten().map(Rule::new).collect()
}

struct Rule {
    kind: NewsType,
    required: Vec<Phrase>,
    refused: Vec<Phrase>,
}

impl Rule {
    fn new((kind, required, refused): &rules::Row) -> Self {
        Rule {
            kind: *kind,
            required: phrases(required),
            refused: phrases(refused),
        }
    }

    /// The word at which the phrase that the rule requires begins.
    fn begin(&self, words: &[Word]) -> Option<usize> {
        let begin = self
            .required
            .iter()
            .filter_map(|it| find(it, words))
            .min()?;
        let refused = self.refused.iter().any(|it| find(it, words).is_some());
        (!refused).then_some(begin)
    }
}

fn phrases(texts: &[&'static str]) -> Vec<Phrase> {
    texts.iter().map(|text| phrase(text)).collect()
}
