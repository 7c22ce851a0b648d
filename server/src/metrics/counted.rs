//! Counters and gauges of events in the server.

use std::{
    fmt,
    sync::atomic::AtomicU64,
    time::{Duration, Instant},
};

use feeds::Skipped;
use history::Report;
use market::{FeedStatus, Millis};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tape::Stats;

use super::{
    delay::Delay,
    reading::Reading,
    refusal::{Refusal, Refused},
};

/// Counts events in the server. Everything that is counted for a delivered event is an addition to an atomic; labels
/// are looked up at most once a request.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Millis,
    begun: Instant,
    connections: Connections,
    requests: Requests,
    streams: Streams,
    writes: Writes,
    clock: MachineClock,
}

#[derive(Debug, Default)]
struct Connections {
    open: Gauge,
    accepted: Counter,
}

#[derive(Debug, Default)]
struct Requests {
    by_route: Family<Request, Counter>,
    answered: Counter,
    refused: Family<Refused, Counter>,
}

#[derive(Debug, Default)]
struct Streams {
    open: Gauge,
    opened: Counter,
    delivered: Counter,
    bytes: Counter,
    resets: Counter,
    snapshots: Counter,
    /// From the append of an event to its write.
    delay: Delay,
}

/// Writes to the tape and to the disk.
#[derive(Debug, Default)]
struct Writes {
    append: Delay,
    slowest: Gauge<f64, AtomicU64>,
    commit: Delay,
}

#[derive(Debug, Default)]
struct MachineClock {
    steps: Counter,
    ahead: Gauge<f64, AtomicU64>,
}

/// The labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    /// The template of the path, so that there are only as many as routes.
    route: String,
    status: u16,
}

/// The numbers of connections and requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that have been accepted so far.
    pub accepted: u64,
    /// Streams that are open.
    pub streams: u64,
    /// Streams that have been opened so far.
    pub opened: u64,
    /// Requests that have been answered so far; that of a stream counts when it opens.
    pub requests: u64,
    /// Events that streams have carried so far, each as often as it was written.
    pub delivered: u64,
    /// Bytes that streams have carried so far.
    pub bytes: u64,
}

impl Metrics {
    /// Nothing has happened yet; `started` is the time now, in milliseconds since the epoch.
    pub fn new(started: Millis) -> Self {
        let mut metrics = Metrics {
            registry: Registry::default(),
            started,
            begun: Instant::now(),
            connections: Connections::default(),
            requests: Requests::default(),
            streams: Streams::default(),
            writes: Writes::default(),
            clock: MachineClock::default(),
        };
        // A reason that has not occurred yet is a 0 that can be watched, not a gap.
        for refusal in Refusal::ALL {
            drop(metrics.requests.refused.get_or_create(&refusal.reason()));
        }
        metrics.register();
        metrics
    }

    /// Registers everything, in the order of the text.
    fn register(&mut self) {
        let mut all = std::mem::take(&mut self.registry);
        let registry = all.sub_registry_with_prefix("tickertape");
        self.register_requests(registry);
        self.register_streams(registry);
        self.register_writes(registry);
        self.registry = all;
    }

    fn register_requests(&self, registry: &mut Registry) {
        registry.register(
            "connections",
            "Connections that are open",
            self.connections.open.clone(),
        );
        registry.register(
            "connections_accepted",
            "Connections that have been accepted",
            self.connections.accepted.clone(),
        );
        registry.register(
            "streams",
            "Event streams that are open",
            self.streams.open.clone(),
        );
        registry.register(
            "streams_opened",
            "Event streams that have been opened",
            self.streams.opened.clone(),
        );
        registry.register(
            "requests",
            "Requests that have been answered, by route and status",
            self.requests.by_route.clone(),
        );
        registry.register(
            "refused",
            "Requests that were refused because of a limit, by reason",
            self.requests.refused.clone(),
        );
    }

    fn register_streams(&self, registry: &mut Registry) {
        registry.register(
            "delivered",
            "Events that streams have carried, each as often as it was written",
            self.streams.delivered.clone(),
        );
        registry.register_with_unit(
            "stream",
            "Bytes that streams have carried",
            Unit::Bytes,
            self.streams.bytes.clone(),
        );
        registry.register(
            "resets",
            "Streams that fell off the tape and were given a snapshot",
            self.streams.resets.clone(),
        );
        registry.register(
            "snapshots",
            "Snapshots that were taken of the tape for streams and polls",
            self.streams.snapshots.clone(),
        );
        registry.register_with_unit(
            "delay",
            "Time from the append of an event to its write to a stream",
            Unit::Seconds,
            self.streams.delay.clone(),
        );
    }

    fn register_writes(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "append",
            "Time that a publication takes to be put on the tape, all of its events together",
            Unit::Seconds,
            self.writes.append.clone(),
        );
        registry.register_with_unit(
            "archive_commit",
            "Time that the archive takes to have on disk what it read from the tape",
            Unit::Seconds,
            self.writes.commit.clone(),
        );
        registry.register(
            "clock_steps",
            "How often the machine's clock was set",
            self.clock.steps.clone(),
        );
        registry.register_with_unit(
            "clock_ahead",
            "How far the machine's clock is ahead of the server's, because it was set",
            Unit::Seconds,
            self.clock.ahead.clone(),
        );
        registry.register_with_unit(
            "append_slowest",
            "The longest time that a publication has taken to be put on the tape",
            Unit::Seconds,
            self.writes.slowest.clone(),
        );
    }

    /// Records how often the machine's clock was set, and how far it is ahead, in milliseconds.
    pub fn clock(&self, steps: u64, ahead: i64) {
        let before = self.clock.steps.get();
        self.clock.steps.inc_by(steps.saturating_sub(before));
        self.clock.ahead.set(ahead as f64 / 1_000.0);
    }

    /// Counts a stream as open until the guard is dropped.
    pub fn opened(&self) -> StreamGauge {
        self.streams.opened.inc();
        self.streams.open.inc();
        StreamGauge(self.streams.open.clone())
    }

    /// Counts an answered request by the template of its route.
    pub fn answered(&self, route: &str, status: u16) {
        self.requests.answered.inc();
        let request = Request {
            route: route.to_owned(),
            status,
        };
        self.requests.by_route.get_or_create(&request).inc();
    }

    /// Counts a refused request.
    pub fn refused(&self, refusal: Refusal) {
        self.requests.refused.get_or_create(&refusal.reason()).inc();
    }

    /// Counts a stream's write: the events in it and its length in bytes.
    pub fn delivered(&self, events: u64, bytes: u64) {
        self.streams.delivered.inc_by(events);
        self.streams.bytes.inc_by(bytes);
    }

    /// Counts how long an event took from its append to its write.
    pub fn delay(&self, delay: Duration) {
        self.streams.delay.observe(delay);
    }

    /// Counts how long a publication took to be appended to the tape.
    pub fn appended(&self, took: Duration) {
        self.writes.append.observe(took);
        let took = took.as_secs_f64();
        if took > self.writes.slowest.get() {
            self.writes.slowest.set(took);
        }
    }

    /// Counts how long a commit took.
    pub fn committed(&self, took: Duration) {
        self.writes.commit.observe(took);
    }

    /// Counts a stream that fell off the tape and received a snapshot.
    pub fn reset(&self) {
        self.streams.resets.inc();
    }

    /// Counts a snapshot of the tape. It may be sent to many.
    pub fn snapshot(&self) {
        self.streams.snapshots.inc();
    }

    /// How long the server has been running.
    pub fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When the server started, in milliseconds since the epoch.
    pub fn started(&self) -> Millis {
        self.started
    }

    /// The numbers as they are now.
    pub fn counts(&self) -> Counts {
        Counts {
            connections: self.connections.open.get().max(0) as u64,
            accepted: self.connections.accepted.get(),
            streams: self.streams.open.get().max(0) as u64,
            opened: self.streams.opened.get(),
            requests: self.requests.answered.get(),
            delivered: self.streams.delivered.get(),
            bytes: self.streams.bytes.get(),
        }
    }

    /// All of it in the text format of [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/), with
    /// the metrics of the tape, the feeds and the archive.
    ///
    /// # Errors
    /// If a value cannot be formatted, which does not happen.
    pub fn encode(
        &self,
        tape: Stats,
        feeds: Vec<(FeedStatus, Skipped)>,
        archive: Option<Report>,
    ) -> Result<String, fmt::Error> {
        let mut read = Registry::default();
        read.register_collector(Box::new(Reading {
            tape,
            feeds,
            archive,
            started: self.started,
            uptime: self.uptime(),
        }));
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry)?;
        text::encode_registry(&mut text, &read)?;
        text::encode_eof(&mut text)?;
        Ok(text)
    }
}

impl front::Meter for Metrics {
    fn connected(&self) {
        self.connections.accepted.inc();
        self.connections.open.inc();
    }

    fn disconnected(&self) {
        self.connections.open.dec();
    }

    fn refused(&self, refusal: front::Refusal) {
        self.refused(match refusal {
            front::Refusal::Connections => Refusal::Connections,
            front::Refusal::ConnectionsOfAddress => Refusal::ConnectionsOfAddress,
            front::Refusal::SlowReader => Refusal::SlowReader,
        });
    }
}

/// Counts an open stream until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct StreamGauge(Gauge);

impl Drop for StreamGauge {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_in_the_bucket_whose_bound_it_does_not_pass() {
        let metrics = Metrics::new(0);
        for microseconds in [0, 100, 101, 10_000_000, 10_000_001] {
            metrics.delay(Duration::from_micros(microseconds));
        }
        let tape = tape::Tape::<u8, Nothing>::new(
            0,
            0,
            tape::Limits {
                entries: 1,
                bytes: 1,
                topic_bytes: 0,
                age_ms: 1,
            },
        );
        let text = metrics.encode(tape.stats(), Vec::new(), None).unwrap();
        for line in [
            "tickertape_delay_seconds_bucket{le=\"0.0001\"} 2",
            "tickertape_delay_seconds_bucket{le=\"0.0002\"} 3",
            "tickertape_delay_seconds_bucket{le=\"5.0\"} 3",
            "tickertape_delay_seconds_bucket{le=\"10.0\"} 4",
            "tickertape_delay_seconds_bucket{le=\"+Inf\"} 5",
            "tickertape_delay_seconds_sum 20.000202",
            "tickertape_delay_seconds_count 5",
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line}: {text}"
            );
        }
    }

    #[derive(Clone)]
    struct Nothing;

    impl tape::Payload for Nothing {
        fn weight(&self) -> usize {
            0
        }
    }
}
