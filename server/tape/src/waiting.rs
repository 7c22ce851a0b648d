//! Who waits for what. A cursor waits in a list of each of its topics; an append empties the lists
//! of the topics that it touches and wakes whom it finds there.
//!
//! A cursor that one topic has woken stays in the lists of its other topics, without a waker: so
//! waking costs one step a cursor, however many topics the cursor has, and a second append before
//! the cursor's turn finds the list empty.

use std::{collections::HashSet, task::Waker};

use slab::Slab;

/// The side of a cursor that is behind the lock.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) waker: Option<Waker>,
    pub(crate) seats: Vec<Seat>,
    /// The topics of `seats`, where they are many, so that naming one twice is noticed without a
    /// search.
    #[expect(
        clippy::box_collection,
        reason = "most readers have none, and there are many readers"
    )]
    topics: Option<Box<HashSet<usize>>>,
}

/// The most seats that are searched one by one.
const FEW: usize = 16;

/// A reader's place in one topic.
pub(crate) struct Seat {
    pub(crate) topic: usize,
    /// Where in which list of the topic it waits.
    pub(crate) waits: Option<(For, usize)>,
}

/// What a reader waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Any entry.
    Any,
    /// A retained entry: the reader waits for its interval to pass before it reads conflated ones.
    Retained,
}

/// The readers that wait for one topic, each as its number and the number of its seat.
#[derive(Default)]
pub(crate) struct Waits {
    any: Vec<(usize, usize)>,
    retained: Vec<(usize, usize)>,
}

impl Reader {
    /// Adds a topic; false if it is there already.
    pub(crate) fn add(&mut self, topic: usize) -> bool {
        let new = match &mut self.topics {
            Some(topics) => topics.insert(topic),
            None => self.seats.iter().all(|seat| seat.topic != topic),
        };
        if new {
            if self.topics.is_none() && self.seats.len() == FEW {
                let topics = self.seats.iter().map(|seat| seat.topic).chain([topic]);
                self.topics = Some(Box::new(topics.collect()));
            }
            self.seats.push(Seat { topic, waits: None });
        }
        new
    }

    /// Gives back what it has more of than its topics need: most have few, and never more.
    pub(crate) fn shrink(&mut self) {
        self.seats.shrink_to_fit();
    }

    /// Ends the waiting, if it waits: it has its turn now.
    pub(crate) fn wake_all(&mut self) -> Option<Waker> {
        self.waker.take()
    }

    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }
}

impl Waits {
    pub(crate) fn list(&mut self, what: For) -> &mut Vec<(usize, usize)> {
        match what {
            For::Any => &mut self.any,
            For::Retained => &mut self.retained,
        }
    }

    /// Moves the wakers of the cursors that wait for an entry out of their lists.
    pub(crate) fn drain(
        &mut self,
        readers: &mut Slab<Reader>,
        is_conflated: bool,
        wakers: &mut Vec<Waker>,
    ) {
        let retained = (!is_conflated).then_some(&mut self.retained);
        for list in [Some(&mut self.any), retained].into_iter().flatten() {
            for (reader, seat) in list.drain(..) {
                let reader = &mut readers[reader];
                reader.seats[seat].waits = None;
                wakers.extend(reader.waker.take());
            }
        }
    }

    /// Takes a seat out of the list where it waits; the last of the list moves to its place.
    pub(crate) fn leave(&mut self, readers: &mut Slab<Reader>, seat: &Seat) {
        let Some((what, index)) = seat.waits else {
            return;
        };
        let list = self.list(what);
        list.swap_remove(index);
        if let Some(&(reader, seat)) = list.get(index) {
            readers[reader].seats[seat].waits = Some((what, index));
        }
    }
}
