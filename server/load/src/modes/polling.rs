//! Streams beside clients that request the plain quote each second, as pages did before there were streams.

use std::{fs, time::Duration};

use super::{Due, Mode, NextStep, Payload, Row, Run, Setting, Work};
use crate::{
    Problem,
    latencies::Latencies,
    payload::{QUOTE, Topic},
    programs::Kind,
    scan::Found,
    schedule::{Receipts, Schedule},
};

/// How often the price changes, a second, in words, and how long that is measured.
const CHANGES: [(f64, &str, Duration); 2] = [
    (1.0, "price changes each second", Duration::from_secs(15)),
    (
        1.0 / 60.0,
        "price changes each minute",
        Duration::from_secs(60),
    ),
];

/// How often a client polls, a second.
const POLLS: f64 = 1.0;

const HOUR: f64 = 3_600.0;

/// Both, for a price that changes often and for one that does not.
pub(crate) fn run(setting: &Setting, clients: usize, rows: &mut Vec<Row>) -> Result<(), Problem> {
    for (changes, words, time) in CHANGES {
        for polls in [true, false] {
            let mut run = Run::start(setting, Kind::Tickertape, Topic::One)?;
            if polls {
                run.driver.poll(&run.server, clients)?;
            } else {
                run.subscribe(Topic::One, clients)?;
            }
            let mut work = Watch::new(&mut run, clients, changes, polls, time)?;
            let (before, lines_before) = (run.driver.traffic, loopback_bytes());
            let cost = run.measure(&mut work)?;
            let (after, lines_after) = (run.driver.traffic, loopback_bytes());

            let variant = variant(words, polls);
            let mut row = Row::new(Mode::Polling, Kind::Tickertape, clients, variant);
            let an_hour = |bytes: u64| bytes as f64 / clients as f64 / cost.seconds * HOUR / 1024.0;
            let http = after.bytes - before.bytes + after.polled - before.polled;
            row.set("http", an_hour(http));
            row.set("wire", an_hour(lines_after.saturating_sub(lines_before)));
            let share = cost.server / cost.seconds / clients as f64;
            row.set("cpu a client", share * 1e6);
            row.set("clients a core", 1.0 / share.max(1e-9));
            row.set("p50", work.latencies.milliseconds(0.5));
            row.set("p99", work.latencies.milliseconds(0.99));
            if after.late > 0 {
                row.mark(format!("{} questions left out", after.late));
            }
            if after.ended > 0 {
                row.mark(format!("{} connections ended", after.ended));
            }
            if work.seen.received == 0 {
                row.mark("nobody saw a new price");
            }
            rows.push(row);
        }
    }
    Ok(())
}

fn variant(words: &str, polls: bool) -> String {
    let how = if polls { "polls each second" } else { "stream" };
    format!("{words}, {how}")
}

/// The variants for the same price, streams first.
pub(crate) fn pairs() -> impl Iterator<Item = (String, String)> {
    CHANGES
        .into_iter()
        .map(|(_, words, _)| (variant(words, false), variant(words, true)))
}

/// The traffic of the loopback device in both directions, with the heads of TCP and IP.
fn loopback_bytes() -> u64 {
    let text = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    received_by_loopback(&text).unwrap_or_default()
}

fn received_by_loopback(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("lo:"))?;
    line.split_whitespace().next()?.parse().ok()
}

struct Watch {
    changes: Schedule,
    published: u32,
    base: u32,
    /// The schedule of the polls, evenly over the clients; `None` if they have streams.
    schedule: Option<Schedule>,
    polled: u32,
    clients: u32,
    end: u64,
    seen: Receipts,
    latencies: Latencies,
}

impl Watch {
    fn new(
        run: &mut Run,
        clients: usize,
        changes: f64,
        polls: bool,
        time: Duration,
    ) -> Result<Self, Problem> {
        let start = run.driver.clock.now();
        let end = start + time.as_nanos() as u64;
        // In the middle between two polls of the average client, and at least once in the run.
        let changes = Schedule::new(start + 500_000_000, changes);
        let base = run.sequences(changes.count(time) + 1)?;
        Ok(Watch {
            changes,
            published: 0,
            base,
            schedule: polls.then(|| Schedule::new(start, POLLS * clients as f64)),
            polled: 0,
            clients: clients as u32,
            end,
            seen: Receipts::new(clients, base),
            latencies: Latencies::new(),
        })
    }
}

impl Work for Watch {
    fn due(&mut self, now: u64) -> Due {
        let at = self.changes.due(self.published);
        if at >= self.end {
            return Due::Never;
        }
        if at > now {
            return Due::At(at);
        }
        self.published += 1;
        Due::Now(Payload::Quote {
            symbol: None,
            sequence: self.base + self.published - 1,
        })
    }

    fn received(&mut self, subscriber: usize, found: Found, at: u64) {
        if found.marker != QUOTE {
            return;
        }
        if let Some(place) = self.seen.receive(subscriber, found.sequence) {
            self.latencies
                .record(at.saturating_sub(self.changes.due(place)));
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        if now >= self.end {
            return NextStep::Done;
        }
        let Some(schedule) = self.schedule else {
            return NextStep::At(self.end);
        };
        let at = schedule.due(self.polled);
        if at > now {
            return NextStep::At(at.min(self.end));
        }
        self.polled += 1;
        NextStep::Poll(((self.polled - 1) % self.clients) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_counts_in_both_directions_alike() {
        let text = "Inter-|   Receive\n face |bytes\n  eth0: 5 1 0 0\n    lo: 12345 67 0 0 0 0 0 0 12345 67\n";
        assert_eq!(received_by_loopback(text), Some(12_345));
    }
}
