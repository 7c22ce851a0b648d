//! What a [`Connection`](super::connection::Connection) has to do.

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing.
    Rest,
    /// Reopen the stream.
    Open,
    /// Poll for events after [`Connection::last_id`](super::connection::Connection::last_id). With `wait`, the server
    /// may wait until there are some.
    Ask {
        /// Whether the server may wait.
        wait: bool,
    },
}

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ignore it: the stream sends the same events. It only showed that the server is reachable.
    Leave,
    /// The same, and reopen the stream.
    Open,
    /// Take its events, and first close the stream, if there is one.
    Take,
}
