/// A clock of a source that is wrong, or that makes ours look wrong.
pub(super) struct Skew {
    /// By how much it is off, for a person.
    pub(super) reason: String,
    /// Whether the source sent the time of its clock, and not just a tick with a time.
    pub(super) is_reported: bool,
}
