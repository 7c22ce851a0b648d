//! What the tape has of a symbol.

use events::{Topic, View};
use market::{Bar, Event, Millis, Quote, Symbol};

use sessions::Calendar;

pub(super) fn calendar(view: &View<'_>, symbol: Symbol) -> Calendar {
    match view
        .newest(&Topic::Session(symbol))
        .map(|(_, entry)| &*entry.event)
    {
        Some(Event::Session(session)) => Calendar::of(session.venue.as_deref()),
        _ => Calendar::Always,
    }
}

pub(super) fn before(view: &View<'_>, symbol: Symbol) -> Option<Quote> {
    match &*view.newest(&Topic::Quote(symbol))?.1.event {
        Event::Quote(quote) => Some(quote.clone()),
        _ => None,
    }
}

/// The newest bar of a minute on the tape.
pub(super) fn taped(view: &View<'_>, symbol: Symbol, start: Millis) -> Option<Bar> {
    view.retained(&Topic::Symbol(symbol))
        .find_map(|(_, entry)| match &*entry.event {
            Event::Bar(bar) if bar.start == start => Some(bar.clone()),
            _ => None,
        })
}
