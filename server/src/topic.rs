use market::{Event, Symbol};

/// What cursors listen to, and what merging entries merge by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Quotes, sessions and bars of one symbol.
    Symbol(Symbol),
    /// Quotes, sessions and bars of every symbol.
    Symbols,
    /// News that speaks of one symbol.
    News(Symbol),
    /// All news.
    AllNews,
    /// Merges the quotes of one symbol; nobody listens to it alone.
    Quote(Symbol),
    /// Merges the sessions of one symbol; nobody listens to it alone.
    Session(Symbol),
}

impl Topic {
    /// The topics that an event belongs to.
    pub fn of(event: &Event) -> Vec<Topic> {
        match event {
            Event::Quote(quote) => vec![Topic::Symbol(quote.symbol), Topic::Symbols],
            Event::Session(session) => vec![Topic::Symbol(session.symbol), Topic::Symbols],
            Event::Bar(bar) => vec![Topic::Symbol(bar.symbol), Topic::Symbols],
            Event::News(news) => {
                let symbols = news.symbols.iter().copied().map(Topic::News);
                symbols.chain([Topic::AllNews]).collect()
            }
            Event::Snapshot(_) | Event::Heartbeat(_) => Vec::new(),
        }
    }

    /// What an event merges by; `None` for one that is kept.
    pub fn merge(event: &Event) -> Option<Topic> {
        match event {
            Event::Quote(quote) => Some(Topic::Quote(quote.symbol)),
            Event::Session(session) => Some(Topic::Session(session.symbol)),
            _ => None,
        }
    }
}
