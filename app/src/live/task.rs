//! What a [`Connection`](super::connection::Connection) has to do.

/// What has to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing.
    Rest,
    /// The stream has to be opened anew.
    Open,
    /// What came after [`Connection::last_id`] has to be asked for. Where nothing came, the server
    /// may wait with its answer, if it is asked to `wait`.
    Ask {
        /// Whether to wait.
        wait: bool,
    },
}

/// What has to be done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It only showed that the server is there: what is in it comes by the stream.
    Leave,
    /// The same, and the stream has to be opened anew.
    Open,
    /// What is in it is news. The stream, where there is one, has to be closed before it is taken.
    Take,
}
