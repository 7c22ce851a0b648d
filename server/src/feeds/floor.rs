use std::sync::{Arc, MutexGuard};

use archive::Archive;
use market::{Millis, Symbol};

use super::{
    Recorder,
    speakers::{Seats, Speakers},
};
use crate::{
    Directory, Minutes, Now, Tape,
    archive::LeftBehind,
    publish::{Builder, Newcomers},
    sessions::Sessions,
};

/// What all feeds share: where they publish, and what they know together.
#[derive(Clone)]
pub struct Floor {
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
    pub(super) left: Arc<LeftBehind>,
    /// Who writes down what feeds receive, if somebody does.
    pub recorder: Option<Arc<Recorder>>,
    speakers: Arc<Speakers>,
    /// The symbols that stories alone have named.
    pub newcomers: Newcomers,
}

impl Floor {
    /// A floor on which nothing has been said yet.
    pub fn new(tape: Tape, clock: Now) -> Self {
        Floor {
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
    pub fn go_on(&mut self, left: LeftBehind) {
        let now = self.now();
        self.speakers().remember(left.told(), now);
        self.left = Arc::new(left);
    }

    /// Whether somebody holds [`Floor::speakers`].
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.speakers.is_locked()
    }

    /// Whether a feed quotes a symbol.
    pub(crate) fn is_quoted(&self, symbol: Symbol) -> bool {
        self.speakers().has_speaker(symbol)
    }

    /// Who speaks for each symbol.
    pub(super) fn speakers(&self) -> MutexGuard<'_, Seats> {
        self.speakers.lock()
    }

    /// The time of receipt, now.
    pub fn now(&self) -> Millis {
        (self.clock)()
    }
}

impl std::fmt::Debug for Floor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Floor")
            .field("tape", &self.tape)
            .finish_non_exhaustive()
    }
}
