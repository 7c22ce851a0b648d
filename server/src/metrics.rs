//! What the server counts, for whoever runs it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use archive::State;
use market::{FeedState, FeedStatus, Millis};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};
use tape::Stats;

use feeds::Skipped;
use history::Report;

/// The upper bounds of the publish-to-write delay's buckets, in microseconds: 100 µs to 10 s, each
/// decade in three. A last one takes the rest.
const DELAYS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// Counts what happens. Everything that is counted for a delivered event is an addition to an
/// atomic; labels are looked up once a request at the most.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Millis,
    begun: Instant,
    connections: Gauge,
    accepted: Counter,
    streams: Gauge,
    opened: Counter,
    requests: Family<Request, Counter>,
    answered: Counter,
    refused: Family<Refused, Counter>,
    delivered: Counter,
    bytes: Counter,
    resets: Counter,
    snapshots: Counter,
    delay: Delay,
    append: Delay,
    commit: Delay,
    slowest: Gauge<f64, AtomicU64>,
    clock_steps: Counter,
    clock_ahead: Gauge<f64, AtomicU64>,
}

/// A request, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    /// The template of the path, so that there are as many as routes and no more.
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

/// Why somebody was sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many streams are open as the server may have.
    Streams,
    /// The client's address has as many streams as one may have.
    StreamsOfAddress,
    /// As many connections are open as the server may have.
    Connections,
    /// The other end's address has as many connections as one may have.
    ConnectionsOfAddress,
    /// The client's address has as many answers on their way as one may have.
    AnswersOfAddress,
    /// Too much waits to be read by all clients.
    Bytes,
    /// Too much waits to be read by the client's address.
    BytesOfAddress,
    /// Too many of the page's files are on their way.
    Files,
    /// A reader took less than it has to.
    SlowReader,
    /// A request took longer than one may.
    Timeout,
    /// A body is longer than its route takes.
    Body,
}

impl Refusal {
    const ALL: [Refusal; 11] = [
        Refusal::Streams,
        Refusal::StreamsOfAddress,
        Refusal::Connections,
        Refusal::ConnectionsOfAddress,
        Refusal::AnswersOfAddress,
        Refusal::Bytes,
        Refusal::BytesOfAddress,
        Refusal::Files,
        Refusal::SlowReader,
        Refusal::Timeout,
        Refusal::Body,
    ];

    fn reason(self) -> Refused {
        let reason = match self {
            Refusal::Streams => "streams",
            Refusal::StreamsOfAddress => "streams_of_address",
            Refusal::Connections => "connections",
            Refusal::ConnectionsOfAddress => "connections_of_address",
            Refusal::AnswersOfAddress => "answers_of_address",
            Refusal::Bytes => "bytes",
            Refusal::BytesOfAddress => "bytes_of_address",
            Refusal::Files => "files",
            Refusal::SlowReader => "slow_reader",
            Refusal::Timeout => "timeout",
            Refusal::Body => "body",
        };
        Refused { reason }
    }
}

/// The numbers of connections and requests, as they are now.
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
            connections: Gauge::default(),
            accepted: Counter::default(),
            streams: Gauge::default(),
            opened: Counter::default(),
            requests: Family::default(),
            answered: Counter::default(),
            refused: Family::default(),
            delivered: Counter::default(),
            bytes: Counter::default(),
            resets: Counter::default(),
            snapshots: Counter::default(),
            delay: Delay::default(),
            append: Delay::default(),
            commit: Delay::default(),
            slowest: Gauge::default(),
            clock_steps: Counter::default(),
            clock_ahead: Gauge::default(),
        };
        // A reason that has not come up yet is a 0 that can be watched, not a gap.
        for refusal in Refusal::ALL {
            drop(metrics.refused.get_or_create(&refusal.reason()));
        }
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("tickertape");
        registry.register(
            "connections",
            "Connections that are open",
            self.connections.clone(),
        );
        registry.register(
            "connections_accepted",
            "Connections that have been accepted",
            self.accepted.clone(),
        );
        registry.register(
            "streams",
            "Event streams that are open",
            self.streams.clone(),
        );
        registry.register(
            "streams_opened",
            "Event streams that have been opened",
            self.opened.clone(),
        );
        registry.register(
            "requests",
            "Requests that have been answered, by route and status",
            self.requests.clone(),
        );
        registry.register(
            "refused",
            "Requests that were refused because of a limit, by reason",
            self.refused.clone(),
        );
        registry.register(
            "delivered",
            "Events that streams have carried, each as often as it was written",
            self.delivered.clone(),
        );
        registry.register_with_unit(
            "stream",
            "Bytes that streams have carried",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register(
            "resets",
            "Streams that fell off the tape and were given a snapshot",
            self.resets.clone(),
        );
        registry.register(
            "snapshots",
            "Snapshots that were taken of the tape for streams and polls",
            self.snapshots.clone(),
        );
        registry.register_with_unit(
            "delay",
            "Time from the append of an event to its write to a stream",
            Unit::Seconds,
            self.delay.clone(),
        );
        registry.register_with_unit(
            "append",
            "Time that a publication takes to be put on the tape, all of its events together",
            Unit::Seconds,
            self.append.clone(),
        );
        registry.register_with_unit(
            "archive_commit",
            "Time that the archive takes to have on disk what it read from the tape",
            Unit::Seconds,
            self.commit.clone(),
        );
        registry.register(
            "clock_steps",
            "How often the machine's clock was set",
            self.clock_steps.clone(),
        );
        registry.register_with_unit(
            "clock_ahead",
            "How far the machine's clock is ahead of the time that is gone by, because it was set",
            Unit::Seconds,
            self.clock_ahead.clone(),
        );
        registry.register_with_unit(
            "append_slowest",
            "The longest time that a publication has taken to be put on the tape",
            Unit::Seconds,
            self.slowest.clone(),
        );
    }

    /// Takes note of how often the machine's clock was set, and how far it is ahead, in milliseconds.
    pub fn clock(&self, steps: u64, ahead: i64) {
        let before = self.clock_steps.get();
        self.clock_steps.inc_by(steps.saturating_sub(before));
        self.clock_ahead.set(ahead as f64 / 1_000.0);
    }

    /// Counts a stream as open until the guard is dropped.
    pub fn opened(&self) -> StreamGauge {
        self.opened.inc();
        self.streams.inc();
        StreamGauge(self.streams.clone())
    }

    /// Counts an answered request by the template of its route.
    pub fn answered(&self, route: &str, status: u16) {
        self.answered.inc();
        let request = Request {
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&request).inc();
    }

    /// Counts a request that was sent away.
    pub fn refused(&self, refusal: Refusal) {
        self.refused.get_or_create(&refusal.reason()).inc();
    }

    /// Counts a stream's write: the events in it and its length in bytes.
    pub fn delivered(&self, events: u64, bytes: u64) {
        self.delivered.inc_by(events);
        self.bytes.inc_by(bytes);
    }

    /// Counts how long an event took from its append to its write.
    pub fn delay(&self, delay: Duration) {
        self.delay.observe(delay);
    }

    /// Counts how long a publication took to be put on the tape.
    pub fn appended(&self, took: Duration) {
        self.append.observe(took);
        let took = took.as_secs_f64();
        if took > self.slowest.get() {
            self.slowest.set(took);
        }
    }

    /// Counts how long it took to have something on disk.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took);
    }

    /// Counts a stream that fell off the tape and was given a snapshot.
    pub fn reset(&self) {
        self.resets.inc();
    }

    /// Counts a snapshot that was taken of the tape. It may be sent to many.
    pub fn snapshot(&self) {
        self.snapshots.inc();
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
            connections: self.connections.get().max(0) as u64,
            accepted: self.accepted.get(),
            streams: self.streams.get().max(0) as u64,
            opened: self.opened.get(),
            requests: self.answered.get(),
            delivered: self.delivered.get(),
            bytes: self.bytes.get(),
        }
    }

    /// All of it in the text format of
    /// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/), with what the
    /// tape, the feeds and the archive tell of themselves.
    ///
    /// # Errors
    /// When a value cannot be formatted, which none of these does.
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
        self.accepted.inc();
        self.connections.inc();
    }

    fn disconnected(&self) {
        self.connections.dec();
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

/// A histogram of delays without a lock: the library's takes one for each observation, and this is
/// asked for each delivered event.
#[derive(Debug, Clone, Default)]
struct Delay(Arc<Delays>);

#[derive(Debug, Default)]
struct Delays {
    buckets: [AtomicU64; DELAYS.len() + 1],
    microseconds: AtomicU64,
}

impl Delay {
    fn observe(&self, delay: Duration) {
        let microseconds = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        let bucket = DELAYS.partition_point(|bound| *bound < microseconds);
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0
            .microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
    }
}

impl EncodeMetric for Delay {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = DELAYS
            .iter()
            .map(|bound| *bound as f64 / 1e6)
            .chain([f64::INFINITY]);
        let counts = self
            .0
            .buckets
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// What others count, read at the moment at which it is asked for.
#[derive(Debug)]
struct Reading {
    tape: Stats,
    feeds: Vec<(FeedStatus, Skipped)>,
    archive: Option<Report>,
    started: Millis,
    uptime: Duration,
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, value) in [
            (
                "tickertape_appended",
                "Events that were appended to the tape.",
                self.tape.appended,
            ),
            (
                "tickertape_superseded",
                "Quotes and sessions that a newer one of their symbol replaced.",
                self.tape.superseded,
            ),
            (
                "tickertape_evicted",
                "Kept events that left the tape's window.",
                self.tape.evicted,
            ),
        ] {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        gauges(
            &mut encoder,
            "tickertape_tape_entries",
            "Events that the tape holds.",
            None,
            [("kept", self.tape.kept), ("merging", self.tape.merging)]
                .map(|(kind, value)| ([("kind", kind)], value as u64)),
        )?;
        gauges(
            &mut encoder,
            "tickertape_tape",
            "Memory that the tape's events take.",
            Some(&Unit::Bytes),
            [
                ("kept", self.tape.kept_bytes),
                ("merging", self.tape.merging_bytes),
            ]
            .map(|(kind, value)| ([("kind", kind)], value as u64)),
        )?;
        let cursors = ConstGauge::new(self.tape.cursors as u64);
        cursors.encode(encoder.encode_descriptor(
            "tickertape_cursors",
            "Positions on the tape: streams, and polls that wait.",
            None,
            cursors.metric_type(),
        )?)?;
        // Two feeds of one kind have one name: what is told of it is the sum.
        let mut states = BTreeMap::new();
        let mut skipped = BTreeMap::new();
        let mut gaps = BTreeMap::new();
        let mut mended = BTreeMap::new();
        for (feed, passed) in &self.feeds {
            let name = feed.name.as_str();
            for (state, label) in STATES {
                let labels = [("feed", name), ("state", label)];
                *states.entry(labels).or_default() += u64::from(feed.state == state);
            }
            for (why, count) in [
                ("ignored", passed.ignored),
                ("wrong", passed.wrong),
                ("late", passed.late),
                ("held", passed.held),
                ("duplicate", passed.duplicates),
            ] {
                *skipped.entry([("feed", name), ("why", why)]).or_default() += count;
            }
            *gaps.entry([("feed", name)]).or_default() += passed.gaps;
            *mended.entry([("feed", name)]).or_default() += passed.mended;
        }
        gauges(
            &mut encoder,
            "tickertape_feed_state",
            "1 for the state that a feed is in, 0 for the others.",
            None,
            states,
        )?;
        counters(
            &mut encoder,
            "tickertape_feed_skipped",
            "What a feed has passed over: frames that say nothing that is listened to or that cannot be read, trades of minutes that were closed, quotes older than another feed's, items that their document has under the identity of another.",
            skipped,
        )?;
        counters(
            &mut encoder,
            "tickertape_feed_gaps",
            "Gaps in a source's own numbers of its messages or trades.",
            gaps,
        )?;
        counters(
            &mut encoder,
            "tickertape_feed_mended",
            "Faults of a source's documents that were read all the same.",
            mended,
        )?;
        if let Some(report) = &self.archive {
            archived(&mut encoder, report)?;
        }
        for (name, help, value) in [
            (
                "process_start_time",
                "When the process started, since the epoch.",
                self.started as f64 / 1e3,
            ),
            (
                "tickertape_uptime",
                "How long the server has been running.",
                self.uptime.as_secs_f64(),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            let kind = gauge.metric_type();
            gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?)?;
        }
        Ok(())
    }
}

fn archived(encoder: &mut DescriptorEncoder<'_>, report: &Report) -> fmt::Result {
    let Report {
        status,
        lost,
        unrecorded,
        ..
    } = report;
    for (name, help, value) in [
        (
            "tickertape_archive_rows",
            "Rows that were written: events, quotes, trades, bars.",
            status.rows,
        ),
        (
            "tickertape_archive_commits",
            "Transactions that are on disk.",
            status.commits,
        ),
        (
            "tickertape_archive_failures",
            "Attempts to write that failed.",
            status.failures,
        ),
        (
            "tickertape_archive_dropped",
            "Trades and corrections that were dropped because the queue was full.",
            status.dropped,
        ),
        (
            "tickertape_archive_lost",
            "Events that left the tape's window before they could be written.",
            *lost,
        ),
        (
            "tickertape_archive_removed",
            "Rows that were removed because of their age or of the file's size.",
            status.removed,
        ),
        (
            "tickertape_archive_checks",
            "Integrity checks that have been completed.",
            status.checks.completed,
        ),
        (
            "tickertape_archive_checked_rows",
            "Rows that integrity checks have compared with their checksums.",
            status.checks.rows,
        ),
        (
            "tickertape_archive_unrecorded",
            "Steps of the tape that were shown without being in the journal.",
            *unrecorded,
        ),
    ] {
        let counter = ConstCounter::new(value);
        let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
        counter.encode(metric)?;
    }
    for (name, help, unit, value) in [
        (
            "tickertape_archive_queued",
            "Trades and corrections that wait for the disk.",
            None,
            status.queued,
        ),
        (
            "tickertape_archive_file",
            "The size of the archive's file, without its write-ahead log.",
            Some(&Unit::Bytes),
            status.file_bytes,
        ),
        (
            "tickertape_archive_quarantined",
            "Rows in quarantine: damaged ones, and those that SQLite refused.",
            None,
            status.quarantined,
        ),
        (
            "tickertape_archive_damaged",
            "Damaged rows that could not be moved to the quarantine.",
            None,
            status.damaged,
        ),
        (
            "tickertape_archive_newer",
            "Rows left out because only a newer version can read them.",
            None,
            status.newer,
        ),
        (
            "tickertape_archive_problems",
            "What the last integrity check found wrong with the file, beside damaged rows.",
            None,
            status.checks.problems.len() as u64,
        ),
        (
            "tickertape_archive_set_aside",
            "Corrupt files that were set aside and that nobody has acknowledged.",
            None,
            status.set_aside.len() as u64,
        ),
    ] {
        let gauge = ConstGauge::new(value);
        let kind = gauge.metric_type();
        gauge.encode(encoder.encode_descriptor(name, help, unit, kind)?)?;
    }
    let states = [
        ("ok", matches!(status.state, State::Ok)),
        ("degraded", matches!(status.state, State::Degraded(_))),
        ("failed", matches!(status.state, State::Failed(_))),
    ];
    gauges(
        encoder,
        "tickertape_archive_state",
        "1 for the state that the archive is in, 0 for the others.",
        None,
        states.map(|(name, is)| ([("state", name)], u64::from(is))),
    )
}

const STATES: [(FeedState, &str); 5] = [
    (FeedState::Connecting, "connecting"),
    (FeedState::Live, "live"),
    (FeedState::Degraded, "degraded"),
    (FeedState::Ended, "ended"),
    (FeedState::Failed, "failed"),
];

fn gauges<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: impl IntoIterator<Item = ([(&'static str, &'a str); N], u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn counters<'a, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = ([(&'static str, &'a str); N], u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
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
