use market::{
    Event, Millis, Symbol,
    wire::{MAX_WATCHLIST, Topics},
};

use crate::lean::sorted::SortedSet;

/// How long a tab counts that says nothing: a hidden one may say something once a minute.
const COUNTS: Millis = 150_000;
/// How often a tab says what it wants.
const REPEAT: Millis = 30_000;
/// How long what a tab wanted is still carried after its end, as when it is loaded anew.
const GRACE: Millis = 10_000;
/// After so many looks without a word the leader is asked whether it is there: a hidden one may not
/// say so by itself.
const ASK: u32 = 2;
/// After so many it has not answered either, and what it said last is no longer true.
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
    /// Say what it wants, which the leader answers.
    Hello,
    /// Take the place of a leader that says nothing.
    Steal,
    /// As the leader: open the stream anew, which has to carry something else.
    Open,
}

/// What a word of a leader is worth.
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
/// Who leads is decided by a lock of the browser, and told here. Each leader has a term, a number
/// above those before it: so one that was frozen, and goes on as if nothing had happened, is known for
/// what it is.
#[derive(Debug)]
pub(super) struct Tabs {
    wants: Wants,
    leading: bool,
    term: Millis,
    /// What the stream carries, as far as that is known.
    carries: Option<Wants>,
    /// What the others want, and until when they count.
    others: Vec<(u64, Wants, Millis)>,
    /// How many looks have passed without a word from the leader.
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

    /// What the stream carries; what this tab wants as long as nobody has said it.
    pub(super) fn carries(&self) -> &Wants {
        self.carries.as_ref().unwrap_or(&self.wants)
    }

    /// Whether the stream is known to carry what this tab wants.
    pub(super) fn is_covered(&self) -> bool {
        let carries = self.carries.as_ref();
        carries.is_some_and(|carries| carries.covers(&self.wants))
    }

    /// Whether the leader should have said something.
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

    /// A leader said something.
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

    /// The leader said what the stream carries.
    pub(super) fn carried(&mut self, carries: Wants) {
        self.carries = Some(carries);
    }

    /// A tab said what it wants, and which leader it knows of.
    pub(super) fn joined(&mut self, tab: u64, wants: Wants, term: Millis, now: Millis) {
        self.count(tab, wants, now + COUNTS);
        if self.leading && term > self.term {
            // It heard of a leader whose clock was ahead of this one's.
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
    /// feeds, or they have not spoken yet. It is refused with that symbol named, and so carries all from now on.
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

    /// A second passed, or something was said that calls for an answer.
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
mod tests {
    use super::*;
    use crate::{
        format::figures::tests::{quote, symbol},
        news::list::tests::news,
    };

    fn these(names: &[&str]) -> Wants {
        Wants::These(names.iter().map(|name| symbol(name)).collect())
    }

    /// A tab that knows a leader whose stream carries what it wants.
    fn follower() -> Tabs {
        let mut tabs = Tabs::new(these(&["GOOG"]));
        assert_eq!(tabs.look(0, false, 0.0), Duty::Hello);
        assert_eq!(tabs.heard(7_000), Rank::Current);
        tabs.carried(these(&["AAPL", "GOOG"]));
        assert_eq!(tabs.look(0, false, 0.0), Duty::Hello, "to a new leader");
        tabs
    }

    #[test]
    fn has_what_it_wants_and_news_of_it() {
        let wants = these(&["GOOG"]);
        let goog = Event::Quote(quote("GOOG", 1, "5"));
        let aapl = Event::Quote(quote("AAPL", 1, "5"));
        assert!(wants.has(&goog) && !wants.has(&aapl) && Wants::All.has(&aapl));
        let mut story = news("a");
        assert!(!wants.has(&Event::News(story.clone())));
        assert!(Wants::All.has(&Event::News(story.clone())));
        story.symbols = vec![symbol("AAPL"), symbol("GOOG")];
        assert!(wants.has(&Event::News(story)));
        assert!(Wants::All.covers(&wants) && !wants.covers(&Wants::All));
        assert!(these(&["AAPL", "GOOG"]).covers(&wants) && !wants.covers(&these(&["AAPL"])));
        assert_eq!(wants.symbols(), Some(vec![symbol("GOOG")]));
        assert_eq!((these(&[]).symbols(), Wants::All.symbols()), (None, None));
    }

    #[test]
    fn what_is_refused_by_its_name_comes_with_all_for_an_hour() {
        let mut tabs = Tabs::new(these(&["GOOG"]));
        tabs.lead(7_000);
        assert_eq!(tabs.look(7_000, true, 0.0), Duty::Rest);
        tabs.carry_all(8_000);
        assert_eq!(tabs.look(8_000, false, 0.0), Duty::Open);
        assert_eq!((tabs.carries(), tabs.asks()), (&Wants::All, &Wants::All));
        assert_eq!(tabs.wants(), &these(&["GOOG"]));
        // Said again, as by an answer that comes late: nothing has to be opened anew.
        tabs.carry_all(9_000);
        assert_eq!(tabs.look(8_000 + UNQUOTED, true, 0.0), Duty::Rest);
        assert_eq!(tabs.look(9_000 + UNQUOTED, true, 0.0), Duty::Open);
        assert_eq!(tabs.carries(), &these(&["GOOG"]));
        assert_eq!(tabs.asks(), &these(&["GOOG"]));
    }

    #[test]
    fn a_leader_that_says_nothing_is_asked_and_then_replaced() {
        let mut tabs = follower();
        let mut duties = Vec::new();
        for second in 1..=6 {
            duties.push(tabs.look(second * 1_000, true, 0.0));
        }
        use Duty::{Hello, Rest, Steal};
        assert_eq!(duties, [Rest, Hello, Hello, Hello, Hello, Steal]);
        // Chance puts it off, and each word of the leader begins anew.
        let mut tabs = follower();
        for second in 1..=8 {
            assert_ne!(tabs.look(second * 1_000, true, 0.99), Steal);
            assert_eq!(tabs.is_silent(), second >= 4);
        }
        assert_eq!(tabs.heard(7_000), Rank::Current);
        assert!(!tabs.is_silent());
        assert_eq!(tabs.look(10_000, true, 0.0), Rest);
    }

    #[test]
    fn an_hour_of_sleep_is_one_look() {
        let mut tabs = follower();
        assert_eq!(tabs.look(3_600_000, true, 0.0), Duty::Hello);
        assert!(!tabs.is_silent());
        assert_ne!(tabs.look(7_200_000, true, 0.0), Duty::Steal);
    }

    #[test]
    fn says_again_what_it_wants_now_and_then_and_as_long_as_the_stream_does_not_carry_it() {
        let mut tabs = follower();
        tabs.heard(7_000);
        assert_eq!(tabs.look(29_999, true, 0.0), Duty::Rest);
        tabs.heard(7_000);
        assert_eq!(tabs.look(30_000, true, 0.0), Duty::Hello);
        tabs.want(these(&["GOOG", "NVDA"]));
        assert_eq!(tabs.look(30_100, false, 0.0), Duty::Hello);
        assert!(!tabs.is_covered());
        tabs.heard(7_000);
        assert_eq!(tabs.look(31_100, true, 0.0), Duty::Hello);
        tabs.carried(Wants::All);
        tabs.heard(7_000);
        assert_eq!(tabs.look(32_100, true, 0.0), Duty::Rest);
    }

    #[test]
    fn a_leader_of_before_is_no_leader_and_another_one_deposes() {
        let mut tabs = follower();
        assert_eq!(tabs.heard(6_999), Rank::Past);
        assert!(tabs.is_covered());
        assert_eq!(tabs.heard(7_001), Rank::Current);
        assert!(!tabs.is_covered(), "of another stream nothing is known");
        // Its clock is behind that of nobody before it.
        tabs.lead(5_000);
        assert!(tabs.leads());
        assert_eq!(tabs.term(), 7_002);
        assert_eq!(tabs.heard(7_001), Rank::Past);
        assert!(tabs.leads());
        assert_eq!(tabs.heard(9_000), Rank::Deposed);
        assert!(!tabs.leads());
        // Somebody knows of a leader from the future.
        tabs.lead(9_500);
        tabs.joined(3, Wants::All, 20_000, 9_600);
        assert_eq!(tabs.term(), 20_001);
        tabs.joined(3, Wants::All, 20_001, 9_700);
        assert_eq!(tabs.term(), 20_001);
    }

    #[test]
    fn the_stream_carries_what_all_of_them_want_as_long_as_they_are_there() {
        let mut tabs = follower();
        tabs.lead(10_000);
        // What the leader before carried goes on for a while, so that nobody has to wait for it.
        assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG"]));
        assert_eq!(tabs.look(11_000, true, 0.0), Duty::Rest);
        tabs.joined(5, these(&["AAPL"]), tabs.term(), 12_000);
        tabs.joined(6, these(&["NVDA"]), tabs.term(), 12_000);
        assert_eq!(tabs.look(12_000, false, 0.0), Duty::Open);
        assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG", "NVDA"]));
        tabs.left(6, 20_000);
        assert_eq!(tabs.look(29_999, true, 0.0), Duty::Rest);
        assert_eq!(tabs.look(30_000, true, 0.0), Duty::Open);
        assert_eq!(*tabs.carries(), these(&["AAPL", "GOOG"]));
        // The other one says nothing any more.
        assert_eq!(tabs.look(12_000 + COUNTS, true, 0.0), Duty::Open);
        assert_eq!(*tabs.carries(), these(&["GOOG"]));
    }

    #[test]
    fn more_than_a_request_may_name_is_asked_for_as_all() {
        let names: Vec<String> = (0..MAX_WATCHLIST)
            .map(|number| format!("S{number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut tabs = Tabs::new(these(&["GOOG"]));
        tabs.lead(1_000);
        tabs.joined(5, these(&names), 0, 1_000);
        assert_eq!(tabs.look(1_000, false, 0.0), Duty::Open);
        assert_eq!(*tabs.carries(), Wants::All);
        // A person's own list is as long as they want.
        let mut tabs = Tabs::new(these(&[&names[..], &["GOOG"]].concat()));
        tabs.lead(1_000);
        assert_eq!(tabs.carries(), tabs.wants());
    }
}
