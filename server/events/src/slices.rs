//! Long readings of the tape, a slice at a time: an append waits for at most one slice, however much is read.

use std::collections::BinaryHeap;

use tape::EventId;

use crate::{Entry, Tape, Topic, View};

/// How many entries are read while the tape is locked: some fifty microseconds.
pub const SLICE_ENTRIES: usize = 512;

/// Before every id.
pub const BEGINNING: EventId = EventId { ms: 0, n: 0 };

/// After every id.
pub const END: EventId = EventId {
    ms: u64::MAX,
    n: u64::MAX,
};

/// The quotes and sessions that changed after a position, in the order of their ids. Those that change during the
/// reading come again at the end in their new state, so that the last of each symbol counts.
pub fn changes(tape: &Tape, mut after: EventId) -> Vec<(EventId, Entry)> {
    let mut changes: Vec<(EventId, Entry)> = Vec::new();
    loop {
        let before = changes.len();
        tape.view(|view| {
            let changed = view.conflated_after(&Topic::Symbols, after);
            let slice = changed.take(SLICE_ENTRIES);
            changes.extend(slice.map(|(id, entry)| (id, entry.clone())));
        });
        match changes.last() {
            Some((last, _)) if changes.len() == before + SLICE_ENTRIES => after = *last,
            _ => return changes,
        }
    }
}

/// The retained entries of some topics, newest first, each entry once, from before an id.
pub struct Retained<'a> {
    tape: &'a Tape,
    topics: &'a [Topic],
    before: EventId,
    slice: std::vec::IntoIter<(EventId, Entry)>,
    /// How many entries the next slice takes. It grows, because most readers need few.
    next: usize,
    ended: bool,
}

impl<'a> Retained<'a> {
    /// The entries of these topics before a position.
    pub fn before(tape: &'a Tape, topics: &'a [Topic], before: EventId) -> Self {
        Retained {
            tape,
            topics,
            before,
            slice: Vec::new().into_iter(),
            next: SLICE_ENTRIES / 8,
            ended: topics.is_empty(),
        }
    }
}

impl Iterator for Retained<'_> {
    type Item = (EventId, Entry);

    fn next(&mut self) -> Option<Self::Item> {
        if self.slice.len() == 0 && !self.ended {
            let (topics, before, most) = (self.topics, self.before, self.next);
            let slice = self.tape.view(|view| newest_of(view, topics, before, most));
            self.ended = slice.len() < most;
            self.next = SLICE_ENTRIES.min(2 * most);
            self.slice = slice.into_iter();
        }
        let (id, entry) = self.slice.next()?;
        self.before = id;
        Some((id, entry))
    }
}

/// The newest `most` retained entries of some topics, from before an id.
fn newest_of(
    view: &View<'_>,
    topics: &[Topic],
    before: EventId,
    most: usize,
) -> Vec<(EventId, Entry)> {
    let mut sources: Vec<_> = topics
        .iter()
        .map(|topic| view.retained_before(topic, before))
        .collect();
    let mut heads = Vec::with_capacity(sources.len());
    let mut newest = BinaryHeap::with_capacity(sources.len());
    for (source, entries) in sources.iter_mut().enumerate() {
        let head = entries.next();
        newest.extend(head.map(|(id, _)| (id, source)));
        heads.push(head);
    }
    let mut found: Vec<(EventId, Entry)> = Vec::with_capacity(most.min(64));
    while let Some((id, source)) = newest.pop() {
        // An entry is in several of the topics.
        if found.last().is_none_or(|(last, _)| *last != id) {
            if found.len() == most {
                break;
            }
            found.extend(heads[source].map(|(id, entry)| (id, entry.clone())));
        }
        heads[source] = sources[source].next();
        newest.extend(heads[source].map(|(id, _)| (id, source)));
    }
    found
}

#[cfg(test)]
mod tests {
    use market::{Bar, Event, Quote, Symbol};

    use super::*;
    use crate::{Draft, testing};

    fn symbol(n: usize) -> Symbol {
        format!("S{n}").parse().unwrap()
    }

    fn append(tape: &Tape, event: Event) -> EventId {
        tape.append_all(testing::START, |batch| Draft::new(event).append(batch))
    }

    fn bar(tape: &Tape, of: usize, minute: u64) -> EventId {
        let price = "1".parse().unwrap();
        append(
            tape,
            Event::Bar(Bar {
                symbol: symbol(of),
                start: minute * Bar::INTERVAL,
                open: price,
                high: price,
                low: price,
                close: price,
                volume: "1".parse().unwrap(),
                vwap: None,
                trades: 1,
            }),
        )
    }

    #[test]
    fn changes_are_read_whole_over_many_slices_and_from_a_position_on() {
        let tape = testing::tape();
        let count = 3 * SLICE_ENTRIES + 7;
        let quote = |n| append(&tape, Event::Quote(Quote::new(symbol(n), testing::START)));
        let ids: Vec<EventId> = (0..count).map(quote).collect();
        let read = |after| -> Vec<EventId> {
            changes(&tape, after)
                .into_iter()
                .map(|(id, _)| id)
                .collect()
        };
        assert_eq!(read(BEGINNING), ids);
        assert_eq!(read(ids[9]), ids[10..]);
        let again = quote(0);
        assert_eq!(read(*ids.last().unwrap()), [again]);
    }

    #[test]
    fn what_is_kept_of_several_topics_comes_newest_first_and_once() {
        let tape = testing::tape();
        let mut ids = Vec::new();
        for n in 0..2 * SLICE_ENTRIES {
            ids.push(bar(&tape, n % 5, n as u64));
        }
        let of = |topics: &[Topic], before| -> Vec<EventId> {
            Retained::before(&tape, topics, before)
                .map(|(id, _)| id)
                .collect()
        };
        let mut newest: Vec<EventId> = ids.clone();
        newest.reverse();
        // Each bar is of its symbol and of all.
        let topics = [Topic::Symbols, Topic::Symbol(symbol(3))];
        assert_eq!(of(&topics, END), newest);
        let two = [Topic::Symbol(symbol(1)), Topic::Symbol(symbol(4))];
        let expected: Vec<EventId> = newest
            .iter()
            .copied()
            .filter(|id| *id < ids[900])
            .filter(|id| [1, 4].contains(&(ids.binary_search(id).unwrap() % 5)))
            .collect();
        assert_eq!(of(&two, ids[900]), expected);
        assert_eq!(of(&[], END), []);
    }
}
