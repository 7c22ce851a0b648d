//! What is published from the outside: read, checked, and put on the tape as one step.
//!
//! Nothing here knows HTTP; the resource is `http/publish.rs`.

mod desk;
mod options;
mod strangers;
mod token;

pub use desk::{Desk, Publisher};
pub use options::PublishOptions;
pub(crate) use strangers::Strangers;
pub use token::{GrantError, TokenGrant, new_token, publisher_name};
