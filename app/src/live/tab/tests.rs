//! A random simulation of the tabs of a browser, a server, and what can happen between them.

use std::collections::VecDeque;

use market::EventKind;

use super::*;
use crate::format::figures::tests::symbol;

const SYMBOLS: [&str; 4] = ["AAPL", "GOOG", "MSFT", "NVDA"];

/// Random numbers, the same ones from the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// The number of a symbol in [`SYMBOLS`].
type Traded = usize;

/// A pending poll: its number, and the answer once the server has sent it.
struct Poll {
    question: u32,
    answer: Option<(Vec<(u64, Traded)>, u64)>,
}

struct Page {
    number: usize,
    tab: Tab<Traded>,
    start: u64,
    taken: Vec<u64>,
    /// The position of its stream, while it leads.
    stream: Option<u64>,
    poll: Option<Poll>,
    inbox: VecDeque<Message<Traded>>,
    frozen: bool,
    /// Whether the loss of its lock has yet to be delivered.
    robbed: bool,
}

struct Browser {
    chance: Chance,
    now: Millis,
    tape: Vec<(u64, Traded)>,
    pages: Vec<Page>,
    opened: usize,
    /// The page that has the lock. All others wait for it in the order of their numbers.
    holder: Option<usize>,
}

fn text(id: u64) -> String {
    format!("{id}-0")
}

fn number(id: &str) -> u64 {
    id.trim_end_matches("-0").parse().unwrap()
}

fn wants(chance: &mut Chance) -> Wants {
    match chance.below(16) {
        0 => Wants::All,
        set => Wants::These(
            (0..SYMBOLS.len())
                .filter(|traded| set >> traded & 1 == 1)
                .map(|traded| symbol(SYMBOLS[traded]))
                .collect(),
        ),
    }
}

fn has(wants: &Wants, traded: Traded) -> bool {
    match wants {
        Wants::All => true,
        Wants::These(symbols) => symbols.contains(&symbol(SYMBOLS[traded])),
    }
}

impl Browser {
    fn new(seed: u64) -> Self {
        Browser {
            chance: Chance(seed),
            now: 1_000_000,
            tape: vec![(1, 0)],
            pages: Vec::new(),
            opened: 0,
            holder: None,
        }
    }

    fn last(&self) -> u64 {
        self.tape.last().unwrap().0
    }

    fn append(&mut self) {
        let id = self.last() + 1 + self.chance.below(3) as u64;
        let traded = self.chance.below(SYMBOLS.len());
        self.tape.push((id, traded));
    }

    fn open(&mut self) {
        self.opened += 1;
        let wants = wants(&mut self.chance);
        let start = self.last();
        self.pages.push(Page {
            number: self.opened,
            tab: Tab::new(self.opened as u64, wants, text(start)),
            start,
            taken: Vec::new(),
            stream: None,
            poll: None,
            inbox: VecDeque::new(),
            frozen: false,
            robbed: false,
        });
        // Events may be appended before its first turn.
        for _ in 0..self.chance.below(3) {
            self.append();
        }
    }

    fn close(&mut self, at: usize) {
        let page = self.pages.remove(at);
        if self.holder == Some(page.number) {
            self.holder = None;
        }
        // A tab that crashes sends no message.
        if self.chance.below(2) == 0 {
            self.post(None, &page.tab.bye());
        }
    }

    fn post(&mut self, from: Option<usize>, message: &Message<Traded>) {
        for page in &mut self.pages {
            if Some(page.number) != from {
                page.inbox.push_back(message.clone());
            }
        }
    }

    fn beat(&mut self, at: usize) {
        let page = &self.pages[at];
        let (tabs, number) = (&page.tab.tabs, page.number);
        let beat = Message::Beat(Beat {
            term: tabs.term(),
            position: text(page.stream.unwrap()),
            carries: tabs.carries().clone(),
            state: State::Live { delay: None },
            received_at: self.now,
            server_time: None,
        });
        self.post(Some(number), &beat);
    }

    fn grant(&mut self) {
        if self.holder.is_some() {
            return;
        }
        let waiting = self
            .pages
            .iter()
            .position(|page| !page.frozen && !page.robbed);
        if let Some(at) = waiting {
            self.lead(at);
        }
    }

    fn lead(&mut self, at: usize) {
        let page = &mut self.pages[at];
        self.holder = Some(page.number);
        page.tab.lead(self.now);
        page.stream = Some(number(page.tab.reader.position()));
        self.beat(at);
    }

    fn look(&mut self, at: usize, passed: bool) {
        let chance = self.chance.below(100) as f64 / 100.0;
        let page = &mut self.pages[at];
        let from = page.number;
        match page.tab.look(self.now, passed, chance) {
            Duty::Hello => {
                let hello = page.tab.hello();
                self.post(Some(from), &hello);
            }
            Duty::Steal => {
                let holder = self.holder;
                for page in &mut self.pages {
                    page.robbed |= Some(page.number) == holder;
                }
                self.lead(at);
            }
            Duty::Open | Duty::Rest => {}
        }
        if self.pages[at].tab.tabs.leads() {
            self.beat(at);
        }
        let page = &mut self.pages[at];
        if let Some(question) = page.tab.reader.ask(self.now) {
            page.poll = Some(Poll {
                question,
                answer: None,
            });
        }
    }

    fn take(&mut self, at: usize, id: u64, traded: Traded) {
        let page = &mut self.pages[at];
        if has(page.tab.tabs.wants(), traded) {
            assert!(
                page.taken.last().is_none_or(|last| *last < id),
                "{id} twice"
            );
            page.taken.push(id);
        }
    }

    fn deliver(&mut self, at: usize) {
        let page = &mut self.pages[at];
        let Some(message) = page.inbox.pop_front() else {
            return;
        };
        match page.tab.receive(message, self.now) {
            Answer::None | Answer::Show(_) => {}
            Answer::Take(passed) => self.take(at, number(&passed.id), passed.data),
            Answer::Look => self.look(at, false),
            Answer::Depose => self.depose(at),
        }
    }

    fn depose(&mut self, at: usize) {
        let page = &mut self.pages[at];
        page.tab.tabs.follow();
        page.stream = None;
        if self.holder == Some(page.number) {
            self.holder = None;
        }
    }

    /// The leader's stream sends its next event.
    fn stream(&mut self, at: usize) {
        let page = &mut self.pages[at];
        let Some(position) = page.stream else { return };
        let carries = page.tab.tabs.carries();
        let next = self
            .tape
            .iter()
            .find(|(id, traded)| *id > position && has(carries, *traded));
        let Some(&(id, traded)) = next else { return };
        page.stream = Some(id);
        let passed = Passed {
            before: text(position),
            id: text(id),
            kind: Some(EventKind::News),
            data: traded,
        };
        let (term, from) = (page.tab.tabs.term(), page.number);
        let taken = page.tab.accept(passed.clone());
        self.post(Some(from), &Message::Passed { term, passed });
        if let Some(passed) = taken {
            self.take(at, id, passed.data);
        }
    }

    /// The server answers a poll, or the answer arrives or fails.
    fn poll(&mut self, at: usize) {
        let cut = 1 + self.chance.below(8);
        let fails = self.chance.below(4) == 0;
        let last = self.last();
        let page = &mut self.pages[at];
        let Some(poll) = &mut page.poll else { return };
        let question = poll.question;
        let Some((events, position)) = poll.answer.take() else {
            let after = number(page.tab.reader.position());
            let mut own: Vec<_> = self
                .tape
                .iter()
                .copied()
                .filter(|(id, traded)| *id > after && has(page.tab.tabs.wants(), *traded))
                .collect();
            // An answer is limited in length.
            let position = own.get(cut).map_or(last, |_| own[cut - 1].0);
            own.truncate(cut);
            poll.answer = Some((own, position));
            return;
        };
        page.poll = None;
        if fails {
            page.tab.reader.unanswered(question, self.now);
            return;
        }
        let Some(waited) = page.tab.answered(question, &text(position)) else {
            return;
        };
        for (id, traded) in events {
            self.take(at, id, traded);
        }
        for passed in waited {
            self.take(at, number(&passed.id), passed.data);
        }
    }

    fn step(&mut self) {
        let what = self.chance.below(100);
        let at = self.chance.below(self.pages.len().max(1));
        let awake = self.pages.get(at).is_some_and(|page| !page.frozen);
        match what {
            0..20 => self.append(),
            20..22 if self.pages.len() < 5 => self.open(),
            22 if !self.pages.is_empty() => self.close(at),
            23..25 if !self.pages.is_empty() => self.pages[at].frozen ^= true,
            25..30 => self.grant(),
            30..45 if awake => {
                self.now += 200;
                self.look(at, true);
            }
            45..70 if awake => self.deliver(at),
            70..85 if awake => self.stream(at),
            85..97 if awake => self.poll(at),
            97..100 if awake && self.pages[at].robbed => {
                self.pages[at].robbed = false;
                if self.holder != Some(self.pages[at].number) {
                    self.depose(at);
                }
            }
            _ => {}
        }
    }

    /// Wakes all pages and appends nothing, until all messages are delivered.
    fn settle(&mut self) {
        for page in &mut self.pages {
            page.frozen = false;
        }
        for _ in 0..400 {
            self.now += 1_000;
            for at in 0..self.pages.len() {
                if std::mem::take(&mut self.pages[at].robbed)
                    && self.holder != Some(self.pages[at].number)
                {
                    self.depose(at);
                }
                while !self.pages[at].inbox.is_empty() {
                    self.deliver(at);
                }
                for _ in 0..20 {
                    self.stream(at);
                }
                self.poll(at);
                self.look(at, true);
            }
            self.grant();
        }
    }
}

#[test]
fn whatever_becomes_of_the_others_each_tab_takes_all_that_it_wants_once_and_in_order() {
    let mut takeovers = 0;
    let mut taken = 0;
    for seed in 0..100 {
        let mut browser = Browser::new(seed);
        let mut holder = None;
        for _ in 0..3_000 {
            browser.step();
            takeovers += usize::from(browser.holder != holder);
            holder = browser.holder;
        }
        browser.settle();
        for page in &browser.pages {
            let own: Vec<u64> = browser
                .tape
                .iter()
                .filter(|(id, traded)| *id > page.start && has(page.tab.tabs.wants(), *traded))
                .map(|(id, _)| *id)
                .collect();
            assert_eq!(page.taken, own, "tab {} of seed {seed}", page.number);
            taken += own.len();
        }
        let leaders = browser
            .pages
            .iter()
            .filter(|page| page.stream.is_some())
            .count();
        assert_eq!(
            leaders,
            usize::from(!browser.pages.is_empty()),
            "seed {seed}"
        );
    }
    // The simulation was eventful.
    assert!(takeovers > 1_000 && taken > 2_500, "{takeovers} {taken}");
}
