use market::Millis;

use super::{
    reader::{Passed, Reader},
    state::State,
    tabs::{Duty, Rank, Tabs, Wants},
};

/// A message of a tab to all others. It does not receive its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message<T> {
    /// The leader runs, and the state of its stream.
    Beat(Beat),
    /// The leader received an event.
    Passed {
        /// The leader's term.
        term: Millis,
        /// The event.
        passed: Passed<T>,
    },
    /// A tab is there and asks for a beat.
    Hello {
        /// Which.
        tab: u64,
        /// The term of the newest leader that it has a message of.
        term: Millis,
        /// What it listens to.
        wants: Wants,
    },
    /// A tab ends.
    Bye {
        /// Which.
        tab: u64,
    },
}

/// The state of a leader's stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    /// Its term.
    pub(super) term: Millis,
    /// The id of what it passed on last.
    pub(super) position: String,
    /// What its stream carries.
    pub(super) carries: Wants,
    /// How current it is.
    pub(super) state: State,
    /// When it received something last, by this machine's clock.
    pub(super) heard: Millis,
    /// The server's time when this was sent, as near as is known.
    pub(super) server_time: Option<Millis>,
}

/// What is to be done after a message.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// Nothing.
    None,
    /// To take an event.
    Take(Passed<T>),
    /// To show how the leader's stream is.
    Show(Beat),
    /// As the leader: to check the stream, and to send its state.
    Look,
    /// To let the stream go, because another tab leads.
    Depose,
}

/// A tab: what it is among the others, and what it takes of what they pass on.
#[derive(Debug)]
pub(super) struct Tab<T> {
    id: u64,
    /// What it is among the others.
    pub(super) tabs: Tabs,
    /// What it takes.
    pub(super) reader: Reader<T>,
}

impl<T> Tab<T> {
    /// A tab that has everything that it wants up to a position. The id is any number but 0.
    pub(super) fn new(id: u64, wants: Wants, position: String) -> Self {
        Tab {
            id,
            tabs: Tabs::new(wants),
            reader: Reader::new(position),
        }
    }

    /// From now on it leads. Its stream begins at [`Reader::position`] and carries
    /// [`Tabs::carries`].
    pub(super) fn lead(&mut self, now: Millis) {
        self.tabs.lead(now);
        self.reader.begin();
    }

    /// The message of [`Duty::Hello`].
    pub(super) fn hello(&self) -> Message<T> {
        Message::Hello {
            tab: self.id,
            term: self.tabs.term(),
            wants: self.tabs.wants().clone(),
        }
    }

    /// The message of a tab that ends.
    pub(super) fn bye(&self) -> Message<T> {
        Message::Bye { tab: self.id }
    }

    /// As the leader, it received an event of its stream. Returns it where it is to be taken.
    pub(super) fn accept(&mut self, passed: Passed<T>) -> Option<Passed<T>> {
        let exactly = self.tabs.carries() == self.tabs.wants();
        self.reader.accept(passed, exactly)
    }

    /// A question was answered up to a position. Gives what waited and is to be taken after the answer;
    /// none where the answer itself is not to be taken.
    pub(super) fn answered(&mut self, question: u32, position: &str) -> Option<Vec<Passed<T>>> {
        let waited = self.reader.answered(question, position)?;
        Some(
            waited
                .into_iter()
                .filter_map(|passed| self.accept(passed))
                .collect(),
        )
    }

    /// A message of another tab came.
    pub(super) fn receive(&mut self, message: Message<T>, now: Millis) -> Answer<T> {
        match message {
            Message::Hello { tab, term, wants } => {
                self.tabs.joined(tab, wants, term, now);
                self.look_if_leading()
            }
            Message::Bye { tab } => {
                self.tabs.left(tab, now);
                Answer::None
            }
            Message::Passed { term, passed } => match self.tabs.heard(term) {
                Rank::Deposed => Answer::Depose,
                Rank::Past => self.look_if_leading(),
                Rank::Current if self.tabs.is_covered() => {
                    self.accept(passed).map_or(Answer::None, Answer::Take)
                }
                Rank::Current => Answer::None,
            },
            Message::Beat(beat) => match self.tabs.heard(beat.term) {
                Rank::Deposed => Answer::Depose,
                Rank::Past => self.look_if_leading(),
                Rank::Current => {
                    self.tabs.carried(beat.carries.clone());
                    if self.tabs.is_covered() {
                        self.reader.reached(&beat.position);
                    }
                    Answer::Show(beat)
                }
            },
        }
    }

    fn look_if_leading(&self) -> Answer<T> {
        if self.tabs.leads() {
            Answer::Look
        } else {
            Answer::None
        }
    }

    /// What it has to do among the others now; `passed`: whether a second did.
    pub(super) fn look(&mut self, now: Millis, passed: bool, chance: f64) -> Duty {
        self.tabs.look(now, passed, chance)
    }
}
