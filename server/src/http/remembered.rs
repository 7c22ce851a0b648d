//! Symbols that nothing quotes and the archive has bars of: each request looks up the symbols that it names, and they
//! are answered with their last close. Nothing of them is on the tape, so a later feed or publisher simply begins.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Quote, Symbol};
use tokio::time::Instant;

/// The most last closes that are cached, some 250 bytes each. A request names fewer symbols than that; closes beyond it
/// are read again when they are requested again.
const MAX_CLOSES: usize = 10_000;

/// How old a close may be before it is read again: an import may have brought a newer one.
const CLOSE_FRESH: Duration = Duration::from_secs(10);

/// The results of look-ups in the archive for symbols that nothing quotes.
#[derive(Debug, Default)]
pub struct Remembered {
    // Std mutexes, held for look-ups and insertions, and never across an await.
    closes: Mutex<HashMap<Symbol, (Instant, Quote)>>,
    list: Mutex<Option<List>>,
}

/// The symbols that the archive has bars of.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) stale_at: Instant,
    pub(crate) symbols: Arc<HashSet<Symbol>>,
}

impl Remembered {
    /// The last close of a symbol, if it was looked up and has one.
    pub(crate) fn close(&self, symbol: Symbol) -> Option<Quote> {
        self.closes().get(&symbol).map(|(_, close)| close.clone())
    }

    /// Whether a symbol was looked up and has a last close.
    pub(crate) fn has(&self, symbol: Symbol) -> bool {
        self.closes().contains_key(&symbol)
    }

    /// The symbols that have to be looked up.
    pub(crate) fn stale(&self, symbols: Vec<Symbol>) -> Vec<Symbol> {
        let closes = self.closes();
        let is_fresh = |symbol: &Symbol| {
            let close = closes.get(symbol);
            close.is_some_and(|(at, _)| at.elapsed() < CLOSE_FRESH)
        };
        let stale = symbols.into_iter().filter(|symbol| !is_fresh(symbol));
        stale.take(MAX_CLOSES).collect()
    }

    /// Stores the results of a look-up.
    pub(crate) fn take(&self, symbols: &[Symbol], found: Vec<Quote>) {
        let now = Instant::now();
        let mut closes = self.closes();
        for symbol in symbols {
            closes.remove(symbol);
        }
        if closes.len() + found.len() > MAX_CLOSES {
            closes.retain(|_, (at, _)| now - *at < CLOSE_FRESH);
        }
        if closes.len() + found.len() > MAX_CLOSES {
            closes.clear();
        }
        closes.extend(found.into_iter().map(|close| (close.symbol, (now, close))));
    }

    fn closes(&self) -> MutexGuard<'_, HashMap<Symbol, (Instant, Quote)>> {
        self.closes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn list(&self) -> MutexGuard<'_, Option<List>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(number: usize) -> Quote {
        Quote::new(format!("S{number}").parse().unwrap(), 0)
    }

    #[test]
    fn no_more_closes_are_held_than_fit() {
        let remembered = Remembered::default();
        for part in 0..5 {
            let found: Vec<Quote> = (0..4_000).map(|n| close(part * 4_000 + n)).collect();
            let symbols: Vec<Symbol> = found.iter().map(|close| close.symbol).collect();
            remembered.take(&symbols, found);
            // The results for this request are there in any case.
            assert!(symbols.iter().all(|symbol| remembered.has(*symbol)));
            assert_eq!(remembered.stale(symbols), []);
            assert!(remembered.closes().len() <= MAX_CLOSES);
        }
    }

    #[test]
    fn a_symbol_without_bars_is_forgotten_and_looked_up_each_time() {
        let remembered = Remembered::default();
        let of = close(1);
        let symbol = of.symbol;
        remembered.take(&[symbol], vec![of.clone()]);
        assert_eq!(remembered.close(symbol), Some(of));
        remembered.take(&[symbol], Vec::new());
        assert!(!remembered.has(symbol));
        assert_eq!(remembered.stale(vec![symbol]), [symbol]);
    }
}
