//! Extensions that the front adds to requests.

use std::net::SocketAddr;

/// The other end of the connection that a request came on, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An extension of a request that is refused for its head alone: the reason. The answer is that refusal, whatever else
/// it requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    Malformed(String),
    /// It is for another host.
    Misdirected(String),
    /// It requests something unsupported.
    NotImplemented(String),
}
