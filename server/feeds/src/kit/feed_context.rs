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

/// What all feeds share.
#[derive(Clone)]
pub struct FeedContext {
    /// Where events go.
    pub tape: Tape,
    /// The time of receipt.
    pub clock: Now,
    /// What is known of symbols, whether they are quoted or not.
    pub directory: Arc<Directory>,
    /// Whether symbols are traded, as all feeds and the calendars of exchanges have it.
    pub sessions: Arc<Sessions>,
    /// The exact sums of the minutes that closed lately.
    pub minutes: Arc<Minutes>,
    /// Where trades and corrections go; events go there from the tape.
    pub archive: Option<Archive>,
    /// What builds bars of what is published, if anything does.
    pub builder: Option<Arc<Builder>>,
    /// The states of symbols from before a restart.
    pub(crate) resume: Arc<ResumeStates>,
    /// Records what the feeds receive, where that is configured.
    pub recorder: Option<Arc<Recorder>>,
    sources: Arc<SourceArbiter>,
    /// The symbols that stories alone have named.
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

    /// Restores the states of symbols from before a restart: the feed that was primary for one goes on with it, and
    /// none publishes a bar again or goes back in time.
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

    /// What a builder of published quotes shares with the feeds.
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
