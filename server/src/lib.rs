//! The server: feeds in, one tape, Server-Sent Events out.

pub mod feeds;
pub mod http;

mod config;
mod entry;
mod metrics;
mod now;
mod run;
mod serve;
#[cfg(test)]
mod testing;
mod topic;

pub use config::{Config, LogFormat};
pub use entry::Entry;
pub use metrics::{ConnectionGauge, Counts, Metrics, Refusal, StreamGauge};
pub use now::{Now, system_now};
pub use run::run;
pub use serve::{listen, serve};
pub use topic::Topic;

/// The tape of this server.
pub type Tape = tape::Tape<Topic, Entry>;

/// A subscriber's position on it.
pub type Cursor = tape::Cursor<Topic, Entry>;

/// What a cursor hands out.
pub type Delivery = tape::Delivery<Entry>;
