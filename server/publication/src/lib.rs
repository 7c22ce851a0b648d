//! Publications from outside: parsed, checked, and appended to the tape as one step.

mod append;
mod builder;
mod check;
mod newcomers;
mod submission;

pub use append::{By, Outcome};
pub use builder::{Builder, Surroundings};
pub use check::check;
pub use newcomers::{MAX_SYMBOLS, Newcomers};
pub use submission::{EventLocation, Fault, Format, MAX_EVENTS, NotJson, Refusal, Submission};
