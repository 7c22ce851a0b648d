//! The cursor that writes history.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use archive::{Archive, Failure, FailureKind, Ownership, State, Status, Subject};
use market::{Event, FeedState, FeedStatus};
use tape::{EventId, OffTape};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::report::Report;
use clock::Now;
use events::{Cursor, Tape, Topic, claims::ownership};

/// The archive's name among the feeds.
const NAME: &str = "Archive";

/// How much is read while the tape is locked, in bytes of events.
const SLICE_BYTES: usize = 512 * 1024;

/// How long to wait after an unknown failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The archive, and how much of the tape is in it. A clone is the same.
#[derive(Debug, Clone)]
pub struct Scribe(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The archive, or why a configured one is missing.
    archive: Result<Archive, String>,
    /// Everything on the tape up to here is on disk.
    written: watch::Receiver<EventId>,
    lost: Arc<AtomicU64>,
}

impl Scribe {
    /// Writes from now on what is appended to a tape, whose earlier events are all written; until `stop` is cancelled,
    /// and then the rest. `committed` receives how long each commit takes.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(
        archive: Archive,
        tape: &Tape,
        clock: Now,
        committed: impl Fn(Duration) + Send + Sync + 'static,
        owners: Vec<Ownership>,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let topics = [Topic::Symbols, Topic::AllNews];
        let (cursor, (position, passed)) = tape.open(&topics, |view| {
            let stats = view.stats();
            (view.position(), stats.retained as u64 + stats.evicted)
        });
        let (written, watched) = watch::channel(position);
        let lost = Arc::new(AtomicU64::new(0));
        let writing = Writing {
            owners: owners
                .into_iter()
                .map(|ownership| (ownership.subject, ownership.owner))
                .collect(),
            archive: archive.clone(),
            cursor,
            clock,
            committed: Box::new(committed),
            written,
            passed,
            lost: Arc::clone(&lost),
        };
        let task = tokio::spawn(writing.run(stop));
        let shared = Shared {
            archive: Ok(archive),
            written: watched,
            lost,
        };
        (Scribe(Arc::new(shared)), task)
    }

    /// A configured archive that is missing, with the reason.
    pub fn failed(reason: String) -> Self {
        Scribe(Arc::new(Shared {
            archive: Err(reason),
            written: watch::channel(EventId { ms: 0, n: 0 }).1,
            lost: Arc::default(),
        }))
    }

    /// The archive itself, to be read.
    pub fn archive(&self) -> Option<&Archive> {
        self.0.archive.as_ref().ok()
    }

    /// The reason why nothing can be written at the moment, if so.
    pub fn trouble(&self, tape: &Tape) -> Option<String> {
        let archive = match &self.0.archive {
            Ok(archive) => archive,
            Err(reason) => return Some(reason.clone()),
        };
        match archive.status().state {
            State::Ok => None,
            State::Failed(reason) => Some(reason),
            // The next batch tries again, unless an attempt is under way.
            State::Degraded(reason) => {
                let behind = *self.0.written.borrow() < tape.view(|view| view.position());
                behind.then_some(reason)
            }
        }
    }

    /// Waits until everything on the tape up to a position is on disk.
    ///
    /// # Errors
    /// If an attempt to write fails meanwhile, with the reason. The event may be on disk a moment later all the same.
    pub async fn on_disk(&self, position: EventId) -> Result<(), String> {
        let archive = self.0.archive.as_ref().map_err(String::clone)?;
        let mut written = self.0.written.clone();
        let mut status = archive.watch();
        let before = status.borrow().failures;
        let failing = async {
            let failed = status.wait_for(|status| match status.state {
                State::Ok => false,
                State::Degraded(_) => status.failures > before,
                State::Failed(_) => true,
            });
            match failed.await.map(|status| status.state.clone()) {
                Ok(State::Degraded(reason) | State::Failed(reason)) => reason,
                Ok(State::Ok) | Err(_) => "the archive has been closed".to_owned(),
            }
        };
        tokio::select! {
            biased;
            done = written.wait_for(|written| *written >= position) => match done {
                Ok(_) => Ok(()),
                Err(_) => Err("the archive has been closed".to_owned()),
            },
            reason = failing => Err(reason),
        }
    }

    /// Its state; one that could not be opened has failed.
    pub fn report(&self) -> Report {
        let status = match &self.0.archive {
            Ok(archive) => archive.status(),
            Err(reason) => Status {
                state: State::Failed(reason.clone()),
                ..Status::default()
            },
        };
        Report {
            status,
            written: *self.0.written.borrow(),
            lost: self.0.lost.load(Ordering::Relaxed),
            unrecorded: match &self.0.archive {
                Ok(archive) => archive.journal().unrecorded(),
                Err(_) => 0,
            },
        }
    }

    /// What somebody should act on, in one line; `None` if there is nothing.
    pub fn alarm(&self) -> Option<String> {
        let writing = self
            .feed_status()
            .and_then(|status| status.detail)
            .map(|detail| format!("nothing is archived: {detail}"));
        let Report { status, .. } = self.report();
        // A row that is being moved is in both.
        let bad = status.quarantined.max(status.damaged);
        let damaged = (bad > 0).then(|| {
            format!(
                "{bad} rows of the archive are damaged and left out: stop the server and run tickertape repair"
            )
        });
        let problem = status.checks.problems.first().map(|problem| {
            format!("the archive's file is damaged ({problem}): stop the server and run tickertape repair")
        });
        let alarms: Vec<String> = [writing, status.notice, damaged, problem]
            .into_iter()
            .flatten()
            .collect();
        (!alarms.is_empty()).then(|| alarms.join("; "))
    }

    /// The notice as shown among the feeds; `None` if there is nothing to act on.
    pub fn feed_status(&self) -> Option<FeedStatus> {
        let Report { status, lost, .. } = self.report();
        let (state, detail) = match status.state {
            State::Failed(reason) => (FeedState::Failed, reason),
            State::Degraded(reason) => (FeedState::Degraded, reason),
            State::Ok if lost > 0 => (
                FeedState::Degraded,
                format!(
                    "{lost} events left the tape before they could be written: history has a gap there"
                ),
            ),
            State::Ok => return None,
        };
        Some(FeedStatus {
            name: NAME.to_owned(),
            state,
            detail: Some(detail),
        })
    }
}

/// The cursor that writes.
struct Writing {
    archive: Archive,
    cursor: Cursor,
    clock: Now,
    /// Receives how long each commit takes.
    committed: Box<dyn Fn(Duration) + Send + Sync>,
    written: watch::Sender<EventId>,
    /// How many retained entries are behind the cursor, of all that were ever on the tape.
    passed: u64,
    lost: Arc<AtomicU64>,
    /// The owners of the symbols, as stored.
    owners: HashMap<Subject, Option<Arc<str>>>,
}

#[derive(Default)]
struct Batch {
    events: Vec<(EventId, Arc<Event>)>,
    owners: Vec<Ownership>,
}

impl Writing {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let batch = tokio::select! {
                batch = self.next() => batch,
                () = stop.cancelled() => match self.rest() {
                    Some(batch) => batch,
                    None => return,
                },
            };
            if let Err(failure) = self.write(batch).await {
                tracing::error!(%failure, "nothing more is archived");
                return;
            }
        }
    }

    /// Waits for an entry that is not written, and reads all such entries.
    ///
    /// It reads to the end, so that the state on disk is that of the tape at one position: an entry that is superseded
    /// between two slices is in a later one.
    /// superseded between two slices is in a later one.
    async fn next(&mut self) -> Batch {
        let mut read = Vec::new();
        let first = poll_fn(|context| {
            let now = (self.clock)();
            self.cursor.poll_read(context, now, SLICE_BYTES, &mut read)
        });
        let first = first.await;
        self.read_on(first, read)
    }

    /// Reads the rest.
    fn rest(&mut self) -> Option<Batch> {
        let batch = self.read_on(Ok(()), Vec::new());
        (!batch.events.is_empty()).then_some(batch)
    }

    /// Reads to the end of the tape, a slice at a time, so that no publication waits for all of it.
    fn read_on(&mut self, mut read: Result<(), OffTape>, first: Vec<events::Delivery>) -> Batch {
        let mut batch = Batch::default();
        let mut deliveries = first;
        loop {
            if read.is_err() {
                self.skip_lost();
            }
            for delivery in deliveries.drain(..) {
                let entry = &delivery.payload;
                self.passed += u64::from(Topic::conflation_key(&entry.event).is_none());
                batch.events.push((delivery.id, Arc::clone(&entry.event)));
                let ownership = ownership(&entry.event, &entry.owner);
                batch
                    .owners
                    .extend(ownership.filter(|ownership| self.is_news(ownership)));
            }
            read = self
                .cursor
                .read((self.clock)(), SLICE_BYTES, &mut deliveries);
            if read.is_ok() && deliveries.is_empty() {
                return batch;
            }
        }
    }

    /// Whether an owner differs from the stored one. Owners of stories are always written: there are far more of them,
    /// and each is published once or twice.
    fn is_news(&mut self, Ownership { subject, owner }: &Ownership) -> bool {
        if matches!(subject, Subject::Story(_)) || self.owners.get(subject) == Some(owner) {
            return matches!(subject, Subject::Story(_));
        }
        self.owners.insert(subject.clone(), owner.clone());
        true
    }

    /// Continues with the rest of the window, after more was appended than it holds.
    fn skip_lost(&mut self) {
        let evicted = self.cursor.skip_lost(|view| view.stats().evicted);
        let lost = evicted.saturating_sub(self.passed);
        self.passed = self.passed.max(evicted);
        self.lost.fetch_add(lost, Ordering::Relaxed);
        tracing::error!(
            lost,
            "the archive was behind for longer than the tape remembers; events are lost to it"
        );
    }

    async fn write(&mut self, batch: Batch) -> Result<(), Failure> {
        loop {
            let began = Instant::now();
            let Batch { events, owners } = &batch;
            let commit = self.archive.commit_owned(events.clone(), owners.clone());
            match commit.await {
                Ok(()) => {
                    (self.committed)(began.elapsed());
                    let position = self.cursor.position();
                    self.archive.journal().written(position);
                    self.written.send_replace(position);
                    return Ok(());
                }
                Err(failure) => match failure.kind() {
                    FailureKind::Closed | FailureKind::Corrupt => return Err(failure),
                    FailureKind::Refused => {
                        self.lost
                            .fetch_add(batch.events.len() as u64, Ordering::Relaxed);
                        return Ok(());
                    }
                    _ => tokio::time::sleep(PAUSE).await,
                },
            }
        }
    }
}
