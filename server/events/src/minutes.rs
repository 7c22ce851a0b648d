use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use market::{Bar, Millis, Minute, Sums, Symbol};
use tape::EventId;

/// How many minutes are kept, of all symbols: as many as the tape keeps entries. They take some 20 MB.
const MAX_MINUTES: usize = 100_000;

/// The exact sums of recently closed minutes, from feeds and publishers. The tape has their bars, whose average prices
/// are rounded, and nothing of a minute without a price; longer bars are added up from these sums.
#[derive(Debug, Default)]
pub struct Minutes {
    // A std mutex: it is held for some microseconds and never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    symbols: HashMap<Symbol, VecDeque<Closed>>,
    /// The minutes in the order in which they were added, the oldest first.
    order: VecDeque<Symbol>,
}

/// A minute, and the tape's position when it closed.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The position of the tape.
    pub position: EventId,
    /// When the minute begins.
    pub start: Millis,
    /// Its exact sums.
    pub sums: Sums,
}

impl Minutes {
    /// Adds a minute that closed when the tape was at a position, before its bar is appended.
    pub fn add(&self, minute: Minute, position: EventId) {
        let mut state = self.state();
        if state.order.len() >= MAX_MINUTES {
            state.forget_oldest();
        }
        state.order.push_back(minute.symbol);
        let closed = state.symbols.entry(minute.symbol).or_default();
        closed.push_back(Closed {
            position,
            start: minute.start,
            sums: minute.sums,
        });
    }

    /// The sums that a bar was rendered from.
    pub fn exact(&self, bar: &Bar) -> Option<Minute> {
        let state = self.state();
        let closed = state.symbols.get(&bar.symbol)?;
        let exact = closed.iter().rev().find(|closed| {
            closed.start == bar.start
                && closed.sums.bar(bar.symbol, bar.start).as_ref() == Some(bar)
        })?;
        Some(Minute {
            symbol: bar.symbol,
            start: bar.start,
            sums: exact.sums.clone(),
        })
    }

    /// The requested minutes of a symbol, in the order in which they closed.
    pub fn of(&self, symbol: Symbol, wanted: impl Fn(&Closed) -> bool) -> Vec<Closed> {
        let state = self.state();
        let closed = state.symbols.get(&symbol).into_iter().flatten();
        closed.filter(|closed| wanted(closed)).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_oldest(&mut self) {
        let Some(symbol) = self.order.pop_front() else {
            return;
        };
        if let Some(closed) = self.symbols.get_mut(&symbol) {
            closed.pop_front();
            if closed.is_empty() {
                self.symbols.remove(&symbol);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use market::{Roll, Trade};

    use super::*;

    fn minute(name: &str, start: Millis, sizes: &[&str]) -> Minute {
        let mut roll = Roll::new();
        for (time, size) in sizes.iter().enumerate() {
            let trade = Trade::new("10.00".parse().unwrap(), Some(size.parse().unwrap()));
            roll.add(start + time as Millis, &trade);
        }
        Minute {
            symbol: name.parse().unwrap(),
            start,
            sums: roll.into_sums(),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_and_a_bar_finds_what_it_was_rendered_from() {
        let minutes = Minutes::default();
        let position = EventId { ms: 1, n: 0 };
        minutes.add(minute("A", 0, &["1"]), position);
        minutes.add(minute("A", 0, &["1", "2"]), position);
        let first = minute("A", 0, &["1"]);
        assert_eq!(minutes.exact(&first.bar().unwrap()), Some(first.clone()));
        assert_eq!(minutes.exact(&minute("A", 0, &["7"]).bar().unwrap()), None);
        for start in 0..MAX_MINUTES as Millis {
            minutes.add(minute("B", start * 60_000, &["1"]), position);
        }
        let held: Vec<_> = ["A", "B"]
            .iter()
            .map(|name| minutes.of(name.parse().unwrap(), |_| true).len())
            .collect();
        assert_eq!(held, [0, MAX_MINUTES]);
        assert_eq!(minutes.exact(&first.bar().unwrap()), None);
    }
}
