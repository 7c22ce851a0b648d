use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use market::Millis;
use tape::EventId;
use tokio::sync::watch;

use crate::{
    Failure, FailureKind, Options, Reader, State, Status,
    aside::set_aside_files,
    checkpoint::{self, Checkpointer},
    database::{Database, Identity, beside},
    inbox::{Commit, Inbox, Tick, Wake},
    lock::{ImportLock, Lock},
    owner, priority, quarantine,
    retain::{self, Retainer, Step},
    roll,
    scrub::Scrubber,
    sums::Summing,
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

/// How often it is looked whether set-aside files have been acknowledged.
const LOOKS_ASIDE: Duration = Duration::from_secs(2);

/// How many bars of an interval are rolled up in one transaction, so that no commit waits long.
const ROLLED_AT_ONCE: usize = 500;

/// The thread that owns the connection that writes.
pub(crate) struct Writer {
    database: Database,
    identity: Identity,
    checkpointer: Checkpointer,
    scrubber: Scrubber,
    summing: Summing,
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
    /// When it was last looked whether set-aside files have been acknowledged.
    looked: Option<Instant>,
    /// What happened to the file in this run.
    happened: Option<String>,
    /// Held for as long as this writes.
    _lock: Lock,
}

/// What was taken and is not on disk yet.
#[derive(Default)]
struct Batch {
    ticks: Vec<Tick>,
    commits: Vec<Commit>,
    /// How many of the ticks, and then of the events, are written already.
    done: usize,
    /// How many are tried in one transaction after SQLite has refused more; otherwise all.
    at_once: Option<usize>,
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

    fn len(&self) -> usize {
        let events = self.commits.iter().map(|commit| commit.events.len());
        self.ticks.len() + events.sum::<usize>()
    }

    /// How many are to be written in the next transaction.
    fn next(&self) -> usize {
        let left = self.len() - self.done;
        self.at_once.map_or(left, |at_once| at_once.min(left))
    }

    /// Tries half as many. Returns whether there were more than one.
    fn narrow(&mut self) -> bool {
        let next = self.next();
        self.at_once = Some(next.div_ceil(2));
        next > 1
    }

    /// Those of the next transaction are written.
    fn written(&mut self) {
        self.done += self.next();
        // Where one was refused the others are most likely good.
        self.at_once = self.at_once.map(|at_once| at_once.saturating_mul(2));
    }

    fn is_written(&self) -> bool {
        self.done == self.len()
    }

    /// An event by its place behind the ticks.
    fn event(&self, place: usize) -> Option<&(EventId, Arc<market::Event>)> {
        let place = place.checked_sub(self.ticks.len())?;
        self.commits
            .iter()
            .flat_map(|commit| &commit.events)
            .nth(place)
    }

    fn answer(&mut self, answer: &Result<(), Failure>) {
        (self.done, self.at_once) = (0, None);
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
    ) -> (Self, watch::Receiver<Status>) {
        let identity = Identity::of(&database.file);
        let (status, watched) = watch::channel(Status {
            file_bytes: file_bytes(&database),
            quarantined: quarantine::count(&database.connection).unwrap_or(0),
            ..Status::default()
        });
        let mut writer = Writer {
            checkpointer: Checkpointer::start(&database.file),
            scrubber: Scrubber::start(reader.clone(), Arc::clone(&options.clock), options.check),
            summing: Summing::default(),
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
            looked: None,
            happened: None,
            _lock: lock,
        };
        writer.look_aside();
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
            // What has been written in part stays as it is.
            if batch.done == 0 {
                self.inbox.take(&mut batch.ticks, &mut batch.commits);
                self.refuse_bad(batch);
            }
            if batch.is_empty() {
                return Ok(());
            }
            match self.attempt(batch) {
                Ok(()) if batch.is_empty() => return Ok(()),
                Ok(()) => {}
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
                Err(failure) if failure.kind() == FailureKind::Other && batch.narrow() => {}
                Err(failure)
                    if failure.kind() == FailureKind::Other && self.put_away(batch, &failure) => {}
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

    /// Keeps the one event or trade that SQLite refuses in quarantine, so that its neighbours are
    /// written. Returns whether that is on disk.
    fn put_away(&mut self, batch: &mut Batch, failure: &Failure) -> bool {
        let now = (self.options.clock)();
        let reason = failure.to_string();
        let at = batch.done;
        let kept = self.database.transact(|database| {
            match batch.ticks.get(at) {
                Some(tick) => database.refuse_tick(tick, &reason, now)?,
                None => {
                    if let Some((id, event)) = batch.event(at) {
                        database.refuse_event(*id, event, &reason, now)?;
                    }
                }
            }
            Ok(())
        });
        if let Err(failure) = kept {
            self.failed(&failure);
            return false;
        }
        tracing::error!(
            %failure,
            "SQLite refuses an event: it is kept in quarantine, and the others are written"
        );
        batch.written();
        if batch.is_written() {
            self.inbox.done();
            batch.answer(&Ok(()));
        }
        self.count();
        true
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
            let (from, to) = (batch.done, batch.done + batch.next());
            for tick in batch.ticks.iter().take(to).skip(from) {
                turn.pass();
                match tick {
                    Tick::Trade(print) => {
                        newest_trade = newest_trade.max(print.time);
                        database.trade(print, &mut tally)?;
                    }
                    Tick::Correction(correction, feed) => {
                        database.correct(correction, feed.as_ref(), &mut tally)?;
                    }
                    Tick::Minute(minute) => database.minute(minute)?,
                }
            }
            let ticks = batch.ticks.len();
            let (from, to) = (from.saturating_sub(ticks), to.saturating_sub(ticks));
            let events = batch.commits.iter().flat_map(|commit| &commit.events);
            for (id, event) in events.take(to).skip(from) {
                turn.pass();
                database.event(*id, event, zone, &mut tally)?;
                last = last.max(Some(*id));
            }
            for ownership in batch.commits.iter().flat_map(|commit| &commit.owners) {
                owner::store(&database.connection, ownership)?;
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
        batch.written();
        if batch.is_written() {
            self.inbox.done();
        }
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
        if batch.is_written() {
            batch.answer(&Ok(()));
        }
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
        // What reads goes on reporting to the same place.
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

    /// Moves what was found damaged to the quarantine.
    fn sweep(&mut self) -> Result<(), Failure> {
        if quarantine::sweep(&mut self.database, (self.options.clock)())? {
            self.written.something();
        }
        Ok(())
    }

    /// Gives some rows that have none their checksums.
    fn sum(&mut self) -> Result<(), Failure> {
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

    /// Looks now and then which files are set aside, and composes the notice.
    fn look_aside(&mut self) {
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
        let now = (self.options.removal_clock)();
        let keep = self.options.keep;
        let retainer = &mut self.retainer;
        let step = self.database.transact_lazily(|database| {
            // Within the transaction: what is imported from now on is written after it.
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
