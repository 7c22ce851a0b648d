use std::fmt;

use market::Symbol;

/// What a feed would do, determined before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What it does, as in `connects to wss://… and subscribes to …`.
    pub does: String,
    /// The symbols that it is certain to quote.
    pub symbols: Vec<Symbol>,
    /// The audience that it may be shown to.
    pub licence: Licence,
}

/// The audience that a source's data may be shown to, as far as is known: `docs/operate/licences.md` has more, and each
/// source's own terms count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// Everybody: the data is simulated, or in the public domain.
    Public,
    /// Others, as far as the source's terms allow. Read the terms before showing the data to anyone.
    Terms,
    /// Only the holder of the key.
    Personal,
}

impl fmt::Display for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Licence::Public => "may be shown to everybody",
            Licence::Terms => "may be shown to others as far as the source's terms allow",
            Licence::Personal => "is for personal use: it may not be shown to others",
        })
    }
}

/// `A, B and C`.
pub fn list<T: fmt::Display>(items: &[T]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(T::to_string).collect();
            format!("{} and {last}", most.join(", "))
        }
    }
}
