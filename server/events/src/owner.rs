//! Whose a symbol or a story is: a token changes neither what is a feed's nor what is another token's.

use std::sync::Arc;

/// Who published an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Owner {
    /// A feed, or the server itself.
    #[default]
    Feed,
    /// Whoever has the token of this name.
    Token(Arc<str>),
    /// It is of before a restart, and was written down before owners were: whoever publishes it first has it.
    Unknown,
}

impl Owner {
    /// What an archive has written down of it.
    pub fn written(owner: Option<&Option<Arc<str>>>) -> Self {
        match owner {
            None => Owner::Unknown,
            Some(None) => Owner::Feed,
            Some(Some(name)) => Owner::Token(Arc::clone(name)),
        }
    }
}
