use std::{collections::HashMap, time::Duration};

use market::{Day, Symbol};
use tokio::time::Instant;

/// How often the reference of a day that rolls is told anew.
const INTERVAL: Duration = Duration::from_secs(60);

/// The open of a day that rolls changes with every message. A session that was told as often would
/// double what a browser has to read, and nobody could see the difference.
#[derive(Debug, Default)]
pub(crate) struct Rolling {
    told: HashMap<Symbol, Instant>,
}

impl Rolling {
    /// Takes the references out of a day's figures unless it is time to tell them.
    pub(crate) fn thin(&mut self, symbol: Symbol, day: &mut Day) {
        if (day.open, day.prev_close) == (None, None) {
            return;
        }
        let now = Instant::now();
        match self.told.get(&symbol) {
            Some(told) if now.duration_since(*told) < INTERVAL => {
                (day.open, day.prev_close) = (None, None);
            }
            _ => {
                self.told.insert(symbol, now);
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
