//! A headline as words, with features of its spelling: amounts of money, ends of clauses, names.

use super::lexicon;
use super::names::{CURRENCIES, FUNCTION_WORDS, NAME_ENDINGS, SCALES, TITLES, TYPE_WORDS, UNITS};

/// How many words of a headline are read; longer ones repeat themselves.
const MAX_WORDS: usize = 40;

/// One word of a headline in lower case, without punctuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// [`CLAUSE_END`] where a clause ends, [`MASKED`] for a word that belongs to a name.
    pub(super) text: String,
    /// A number with a sign or a code of a currency, or one of billions.
    pub(super) money: bool,
    /// Begins with a capital.
    pub(super) capital: bool,
    /// Its number in the lexicon; `None` if no phrase has it.
    pub(super) number: Option<usize>,
}

/// A colon, a dash or another end of a clause. Phrases do not reach across it.
pub(super) const CLAUSE_END: &str = "|";

/// A word that is part of a name and has no meaning.
pub(super) const MASKED: &str = "_";

impl Word {
    fn new(text: &str, money: bool, capital: bool) -> Self {
        Word {
            text: text.to_owned(),
            money,
            capital,
            number: None,
        }
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    pub(super) fn is_scale(&self) -> bool {
        SCALES.contains(&self.text.as_str())
    }
}

/// The words of a headline. `'s` is a separate word, `U.S.` is one word, and a hyphen separates two.
pub(super) fn words(headline: &str) -> Vec<Word> {
    let mut words = Vec::new();
    // `Holding(s)` is a plural, not a clause.
    let headline = without_symbols(&headline.replace("(s)", "s"));
    for token in headline.split_whitespace() {
        push_token(&mut words, token);
        if words.len() >= MAX_WORDS {
            words.truncate(MAX_WORDS);
            break;
        }
    }
    // The rest is the background of the event, not the event.
    if let Some(despite) = words.iter().position(|word| word.is("despite")) {
        words.truncate(despite);
    }
    mark_money(&mut words);
    mask_names(&mut words);
    mask_former_titles(&mut words);
    for word in &mut words {
        let text = if word.is(CLAUSE_END) { ":" } else { &word.text };
        word.number = lexicon::number(text);
    }
    words
}

/// The headline without `(ACME)` and `(NYSE: ACME)`, which separate a name from its verb.
fn without_symbols(headline: &str) -> String {
    let mut kept = String::with_capacity(headline.len());
    let mut rest = headline;
    while let Some((before, after)) = rest.split_once('(') {
        kept.push_str(before);
        match after.split_once(')') {
            Some((inside, behind)) if is_symbol(inside) => rest = behind,
            _ => {
                kept.push('(');
                rest = after;
            }
        }
    }
    kept + rest
}

fn is_symbol(text: &str) -> bool {
    let (exchange, symbol) = text.rsplit_once(':').unwrap_or(("", text));
    let symbol = symbol.trim();
    (1..=8).contains(&symbol.len())
        && symbol
            .chars()
            .all(|c| c.is_ascii_uppercase() || matches!(c, '.' | '-'))
        && exchange.split_whitespace().count() <= 2
}

fn push_token(words: &mut Vec<Word>, token: &str) {
    if token.chars().all(|c| matches!(c, '-' | '–' | '—' | '|')) {
        words.push(Word::new(CLAUSE_END, false, false));
        return;
    }
    let mut word = String::new();
    let mut money = false;
    for c in token.chars() {
        match c {
            '’' => word.push('\''),
            '$' | '€' | '£' | '¥' | '₹' => {
                // `C$` and `US$` are currency signs too.
                word.clear();
                money = true;
            }
            c if c.is_alphanumeric() || matches!(c, '\'' | '.' | '&' | ',') => word.push(c),
            c => {
                push_word(words, &word, money);
                (word, money) = (String::new(), false);
                if matches!(c, ':' | ';' | '–' | '—' | '(' | ')' | '?' | '!' | '|') {
                    words.push(Word::new(CLAUSE_END, false, false));
                }
            }
        }
    }
    push_word(words, &word, money);
}

fn push_word(words: &mut Vec<Word>, word: &str, money: bool) {
    let word = word.trim_matches(|c| matches!(c, '\'' | ',' | '&'));
    let capital = word.starts_with(char::is_uppercase);
    let lower = word.to_lowercase();
    let (stem, owner) = match lower.strip_suffix("'s") {
        // The agency's name has the ending.
        Some("moody") => ("moodys", false),
        Some(stem) => (stem, true),
        None => (lower.as_str(), false),
    };
    let is_number = stem.starts_with(|c: char| c.is_ascii_digit());
    let text = if is_number {
        stem.replace(',', "").trim_end_matches('.').to_owned()
    } else if stem.split('.').all(|part| part.chars().count() <= 1) {
        // `U.S.`, `N.V.`
        stem.replace('.', "")
    } else {
        stem.to_owned()
    };
    for part in text.split(|c: char| (c == '.' && !is_number) || c == ',') {
        let part = part.replace('\'', "");
        if !part.is_empty() {
            words.push(Word::new(&part, money, capital));
        }
    }
    if owner {
        words.push(Word::new("'s", false, false));
    }
}

/// `EUR 2.1 bn`, `4 billion`, `500 mln euros` and `42 pence` are money as `$4` is.
fn mark_money(words: &mut [Word]) {
    for index in 0..words.len() {
        if !words[index].is_number() {
            continue;
        }
        let coded = index > 0 && CURRENCIES.contains(&words[index - 1].text.as_str());
        let next = words.get(index + 1);
        let billions =
            next.is_some_and(|next| matches!(next.text.as_str(), "billion" | "bn" | "bln"));
        let after = if next.is_some_and(Word::is_scale) {
            words.get(index + 2)
        } else {
            next
        };
        let counted = after.is_some_and(|after| UNITS.contains(&after.text.as_str()));
        words[index].money |= coded || billions || counted;
    }
}

/// In `Dividend Capital` and `Split Rock Holdings` the first word is part of a name.
fn mask_names(words: &mut [Word]) {
    for end in 1..words.len() {
        if !(words[end].capital && NAME_ENDINGS.contains(&words[end].text.as_str())) {
            continue;
        }
        for index in (end.saturating_sub(2)..end).rev() {
            let word = &mut words[index];
            if !word.capital || FUNCTION_WORDS.contains(&word.text.as_str()) {
                break;
            }
            if TYPE_WORDS.contains(&word.text.as_str()) {
                word.text = MASKED.to_owned();
            }
        }
    }
}

/// An act of a former chief executive is not the company's.
fn mask_former_titles(words: &mut [Word]) {
    for index in 0..words.len() {
        if !matches!(words[index].text.as_str(), "former" | "ex" | "late") {
            continue;
        }
        let until = (index + 6).min(words.len());
        let title = words[index + 1..until]
            .iter()
            .take_while(|word| !matches!(word.text.as_str(), "as" | "to" | "for" | CLAUSE_END))
            .position(|word| TITLES.contains(&word.text.as_str()));
        if let Some(title) = title {
            words[index + 1 + title].text = MASKED.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(headline: &str) -> Vec<String> {
        words(headline).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_headline_is_read_as_words() {
        assert_eq!(
            texts("U.S.-based Acme’s Q3: Moody's, 4-for-1 (S&P) Deal(s) 1,200.50"),
            [
                "us", "based", "acme", "'s", "q3", "|", "moodys", "4", "for", "1", "|", "s&p", "|",
                "deals", "1200.50"
            ]
        );
    }

    #[test]
    fn a_symbol_in_parentheses_is_left_out() {
        assert_eq!(
            texts("Starts Acme (ACME) at (NYSE: AB.C) Buy (T1: news (A"),
            [
                "starts", "acme", "at", "buy", "|", "t1", "|", "news", "|", "a"
            ]
        );
    }

    #[test]
    fn money_is_known_by_sign_code_and_scale() {
        let money = |headline| {
            words(headline)
                .into_iter()
                .filter(|word| word.money)
                .map(|word| word.text)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            money("pays C$120 million, EUR 2.1 bn, 4 billion and €3m for 12 million shares"),
            ["120", "2.1", "4", "3m"]
        );
        assert_eq!(
            money("500 million euros, 3 bln, 42 pence, 7 million shares"),
            ["500", "3", "42"]
        );
    }

    #[test]
    fn names_and_former_titles_are_masked() {
        assert_eq!(texts("Dividend Capital opens"), ["_", "capital", "opens"]);
        assert_eq!(
            texts("Merger With Split Rock Holdings"),
            ["merger", "with", "_", "rock", "holdings"]
        );
        assert_eq!(
            texts("Former Acme CEO hired as CEO"),
            ["former", "acme", "_", "hired", "as", "ceo"]
        );
    }
}
