use hdrhistogram::Histogram;

/// Times, in microseconds inside.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u32>);

impl Latencies {
    pub(crate) fn new() -> Self {
        // A thousandth of the figure is exact enough; 100 s is longer than any run.
        let histogram = Histogram::new_with_bounds(1, 100_000_000, 3);
        Latencies(histogram.expect("bounds that a histogram takes"))
    }

    /// Counts a time in nanoseconds.
    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds / 1_000);
    }

    pub(crate) fn milliseconds(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }
}
