use market::{
    Event, Millis, Symbol,
    wire::{MAX_WATCHLIST, Topics},
};

use crate::lean::sorted::SortedSet;

/// How long a tab counts without a message. A hidden one may send only once a minute.
const COUNTS: Millis = 150_000;
/// How often a tab repeats what it wants.
const REPEAT: Millis = 30_000;
/// How long what a tab wanted is carried after its end, for tabs that reload.
const GRACE: Millis = 10_000;
/// After this many looks without a message the leader is asked for one: a hidden leader may not send any by itself.
const ASK: u32 = 2;
/// After this many the leader has not answered either, and its last message is outdated.
const SILENT: u32 = 4;
/// After this many the leader is replaced. A random number up to the second is added, so that not all tabs replace it
/// at once.
const GONE: (u32, u32) = (6, 4);

/// What a tab wants to receive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Wants {
    /// Everything.
    #[default]
    All,
    /// These symbols, and news of them.
    These(SortedSet<Symbol>),
}

impl Wants {
    fn include(&mut self, other: &Wants) {
        match (&mut *self, other) {
            (Wants::These(symbols), Wants::These(others)) => symbols.extend(others),
            _ => *self = Wants::All,
        }
    }

    /// The symbols for a request; `None` for all. A request for no symbols would be refused.
    pub(super) fn symbols(&self) -> Option<Vec<Symbol>> {
        match self {
            Wants::These(symbols) if !symbols.is_empty() => Some(symbols.iter().copied().collect()),
            _ => None,
        }
    }

    /// Whether it includes another.
    pub(super) fn covers(&self, other: &Wants) -> bool {
        match (self, other) {
            (Wants::All, _) => true,
            (Wants::These(symbols), Wants::These(others)) => others.is_subset(symbols),
            (Wants::These(_), Wants::All) => false,
        }
    }

    /// Whether it includes an event.
    pub(super) fn has(&self, event: &Event) -> bool {
        let Wants::These(symbols) = self else {
            return true;
        };
        match event.topics() {
            Topics::Market(symbol) => symbols.contains(&symbol),
            Topics::News(news) => news.symbols.iter().any(|symbol| symbols.contains(symbol)),
            Topics::Connection => true,
        }
    }
}

/// What a tab has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Nothing.
    Rest,
    /// Send what it wants. The leader answers with a beat.
    Hello,
    /// Replace a silent leader.
    Steal,
    /// As the leader: reopen the stream, which has to carry something else.
    Open,
}

/// How the sender of a leader's message ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// It is the current leader.
    Current,
    /// It is a former leader.
    Past,
    /// It is a newer leader, and this tab no longer leads.
    Deposed,
}

/// A tab among the tabs of a browser. One of them, the leader, has the stream. It carries what all of them want, and
/// the leader passes its events on.
///
/// A lock of the browser decides which tab leads. Each leader has a term, a number above those of all earlier leaders.
/// So messages of a leader that was frozen and resumes are distinguished from those of its successor.
#[derive(Debug)]
pub(super) struct Tabs {
    wants: Wants,
    leading: bool,
    term: Millis,
    /// What the stream carries, if that is known.
    carries: Option<Wants>,
    /// The ids of other tabs, what they want, and until when they count.
    others: Vec<(u64, Wants, Millis)>,
    /// How many looks have passed without a message from the leader.
    silent: u32,
    sent_at: Option<Millis>,
}

/// The id for what earlier leaders carried.
const PREDECESSOR: u64 = 0;
/// The id for all symbols, because a wanted one is not quoted.
const EVERYTHING: u64 = u64::MAX;
/// How long after that symbols are requested by name again.
const UNQUOTED: Millis = 60 * 60_000;

impl Tabs {
    /// A tab that follows the leader.
    pub(super) fn new(wants: Wants) -> Self {
        Tabs {
            wants,
            leading: false,
            term: 0,
            carries: None,
            others: Vec::new(),
            silent: 0,
            sent_at: None,
        }
    }

    /// What this tab wants.
    pub(super) fn wants(&self) -> &Wants {
        &self.wants
    }

    /// Whether it has the stream.
    pub(super) fn leads(&self) -> bool {
        self.leading
    }

    /// The term of the leader.
    pub(super) fn term(&self) -> Millis {
        self.term
    }

    /// What the stream carries; what this tab wants while that is unknown.
    pub(super) fn carries(&self) -> &Wants {
        self.carries.as_ref().unwrap_or(&self.wants)
    }

    /// Whether the stream is known to carry what this tab wants.
    pub(super) fn is_covered(&self) -> bool {
        let carries = self.carries.as_ref();
        carries.is_some_and(|carries| carries.covers(&self.wants))
    }

    /// Whether a message of the leader is overdue.
    pub(super) fn is_silent(&self) -> bool {
        !self.leading && self.silent >= SILENT
    }

    /// Changes what this tab wants.
    pub(super) fn want(&mut self, wants: Wants) {
        self.wants = wants;
        self.sent_at = None;
    }

    /// Makes this tab the leader.
    pub(super) fn lead(&mut self, now: Millis) {
        self.term = now.max(self.term + 1);
        self.leading = true;
        if let Some(carries) = self.carries.take() {
            self.count(PREDECESSOR, carries, now + GRACE);
        }
        self.carries = Some(self.wanted(now));
    }

    /// Makes this tab a follower.
    pub(super) fn follow(&mut self) {
        self.leading = false;
        self.silent = 0;
        self.sent_at = None;
    }

    /// Receives a message of a leader of this term. Returns how that leader ranks.
    pub(super) fn receive(&mut self, term: Millis) -> Rank {
        if term < self.term {
            return Rank::Past;
        }
        self.silent = 0;
        if term > self.term {
            self.term = term;
            self.carries = None;
            self.sent_at = None;
        }
        if self.leading {
            self.follow();
            return Rank::Deposed;
        }
        Rank::Current
    }

    /// Records what the leader's stream carries.
    pub(super) fn carried(&mut self, carries: Wants) {
        self.carries = Some(carries);
    }

    /// Records what a tab wants, and the term of the newest leader that it knows of.
    pub(super) fn joined(&mut self, tab: u64, wants: Wants, term: Millis, now: Millis) {
        self.count(tab, wants, now + COUNTS);
        if self.leading && term > self.term {
            // The clock of an earlier leader was ahead of this one's.
            self.term = term + 1;
        }
    }

    /// Records that a tab ended.
    pub(super) fn left(&mut self, tab: u64, now: Millis) {
        for (other, _, until) in &mut self.others {
            if *other == tab {
                *until = now + GRACE;
            }
        }
    }

    /// Makes the stream carry all symbols, because one of them is not quoted and a request that names it is refused: a
    /// restarted server may have other feeds, or they have sent nothing yet.
    pub(super) fn carry_all(&mut self, now: Millis) {
        self.count(EVERYTHING, Wants::All, now + UNQUOTED);
    }

    /// What this tab requests if it missed events.
    pub(super) fn asks(&self) -> &Wants {
        match self.carries() {
            // A request by name may be refused.
            Wants::All => &Wants::All,
            Wants::These(_) => &self.wants,
        }
    }

    /// Returns what this tab has to do now: after a second has `passed`, or after a message that needs an answer.
    pub(super) fn look(&mut self, now: Millis, passed: bool, chance: f64) -> Duty {
        self.others.retain(|(_, _, until)| *until > now);
        if self.leading {
            let wanted = self.wanted(now);
            if self.carries.as_ref() == Some(&wanted) {
                return Duty::Rest;
            }
            self.carries = Some(wanted);
            return Duty::Open;
        }
        self.silent += u32::from(passed);
        let (least, more) = GONE;
        if self.silent >= least + (f64::from(more) * chance) as u32 {
            self.silent = 0;
            return Duty::Steal;
        }
        let sent_at = self
            .sent_at
            .filter(|sent_at| now.saturating_sub(*sent_at) < REPEAT);
        if passed && (self.silent >= ASK || !self.is_covered()) || sent_at.is_none() {
            self.sent_at = Some(now);
            return Duty::Hello;
        }
        Duty::Rest
    }

    /// Records what a tab wants until a moment, in place of what it wanted before.
    fn count(&mut self, tab: u64, wants: Wants, until: Millis) {
        self.others.retain(|(other, ..)| *other != tab);
        self.others.push((tab, wants, until));
    }

    /// What all of them want.
    fn wanted(&self, now: Millis) -> Wants {
        let mut wanted = self.wants.clone();
        for (_, wants, until) in &self.others {
            if *until > now {
                wanted.include(wants);
            }
        }
        match &wanted {
            Wants::These(symbols) if symbols.len() > MAX_WATCHLIST && wanted != self.wants => {
                Wants::All
            }
            _ => wanted,
        }
    }
}

#[cfg(test)]
mod tests;
