//! Stores that hold more than the tape.

use std::ops::Range;

use archive::{FoundNews, Overlay, Rolled, Split};
use jiff::tz::TimeZone;
use market::{Interval, Millis, Symbol};
use tape::EventId;

use crate::filter::NewsFilter;

/// The reason why something could not be read, for the person who runs the server.
pub type Unreadable = String;

/// A store that holds more than the tape. Reading it blocks.
pub trait Past: Send + Sync {
    /// The newest event that it holds. Later events are not in it.
    fn written(&self) -> Option<EventId>;

    /// The newest `limit` bars with a price of a symbol that start in a span, oldest first, unadjusted, with an overlay
    /// over what is stored; among them those without a price.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    /// Where it cannot be read.
    fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        starts: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable>;

    /// The first `limit` symbols with bars, in their order.
    ///
    /// # Errors
    /// If they cannot be read.
    fn symbols(&self, _limit: usize) -> Result<Vec<Symbol>, Unreadable> {
        Ok(Vec::new())
    }

    /// The zone in which the days of a symbol begin; `None` if it is not stored.
    ///
    /// # Errors
    /// If it cannot be read.
    fn zone(&self, _symbol: Symbol) -> Result<Option<TimeZone>, Unreadable> {
        Ok(None)
    }

    /// The splits of a symbol that took effect in a span, in any order.
    ///
    /// # Errors
    /// If they cannot be read.
    fn splits(&self, symbol: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable>;

    /// The newest `limit` stories that pass a filter and have an id before `before`, newest first; each in its newest
    /// version, under the id of that. There are fewer if the limit of the search was reached; the result then has the
    /// position to continue from.
    ///
    /// # Errors
    /// If it cannot be read.
    fn news(
        &self,
        filter: &NewsFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundNews, Unreadable>;
}

impl Past for archive::Archive {
    fn written(&self) -> Option<EventId> {
        self.status().last_id
    }

    fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        starts: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Unreadable> {
        let bars = self
            .reader()
            .bars_with(symbol, interval, starts, limit, overlay);
        bars.map_err(|failure| failure.to_string())
    }

    fn symbols(&self, limit: usize) -> Result<Vec<Symbol>, Unreadable> {
        let symbols = self.reader().symbols_with_bars(limit);
        symbols.map_err(|failure| failure.to_string())
    }

    fn zone(&self, symbol: Symbol) -> Result<Option<TimeZone>, Unreadable> {
        let zone = self.reader().zone(symbol);
        zone.map_err(|failure| failure.to_string())
    }

    fn splits(&self, symbol: Symbol, times: Range<Millis>) -> Result<Vec<Split>, Unreadable> {
        let splits = self.reader().splits(symbol, times);
        splits.map_err(|failure| failure.to_string())
    }

    fn news(
        &self,
        filter: &NewsFilter,
        before: Option<EventId>,
        limit: usize,
    ) -> Result<FoundNews, Unreadable> {
        let words = filter.words.join(" ");
        let query = archive::NewsQuery {
            symbols: filter.symbols.clone(),
            types: filter.types.clone(),
            before,
            after: None,
            words: (!words.is_empty()).then_some(words),
            limit,
        };
        let found = self.reader().search(&query);
        found.map_err(|failure| failure.to_string())
    }
}
