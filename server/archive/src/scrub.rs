//! The scheduled check: every row against its checksum, and every table against SQLite's own rules, in
//! slices, on a thread and connections that only read.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use market::Millis;
use rusqlite::{ErrorCode, params_from_iter};

use crate::{
    Clock, Failure, Reader,
    pool::connect,
    priority,
    sums::slice_of,
    table::{Cell, Table, cells},
};

/// How many rows a slice has.
const SLICE_ROWS: usize = 1_000;

/// How much longer the pause after a slice is than the slice: it takes at most a tenth of a core.
const PAUSE_FACTOR: u32 = 9;

/// How long SQLite may check one table. Reading for longer would keep the write-ahead log from being emptied.
/// `tickertape repair` checks the rest.
const TABLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many problems are kept.
const MAX_PROBLEMS: usize = 20;

/// How long after the start the first check begins, if they are not more frequent.
const FIRST: Duration = Duration::from_secs(600);

/// How many steps of SQLite's machine run between checks of the time.
const STEPS: i32 = 10_000;

/// The findings of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checks {
    /// How many checks have been completed.
    pub completed: u64,
    /// When the last one ended, by the archive's clock.
    pub last: Option<Millis>,
    /// How many rows have been compared with their checksums.
    pub rows: u64,
    /// Problems that the last one found beside unreadable rows; some of them.
    pub problems: Vec<String>,
}

/// Checks repeatedly until it is dropped.
#[derive(Debug)]
pub(crate) struct Scrubber {
    stop: Option<SyncSender<()>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    checks: Arc<Mutex<Checks>>,
}

impl Scrubber {
    pub(crate) fn start(reader: Reader, clock: Clock, every: Option<Duration>) -> Self {
        let checks: Arc<Mutex<Checks>> = Arc::default();
        let stopping: Arc<AtomicBool> = Arc::default();
        let (stop, stopped) = sync_channel::<()>(0);
        let thread = every.and_then(|every| {
            let scrub = Scrub {
                reader,
                clock,
                stopped,
                stopping: Arc::clone(&stopping),
                checks: Arc::clone(&checks),
            };
            std::thread::Builder::new()
                .name("integrity".to_owned())
                .spawn(move || {
                    priority::give_way();
                    scrub.run(every);
                })
                .inspect_err(|error| tracing::warn!(%error, "no thread for integrity checks"))
                .ok()
        });
        Scrubber {
            stop: Some(stop),
            stopping,
            thread,
            checks,
        }
    }

    pub(crate) fn checks(&self) -> Checks {
        lock(&self.checks).clone()
    }
}

impl Drop for Scrubber {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(checks: &Mutex<Checks>) -> MutexGuard<'_, Checks> {
    checks.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Scrub {
    reader: Reader,
    clock: Clock,
    stopped: Receiver<()>,
    stopping: Arc<AtomicBool>,
    checks: Arc<Mutex<Checks>>,
}

/// Whether to continue.
enum Next {
    On,
    End,
}

impl Scrub {
    fn run(self, every: Duration) {
        let mut wait = every.min(FIRST);
        while let Next::On = self.pause(wait) {
            wait = every;
            match self.check() {
                Ok(Some(problems)) => self.completed(problems),
                Ok(None) => return,
                Err(failure) => {
                    tracing::warn!(%failure, "the integrity check could not be completed")
                }
            }
        }
    }

    fn pause(&self, pause: Duration) -> Next {
        match self.stopped.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Next::On,
            _ => Next::End,
        }
    }

    fn completed(&self, problems: Vec<String>) {
        match problems.first() {
            Some(first) => tracing::error!(
                problem = first,
                problems = problems.len(),
                "the archive's file is damaged: stop the server and run tickertape repair"
            ),
            None => tracing::debug!("the archive's file is in order"),
        }
        let mut checks = lock(&self.checks);
        checks.completed += 1;
        checks.last = Some((self.clock)());
        checks.problems = problems;
    }

    /// `None` if it is to end.
    fn check(&self) -> Result<Option<Vec<String>>, Failure> {
        let mut problems = Vec::new();
        for table in Table::ALL {
            if let Next::End = self.rows(table, &mut problems)? {
                return Ok(None);
            }
        }
        for table in Table::ALL {
            if let Next::End = self.pause(Duration::ZERO) {
                return Ok(None);
            }
            self.structure(table.shape().name, &mut problems)?;
        }
        for name in ["news", "news_symbols", "pending", "quarantine"] {
            self.structure(name, &mut problems)?;
        }
        problems.truncate(MAX_PROBLEMS);
        Ok(Some(problems))
    }

    /// Compares all rows of a table with their checksums. Unreadable ones are recorded.
    fn rows(&self, table: Table, problems: &mut Vec<String>) -> Result<Next, Failure> {
        let shape = table.shape();
        let mut after: Vec<Cell> = Vec::new();
        loop {
            let began = Instant::now();
            let sql = slice_of(table, !after.is_empty(), SLICE_ROWS);
            let slice = self.reader.read(|connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                let mut rows = statement.query(params_from_iter(&after))?;
                let mut count = 0;
                let mut last = after.clone();
                let mut in_order = true;
                while let Some(row) = rows.next()? {
                    count += 1;
                    let key = cells(row, shape.key)?;
                    if connection.can_read(table, row) {
                        in_order &= last.is_empty() || integers(&last) < integers(&key);
                        last = key;
                    }
                }
                Ok((count, last, in_order))
            });
            let (count, last, in_order) = match slice {
                Ok(slice) => slice,
                Err(failure) if failure.kind() == crate::FailureKind::Corrupt => {
                    problems.push(format!("{}: {failure}", shape.name));
                    return Ok(Next::On);
                }
                Err(failure) => return Err(failure),
            };
            lock(&self.checks).rows += count as u64;
            if !in_order {
                problems.push(format!("{}: rows are out of order", shape.name));
            }
            // A slice of nothing but damage is left to the check of the structure.
            if count < SLICE_ROWS || last == after || !in_order {
                return Ok(Next::On);
            }
            after = last;
            let pause = began.elapsed() * PAUSE_FACTOR;
            if let Next::End = self.pause(pause.max(Duration::from_millis(1))) {
                return Ok(Next::End);
            }
        }
    }

    /// Lets SQLite check a table and its indexes.
    fn structure(&self, table: &str, problems: &mut Vec<String>) -> Result<(), Failure> {
        let mut connection = connect(self.reader.file(), self.reader.damage())?;
        let deadline = Instant::now() + TABLE_TIMEOUT;
        let stopping = Arc::clone(&self.stopping);
        connection.interrupted_by(STEPS, move || {
            stopping.load(Ordering::Relaxed) || Instant::now() > deadline
        })?;
        let mut statement = connection.prepare(&format!("PRAGMA integrity_check('{table}')"))?;
        let mut rows = statement.query([])?;
        loop {
            let text: String = match rows.next() {
                Ok(Some(row)) => row.get(0)?,
                Ok(None) => return Ok(()),
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
                {
                    tracing::debug!(table, "too large to be checked as a whole");
                    return Ok(());
                }
                Err(error) => {
                    problems.push(format!("{table}: {error}"));
                    return Ok(());
                }
            };
            if text != "ok" && problems.len() < MAX_PROBLEMS {
                problems.push(format!("{table}: {text}"));
            }
        }
    }
}

fn integers(key: &[Cell]) -> Vec<Option<i64>> {
    key.iter().map(Cell::integer).collect()
}
