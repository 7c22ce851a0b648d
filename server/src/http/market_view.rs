//! The current state of the tape: snapshots and quotes. The tape is locked for a slice at a time, so that an append
//! waits for none of them.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use bytes::Bytes;
use market::{
    Closes, Encoded, Event, FeedStatus, Frame, Millis, News, Price, Quote, Session, Snapshot,
    Symbol, wire::SPARKLINE_BARS,
};
use tape::EventId;

use crate::http::{
    remembered::Remembered,
    selection::{Selection, Symbols},
};
use events::{
    Entry, Tape, Topic,
    slices::{self, BEGINNING, Retained, SLICE_ENTRIES},
};

pub(crate) use events::View;

/// How many stories a snapshot carries.
const SNAPSHOT_NEWS: usize = 40;

/// How many symbols are looked up while the tape is locked.
const SLICE_SYMBOLS: usize = SLICE_ENTRIES / 4;

/// How many bars of a symbol are examined: if each is built first and then published, there are two of every minute.
const SEEN_BARS: usize = 2 * SPARKLINE_BARS;

/// The number of symbols whose closes are looked up while the tape is locked.
const SLICE_CLOSES: usize = SLICE_ENTRIES / SEEN_BARS;

/// The newest quote and session of a symbol.
#[derive(Default)]
struct Newest {
    /// Whether a feed has published it.
    is_known: bool,
    quote: Option<(EventId, Entry)>,
    session: Option<Entry>,
}

/// A snapshot that shares its quotes and sessions with the tape.
pub(crate) struct TapeSnapshot {
    quotes: Vec<QuoteOrClose>,
    sessions: Vec<Entry>,
    /// Everything else.
    rest: Snapshot,
}

/// What stands for a symbol among a snapshot's quotes.
enum QuoteOrClose {
    /// The newest quote.
    Quote(Entry),
    /// The last close of a symbol that nothing quotes.
    Close(Box<Quote>),
}

impl TapeSnapshot {
    /// The snapshot as an event of a stream, with its id where it has one. What is encoded on the tape is copied.
    pub(crate) fn frame(&self, id: Option<&dyn fmt::Display>) -> Frame {
        let quotes: Vec<Bytes> = self
            .quotes
            .iter()
            .map(|quote| match quote {
                QuoteOrClose::Quote(entry) => entry.chunk().data(),
                QuoteOrClose::Close(close) => Event::Quote(Quote::clone(close)).data().into(),
            })
            .collect();
        let sessions: Vec<Bytes> = self
            .sessions
            .iter()
            .map(|entry| entry.chunk().data())
            .collect();
        Encoded::snapshot(&self.rest, &quotes, &sessions).frame(id)
    }

    /// The snapshot as a value.
    pub(crate) fn into_snapshot(self) -> Snapshot {
        let quotes = self.quotes.into_iter().filter_map(|quote| match quote {
            QuoteOrClose::Quote(entry) => quote_of(&entry),
            QuoteOrClose::Close(close) => Some(*close),
        });
        Snapshot {
            quotes: quotes.collect(),
            sessions: self.sessions.iter().filter_map(session_of).collect(),
            ..self.rest
        }
    }
}

/// The snapshot of a selection: conflated entries as they are now or were after the position, and retained ones up to
/// the position. A cursor that continues from there misses nothing, and may read a quote once more.
///
/// Named symbols that nothing quotes and that the archive has get their last close in place of a quote.
pub(crate) fn snapshot(
    tape: &Tape,
    remembered: &Remembered,
    selection: &Selection,
    position: EventId,
    feeds: Vec<FeedStatus>,
    now: Millis,
    reset: bool,
) -> TapeSnapshot {
    let newest = newest(tape, &selection.symbols);
    let symbols: Vec<Symbol> = newest.iter().map(|(symbol, _)| *symbol).collect();
    let mut quotes = Vec::with_capacity(newest.len());
    let mut sessions = Vec::with_capacity(newest.len());
    for (symbol, newest) in newest {
        let close = || {
            let close = stand_in(remembered, &selection.symbols, symbol)?;
            Some(QuoteOrClose::Close(Box::new(close)))
        };
        let quote = newest.quote.map(|(_, entry)| QuoteOrClose::Quote(entry));
        quotes.extend(quote.or_else(close));
        sessions.extend(newest.session);
    }
    TapeSnapshot {
        quotes,
        sessions,
        rest: Snapshot {
            time: now,
            reset,
            closes: closes(tape, &symbols, position),
            news: news(tape, &selection.news_topics(), position),
            feeds,
            unknown: unknown(tape, remembered, &selection.symbols),
            ..Snapshot::default()
        },
    }
}

/// The last close of a named symbol that nothing quotes.
fn stand_in(remembered: &Remembered, symbols: &Symbols, symbol: Symbol) -> Option<Quote> {
    match symbols {
        Symbols::All => None,
        Symbols::These(_) => remembered.close(symbol),
    }
}

/// The symbols that no feed has published so far and that the archive does not have either. Their events are streamed
/// once there are any.
pub(crate) fn unknown(tape: &Tape, remembered: &Remembered, symbols: &Symbols) -> Vec<Symbol> {
    match symbols {
        Symbols::All => Vec::new(),
        Symbols::These(symbols) => unknown_of(tape, remembered, symbols),
    }
}

/// The newest quotes of the known symbols, in their order, each with its id on the tape; without one if there is none:
/// the last close if the archive has it, else empty.
pub(crate) fn quotes(
    tape: &Tape,
    remembered: &Remembered,
    symbols: &Symbols,
    now: Millis,
) -> Vec<(Option<EventId>, Quote)> {
    let newest = newest(tape, symbols).into_iter();
    let quotes = newest.filter_map(|(symbol, newest)| {
        let states = newest
            .quote
            .and_then(|(id, entry)| Some((Some(id), quote_of(&entry)?)));
        let close = || Some((None, stand_in(remembered, symbols, symbol)?));
        let empty = || newest.is_known.then(|| (None, Quote::new(symbol, now)));
        states.or_else(close).or_else(empty)
    });
    quotes.collect()
}

/// Whether a feed has published the symbol.
pub(crate) fn is_known(tape: &Tape, symbol: Symbol) -> bool {
    tape.view(|view| is_known_in(view, symbol))
}

fn is_known_in(view: &View<'_>, symbol: Symbol) -> bool {
    view.holds(&Topic::Symbol(symbol))
}

/// The symbols that no feed has published and the archive does not have, in their order.
pub(crate) fn unknown_of(tape: &Tape, remembered: &Remembered, symbols: &[Symbol]) -> Vec<Symbol> {
    let mut unknown = without(tape, symbols, is_known_in);
    unknown.retain(|symbol| !remembered.has(*symbol));
    unknown
}

/// The symbols that have no quote on the tape, in their order.
pub(crate) fn unquoted(tape: &Tape, symbols: &[Symbol]) -> Vec<Symbol> {
    without(tape, symbols, |view, symbol| {
        view.newest(&Topic::Quote(symbol)).is_some()
    })
}

/// The symbols for which a condition is false, in their order.
fn without(
    tape: &Tape,
    symbols: &[Symbol],
    is_so: impl Fn(&View<'_>, Symbol) -> bool,
) -> Vec<Symbol> {
    let mut found = Vec::new();
    for slice in symbols.chunks(SLICE_SYMBOLS) {
        tape.view(|view| {
            let others = slice.iter().filter(|symbol| !is_so(view, **symbol));
            found.extend(others.copied());
        });
    }
    found
}

/// Some symbols in their order, or all ordered by name, with their newest quotes and sessions.
fn newest(tape: &Tape, symbols: &Symbols) -> Vec<(Symbol, Newest)> {
    match symbols {
        Symbols::These(symbols) => {
            let mut found = Vec::with_capacity(symbols.len());
            for slice in symbols.chunks(SLICE_SYMBOLS) {
                tape.view(|view| {
                    found.extend(
                        slice
                            .iter()
                            .map(|symbol| (*symbol, newest_in(view, *symbol))),
                    );
                });
            }
            found
        }
        Symbols::All => {
            let mut all: BTreeMap<Symbol, Newest> = BTreeMap::new();
            for (id, entry) in slices::changes(tape, BEGINNING) {
                match &*entry.event {
                    Event::Quote(quote) => {
                        let newest = all.entry(quote.symbol).or_default();
                        newest.is_known = true;
                        newest.quote = Some((id, entry.clone()));
                    }
                    Event::Session(session) => {
                        let newest = all.entry(session.symbol).or_default();
                        newest.is_known = true;
                        newest.session = Some(entry.clone());
                    }
                    Event::Bar(_) | Event::News(_) | Event::Snapshot(_) | Event::Heartbeat(_) => {}
                }
            }
            all.into_iter().collect()
        }
    }
}

fn newest_in(view: &View<'_>, symbol: Symbol) -> Newest {
    let quote = view.newest(&Topic::Quote(symbol));
    let session = view.newest(&Topic::Session(symbol));
    Newest {
        is_known: is_known_in(view, symbol),
        quote: quote.map(|(id, entry)| (id, entry.clone())),
        session: session.map(|(_, entry)| entry.clone()),
    }
}

fn quote_of(entry: &Entry) -> Option<Quote> {
    match &*entry.event {
        Event::Quote(quote) => Some(quote.clone()),
        _ => None,
    }
}

fn session_of(entry: &Entry) -> Option<Session> {
    match &*entry.event {
        Event::Session(session) => Some(session.clone()),
        _ => None,
    }
}

/// The data of a symbol besides its price.
pub(crate) fn session_in(view: &View<'_>, symbol: Symbol) -> Option<Session> {
    session_of(view.newest(&Topic::Session(symbol))?.1)
}

/// The closes of the newest bars of some symbols up to a position, of those that have any.
fn closes(tape: &Tape, symbols: &[Symbol], position: EventId) -> Vec<Closes> {
    let mut found = Vec::new();
    for slice in symbols.chunks(SLICE_CLOSES) {
        let bars: Vec<(Symbol, BTreeMap<Millis, Price>)> = tape.view(|view| {
            let bars_of = |&symbol: &Symbol| (symbol, closes_in(view, symbol, position));
            slice.iter().map(bars_of).collect()
        });
        for (symbol, bars) in bars {
            let prices: Vec<Price> = bars.into_values().collect();
            if !prices.is_empty() {
                found.push(Closes { symbol, prices });
            }
        }
    }
    found
}

/// The closes of a sparkline by their minutes; of a replaced bar, that of the newest.
fn closes_in(view: &View<'_>, symbol: Symbol, position: EventId) -> BTreeMap<Millis, Price> {
    let retained = view.retained(&Topic::Symbol(symbol));
    let mut closes = BTreeMap::new();
    // Not all versions of a repeatedly published minute are examined.
    for (_, entry) in retained
        .skip_while(|(id, _)| *id > position)
        .take(SEEN_BARS)
    {
        if let Event::Bar(bar) = &*entry.event
            && (closes.len() < SPARKLINE_BARS || closes.contains_key(&bar.start))
        {
            closes.entry(bar.start).or_insert(bar.close);
        }
    }
    closes
}

/// The newest stories of the topics, newest first; corrected ones in their newest version.
fn news(tape: &Tape, topics: &[Topic], position: EventId) -> Vec<News> {
    let after = EventId {
        n: position.n.saturating_add(1),
        ..position
    };
    let mut ids = HashSet::new();
    let mut stories = Vec::new();
    // Not all versions of a few repeatedly published stories are examined.
    for (_, entry) in Retained::before(tape, topics, after).take(4 * SNAPSHOT_NEWS) {
        if let Event::News(news) = &*entry.event
            && ids.insert(news.id.clone())
        {
            stories.push(news.clone());
            if stories.len() == SNAPSHOT_NEWS {
                break;
            }
        }
    }
    stories
}

#[cfg(test)]
mod tests {
    use market::Bar;

    use super::*;
    use events::{Draft, testing};

    #[test]
    fn a_minute_whose_bar_was_replaced_has_one_close() {
        let tape = testing::tape();
        let symbol: Symbol = "GOOG".parse().unwrap();
        let append = |minute: Millis, close: &str| {
            let close: Price = close.parse().unwrap();
            let bar = Event::Bar(Bar {
                symbol,
                start: minute * Bar::INTERVAL,
                open: close,
                high: close,
                low: close,
                close,
                volume: "1".parse().unwrap(),
                vwap: None,
                trades: 1,
            });
            tape.append_all(testing::START, |batch| Draft::new(bar).append(batch))
        };
        let prices = |position: EventId| -> Vec<String> {
            let closes = closes(&tape, &[symbol], position);
            closes[0].prices.iter().map(Price::to_string).collect()
        };
        append(1, "1");
        let before = append(2, "2");
        // The minutes as they were published come afterwards.
        append(1, "1.5");
        let after = append(2, "2.5");
        assert_eq!(prices(before), ["1", "2"]);
        assert_eq!(prices(after), ["1.5", "2.5"]);
        // An hour of them is of sixty minutes.
        let mut last = after;
        for minute in 3..100 {
            append(minute, "3");
            last = append(minute, &minute.to_string());
        }
        let expected: Vec<String> = (40..100).map(|minute| minute.to_string()).collect();
        assert_eq!(prices(last), expected);
    }
}
