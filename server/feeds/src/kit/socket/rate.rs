use std::time::Duration;

use tokio::time::Instant;

use crate::FeedError;

/// Limits how many messages of a kind a source may send. Each second, as many as are allowed in a second are forgotten.
#[derive(Debug)]
pub(super) struct Rate {
    a_second: u32,
    at_once: u32,
    what: &'static str,
    /// The time up to which seconds are forgotten.
    since: Option<Instant>,
    count: u32,
}

impl Rate {
    pub(super) fn new(a_second: u32, at_once: u32, what: &'static str) -> Self {
        Rate {
            a_second,
            at_once,
            what,
            since: None,
            count: 0,
        }
    }

    pub(super) fn one_more(&mut self, now: Instant) -> Result<(), FeedError> {
        let since = self.since.get_or_insert(now);
        let seconds = now.saturating_duration_since(*since).as_secs();
        *since += Duration::from_secs(seconds);
        let forgotten = u32::try_from(seconds)
            .unwrap_or(u32::MAX)
            .saturating_mul(self.a_second);
        self.count = self.count.saturating_sub(forgotten) + 1;
        if self.count > self.at_once {
            return Err(FeedError::transient(&format_args!(
                "the source sends more than {} {} a second",
                self.a_second, self.what
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waited_may_come_at_once_and_not_go_on_so() {
        let mut rate = Rate::new(10, 30, "useless messages");
        let mut taken = || {
            let now = Instant::now();
            (0..100).take_while(|_| rate.one_more(now).is_ok()).count()
        };
        assert_eq!(taken(), 30);
        sleep(Duration::from_millis(2_500)).await;
        // One more than is allowed was counted before.
        assert_eq!(taken(), 19);
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(taken(), 30);
        let error = rate.one_more(Instant::now()).unwrap_err();
        let words = "more than 10 useless messages a second";
        assert!(format!("{error:?}").contains(words), "{error:?}");
    }
}
