//! What the tape holds now, read for whoever asks: snapshots, bars, the directory of symbols.

use std::collections::BTreeSet;

use market::{Bar, Closes, Event, FeedStatus, Millis, News, Quote, Session, Snapshot, Symbol};
use tape::EventId;

use super::selection::{Selection, Symbols};
use crate::{Tape, Topic};

pub(crate) use crate::View;

/// How many closes a sparkline is drawn from: an hour of one-minute bars.
const SPARKLINE_BARS: usize = 60;

/// How many stories a snapshot carries.
const SNAPSHOT_NEWS: usize = 40;

/// The snapshot of a selection: what merges as it is now, and what is kept up to a position.
pub(crate) fn snapshot(
    view: &View<'_>,
    selection: &Selection,
    position: EventId,
    feeds: Vec<FeedStatus>,
    now: Millis,
    reset: bool,
) -> Snapshot {
    let symbols = match &selection.symbols {
        Symbols::All => known_symbols(view),
        Symbols::These(symbols) => symbols.clone(),
    };
    Snapshot {
        time: now,
        reset,
        quotes: symbols
            .iter()
            .filter_map(|symbol| quote_in(view, *symbol))
            .map(|(_, quote)| quote)
            .collect(),
        sessions: symbols
            .iter()
            .filter_map(|symbol| session_in(view, *symbol))
            .collect(),
        closes: symbols
            .iter()
            .filter_map(|symbol| closes_in(view, *symbol, position))
            .collect(),
        news: news_in(view, &selection.news_topics(), position),
        feeds,
        unknown: unknown(view, &selection.symbols),
    }
}

/// Those of some symbols that no feed has named so far. Their events are streamed once there are any.
pub(crate) fn unknown(view: &View<'_>, symbols: &Symbols) -> Vec<Symbol> {
    match symbols {
        Symbols::All => Vec::new(),
        Symbols::These(symbols) => {
            let unknown = symbols.iter().filter(|symbol| !is_known_in(view, **symbol));
            unknown.copied().collect()
        }
    }
}

/// The newest quotes of those symbols that are known, in their order, each with its id on the tape;
/// without one and empty where a feed has named the symbol and given no price yet.
pub(crate) fn quotes(
    view: &View<'_>,
    symbols: &Symbols,
    now: Millis,
) -> Vec<(Option<EventId>, Quote)> {
    let quote = |symbol| match quote_in(view, symbol) {
        Some((id, quote)) => (Some(id), quote),
        None => (None, Quote::new(symbol, now)),
    };
    match symbols {
        Symbols::All => known_symbols(view).into_iter().map(quote).collect(),
        Symbols::These(symbols) => {
            let known = symbols.iter().filter(|symbol| is_known_in(view, **symbol));
            known.copied().map(quote).collect()
        }
    }
}

/// All symbols that a feed has spoken of, in their order.
pub(crate) fn directory(tape: &Tape) -> Vec<Symbol> {
    tape.view(known_symbols)
}

/// Whether a feed has spoken of the symbol.
pub(crate) fn is_known(tape: &Tape, symbol: Symbol) -> bool {
    tape.view(|view| is_known_in(view, symbol))
}

fn is_known_in(view: &View<'_>, symbol: Symbol) -> bool {
    view.holds(&Topic::Symbol(symbol))
}

fn known_symbols(view: &View<'_>) -> Vec<Symbol> {
    let symbols: BTreeSet<Symbol> = view
        .merging(&Topic::Symbols)
        .filter_map(|(_, entry)| match &*entry.event {
            Event::Quote(quote) => Some(quote.symbol),
            Event::Session(session) => Some(session.symbol),
            _ => None,
        })
        .collect();
    symbols.into_iter().collect()
}

fn quote_in(view: &View<'_>, symbol: Symbol) -> Option<(EventId, Quote)> {
    let (id, entry) = view.merged(&Topic::Quote(symbol))?;
    match &*entry.event {
        Event::Quote(quote) => Some((id, quote.clone())),
        _ => None,
    }
}

/// What is said of a symbol besides its price.
pub(crate) fn session_in(view: &View<'_>, symbol: Symbol) -> Option<Session> {
    match &*view.merged(&Topic::Session(symbol))?.1.event {
        Event::Session(session) => Some(session.clone()),
        _ => None,
    }
}

/// The bars of a symbol up to a position, newest first.
fn bars_in<'a>(
    view: &View<'a>,
    symbol: Symbol,
    position: EventId,
) -> impl Iterator<Item = (EventId, &'a Bar)> + use<'a> {
    view.kept(&Topic::Symbol(symbol))
        .skip_while(move |(id, _)| *id > position)
        .filter_map(|(id, entry)| match &*entry.event {
            Event::Bar(bar) => Some((id, bar)),
            _ => None,
        })
}

fn closes_in(view: &View<'_>, symbol: Symbol, position: EventId) -> Option<Closes> {
    let mut prices: Vec<_> = bars_in(view, symbol, position)
        .take(SPARKLINE_BARS)
        .map(|(_, bar)| bar.close)
        .collect();
    prices.reverse();
    (!prices.is_empty()).then_some(Closes { symbol, prices })
}

/// The newest stories of the topics, newest first; of a story that was corrected, the correction.
fn news_in(view: &View<'_>, topics: &[Topic], position: EventId) -> Vec<News> {
    let mut entries: Vec<(EventId, &News)> = topics
        .iter()
        .flat_map(|topic| {
            view.kept(topic)
                .skip_while(|(id, _)| *id > position)
                .take(SNAPSHOT_NEWS)
        })
        .filter_map(|(id, entry)| match &*entry.event {
            Event::News(news) => Some((id, news)),
            _ => None,
        })
        .collect();
    entries.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let mut stories: Vec<News> = Vec::new();
    for (_, news) in entries {
        if stories.len() == SNAPSHOT_NEWS {
            break;
        }
        if stories.iter().all(|story| story.id != news.id) {
            stories.push(news.clone());
        }
    }
    stories
}
