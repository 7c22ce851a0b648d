use market::Millis;

/// How long the smallest difference counts. Clocks drift by some milliseconds an hour, so old differences are outdated.
const WINDOW: Millis = 5 * 60_000;

/// Removes the difference between two clocks from delays.
///
/// A measurement is the arrival by this machine's clock minus the sending by the server's: the true delay plus the
/// clocks' difference. The smallest of many is the clocks' difference plus the shortest delay. What exceeds it is the
/// delay that is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Skew {
    /// The smallest difference of the current window, and when the window began.
    current: Option<(Millis, i64)>,
    /// The smallest difference of the previous window, so that a new window does not start from nothing.
    previous: Option<i64>,
}

impl Skew {
    /// How much longer than the shortest delay an event took, in milliseconds.
    pub(super) fn delay(&mut self, arrived: Millis, sent: Millis) -> Millis {
        let difference = arrived as i64 - sent as i64;
        let smallest = match &mut self.current {
            Some((start, smallest)) if arrived.saturating_sub(*start) < WINDOW => {
                *smallest = difference.min(*smallest);
                *smallest
            }
            current => {
                self.previous = current.map(|(_, smallest)| smallest);
                *current = Some((arrived, difference));
                difference
            }
        };
        let smallest = self
            .previous
            .map_or(smallest, |previous| previous.min(smallest));
        difference.saturating_sub(smallest).unsigned_abs()
    }

    /// The server's time at a time of this machine, as exactly as known; `None` before the first delay.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        self.current
            .map(|(_, smallest)| now.saturating_add_signed(-smallest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_clocks_difference_off() {
        let mut skew = Skew::default();
        assert_eq!(skew.server_time(95_000), None);
        // This machine is 5,000 ms behind.
        assert_eq!(skew.delay(95_040, 100_000), 0);
        assert_eq!(skew.delay(95_120, 100_050), 30);
        assert_eq!(skew.delay(95_110, 100_100), 0);
        assert_eq!(skew.delay(95_260, 100_200), 50);
        assert_eq!(skew.server_time(96_000), Some(100_990));
    }

    #[test]
    fn forgets_a_difference_of_long_ago() {
        let mut skew = Skew::default();
        skew.delay(1_000_000, 1_000_000);
        // The other clock was set back by a second meanwhile.
        let later = 1_000_000 + 2 * WINDOW;
        assert_eq!(skew.delay(later, later - 1_000), 1_000);
        let later = later + WINDOW;
        assert_eq!(skew.delay(later, later - 1_000), 0);
    }
}
