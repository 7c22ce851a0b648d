//! The server: feeds in, one tape, Server-Sent Events out.

pub mod commands;
pub mod data;
pub mod http;

mod check;
mod config;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod logs;
mod metrics;
mod record;
pub mod repair;
mod run;
mod serve;
mod watch;

pub use check::{check, missing_secrets};
pub use config::{
    AccessOptions, Command, Config, ConnectionOptions, LimitOptions, ListenOptions, LogFormat,
    LogOptions, PageOptions, SourceOptions,
};
pub use logs::discreet;
pub use metrics::{Counts, Metrics, Refusal, StreamGauge};
pub use record::{RecordOptions, record};
pub use run::run;
pub use serve::serve;
