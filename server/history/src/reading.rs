//! Reading history.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Semaphore, task};

use crate::past::{Past, Unreadable};
use events::Minutes;

/// How many readings run at one time: a disk is not faster with more, and each holds a thread and its answer. The
/// others wait, as long as a request may take.
const READERS: usize = 4;

/// Reads history, a few readings at a time and never on a thread that serves.
#[derive(Clone)]
pub struct History {
    past: Option<Arc<dyn Past>>,
    /// The exact sums of the bars on the tape.
    minutes: Arc<Minutes>,
    readers: Arc<Semaphore>,
    /// How many readings have failed.
    failures: Arc<AtomicU64>,
}

impl Default for History {
    /// Without an archive: the tape only.
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
    /// With a store that holds more than the tape.
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
    pub fn minutes(&self) -> Arc<Minutes> {
        Arc::clone(&self.minutes)
    }

    /// Whether there is a store beside the tape.
    pub fn is_archived(&self) -> bool {
        self.past.is_some()
    }

    /// Reads on a thread that may block, when it is this reading's turn. A failure is logged.
    ///
    /// # Errors
    /// The reading's own error, or that its thread panicked.
    pub async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(Option<&dyn Past>) -> Result<R, Unreadable> + Send + 'static,
    ) -> Result<R, Unreadable> {
        let turn = Arc::clone(&self.readers).acquire_owned().await;
        let past = self.past.clone();
        let reading = task::spawn_blocking(move || {
            // Held until the reading is done: a cancelled request does not stop it.
            let _turn = turn;
            read(past.as_deref())
        });
        let read = reading
            .await
            .unwrap_or_else(|error| Err(format!("reading broke off: {error}")));
        read.inspect_err(|error| {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            // The first few, then only powers of two: each request for history may fail.
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

    /// A log that is collected.
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
