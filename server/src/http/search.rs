//! The search of the directory.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use directory::{Directory, Listing};
use events::{Tape, slices};
use market::{Event, Symbol};
use tape::EventId;
use tokio::time::Instant;

/// How old the list of the tape's symbols may be. A person who types searches several times a second.
const FRESH: Duration = Duration::from_millis(250);

/// How many listings are examined for suggestions: most of them may not be quoted.
const ENOUGH: usize = 200;

/// The directory of symbols with those that are on the tape.
#[derive(Debug, Default)]
pub struct Search {
    directory: Arc<Directory>,
    // A std mutex, held while changes on the tape are read, and never across an await.
    quoted: Mutex<Option<Quoted>>,
}

/// The symbols of the tape, as of a moment.
#[derive(Debug, Clone)]
struct Quoted {
    at: Instant,
    /// Shows whether there are more by now: symbols never leave the tape.
    conflation_keys: usize,
    /// The position up to which the tape was read.
    seen: EventId,
    symbols: Arc<HashSet<Symbol>>,
    /// The same in their order.
    sorted: Arc<[Symbol]>,
}

impl Search {
    /// With the listings of the feeds.
    pub fn new(directory: Arc<Directory>) -> Self {
        Search {
            directory,
            quoted: Mutex::default(),
        }
    }

    /// Adds symbols of which nothing else is known to the directory.
    pub(crate) fn list(&self, symbols: impl IntoIterator<Item = Symbol>) {
        self.directory.list(symbols.into_iter().map(Listing::new));
    }

    /// The listing of a symbol, from the directory.
    pub(crate) fn listing(&self, symbol: Symbol) -> Option<Listing> {
        self.directory.get(symbol)
    }

    /// The symbols of the tape, in their order.
    pub(crate) fn symbols(&self, tape: &Tape) -> Arc<[Symbol]> {
        self.quoted(tape).sorted
    }

    /// The symbols of the tape that are near to one that is not on it, by their names and spelling, the nearest first.
    /// None where nothing is near.
    pub(crate) fn suggest(&self, tape: &Tape, symbol: Symbol, limit: usize) -> Vec<Symbol> {
        let quoted = self.quoted(tape).symbols;
        let found = self.directory.search(symbol.as_str(), &quoted, ENOUGH);
        let asked = symbol.as_str().to_lowercase();
        let found = found.into_iter().filter(|listing| is_near(&asked, listing));
        let mut suggestions: Vec<Symbol> = found
            .map(|listing| listing.symbol)
            .filter(|found| *found != symbol && quoted.contains(found))
            .take(limit)
            .collect();
        let missing = limit - suggestions.len();
        if missing > 0 {
            let is_other = |other: &&Symbol| {
                !suggestions.contains(other)
                    && is_spelled_like(&asked, &other.as_str().to_lowercase())
            };
            let others = quoted.iter().filter(is_other);
            let likeness = |other: &Symbol| strsim::jaro_winkler(symbol.as_str(), other.as_str());
            let mut others: Vec<(f64, Symbol)> =
                others.map(|other| (likeness(other), *other)).collect();
            let order = |(one, one_symbol): &(f64, Symbol),
                         (other, other_symbol): &(f64, Symbol)| {
                other.total_cmp(one).then(one_symbol.cmp(other_symbol))
            };
            if others.len() > missing {
                others.select_nth_unstable_by(missing - 1, order);
                others.truncate(missing);
            }
            others.sort_unstable_by(order);
            suggestions.extend(others.into_iter().map(|(_, other)| other));
        }
        suggestions
    }

    /// The listings that match a text best, with whether each is quoted.
    pub(crate) fn search(&self, tape: &Tape, text: &str, limit: usize) -> Vec<(Listing, bool)> {
        let quoted = self.quoted(tape).symbols;
        let found = self.directory.search(text, &quoted, limit);
        let is_quoted = |listing: Listing| {
            let is_quoted = quoted.contains(&listing.symbol);
            (listing, is_quoted)
        };
        found.into_iter().map(is_quoted).collect()
    }

    /// The symbols of the tape. Their sessions are added to the directory, too. Only changes since the last time are
    /// read.
    fn quoted(&self, tape: &Tape) -> Quoted {
        let conflation_keys = tape.view(|view| view.conflation_keys());
        // Held while the tape is read: concurrent requests need not do it again.
        let mut known = self.quoted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quoted) = &*known
            && quoted.conflation_keys == conflation_keys
            && quoted.at.elapsed() < FRESH
        {
            return quoted.clone();
        }
        let at = Instant::now();
        let (seen, mut symbols, sorted) = match known.take() {
            Some(quoted) => (quoted.seen, quoted.symbols, quoted.sorted),
            None => (slices::BEGINNING, Arc::default(), Arc::default()),
        };
        let changes = slices::changes(tape, seen);
        let before = symbols.len();
        let mut listings = Vec::new();
        for (_, entry) in &changes {
            let symbol = match &*entry.event {
                Event::Quote(quote) => quote.symbol,
                Event::Session(session) => session.symbol,
                _ => continue,
            };
            let is_new = !symbols.contains(&symbol);
            if is_new {
                Arc::make_mut(&mut symbols).insert(symbol);
            }
            match &*entry.event {
                Event::Session(session) => listings.push(Listing {
                    name: session.name.clone(),
                    venue: session.venue.clone(),
                    currency: session.currency.clone(),
                    tick: session.tick,
                    ..Listing::new(symbol)
                }),
                _ if is_new => listings.push(Listing::new(symbol)),
                _ => {}
            }
        }
        self.directory.list(listings);
        let sorted = match symbols.len() == before {
            true => sorted,
            false => {
                let mut sorted: Vec<Symbol> = symbols.iter().copied().collect();
                sorted.sort_unstable();
                sorted.into()
            }
        };
        let quoted = Quoted {
            at,
            conflation_keys,
            seen: changes.last().map_or(seen, |(id, _)| *id),
            symbols,
            sorted,
        };
        known.insert(quoted).clone()
    }
}

/// Whether a text in lower case is the beginning of a listing's symbol or of a word of its name, or is spelled like one.
fn is_near(text: &str, listing: &Listing) -> bool {
    let name = listing.name.to_lowercase();
    let mut words = name.split(|letter: char| !letter.is_alphanumeric());
    let is_word = |word: &str| {
        // Of words such as `inc` anything short is a misspelling.
        word.starts_with(text) || word.len() > 3 && is_spelled_like(text, word)
    };
    let symbol = listing.symbol.as_str().to_lowercase();
    symbol.starts_with(text) || is_spelled_like(text, &symbol) || words.any(is_word)
}

/// Whether at most one letter in three is wrong, missing or too much. Two letters that are swapped count as one.
fn is_spelled_like(text: &str, other: &str) -> bool {
    let length = text.chars().count().max(other.chars().count());
    strsim::osa_distance(text, other) * 3 <= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_suggested(text: &str, symbol: &str, name: &str) -> bool {
        let listing = Listing {
            name: name.to_owned(),
            ..Listing::new(symbol.parse().unwrap())
        };
        is_near(text, &listing)
    }

    #[test]
    fn what_begins_alike_or_is_misspelt_is_near() {
        for (text, symbol, name) in [
            ("goo", "GOOG", ""),
            ("googx", "GOOG", ""),
            ("gogo", "GOOG", ""),
            ("btcusd", "BTCUSDT", ""),
            ("apple", "AAPL", "Apple Inc."),
            ("micro", "MSFT", "Microsoft Corp."),
            ("mircosoft", "MSFT", "Microsoft Corp."),
        ] {
            assert!(is_suggested(text, symbol, name), "{text} for {symbol}");
        }
    }

    #[test]
    fn nothing_else_is_near() {
        for (text, symbol, name) in [
            ("xyz", "BAC", "Bank of America Corp."),
            ("xyz", "XOM", "Exxon Mobil Corp."),
            ("gold", "GOOG", "Alphabet Inc."),
            ("nope", "NKE", "Nike Inc."),
            ("ink", "AAPL", "Apple Inc."),
            ("zz", "JAZZ", "Jazz Pharmaceuticals"),
        ] {
            assert!(!is_suggested(text, symbol, name), "{text} for {symbol}");
        }
    }
}
