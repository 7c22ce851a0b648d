//! The attempts at both ways to the events: the stream, and polls.

use market::Millis;

/// The shortest and the longest wait before the stream is opened anew.
pub(super) const BACKOFF: (Millis, Millis) = (1_000, 30_000);
/// A stream without an event for so long is checked by a poll.
pub(super) const WORDLESS: Millis = 3_000;
/// The longest wait between two such polls.
const ASK: Millis = 30_000;
/// The shortest and the longest wait before the stream is tried again while the page polls.
pub(super) const TRIAL: (Millis, Millis) = (60_000, 240_000);

/// The stream that is open, or the attempt to open it.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    /// Since when the stream is open: what was sent before waited for it.
    pub(super) opened: Option<Millis>,
    /// When the attempt under way began.
    pub(super) attempt: Millis,
    /// How many times in a row the stream was opened anew without an event from it.
    attempts: u32,
    /// When the stream is opened anew.
    pub(super) reopen_at: Option<Millis>,
    /// Whether an event came by the stream of the attempt under way.
    pub(super) has_sent: bool,
    /// Whether the stream was refused since the last event.
    pub(super) refused: bool,
    /// When the stream was opened anew for other symbols last.
    pub(super) renewed: Option<Millis>,
}

impl Attempts {
    /// The first attempt, which begins now.
    pub(super) const fn new(now: Millis) -> Self {
        Attempts {
            opened: None,
            attempt: now,
            attempts: 0,
            reopen_at: None,
            has_sent: false,
            refused: false,
            renewed: None,
        }
    }

    /// The stream is opened anew.
    pub(super) fn begin(&mut self, now: Millis) {
        self.reopen_at = None;
        self.opened = None;
        self.has_sent = false;
        self.attempt = now;
        self.attempts = self.attempts.saturating_add(1);
    }

    /// An event came by the stream.
    pub(super) fn succeed(&mut self) {
        self.attempts = 0;
        self.reopen_at = None;
        self.has_sent = true;
        self.refused = false;
    }

    /// How long to wait before the stream is opened anew: longer with each attempt, and shortened by chance (0 to 1).
    pub(super) fn backoff(&self, chance: f64) -> Millis {
        let (shortest, longest) = BACKOFF;
        let full = shortest << self.attempts.min(16);
        spread(full.min(longest), chance)
    }
}

/// Polls, beside the stream or instead of it.
#[derive(Debug, Clone)]
pub(super) struct Polls {
    /// Whether a poll is under way.
    pub(super) asking: bool,
    /// When a stream without events is checked by a poll next.
    pub(super) ask_at: Millis,
    /// How often that was done.
    pub(super) asked: u32,
    /// How many polls in a row have failed.
    pub(super) failures: u32,
    /// The time between two polls, where the server has no room for a stream.
    pub(super) pause: Option<Millis>,
}

impl Polls {
    /// No polls yet.
    pub(super) const fn new(now: Millis) -> Self {
        Polls {
            asking: false,
            ask_at: now + WORDLESS,
            asked: 0,
            failures: 0,
            pause: None,
        }
    }

    /// The stream has its time again before it is checked by a poll.
    pub(super) fn restart(&mut self, now: Millis) {
        self.ask_at = now + WORDLESS;
        self.asked = 0;
    }

    /// Schedules the next check of a stream without events, after one more was made.
    pub(super) fn ask_later(&mut self, now: Millis, trial: bool) {
        self.asked += 1;
        // While the page has polled until a moment ago, prices stand still now.
        let pause = match trial {
            true => WORDLESS,
            false => (WORDLESS << self.asked.min(8)).min(ASK),
        };
        self.ask_at = now + pause;
    }
}

/// The attempts at the stream while the page polls.
#[derive(Debug, Clone, Default)]
pub(super) struct Trial {
    /// When the stream is tried again.
    pub(super) at: Millis,
    /// How often that was in vain.
    pub(super) count: u32,
}

impl Trial {
    /// The stream is tried again after a while that is longer each time; `pause` is that of a server without room.
    pub(super) fn schedule(&mut self, now: Millis, pause: Option<Millis>, chance: f64) {
        let (shortest, longest) = match pause {
            Some(pause) => (pause, BACKOFF.1),
            None => TRIAL,
        };
        self.at = now + spread((shortest << self.count.min(8)).min(longest), chance);
        self.count += 1;
    }
}

/// Half of a time, and of the other half what chance (0 to 1) gives.
fn spread(full: Millis, chance: f64) -> Millis {
    full / 2 + (full as f64 / 2.0 * chance.clamp(0.0, 1.0)) as Millis
}
