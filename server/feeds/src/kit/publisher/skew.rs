/// A wrong clock of a source, or a difference that shows a wrong clock of the server.
pub(super) struct Skew {
    /// The difference, for a person.
    pub(super) reason: String,
    /// Whether the source sent the time of its clock, and not only a tick with a time.
    pub(super) is_reported: bool,
}
