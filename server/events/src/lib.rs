//! The tape bound to market events: its entries, their topics and their owners.

pub mod claims;
mod closing;
mod entry;
mod minutes;
mod owner;
pub mod slices;
pub mod story;
#[cfg(any(test, fuzzing, feature = "testing"))]
pub mod testing;
mod topic;
mod waking;

pub use closing::Closing;
pub use entry::{Chunk, Draft, Entry, Record, put_chunk};
pub use minutes::{Closed, Minutes};
pub use owner::Owner;
pub use topic::Topic;
pub use waking::wake_streams;

/// The tape of a server.
pub type Tape = tape::Tape<Topic, Entry>;

/// A subscriber's position on it.
pub type Cursor = tape::Cursor<Topic, Entry>;

/// The tape at one position.
pub type View<'a> = tape::View<'a, Topic, Entry>;

/// The events that are appended as one step.
pub type Batch<'a> = tape::Batch<'a, Topic, Entry>;

/// What a cursor returns.
pub type Delivery = tape::Delivery<Entry>;
