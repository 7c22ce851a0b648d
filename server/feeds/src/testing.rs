//! Helpers of the tests of several crates.

use events::Tape;

pub use events::testing::{Reader, START, fixed_now, listen, runtime_now, tape};

use crate::{FeedContext, Publisher};

/// A context on which nothing has been published, at a time that stands still.
pub fn context(tape: Tape) -> FeedContext {
    FeedContext::new(tape, fixed_now())
}

/// The publisher of a feed of that tape.
pub fn publisher(tape: &Tape) -> Publisher {
    Publisher::new(context(tape.clone()), "Test")
}
