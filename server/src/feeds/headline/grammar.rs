//! The phrases that rules are made of.
//!
//! A phrase is written as elements with blanks between them:
//!
//! | element | matches |
//! |---|---|
//! | `word`, `a\|b` | this word; either word |
//! | `NAME` | any phrase of this entry of [`MACROS`] |
//! | `#` | a number, among other words too |
//! | `@` | a word with a capital, as a name has |
//! | `$` | an amount of money, with its `million` or `billion` |
//! | `*`, `*3` | up to six words, up to three |
//! | `?a\|b` | the word, or nothing |
//! | `!a\|b` | nothing, where none of these words comes next |
//! | `^`, `.` | nothing, at the beginning of the headline; at the end of a clause |

use super::{
    vocabulary::MACROS,
    words::{CLAUSE_END, Word},
};

/// How many words `*` stands for at the most.
const MAX_GAP: usize = 6;

pub(super) type Phrase = Vec<Element>;

#[derive(Debug, Clone)]
pub(super) enum Element {
    Word(Vec<&'static str>),
    Any(Vec<Phrase>),
    Number,
    Capital,
    Money,
    Gap(usize),
    Maybe(Vec<&'static str>),
    Not(Vec<&'static str>),
    Begin,
    End,
}

/// Reads a phrase.
///
/// # Panics
///
/// Panics where the phrase names a macro that does not exist. A test reads all phrases.
pub(super) fn phrase(text: &'static str) -> Phrase {
    text.split(' ').map(element).collect()
}

fn element(text: &'static str) -> Element {
    let choices = |text: &'static str| text.split('|').flat_map(flat).collect();
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
        _ => match meaning(text) {
            Some(phrases) => Element::Any(phrases.iter().map(|text| phrase(text)).collect()),
            None => Element::Word(choices(text)),
        },
    }
}

/// The phrases of a macro.
fn meaning(name: &str) -> Option<&'static [&'static str]> {
    MACROS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, phrases)| *phrases)
}

/// A word as it is, a macro among words as its words.
fn flat(word: &'static str) -> Vec<&'static str> {
    match meaning(word) {
        Some(phrases) => phrases
            .iter()
            .flat_map(|text| text.split('|').flat_map(flat))
            .collect(),
        None => {
            assert!(
                word == "#"
                    || word.starts_with(|c: char| c.is_ascii_lowercase()
                        || c.is_ascii_digit()
                        || c == '\''),
                "{word:?}"
            );
            vec![word]
        }
    }
}

/// The first word at which the phrase begins.
pub(super) fn find(phrase: &[Element], words: &[Word]) -> Option<usize> {
    (0..words.len()).find(|&start| matches(phrase, words, start).is_some())
}

/// The word after the phrase, where it stands at `at`.
fn matches(phrase: &[Element], words: &[Word], at: usize) -> Option<usize> {
    let Some((element, rest)) = phrase.split_first() else {
        return Some(at);
    };
    let word = words.get(at);
    let one_of = |known: &[&str]| {
        word.is_some_and(|word| {
            known.contains(&word.text.as_str()) || (word.is_number() && known.contains(&"#"))
        })
    };
    match element {
        Element::Word(known) => one_of(known)
            .then(|| matches(rest, words, at + 1))
            .flatten(),
        Element::Any(phrases) => phrases.iter().find_map(|first| {
            let after = matches(first, words, at)?;
            matches(rest, words, after)
        }),
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
        Element::Maybe(known) => one_of(known)
            .then(|| matches(rest, words, at + 1))
            .flatten()
            .or_else(|| matches(rest, words, at)),
        Element::Not(known) => (!one_of(known)).then(|| matches(rest, words, at)).flatten(),
        Element::Begin => (at == 0).then(|| matches(rest, words, at)).flatten(),
        Element::End => word
            .is_none_or(|word| word.is(CLAUSE_END))
            .then(|| matches(rest, words, at))
            .flatten(),
    }
}
