//! Many symbols: the cost of a delivery if each subscriber receives a few of them, compared with all subscribers
//! receiving one.

use std::time::Duration;

use super::{Due, Mode, NextStep, Payload, Row, Run, Setting, Work};
use crate::{
    Problem,
    latencies::Latencies,
    payload::{QUOTE, SYMBOLS, SYMBOLS_EACH, Topic},
    programs::Kind,
    scan::{FIRST_SEQUENCE, Found},
    schedule::Schedule,
};

/// Quotes a second of all 500 symbols: more than a core sends one by one, and few enough for it.
const RATES: [f64; 2] = [5_000.0, 250.0];

/// The share of the quotes that a subscriber of ten symbols receives.
const HEARD: f64 = SYMBOLS_EACH as f64 / SYMBOLS as f64;

/// How long the server runs before it is measured, and how long the last quotes may take.
const WARM_UP: Duration = Duration::from_secs(1);
const TAIL: Duration = Duration::from_secs(1);

/// Both, at the same deliveries a second.
pub(crate) fn run(
    setting: &Setting,
    subscribers: usize,
    rows: &mut Vec<Row>,
) -> Result<(), Problem> {
    for topic in [Topic::TenOf500, Topic::One] {
        let mut run = Run::start(setting, Kind::Tickertape, topic)?;
        run.subscribe(topic, subscribers)?;
        for rate in RATES {
            let (quotes, hear) = match topic {
                Topic::TenOf500 => (rate, HEARD),
                Topic::One | Topic::Fed => (rate * HEARD, 1.0),
            };
            let demanded = quotes * hear * subscribers as f64;
            let mut warm_up = Wide::new(&mut run, topic, quotes, WARM_UP)?;
            run.drive(&mut warm_up)?;
            let mut wide = Wide::new(&mut run, topic, quotes, setting.measured)?;
            let cost = run.measure(&mut wide)?;
            let mut row = Row::new(
                Mode::Wide,
                Kind::Tickertape,
                subscribers,
                variant(topic, rate),
            );
            row.set_cost(&cost, wide.received);
            row.set_latencies(&wide.latencies);
            row.set("demanded", demanded);
            row.set(
                "deliveries",
                wide.received as f64 / setting.measured.as_secs_f64(),
            );
            row.set("answer p50", run.driver.answers.milliseconds(0.5));
            row.set("answer most", run.driver.answers.milliseconds(1.0));
            let slowest = run.server.metric("tickertape_append_slowest_seconds")?;
            row.set("slowest append", slowest * 1e3);
            let published = f64::from(wide.count) * hear * subscribers as f64;
            row.set("arrived", wide.received as f64 / published * 100.0);
            if run.driver.traffic.ended > 0 {
                row.mark(format!("{} streams ended", run.driver.traffic.ended));
            }
            rows.push(row);
        }
    }
    Ok(())
}

fn variant(topic: Topic, rate: f64) -> String {
    match topic {
        Topic::TenOf500 => format!("10 of 500 symbols, {rate:.0} quotes/s"),
        Topic::One | Topic::Fed => format!("one symbol, {:.0} quotes/s", rate * HEARD),
    }
}

/// The variants that have the same deliveries a second, many symbols first.
pub(crate) fn pairs() -> impl Iterator<Item = (String, String)> {
    RATES.into_iter().map(|rate| {
        let of = |topic| variant(topic, rate);
        (of(Topic::TenOf500), of(Topic::One))
    })
}

struct Wide {
    topic: Topic,
    schedule: Schedule,
    count: u32,
    published: u32,
    base: u32,
    end: u64,
    received: u64,
    latencies: Latencies,
}

impl Wide {
    fn new(run: &mut Run, topic: Topic, quotes: f64, time: Duration) -> Result<Self, Problem> {
        let schedule = Schedule::new(run.driver.clock.now(), quotes);
        let count = schedule.count(time).max(1);
        Ok(Wide {
            topic,
            schedule,
            count,
            published: 0,
            base: run.sequences(count)?,
            end: schedule.due(count) + TAIL.as_nanos() as u64,
            received: 0,
            latencies: Latencies::new(),
        })
    }
}

impl Work for Wide {
    fn due(&mut self, now: u64) -> Due {
        if self.published == self.count {
            return Due::Never;
        }
        let at = self.schedule.due(self.published);
        if at > now {
            return Due::At(at);
        }
        let sequence = self.base + self.published;
        self.published += 1;
        Due::Now(Payload::Quote {
            symbol: (self.topic == Topic::TenOf500)
                .then_some((sequence - FIRST_SEQUENCE) % SYMBOLS),
            sequence,
        })
    }

    fn received(&mut self, _subscriber: usize, found: Found, at: u64) {
        if found.marker != QUOTE {
            return;
        }
        if let Some(place) = found.sequence.checked_sub(self.base) {
            self.received += 1;
            self.latencies
                .record(at.saturating_sub(self.schedule.due(place)));
        }
    }

    fn turn(&mut self, now: u64) -> NextStep {
        if now >= self.end {
            NextStep::Done
        } else {
            NextStep::At(self.end)
        }
    }
}
