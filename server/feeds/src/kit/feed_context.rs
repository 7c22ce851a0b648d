use std::sync::{Arc, MutexGuard};

use archive::Archive;
use market::Millis;

use crate::ResumeStates;
use crate::{
    Recorder,
    arbiter::{SourceArbiter, SourceStates},
};
use clock::Now;
use directory::Directory;
use events::{Minutes, Tape};
use publication::{Builder, Newcomers, Surroundings};
use sessions::Sessions;

/// The parts that all feeds share.
#[derive(Clone)]
pub struct FeedContext {
    /// The tape.
    pub tape: Tape,
    /// The time of receipt.
    pub clock: Now,
    /// The directory of symbols.
    pub directory: Arc<Directory>,
    /// The state of trading, according to all feeds and the calendars of exchanges.
    pub sessions: Arc<Sessions>,
    /// The exact sums of recently closed minutes.
    pub minutes: Arc<Minutes>,
    /// The archive of trades and corrections; it takes events from the tape.
    pub archive: Option<Archive>,
    /// Builds bars of published quotes, if configured.
    pub builder: Option<Arc<Builder>>,
    /// The states of symbols from before a restart.
    pub(crate) resume: Arc<ResumeStates>,
    /// Records what the feeds receive, if configured.
    pub recorder: Option<Arc<Recorder>>,
    sources: Arc<SourceArbiter>,
    /// The symbols that only stories have named.
    pub newcomers: Newcomers,
}

impl FeedContext {
    /// A context with an empty tape and empty directories.
    pub fn new(tape: Tape, clock: Now) -> Self {
        FeedContext {
            tape,
            clock,
            directory: Arc::default(),
            sessions: Arc::default(),
            minutes: Arc::default(),
            archive: None,
            builder: None,
            resume: Arc::default(),
            recorder: None,
            sources: Arc::default(),
            newcomers: Newcomers::default(),
        }
    }

    /// Restores the states of symbols from before a restart: a symbol's primary feed continues with it, and no feed
    /// publishes a bar again or goes back in time.
    pub fn restore(&mut self, resume: ResumeStates) {
        let now = self.now();
        self.sources().restore(resume.marks(), now);
        self.resume = Arc::new(resume);
    }

    /// Whether there is a lock on [`FeedContext::sources`].
    #[cfg(test)]
    pub(crate) fn is_locked(&self) -> bool {
        self.sources.is_locked()
    }

    /// The parts that a builder of published quotes shares with the feeds.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            tape: self.tape.clone(),
            clock: Arc::clone(&self.clock),
            directory: Arc::clone(&self.directory),
            sessions: Arc::clone(&self.sessions),
            minutes: Arc::clone(&self.minutes),
            archive: self.archive.clone(),
            is_quoted: {
                let sources = Arc::clone(&self.sources);
                Arc::new(move |symbol| sources.lock().has_primary(symbol))
            },
        }
    }

    /// The feeds, and which is primary for each symbol.
    pub(crate) fn sources(&self) -> MutexGuard<'_, SourceStates> {
        self.sources.lock()
    }

    /// The time of receipt, now.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }
}

impl std::fmt::Debug for FeedContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedContext")
            .field("tape", &self.tape)
            .finish_non_exhaustive()
    }
}
