//! Retries: how long to wait, and how often to log the failure.

use std::time::Duration;

/// How long to wait between tries: a span that doubles with each failure in a row, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The span after the first failure.
    pub base: Duration,
    /// The longest span.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The span after so many failures in a row.
    pub fn span(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// A random part of the span ("full jitter", after
    /// [Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)),
    /// so that many clients of a server that was down do not come back in step.
    pub fn jittered(&self, failures: u32) -> Duration {
        self.span(failures).mul_f64(fastrand::f64())
    }
}

/// Whether to log an event that may repeat for days: the `first` few times, then only each power of two.
pub const fn is_logged(count: u64, first: u64) -> bool {
    count <= first || count.is_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_double_and_never_overflow() {
        let backoff = Backoff::default();
        let spans = [1, 2, 3, 4, 5, 6, 7, u32::MAX].map(|failures| backoff.span(failures));
        assert_eq!(
            spans.map(|span| span.as_secs()),
            [1, 2, 4, 8, 16, 30, 30, 30]
        );
        assert!(backoff.jittered(3) <= Duration::from_secs(4));
    }

    #[test]
    fn the_first_few_are_logged_and_then_powers_of_two() {
        let logged: Vec<u64> = (1..=40).filter(|count| is_logged(*count, 3)).collect();
        assert_eq!(logged, [1, 2, 3, 4, 8, 16, 32]);
    }
}
