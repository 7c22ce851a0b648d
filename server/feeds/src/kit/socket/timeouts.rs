use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::Publisher;

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection to stand.
    pub connect: Duration,
    /// For an answer that is awaited before data can come, that to a subscription or a login.
    pub opening: Duration,
    /// For any frame, before the feed sends a ping of its own; then again, as often as it passes.
    /// Half of the silence at the most.
    pub ping: Duration,
    /// For any frame, an answer to a ping included. Then the connection is given up.
    pub silence: Duration,
    /// Before it replaces the connection, which its source would cut.
    pub lifetime: Duration,
    /// For one more connection: so many are made within such a span at the most. Sources count
    /// them by address, from which other feeds may come too.
    pub connections: (usize, Duration),
}

impl Default for Timeouts {
    /// Ten seconds for a connection and as many for the opening, a ping after two seconds so that a
    /// quiet source can be told from a dead one, a minute of silence. A connection lives for a day
    /// less ten minutes, and a hundred may be made in five minutes.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            opening: Duration::from_secs(10),
            ping: Duration::from_secs(2),
            silence: Duration::from_secs(60),
            lifetime: Duration::from_secs(24 * 60 * 60 - 10 * 60),
            connections: (100, Duration::from_secs(5 * 60)),
        }
    }
}

/// The connections that a feed has made lately. To be held as long as the feed.
#[derive(Debug, Default)]
pub(crate) struct ConnectBudget(VecDeque<Instant>);

impl ConnectBudget {
    /// Waits until one more connection is allowed, and counts it.
    pub(crate) async fn one_more(&mut self, timeouts: &Timeouts, publisher: &Publisher) {
        let (most, within) = timeouts.connections;
        if self.0.len() >= most.max(1)
            && let Some(first) = self.0.pop_front()
        {
            let due = first + within;
            publisher
                .rest(due.saturating_duration_since(Instant::now()))
                .await;
        }
        self.0.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_connections_than_allowed() {
        let minute = Duration::from_secs(60);
        let timeouts = Timeouts {
            connections: (3, minute),
            ..Timeouts::default()
        };
        let publisher = crate::testing::publisher(&events::testing::tape());
        let mut made = ConnectBudget::default();
        let begin = Instant::now();
        let mut taken = Vec::new();
        for _ in 0..7 {
            made.one_more(&timeouts, &publisher).await;
            taken.push(begin.elapsed());
            sleep(Duration::from_secs(1)).await;
        }
        for four in taken.windows(4) {
            assert!(four[3] - four[0] >= minute, "{taken:?}");
        }
        assert!(taken[6] < minute * 2 + Duration::from_secs(1), "{taken:?}");
    }
}
