use std::{
    fmt, fs,
    future::Future,
    io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use market::{Correction, Event, Millis, Minute};
use tape::EventId;
use tokio::sync::{oneshot, watch};

use crate::{
    Failure, FailureKind, OpenError, Options, Ownership, Print, Reader, Status,
    aside::SET_ASIDE,
    database::{Database, beside},
    inbox::{Commit, Inbox, Tick},
    journal::{self, Journal},
    lock::Lock,
    names, owner, priority, quarantine, refill,
    write::Tally,
    writer::Writer,
};

/// The history on disk: a handle, which can be cloned. It reads like a [`Reader`].
///
/// When the last handle is dropped, queued writes are tried once more and the file is released; [`Archive::close`]
/// returns the result of that.
#[derive(Clone)]
pub struct Archive(Arc<Shared>);

struct Shared {
    inbox: Arc<Inbox>,
    status: watch::Receiver<Status>,
    reader: Reader,
    journal: Journal,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// The state of an archive at its opening.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Opened {
    /// The tape's mark, 1 to 9999: drawn when the archive was created, so that ids from before a restart are recognised
    /// after it.
    pub mark: u32,
    /// The time from which the tape may give ids: no id of this many milliseconds or more was ever given.
    pub start: Millis,
    /// The newest retained events, and the newest quote and session of each symbol, in the order of their ids.
    pub refill: Vec<(EventId, Event)>,
    /// The owners of the symbols, and of the stories among these events, as far as they were stored.
    pub owners: Vec<Ownership>,
    /// Where a corrupt file was moved, for which a new one was created.
    pub set_aside: Option<PathBuf>,
}

impl Archive {
    /// Opens the archive in a file of a folder, for this process alone. Both are created if they are missing. A corrupt
    /// file is renamed, not deleted, and a new one created.
    ///
    /// It reads everything in [`Opened`], so it may block for a moment.
    ///
    /// # Errors
    /// If another process has it, if a newer version or another program has written it, or if the disk fails. Then
    /// nothing was changed.
    pub fn open(
        folder: &Path,
        name: &str,
        options: Options,
    ) -> Result<(Archive, Opened), OpenError> {
        fs::create_dir_all(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let file = folder.join(name);
        let lock = Lock::take(&file)?;
        let now = (options.clock)();
        let (database, opened) = match open(&file, &options, now) {
            Err(OpenError::Database(_, failure)) if failure.kind() == FailureKind::Corrupt => {
                let aside = set_aside(&file, now)?;
                tracing::error!(
                    file = %file.display(), set_aside = %aside.display(), %failure,
                    "the archive was corrupt: it is set aside and a new one begun"
                );
                let (database, opened) = open(&file, &options, now)?;
                let set_aside = Some(aside);
                (
                    database,
                    Opened {
                        set_aside,
                        ..opened
                    },
                )
            }
            other => other?,
        };
        // Its content is in the database.
        let archive = Journal::begin(&file)
            .and_then(|journal| Archive::start(database, journal, lock, options))
            .map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        Ok((archive, opened))
    }

    fn start(
        database: Database,
        journal: Journal,
        lock: Lock,
        options: Options,
    ) -> io::Result<Archive> {
        let damage = Arc::clone(database.damage());
        let reader = Reader::new(database.file.clone(), database.ids, damage);
        let inbox = Arc::new(Inbox::new(options.queue_bytes));
        let (writer, status) = Writer::new(database, lock, inbox.clone(), reader.clone(), options);
        let thread = std::thread::Builder::new()
            .name("archive".to_owned())
            .spawn(move || {
                priority::give_way();
                writer.run();
            })?;
        Ok(Archive(Arc::new(Shared {
            inbox,
            status,
            reader,
            journal,
            writer: Mutex::new(Some(thread)),
        })))
    }

    /// Queues events to be written together with everything else that waits; resolves when they are on disk. They are
    /// queued when this is called, not when the future is first polled, and are written even if the future is dropped.
    ///
    /// While the disk is full or the file locked, the future waits, because the write is retried: [`Archive::status`]
    /// shows it meanwhile. Events with an id that is already stored are not written twice.
    ///
    /// # Errors
    /// If the archive has failed for good or was closed, or if an id has another mark than the archive's. Then none of
    /// these events is stored.
    pub fn commit(
        &self,
        events: Vec<(EventId, Arc<Event>)>,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        self.commit_owned(events, Vec::new())
    }

    /// As [`Archive::commit`], together with the owners that change from now on.
    ///
    /// # Errors
    /// As [`Archive::commit`].
    pub fn commit_owned(
        &self,
        events: Vec<(EventId, Arc<Event>)>,
        owners: Vec<Ownership>,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        self.0.inbox.commit(Commit {
            events,
            owners,
            answer,
        });
        async move { answered.await.unwrap_or_else(|_| Err(Failure::closed())) }
    }

    /// Queues a trade, to be written with the next commit or a second later. A trade with a source's number that its
    /// feed has already published for its symbol within half a day is stored once. Never waits: if the queue is full
    /// ([`Options::queue_bytes`]), the trade is dropped and counted.
    pub fn trade(&self, print: Print) {
        self.0.inbox.tick(Tick::Trade(print));
    }

    /// Queues the correction or cancel of a trade of this feed, even one of days ago, and of the bars with it; without
    /// a feed, of any feed's. Never waits, as [`Archive::trade`].
    pub fn correct(&self, correction: Correction, feed: Option<Arc<str>>) {
        self.0.inbox.tick(Tick::Correction(correction, feed));
    }

    /// Queues the exact sums of a closed minute, before its bar is committed: the average price of a bar is rounded,
    /// and a minute without a price has no bar. Stored trades of the minute take precedence. Never waits, as
    /// [`Archive::trade`].
    pub fn minute(&self, minute: Minute) {
        self.0.inbox.tick(Tick::Minute(Box::new(minute)));
    }

    /// The current status.
    pub fn status(&self) -> Status {
        self.0.status.borrow().clone()
    }

    /// The status, to be awaited.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.0.status.clone()
    }

    /// The journal: it records events before any client receives them, so that they are there, under the same ids, when
    /// the archive is opened after the process has died.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// A reader, for code that must not write.
    pub fn reader(&self) -> &Reader {
        &self.0.reader
    }

    /// Writes everything queued and releases the file. Other handles can read, and no longer write.
    ///
    /// # Errors
    /// If the last attempt to write failed, or the archive was closed before.
    pub async fn close(&self) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.0.inbox.close(Some(answer));
        let closed = answered.await.unwrap_or_else(|_| Err(Failure::closed()));
        if closed.is_ok() {
            self.0.journal.end(self.0.status.borrow().last_id);
        }
        closed
    }
}

impl Deref for Archive {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0.reader
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive")
            .field("file", &self.0.reader.file())
            .field("status", &*self.0.status.borrow())
            .finish()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.inbox.close(None);
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// Opens the database and reads the content of [`Opened`].
fn open(file: &Path, options: &Options, now: Millis) -> Result<(Database, Opened), OpenError> {
    let mut database = Database::open(file, options.opening)?;
    let opened = (|| {
        database.mend_meta(now)?;
        // Names first: everything else is found by them.
        names::names(&database.connection)?;
        quarantine::sweep(&mut database, now)?;
        recover(&mut database, options)?;
        let start = now.max(database.reserved()?);
        let refill = refill::refill(&database.connection, database.ids, &options.refill, now)?;
        let events = refill.iter().map(|(_, event)| event);
        let owners = database.transact(|database| owner::load(&database.connection, events))?;
        let newest = refill.iter().map(|(id, _)| id.ms + 1).max().unwrap_or(0);
        let start = start.max(newest);
        // The ids that the tape gives before the first commit are reserved now.
        database.transact(|database| database.reserve(start + crate::writer::RESERVE))?;
        quarantine::sweep(&mut database, now)?;
        database.connection.busy_timeout(options.busy)?;
        Ok(Opened {
            mark: database.ids.mark,
            start,
            refill,
            owners,
            set_aside: None,
        })
    })()
    .map_err(|failure: Failure| OpenError::database(file, failure))?;
    Ok((database, opened))
}

/// Writes the events of the journal that are not in the database.
fn recover(database: &mut Database, options: &Options) -> Result<(), Failure> {
    let recorded = journal::recorded(&database.file)
        .map_err(|error| Failure::new(FailureKind::Io, format!("the journal: {error}")))?;
    let recovered = database.transact(|database| {
        database.refresh()?;
        // Older events have been written, and may have been removed since.
        let newest: Option<i64> =
            database
                .connection
                .query_row("SELECT max(id) FROM events", [], |row| row.get(0))?;
        let ids = database.ids;
        let is_missing = |id: EventId| ids.pack(id).is_some_and(|id| Some(id) > newest);
        let mut tally = Tally::default();
        for (id, event) in &recorded.events {
            if is_missing(*id) {
                database.event(*id, event, options.zone, &mut tally)?;
            }
        }
        for (id, ownership) in &recorded.owners {
            if is_missing(*id) {
                owner::store(&database.connection, ownership)?;
            }
        }
        Ok(tally.rows)
    })?;
    if recovered > 0 {
        tracing::info!(
            recovered,
            "events of the last moment were recovered from the journal"
        );
    }
    Ok(())
}

/// Renames a corrupt file, and first its companions: SQLite would use a log beside a new file as that file's own.
fn set_aside(file: &Path, now: Millis) -> Result<PathBuf, OpenError> {
    let aside = beside(file, &format!("{SET_ASIDE}{now}"));
    let _ = fs::remove_file(beside(file, "-shm"));
    for suffix in ["-wal", ""] {
        let from = beside(file, suffix);
        match fs::rename(&from, beside(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::SetAside(from, error));
            }
            _ => {}
        }
    }
    journal::set_aside(file, &aside);
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use market::{Quote, Trade};

    use super::*;
    use crate::State;

    const START: Millis = 1_790_000_000_000;

    fn quotes(mark: u32, from: u64, count: u64) -> Vec<(EventId, Arc<Event>)> {
        let symbols = ["A", "B", "C"];
        (from..from + count)
            .map(|n| {
                let id = EventId {
                    ms: START + n,
                    n: u64::from(mark) * 1000,
                };
                let symbol = symbols[n as usize % symbols.len()].parse().unwrap();
                (id, Arc::new(Event::Quote(Quote::new(symbol, START + n))))
            })
            .collect()
    }

    #[tokio::test]
    async fn a_full_disk_is_reported_and_neither_fills_the_memory_nor_delays_closing() {
        let folder = std::env::temp_dir().join(format!("tickertape-full-{}", std::process::id()));
        // A folder of a killed process with the same number.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("full.db");
        let lock = Lock::take(&file).unwrap();
        let mut options = Options::new(Arc::new(|| START));
        options.keep.ticks = None;
        options.queue_bytes = 1000 * size_of::<Tick>();
        let (database, opened) = open(&file, &options, START).unwrap();
        // Like a full disk, this refuses every page by which the file would grow.
        let pages: i64 = database
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        database
            .connection
            .pragma_update(None, "max_page_count", pages + 8)
            .unwrap();
        let journal = Journal::begin(&file).unwrap();
        let archive = Archive::start(database, journal, lock, options).unwrap();
        let pending = tokio::spawn(archive.commit(quotes(opened.mark, 0, 5_000)));
        let mut watch = archive.watch();
        let full = watch.wait_for(|status| status.failures >= 3).await.unwrap();
        let State::Degraded(reason) = &full.state else {
            panic!("{:?}", full.state);
        };
        assert!(
            reason.contains("full") && reason.contains("free some space"),
            "{reason}"
        );
        drop(full);
        for n in 0..1_500 {
            let trade = Trade::new("10".parse().unwrap(), None).with_id(n);
            let symbol = "A".parse().unwrap();
            archive.trade(Print {
                symbol,
                time: START + n,
                trade,
                feed: None,
            });
        }
        let counts = |status: &Status| (status.queued, status.dropped);
        let counted = watch.wait_for(|status| counts(status) == (1_000, 500));
        let counted = tokio::time::timeout(Duration::from_secs(10), counted).await;
        assert!(counted.is_ok(), "{:?}", counts(&archive.status()));
        drop(counted);
        assert!(!pending.is_finished());
        assert_eq!(
            archive.quotes("A".parse().unwrap(), 0..Millis::MAX).count(),
            0
        );

        // Closing does not wait for a disk that stays full, and returns the loss.
        let closed = tokio::time::timeout(Duration::from_secs(10), archive.close())
            .await
            .unwrap();
        assert!(closed.unwrap_err().to_string().contains("full"));
        assert_eq!(
            pending.await.unwrap().unwrap_err().kind(),
            FailureKind::Full
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
