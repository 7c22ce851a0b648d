//! The server: feeds in, one tape, Server-Sent Events out.

pub mod http;

mod config;
mod entry;
mod serve;
mod topic;

use std::sync::Arc;

use market::Millis;

pub use config::Config;
pub use entry::Entry;
pub use serve::{listen, serve};
pub use topic::Topic;

/// The tape of this server.
pub type Tape = tape::Tape<Topic, Entry>;

/// A subscriber's position on it.
pub type Cursor = tape::Cursor<Topic, Entry>;

/// What a cursor hands out.
pub type Delivery = tape::Delivery<Entry>;

/// Where the time comes from, in milliseconds since the epoch: an argument, so that tests can
/// bring their own.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as Millis)
    })
}
