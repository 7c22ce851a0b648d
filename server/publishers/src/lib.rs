//! Who may publish: tokens, their rates, and the limit of requests without a valid token.
//!
//! Nothing here depends on HTTP; the resource is `server/src/http/publish.rs`.

mod options;
mod publish_gate;
mod strangers;
mod token;

pub use options::PublishOptions;
pub use publish_gate::{PublishGate, Publisher};
pub use strangers::Strangers;
pub use token::{GrantError, TokenGrant, new_token, publisher_name};
