use market::Millis;

use super::{
    reader::{Passed, Reader},
    state::State,
    tabs::{Duty, Rank, Tabs, Wants},
};

/// A message of a tab to all other tabs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message<T> {
    /// The state of the leader's stream, also as a sign of life.
    Beat(Beat),
    /// The leader received an event.
    Passed {
        /// The leader's term.
        term: Millis,
        /// The event.
        passed: Passed<T>,
    },
    /// A tab announces itself and asks for a beat.
    Hello {
        /// The tab's id.
        tab: u64,
        /// The term of the newest leader that it knows of.
        term: Millis,
        /// What it wants.
        wants: Wants,
    },
    /// A tab ends.
    Bye {
        /// The tab's id.
        tab: u64,
    },
}

/// The state of a leader's stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    /// The leader's term.
    pub(super) term: Millis,
    /// The id of the last event that was passed on.
    pub(super) position: String,
    /// What its stream carries.
    pub(super) carries: Wants,
    /// How current the stream is.
    pub(super) state: State,
    /// When the leader last received something, by this machine's clock.
    pub(super) received_at: Millis,
    /// The server's time when this was sent, as exactly as known.
    pub(super) server_time: Option<Millis>,
}

/// What to do after a message.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// Nothing.
    None,
    /// Take an event.
    Take(Passed<T>),
    /// Show the state of the leader's stream.
    Show(Beat),
    /// As the leader: check the stream, and send its state.
    Look,
    /// Give up the stream, because another tab leads.
    Depose,
}

/// A tab: its role among the tabs, and its reader of events.
#[derive(Debug)]
pub(super) struct Tab<T> {
    id: u64,
    /// Its role among the tabs.
    pub(super) tabs: Tabs,
    /// Its reader of events.
    pub(super) reader: Reader<T>,
}

impl<T> Tab<T> {
    /// A tab that has all events that it wants up to a position. The id is any number but 0.
    pub(super) fn new(id: u64, wants: Wants, position: String) -> Self {
        Tab {
            id,
            tabs: Tabs::new(wants),
            reader: Reader::new(position),
        }
    }

    /// Makes the tab the leader. Its stream begins at [`Reader::position`] and carries [`Tabs::carries`].
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

    /// Accepts an event of the leader's stream. Returns it if it is to be taken.
    pub(super) fn accept(&mut self, passed: Passed<T>) -> Option<Passed<T>> {
        let exactly = self.tabs.carries() == self.tabs.wants();
        self.reader.accept(passed, exactly)
    }

    /// A request was answered up to a position. Returns the waiting events that are to be taken after the answer;
    /// `None` if the answer is out of date.
    pub(super) fn answered(&mut self, question: u32, position: &str) -> Option<Vec<Passed<T>>> {
        let waited = self.reader.answered(question, position)?;
        Some(
            waited
                .into_iter()
                .filter_map(|passed| self.accept(passed))
                .collect(),
        )
    }

    /// Receives a message of another tab.
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
            Message::Passed { term, passed } => match self.tabs.receive(term) {
                Rank::Deposed => Answer::Depose,
                Rank::Past => self.look_if_leading(),
                Rank::Current if self.tabs.is_covered() => {
                    self.accept(passed).map_or(Answer::None, Answer::Take)
                }
                Rank::Current => Answer::None,
            },
            Message::Beat(beat) => match self.tabs.receive(beat.term) {
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

    /// What the tab has to do as one of several now. `passed` is whether a second has passed.
    pub(super) fn look(&mut self, now: Millis, passed: bool, chance: f64) -> Duty {
        self.tabs.look(now, passed, chance)
    }
}

#[cfg(test)]
mod tests;
