//! The cost of a subscriber that receives nothing: resident memory.

use std::time::Duration;

use super::{Due, Mode, NextStep, Row, Run, Setting, Work};
use crate::{Problem, payload::Topic, programs::Kind, scan::Found};

/// How long nothing happens before the memory is read: a server may free what it needed to open the streams.
const QUIET: Duration = Duration::from_secs(2);

/// The memory with so many subscribers less that with one, each of which has received one event.
pub(crate) fn run(
    setting: &Setting,
    kind: Kind,
    subscribers: usize,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    let mut run = Run::start(setting, kind, Topic::One)?;
    let mut memory_with = |count| {
        run.subscribe(Topic::One, count)?;
        run.settle(count)?;
        let until = setting.clock.now() + QUIET.as_nanos() as u64;
        let cost = run.measure(&mut Quiet { until })?;
        Ok::<_, Problem>((run.server.process.memory() as f64, cost))
    };
    let (one, _) = memory_with(1)?;
    let (all, cost) = memory_with(subscribers)?;
    let mut row = Row::new(Mode::Idle, kind, subscribers, "");
    row.set(
        "memory",
        (all - one) / (subscribers - 1).max(1) as f64 / 1024.0,
    );
    row.set("memory with one", one / 1024.0 / 1024.0);
    row.set("memory with all", all / 1024.0 / 1024.0);
    row.set("server core", cost.server / cost.seconds * 100.0);
    if run.driver.traffic.ended > 0 {
        row.mark(format!("{} streams ended", run.driver.traffic.ended));
    }
    rows.push(row);
    Ok(())
}

/// Nothing, until a moment.
struct Quiet {
    until: u64,
}

impl Work for Quiet {
    fn due(&mut self, _now: u64) -> Due {
        Due::Never
    }

    fn received(&mut self, _subscriber: usize, _found: Found, _at: u64) {}

    fn turn(&mut self, now: u64) -> NextStep {
        if now >= self.until {
            NextStep::Done
        } else {
            NextStep::At(self.until)
        }
    }
}
