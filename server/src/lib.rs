//! The server: feeds in, one tape, Server-Sent Events out.

pub mod archive;
pub mod data;
pub mod export;
pub mod feeds;
pub mod history;
pub mod http;
pub mod import;
pub mod publish;
pub mod sessions;

mod bom;
mod cell;
mod check;
mod closing;
mod config;
mod directory;
mod entry;
mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod logs;
mod metrics;
mod minutes;
mod now;
mod owner;
mod record;
pub mod repair;
mod ringing;
mod run;
mod secret;
mod slices;
mod story;
#[cfg(test)]
mod testing;
mod tls;
mod topic;

pub use check::{check, missing_secrets};
pub use closing::Closing;
pub use config::{Command, Config, LogFormat};
pub use directory::{Directory, Listing, ListingFile};
pub use entry::{Chunk, Draft, Entry, Record};
pub use front::{Host, HostError, Hosts, Settings, listen, serve};
pub use logs::discreet;
pub use metrics::{ConnectionGauge, Counts, Metrics, Refusal, StreamGauge};
pub use minutes::Minutes;
pub use now::{Clock, Now, system_now};
pub use owner::Owner;
pub use record::{RecordOptions, record};
pub use run::run;
pub use secret::{Revealed, Secret, SecretError};
pub use tls::provide_tls;
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
