use std::{
    path::Path,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

/// Moves the content of the write-ahead log into the file, beside the writer: a thread with a connection of its own
/// waits for the disk here, so that the writer does not.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread. If that or its connection fails, the writer does its work.
    pub(crate) fn start(file: &Path) -> Self {
        let (wake, woken) = sync_channel::<()>(1);
        let file = file.to_owned();
        let work = move || {
            crate::priority::give_way();
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = match Connection::open_with_flags(&file, flags) {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::warn!(%error, "no checkpoints beside the writer");
                    return;
                }
            };
            // It does not wait: the rest is moved the next time.
            let _ = connection.busy_timeout(Duration::ZERO);
            let _ = connection.pragma_update(None, "synchronous", "FULL");
            while woken.recv().is_ok() {
                if let Err(error) = run(&connection, "PASSIVE") {
                    tracing::debug!(%error, "no checkpoint");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(work)
            .inspect_err(|error| tracing::warn!(%error, "no thread for checkpoints"))
            .ok();
        Checkpointer {
            wake: Some(wake),
            thread,
        }
    }

    /// Starts a checkpoint, unless one is running. Returns whether there is a thread to run it.
    pub(crate) fn wake(&self) -> bool {
        match self.wake.as_ref().map(|wake| wake.try_send(())) {
            Some(Ok(()) | Err(TrySendError::Full(()))) => true,
            Some(Err(TrySendError::Disconnected(()))) | None => false,
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a checkpoint (<https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>). Returns whether all of the log is in
/// the file now.
pub(crate) fn run(connection: &Connection, mode: &str) -> rusqlite::Result<bool> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let (busy, log, moved): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(busy == 0 && log == moved)
    })
}
