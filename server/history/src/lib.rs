//! The archive: the cursor that writes history, and what a server knows again after a restart.
//!
//! The crate `archive` has the database. Here is what joins it to the tape: the [`Scribe`] commits
//! what the tape says, and a [`RecoveredState`] is what a restarted server goes on from.

mod opening;
mod options;
mod report;
mod scribe;

pub use opening::RecoveredState;
pub use options::{Age, ArchiveOptions, DataFolder, DataSize, Kind};
pub use report::Report;
pub use scribe::Scribe;
