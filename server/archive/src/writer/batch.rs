use std::sync::Arc;

use tape::EventId;

use crate::{
    Failure,
    inbox::{Commit, Tick},
};

/// Data that was taken and is not on disk yet.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) ticks: Vec<Tick>,
    pub(super) commits: Vec<Commit>,
    /// How many of the ticks, and then of the events, are written already.
    pub(super) done: usize,
    /// How many are tried in one transaction after SQLite has refused more; otherwise all.
    pub(super) at_once: Option<usize>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.ticks.is_empty() && self.commits.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        let events = self.commits.iter().map(|commit| commit.events.len());
        self.ticks.len() + events.sum::<usize>()
    }

    /// How many are to be written in the next transaction.
    pub(super) fn next(&self) -> usize {
        let left = self.len() - self.done;
        self.at_once.map_or(left, |at_once| at_once.min(left))
    }

    /// Tries half as many. Returns whether there were more than one.
    pub(super) fn narrow(&mut self) -> bool {
        let next = self.next();
        self.at_once = Some(next.div_ceil(2));
        next > 1
    }

    /// Those of the next transaction are written.
    pub(super) fn written(&mut self) {
        self.done += self.next();
        // If one was refused, the others are most likely valid.
        self.at_once = self.at_once.map(|at_once| at_once.saturating_mul(2));
    }

    pub(super) fn is_written(&self) -> bool {
        self.done == self.len()
    }

    /// An event by its place behind the ticks.
    pub(super) fn event(&self, place: usize) -> Option<&(EventId, Arc<market::Event>)> {
        let place = place.checked_sub(self.ticks.len())?;
        self.commits
            .iter()
            .flat_map(|commit| &commit.events)
            .nth(place)
    }

    pub(super) fn answer(&mut self, answer: &Result<(), Failure>) {
        (self.done, self.at_once) = (0, None);
        self.ticks.clear();
        for commit in self.commits.drain(..) {
            let _ = commit.answer.send(answer.clone());
        }
    }
}
