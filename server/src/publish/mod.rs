//! What is published from the outside: read, checked, and put on the tape as one step.
//!
//! Nothing here knows HTTP; the resource is `http/publish.rs`.

mod options;
mod publish_gate;
mod strangers;
mod token;

pub use options::PublishOptions;
pub use publish_gate::{PublishGate, Publisher};
pub(crate) use strangers::Strangers;
pub use token::{GrantError, TokenGrant, new_token, publisher_name};
