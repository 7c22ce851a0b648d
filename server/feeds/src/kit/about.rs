use std::fmt;

use market::Symbol;

/// What a feed would do, told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What it does, as in `connects to wss://… and listens to …`.
    pub does: String,
    /// The symbols that it is sure to quote.
    pub symbols: Vec<Symbol>,
    /// To whom it may be shown.
    pub licence: Licence,
}

/// To whom what a source gives may be shown, as far as is known: `docs/operate/licences.md` says more, and
/// each source's own terms count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// To everybody: it is made up, or in the public domain.
    Public,
    /// To whom the source's terms allow, which are to be read before it is shown to others.
    Terms,
    /// To nobody but who has the key.
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
