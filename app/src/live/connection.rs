use market::{Millis, wire};

use super::{skew::Skew, state::State};

/// The longest time without an event on a stream that is well.
const HEARTBEAT: Millis = wire::HEARTBEAT.as_millis() as Millis;
/// Three heartbeats missing, and one second for the way.
const SILENCE: Millis = 3 * HEARTBEAT + 1_000;
/// A first attempt that takes longer than this is a connection that is not there.
const OPEN_TIMEOUT: Millis = 5_000;
/// An attempt that takes longer than this hangs, and is begun anew.
const ATTEMPT_TIMEOUT: Millis = 20_000;
/// The shortest and the longest wait before the stream is opened anew.
const BACKOFF: (Millis, Millis) = (1_000, 30_000);
/// A stream that has said nothing for so long is asked after by a poll.
const WORDLESS: Millis = 3_000;
/// The longest wait between two such polls.
const ASK: Millis = 30_000;
/// A stream that has said nothing for so long is held back: its first heartbeat should have come.
const HELD_BACK: Millis = HEARTBEAT + 3_000;
/// The shortest and the longest wait before the stream is tried again while the page polls.
const TRIAL: (Millis, Millis) = (60_000, 240_000);

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

/// What has to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Nothing.
    Rest,
    /// The stream has to be opened anew.
    Open,
    /// What came after [`Connection::last_id`] has to be asked for. Where nothing came, the server
    /// may wait with its answer, if it is asked to `wait`.
    Ask {
        /// Whether to wait.
        wait: bool,
    },
}

/// What has to be done with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It only showed that the server is there: what is in it comes by the stream.
    Leave,
    /// The same, and the stream has to be opened anew.
    Open,
    /// What is in it is news. The stream, where there is one, has to be closed before it is taken.
    Take,
}

/// The connection as it is known from outside: what happened goes in with its time, and what to
/// show and what to do come out. Times are of this machine's clock.
///
/// There are two ways to the events: the stream, and polls of the same address. A proxy that holds
/// the stream back looks from here as a quiet market does, so a stream that says nothing is asked
/// after by a poll: where that brings what the stream did not, the page goes on by polling. One way
/// at a time brings events, each from the last id on, so that none comes twice or is lost.
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
    /// Whether the stream of the attempt under way has said anything.
    spoken: bool,
    /// Whether the stream was refused since the last word.
    refused: bool,
    /// Whether the server has answered since the connection was lost, so that it is not the server
    /// that is silent.
    reachable: bool,
    /// Whether a poll is under way.
    asking: bool,
    /// When a stream that says nothing is asked after next, and how often that was done.
    ask_at: Millis,
    asked: u32,
    /// How many polls in a row have failed.
    failures: u32,
    /// When the stream is tried again while the page polls, and how often that was in vain.
    trial_at: Millis,
    trials: u32,
    /// When the stream was opened anew for other symbols last.
    renewed: Option<Millis>,
    /// The time between two polls, where the server has no room for a stream.
    pause: Option<Millis>,
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
            spoken: false,
            refused: false,
            // It has just sent the page.
            reachable: true,
            asking: false,
            ask_at: now + WORDLESS,
            asked: 0,
            failures: 0,
            trial_at: 0,
            trials: 0,
            renewed: None,
            pause: None,
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
                self.attempt = now;
                self.reachable = true;
                self.ask_at = now + WORDLESS;
            }
            Phase::Connecting => {
                self.phase = Phase::Open;
                self.heard = now;
            }
            _ => {}
        }
        self.open_since(now);
        self.reopen_at = None;
    }

    /// An event came by the stream, with the id and the server's time that it carries, where it
    /// does.
    pub(super) fn heard(&mut self, now: Millis, id: &str, server_time: Option<Millis>) {
        self.phase = Phase::Open;
        self.heard = now;
        self.attempts = 0;
        self.reopen_at = None;
        self.spoken = true;
        self.refused = false;
        self.trials = 0;
        self.pause = None;
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
        self.opened = None;
        match self.phase {
            // It is being opened anew, and has its time.
            Phase::Open
                if self
                    .renewed
                    .is_some_and(|at| now.saturating_sub(at) < OPEN_TIMEOUT) => {}
            Phase::Open => {
                self.lose(Phase::Lost { since: now }, now);
                self.attempt = now;
            }
            Phase::Connecting if now.saturating_sub(self.attempt) >= OPEN_TIMEOUT => {
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
            Phase::Open => self.lose(Phase::Lost { since: now }, now),
            Phase::Connecting => {
                self.phase = Phase::Lost {
                    since: self.attempt,
                }
            }
            Phase::Lost { .. } | Phase::Stale | Phase::Trial => {}
            Phase::Polling => return,
        }
        self.refused = true;
        if self.reopen_at.is_none() {
            self.reopen_at = Some(now + self.backoff(chance));
        }
    }

    /// An answer to a poll came, and whether anything is in it.
    pub(super) fn answered(&mut self, now: Millis, empty: bool, chance: f64) -> Verdict {
        self.asking = false;
        self.failures = 0;
        if self.phase == Phase::Polling {
            self.heard = now;
            self.reachable = true;
            return Verdict::Take;
        }
        if self.spoken {
            return Verdict::Leave;
        }
        if !self.reachable {
            // The browser may try again in a moment only, or not at all: this attempt counts.
            self.reachable = true;
            self.refused = false;
            self.ask_at = now + WORDLESS;
            self.asked = 0;
            self.begin(now);
            return Verdict::Open;
        }
        let waited = now.saturating_sub(self.attempt);
        let held_back = self.refused || waited >= HELD_BACK || !empty && waited >= WORDLESS;
        if !held_back {
            return Verdict::Leave;
        }
        self.poll(now, chance);
        Verdict::Take
    }

    /// A poll failed.
    pub(super) fn unanswered(&mut self, now: Millis) {
        self.asking = false;
        self.failures += 1;
        self.reachable = false;
        // One may be the fault of a proxy that does not wait as long as the server does.
        if self.phase == Phase::Trial || self.phase == Phase::Polling && self.failures > 1 {
            self.lose(Phase::Lost { since: now }, now);
            self.reopen_at.get_or_insert(now);
        }
    }

    /// The server has no room for one more that waits, and says after which pause to ask again: the
    /// page asks without waiting, and tries the stream sooner than where something on the way is to
    /// blame.
    pub(super) fn crowded(&mut self, now: Millis, pause: Millis, chance: f64) {
        if self.phase != Phase::Polling {
            self.unanswered(now);
            return;
        }
        self.asking = false;
        self.failures = 0;
        let pause = pause.clamp(BACKOFF.0, BACKOFF.1);
        self.pause = Some(pause);
        self.ask_at = now + pause;
        self.trials = 0;
        self.try_again(now, chance);
    }

    /// There can be no stream here: the page polls from the beginning to the end.
    pub(super) fn poll_only(&mut self) {
        self.phase = Phase::Polling;
        self.trial_at = Millis::MAX;
    }

    /// What is asked for has changed: from now on only what is asked or opened anew counts. What has to
    /// be done now.
    pub(super) fn renew(&mut self, now: Millis) -> Task {
        self.asking = false;
        match self.phase {
            Phase::Polling => return self.ask(false),
            Phase::Open => self.renewed = Some(now),
            _ => {}
        }
        self.ask_at = now + WORDLESS;
        self.asked = 0;
        self.begin(now);
        Task::Open
    }

    /// Time passes. What has to be done now.
    pub(super) fn tick(&mut self, now: Millis, chance: f64) -> Task {
        match self.phase {
            Phase::Polling if self.asking => return Task::Rest,
            Phase::Polling if now >= self.trial_at => {
                self.phase = Phase::Trial;
                self.refused = false;
                self.reopen_at = None;
                self.ask_at = now + WORDLESS;
                self.asked = 0;
                self.begin(now);
                return Task::Open;
            }
            Phase::Polling => match self.pause {
                Some(_) if now < self.ask_at => return Task::Rest,
                Some(pause) => {
                    self.ask_at = now + pause;
                    return self.ask(false);
                }
                None => return self.ask(self.failures == 0),
            },
            Phase::Trial if self.refused => {
                self.poll(now, chance);
                return self.ask(self.pause.is_none());
            }
            Phase::Open if now.saturating_sub(self.heard) >= SILENCE => {
                self.lose(Phase::Stale, now);
                // Whether it is the way or the server that is silent, only a new stream tells.
                self.reopen_at = Some(now);
            }
            Phase::Connecting | Phase::Lost { .. } | Phase::Stale
                if self.reopen_at.is_none()
                    && now.saturating_sub(self.attempt) >= ATTEMPT_TIMEOUT =>
            {
                self.reopen_at = Some(now + self.backoff(chance));
            }
            _ => {}
        }
        if self.reopen_at.is_some_and(|at| at <= now) {
            self.begin(now);
            return Task::Open;
        }
        if self.spoken || self.asking || now < self.ask_at {
            return Task::Rest;
        }
        self.asked += 1;
        let pause = (WORDLESS << self.asked.min(8)).min(ASK);
        // While the page has polled until a moment ago, prices stand still now.
        self.ask_at = now
            + if self.phase == Phase::Trial {
                WORDLESS
            } else {
                pause
            };
        self.ask(false)
    }

    /// What to show.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Connecting => State::Connecting,
            Phase::Open => State::Live { delay: self.delay },
            Phase::Lost { since } => State::Reconnecting { since },
            Phase::Stale => State::Stale { since: self.heard },
            Phase::Polling | Phase::Trial => match self.pause {
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

    /// When something was heard last.
    #[cfg(test)]
    fn heard_at(&self) -> Millis {
        self.heard
    }

    /// The server's time, as near as is known; `None` before it said anything.
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
        if self.opened.is_none() {
            self.delay = None;
        }
        *self.opened.get_or_insert(now)
    }

    /// The connection is lost, as is noticed now.
    fn lose(&mut self, phase: Phase, now: Millis) {
        self.phase = phase;
        self.spoken = false;
        self.refused = false;
        self.reachable = false;
        // First the browser tries by itself.
        self.ask_at = now + OPEN_TIMEOUT;
        self.asked = 0;
    }

    /// The stream is opened anew.
    fn begin(&mut self, now: Millis) {
        self.reopen_at = None;
        self.opened = None;
        self.spoken = false;
        self.attempt = now;
        self.attempts = self.attempts.saturating_add(1);
    }

    /// The page goes on by polling, and tries the stream again after a while that is longer each
    /// time.
    fn poll(&mut self, now: Millis, chance: f64) {
        self.phase = Phase::Polling;
        self.heard = now;
        self.opened = None;
        self.reopen_at = None;
        if !self.refused {
            self.pause = None;
        }
        self.try_again(now, chance);
    }

    /// The stream is tried again after a while.
    fn try_again(&mut self, now: Millis, chance: f64) {
        let (shortest, longest) = match self.pause {
            Some(pause) => (pause, BACKOFF.1),
            None => TRIAL,
        };
        self.trial_at = now + spread((shortest << self.trials.min(8)).min(longest), chance);
        self.trials += 1;
    }

    fn ask(&mut self, wait: bool) -> Task {
        self.asking = true;
        Task::Ask { wait }
    }

    fn backoff(&self, chance: f64) -> Millis {
        let (shortest, longest) = BACKOFF;
        let full = shortest << self.attempts.min(16);
        spread(full.min(longest), chance)
    }
}

/// Half of a time, and of the other half what chance (0 to 1) gives.
fn spread(full: Millis, chance: f64) -> Millis {
    full / 2 + (full as f64 / 2.0 * chance.clamp(0.0, 1.0)) as Millis
}

/// When the server wrote an id, by its own clock.
fn sent_at(id: &str) -> Option<Millis> {
    id.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(1_000, "900-0".to_owned())
    }

    /// A tick where every poll fails at once.
    fn tick(connection: &mut Connection, now: Millis, chance: f64) -> Task {
        let task = connection.tick(now, chance);
        if matches!(task, Task::Ask { .. }) {
            connection.unanswered(now);
        }
        task
    }

    const ASK: Task = Task::Ask { wait: false };
    const POLL: Task = Task::Ask { wait: true };

    /// A connection whose stream turned out to be held back, at 4,000.
    fn polling() -> Connection {
        let mut connection = connection();
        assert_eq!(connection.tick(3_999, 1.0), Task::Rest);
        assert_eq!(connection.tick(4_000, 1.0), ASK);
        assert_eq!(connection.answered(4_000, false, 1.0), Verdict::Take);
        connection.polled(4_000, "3999-0");
        assert_eq!(connection.state(), State::Polling);
        connection
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
        assert_eq!(connection.tick(6_000, 0.5), Task::Rest);
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
            while tick(&mut connection, now, 1.0) != Task::Open {
                now += 100;
            }
            waits.push(now - closed);
            connection.closed(now, 1.0);
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        // A word from the server makes the next wait short again.
        connection.heard(now, "950-0", None);
        connection.closed(now, 0.0);
        assert_ne!(connection.tick(now + 499, 0.0), Task::Open);
        assert_eq!(connection.tick(now + 500, 0.0), Task::Open);
        assert_eq!(connection.last_id(), "950-0");
    }

    #[test]
    fn a_final_answer_seen_twice_does_not_put_the_attempt_off() {
        let mut connection = connection();
        connection.closed(1_000, 1.0);
        connection.closed(1_900, 1.0);
        assert_eq!(connection.tick(2_000, 1.0), Task::Open);
        assert_eq!(connection.tick(2_000, 1.0), Task::Rest);
    }

    #[test]
    fn three_missing_heartbeats_are_stale_and_open_it_anew() {
        let mut connection = connection();
        connection.heard(2_000, "1900-0", None);
        assert_eq!(connection.tick(47_999, 0.5), Task::Rest);
        assert_eq!(connection.state(), State::Live { delay: Some(0) });
        assert_eq!(connection.tick(48_000, 0.5), Task::Open);
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
        assert_ne!(tick(&mut connection, 21_000, 0.0), Task::Open);
        assert_eq!(tick(&mut connection, 21_500, 0.0), Task::Open);
    }

    #[test]
    fn a_poll_that_brings_what_the_stream_did_not_shows_that_it_is_held_back() {
        let mut connection = polling();
        assert_eq!(connection.last_id(), "3999-0");
        // One poll at a time, each from where the one before ended.
        assert_eq!(connection.tick(5_000, 1.0), POLL);
        assert_eq!(connection.tick(6_000, 1.0), Task::Rest);
        assert_eq!(connection.answered(30_000, true, 1.0), Verdict::Take);
        assert_eq!(connection.heard_at(), 30_000);
        assert_eq!(connection.tick(30_500, 1.0), POLL);
        assert_eq!(connection.state(), State::Polling);
    }

    #[test]
    fn a_quiet_market_is_not_a_held_back_stream_until_a_heartbeat_is_missing() {
        let mut connection = connection();
        connection.opened(1_100);
        let mut asked = Vec::new();
        for now in (2_000..19_000).step_by(1_000) {
            if connection.tick(now, 1.0) == ASK {
                asked.push(now);
                assert_eq!(connection.answered(now, true, 1.0), Verdict::Leave);
            }
        }
        assert_eq!(asked, [4_000, 10_000]);
        assert_eq!(connection.state(), State::Live { delay: None });
        assert_eq!(connection.tick(22_000, 1.0), ASK);
        assert_eq!(connection.answered(22_000, true, 1.0), Verdict::Take);
        assert_eq!(connection.state(), State::Polling);
    }

    #[test]
    fn a_stream_that_speaks_is_not_asked_after_and_has_the_last_word() {
        let mut connection = connection();
        assert_eq!(connection.tick(4_000, 1.0), ASK);
        connection.heard(4_010, "4000-0", None);
        assert_eq!(connection.answered(4_020, false, 1.0), Verdict::Leave);
        for now in (5_000..40_000).step_by(1_000) {
            assert_eq!(connection.tick(now, 1.0), Task::Rest);
        }
        assert_eq!(connection.last_id(), "4000-0");
    }

    #[test]
    fn a_stream_that_is_refused_is_held_back_however_quiet_the_market_is() {
        let mut connection = connection();
        connection.closed(1_100, 1.0);
        assert_eq!(connection.tick(2_000, 1.0), Task::Rest);
        assert_eq!(connection.tick(2_100, 1.0), Task::Open);
        assert_eq!(connection.tick(4_000, 1.0), ASK);
        assert_eq!(connection.answered(4_000, true, 1.0), Verdict::Take);
        assert_eq!(connection.state(), State::Polling);
        // What became of the stream no longer counts.
        connection.closed(4_100, 1.0);
        assert_eq!(connection.tick(5_000, 1.0), POLL);
    }

    #[test]
    fn a_server_that_was_away_gets_another_stream_before_the_way_is_blamed() {
        let mut connection = connection();
        connection.heard(2_000, "1999-0", None);
        connection.dropped(3_000);
        assert_eq!(connection.tick(7_999, 1.0), Task::Rest);
        assert_eq!(connection.tick(8_000, 1.0), ASK);
        connection.unanswered(8_000);
        assert_eq!(connection.state(), State::Reconnecting { since: 3_000 });
        assert_eq!(connection.tick(13_999, 1.0), Task::Rest);
        assert_eq!(connection.tick(14_000, 1.0), ASK);
        assert_eq!(connection.answered(14_000, false, 1.0), Verdict::Open);
        // The new one has its time.
        assert_eq!(connection.tick(16_999, 1.0), Task::Rest);
        connection.heard(17_000, "16990-0", None);
        assert!(matches!(connection.state(), State::Live { .. }));
    }

    #[test]
    fn the_stream_is_tried_again_and_taken_when_it_speaks() {
        let mut connection = polling();
        let trial = 4_000 + TRIAL.0;
        // Not while a poll is under way: one way at a time.
        assert_eq!(connection.tick(trial - 1, 1.0), POLL);
        assert_eq!(connection.tick(trial, 1.0), Task::Rest);
        assert_eq!(connection.answered(trial + 10, false, 1.0), Verdict::Take);
        assert_eq!(connection.tick(trial + 1_000, 1.0), Task::Open);
        assert_eq!(connection.state(), State::Polling);
        connection.opened(trial + 1_100);
        assert_eq!(connection.state(), State::Polling);
        connection.heard(trial + 1_200, "65000-0", None);
        assert!(matches!(connection.state(), State::Live { .. }));
        assert_eq!(connection.tick(trial + 10_000, 1.0), Task::Rest);
    }

    #[test]
    fn where_there_is_no_room_it_asks_now_and_then_and_tries_the_stream_again() {
        let mut connection = polling();
        assert_eq!(connection.tick(5_000, 1.0), POLL);
        connection.crowded(5_100, 5_000, 1.0);
        assert_eq!(connection.state(), State::Crowded { pause: 5_000 });
        let mut asked = Vec::new();
        let mut opened = Vec::new();
        for now in (6_000..60_000).step_by(1_000) {
            match connection.tick(now, 1.0) {
                ASK => {
                    asked.push(now);
                    assert_eq!(connection.answered(now, false, 1.0), Verdict::Take);
                }
                POLL => panic!("it waits at {now} though there is no room"),
                Task::Open => {
                    opened.push(now);
                    connection.closed(now, 1.0);
                }
                _ => {}
            }
            assert_eq!(connection.state(), State::Crowded { pause: 5_000 });
        }
        assert_eq!(opened, [11_000, 22_000, 43_000]);
        assert!(asked.len() >= 8, "{asked:?}");
        assert!(
            asked.windows(2).all(|pair| pair[1] - pair[0] <= 6_000),
            "{asked:?}"
        );
        // Then there is room.
        while connection.tick(asked[0], 1.0) != Task::Open {
            connection.answered(asked[0], true, 1.0);
            asked[0] += 1_000;
        }
        connection.heard(asked[0], "70000-0", None);
        assert!(matches!(connection.state(), State::Live { .. }));
    }

    #[test]
    fn a_stream_of_other_symbols_is_opened_anew_without_a_word_of_it() {
        let mut connection = connection();
        connection.opened(1_100);
        connection.heard(1_200, "1200-0", None);
        assert_eq!(connection.renew(2_000), Task::Open);
        connection.dropped(3_000);
        assert!(matches!(connection.state(), State::Live { .. }));
        assert_eq!(connection.last_id(), "1200-0");
        connection.dropped(7_000);
        assert_eq!(connection.state(), State::Reconnecting { since: 7_000 });
        // A page that polls goes on polling, and what was asked before does not count.
        let mut connection = polling();
        assert_eq!(connection.tick(5_000, 1.0), POLL);
        assert_eq!(connection.renew(5_500), ASK);
        assert_eq!(connection.state(), State::Polling);
    }

    #[test]
    fn a_trial_in_vain_goes_back_to_polling_and_the_next_one_comes_later() {
        let mut connection = polling();
        let mut now = 4_000;
        let mut waits = Vec::new();
        for refused in [false, true, false, false] {
            let polled = now;
            while connection.tick(now, 1.0) != Task::Open {
                connection.answered(now, true, 1.0);
                now += 1_000;
            }
            waits.push(now - polled);
            now += 1_000;
            if refused {
                connection.closed(now, 1.0);
                assert_eq!(connection.tick(now, 1.0), POLL);
            } else {
                assert_eq!(connection.tick(now, 1.0), Task::Rest);
                now += 2_000;
                assert_eq!(connection.tick(now, 1.0), ASK);
                assert_eq!(connection.answered(now, false, 1.0), Verdict::Take);
            }
            assert_eq!(connection.state(), State::Polling);
        }
        assert_eq!(waits, [60_000, 120_000, 240_000, 240_000]);
    }

    #[test]
    fn one_failed_poll_is_asked_again_at_once_and_two_are_a_lost_connection() {
        let mut connection = polling();
        assert_eq!(connection.tick(5_000, 1.0), POLL);
        connection.unanswered(15_000);
        // A proxy may cut what waits, but not what is answered at once.
        assert_eq!(connection.tick(15_500, 1.0), ASK);
        assert_eq!(connection.state(), State::Polling);
        connection.unanswered(15_600);
        assert_eq!(connection.state(), State::Reconnecting { since: 15_600 });
        // Where the network comes back, the stream is tried first.
        assert_eq!(connection.tick(16_500, 1.0), Task::Open);
        connection.heard(17_000, "16990-0", None);
        assert!(matches!(connection.state(), State::Live { .. }));
    }

    #[test]
    fn without_streams_it_polls_for_good() {
        let mut connection = connection();
        connection.poll_only();
        for now in (1_000..1_000_000).step_by(1_000) {
            assert_eq!(connection.tick(now, 1.0), POLL);
            assert_eq!(connection.answered(now, true, 1.0), Verdict::Take);
        }
        assert_eq!(connection.state(), State::Polling);
    }
}
