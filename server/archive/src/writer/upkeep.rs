use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use market::Millis;

use super::Writer;
use crate::{
    Failure, FailureKind,
    aside::set_aside_files,
    checkpoint::{self, Checkpointer},
    database::{Database, Identity, beside},
    lock::{ImportLock, Lock},
    quarantine,
    retain::{self, Step},
    roll,
};

/// The sizes of the log from which a checkpoint runs beside the writer, and from which the writer runs it.
const LOG_BYTES: (u64, u64) = (4 << 20, 64 << 20);

/// The interval at which the acknowledgement of set-aside files is checked.
const LOOKS_ASIDE: Duration = Duration::from_secs(2);

/// How many bars of an interval are rolled up in one transaction, so that no commit waits for long.
const ROLLED_AT_ONCE: usize = 500;

impl Writer {
    /// Work between commits. Returns whether there is more to do at once.
    pub(super) fn upkeep(&mut self) -> Result<bool, Failure> {
        let now = (self.options.clock)().max(std::mem::take(&mut self.newest_trade));
        let done = self
            .check_identity()
            .and_then(|()| self.sweep())
            .and_then(|()| self.sum())
            .and_then(|()| self.roll(now))
            .and_then(|more| Ok(self.retain()? || more))
            .and_then(|more| Ok(self.shrink()? || more));
        let more = match done {
            Ok(more) => {
                self.recovered();
                more
            }
            Err(failure) => {
                self.failed(&failure);
                if failure.kind() == FailureKind::Corrupt {
                    return Err(failure);
                }
                if failure.kind() == FailureKind::Gone
                    && let Err(failure) = self.begin_anew()
                {
                    self.failed(&failure);
                }
                false
            }
        };
        self.make_room_in_log();
        self.look_aside();
        self.count();
        Ok(more)
    }

    pub(super) fn check_identity(&self) -> Result<(), Failure> {
        if Identity::of(&self.database.file) == self.identity {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::Gone,
            format!(
                "{} was deleted or replaced while it was open",
                self.database.file.display()
            ),
        ))
    }

    /// Creates a new file in place of a deleted one, and continues its ids.
    pub(super) fn begin_anew(&mut self) -> Result<(), Failure> {
        let file = self.database.file.clone();
        let failed =
            |error: &dyn std::fmt::Display| Failure::new(FailureKind::Io, error.to_string());
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        if let Err(error) = self.lock_again(&file) {
            return Err(failed(&error));
        }
        if !file.exists() {
            // A log without its file belongs to nothing.
            for suffix in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(&file, suffix));
            }
        }
        let mut database =
            Database::open(&file, self.options.busy).map_err(|error| failed(&error))?;
        let ids = self.database.ids;
        database.transact(|database| database.set_mark(ids))?;
        // Readers continue to report to the same place.
        database.connection.damage = Arc::clone(self.reader.damage());
        self.database = database;
        self.identity = Identity::of(&file);
        self.checkpointer = Checkpointer::start(&file);
        self.reader.reopen();
        let notice = format!(
            "{} was deleted while it was open: it was begun anew",
            file.display()
        );
        tracing::error!("{notice}");
        self.happened = Some(notice);
        self.looked = None;
        self.look_aside();
        Ok(())
    }

    pub(super) fn lock_again(&mut self, file: &std::path::Path) -> Result<(), crate::OpenError> {
        if beside(file, ".lock").exists() {
            return Ok(());
        }
        self._lock = Lock::take(file)?;
        Ok(())
    }

    /// Moves damaged rows to the quarantine.
    pub(super) fn sweep(&mut self) -> Result<(), Failure> {
        if quarantine::sweep(&mut self.database, (self.options.clock)())? {
            self.written.something();
        }
        Ok(())
    }

    /// Adds the checksums of some rows that have none.
    pub(super) fn sum(&mut self) -> Result<(), Failure> {
        if !self.summing.is_due() {
            return Ok(());
        }
        let summing = &mut self.summing;
        let written = self
            .database
            .transact_lazily(|database| summing.step(&database.connection))?;
        if written {
            self.written.something();
        }
        Ok(())
    }

    /// Checks from time to time which files are set aside, and composes the notice.
    pub(super) fn look_aside(&mut self) {
        if self
            .looked
            .is_some_and(|looked| looked.elapsed() < LOOKS_ASIDE)
        {
            return;
        }
        self.looked = Some(Instant::now());
        let file = &self.database.file;
        let (Some(folder), Some(name)) = (
            file.parent(),
            file.file_name().and_then(|name| name.to_str()),
        ) else {
            return;
        };
        let aside = match set_aside_files(folder, name) {
            Ok(aside) => aside,
            Err(error) => {
                tracing::debug!(%error, "cannot look for files that were set aside");
                return;
            }
        };
        let sentences: Vec<String> = aside
            .iter()
            .map(|aside| {
                format!(
                    "a corrupt archive was set aside as {}: its history is missing here; acknowledge it with `tickertape repair --acknowledge`",
                    aside.display()
                )
            })
            .chain(self.happened.clone())
            .collect();
        let notice = (!sentences.is_empty()).then(|| sentences.join("; "));
        self.status.send_if_modified(|status| {
            let changed = (&status.notice, &status.set_aside) != (&notice, &aside);
            (status.notice, status.set_aside) = (notice, aside);
            changed
        });
    }

    pub(super) fn roll(&mut self, now: Millis) -> Result<bool, Failure> {
        if !roll::is_due(&self.database.connection, now)? {
            return Ok(false);
        }
        let made = self.database.transact_lazily(|database| {
            database.refresh()?;
            roll::roll(&database.connection, now, ROLLED_AT_ONCE)
        })?;
        self.written.something();
        Ok(made >= ROLLED_AT_ONCE)
    }

    pub(super) fn retain(&mut self) -> Result<bool, Failure> {
        let now = (self.options.removal_clock)();
        let keep = self.options.keep;
        let retainer = &mut self.retainer;
        let step = self.database.transact_lazily(|database| {
            // Within the transaction: data that is imported from now on is written after it.
            if ImportLock::is_held(&database.file) {
                return Ok(Step::default());
            }
            retainer.step(&database.connection, database.ids, &keep, now)
        })?;
        if step.removed > 0 {
            self.written.something();
            self.status
                .send_modify(|status| status.removed += step.removed);
        }
        Ok(step.more)
    }

    pub(super) fn shrink(&mut self) -> Result<bool, Failure> {
        let more = retain::shrink(&self.database.connection)?;
        if let Some(more) = more {
            self.written.something();
            return Ok(more);
        }
        Ok(false)
    }

    /// Moves the log into the file: beside the writer when it has grown or nothing is written, and by the writer itself
    /// if that does not keep up.
    pub(super) fn make_room_in_log(&mut self) {
        let log = std::fs::metadata(beside(&self.database.file, "-wal")).map_or(0, |log| log.len());
        let idle = !std::mem::take(&mut self.written.since_upkeep);
        let due = log > LOG_BYTES.0 || idle && self.written.since_checkpoint;
        if !due {
            return;
        }
        self.written.since_checkpoint = false;
        if log > LOG_BYTES.1 || !self.checkpointer.wake() {
            // The checkpoints beside the writer have moved nearly all of it.
            if let Err(error) = checkpoint::run(&self.database.connection, "TRUNCATE") {
                tracing::debug!(%error, "no checkpoint");
            }
        }
    }

    pub(super) fn count(&mut self) {
        let (queued, dropped) = self.inbox.counts();
        let file_bytes = self.database.file_bytes();
        let pending = roll::pending(&self.database.connection).unwrap_or(0);
        let quarantined = quarantine::count(&self.database.connection).unwrap_or(0);
        let (damaged, newer) = self.database.damage().counts();
        self.status.send_if_modified(|status| {
            let before = status.clone();
            status.queued = queued;
            status.dropped = dropped;
            status.file_bytes = file_bytes;
            status.pending = pending;
            status.quarantined = quarantined;
            status.damaged = damaged;
            status.newer = newer;
            status.summed = !self.summing.is_due();
            status.checks = self.scrubber.checks();
            before != *status
        });
    }
}
