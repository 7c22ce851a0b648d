use market::{Millis, wire};

use super::{
    attempts::{Attempts, BACKOFF, Polls, Trial, WORDLESS},
    skew::Skew,
    state::State,
    task::{Task, Verdict},
};

/// The longest time without an event on a stream that is well.
const HEARTBEAT: Millis = wire::HEARTBEAT.as_millis() as Millis;
/// Three heartbeats missing, and one second for the way.
const SILENCE: Millis = 3 * HEARTBEAT + 1_000;
/// A first attempt that takes longer than this is a connection that is not there.
const OPEN_TIMEOUT: Millis = 5_000;
/// An attempt that takes longer than this hangs, and is begun anew.
const ATTEMPT_TIMEOUT: Millis = 20_000;
/// A stream without an event for so long is held back: its first heartbeat should have come.
const HELD_BACK: Millis = HEARTBEAT + 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    Lost {
        since: Millis,
    },
    Stale,
    /// The stream is held back, and the page asks for what came instead.
    Polling,
    /// The same, while the stream is tried again.
    Trial,
}

/// The connection as it is known from outside: what happened goes in with its time, and what to
/// show and what to do come out. Times are of this machine's clock.
///
/// There are two ways to the events: the stream, and polls of the same address. A proxy that holds
/// the stream back looks from here as a quiet market does, so a stream without events is checked
/// by a poll: where that brings what the stream did not, the page goes on by polling. One way
/// at a time brings events, each from the last id on, so that none comes twice or is lost.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    phase: Phase,
    last_id: String,
    heard: Millis,
    /// Whether the server has answered since the connection was lost, so that it is not the server
    /// that is silent.
    reachable: bool,
    stream: Attempts,
    polls: Polls,
    trial: Trial,
    skew: Skew,
    delay: Option<Millis>,
}

impl Connection {
    /// A connection whose first attempt begins now and resumes after an id.
    pub(super) fn new(now: Millis, last_id: String) -> Self {
        Connection {
            phase: Phase::Connecting,
            last_id,
            heard: now,
            // It has just sent the page.
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
                self.heard = now;
                self.stream.attempt = now;
                self.reachable = true;
                self.polls.ask_at = now + WORDLESS;
            }
            Phase::Connecting => {
                self.phase = Phase::Open;
                self.heard = now;
            }
            _ => {}
        }
        self.open_since(now);
        self.stream.reopen_at = None;
    }

    /// An event came by the stream, with the id and the server's time that it carries, where it
    /// does.
    pub(super) fn heard(&mut self, now: Millis, id: &str, server_time: Option<Millis>) {
        self.phase = Phase::Open;
        self.heard = now;
        self.stream.succeed();
        self.trial.count = 0;
        self.polls.pause = None;
        // An event without an id of its own repeats the one before.
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

    /// The stream broke off and the browser tries again by itself.
    pub(super) fn dropped(&mut self, now: Millis) {
        self.stream.opened = None;
        match self.phase {
            // It is being opened anew, and has its time.
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

    /// The stream ended for good: it has to be opened anew, after a while that is longer each
    /// time and that chance (0 to 1) shortens, so that not everybody comes back at once.
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

    /// An answer to a poll came, and whether anything is in it.
    pub(super) fn answered(&mut self, now: Millis, empty: bool, chance: f64) -> Verdict {
        self.polls.asking = false;
        self.polls.failures = 0;
        if self.phase == Phase::Polling {
            self.heard = now;
            self.reachable = true;
            return Verdict::Take;
        }
        if self.stream.has_sent {
            return Verdict::Leave;
        }
        if !self.reachable {
            // The browser may try again in a moment only, or not at all: this attempt counts.
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
        // One may be the fault of a proxy that does not wait as long as the server does.
        if self.phase == Phase::Trial || self.phase == Phase::Polling && self.polls.failures > 1 {
            self.lose(Phase::Lost { since: now }, now);
            self.stream.reopen_at.get_or_insert(now);
        }
    }

    /// The server has no room for one more that waits, and gives the pause after which to ask again: the
    /// page asks without waiting, and tries the stream sooner than where something on the way is to
    /// blame.
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

    /// There can be no stream here: the page polls from the beginning to the end.
    pub(super) fn poll_only(&mut self) {
        self.phase = Phase::Polling;
        self.trial.at = Millis::MAX;
    }

    /// What is asked for has changed: from now on only what is asked or opened anew counts. What has to
    /// be done now.
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

    /// Time passes. What has to be done now.
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
            Phase::Open if now.saturating_sub(self.heard) >= SILENCE => {
                self.lose(Phase::Stale, now);
                // Only a new stream shows whether it is the network or the server that is silent.
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

    /// What to show.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Connecting => State::Connecting,
            Phase::Open => State::Live { delay: self.delay },
            Phase::Lost { since } => State::Reconnecting { since },
            Phase::Stale => State::Stale { since: self.heard },
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

    /// The clocks' difference is another one than before.
    pub(super) fn forget_skew(&mut self) {
        self.skew = Skew::default();
    }

    /// When something was received last.
    #[cfg(test)]
    fn heard_at(&self) -> Millis {
        self.heard
    }

    /// The server's time, as near as is known; `None` before anything came from it.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        self.skew.server_time(now)
    }

    /// What was taken by polling ends with this id.
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

    /// Since when the stream is open, which it is now. The delay of the one before is not its own.
    fn open_since(&mut self, now: Millis) -> Millis {
        if self.stream.opened.is_none() {
            self.delay = None;
        }
        *self.stream.opened.get_or_insert(now)
    }

    /// The connection is lost, as is noticed now.
    fn lose(&mut self, phase: Phase, now: Millis) {
        self.phase = phase;
        self.stream.has_sent = false;
        self.stream.refused = false;
        self.reachable = false;
        // First the browser tries by itself.
        self.polls.ask_at = now + OPEN_TIMEOUT;
        self.polls.asked = 0;
    }

    /// The page goes on by polling, and tries the stream again after a while that is longer each
    /// time.
    fn poll(&mut self, now: Millis, chance: f64) {
        self.phase = Phase::Polling;
        self.heard = now;
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

/// When the server wrote an id, by its own clock.
fn sent_at(id: &str) -> Option<Millis> {
    id.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
