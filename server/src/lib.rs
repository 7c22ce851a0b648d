//! The server: feeds in, one tape, Server-Sent Events out.

pub mod commands;
pub mod data;
pub mod http;
pub mod publish;

mod check;
mod config;
mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod logs;
mod metrics;
mod record;
pub mod repair;
mod run;
mod watch;

pub use check::{check, missing_secrets};
pub use config::{Command, Config, LogFormat};
pub use front::{Host, HostError, Hosts, Settings, listen, serve};
pub use logs::discreet;
pub use metrics::{ConnectionGauge, Counts, Metrics, Refusal, StreamGauge};
pub use record::{RecordOptions, record};
pub use run::run;
