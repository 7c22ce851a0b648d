//! What turns sources into events on the tape: a file a source, all behind [`Feed`].
//!
//! A feed connects once, publishes until its source ends or breaks off, and says why it stopped.
//! The [`Supervisor`] does the rest: it starts feeds, waits longer and longer between tries, holds
//! what is known of their health, and ends them.

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
pub use registry::{AskedFeed, FeedRow, FeedSpec, personal};
pub use retry::Backoff;
pub use sources::replay::Speed;
