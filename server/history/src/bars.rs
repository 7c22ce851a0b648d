//! The newest bars of a symbol.

use std::{collections::BTreeMap, ops::Range};

use archive::{Overlay, Rolled};
use market::{Bar, Board, Event, Interval, Millis, Sums, Symbol};
use tape::EventId;

use crate::past::{Past, Unreadable};
use events::{
    Minutes, Tape, Topic, View,
    slices::{END, Retained},
};
use sessions::{Calendar, adjust_for_splits};

/// A query for bars.
#[derive(Debug, Clone)]
pub struct BarQuery {
    /// The symbol.
    pub symbol: Symbol,
    /// The interval.
    pub interval: Interval,
    /// The span in which they start.
    pub starts: Range<Millis>,
    /// The largest number of bars: the newest.
    pub limit: usize,
    /// The time.
    pub now: Millis,
    /// The adjustment of prices.
    pub adjust: Adjust,
}

/// The adjustment of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjust {
    /// For the splits since, as a person expects of a chart.
    #[default]
    Splits,
    /// None: prices as they were traded.
    None,
}

/// Bars, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bars {
    /// The bars.
    pub bars: Vec<Bar>,
    /// Whether the requested span has older ones.
    pub more: bool,
    /// If the last bar is still incomplete: the end of the newest minute in it.
    pub until: Option<Millis>,
}

/// Reads bars as the archive will have them once it has every closed minute, and no other.
///
/// Minutes that the archive has not written yet come from the tape, with their exact sums from `minutes`. A minute that
/// is still open is left out: streams carry its bar when it closes. Both form an [`Overlay`] over the archive, which
/// adds up all bars, the newest as every other. Without an archive the overlay is all there is. The joined bars are
/// then adjusted for splits.
///
/// # Errors
/// If the archive cannot be read.
pub fn read_bars(
    past: Option<&dyn Past>,
    tape: &Tape,
    minutes: &Minutes,
    query: &BarQuery,
) -> Result<Bars, Unreadable> {
    let BarQuery {
        symbol,
        interval,
        ref starts,
        limit,
        now,
        adjust,
    } = *query;
    // Before anything else is read: minutes that are written meanwhile come from the tape.
    let written = past.and_then(Past::written);
    let overlay = Taped::new(tape, symbol);
    let overlay = overlay.over(written, minutes, symbol, now);
    let read = |interval, starts: &Range<Millis>, limit| match past {
        _ if starts.is_empty() => Ok(Vec::new()),
        Some(past) => past.bars(symbol, interval, starts.clone(), limit, &overlay),
        None => Ok(overlay.bars(interval, starts, limit)),
    };
    // Before the longer bars: they include this minute.
    let newest = match interval {
        Interval::Second | Interval::Minute => None,
        _ => read(Interval::Minute, &(0..Millis::MAX), 1)?.pop(),
    };
    // One more shows whether there are more.
    let rolled = read(interval, starts, limit.saturating_add(1))?;
    let until = newest
        .zip(rolled.last())
        .and_then(|(newest, last)| until(&newest, last));
    let bars: Vec<Bar> = rolled.iter().filter_map(|bar| bar.bar(symbol)).collect();
    let surplus = bars.len().saturating_sub(limit);
    let mut newest = bars[surplus..].to_vec();
    if adjust == Adjust::Splits
        && let (Some(past), Some(first)) = (past, newest.first())
    {
        // An announced split does not count before its day.
        let since = first.start..now.saturating_add(1);
        adjust_for_splits(&mut newest, &past.splits(symbol, since)?);
    }
    Ok(Bars {
        bars: newest,
        more: surplus > 0,
        until: until.filter(|_| limit > 0),
    })
}

/// The interval of the bars before those that were found for a query: the query's own, or else the shortest longer one,
/// because only longer bars may have been imported or kept.
///
/// # Errors
/// If the archive cannot be read.
pub fn older_interval(
    past: Option<&dyn Past>,
    tape: &Tape,
    minutes: &Minutes,
    query: &BarQuery,
    found: &Bars,
) -> Result<Option<Interval>, Unreadable> {
    if found.more {
        return Ok(Some(query.interval));
    }
    // The tape makes longer bars of its minutes: without an archive they reach no further back.
    let Some(past) = past else {
        return Ok(None);
    };
    let end = found.bars.first().map_or(query.starts.end, |bar| bar.start);
    for interval in Interval::ALL {
        if interval <= query.interval {
            continue;
        }
        // A bar that ends after that includes the bars that were found.
        let before = end.saturating_sub(interval.millis()).saturating_add(1);
        let query = BarQuery {
            interval,
            starts: query.starts.start..before,
            limit: 1,
            ..query.clone()
        };
        if !read_bars(Some(past), tape, minutes, &query)?
            .bars
            .is_empty()
        {
            return Ok(Some(interval));
        }
    }
    Ok(None)
}

/// The newest bars that reach back over a span of time, oldest first, each with its length: those of the query's
/// interval, and longer ones for the times without shorter ones.
///
/// # Errors
/// If the archive cannot be read.
pub fn read_span(
    past: Option<&dyn Past>,
    tape: &Tape,
    minutes: &Minutes,
    query: &BarQuery,
    millis: Millis,
) -> Result<Vec<(Interval, Bar)>, Unreadable> {
    let end = |(interval, bar): &(Interval, Bar)| bar.start.saturating_add(interval.millis());
    let mut found: Vec<(Interval, Bar)> = Vec::new();
    for interval in Interval::ALL {
        if interval < query.interval || (past.is_none() && interval > query.interval) {
            continue;
        }
        let query = BarQuery {
            interval,
            limit: millis.div_ceil(interval.millis()) as usize,
            ..query.clone()
        };
        let bars = read_bars(past, tape, minutes, &query)?.bars;
        let bars = bars.into_iter().map(|bar| (interval, bar));
        let longer: Vec<_> = bars
            .filter(|longer| {
                let next = found.partition_point(|shorter| end(shorter) <= longer.1.start);
                found
                    .get(next)
                    .is_none_or(|(_, next)| next.start >= end(longer))
            })
            .collect();
        found.extend(longer);
        found.sort_by_key(|(_, bar)| bar.start);
    }
    Ok(found)
}

/// The end of the newest minute, if the last bar continues after it.
fn until(newest: &Rolled, last: &Rolled) -> Option<Millis> {
    let end = newest.span.1;
    let goes_on = last.span.0 < end && end < last.span.1 && !last.imported;
    goes_on.then_some(end)
}

/// The tape's content of a symbol's minutes.
struct Taped {
    /// Their bars, by their starts.
    bars: BTreeMap<Millis, (EventId, Bar)>,
    /// The start of the minute of the newest quote.
    growing: Option<Millis>,
    /// The symbol's venue.
    calendar: Option<Calendar>,
}

impl Taped {
    fn new(tape: &Tape, symbol: Symbol) -> Self {
        Taped {
            bars: minutes_of(tape, symbol),
            growing: tape.view(|view| growing_minute(view, symbol)),
            calendar: tape.view(|view| calendar(view, symbol)),
        }
    }

    /// The overlay of an archive that has written the tape up to a position.
    fn over(
        self,
        written: Option<EventId>,
        minutes: &Minutes,
        symbol: Symbol,
        now: Millis,
    ) -> Overlay {
        let is_written = |id: EventId| written.is_some_and(|written| id <= written);
        // The position of a minute without a price is the one before its close.
        let is_unwritten = |position: EventId| written.is_none_or(|written| position >= written);
        let unwritten = |start: Millis| {
            let taped = self.bars.get(&start);
            taped.is_some_and(|(id, _)| !is_written(*id))
        };
        let exact = minutes.of(symbol, |closed| {
            is_unwritten(closed.position) || unwritten(closed.start)
        });
        let mut overlay: BTreeMap<Millis, Sums> = BTreeMap::new();
        for (start, (id, bar)) in &self.bars {
            if !is_written(*id) {
                let exact = exact.iter().rev().find(|closed| {
                    closed.start == *start && closed.sums.bar(symbol, *start).as_ref() == Some(bar)
                });
                let sums = exact.map_or_else(|| Sums::of_bar(bar), |closed| closed.sums.clone());
                overlay.insert(*start, sums);
            }
        }
        for closed in exact {
            if closed.sums.open.is_none() && !self.bars.contains_key(&closed.start) {
                overlay.insert(closed.start, closed.sums);
            }
        }
        // There may be no further trade, as on a Friday evening: after a while the minute is over all the same.
        let recent = now.checked_sub(Bar::INTERVAL + Board::GRACE);
        let recent = recent.map_or(0, |time| minute(time) + Bar::INTERVAL);
        let hidden_from = self.growing.map(|growing| growing.max(recent));
        let closed = hidden_from.map(|from| {
            let bars = self.bars.range(from..).map(|(start, _)| *start);
            bars.chain(overlay.range(from..).map(|(start, _)| *start))
                .collect()
        });
        Overlay {
            minutes: overlay,
            hidden_from,
            closed: closed.unwrap_or_default(),
            zone: self.calendar.map(|calendar| calendar.zone().clone()),
        }
    }
}

/// The minutes of a symbol that are on the tape, by their starts. A corrected one is on it more than once: the newest
/// counts.
fn minutes_of(tape: &Tape, symbol: Symbol) -> BTreeMap<Millis, (EventId, Bar)> {
    let mut bars = BTreeMap::new();
    for (id, entry) in Retained::before(tape, &[Topic::Symbol(symbol)], END) {
        if let Event::Bar(bar) = &*entry.event {
            bars.entry(bar.start).or_insert_with(|| (id, bar.clone()));
        }
    }
    bars
}

fn growing_minute(view: &View<'_>, symbol: Symbol) -> Option<Millis> {
    match &*view.newest(&Topic::Quote(symbol))?.1.event {
        Event::Quote(quote) => Some(minute(quote.time)),
        _ => None,
    }
}

fn calendar(view: &View<'_>, symbol: Symbol) -> Option<Calendar> {
    match &*view.newest(&Topic::Session(symbol))?.1.event {
        Event::Session(session) => Some(Calendar::of(session.venue.as_deref())),
        _ => None,
    }
}

/// The first millisecond of the minute of a time.
const fn minute(time: Millis) -> Millis {
    time - time % Bar::INTERVAL
}

#[cfg(test)]
#[path = "bars_tests.rs"]
mod tests;
