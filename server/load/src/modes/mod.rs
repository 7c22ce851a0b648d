//! The measurements: a file per mode. Each runs one server for a bounded time and returns rows of figures.

pub(crate) mod archived;
pub(crate) mod conflated;
pub(crate) mod fan_out;
pub(crate) mod idle;
pub(crate) mod polling;
pub(crate) mod requests;
pub(crate) mod wide;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use crate::latencies::Latencies;
use rustix::time::{ClockId, clock_gettime};

use crate::{
    Problem,
    payload::{Payload, Topic},
    process::Cores,
    programs::{Kind, Programs},
    scan::{FIRST_SEQUENCE, SEQUENCES_END},
    servers::Server,
    wire::{Clock, Driver, Due, NextStep, Work},
};

/// How long events in flight may still arrive once nothing more is published.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// The share of its core above which the load may be the bottleneck.
const BUSY: f64 = 0.9;

/// What all runs have in common.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) programs: Programs,
    pub(crate) cores: Cores,
    pub(crate) out: PathBuf,
    /// How long one figure is measured.
    pub(crate) measured: Duration,
    pub(crate) clock: Clock,
    pub(crate) interrupted: Arc<AtomicBool>,
}

/// A server with a publisher and its subscribers.
pub(crate) struct Run {
    // Before the server, so that it ends without open streams.
    driver: Driver,
    server: Server,
    next_sequence: u32,
}

impl Run {
    pub(crate) fn start(setting: &Setting, kind: Kind, topic: Topic) -> Result<Self, Problem> {
        let server = Server::start(kind, topic, &setting.programs, setting.cores, &setting.out)?;
        let driver = Driver::new(&server, setting.clock.clone(), setting.interrupted.clone())?;
        Ok(Run {
            driver,
            server,
            // The preparation of the server uses the first one.
            next_sequence: FIRST_SEQUENCE + 1,
        })
    }

    pub(crate) fn subscribe(&mut self, topic: Topic, count: usize) -> Result<(), Problem> {
        let server = &self.server;
        self.driver.subscribe(server, count, |subscriber| {
            server.subscribe(topic, subscriber)
        })
    }

    /// Sequence numbers for so many events, of which the first is given.
    pub(crate) fn sequences(&mut self, count: u32) -> Result<u32, Problem> {
        let first = self.next_sequence;
        self.next_sequence += count;
        if self.next_sequence < SEQUENCES_END {
            Ok(first)
        } else {
            Err(format!(
                "no numbers left for {count} events: take fewer --seconds"
            ))
        }
    }

    pub(crate) fn drive(&mut self, work: &mut impl Work) -> Result<(), Problem> {
        self.driver.drive(&self.server, work)
    }

    /// Does work and measures its cost.
    pub(crate) fn measure(&mut self, work: &mut impl Work) -> Result<Cost, Problem> {
        self.driver.answers = Latencies::new();
        let before = self.meter();
        let reads = self.driver.traffic.reads;
        self.drive(work)?;
        let after = self.meter();
        Ok(Cost {
            seconds: (after.at - before.at) as f64 / 1e9,
            server: (after.server - before.server).as_secs_f64(),
            load: (after.load - before.load).as_secs_f64(),
            reads: self.driver.traffic.reads - reads,
        })
    }

    /// Waits until a figure of tickertape's own metrics has reached the expected value, and returns it then, or when
    /// the time is up.
    pub(crate) fn await_metric(
        &self,
        name: &str,
        expected: f64,
        patience: Duration,
    ) -> Result<f64, Problem> {
        let started = Instant::now();
        loop {
            let figure = self.server.metric(name)?;
            if figure >= expected || started.elapsed() > patience {
                return Ok(figure);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn meter(&self) -> Meter {
        let own = clock_gettime(ClockId::ThreadCPUTime);
        Meter {
            at: self.driver.clock.now(),
            server: self.server.process.cpu(),
            load: Duration::new(own.tv_sec as u64, own.tv_nsec as u32),
        }
    }
}

struct Meter {
    at: u64,
    server: Duration,
    load: Duration,
}

/// What a piece of work cost.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost {
    /// How long it took.
    pub(crate) seconds: f64,
    /// How long the server and the load were on their cores, in seconds.
    pub(crate) server: f64,
    pub(crate) load: f64,
    /// The reads that found something.
    pub(crate) reads: u64,
}

impl Cost {
    /// What further work cost.
    pub(crate) fn add(&mut self, further: &Cost) {
        self.seconds += further.seconds;
        self.server += further.server;
        self.load += further.load;
        self.reads += further.reads;
    }
}

/// The figures of one run.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) mode: Mode,
    pub(crate) server: Kind,
    pub(crate) subscribers: usize,
    /// What the mode varies beside the number of subscribers.
    pub(crate) variant: String,
    /// In the units of [`Mode::columns`].
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// The violated expectations.
    pub(crate) marks: Vec<String>,
}

impl Row {
    pub(crate) fn new(
        mode: Mode,
        server: Kind,
        subscribers: usize,
        variant: impl Into<String>,
    ) -> Self {
        Row {
            mode,
            server,
            subscribers,
            variant: variant.into(),
            figures: Vec::new(),
            marks: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, figure: f64) {
        self.figures.retain(|(of, _)| *of != name);
        self.figures.push((name, figure));
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.figures
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, figure)| *figure)
    }

    pub(crate) fn mark(&mut self, mark: impl Into<String>) {
        self.marks.push(mark.into());
    }

    /// The cost of each delivery, and how many there were a second.
    pub(crate) fn set_cost(&mut self, cost: &Cost, deliveries: u64) {
        let load_core = cost.load / cost.seconds;
        if load_core > BUSY {
            self.mark("the load was at its limit");
        }
        let each = |seconds: f64| seconds * 1e6 / deliveries.max(1) as f64;
        self.set("cpu", each(cost.server));
        self.set("load cpu", each(cost.load));
        self.set("server core", cost.server / cost.seconds * 100.0);
        self.set("load core", load_core * 100.0);
        self.set("joined", deliveries as f64 / cost.reads.max(1) as f64);
        self.set("deliveries", deliveries as f64 / cost.seconds);
    }

    pub(crate) fn set_latencies(&mut self, latencies: &Latencies) {
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            self.set(name, latencies.milliseconds(quantile));
        }
    }
}

/// The modes by the names that `--only` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Memory of subscribers that hear nothing
    Idle,
    /// Events at a fixed rate
    Open,
    /// 16 events in flight
    Closed,
    /// More quotes of one symbol than any core sends
    Conflated,
    /// 500 symbols, ten a subscriber
    Wide,
    /// Streams beside clients that ask each second
    Polling,
    /// Trades of a feed, with an archive and without
    Archived,
    /// The largest request of each route
    Requests,
}
