//! The front: it accepts connections, reads the heads of requests, writes streams itself and leaves
//! everything else to hyper.
//!
//! hyper keeps some 14 KiB for a connection, which is little for a request and much for a stream that
//! is silent most of the time. Both ways call the same router, so that limits, headers and errors
//! are the same.

mod accept;
mod chunks;
mod client;
mod connection;
mod exchange;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod gate;
mod handover;
mod head;
mod hosts;
mod meter;
mod places;
mod request;
mod respond;
mod room;
mod serve;
mod settings;
mod stall;
mod writer;

pub use self::{
    client::{ClientHeader, NOBODY, Proxies, counted_as, is_sane_id, parse_network},
    handover::{EventStream, StreamReceiver, StreamSender, handover},
    hosts::{Host, HostError, Hosts},
    meter::{Meter, Refusal},
    places::{Full, Permit, Places},
    request::{Peer, Refused},
    room::MAX_FILES,
    serve::{Front, listen, serve},
    settings::Settings,
};
