//! Looking up the archive's data of symbols that nothing quotes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use history::last_closes;
use market::Symbol;
use tokio::time::{Instant, timeout};
use web::problem::Problem;

use crate::http::{market_view, remembered::List, service::Service};

/// How long a request waits for the archive to look up its symbols: all others need no look-up.
const RECALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The most symbols of the archive that are searched, some 200 bytes each with their place in the directory: the first
/// by name. All others are found by their full names.
const MAX_SEARCHED: usize = 50_000;

/// How old the list of symbols to search may be, at least and as a multiple of the time to read it.
const LIST_FRESH: Duration = Duration::from_secs(2);
const LIST_FRESH_TIMES: u32 = 50;

impl Service {
    /// Looks up the last closes of the symbols that nothing quotes.
    ///
    /// # Errors
    /// If the archive cannot be read: earlier results stay.
    pub(crate) async fn recall(&self, symbols: &[Symbol]) -> Result<(), Problem> {
        if !self.history.is_archived() {
            return Ok(());
        }
        let stale = self
            .remembered
            .stale(market_view::unquoted(&self.tape, symbols));
        if stale.is_empty() {
            return Ok(());
        }
        let (tape, minutes, now) = (self.tape.clone(), self.history.minutes(), self.now());
        let reading = self.read(move |past| {
            let found = match past {
                Some(past) => last_closes(past, &tape, &minutes, &stale, now)?,
                None => Vec::new(),
            };
            Ok((stale, found))
        });
        let Ok(read) = timeout(RECALL_TIMEOUT, reading).await else {
            return Err(Problem::Unavailable(
                "the archive takes too long to be read: try again".to_owned(),
            ));
        };
        let (stale, found) = read?;
        self.remembered.take(&stale, found);
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

    /// All symbols that the archive has bars of and that are searched, as of a recent moment. New ones are added to the
    /// directory.
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
