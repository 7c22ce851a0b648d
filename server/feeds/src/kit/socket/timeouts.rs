use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::Publisher;

/// The timeouts of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection is established.
    pub connect: Duration,
    /// Until an answer that must arrive before data: that to a subscription or a login.
    pub opening: Duration,
    /// Until any frame, after which the feed sends a ping; then again after the same time. At most half of the silence.
    pub ping: Duration,
    /// Until any frame, including an answer to a ping. Then the connection is given up.
    pub silence: Duration,
    /// Until the feed replaces the connection, which its source would otherwise cut.
    pub lifetime: Duration,
    /// The largest number of connections within a time. Sources count them by address, which other feeds may share.
    pub connections: (usize, Duration),
}

impl Default for Timeouts {
    /// Ten seconds for a connection and ten for the opening, a ping after two seconds so that a quiet source can be
    /// distinguished from a dead one, a minute of silence. A connection lives for a day less ten minutes, and a hundred
    /// may be made in five minutes.
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

/// The recent connections of a feed. It lives as long as the feed.
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
