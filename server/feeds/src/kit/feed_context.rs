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

/// What all feeds share: where they publish, and what they know together.
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
    /// Where symbols were left before a restart.
    pub(crate) left: Arc<ResumeStates>,
    /// Who writes down what feeds receive, if somebody does.
    pub recorder: Option<Arc<Recorder>>,
    speakers: Arc<SourceArbiter>,
    /// The symbols that stories alone have named.
    pub newcomers: Newcomers,
}

impl FeedContext {
    /// A floor on which nothing has been said yet.
    pub fn new(tape: Tape, clock: Now) -> Self {
        FeedContext {
            tape,
            clock,
            directory: Arc::default(),
            sessions: Arc::default(),
            minutes: Arc::default(),
            archive: None,
            builder: None,
            left: Arc::default(),
            recorder: None,
            speakers: Arc::default(),
            newcomers: Newcomers::default(),
        }
    }

    /// Goes on where symbols were left before a restart: the feed that spoke of one takes it up, and
    /// none tells a bar again or goes back in time.
    pub fn go_on(&mut self, left: ResumeStates) {
        let now = self.now();
        self.speakers().remember(left.told(), now);
        self.left = Arc::new(left);
    }

    /// Whether somebody holds [`FeedContext::speakers`].
    #[cfg(test)]
    pub(crate) fn is_locked(&self) -> bool {
        self.speakers.is_locked()
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
                let speakers = Arc::clone(&self.speakers);
                Arc::new(move |symbol| speakers.lock().has_primary(symbol))
            },
        }
    }

    /// Who speaks for each symbol.
    pub(crate) fn speakers(&self) -> MutexGuard<'_, SourceStates> {
        self.speakers.lock()
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
