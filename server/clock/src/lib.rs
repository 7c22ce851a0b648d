//! The server's time: the machine's clock without its steps.
//!
//! If a clock is set a day ahead, every earlier price looks old, and once it is set right again every later price looks
//! early. So a second clock that cannot be set distinguishes steps from the passing of time, and a step is followed
//! only once it has held: one that is soon taken back has no effect. Each step is shown among the feeds, counted and
//! logged.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use market::{FeedState, FeedStatus, Millis};

/// A clock function. It is an argument, so that a test can decide the time.
pub type Now = Arc<dyn Fn() -> Millis + Send + Sync>;

/// How far ahead of the server's time a time from outside may be. One further ahead would hold back everything else of
/// its symbol until it is reached.
pub const MAX_AHEAD: Millis = 60_000;

/// How far ahead of the server's time a time that is not live may be: of an exchange's own clock, a story's date, a
/// file. One further ahead is wrong.
pub const MAX_DAY_AHEAD: Millis = 24 * 60 * 60 * 1_000;

/// Below this a change of the clock is no step: a clock that is kept right is adjusted by as much.
const MAX_SLEW: Millis = 2_000;

/// How long a step has to hold before it is followed.
const HOLD: Duration = Duration::from_secs(15);

/// The same, for irreversible work: removing what has become too old.
const HOLD_FOR_REMOVAL: Duration = Duration::from_secs(60 * 60);

/// How long a step that was followed, or taken back, stays visible.
const SHOWN: Duration = Duration::from_secs(5 * 60);

/// The clock's name among the feeds.
const NAME: &str = "Clock";

/// A clock without steps. A clone is the same clock.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    wall: Now,
    /// The steady clock, in milliseconds since any moment.
    steady: Now,
    hold: Millis,
    /// The smallest step.
    slew: Millis,
    // A std mutex, held for a comparison.
    course: Mutex<Course>,
}

#[derive(Debug, Clone, Copy)]
struct Course {
    /// How far the time is ahead of the steady clock.
    offset: i64,
    /// A step that is not followed yet.
    pending: Option<Step>,
    /// The last step that was followed or taken back.
    last: Option<(Step, Outcome)>,
    steps: u64,
    /// The latest moment, by the steady clock. Threads may arrive here in another order than they read their clocks.
    latest: Millis,
}

/// A step of the machine's clock.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Its beginning and its end, by the steady clock.
    since: Millis,
    until: Millis,
    /// How far the machine's clock is ahead of the steady one since then.
    offset: i64,
    /// Its size.
    by: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Followed,
    TakenBack,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let begun = Instant::now();
        let wall = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_millis() as Millis)
        };
        let steady = move || begun.elapsed().as_millis() as Millis;
        Clock::new(Arc::new(wall), Arc::new(steady), HOLD, MAX_SLEW)
    }

    /// A clock that follows another one with all its steps: for tests, which decide the time.
    pub fn following(wall: Now) -> Self {
        Clock::new(wall, Arc::new(|| 0), HOLD, Millis::MAX)
    }

    fn new(wall: Now, steady: Now, hold: Duration, slew: Millis) -> Self {
        let latest = steady();
        let offset = wall().cast_signed() - latest.cast_signed();
        Clock(Arc::new(Shared {
            wall,
            steady,
            hold: hold.as_millis() as Millis,
            slew,
            course: Mutex::new(Course {
                offset,
                pending: None,
                last: None,
                steps: 0,
                latest,
            }),
        }))
    }

    /// The same clock for irreversible work: it follows a step much later.
    pub fn for_removal(&self) -> Clock {
        let Shared {
            wall, steady, slew, ..
        } = &*self.0;
        Clock::new(
            Arc::clone(wall),
            Arc::clone(steady),
            HOLD_FOR_REMOVAL,
            *slew,
        )
    }

    /// The time, in milliseconds since the epoch.
    pub fn now(&self) -> Millis {
        let Shared { wall, steady, .. } = &*self.0;
        let mut course = self.lock();
        let (wall, steady) = (wall(), steady().max(course.latest));
        course.latest = steady;
        let offset = wall.cast_signed() - steady.cast_signed();
        let by = offset - course.offset;
        if by.unsigned_abs() <= self.0.slew {
            course.offset = offset;
            if let Some(step) = course.pending.take() {
                course.end(step, Outcome::TakenBack);
            }
            return wall;
        }
        match course.pending {
            Some(step) if (offset - step.offset).unsigned_abs() <= MAX_SLEW => {
                if steady - step.since >= self.0.hold {
                    course.offset = offset;
                    course.pending = None;
                    course.end(step, Outcome::Followed);
                    return wall;
                }
            }
            _ => {
                course.steps += 1;
                course.pending = Some(Step {
                    since: steady,
                    until: steady,
                    offset,
                    by,
                });
                tracing::error!(
                    seconds = by / 1_000,
                    "the machine's clock was set; that is followed once it has held for {} s",
                    self.0.hold / 1_000
                );
            }
        }
        steady.saturating_add_signed(course.offset)
    }

    /// The clock as a function.
    pub fn as_now(&self) -> Now {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }

    /// How often the machine's clock was set, and how far it is ahead of the time right now, in milliseconds.
    pub fn steps(&self) -> (u64, i64) {
        let course = self.lock();
        (course.steps, course.pending.map_or(0, |step| step.by))
    }

    /// The last step as shown among the feeds; `None` if there is nothing to report.
    pub fn status(&self) -> Option<FeedStatus> {
        let course = *self.lock();
        let (step, words) = match (course.pending, course.last) {
            (Some(step), _) => (step, "not followed yet"),
            (None, Some((step, outcome))) => {
                let shown = Millis::try_from(SHOWN.as_millis()).unwrap_or(Millis::MAX);
                if course.latest - step.until > shown {
                    return None;
                }
                match outcome {
                    Outcome::Followed => (step, "followed"),
                    Outcome::TakenBack => (step, "not followed, because it was taken back"),
                }
            }
            (None, None) => return None,
        };
        let way = if step.by < 0 { "back" } else { "ahead" };
        Some(FeedStatus {
            name: NAME.to_owned(),
            state: FeedState::Degraded,
            detail: Some(format!(
                "the machine's clock was set {way} by {} s: {words}",
                step.by.unsigned_abs() / 1_000
            )),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Course> {
        self.0.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course {
    fn end(&mut self, step: Step, outcome: Outcome) {
        let until = self.latest;
        tracing::warn!(
            seconds = step.by / 1_000,
            ?outcome,
            "the machine's clock was set"
        );
        self.last = Some((Step { until, ..step }, outcome));
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&*self.lock()).finish()
    }
}

/// The machine's clock as a function.
pub fn system_now() -> Now {
    Clock::system().as_now()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    const START: Millis = 1_790_000_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1_000;

    /// A machine's clock that is set by hand.
    struct Machine {
        passed: Arc<AtomicU64>,
        wall: Arc<AtomicU64>,
        clock: Clock,
    }

    impl Machine {
        fn new() -> Self {
            let passed = Arc::new(AtomicU64::new(500));
            let wall = Arc::new(AtomicU64::new(START));
            let read = |of: &Arc<AtomicU64>| -> Now {
                let of = Arc::clone(of);
                Arc::new(move || of.load(Ordering::Relaxed))
            };
            let clock = Clock::new(read(&wall), read(&passed), HOLD, MAX_SLEW);
            Machine {
                passed,
                wall,
                clock,
            }
        }

        fn pass(&self, ms: Millis) {
            self.passed.fetch_add(ms, Ordering::Relaxed);
            self.wall.fetch_add(ms, Ordering::Relaxed);
        }

        fn set(&self, by: i64) {
            let wall = self.wall.load(Ordering::Relaxed);
            let wall = wall.saturating_add_signed(by);
            self.wall.store(wall, Ordering::Relaxed);
        }

        fn detail(&self) -> String {
            let status = self.clock.status();
            status.and_then(|status| status.detail).unwrap_or_default()
        }
    }

    #[test]
    fn a_step_that_is_taken_back_has_no_effect_and_is_shown() {
        let machine = Machine::new();
        assert_eq!(machine.clock.status(), None);
        machine.set(DAY);
        for second in 0..10 {
            assert_eq!(machine.clock.now(), START + second * 1_000);
            machine.pass(1_000);
        }
        assert_eq!(machine.clock.steps(), (1, DAY));
        assert!(
            machine
                .detail()
                .contains("ahead by 86400 s: not followed yet")
        );
        machine.set(-DAY);
        assert_eq!(machine.clock.now(), START + 10_000);
        assert_eq!(machine.clock.steps(), (1, 0));
        assert!(
            machine.detail().contains("taken back"),
            "{}",
            machine.detail()
        );
        machine.pass(SHOWN.as_millis() as Millis + 1);
        machine.clock.now();
        assert_eq!(machine.clock.status(), None);
    }

    #[test]
    fn a_step_that_holds_is_followed() {
        for by in [DAY, -DAY] {
            let machine = Machine::new();
            machine.set(by);
            assert_eq!(machine.clock.now(), START);
            machine.pass(14_999);
            assert_eq!(machine.clock.now(), START + 14_999);
            machine.pass(1);
            let right = (START + 15_000).saturating_add_signed(by);
            assert_eq!(machine.clock.now(), right);
            assert!(
                machine.detail().ends_with("s: followed"),
                "{}",
                machine.detail()
            );
            machine.pass(1_000);
            assert_eq!(machine.clock.now(), right + 1_000);
            assert_eq!(machine.clock.steps(), (1, 0));
        }
    }

    #[test]
    fn what_keeps_a_clock_right_is_followed_at_once() {
        let machine = Machine::new();
        machine.set(1_500);
        assert_eq!(machine.clock.now(), START + 1_500);
        machine.set(-2_000);
        assert_eq!(machine.clock.now(), START - 500);
        assert_eq!(
            (machine.clock.steps(), machine.clock.status()),
            ((0, 0), None)
        );
    }

    proptest! {
        /// Whatever the machine's clock does, the time passes steadily except when a step is followed; and the time is
        /// the machine's own once that has held still.
        #[test]
        fn the_time_is_right_again_soon_after_the_clock_is(
            steps in proptest::collection::vec((0..20_000u64, -100 * DAY..100 * DAY), 0..30),
        ) {
            let machine = Machine::new();
            for (ms, by) in steps {
                machine.set(by);
                machine.clock.now();
                machine.pass(ms);
                machine.clock.now();
            }
            machine.clock.now();
            machine.pass(HOLD.as_millis() as Millis);
            prop_assert_eq!(machine.clock.now(), machine.wall.load(Ordering::Relaxed));
        }
    }
}
