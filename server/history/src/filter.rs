//! Filters of stories.

use market::{News, NewsType, Symbol};

/// A filter of stories. An empty field does not filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewsFilter {
    /// The story concerns one of these symbols.
    pub symbols: Vec<Symbol>,
    /// The story is of one of these types.
    pub types: Vec<NewsType>,
    /// Each of these is a word of its headline or summary; the last one may be the beginning of one. They are in the
    /// form of [`market::words_of`].
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
