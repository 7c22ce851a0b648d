use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::tz::TimeZone;
use market::{Bar, Interval, Millis, Roll, Sums, Symbol};

use crate::zone;

/// Minutes that replace those of the archive: minutes that it does not have yet, and those that it has and that are not
/// over. With an overlay, bars are read as the archive will have them once it has these minutes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overlay {
    /// Minutes by their starts, which replace the stored ones.
    pub minutes: BTreeMap<Millis, Sums>,
    /// From this minute on nothing that is stored counts, except the minutes in `closed`.
    pub hidden_from: Option<Millis>,
    /// Minutes that are over although they come after `hidden_from`.
    pub closed: BTreeSet<Millis>,
    /// The zone of the symbol's days, unless the archive has the symbol.
    pub zone: Option<TimeZone>,
}

/// A bar of any interval, with a price or without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    /// Its first millisecond, and the one after its last.
    pub span: (Millis, Millis),
    /// The sums of its trades.
    pub sums: Sums,
    /// Whether it was imported as a whole: later trades in its span do not change it.
    pub imported: bool,
}

impl Rolled {
    /// The bar; `None` if no trade has moved a price.
    pub fn bar(&self, symbol: Symbol) -> Option<Bar> {
        self.sums.bar(symbol, self.span.0)
    }
}

impl Overlay {
    /// The newest `limit` bars with a price that begin in a span, oldest first, of the overlay's minutes only; and
    /// those without a price that come after the oldest of them.
    pub fn bars(&self, interval: Interval, starts: &Range<Millis>, limit: usize) -> Vec<Rolled> {
        let zone = self.zone.as_ref().unwrap_or(const { &TimeZone::UTC });
        let mut newest = Newest::new(limit);
        let mut minutes = self.minutes.iter().rev().peekable();
        while let Some((start, _)) = minutes.peek() {
            let span = zone::span(interval, zone, **start);
            if interval < Interval::Minute || span.0 < starts.start || newest.is_full() {
                break;
            }
            let mut roll = Roll::new();
            while let Some((start, sums)) = minutes.next_if(|(start, _)| **start >= span.0) {
                roll.add_part(*start, sums);
            }
            if starts.contains(&span.0) {
                newest.add(Rolled {
                    span,
                    sums: roll.into_sums(),
                    imported: false,
                });
            }
        }
        newest.oldest_first()
    }

    /// The starts of the bars of an interval in a span that have a minute of the overlay.
    pub(crate) fn touched(
        &self,
        interval: Interval,
        zone: &TimeZone,
        (from, to): (Millis, Millis),
    ) -> BTreeSet<Millis> {
        if interval < Interval::Minute || from >= to {
            return BTreeSet::new();
        }
        let minutes = self.minutes.range(from..to);
        let mut starts = BTreeSet::new();
        let mut end = 0;
        for (minute, _) in minutes {
            if *minute >= end {
                let span = zone::span(interval, zone, *minute);
                starts.insert(span.0);
                end = span.1;
            }
        }
        starts
    }

    /// Whether the stored data of a minute does not count.
    pub(crate) fn hides(&self, minute: Millis) -> bool {
        self.hidden_from.is_some_and(|from| minute >= from) && !self.closed.contains(&minute)
    }

    /// Whether a bar that ends there may have hidden minutes.
    pub(crate) fn hides_before(&self, interval: Interval, end: Millis) -> bool {
        interval >= Interval::Minute && self.hidden_from.is_some_and(|from| end > from)
    }
}

/// Bars that are collected from the newest on.
pub(crate) struct Newest {
    bars: Vec<Rolled>,
    limit: usize,
    /// How many have a price, and how many have none.
    counts: (usize, usize),
}

impl Newest {
    pub(crate) fn new(limit: usize) -> Self {
        Newest {
            bars: Vec::new(),
            limit,
            counts: (0, 0),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.counts.0 >= self.limit
    }

    /// Adds a bar that is older than those before. There are never more bars without a price than may be with one.
    pub(crate) fn add(&mut self, bar: Rolled) {
        let count = match bar.sums.open {
            Some(_) => &mut self.counts.0,
            None if self.counts.1 >= self.limit => return,
            None => &mut self.counts.1,
        };
        *count += 1;
        self.bars.push(bar);
    }

    pub(crate) fn oldest_first(mut self) -> Vec<Rolled> {
        self.bars.reverse();
        self.bars
    }
}
