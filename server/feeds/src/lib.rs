//! The feeds, which turn sources into events on the tape: one file per source, all behind [`Feed`].
//!
//! A feed connects once, publishes until its source ends or breaks off, and returns why it stopped. The [`Supervisor`]
//! does the rest: it starts feeds, waits longer and longer between attempts, holds their states, and ends them.

mod arbiter;
#[cfg(any(test, fuzzing, feature = "testing"))]
pub mod fuzzing;
mod kit;
mod registry;
pub mod sources;
#[cfg(any(test, fuzzing, feature = "testing"))]
pub mod testing;

pub use kit::{
    About, End, Feed, FeedContext, FeedError, FrameError, HighWaterMark, Licence, Publisher,
    Recorded, Recorder, ResumeState, ResumeStates, Revealed, Secret, SecretError, Skipped,
    SpecError, SpecFault, Statuses, Supervisor, Timeouts, conditions, fetch, headline, list,
    markup, pairs, provide_tls,
};
pub use registry::{FeedRow, FeedSpec, ParsedFeed, personal};
pub use retry::Backoff;
pub use sources::replay::Speed;
