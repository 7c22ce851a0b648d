//! The server: feeds in, one tape, Server-Sent Events out.

pub mod feeds;
pub mod http;
pub mod publish;

mod config;
mod entry;
mod now;
mod run;
mod serve;
mod story;
#[cfg(test)]
mod testing;
mod topic;

pub use config::{Command, Config};
pub use entry::{Draft, Entry};
pub use now::{Now, system_now};
pub use run::run;
pub use serve::{listen, serve};
pub use topic::Topic;

/// The tape of this server.
pub type Tape = tape::Tape<Topic, Entry>;

/// A subscriber's position on it.
pub type Cursor = tape::Cursor<Topic, Entry>;

/// The tape as it is at one position.
pub type View<'a> = tape::View<'a, Topic, Entry>;

/// What is appended as one step.
pub type Batch<'a> = tape::Batch<'a, Topic, Entry>;

/// What a cursor hands out.
pub type Delivery = tape::Delivery<Entry>;
