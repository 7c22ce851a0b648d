//! The zone of each symbol.

use std::{cell::RefCell, collections::HashMap};

use jiff::tz::TimeZone;
use market::Symbol;

/// More symbols than any market has.
pub(crate) const MAX_SYMBOLS: usize = 200_000;

/// The zone in which a symbol's days begin, and of its times without one.
pub(crate) struct Zones {
    requested: Option<TimeZone>,
    reader: archive::Reader,
    known: RefCell<HashMap<Symbol, (TimeZone, bool)>>,
}

impl Zones {
    /// The requested zone, if any, and those of an archive.
    pub(crate) fn new(requested: Option<TimeZone>, reader: archive::Reader) -> Self {
        Zones {
            requested,
            reader,
            known: RefCell::default(),
        }
    }

    /// The zone of a symbol: the requested one, the one of its session, or a guess.
    pub(crate) fn of(&self, symbol: Symbol) -> Result<TimeZone, String> {
        if let Some((zone, _)) = self.known.borrow().get(&symbol) {
            return Ok(zone.clone());
        }
        let stored = self
            .reader
            .zone(symbol)
            .map_err(|failure| failure.to_string())?;
        let is_new = stored.is_none();
        let zone = match (&self.requested, stored) {
            (Some(requested), _) => requested.clone(),
            (None, Some(stored)) => stored,
            (None, None) => guessed_zone(symbol),
        };
        // If its session has another one, that counts for its days.
        self.known
            .borrow_mut()
            .insert(symbol, (zone.clone(), is_new));
        Ok(zone)
    }

    pub(crate) fn is_full(&self, symbol: Symbol) -> bool {
        let known = self.known.borrow();
        known.len() >= MAX_SYMBOLS && !known.contains_key(&symbol)
    }

    /// Whether the zone of a symbol has yet to be set in the archive; clears that.
    pub(crate) fn take_new(&self, symbol: Symbol) -> Option<TimeZone> {
        let mut known = self.known.borrow_mut();
        let (zone, is_new) = known.get_mut(&symbol)?;
        std::mem::take(is_new).then(|| zone.clone())
    }
}

/// US stocks have up to five letters and a class or a suffix, and coins are pairs.
pub(crate) fn guessed_zone(symbol: Symbol) -> TimeZone {
    let name = symbol.as_str();
    let is_sign = |c: char| matches!(c, '.' | '-' | '/' | '$' | '+' | '#' | '*' | '~' | '!' | '%');
    let stock = name.split(is_sign).next().unwrap_or_default();
    let class = &name[stock.len()..];
    if !stock.is_empty()
        && stock.len() <= 5
        && class.len() <= 2
        && stock.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        sessions::Calendar::UsStocks.zone().clone()
    } else {
        TimeZone::UTC
    }
}
