//! The server: feeds in, one tape, Server-Sent Events out.

mod entry;
pub mod feeds;
mod now;
#[cfg(test)]
mod testing;
mod topic;

pub use entry::Entry;
pub use now::{Now, system_now};
pub use topic::Topic;

/// The tape of this server.
pub type Tape = tape::Tape<Topic, Entry>;
