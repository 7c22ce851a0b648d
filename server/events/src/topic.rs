use std::hash::{DefaultHasher, Hash, Hasher};

use market::{Event, Symbol, wire::Topics};

/// The topics that cursors subscribe to, and the keys by which entries are conflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Quotes, sessions and bars of one symbol.
    Symbol(Symbol),
    /// Quotes, sessions and bars of every symbol.
    Symbols,
    /// News of one symbol.
    News(Symbol),
    /// All news.
    AllNews,
    /// News of one story, by a hash of its id, so that a topic stays small. Two stories may
    /// share it: a lookup compares the ids.
    Story(u64),
    /// The conflation key of a symbol's quotes. No cursor has it as a topic.
    Quote(Symbol),
    /// The conflation key of a symbol's sessions. No cursor has it as a topic.
    Session(Symbol),
}

impl Topic {
    /// The topics that an event belongs to.
    pub fn of(event: &Event) -> Vec<Topic> {
        match event.topics() {
            Topics::Market(symbol) => vec![Topic::Symbol(symbol), Topic::Symbols],
            Topics::News(news) => {
                let symbols = news.symbols.iter().copied().map(Topic::News);
                symbols
                    .chain([Topic::AllNews, Topic::story(&news.id)])
                    .collect()
            }
            Topics::Connection => Vec::new(),
        }
    }

    /// The topic of the story of that id.
    pub fn story(id: &str) -> Topic {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        Topic::Story(hasher.finish())
    }

    /// The key by which an event is conflated; `None` for one that is retained.
    pub fn conflation_key(event: &Event) -> Option<Topic> {
        match event {
            Event::Quote(quote) => Some(Topic::Quote(quote.symbol)),
            Event::Session(session) => Some(Topic::Session(session.symbol)),
            Event::Bar(_) | Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => None,
        }
    }
}
