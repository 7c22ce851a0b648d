//! What the front adds to requests, as extensions.

use std::net::SocketAddr;

/// The other end of the connection that a request came on, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An extension of a request that is refused for its head alone: why. Whatever else it seems to ask
/// for, it is answered with that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    Malformed(String),
    /// It asks another host.
    Misdirected(String),
    /// It asks for what is not done here.
    NotImplemented(String),
}
