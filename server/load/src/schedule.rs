//! When events are due, how old a subscriber's newest event is, and which are in flight. Moments are in nanoseconds
//! since the start of the program.

use std::{collections::VecDeque, time::Duration};

/// Events at even distances, whether or not the publisher manages to send them so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: u64,
    a_second: f64,
}

impl Schedule {
    pub(crate) fn new(start: u64, a_second: f64) -> Self {
        Schedule { start, a_second }
    }

    /// When the event of this place is due; the first has place 0.
    pub(crate) fn due(&self, place: u32) -> u64 {
        self.start + (f64::from(place) * 1e9 / self.a_second) as u64
    }

    /// How many events are due within a time.
    pub(crate) fn count(&self, time: Duration) -> u32 {
        (time.as_secs_f64() * self.a_second).round() as u32
    }

    /// The age of a subscriber that has received all events before this place: the time since the first missing event
    /// was due. A subscriber with every due event is not behind at all.
    pub(crate) fn age(&self, unseen: u32, now: u64) -> u64 {
        now.saturating_sub(self.due(unseen))
    }
}

/// The events that have not reached every subscriber.
#[derive(Debug)]
pub(crate) struct Flight {
    subscribers: u32,
    /// The place of the first event in `missing`.
    first: u32,
    /// How many subscribers each event has still to reach, the oldest event first; it is not 0 there.
    missing: VecDeque<u32>,
    complete: u32,
}

impl Flight {
    pub(crate) fn new(subscribers: u32) -> Self {
        Flight {
            subscribers,
            first: 0,
            missing: VecDeque::new(),
            complete: 0,
        }
    }

    /// The event of the next place is on its way.
    pub(crate) fn publish(&mut self) {
        self.missing.push_back(self.subscribers);
    }

    /// A subscriber has received the event of this place.
    pub(crate) fn receive(&mut self, place: u32) {
        let Some(missing) = place
            .checked_sub(self.first)
            .and_then(|index| self.missing.get_mut(index as usize))
        else {
            return;
        };
        if *missing > 0 {
            *missing -= 1;
            self.complete += u32::from(*missing == 0);
        }
        while self.missing.front() == Some(&0) {
            self.missing.pop_front();
            self.first += 1;
            self.complete -= 1;
        }
    }

    /// How many events have not reached every subscriber.
    pub(crate) fn len(&self) -> u32 {
        self.missing.len() as u32 - self.complete
    }
}

/// The receipts of events that each subscriber must receive, once and in order.
#[derive(Debug)]
pub(crate) struct Receipts {
    /// The place of the event that each subscriber receives next.
    next: Vec<u32>,
    /// The sequence number of place 0.
    base: u32,
    pub(crate) received: u64,
    pub(crate) twice: u64,
    pub(crate) missed: u64,
}

impl Receipts {
    pub(crate) fn new(subscribers: usize, base: u32) -> Self {
        Receipts {
            next: vec![0; subscribers],
            base,
            received: 0,
            twice: 0,
            missed: 0,
        }
    }

    /// The place of an event that counts; `None` for one from before these, or a duplicate.
    pub(crate) fn receive(&mut self, subscriber: usize, sequence: u32) -> Option<u32> {
        let place = sequence.checked_sub(self.base)?;
        let next = &mut self.next[subscriber];
        if place < *next {
            self.twice += 1;
            return None;
        }
        self.missed += u64::from(place - *next);
        self.received += 1;
        *next = place + 1;
        Some(place)
    }

    /// For each subscriber the place of the first event that it has not received.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = u32> {
        self.next.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_due_at_even_distances() {
        let schedule = Schedule::new(500, 4.0);
        assert_eq!(schedule.due(0), 500);
        assert_eq!(schedule.due(6), 1_500_000_500);
        assert_eq!(schedule.count(Duration::from_millis(2_500)), 10);
    }

    #[test]
    fn age_is_the_time_since_the_first_unseen_event_was_due() {
        let schedule = Schedule::new(0, 1_000.0);
        let now = 5_500_000;
        // Places 0 to 5 are due. A subscriber with all of them is not behind, nor one that is ahead by a rounding.
        assert_eq!(schedule.age(6, now), 0);
        assert_eq!(schedule.age(7, now), 0);
        // One with 0 to 4 has been behind since 5 was due, and so on.
        assert_eq!(schedule.age(5, now), 500_000);
        assert_eq!(schedule.age(0, now), now);
    }

    #[test]
    fn an_event_is_in_flight_until_everybody_has_it() {
        let mut flight = Flight::new(2);
        for _ in 0..3 {
            flight.publish();
        }
        assert_eq!(flight.len(), 3);
        for place in [0, 1, 1] {
            flight.receive(place);
        }
        assert_eq!(flight.len(), 2, "the second is complete before the first");
        flight.receive(1);
        assert_eq!(flight.len(), 2, "more often than there are subscribers");
        flight.receive(0);
        assert_eq!(flight.len(), 1);
        flight.receive(0);
        flight.receive(7);
        assert_eq!(flight.len(), 1, "an event that is not in flight");
        flight.publish();
        for place in [2, 3, 3, 2] {
            flight.receive(place);
        }
        assert_eq!(flight.len(), 0);
    }

    #[test]
    fn receipts_show_duplicates_and_missing_events() {
        let mut receipts = Receipts::new(2, 100);
        assert_eq!(receipts.receive(0, 99), None);
        for sequence in [100, 101, 101, 104] {
            receipts.receive(0, sequence);
        }
        assert_eq!(receipts.receive(1, 100), Some(0));
        assert_eq!(
            (receipts.received, receipts.twice, receipts.missed),
            (4, 1, 2)
        );
        assert_eq!(receipts.unseen().collect::<Vec<_>>(), [5, 1]);
    }
}
