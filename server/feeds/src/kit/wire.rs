use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use market::Millis;
use tokio::{
    pin, select,
    sync::{Notify, mpsc},
};

use tokio_util::sync::CancellationToken;

use crate::{FrameError, Recorder, kit::recording::Line};

/// The origin of what a feed receives.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    /// The source; it may be recorded.
    Live(Option<Arc<Recorder>>),
    /// A recording.
    Played(Arc<Played>),
}

/// The most lines that are put aside because no reader has requested them yet, and their bytes.
const ASIDE: usize = 256;
const ASIDE_BYTES: usize = 64 << 20;

fn bytes(lines: &VecDeque<Line<'_>>) -> usize {
    lines.iter().map(Line::length).sum()
}

/// A recording in place of the connections that a feed would make: the feed runs as usual, and each message that it
/// waits for arrives when it is due.
pub(crate) struct Played {
    due: tokio::sync::Mutex<mpsc::Receiver<Line<'static>>>,
    aside: Mutex<VecDeque<Line<'static>>>,
    changed: Notify,
    received: AtomicU64,
    taken: AtomicU64,
    over: CancellationToken,
}

impl Played {
    /// The output of a channel, into which each line is put when it is due.
    pub(crate) fn new(due: mpsc::Receiver<Line<'static>>) -> Self {
        Played {
            due: due.into(),
            aside: Mutex::default(),
            changed: Notify::new(),
            received: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            over: CancellationToken::new(),
        }
    }

    /// When the newest line that was taken was received.
    pub(crate) fn now(&self) -> Millis {
        self.received.load(Ordering::Relaxed)
    }

    /// How many lines were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits until a feed has waited for more than the recording has.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether one has.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// The number of the next connection that was made to an address.
    pub(crate) async fn connected(&self, to: &str) -> Option<u64> {
        let line = self
            .take(|line| line.connection.is_some() && line.address.as_deref() == Some(to))
            .await?;
        line.connection
    }

    /// The next message of a connection; `None` when there is no more.
    pub(crate) async fn message(
        &self,
        connection: u64,
        to: &str,
    ) -> Option<Result<Vec<u8>, FrameError>> {
        let next = |line: &Line<'_>| line.connection > Some(connection);
        let line = self
            .take(|line| {
                line.connection == Some(connection)
                    || next(line) && line.address.as_deref() == Some(to)
            })
            .await?;
        if next(&line) {
            self.aside().push_front(line);
            return None;
        }
        line.bytes().transpose()
    }

    /// The next response of an address: its status, its media type and its body. An address that did not respond has no
    /// status.
    pub(crate) async fn answer(&self, from: &str) -> Option<Line<'static>> {
        self.take(|line| line.connection.is_none() && line.address.as_deref() == Some(from))
            .await
    }

    /// Takes the next requested line, and puts lines for other readers aside.
    async fn take(&self, wanted: impl Fn(&Line<'_>) -> bool) -> Option<Line<'static>> {
        let line = loop {
            let changed = self.changed.notified();
            pin!(changed);
            changed.as_mut().enable();
            if let Some(line) = self.find(&wanted) {
                break line;
            }
            select! {
                mut due = self.due.lock() => {
                    // An earlier reader may have put it aside.
                    if let Some(line) = self.find(&wanted) {
                        break line;
                    }
                    let Some(line) = due.recv().await else {
                        self.over.cancel();
                        return None;
                    };
                    if wanted(&line) {
                        break line;
                    }
                    let mut aside = self.aside();
                    aside.push_back(line);
                    while aside.len() > ASIDE || bytes(&aside) > ASIDE_BYTES {
                        aside.pop_front();
                    }
                    self.changed.notify_waiters();
                }
                () = changed => {}
            }
        };
        self.received
            .fetch_max(line.at / 1_000_000, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(line)
    }

    fn find(&self, wanted: impl Fn(&Line<'_>) -> bool) -> Option<Line<'static>> {
        let mut aside = self.aside();
        let place = aside.iter().position(wanted)?;
        aside.remove(place)
    }

    fn aside(&self) -> MutexGuard<'_, VecDeque<Line<'static>>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").finish_non_exhaustive()
    }
}
