//! Dates as tokens.

/// A token of a date.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A number, and its number of digits.
    Number(u32, usize),
    /// A word in lower case.
    Word(String),
    Sign(char),
    Blank,
}

pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part: fn(char) -> bool = match first {
            c if c.is_ascii_digit() => |c| c.is_ascii_digit(),
            c if c.is_alphabetic() => |c| c.is_alphabetic() || c == '_',
            _ => |_| false,
        };
        let length = rest
            .find(|c| !is_part(c))
            .unwrap_or(rest.len())
            .max(first.len_utf8());
        let (part, after) = rest.split_at(length);
        tokens.push(match first {
            c if c.is_ascii_digit() => {
                Token::Number(part.get(..9).unwrap_or(part).parse().ok()?, part.len())
            }
            c if c.is_alphabetic() => Token::Word(part.to_lowercase()),
            ' ' => Token::Blank,
            '\u{2212}' => Token::Sign('-'),
            c => Token::Sign(c),
        });
        rest = after;
    }
    Some(tokens)
}

/// The parts parsed so far.
pub(super) struct Reading<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
}

impl Reading<'_> {
    pub(super) fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    pub(super) fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn number(&self, ahead: usize) -> Option<(u32, usize)> {
        match self.peek(ahead)? {
            Token::Number(number, digits) => Some((*number, *digits)),
            _ => None,
        }
    }

    pub(super) fn is_sign(&self, ahead: usize, signs: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Sign(sign)) if signs.contains(*sign))
    }

    pub(super) fn skip(&mut self, signs: &str) {
        while matches!(self.peek(0), Some(Token::Blank)) || self.is_sign(0, signs) {
            self.at += 1;
        }
    }
}
