//! The load of `make bench`: thousands of subscribers on one thread, so that the load is cheaper than what it measures.
//!
//! Each server runs pinned to one core and the load pinned to another (`process`). One `wire::Driver` holds all
//! subscribers and the one publisher in an epoll; a `wire::Work` decides what is published when, and evaluates what
//! arrives: a file per mode under `modes`. Every event carries a sequence number (`scan`), and a latency counts from
//! the moment at which an event was due (`schedule`), not from the moment at which a late publisher sent it: a server
//! that delays the publisher gains nothing by that.
#![cfg(target_os = "linux")]

mod latencies;
mod machine;
mod modes;
mod options;
mod payload;
mod process;
mod programs;
mod report;
mod response;
mod scan;
mod schedule;
mod servers;
mod source;
mod wire;

pub use options::main;

/// What went wrong, as a sentence for the person who started the run.
type Problem = String;
