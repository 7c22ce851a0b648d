//! What is published from the outside: read, checked, and put on the tape as one step.
//!
//! Nothing here knows HTTP; the resource is `http/publish.rs`.

mod builder;
mod check;
mod desk;
mod newcomers;
mod options;
mod strangers;
mod submission;
mod token;

pub use builder::Builder;
#[cfg(any(test, fuzzing))]
pub(crate) use check::check;
pub(crate) use desk::MAX_SYMBOLS;
pub use desk::{By, Desk, Outcome, Publisher};
pub use newcomers::Newcomers;
pub use options::PublishOptions;
pub(crate) use strangers::Strangers;
pub use submission::{Fault, Format, MAX_EVENTS, NotJson, Place, Refusal, Submission};
pub use token::{GrantError, TokenGrant, new_token, publisher_name};
