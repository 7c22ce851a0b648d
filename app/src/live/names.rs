//! The names of the events of a stream.

/// Every event that a stream carries.
pub(super) const EVENTS: [&str; 6] = ["message", "session", "bar", "news", "snapshot", "heartbeat"];

/// The name of an event, where it is one; otherwise an empty text.
pub(super) fn known(name: &str) -> &'static str {
    let known = EVENTS.into_iter().find(|known| *known == name);
    known.unwrap_or_default()
}
