use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use retry::is_logged;

use super::Publisher;
use crate::{FrameError, Skipped};

impl Publisher {
    /// How many ticks, corrections and stories the source has given so far.
    pub fn understood(&self) -> u64 {
        self.understood.load(Ordering::Relaxed)
    }

    pub(super) fn understand(&self) {
        self.understood.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts missing messages by the source's own numbers.
    pub fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a frame of a kind that is not used.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an invalid frame, and logs the first few, then only powers of two, so that a faulty source does not fill
    /// the disk.
    pub fn wrong(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.wrong) {
            let feed = self.name();
            tracing::warn!(feed, count, "skipped what cannot be read: {why}");
        }
    }

    /// Counts an item that shares its identity with another one of its document, and logs it as [`Publisher::wrong`]
    /// does.
    pub fn duplicate(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.duplicates) {
            let feed = self.name();
            tracing::warn!(feed, count, "skipped a duplicate: {why}");
        }
    }

    /// Counts a fault of a document that was parsed all the same, and logs it as [`Publisher::wrong`] does.
    pub fn mended(&self, why: &dyn fmt::Display) {
        if let Some(count) = counted(&self.mended) {
            let feed = self.name();
            tracing::warn!(feed, count, "read in spite of a fault: {why}");
        }
    }

    /// Counts each of these as [`Publisher::wrong`] does.
    pub fn wrongs(&self, faults: Vec<FrameError>) {
        for fault in faults {
            self.wrong(&fault);
        }
    }

    /// What the feed has skipped so far.
    pub fn skipped(&self) -> Skipped {
        Skipped {
            ignored: self.ignored.load(Ordering::Relaxed),
            wrong: self.wrong.load(Ordering::Relaxed),
            late: self.state().board.late(),
            gaps: self.gaps.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            mended: self.mended.load(Ordering::Relaxed),
        }
    }
}

/// Counts one more. Returns the count if it is to be logged.
fn counted(counter: &AtomicU64) -> Option<u64> {
    let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
    is_logged(count, 8).then_some(count)
}
