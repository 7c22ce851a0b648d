//! The waiting cursors of each topic. A cursor waits in a list of each of its topics; an append empties the lists of
//! its topics and wakes the cursors in them.
//!
//! A cursor that one topic has woken stays in the lists of its other topics, without a waker. So waking costs one step
//! per cursor, however many topics the cursor has, and a second append before the cursor's turn finds the list empty.

use std::{collections::HashSet, task::Waker};

use slab::Slab;

/// The part of a cursor that is behind the lock.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) waker: Option<Waker>,
    pub(crate) seats: Vec<Seat>,
    /// The topics of `seats`, if they are many, so that a topic named twice is found without a search.
    #[expect(
        clippy::box_collection,
        reason = "most readers have none, and there are many readers"
    )]
    topics: Option<Box<HashSet<usize>>>,
}

/// The largest number of seats that are searched one by one.
const FEW: usize = 16;

/// A reader's place in one topic.
pub(crate) struct Seat {
    pub(crate) topic: usize,
    /// Its list and its place in it.
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
    /// Adds a topic; returns false if it is there already.
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

    /// Releases memory that its topics do not need: most readers have few, and never more.
    pub(crate) fn shrink(&mut self) {
        self.seats.shrink_to_fit();
    }

    /// Ends the waiting, if it waits, because its turn has come.
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

    /// Removes a seat from the list in which it waits; the last of the list takes its place.
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
