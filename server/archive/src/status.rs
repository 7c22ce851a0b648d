use std::{path::PathBuf, time::Duration};

use market::Millis;
use tape::EventId;

use crate::Checks;

/// The status of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Whether it writes.
    pub state: State,
    /// The newest event on disk.
    pub last_id: Option<EventId>,
    /// When the newest transaction was on disk, by the archive's clock.
    pub last_commit: Option<Millis>,
    /// How many rows were written: events, quotes, trades, bars.
    pub rows: u64,
    /// The size of their values, in bytes, before SQLite put them into pages.
    pub bytes: u64,
    /// How many transactions were committed.
    pub commits: u64,
    /// How long the slowest of them took, including its wait for the disk.
    pub slowest_commit: Duration,
    /// How many attempts to write failed.
    pub failures: u64,
    /// How many trades and corrections wait for the disk.
    pub queued: u64,
    /// How many trades and corrections were dropped because the queue was full.
    pub dropped: u64,
    /// How many trades were duplicates.
    pub known: u64,
    /// How many corrections were of a trade that is not stored, or no longer.
    pub unmatched: u64,
    /// How many bars are pending; they are correct when they are read all the same.
    pub pending: u64,
    /// How many rows were removed because of their age or of the file's size.
    pub removed: u64,
    /// The size of the file, in bytes, without its write-ahead log.
    pub file_bytes: u64,
    /// An incident of the file that stays reported until it is acknowledged: it was set aside, deleted or created anew.
    pub notice: Option<String>,
    /// Corrupt files that were set aside and have not been acknowledged, including earlier runs.
    pub set_aside: Vec<PathBuf>,
    /// How many rows are in quarantine: damaged ones, and those that SQLite refused.
    pub quarantined: u64,
    /// How many damaged rows could not be moved there; they are left out of answers all the same.
    pub damaged: u64,
    /// Whether all rows have a checksum: those of an archive of version 1 get theirs gradually.
    pub summed: bool,
    /// The findings of the scheduled checks.
    pub checks: Checks,
    /// How many intact rows only a newer version can read; they are left out of answers.
    pub newer: u64,
}

/// Whether an archive writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// It does.
    #[default]
    Ok,
    /// The last attempt failed and is retried; nothing is lost except what [`Status::dropped`] counts. The sentence has
    /// the reason and what to do.
    Degraded(String),
    /// It has failed for good. The sentence has the reason and what to do.
    Failed(String),
}
