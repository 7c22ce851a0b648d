//! What was: the archive, and the newest of it from the tape, joined without a gap or a double.
//!
//! The archive is behind the tape by what it has not written yet, and the tape forgets what has left
//! its window. So every reading here takes the archive first and the tape afterwards, and puts both
//! together by what tells bars and stories apart: a start, an id. Without an archive the tape is all.

mod bars;
mod close;
mod news;

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ::archive::{FoundNews, Overlay, Rolled, Split};
use jiff::tz::TimeZone;
use market::{Interval, Millis, Symbol};
use tape::EventId;
use tokio::{sync::Semaphore, task};

use events::Minutes;

pub use self::news::NewsFilter;
pub(crate) use self::{
    bars::{Adjust, BarQuery, older_interval, read_bars, read_span},
    close::last_closes,
    news::{Stories, read_news},
};

/// How many readings go on at one time: a disk is not quicker for more, and each holds a thread and
/// its answer. The others wait, as long as a request may take.
const READERS: usize = 4;

/// Why something could not be read, in words for who runs the server.
pub type Unreadable = String;

/// What remembers more than the tape does. Reading it blocks.
pub trait Past: Send + Sync {
    /// The newest event that it remembers. Of what has not been told to it yet, it knows nothing.
    fn written(&self) -> Option<EventId>;

    /// The newest `limit` bars with a price of a symbol that start in a span, oldest first, as they were traded and with
    /// what counts instead of what is remembered; among them those without a price.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        starts: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable>;

    /// The first `limit` symbols of which there are bars, in their order.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn symbols(&self, _limit: usize) -> Result<Vec<Symbol>, Unreadable> {
        Ok(Vec::new())
    }

    /// The zone in which the days of a symbol begin; none where it is not remembered.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn zone(&self, _symbol: Symbol) -> Result<Option<TimeZone>, Unreadable> {
        Ok(None)
    }

    /// The splits of a symbol that took effect in a span, in any order.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn splits(&self, symbol: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable>;

    /// The newest `limit` stories that pass a filter and have an id before `before`, newest first;
    /// of each story its newest version, under the id of that. There are fewer where enough was looked through, and then
    /// it is said from where on to go on.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn news(
        &self,
        filter: &NewsFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundNews, Unreadable>;
}

impl Past for ::archive::Archive {
    fn written(&self) -> Option<EventId> {
        self.status().last_id
    }

    fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        starts: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable> {
        let bars = self
            .reader()
            .bars_with(symbol, interval, starts, limit, overlay);
        bars.map_err(|failure| failure.to_string())
    }

    fn symbols(&self, limit: usize) -> Result<Vec<Symbol>, Unreadable> {
        let symbols = self.reader().symbols_with_bars(limit);
        symbols.map_err(|failure| failure.to_string())
    }

    fn zone(&self, symbol: Symbol) -> Result<Option<TimeZone>, Unreadable> {
        let zone = self.reader().zone(symbol);
        zone.map_err(|failure| failure.to_string())
    }

    fn splits(&self, symbol: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
        let splits = self.reader().splits(symbol, times);
        splits.map_err(|failure| failure.to_string())
    }

    fn news(
        &self,
        filter: &NewsFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundNews, Unreadable> {
        let words = filter.words.join(" ");
        let query = ::archive::NewsQuery {
            symbols: filter.symbols.clone(),
            types: filter.types.clone(),
            before,
            after: None,
            words: (!words.is_empty()).then_some(words),
            limit,
        };
        let found = self.reader().search(&query);
        found.map_err(|failure| failure.to_string())
    }
}

/// Reads what was, a few readings at a time and never on a thread that serves.
#[derive(Clone)]
pub struct History {
    past: Option<Arc<dyn Past>>,
    /// The exact sums of what the tape has bars of.
    minutes: Arc<Minutes>,
    readers: Arc<Semaphore>,
    /// How many readings have failed.
    failures: Arc<AtomicU64>,
}

impl Default for History {
    /// Without an archive: the tape is all.
    fn default() -> Self {
        History {
            past: None,
            minutes: Arc::default(),
            readers: Arc::new(Semaphore::new(READERS)),
            failures: Arc::default(),
        }
    }
}

impl History {
    /// With what remembers more than the tape.
    pub fn new(past: Arc<dyn Past>) -> Self {
        History {
            past: Some(past),
            ..History::default()
        }
    }

    /// With the minutes that feeds and publishers close.
    pub fn with_minutes(self, minutes: Arc<Minutes>) -> Self {
        History { minutes, ..self }
    }

    /// The minutes that feeds and publishers close.
    pub(crate) fn minutes(&self) -> Arc<Minutes> {
        Arc::clone(&self.minutes)
    }

    /// Whether more is remembered than the tape holds.
    pub(crate) fn is_archived(&self) -> bool {
        self.past.is_some()
    }

    /// Reads on a thread that may block, when it is the turn of this reading. What fails is logged.
    ///
    /// # Errors
    /// What the reading says, and where its thread panicked.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(Option<&dyn Past>) -> Result<R, Unreadable> + Send + 'static,
    ) -> Result<R, Unreadable> {
        let turn = Arc::clone(&self.readers).acquire_owned().await;
        let past = self.past.clone();
        let reading = task::spawn_blocking(move || {
            // Held until it is read: a request that is given up does not stop its reading.
            let _turn = turn;
            read(past.as_deref())
        });
        let read = reading
            .await
            .unwrap_or_else(|error| Err(format!("reading broke off: {error}")));
        read.inspect_err(|error| {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            if retry::is_logged(failures, 3) {
                tracing::error!(failures, "what was cannot be read: {error}");
            }
        })
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("is_archived", &self.is_archived())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::Mutex,
    };

    use super::*;

    /// A log that is kept.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_fails_again_and_again_does_not_fill_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone());
        let logged = tracing::subscriber::set_default(subscriber.finish());
        let history = History::default();
        for _ in 0..100 {
            let read = history.read(|_| Err::<(), _>("the disk is gone".to_owned()));
            assert_eq!(read.await, Err("the disk is gone".to_owned()));
        }
        drop(logged);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines = log.lines().filter(|line| line.contains("the disk is gone"));
        // 1, 2, 3, 4, 8, 16, 32, 64
        assert_eq!(lines.count(), 8, "{log}");
    }
}
