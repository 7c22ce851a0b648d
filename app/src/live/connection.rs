use market::Millis;

use super::{State, skew::Skew};

/// A server that has nothing to say sends a heartbeat this often.
const HEARTBEAT: Millis = 15_000;
/// Three heartbeats missing, and one second for the way.
const SILENCE: Millis = 3 * HEARTBEAT + 1_000;
/// A first attempt that takes longer than this is a connection that is not there.
const PATIENCE: Millis = 5_000;
/// An attempt that takes longer than this hangs, and is begun anew.
const ATTEMPT: Millis = 20_000;
/// The shortest and the longest wait before the stream is opened anew.
const BACKOFF: (Millis, Millis) = (1_000, 30_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    Lost { since: Millis },
    Stale,
}

/// The connection as it is known from outside: what happened goes in with its time, and what to
/// show and when to open the stream anew come out. Times are of this machine's clock.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    phase: Phase,
    last_id: String,
    heard: Millis,
    /// Since when the stream is open: what was sent before waited for it.
    opened: Option<Millis>,
    /// When the attempt under way began.
    attempt: Millis,
    /// How many times in a row the stream was opened anew without a word from it.
    attempts: u32,
    reopen_at: Option<Millis>,
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
            opened: None,
            attempt: now,
            attempts: 0,
            reopen_at: None,
            skew: Skew::default(),
            delay: None,
        }
    }

    /// The stream is open.
    pub(super) fn opened(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Connecting | Phase::Lost { .. }) {
            self.phase = Phase::Open;
            self.heard = now;
        }
        self.open_since(now);
        self.reopen_at = None;
    }

    /// An event came, with the id and the server's time that it carries, where it does.
    pub(super) fn heard(&mut self, now: Millis, id: &str, server_time: Option<Millis>) {
        self.phase = Phase::Open;
        self.heard = now;
        self.attempts = 0;
        self.reopen_at = None;
        // An event without an id of its own repeats the one before.
        let mut sent = server_time;
        if !id.is_empty() && id != self.last_id {
            sent = sent.or_else(|| id.split('-').next()?.parse().ok());
            self.last_id.clear();
            self.last_id.push_str(id);
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
        self.opened = None;
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Lost { since: now };
                self.attempt = now;
            }
            Phase::Connecting if now.saturating_sub(self.attempt) >= PATIENCE => {
                self.phase = Phase::Lost {
                    since: self.attempt,
                };
            }
            _ => {}
        }
    }

    /// The stream ended for good: it has to be opened anew, after a while that is longer each
    /// time and that chance (0 to 1) shortens, so that not everybody comes back at once.
    pub(super) fn closed(&mut self, now: Millis, chance: f64) {
        self.opened = None;
        match self.phase {
            Phase::Open => self.phase = Phase::Lost { since: now },
            Phase::Connecting => {
                self.phase = Phase::Lost {
                    since: self.attempt,
                }
            }
            Phase::Lost { .. } | Phase::Stale => {}
        }
        if self.reopen_at.is_none() {
            self.reopen_at = Some(now + self.backoff(chance));
        }
    }

    /// Time passes. Whether the stream has to be opened anew now.
    pub(super) fn tick(&mut self, now: Millis, chance: f64) -> bool {
        match self.phase {
            Phase::Open if now.saturating_sub(self.heard) >= SILENCE => {
                self.phase = Phase::Stale;
                // Whether it is the way or the server that is silent, only a new stream tells.
                self.reopen_at = Some(now);
            }
            Phase::Connecting | Phase::Lost { .. } | Phase::Stale
                if self.reopen_at.is_none() && now.saturating_sub(self.attempt) >= ATTEMPT =>
            {
                self.reopen_at = Some(now + self.backoff(chance));
            }
            _ => {}
        }
        if self.reopen_at.is_none_or(|at| at > now) {
            return false;
        }
        self.reopen_at = None;
        self.opened = None;
        self.attempt = now;
        self.attempts = self.attempts.saturating_add(1);
        true
    }

    /// What to show.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Connecting => State::Connecting,
            Phase::Open => State::Live { delay: self.delay },
            Phase::Lost { since } => State::Reconnecting { since },
            Phase::Stale => State::Stale { since: self.heard },
        }
    }

    /// The id to resume after.
    pub(super) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// When something was heard last.
    pub(super) fn heard_at(&self) -> Millis {
        self.heard
    }

    /// The server's time, as near as is known; `None` before it said anything.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        self.skew.server_time(now)
    }

    /// Since when the stream is open, which it is now. The delay of the one before is not its own.
    fn open_since(&mut self, now: Millis) -> Millis {
        if self.opened.is_none() {
            self.delay = None;
        }
        *self.opened.get_or_insert(now)
    }

    fn backoff(&self, chance: f64) -> Millis {
        let (shortest, longest) = BACKOFF;
        let full = shortest
            .saturating_mul(1 << self.attempts.min(16))
            .min(longest);
        full / 2 + (full as f64 / 2.0 * chance.clamp(0.0, 1.0)) as Millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(1_000, "900-0".to_owned())
    }

    #[test]
    fn is_live_when_it_is_open_and_says_the_delay_once_known() {
        let mut connection = connection();
        assert_eq!(connection.state(), State::Connecting);
        connection.opened(1_100);
        assert_eq!(connection.state(), State::Live { delay: None });
        connection.heard(1_200, "1190-0", None);
        connection.heard(1_300, "1240-0", None);
        assert_eq!(connection.state(), State::Live { delay: Some(50) });
        assert_eq!(connection.last_id(), "1240-0");
    }

    #[test]
    fn a_heartbeat_repeats_the_last_id_and_is_measured_by_its_own_time() {
        let mut connection = connection();
        connection.heard(1_200, "1200-0", None);
        connection.heard(16_250, "1200-0", Some(16_200));
        assert_eq!(connection.state(), State::Live { delay: Some(50) });
        assert_eq!(connection.last_id(), "1200-0");
        // Without a time of its own an event with the old id measures nothing.
        connection.heard(20_000, "1200-0", None);
        assert_eq!(connection.state(), State::Live { delay: Some(50) });
    }

    #[test]
    fn says_since_when_it_is_lost_and_comes_back() {
        let mut connection = connection();
        connection.opened(1_100);
        connection.dropped(5_000);
        connection.dropped(6_000);
        assert_eq!(connection.state(), State::Reconnecting { since: 5_000 });
        assert!(!connection.tick(6_000, 0.5));
        connection.opened(8_000);
        assert_eq!(connection.state(), State::Live { delay: None });
    }

    #[test]
    fn what_was_missed_meanwhile_is_no_delay() {
        let mut connection = connection();
        connection.heard(1_200, "1200-0", None);
        connection.dropped(5_000);
        connection.heard(60_010, "30000-0", None);
        assert_eq!(connection.state(), State::Live { delay: None });
        assert_eq!(connection.last_id(), "30000-0");
        connection.heard(60_060, "60040-0", None);
        assert_eq!(connection.state(), State::Live { delay: Some(20) });
    }

    #[test]
    fn opens_anew_after_a_final_answer_and_waits_longer_each_time() {
        let mut connection = connection();
        connection.closed(1_000, 1.0);
        assert_eq!(connection.state(), State::Reconnecting { since: 1_000 });
        let mut now = 1_000;
        let mut waits = Vec::new();
        for _ in 0..7 {
            let closed = now;
            while !connection.tick(now, 1.0) {
                now += 100;
            }
            waits.push(now - closed);
            connection.closed(now, 1.0);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        // A word from the server makes the next wait short again.
        connection.heard(now, "950-0", None);
        connection.closed(now, 0.0);
        assert!(!connection.tick(now + 499, 0.0));
        assert!(connection.tick(now + 500, 0.0));
        assert_eq!(connection.last_id(), "950-0");
    }

    #[test]
    fn a_final_answer_seen_twice_does_not_put_the_attempt_off() {
        let mut connection = connection();
        connection.closed(1_000, 1.0);
        connection.closed(1_900, 1.0);
        assert!(connection.tick(2_000, 1.0));
        assert!(!connection.tick(2_000, 1.0));
    }

    #[test]
    fn three_missing_heartbeats_are_stale_and_open_it_anew() {
        let mut connection = connection();
        connection.heard(2_000, "1900-0", None);
        assert!(!connection.tick(47_999, 0.5));
        assert_eq!(connection.state(), State::Live { delay: Some(0) });
        assert!(connection.tick(48_000, 0.5));
        assert_eq!(connection.state(), State::Stale { since: 2_000 });
        // An open stream alone proves nothing; a word does.
        connection.opened(48_500);
        assert_eq!(connection.state(), State::Stale { since: 2_000 });
        connection.heard(49_000, "1901-0", None);
        assert!(matches!(connection.state(), State::Live { .. }));
    }

    #[test]
    fn a_first_attempt_that_hangs_is_not_connecting_for_ever() {
        let mut connection = connection();
        connection.dropped(3_000);
        assert_eq!(connection.state(), State::Connecting);
        connection.dropped(6_000);
        assert_eq!(connection.state(), State::Reconnecting { since: 1_000 });
        assert!(!connection.tick(21_000, 0.0));
        assert!(connection.tick(21_500, 0.0));
    }
}
