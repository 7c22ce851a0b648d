use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use market::{Price, Symbol};

/// What is known of a symbol, whether it is quoted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What can be traded.
    pub symbol: Symbol,
    /// Its name as people say it, `Alphabet Inc.`.
    pub name: String,
    /// Where it is traded.
    pub venue: Option<String>,
    /// The currency of its prices.
    pub currency: Option<String>,
    /// The smallest step of a price.
    pub tick: Option<Price>,
}

/// The directory of symbols, from whoever lists some.
#[derive(Debug, Default)]
pub struct Directory {
    // A std lock: lists are taken in now and then, and nobody waits while he holds it.
    listings: RwLock<BTreeMap<Symbol, Listing>>,
}

impl Directory {
    /// Takes listings; what a later one does not say, an earlier one of its symbol still does.
    pub fn list(&self, listings: impl IntoIterator<Item = Listing>) {
        let mut known = self
            .listings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for mut listing in listings {
            if let Some(before) = known.remove(&listing.symbol) {
                if listing.name.is_empty() {
                    listing.name = before.name;
                }
                listing.venue = listing.venue.or(before.venue);
                listing.currency = listing.currency.or(before.currency);
                listing.tick = listing.tick.or(before.tick);
            }
            known.insert(listing.symbol, listing);
        }
    }

    /// What is known of a symbol.
    pub fn get(&self, symbol: Symbol) -> Option<Listing> {
        let known = self.listings.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&symbol).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_keeps_what_the_next_one_does_not_say() {
        let directory = Directory::default();
        let symbol: Symbol = "GOOG".parse().unwrap();
        let listing = |name: &str, venue: Option<&str>| Listing {
            symbol,
            name: name.to_owned(),
            venue: venue.map(str::to_owned),
            currency: None,
            tick: None,
        };
        directory.list([listing("Alphabet Inc.", Some("Nasdaq"))]);
        directory.list([listing("", None)]);
        assert_eq!(
            directory.get(symbol),
            Some(listing("Alphabet Inc.", Some("Nasdaq")))
        );
        directory.list([listing("Alphabet", None)]);
        assert_eq!(directory.get(symbol).unwrap().name, "Alphabet");
        assert_eq!(directory.get("GOOGL".parse().unwrap()), None);
    }
}
