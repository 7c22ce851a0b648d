use market::Millis;

use super::{
    reader::{Passed, Reader},
    state::State,
    tabs::{Duty, Rank, Tabs, Wants},
};

/// What tabs say to each other. Each hears all others, but not itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message<T> {
    /// The leader lives, and how it is.
    Beat(Beat),
    /// The leader heard an event.
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
        /// The term of the leader that it knows of.
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

/// What a leader says of its stream.
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
    /// When it heard something last, by this machine's clock.
    pub(super) heard: Millis,
    /// The server's time as it said this, as near as it knows.
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
    /// As the leader: to look after the stream, and to say how it is.
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
    /// A tab that knows everything that it wants up to a position. The id is any number but 0.
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

    /// What it says when it is asked to say [`Duty::Hello`].
    pub(super) fn hello(&self) -> Message<T> {
        Message::Hello {
            tab: self.id,
            term: self.tabs.term(),
            wants: self.tabs.wants().clone(),
        }
    }

    /// What it says when it ends.
    pub(super) fn bye(&self) -> Message<T> {
        Message::Bye { tab: self.id }
    }

    /// As the leader, it heard an event of its stream. Gives it back where it is to be taken.
    pub(super) fn hear(&mut self, passed: Passed<T>) -> Option<Passed<T>> {
        let exactly = self.tabs.carries() == self.tabs.wants();
        self.reader.hear(passed, exactly)
    }

    /// A question was answered up to a position. Gives what waited and is to be taken after the answer;
    /// none where the answer itself is not to be taken.
    pub(super) fn answered(&mut self, question: u32, position: &str) -> Option<Vec<Passed<T>>> {
        let waited = self.reader.answered(question, position)?;
        Some(
            waited
                .into_iter()
                .filter_map(|passed| self.hear(passed))
                .collect(),
        )
    }

    /// Another tab said something.
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
                    self.hear(passed).map_or(Answer::None, Answer::Take)
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

    /// What it has to do among the others now; `passed` says that a second did.
    pub(super) fn look(&mut self, now: Millis, passed: bool, chance: f64) -> Duty {
        self.tabs.look(now, passed, chance)
    }
}
