//! The owners of symbols and stories: a token may change neither those of feeds nor those of other tokens.

use std::sync::Arc;

/// Who published an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Owner {
    /// A feed, or the server itself.
    #[default]
    Feed,
    /// The token of this name.
    Token(Arc<str>),
    /// Stored by a version that did not record owners: the first publisher of the subject becomes its owner.
    Unknown,
}

impl Owner {
    /// The owner that an archive has stored.
    pub fn written(owner: Option<&Option<Arc<str>>>) -> Self {
        match owner {
            None => Owner::Unknown,
            Some(None) => Owner::Feed,
            Some(Some(name)) => Owner::Token(Arc::clone(name)),
        }
    }
}
