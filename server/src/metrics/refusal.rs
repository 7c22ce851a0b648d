//! Why requests and connections are refused.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Refused {
    reason: &'static str,
}

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many streams are open as the server may have.
    Streams,
    /// The client's address has as many streams as one may have.
    StreamsOfAddress,
    /// As many connections are open as the server may have.
    Connections,
    /// The other end's address has as many connections as one may have.
    ConnectionsOfAddress,
    /// The client's address has as many pending answers as one may have.
    AnswersOfAddress,
    /// Too many bytes are pending for all clients.
    Bytes,
    /// Too many bytes are pending for the client's address.
    BytesOfAddress,
    /// Too many of the page's files are pending.
    Files,
    /// A reader read less than it has to.
    SlowReader,
    /// A request took longer than one may.
    Timeout,
    /// A body is longer than its route takes.
    Body,
}

impl Refusal {
    pub(crate) const ALL: [Refusal; 11] = [
        Refusal::Streams,
        Refusal::StreamsOfAddress,
        Refusal::Connections,
        Refusal::ConnectionsOfAddress,
        Refusal::AnswersOfAddress,
        Refusal::Bytes,
        Refusal::BytesOfAddress,
        Refusal::Files,
        Refusal::SlowReader,
        Refusal::Timeout,
        Refusal::Body,
    ];

    pub(crate) fn reason(self) -> Refused {
        let reason = match self {
            Refusal::Streams => "streams",
            Refusal::StreamsOfAddress => "streams_of_address",
            Refusal::Connections => "connections",
            Refusal::ConnectionsOfAddress => "connections_of_address",
            Refusal::AnswersOfAddress => "answers_of_address",
            Refusal::Bytes => "bytes",
            Refusal::BytesOfAddress => "bytes_of_address",
            Refusal::Files => "files",
            Refusal::SlowReader => "slow_reader",
            Refusal::Timeout => "timeout",
            Refusal::Body => "body",
        };
        Refused { reason }
    }
}
