//! The phrases of the rules.
//!
//! A phrase is written as elements separated by blanks:
//!
//! | element | matches |
//! |---|---|
//! | `word`, `a\|b` | this word; either word, or a phrase of either macro |
//! | `NAME` | any phrase of this macro, an entry of [`NOUNS`] or [`VERBS`] |
//! | `#` | a number, among other words too |
//! | `@` | a word with a capital, as a name has |
//! | `$` | an amount of money, with its `million` or `billion` |
//! | `*`, `*3` | up to six words, up to three |
//! | `?a\|b` | one of these, or nothing |
//! | `!a\|b` | nothing, where none of these comes next |
//! | `:` | a colon or a dash |
//! | `^`, `.` | nothing, at the beginning of the headline; at the end of a clause |

use super::{
    lexicon::{self, WordSet},
    verbs::VERBS,
    vocabulary::NOUNS,
    words::{CLAUSE_END, Word},
};

/// How many words `*` stands for at the most.
const MAX_GAP: usize = 6;

pub(super) type Phrase = Vec<Element>;

#[derive(Debug, Clone)]
pub(super) enum Element {
    Word(WordSet),
    Any(Vec<Phrase>),
    Number,
    Capital,
    Money,
    Gap(usize),
    Maybe(Vec<Phrase>),
    Not(Vec<Phrase>),
    Begin,
    End,
}

/// Parses a phrase.
///
/// # Panics
///
/// Panics if the phrase names a macro that does not exist, or a word that is in no rule. A test parses all phrases.
pub(super) fn phrase(text: &'static str) -> Phrase {
    text.split(' ').map(element).collect()
}

fn element(text: &'static str) -> Element {
    match text {
        "#" => Element::Number,
        "@" => Element::Capital,
        "$" => Element::Money,
        "*" => Element::Gap(MAX_GAP),
        "^" => Element::Begin,
        "." => Element::End,
        _ if text.starts_with('*') => Element::Gap(text[1..].parse().expect("a number")),
        _ if text.starts_with('?') => Element::Maybe(choices(&text[1..])),
        _ if text.starts_with('!') => Element::Not(choices(&text[1..])),
        _ => match choices(text).as_mut_slice() {
            [only] if only.len() == 1 => only.remove(0),
            several => Element::Any(several.to_vec()),
        },
    }
}

/// The expansion of the words and macros of `a|B|c`. Single words are one phrase, for speed.
fn choices(text: &'static str) -> Vec<Phrase> {
    let mut words = WordSet::default();
    let mut phrases = Vec::new();
    for choice in text.split('|') {
        match meaning(choice) {
            Some(meanings) => phrases.extend(meanings.iter().map(|text| phrase(text))),
            None if matches!(choice, "#" | "@" | "$" | ".") => phrases.push(phrase(choice)),
            None => {
                assert!(
                    !choice.is_empty() && !choice.contains(char::is_uppercase),
                    "no macro is called {choice:?}"
                );
                words.insert(lexicon::number(choice).expect(choice));
            }
        }
    }
    let mut longer = Vec::new();
    for phrase in phrases {
        match phrase.as_slice() {
            [Element::Word(more)] => words.extend(more),
            [Element::Any(any)] => longer.extend_from_slice(any),
            _ => longer.push(phrase),
        }
    }
    longer.retain(|phrase| match phrase.as_slice() {
        [Element::Word(more)] => {
            words.extend(more);
            false
        }
        _ => true,
    });
    if !words.is_empty() {
        longer.insert(0, vec![Element::Word(words)]);
    }
    longer
}

/// The phrases of a macro.
fn meaning(name: &str) -> Option<&'static [&'static str]> {
    NOUNS
        .iter()
        .chain(VERBS)
        .find(|(known, _)| *known == name)
        .map(|(_, phrases)| *phrases)
}

/// The first word at which the phrase begins.
pub(super) fn find(phrase: &[Element], words: &[Word]) -> Option<usize> {
    (0..words.len()).find(|&start| matches(phrase, words, start).is_some())
}

/// The word after the phrase, if it matches at `at`.
fn matches(phrase: &[Element], words: &[Word], at: usize) -> Option<usize> {
    let Some((element, rest)) = phrase.split_first() else {
        return Some(at);
    };
    let word = words.get(at);
    match element {
        Element::Word(known) => known
            .contains(word?.number?)
            .then(|| matches(rest, words, at + 1))
            .flatten(),
        Element::Any(phrases) => any(phrases, rest, words, at),
        Element::Number => word?
            .is_number()
            .then(|| matches(rest, words, at + 1))
            .flatten(),
        Element::Capital => word?
            .capital
            .then(|| matches(rest, words, at + 1))
            .flatten(),
        Element::Money => {
            let scaled = words.get(at + 1).is_some_and(Word::is_scale);
            (word?.is_number() && word?.money)
                .then(|| matches(rest, words, at + 1 + usize::from(scaled)))
                .flatten()
        }
        Element::Gap(most) => {
            let clause = words[at.min(words.len())..]
                .iter()
                .take(*most)
                .take_while(|word| !word.is(CLAUSE_END))
                .count();
            (0..=clause).find_map(|skipped| matches(rest, words, at + skipped))
        }
        Element::Maybe(phrases) => {
            any(phrases, rest, words, at).or_else(|| matches(rest, words, at))
        }
        Element::Not(phrases) => any(phrases, &[], words, at)
            .is_none()
            .then(|| matches(rest, words, at))
            .flatten(),
        Element::Begin => (at == 0).then(|| matches(rest, words, at)).flatten(),
        Element::End => word
            .is_none_or(|word| word.is(CLAUSE_END))
            .then(|| matches(rest, words, at))
            .flatten(),
    }
}

/// The word after `rest`, if it follows one of the phrases.
fn any(phrases: &[Phrase], rest: &[Element], words: &[Word], at: usize) -> Option<usize> {
    phrases.iter().find_map(|first| {
        let after = matches(first, words, at)?;
        matches(rest, words, after)
    })
}
