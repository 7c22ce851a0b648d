use market::{
    Event, Millis, Symbol,
    wire::{MAX_WATCHLIST, Topics},
};

use crate::lean::sorted::SortedSet;

/// How long a tab counts that sends nothing: a hidden one may send something once a minute.
const COUNTS: Millis = 150_000;
/// How often a tab sends what it wants.
const REPEAT: Millis = 30_000;
/// How long what a tab wanted is still carried after its end, as when it is loaded anew.
const GRACE: Millis = 10_000;
/// After so many looks without a message the leader is asked whether it is there: a hidden one may not
/// send any by itself.
const ASK: u32 = 2;
/// After so many it has not answered either, and its last message is no longer true.
const SILENT: u32 = 4;
/// After so many it is not, and chance adds some, so that not all tabs take its place at once.
const GONE: (u32, u32) = (6, 4);

/// What a tab listens to.
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

    /// As requests name it. One for nothing would be refused.
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

    /// Whether an event is of it.
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
    /// Send what it wants, which the leader answers.
    Hello,
    /// Take the place of a leader that is silent.
    Steal,
    /// As the leader: open the stream anew, which has to carry something else.
    Open,
}

/// What a message of a leader is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// It is that of the leader.
    Current,
    /// It is that of one whose time is over.
    Past,
    /// It is that of another leader, and this tab is none any more.
    Deposed,
}

/// A tab among the tabs of a browser. One of them, the leader, has the stream, which carries what all
/// of them want, and passes it on.
///
/// A lock of the browser decides which tab leads. Each leader has a term, a number above those before it: so the
/// messages of a leader that was frozen and goes on can be told from those of its successor.
#[derive(Debug)]
pub(super) struct Tabs {
    wants: Wants,
    leading: bool,
    term: Millis,
    /// What the stream carries, as far as that is known.
    carries: Option<Wants>,
    /// What the others want, and until when they count.
    others: Vec<(u64, Wants, Millis)>,
    /// How many looks have passed without a message from the leader.
    silent: u32,
    said: Option<Millis>,
}

/// What the leaders before wanted, in place of a tab.
const PREDECESSOR: u64 = 0;
/// In place of a tab, all, because one of the symbols that are wanted is not quoted.
const EVERYTHING: u64 = u64::MAX;
/// How long after that the symbols are asked for by their names again.
const UNQUOTED: Millis = 60 * 60_000;

impl Tabs {
    /// A tab that follows whoever leads.
    pub(super) fn new(wants: Wants) -> Self {
        Tabs {
            wants,
            leading: false,
            term: 0,
            carries: None,
            others: Vec::new(),
            silent: 0,
            said: None,
        }
    }

    /// What this tab listens to.
    pub(super) fn wants(&self) -> &Wants {
        &self.wants
    }

    /// Whether it has the stream.
    pub(super) fn leads(&self) -> bool {
        self.leading
    }

    /// The number of the leader.
    pub(super) fn term(&self) -> Millis {
        self.term
    }

    /// What the stream carries; what this tab wants as long as that is unknown.
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

    /// From now on this tab listens to something else.
    pub(super) fn want(&mut self, wants: Wants) {
        self.wants = wants;
        self.said = None;
    }

    /// From now on this tab leads.
    pub(super) fn lead(&mut self, now: Millis) {
        self.term = now.max(self.term + 1);
        self.leading = true;
        if let Some(carries) = self.carries.take() {
            self.count(PREDECESSOR, carries, now + GRACE);
        }
        self.carries = Some(self.wanted(now));
    }

    /// From now on this tab follows.
    pub(super) fn follow(&mut self) {
        self.leading = false;
        self.silent = 0;
        self.said = None;
    }

    /// A message of a leader came.
    pub(super) fn heard(&mut self, term: Millis) -> Rank {
        if term < self.term {
            return Rank::Past;
        }
        self.silent = 0;
        if term > self.term {
            self.term = term;
            self.carries = None;
            self.said = None;
        }
        if self.leading {
            self.follow();
            return Rank::Deposed;
        }
        Rank::Current
    }

    /// The leader sent what the stream carries.
    pub(super) fn carried(&mut self, carries: Wants) {
        self.carries = Some(carries);
    }

    /// A tab sent what it wants, and the newest leader that it has a message of.
    pub(super) fn joined(&mut self, tab: u64, wants: Wants, term: Millis, now: Millis) {
        self.count(tab, wants, now + COUNTS);
        if self.leading && term > self.term {
            // The clock of an earlier leader was ahead of this one's.
            self.term = term + 1;
        }
    }

    /// A tab ended.
    pub(super) fn left(&mut self, tab: u64, now: Millis) {
        for (other, _, until) in &mut self.others {
            if *other == tab {
                *until = now + GRACE;
            }
        }
    }

    /// One of the symbols that the stream carries is not quoted: a server that was started again may have other
    /// feeds, or they have sent nothing yet. It is refused with that symbol named, and so carries all from now on.
    pub(super) fn carry_all(&mut self, now: Millis) {
        self.count(EVERYTHING, Wants::All, now + UNQUOTED);
    }

    /// What this tab asks for where it missed something.
    pub(super) fn asks(&self) -> &Wants {
        match self.carries() {
            // What it wants may be refused.
            Wants::All => &Wants::All,
            Wants::These(_) => &self.wants,
        }
    }

    /// A second passed, or a message came that calls for an answer.
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
        let said = self.said.filter(|said| now.saturating_sub(*said) < REPEAT);
        if passed && (self.silent >= ASK || !self.is_covered()) || said.is_none() {
            self.said = Some(now);
            return Duty::Hello;
        }
        Duty::Rest
    }

    /// What a tab wants counts until a moment, in place of what it wanted before.
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
