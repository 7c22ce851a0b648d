use std::{collections::HashMap, time::Duration};

use market::{Day, Symbol};
use tokio::time::Instant;

/// How often the reference of a rolling day is published.
const INTERVAL: Duration = Duration::from_secs(60);

/// The open of a rolling day changes with every message. Publishing a session as often would double the data of a
/// browser, without a visible difference.
#[derive(Debug, Default)]
pub(crate) struct Rolling {
    published: HashMap<Symbol, Instant>,
}

impl Rolling {
    /// Removes the references from a day's figures unless it is time to publish them.
    pub(crate) fn thin(&mut self, symbol: Symbol, day: &mut Day) {
        if (day.open, day.prev_close) == (None, None) {
            return;
        }
        let now = Instant::now();
        match self.published.get(&symbol) {
            Some(last) if now.duration_since(*last) < INTERVAL => {
                (day.open, day.prev_close) = (None, None);
            }
            _ => {
                self.published.insert(symbol, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn references_pass_once_a_minute_for_each_symbol() {
        let mut rolling = Rolling::default();
        let mut passes = |symbol: &str| {
            let mut day = Day {
                open: Some("1".parse().unwrap()),
                high: Some("2".parse().unwrap()),
                ..Day::default()
            };
            rolling.thin(symbol.parse().unwrap(), &mut day);
            assert!(day.high.is_some(), "the rest always passes");
            day.open.is_some()
        };
        assert_eq!([passes("A"), passes("A"), passes("B")], [true, false, true]);
        tokio::time::advance(INTERVAL).await;
        assert_eq!([passes("A"), passes("B"), passes("B")], [true, true, false]);
    }
}
