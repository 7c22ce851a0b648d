mod batch;
mod upkeep;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use market::Millis;
use retry::{Backoff, is_logged};
use tape::EventId;
use tokio::sync::watch;

use self::batch::Batch;
use crate::{
    Failure, FailureKind, Options, Reader, State, Status,
    checkpoint::{self, Checkpointer},
    database::{Database, Identity},
    inbox::{Inbox, Tick, Wake},
    lock::Lock,
    owner, priority, quarantine,
    retain::Retainer,
    scrub::Scrubber,
    sums::Summing,
    write::Tally,
};

/// How far beyond the newest id, or the clock, ids are reserved. Events that are streamed before they are on disk stay
/// below.
pub(crate) const RESERVE: Millis = 2_000;

/// The interval at which bars are rolled up, and how long ticks wait without a commit.
const UPKEEP: Duration = Duration::from_secs(1);

/// How long to wait before a write is retried.
const BACKOFF: Backoff = Backoff {
    base: Duration::from_millis(50),
    cap: Duration::from_secs(5),
};

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
    /// Whether anything was written since the last upkeep, and since the last checkpoint.
    written: Written,
    /// When the newest transaction began.
    began: Option<Instant>,
    /// When the acknowledgement of set-aside files was last checked.
    looked: Option<Instant>,
    /// An incident of the file in this run.
    happened: Option<String>,
    /// Held for as long as this writes.
    _lock: Lock,
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
            file_bytes: database.file_bytes(),
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
        // The file and its lock are released before the answer is sent.
        drop(self);
        if let Some(answer) = answer {
            let _ = answer.send(last);
        }
    }

    /// Answers every caller that the archive has failed, until it is closed.
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

    /// Collects data that arrives close together into one transaction.
    fn keep_pace(&mut self) {
        if let Some(began) = self.began {
            let wait = self.options.pace.saturating_sub(began.elapsed());
            if !wait.is_zero() {
                self.inbox.pause(wait);
            }
        }
    }

    /// Writes the queued data, and retries if that may help.
    fn write(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let mut pauses = 0;
        loop {
            // A partly written batch stays as it is.
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
                        pauses += 1;
                        self.inbox.pause(BACKOFF.span(pauses));
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
                    pauses += 1;
                    self.inbox.pause(BACKOFF.span(pauses));
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

    /// Moves the one event or trade that SQLite refuses to the quarantine, so that its neighbours are written. Returns
    /// whether that is on disk.
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

    /// Answers the callers whose events cannot be written, so that the others can be.
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
            let mut yielder = priority::Yielder::default();
            let (from, to) = (batch.done, batch.done + batch.next());
            for tick in batch.ticks.iter().take(to).skip(from) {
                yielder.pass();
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
                yielder.pass();
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
        // Data in a deleted file is not on disk.
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
        // A caller that is answered finds it in the status.
        if batch.is_written() {
            batch.answer(&Ok(()));
        }
        Ok(())
    }

    /// Records a failed attempt: in the status, and in the log with growing intervals.
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
        if is_logged(failures, 3) {
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

    /// Writes the queued data and releases the file in order.
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

/// Answers every waiting caller when the thread ends, even by a panic.
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
