//! A histogram of delays.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// The upper bounds of the publish-to-write delay's buckets, in microseconds: 100 µs to 10 s, each
/// decade in three. A last one takes the rest.
const DELAYS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// A histogram of delays without a lock: the library's takes one for each observation, and there is one for each
/// delivered event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delay(Arc<Delays>);

#[derive(Debug, Default)]
struct Delays {
    buckets: [AtomicU64; DELAYS.len() + 1],
    microseconds: AtomicU64,
}

impl Delay {
    pub(crate) fn observe(&self, delay: Duration) {
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
