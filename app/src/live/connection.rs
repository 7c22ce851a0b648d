use market::{Millis, wire};

use super::{
    attempts::{Attempts, BACKOFF, Polls, Trial, WORDLESS},
    skew::Skew,
    state::State,
    task::{Task, Verdict},
};

/// The longest time without an event on a working stream.
const HEARTBEAT: Millis = wire::HEARTBEAT.as_millis() as Millis;
/// Three missing heartbeats, and one second for their way.
const SILENCE: Millis = 3 * HEARTBEAT + 1_000;
/// After this time the first attempt counts as a lost connection.
const OPEN_TIMEOUT: Millis = 5_000;
/// After this time an attempt is begun again.
const ATTEMPT_TIMEOUT: Millis = 20_000;
/// A stream without an event for this long is held back: its first heartbeat should have arrived.
const HELD_BACK: Millis = HEARTBEAT + 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    Lost {
        since: Millis,
    },
    Stale,
    /// The stream is held back, and the page polls instead.
    Polling,
    /// The same, while the stream is tried again.
    Trial,
}

/// The state machine of the connection. It takes what happened with its time, and returns what to show and what to do.
/// Times are by this machine's clock.
///
/// Events come by the stream, or by polls of the same address. A stream that a proxy holds back looks like a quiet
/// market, so a stream without events is checked by a poll. If that returns events that the stream did not send, the
/// page continues by polling. Events come only one way at a time, each time after the last id, so that none is
/// duplicated or lost.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    phase: Phase,
    last_id: String,
    received_at: Millis,
    /// Whether the server has answered since the connection was lost.
    reachable: bool,
    stream: Attempts,
    polls: Polls,
    trial: Trial,
    skew: Skew,
    delay: Option<Millis>,
}

impl Connection {
    /// A connection whose first attempt begins now and resumes after `last_id`.
    pub(super) fn new(now: Millis, last_id: String) -> Self {
        Connection {
            phase: Phase::Connecting,
            last_id,
            received_at: now,
            // The server has just sent the page.
            reachable: true,
            stream: Attempts::new(now),
            polls: Polls::new(now),
            trial: Trial::default(),
            skew: Skew::default(),
            delay: None,
        }
    }

    /// The stream is open.
    pub(super) fn opened(&mut self, now: Millis) {
        match self.phase {
            Phase::Lost { .. } => {
                self.phase = Phase::Open;
                self.received_at = now;
                self.stream.attempt = now;
                self.reachable = true;
                self.polls.ask_at = now + WORDLESS;
            }
            Phase::Connecting => {
                self.phase = Phase::Open;
                self.received_at = now;
            }
            _ => {}
        }
        self.open_since(now);
        self.stream.reopen_at = None;
    }

    /// The stream sent an event, with its id and the server's time, if it has one.
    pub(super) fn receive(&mut self, now: Millis, id: &str, server_time: Option<Millis>) {
        self.phase = Phase::Open;
        self.received_at = now;
        self.stream.succeed();
        self.trial.count = 0;
        self.polls.pause = None;
        // An event without an id of its own repeats the previous id.
        let mut sent = server_time;
        if !id.is_empty() && id != self.last_id {
            sent = sent.or_else(|| sent_at(id));
            self.go_on_after(id);
        }
        if let Some(sent) = sent {
            let opened = self.open_since(now);
            let opened = self.skew.server_time(opened);
            let delay = self.skew.delay(now, sent);
            if opened.is_none_or(|opened| sent >= opened) {
                self.delay = Some(delay);
            }
        }
    }

    /// The stream broke off, and the browser reconnects by itself.
    pub(super) fn dropped(&mut self, now: Millis) {
        self.stream.opened = None;
        match self.phase {
            // The stream is being reopened for other symbols.
            Phase::Open
                if self
                    .stream
                    .renewed
                    .is_some_and(|at| now.saturating_sub(at) < OPEN_TIMEOUT) => {}
            Phase::Open => {
                self.lose(Phase::Lost { since: now }, now);
                self.stream.attempt = now;
            }
            Phase::Connecting if now.saturating_sub(self.stream.attempt) >= OPEN_TIMEOUT => {
                self.phase = Phase::Lost {
                    since: self.stream.attempt,
                };
            }
            _ => {}
        }
    }

    /// The stream was closed for good and has to be reopened: after a longer time with each attempt, shortened at
    /// random by `chance` (0 to 1), so that not all clients return at once.
    pub(super) fn closed(&mut self, now: Millis, chance: f64) {
        self.stream.opened = None;
        match self.phase {
            Phase::Open => self.lose(Phase::Lost { since: now }, now),
            Phase::Connecting => {
                self.phase = Phase::Lost {
                    since: self.stream.attempt,
                }
            }
            Phase::Lost { .. } | Phase::Stale | Phase::Trial => {}
            Phase::Polling => return,
        }
        self.stream.refused = true;
        if self.stream.reopen_at.is_none() {
            self.stream.reopen_at = Some(now + self.stream.backoff(chance));
        }
    }

    /// A poll was answered. `empty` is whether the answer has no events.
    pub(super) fn answered(&mut self, now: Millis, empty: bool, chance: f64) -> Verdict {
        self.polls.asking = false;
        self.polls.failures = 0;
        if self.phase == Phase::Polling {
            self.received_at = now;
            self.reachable = true;
            return Verdict::Take;
        }
        if self.stream.has_sent {
            return Verdict::Leave;
        }
        if !self.reachable {
            // The browser may retry later or not at all, so the page reopens the stream.
            self.reachable = true;
            self.stream.refused = false;
            self.polls.restart(now);
            self.stream.begin(now);
            return Verdict::Open;
        }
        let waited = now.saturating_sub(self.stream.attempt);
        let held_back = self.stream.refused || waited >= HELD_BACK || !empty && waited >= WORDLESS;
        if !held_back {
            return Verdict::Leave;
        }
        self.poll(now, chance);
        Verdict::Take
    }

    /// A poll failed.
    pub(super) fn unanswered(&mut self, now: Millis) {
        self.polls.asking = false;
        self.polls.failures += 1;
        self.reachable = false;
        // A single failure may come from a proxy that does not wait as long as the server.
        if self.phase == Phase::Trial || self.phase == Phase::Polling && self.polls.failures > 1 {
            self.lose(Phase::Lost { since: now }, now);
            self.stream.reopen_at.get_or_insert(now);
        }
    }

    /// The server has no room for another waiting request, and returned the pause before the next one. The page polls
    /// without waiting, and tries the stream sooner than after a held back one.
    pub(super) fn crowded(&mut self, now: Millis, pause: Millis, chance: f64) {
        if self.phase != Phase::Polling {
            self.unanswered(now);
            return;
        }
        self.polls.asking = false;
        self.polls.failures = 0;
        let pause = pause.clamp(BACKOFF.0, BACKOFF.1);
        self.polls.pause = Some(pause);
        self.polls.ask_at = now + pause;
        self.trial.count = 0;
        self.trial.schedule(now, self.polls.pause, chance);
    }

    /// There can be no stream: the page always polls.
    pub(super) fn poll_only(&mut self) {
        self.phase = Phase::Polling;
        self.trial.at = Millis::MAX;
    }

    /// The requested symbols have changed: pending requests no longer count. Returns what to do now.
    pub(super) fn renew(&mut self, now: Millis) -> Task {
        self.polls.asking = false;
        match self.phase {
            Phase::Polling => return self.ask(false),
            Phase::Open => self.stream.renewed = Some(now),
            _ => {}
        }
        self.polls.restart(now);
        self.stream.begin(now);
        Task::Open
    }

    /// Time has passed. Returns what to do now.
    pub(super) fn tick(&mut self, now: Millis, chance: f64) -> Task {
        match self.phase {
            Phase::Polling if self.polls.asking => return Task::Rest,
            Phase::Polling if now >= self.trial.at => {
                self.phase = Phase::Trial;
                self.stream.refused = false;
                self.stream.reopen_at = None;
                self.polls.restart(now);
                self.stream.begin(now);
                return Task::Open;
            }
            Phase::Polling => match self.polls.pause {
                Some(_) if now < self.polls.ask_at => return Task::Rest,
                Some(pause) => {
                    self.polls.ask_at = now + pause;
                    return self.ask(false);
                }
                None => return self.ask(self.polls.failures == 0),
            },
            Phase::Trial if self.stream.refused => {
                self.poll(now, chance);
                return self.ask(self.polls.pause.is_none());
            }
            Phase::Open if now.saturating_sub(self.received_at) >= SILENCE => {
                self.lose(Phase::Stale, now);
                // Only a new stream shows whether the network or the server is silent.
                self.stream.reopen_at = Some(now);
            }
            Phase::Connecting | Phase::Lost { .. } | Phase::Stale
                if self.stream.reopen_at.is_none()
                    && now.saturating_sub(self.stream.attempt) >= ATTEMPT_TIMEOUT =>
            {
                self.stream.reopen_at = Some(now + self.stream.backoff(chance));
            }
            _ => {}
        }
        if self.stream.reopen_at.is_some_and(|at| at <= now) {
            self.stream.begin(now);
            return Task::Open;
        }
        if self.stream.has_sent || self.polls.asking || now < self.polls.ask_at {
            return Task::Rest;
        }
        self.polls.ask_later(now, self.phase == Phase::Trial);
        self.ask(false)
    }

    /// The state to show.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Connecting => State::Connecting,
            Phase::Open => State::Live { delay: self.delay },
            Phase::Lost { since } => State::Reconnecting { since },
            Phase::Stale => State::Stale {
                since: self.received_at,
            },
            Phase::Polling | Phase::Trial => match self.polls.pause {
                Some(pause) => State::Crowded { pause },
                None => State::Polling,
            },
        }
    }

    /// The id to resume after.
    pub(super) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// Forgets the difference of the clocks, which has changed.
    pub(super) fn forget_skew(&mut self) {
        self.skew = Skew::default();
    }

    /// When something was last received.
    #[cfg(test)]
    fn received_at(&self) -> Millis {
        self.received_at
    }

    /// The server's time, as exactly as known; `None` before anything was received.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        self.skew.server_time(now)
    }

    /// The events of a poll end with this id.
    pub(super) fn polled(&mut self, now: Millis, id: &str) {
        if id != self.last_id {
            self.go_on_after(id);
            if let Some(sent) = sent_at(id) {
                self.skew.delay(now, sent);
            }
        }
    }

    fn go_on_after(&mut self, id: &str) {
        self.last_id.clear();
        self.last_id.push_str(id);
    }

    /// Records that the stream is open, and returns since when. The delay of the previous stream is forgotten.
    fn open_since(&mut self, now: Millis) -> Millis {
        if self.stream.opened.is_none() {
            self.delay = None;
        }
        *self.stream.opened.get_or_insert(now)
    }

    /// Records that the connection is lost.
    fn lose(&mut self, phase: Phase, now: Millis) {
        self.phase = phase;
        self.stream.has_sent = false;
        self.stream.refused = false;
        self.reachable = false;
        // The browser first reconnects by itself.
        self.polls.ask_at = now + OPEN_TIMEOUT;
        self.polls.asked = 0;
    }

    /// The page continues by polling, and tries the stream again after a longer time each time.
    fn poll(&mut self, now: Millis, chance: f64) {
        self.phase = Phase::Polling;
        self.received_at = now;
        self.stream.opened = None;
        self.stream.reopen_at = None;
        if !self.stream.refused {
            self.polls.pause = None;
        }
        self.trial.schedule(now, self.polls.pause, chance);
    }

    fn ask(&mut self, wait: bool) -> Task {
        self.polls.asking = true;
        Task::Ask { wait }
    }
}

/// When the server created an id, by its own clock.
fn sent_at(id: &str) -> Option<Millis> {
    id.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
