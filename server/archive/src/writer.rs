use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use market::Millis;
use tape::EventId;
use tokio::sync::watch;

use crate::{
    Failure, FailureKind, Options, Reader, State, Status,
    checkpoint::{self, Checkpointer},
    database::{Database, Identity, beside},
    inbox::{Commit, Inbox, Tick, Wake},
    lock::Lock,
    priority,
    retain::{self, Retainer},
    roll,
    write::Tally,
};

/// How far ahead of the newest id, or of the clock, ids are promised to be free. What is streamed
/// before it is on disk stays below.
pub(crate) const RESERVE: Millis = 2_000;

/// How often bars are rolled up, and how long ticks wait without a commit.
const UPKEEP: Duration = Duration::from_secs(1);

/// The first pause before something is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// From which size of its log on a checkpoint is made beside the writer, and from which by it.
const LOG_BYTES: (u64, u64) = (4 << 20, 64 << 20);

/// How many bars of an interval are rolled up in one transaction, so that no commit waits long.
const ROLLED_AT_ONCE: usize = 500;

/// The thread that owns the connection that writes.
pub(crate) struct Writer {
    database: Database,
    identity: Identity,
    checkpointer: Checkpointer,
    inbox: Arc<Inbox>,
    reader: Reader,
    options: Options,
    status: watch::Sender<Status>,
    /// The greatest time of a trade since bars were last rolled up.
    newest_trade: Millis,
    retainer: Retainer,
    /// Whether something was written since the last upkeep, and since the last checkpoint.
    written: Written,
    /// When the newest transaction began.
    began: Option<Instant>,
    /// Held for as long as this writes.
    _lock: Lock,
}

/// What was taken and is not on disk yet.
#[derive(Default)]
struct Batch {
    ticks: Vec<Tick>,
    commits: Vec<Commit>,
}

#[derive(Default)]
struct Written {
    since_upkeep: bool,
    since_checkpoint: bool,
}

impl Written {
    fn something(&mut self) {
        *self = Written {
            since_upkeep: true,
            since_checkpoint: true,
        };
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.ticks.is_empty() && self.commits.is_empty()
    }

    fn answer(&mut self, answer: &Result<(), Failure>) {
        self.ticks.clear();
        for commit in self.commits.drain(..) {
            let _ = commit.answer.send(answer.clone());
        }
    }
}

impl Writer {
    pub(crate) fn new(
        database: Database,
        lock: Lock,
        inbox: Arc<Inbox>,
        reader: Reader,
        options: Options,
        notice: Option<String>,
    ) -> (Self, watch::Receiver<Status>) {
        let identity = Identity::of(&database.file);
        let (status, watched) = watch::channel(Status {
            file_bytes: file_bytes(&database),
            notice,
            ..Status::default()
        });
        let writer = Writer {
            checkpointer: Checkpointer::start(&database.file),
            database,
            identity,
            inbox,
            reader,
            options,
            status,
            newest_trade: 0,
            retainer: Retainer::default(),
            written: Written::default(),
            began: None,
            _lock: lock,
        };
        (writer, watched)
    }

    pub(crate) fn run(mut self) {
        let _end = End {
            inbox: self.inbox.clone(),
            status: self.status.clone(),
        };
        let mut upkeep = Instant::now() + UPKEEP;
        let mut batch = Batch::default();
        let last = loop {
            match self.inbox.wait(upkeep) {
                Wake::Work => {
                    self.keep_pace();
                    if let Err(failure) = self.write(&mut batch) {
                        break Err(failure);
                    }
                }
                Wake::Time => {}
                Wake::Closing => break self.finish(&mut batch),
            }
            if Instant::now() >= upkeep {
                let more = match self.upkeep() {
                    Ok(more) => more,
                    Err(failure) => break Err(failure),
                };
                upkeep = Instant::now() + if more { Duration::ZERO } else { UPKEEP };
            }
        };
        batch.answer(&Err(Failure::closed()));
        if let Err(failure) = &last {
            self.status
                .send_modify(|status| status.state = State::Failed(failure.to_string()));
            self.refuse(failure);
        }
        let answer = self.inbox.end();
        self.count();
        // The file and its lock are free before anybody is told.
        drop(self);
        if let Some(answer) = answer {
            let _ = answer.send(last);
        }
    }

    /// Answers everybody that the archive has failed, until it is closed.
    fn refuse(&mut self, failure: &Failure) {
        let mut batch = Batch::default();
        while !self.inbox.is_closing() {
            if self.inbox.wait(Instant::now() + UPKEEP) == Wake::Work {
                self.inbox.take(&mut batch.ticks, &mut batch.commits);
                batch.answer(&Err(failure.clone()));
                self.inbox.drop_taken();
                self.count();
            }
        }
    }

    /// Lets what comes close together go into one transaction.
    fn keep_pace(&mut self) {
        if let Some(began) = self.began {
            let wait = self.options.pace.saturating_sub(began.elapsed());
            if !wait.is_zero() {
                self.inbox.pause(wait);
            }
        }
    }

    /// Writes what waits, and goes on trying where that may help.
    fn write(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let mut pause = PAUSES.0;
        loop {
            self.inbox.take(&mut batch.ticks, &mut batch.commits);
            if batch.is_empty() {
                return Ok(());
            }
            match self.attempt(batch) {
                Ok(()) => return Ok(()),
                Err(failure) if failure.kind() == FailureKind::Refused => {
                    self.refuse_bad(batch);
                }
                Err(failure) if failure.kind() == FailureKind::Gone => {
                    self.failed(&failure);
                    if let Err(failure) = self.begin_anew() {
                        self.failed(&failure);
                        if self.inbox.is_closing() {
                            return Ok(());
                        }
                        self.inbox.pause(pause);
                        pause = (pause * 2).min(PAUSES.1);
                    }
                }
                Err(failure) if failure.kind().is_transient() => {
                    self.failed(&failure);
                    if self.inbox.is_closing() {
                        let reason = failure.to_string();
                        batch.answer(&Err(failure));
                        self.inbox.drop_taken();
                        return Err(Failure::new(FailureKind::Closed, reason));
                    }
                    self.inbox.pause(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(failure) => {
                    self.failed(&failure);
                    batch.answer(&Err(failure.clone()));
                    self.inbox.drop_taken();
                    if failure.kind() == FailureKind::Corrupt {
                        tracing::error!(%failure, "the archive has failed");
                        return Err(failure);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Answers those whose events cannot be written, so that the others can.
    fn refuse_bad(&mut self, batch: &mut Batch) {
        let ids = self.database.ids;
        let commits = std::mem::take(&mut batch.commits);
        for commit in commits {
            match commit.events.iter().find(|(id, _)| ids.pack(*id).is_none()) {
                Some((id, _)) => {
                    let failure = self.database.refusal(*id);
                    tracing::error!(%failure, "events refused");
                    let _ = commit.answer.send(Err(failure));
                }
                None => batch.commits.push(commit),
            }
        }
    }

    /// Writes a batch as one transaction, and answers.
    fn attempt(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let now = (self.options.clock)();
        let began = Instant::now();
        self.began = Some(began);
        let zone = self.options.zone;
        let mut tally = Tally::default();
        let mut last: Option<EventId> = None;
        let mut newest_trade = self.newest_trade;
        self.database.transact(|database| {
            database.refresh()?;
            let mut turn = priority::Turn::default();
            for tick in &batch.ticks {
                turn.pass();
                match tick {
                    Tick::Trade(print) => {
                        newest_trade = newest_trade.max(print.time);
                        database.trade(print, &mut tally)?;
                    }
                    Tick::Correction(correction, feed) => {
                        database.correct(correction, feed.as_ref(), &mut tally)?;
                    }
                }
            }
            for (id, event) in batch.commits.iter().flat_map(|commit| &commit.events) {
                turn.pass();
                database.event(*id, event, zone, &mut tally)?;
                last = last.max(Some(*id));
            }
            database.store_sequence()?;
            let newest = last.map_or(0, |id| id.ms + 1);
            let reserved = database.reserved()?;
            if reserved < now.max(newest) + RESERVE / 2 {
                database.reserve(now.max(newest) + RESERVE)?;
            }
            Ok(())
        })?;
        // What went into a file that nobody finds any more is not on disk.
        self.check_identity()?;
        let took = began.elapsed();
        self.written.something();
        self.newest_trade = newest_trade;
        self.inbox.done();
        self.recovered();
        let (queued, dropped) = self.inbox.counts();
        self.status.send_modify(|status| {
            status.last_id = status.last_id.max(last);
            status.last_commit = Some(now);
            status.rows += tally.rows;
            status.bytes += tally.bytes;
            status.known += tally.known;
            status.unmatched += tally.unmatched;
            status.commits += 1;
            status.slowest_commit = status.slowest_commit.max(took);
            status.queued = queued;
            status.dropped = dropped;
        });
        // Who is answered finds it in the status.
        batch.answer(&Ok(()));
        Ok(())
    }

    fn check_identity(&self) -> Result<(), Failure> {
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

    /// Makes a new file in the place of one that was deleted, and goes on with its ids.
    fn begin_anew(&mut self) -> Result<(), Failure> {
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
        self.database = database;
        self.identity = Identity::of(&file);
        self.checkpointer = Checkpointer::start(&file);
        self.reader.reopen();
        let notice = format!(
            "{} was deleted while it was open: it was begun anew",
            file.display()
        );
        tracing::error!("{notice}");
        self.status
            .send_modify(|status| status.notice = Some(notice));
        Ok(())
    }

    fn lock_again(&mut self, file: &std::path::Path) -> Result<(), crate::OpenError> {
        if beside(file, ".lock").exists() {
            return Ok(());
        }
        self._lock = Lock::take(file)?;
        Ok(())
    }

    /// Says that an attempt failed: in the status, and in the log the first few times and then more
    /// and more rarely.
    fn failed(&mut self, failure: &Failure) {
        let (queued, dropped) = self.inbox.counts();
        let mut failures = 0;
        self.status.send_modify(|status| {
            status.failures += 1;
            failures = status.failures;
            status.state = State::Degraded(format!("{failure}: it is tried again"));
            status.queued = queued;
            status.dropped = dropped;
        });
        if failures <= 3 || failures.is_power_of_two() {
            tracing::warn!(%failure, failures, queued, dropped, "the archive could not write");
        }
    }

    fn recovered(&self) {
        self.status.send_if_modified(|status| {
            let again = status.state != State::Ok;
            if again {
                tracing::info!("the archive writes again");
                status.state = State::Ok;
            }
            again
        });
    }

    /// What is done between commits. Returns whether there is more to do at once.
    fn upkeep(&mut self) -> Result<bool, Failure> {
        let now = (self.options.clock)().max(std::mem::take(&mut self.newest_trade));
        let done = self
            .check_identity()
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
        self.count();
        Ok(more)
    }

    fn roll(&mut self, now: Millis) -> Result<bool, Failure> {
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

    fn retain(&mut self) -> Result<bool, Failure> {
        let now = (self.options.clock)();
        let keep = self.options.keep;
        let retainer = &mut self.retainer;
        let step = self.database.transact_lazily(|database| {
            retainer.step(&database.connection, database.ids, &keep, now)
        })?;
        if step.removed > 0 {
            self.written.something();
            self.status
                .send_modify(|status| status.removed += step.removed);
        }
        Ok(step.more)
    }

    fn shrink(&mut self) -> Result<bool, Failure> {
        let more = retain::shrink(&self.database.connection)?;
        if let Some(more) = more {
            self.written.something();
            return Ok(more);
        }
        Ok(false)
    }

    /// Moves the log into the file: beside the writer when it has grown or nothing is going on, and
    /// by the writer itself where that does not keep up.
    fn make_room_in_log(&mut self) {
        let log = std::fs::metadata(beside(&self.database.file, "-wal")).map_or(0, |log| log.len());
        let idle = !std::mem::take(&mut self.written.since_upkeep);
        let due = log > LOG_BYTES.0 || idle && self.written.since_checkpoint;
        if !due {
            return;
        }
        self.written.since_checkpoint = false;
        if log > LOG_BYTES.1 || !self.checkpointer.wake() {
            // Nearly all of it has been moved by the checkpoints beside.
            if let Err(error) = checkpoint::run(&self.database.connection, "TRUNCATE") {
                tracing::debug!(%error, "no checkpoint");
            }
        }
    }

    fn count(&mut self) {
        let (queued, dropped) = self.inbox.counts();
        let file_bytes = file_bytes(&self.database);
        let pending = roll::pending(&self.database.connection).unwrap_or(0);
        self.status.send_if_modified(|status| {
            let before = (
                status.queued,
                status.dropped,
                status.file_bytes,
                status.pending,
            );
            let after = (queued, dropped, file_bytes, pending);
            (
                status.queued,
                status.dropped,
                status.file_bytes,
                status.pending,
            ) = after;
            before != after
        });
    }

    /// Writes what waits and leaves the file in order.
    fn finish(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        self.write(batch)?;
        let state = self.status.borrow().state.clone();
        if let State::Degraded(reason) = state {
            return Err(Failure::new(FailureKind::Closed, reason));
        }
        let now = (self.options.clock)();
        let newest = self.status.borrow().last_id.map_or(0, |id| id.ms);
        self.database
            .transact(|database| database.reserve(now.max(newest) + 1))?;
        if let Err(error) = checkpoint::run(&self.database.connection, "TRUNCATE") {
            tracing::debug!(%error, "no checkpoint");
        }
        Ok(())
    }
}

/// Sees to it that nobody waits for a thread that is gone, however it went.
struct End {
    inbox: Arc<Inbox>,
    status: watch::Sender<Status>,
}

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let state = State::Failed("the archive has a bug and stopped; restart".to_owned());
            self.status.send_modify(|status| status.state = state);
        }
        drop(self.inbox.end());
    }
}

fn file_bytes(database: &Database) -> u64 {
    std::fs::metadata(&database.file).map_or(0, |file| file.len())
}
