//! The same events for everybody: at a fixed rate, and 16 in flight.

use std::time::Duration;

use super::{DRAIN, Due, Latencies, Mode, Payload, Row, Run, Setting, Turn, Work};
use crate::{
    Problem,
    scan::Found,
    schedule::{Flight, Receipts, Schedule},
    servers::{Kind, NEWS, Topic},
};

/// How many events are in flight in the closed loop.
const IN_FLIGHT: u32 = 16;

/// How long a server runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// One server with so many subscribers, at each rate and in a closed loop.
pub(crate) fn run(
    setting: &Setting,
    kind: Kind,
    subscribers: usize,
    rates: &[f64],
    closed: bool,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    let mut run = Run::start(setting, kind, Topic::One)?;
    run.subscribe(Topic::One, subscribers)?;
    run.settle(subscribers)?;
    for &rate in rates {
        let a_second = rate / subscribers as f64;
        let mut warm_up = Open::new(&mut run, subscribers, a_second, WARM_UP)?;
        run.drive(&mut warm_up)?;
        let mut open = Open::new(&mut run, subscribers, a_second, setting.measured)?;
        let cost = run.measure(&mut open)?;
        let mut row = Row::new(
            Mode::Open,
            kind,
            subscribers,
            format!("{:.0} k deliveries/s", rate / 1e3),
        );
        row.set_cost(&cost, open.receipts.received);
        row.set_latencies(&open.latencies);
        check(&mut row, &run, &open.receipts, open.published);
        rows.push(row);
    }
    if closed {
        let mut warm_up = Closed::new(&mut run, subscribers, WARM_UP)?;
        run.drive(&mut warm_up)?;
        run.sequences(warm_up.published())?;
        let mut closed = Closed::new(&mut run, subscribers, setting.measured)?;
        let cost = run.measure(&mut closed)?;
        run.sequences(closed.published())?;
        let mut row = Row::new(Mode::Closed, kind, subscribers, "16 in flight");
        row.set_cost(&cost, closed.receipts.received);
        row.set_latencies(&closed.latencies);
        check(&mut row, &run, &closed.receipts, closed.published());
        rows.push(row);
    }
    Ok(())
}

/// Everybody must have received everything, once.
fn check(row: &mut Row, run: &Run, receipts: &Receipts, published: u32) {
    let expected = u64::from(published) * row.subscribers as u64;
    if receipts.received != expected {
        row.mark(format!("{} of {expected} deliveries", receipts.received));
    }
    if receipts.missed > 0 {
        row.mark(format!("{} missed", receipts.missed));
    }
    if receipts.twice > 0 {
        row.mark(format!("{} twice", receipts.twice));
    }
    if run.driver.traffic.ended > 0 {
        row.mark(format!("{} streams ended", run.driver.traffic.ended));
    }
}

/// Events on a schedule that heeds nobody.
#[derive(Debug)]
pub(crate) struct Open {
    schedule: Schedule,
    count: u32,
    published: u32,
    base: u32,
    expected: u64,
    deadline: u64,
    pub(crate) receipts: Receipts,
    latencies: Latencies,
}

impl Open {
    /// So many events a second, for a time, but one at least.
    pub(crate) fn new(
        run: &mut Run,
        subscribers: usize,
        a_second: f64,
        time: Duration,
    ) -> Result<Self, Problem> {
        let now = run.driver.clock.now();
        let schedule = Schedule::new(now, a_second);
        let count = schedule.count(time).max(1);
        let base = run.sequences(count)?;
        Ok(Open {
            schedule,
            count,
            published: 0,
            base,
            expected: u64::from(count) * subscribers as u64,
            deadline: schedule.due(count) + DRAIN.as_nanos() as u64,
            receipts: Receipts::new(subscribers, base),
            latencies: Latencies::new(),
        })
    }
}

impl Work for Open {
    fn due(&mut self, now: u64) -> Due {
        if self.published == self.count {
            return Due::Never;
        }
        let at = self.schedule.due(self.published);
        if at > now {
            return Due::At(at);
        }
        self.published += 1;
        Due::Now(Payload::News(self.base + self.published - 1))
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker != NEWS {
            return;
        }
        if let Some(place) = self.receipts.receive(subscriber, found.sequence) {
            self.latencies
                .record(at.saturating_sub(self.schedule.due(place)));
        }
    }

    fn turn(&mut self, now: u64) -> Turn {
        if self.receipts.received >= self.expected || now >= self.deadline {
            Turn::Done
        } else {
            Turn::At(self.deadline)
        }
    }
}

/// A new event whenever fewer than 16 have not reached everybody.
#[derive(Debug)]
struct Closed {
    flight: Flight,
    base: u32,
    /// When each event was published: it is due when there is room for it.
    due: Vec<u64>,
    end: u64,
    receipts: Receipts,
    latencies: Latencies,
}

impl Closed {
    /// How many numbers it needs is known at its end.
    fn new(run: &mut Run, subscribers: usize, time: Duration) -> Result<Self, Problem> {
        let base = run.sequences(0)?;
        Ok(Closed {
            flight: Flight::new(subscribers as u32),
            base,
            due: Vec::new(),
            end: run.driver.clock.now() + time.as_nanos() as u64,
            receipts: Receipts::new(subscribers, base),
            latencies: Latencies::new(),
        })
    }

    fn published(&self) -> u32 {
        self.due.len() as u32
    }
}

impl Work for Closed {
    fn due(&mut self, now: u64) -> Due {
        if now >= self.end || self.flight.len() >= IN_FLIGHT {
            return Due::Never;
        }
        self.flight.publish();
        self.due.push(now);
        Due::Now(Payload::News(self.base + self.published() - 1))
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker != NEWS {
            return;
        }
        if let Some(place) = self.receipts.receive(subscriber, found.sequence) {
            self.flight.receive(place);
            if let Some(due) = self.due.get(place as usize) {
                self.latencies.record(at.saturating_sub(*due));
            }
        }
    }

    fn turn(&mut self, now: u64) -> Turn {
        let deadline = self.end + DRAIN.as_nanos() as u64;
        if now >= deadline || (now >= self.end && self.flight.len() == 0) {
            Turn::Done
        } else if now < self.end {
            Turn::At(self.end)
        } else {
            Turn::At(deadline)
        }
    }
}
