//! Whose a symbol or a story is: a token changes neither what is a feed's nor what is another token's.

use std::sync::Arc;

/// Who published an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Owner {
    /// A feed, or the server itself.
    #[default]
    Feed,
    /// The token of this name.
    Token(Arc<str>),
    /// Stored by a version that did not record owners: the first to publish it becomes the owner.
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
