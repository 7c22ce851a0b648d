//! Counting connections.

use std::sync::Arc;

/// Why a connection is not accepted, or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many connections are open as the server may have.
    Connections,
    /// The other end's address has as many connections as one may have.
    ConnectionsOfAddress,
    /// A reader read less than it has to.
    SlowReader,
}

/// Counts connections. The front calls it at each change.
pub trait Meter: Send + Sync {
    /// A connection is accepted.
    fn connected(&self);

    /// A connection that was accepted has ended.
    fn disconnected(&self);

    /// A connection is refused or closed because of a limit.
    fn refused(&self, refusal: Refusal);
}

/// A connection that counts as open until it is dropped.
#[must_use]
pub(crate) struct Connected(Arc<dyn Meter>);

impl Connected {
    pub(crate) fn new(meter: &Arc<dyn Meter>) -> Self {
        meter.connected();
        Connected(Arc::clone(meter))
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}
