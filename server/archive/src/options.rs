use std::{fmt, time::Duration};

use jiff::tz::TimeZone;
use market::{Millis, Session};

use crate::Clock;

/// The settings of an archive.
#[derive(Clone)]
pub struct Options {
    /// What is kept, and for how long.
    pub keep: Keep,
    /// How much of it is returned at the opening.
    pub refill: Refill,
    /// The clock.
    pub clock: Clock,
    /// The clock by which data is too old to be kept: a clock that is wrong for a moment does not affect it.
    pub removal_clock: Clock,
    /// The zone in which a symbol's days begin, according to its session. Days of a symbol without a session are those
    /// of UTC.
    pub zone: fn(&Session) -> TimeZone,
    /// How much memory trades and corrections that wait for the disk may take, in bytes. Further ones are dropped and
    /// counted.
    pub queue_bytes: usize,
    /// How long a write waits for another connection before that counts as a failure.
    pub busy: Duration,
    /// The same while the archive is opened: a server that cannot open it runs without one, so it waits for a backup or
    /// an import that holds it for a moment.
    pub opening: Duration,
    /// The least time between the beginnings of two transactions: what comes meanwhile goes into
    /// one. It bounds what a busy tape costs the disk, and a lonely event does not wait.
    pub pace: Duration,
    /// How often all stored data is checked; never with `None`.
    pub check: Option<Duration>,
}

impl Options {
    /// The defaults, with days of UTC.
    pub fn new(clock: Clock) -> Self {
        Options {
            keep: Keep::default(),
            refill: Refill::default(),
            removal_clock: Clock::clone(&clock),
            clock,
            zone: |_| TimeZone::UTC,
            queue_bytes: 32 << 20,
            busy: Duration::from_secs(1),
            opening: Duration::from_secs(10),
            pace: Duration::from_millis(10),
            check: Some(Duration::from_secs(24 * 60 * 60)),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("keep", &self.keep)
            .field("refill", &self.refill)
            .field("queue_bytes", &self.queue_bytes)
            .field("busy", &self.busy)
            .field("opening", &self.opening)
            .field("pace", &self.pace)
            .field("check", &self.check)
            .finish_non_exhaustive()
    }
}

const DAY: Millis = 24 * 60 * 60 * 1000;

/// What is kept, and for how long. Ages are in milliseconds and counted from the event's own time; `None` is for ever.
/// Bars of an hour and of a day are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Trades, quotes and bars of a second. The newest quote of each symbol is always kept.
    pub ticks: Option<Millis>,
    /// Bars of 1, 5 and 15 minutes.
    pub minutes: Option<Millis>,
    /// Events of the tape: stories, its own bars, and sessions except the newest of each symbol.
    pub events: Option<Millis>,
    /// How large the file may become, in bytes: above it the oldest ticks go first, then the oldest
    /// minutes, then the oldest events.
    pub bytes: Option<u64>,
}

impl Default for Keep {
    fn default() -> Self {
        Keep {
            ticks: Some(7 * DAY),
            minutes: None,
            events: None,
            bytes: Some(8 << 30),
        }
    }
}

/// How much of the retained events is returned when an archive is opened: the newest, until one of these limits is
/// reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refill {
    /// How many.
    pub entries: usize,
    /// How many bytes of JSON.
    pub bytes: usize,
    /// How old by their ids, in milliseconds.
    pub age_ms: Millis,
}

impl Default for Refill {
    fn default() -> Self {
        Refill {
            entries: 100_000,
            bytes: 64 << 20,
            age_ms: DAY,
        }
    }
}
