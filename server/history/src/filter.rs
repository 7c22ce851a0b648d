//! Which stories are wanted.

use market::{News, NewsType, Symbol};

/// Which stories are wanted. What is empty asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewsFilter {
    /// One of these is what it speaks of.
    pub symbols: Vec<Symbol>,
    /// It is of one of these types.
    pub types: Vec<NewsType>,
    /// Each of these is a word of its headline or summary, and the last at least the beginning of one.
    /// They are as [`market::words_of`] gives them.
    pub words: Vec<String>,
}

impl NewsFilter {
    /// Whether a story passes.
    pub fn passes(&self, news: &News) -> bool {
        let of_symbol = || {
            news.symbols
                .iter()
                .any(|symbol| self.symbols.contains(symbol))
        };
        (self.symbols.is_empty() || of_symbol())
            && (self.types.is_empty() || self.types.contains(&news.kind))
            && news.has_words(&self.words)
    }
}
