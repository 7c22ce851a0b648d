//! The attempts at the stream and at polls.

use market::Millis;

/// The shortest and the longest wait before the stream is reopened.
pub(super) const BACKOFF: (Millis, Millis) = (1_000, 30_000);
/// A stream without an event for this long is checked by a poll.
pub(super) const WORDLESS: Millis = 3_000;
/// The longest wait between two such polls.
const ASK: Millis = 30_000;
/// The shortest and the longest wait before the stream is tried again while the page polls.
pub(super) const TRIAL: (Millis, Millis) = (60_000, 240_000);

/// The open stream, or the attempt to open it.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    /// Since when the stream is open. Events that were sent before have waited for it.
    pub(super) opened: Option<Millis>,
    /// When the current attempt began.
    pub(super) attempt: Millis,
    /// How many times in a row the stream was reopened without an event.
    attempts: u32,
    /// When the stream is to be reopened.
    pub(super) reopen_at: Option<Millis>,
    /// Whether the stream of the current attempt has sent an event.
    pub(super) has_sent: bool,
    /// Whether the stream was refused since the last event.
    pub(super) refused: bool,
    /// When the stream was last reopened for other symbols.
    pub(super) renewed: Option<Millis>,
}

impl Attempts {
    /// The first attempt, beginning now.
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

    /// Begins an attempt to reopen the stream.
    pub(super) fn begin(&mut self, now: Millis) {
        self.reopen_at = None;
        self.opened = None;
        self.has_sent = false;
        self.attempt = now;
        self.attempts = self.attempts.saturating_add(1);
    }

    /// The stream sent an event.
    pub(super) fn succeed(&mut self) {
        self.attempts = 0;
        self.reopen_at = None;
        self.has_sent = true;
        self.refused = false;
    }

    /// How long to wait before the stream is reopened: longer with each attempt, and shortened at random by `chance` (0
    /// to 1).
    pub(super) fn backoff(&self, chance: f64) -> Millis {
        let (shortest, longest) = BACKOFF;
        let full = shortest << self.attempts.min(16);
        spread(full.min(longest), chance)
    }
}

/// Polls, beside the stream or instead of it.
#[derive(Debug, Clone)]
pub(super) struct Polls {
    /// Whether a poll is pending.
    pub(super) asking: bool,
    /// When a stream without events is next checked by a poll.
    pub(super) ask_at: Millis,
    /// How many such polls were made.
    pub(super) asked: u32,
    /// How many polls in a row have failed.
    pub(super) failures: u32,
    /// The time between two polls, if the server has no room for a stream.
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

    /// Restarts the time until the stream is checked by a poll.
    pub(super) fn restart(&mut self, now: Millis) {
        self.ask_at = now + WORDLESS;
        self.asked = 0;
    }

    /// Schedules the next check of a stream without events.
    pub(super) fn ask_later(&mut self, now: Millis, trial: bool) {
        self.asked += 1;
        // The page polled until a moment ago, and now prices do not change.
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
    /// How many such trials have failed.
    pub(super) count: u32,
}

impl Trial {
    /// Schedules the next trial, after a longer time each time. `pause` is the time between polls of a server without
    /// room.
    pub(super) fn schedule(&mut self, now: Millis, pause: Option<Millis>, chance: f64) {
        let (shortest, longest) = match pause {
            Some(pause) => (pause, BACKOFF.1),
            None => TRIAL,
        };
        self.at = now + spread((shortest << self.count.min(8)).min(longest), chance);
        self.count += 1;
    }
}

/// Half of a time plus a random part of the other half, by `chance` (0 to 1).
fn spread(full: Millis, chance: f64) -> Millis {
    full / 2 + (full as f64 / 2.0 * chance.clamp(0.0, 1.0)) as Millis
}
