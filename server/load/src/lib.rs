//! What `make bench` measures with: thousands of subscribers on one thread, so that the load is cheaper than what it
//! measures.
//!
//! Each server runs pinned to one core and the load pinned to another (`process`). One `wire::Driver` holds all
//! subscribers and the one publisher in an epoll; what is published when, and what is made of what arrives, is a
//! `wire::Work`: a file a mode under `modes`. Every event carries a sequence number (`scan`), and a latency
//! counts from the moment at which an event was due (`schedule`), not from the moment at which a late publisher sent
//! it: a server that holds the publisher up does not flatter itself by that.
#![cfg(target_os = "linux")]

mod latencies;
mod machine;
mod modes;
mod options;
mod process;
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
