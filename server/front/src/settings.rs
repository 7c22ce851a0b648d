//! The limits of the front.

use std::time::Duration;

use crate::hosts::Hosts;

/// How long a refused connection is still read, so that its other end can read the reason; and how long an answer may
/// take for a client that has closed its half of the connection.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// The limits of the front.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most bytes that the head of a request may have.
    pub head_bytes: usize,
    /// How long the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long the other end may read nothing of what is being sent.
    pub write_timeout: Duration,
    /// The lowest rate at which the other end has to read a pending answer, in bytes a second; 0 for any.
    pub min_read_rate: u32,
    /// How many connections there may be at one time, as far as there are files for them.
    pub max_connections: usize,
    /// How many of them one address may have, unless it is a trusted proxy.
    pub max_connections_per_address: usize,
    /// How long connections may take to end once shutdown has begun.
    pub grace: Duration,
    /// The names under which the server answers.
    pub hosts: Hosts,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            head_bytes: 16 * 1024,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            min_read_rate: 8 * 1024,
            max_connections: 12_000,
            max_connections_per_address: 12_000,
            grace: Duration::from_secs(5),
            hosts: Hosts::default(),
        }
    }
}
