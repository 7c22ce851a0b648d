//! Symbols that nothing quotes and the archive has bars of: each request looks up those that it names, and they are
//! answered with their last close. Nothing of them is on the tape, so whoever quotes one later simply begins.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Quote, Symbol};
use tokio::time::{Instant, timeout};

use super::{Service, market_view, problem::Problem};
use history::last_closes;

/// The most last closes that are held, some 250 bytes each. A request names fewer symbols than that; what does not fit
/// is read again when it is named again.
const MAX_CLOSES: usize = 10_000;

/// How old a close may be before it is read again: an import may have brought a newer one.
const CLOSE_FRESH: Duration = Duration::from_secs(10);

/// How long a request waits for the archive to look up what it names: everything else that it names needs none.
const RECALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The most symbols of the archive that are searched, some 200 bytes each with their place in the directory: the first
/// by name. All others are found where they are named in full.
const MAX_SEARCHED: usize = 50_000;

/// How old the list of symbols to search may be, at the least and as a multiple of what it took to read.
const LIST_FRESH: Duration = Duration::from_secs(2);
const LIST_FRESH_TIMES: u32 = 50;

/// What was read of the archive about symbols that nothing quotes.
#[derive(Debug, Default)]
pub struct Remembered {
    // Std mutexes, held for look-ups and insertions, and never across an await.
    closes: Mutex<HashMap<Symbol, (Instant, Quote)>>,
    list: Mutex<Option<List>>,
}

/// The symbols that the archive has bars of.
#[derive(Debug, Clone)]
struct List {
    stale_at: Instant,
    symbols: Arc<HashSet<Symbol>>,
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

    /// Those of some symbols that have to be looked up.
    fn stale(&self, symbols: Vec<Symbol>) -> Vec<Symbol> {
        let closes = self.closes();
        let is_fresh = |symbol: &Symbol| {
            let close = closes.get(symbol);
            close.is_some_and(|(at, _)| at.elapsed() < CLOSE_FRESH)
        };
        let stale = symbols.into_iter().filter(|symbol| !is_fresh(symbol));
        stale.take(MAX_CLOSES).collect()
    }

    /// Takes what was found of the symbols that were looked up.
    fn take(&self, asked: &[Symbol], found: Vec<Quote>) {
        let now = Instant::now();
        let mut closes = self.closes();
        for symbol in asked {
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

    fn list(&self) -> MutexGuard<'_, Option<List>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Looks up the last closes of those of some symbols that nothing quotes.
    ///
    /// # Errors
    /// Where the archive cannot be read: those that were looked up before stand.
    pub(crate) async fn recall(&self, symbols: &[Symbol]) -> Result<(), Problem> {
        if !self.history.is_archived() {
            return Ok(());
        }
        let asked = self
            .remembered
            .stale(market_view::unquoted(&self.tape, symbols));
        if asked.is_empty() {
            return Ok(());
        }
        let (tape, minutes, now) = (self.tape.clone(), self.history.minutes(), self.now());
        let reading = self.read(move |past| {
            let found = match past {
                Some(past) => last_closes(past, &tape, &minutes, &asked, now)?,
                None => Vec::new(),
            };
            Ok((asked, found))
        });
        let Ok(read) = timeout(RECALL_TIMEOUT, reading).await else {
            return Err(Problem::Unavailable(
                "the archive takes too long to be read: try again".to_owned(),
            ));
        };
        let (asked, found) = read?;
        self.remembered.take(&asked, found);
        Ok(())
    }

    /// The first symbols that the archive has bars of, by name.
    pub(crate) async fn first_remembered(&self, limit: usize) -> Vec<Symbol> {
        let reading = self.history.read(move |past| match past {
            Some(past) => past.symbols(limit),
            None => Ok(Vec::new()),
        });
        let read = timeout(RECALL_TIMEOUT, reading).await;
        read.map_or_else(|_| Vec::new(), Result::unwrap_or_default)
    }

    /// All symbols that the archive has bars of and that are searched, as they were a moment ago. New ones are put into
    /// the directory.
    pub(crate) async fn all_remembered(&self) -> Arc<HashSet<Symbol>> {
        let known = self.remembered.list().clone();
        let before = match known {
            Some(list) if Instant::now() < list.stale_at => return list.symbols,
            Some(list) => list.symbols,
            None => Arc::default(),
        };
        if !self.history.is_archived() {
            return before;
        }
        let begun = Instant::now();
        let read = self.first_remembered(MAX_SEARCHED).await;
        let now = Instant::now();
        let fresh = LIST_FRESH.max((now - begun) * LIST_FRESH_TIMES);
        // An archive that cannot be read for a moment has lost nothing.
        let symbols = match read.is_empty() {
            true => before,
            false => {
                let new = read.iter().filter(|symbol| !before.contains(*symbol));
                self.search.list(new.copied());
                Arc::new(read.into_iter().collect())
            }
        };
        *self.remembered.list() = Some(List {
            stale_at: now + fresh,
            symbols: Arc::clone(&symbols),
        });
        symbols
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
            let asked: Vec<Symbol> = found.iter().map(|close| close.symbol).collect();
            remembered.take(&asked, found);
            // What was looked up for this request is there in any case.
            assert!(asked.iter().all(|symbol| remembered.has(*symbol)));
            assert_eq!(remembered.stale(asked), []);
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
