use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use reqwest::Url;

use crate::{Publisher, kit::fetch};

/// A feed's records about subjects, up to the capacity: of those that it met last.
#[derive(Debug)]
pub(crate) struct Seen<K, V> {
    subjects: HashMap<K, V>,
    // In the order in which they were first met.
    order: VecDeque<K>,
    capacity: usize,
}

impl<K: Clone + Eq + Hash, V> Seen<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Seen {
            subjects: HashMap::new(),
            order: VecDeque::new(),
            capacity,
        }
    }

    pub(crate) fn get(&self, subject: &K) -> Option<&V> {
        self.subjects.get(subject)
    }

    pub(crate) fn get_mut(&mut self, subject: &K) -> Option<&mut V> {
        self.subjects.get_mut(subject)
    }

    /// Records this for a subject, in place of its earlier record.
    pub(crate) fn insert(&mut self, subject: K, what: V) {
        if self.subjects.insert(subject.clone(), what).is_some() {
            return;
        }
        self.order.push_back(subject);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.subjects.remove(&oldest);
        }
    }
}

/// The faults that a polling feed has counted already: a fault is in every document until its source corrects it, and
/// counts once.
#[derive(Debug)]
pub(crate) struct Reported(Seen<String, ()>);

impl Reported {
    /// A memory of at most so many reports.
    pub(crate) fn new(capacity: usize) -> Self {
        Reported(Seen::new(capacity))
    }

    /// Whether this is reported for the first time.
    pub(crate) fn is_new(&mut self, what: &str) -> bool {
        let is_new = self.0.get(&what.to_owned()).is_none();
        if is_new {
            self.0.insert(what.to_owned(), ());
        }
        is_new
    }

    /// Counts the faults of a document from this address that was parsed all the same.
    pub(crate) fn faults(&mut self, faults: &[String], address: &Url, publisher: &Publisher) {
        for fault in faults {
            if self.is_new(fault) {
                publisher.mended(&format_args!("{}: {fault}", fetch::place(address)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_nothing_is_twice() {
        let mut seen = Seen::new(2);
        for (subject, what) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            seen.insert(subject, what);
        }
        assert_eq!(seen.get(&"a"), None);
        assert_eq!((seen.get(&"b"), seen.get(&"c")), (Some(&2), Some(&4)));
        *seen.get_mut(&"b").unwrap() = 5;
        assert_eq!(seen.get(&"b"), Some(&5));
        assert_eq!((seen.subjects.len(), seen.order.len()), (2, 2));
    }
    #[test]
    fn a_report_is_new_once() {
        let mut reported = Reported::new(2);
        let new: Vec<bool> = ["a", "a", "b", "c", "a"]
            .map(|what| reported.is_new(what))
            .into();
        assert_eq!(new, [true, false, true, true, true]);
    }
}
