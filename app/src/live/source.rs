//! What the page gets its events from, and what it remembers of that.

use std::{cell::RefCell, rc::Rc};

use market::{Millis, Symbol};
use wasm_bindgen::JsValue;

use super::{
    aside::Aside,
    channel::{Channel, Lock},
    connection::Connection,
    events::Events,
    history::History,
    pace::Pace,
    reader::Passed,
    state::State,
    tab::{Beat, Message, Tab},
};
use crate::{browser::environment, lean::sorted::SortedSet, state::dashboard::Dashboard};

/// After so long without an event, as when the machine slept, bars are fetched again: single prices of
/// that time are lost.
const GAP: Millis = 60_000;

/// The stream of the tab that leads.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) events: Option<Events>,
    /// Another number for each that was opened: what was asked for before is no answer after.
    pub(super) run: u32,
}

/// What the page gets its events from: a stream of its own, or the tab that has it.
pub(super) struct Source {
    pub(super) dashboard: Dashboard,
    pub(super) tab: Tab<JsValue>,
    pub(super) link: Option<Link>,
    pub(super) channel: Option<Channel>,
    pub(super) lock: Option<Lock>,
    /// The last beat of the leader, and when it came.
    pub(super) beat: Option<(Beat, Millis)>,
    /// The stream that this tab had when the browser put it aside.
    pub(super) aside: Aside<Events>,
    /// Symbols that the page wants since a moment ago and has no data of yet.
    pub(super) added: SortedSet<Symbol>,
    /// When something was received last, by this tab or the leader.
    pub(super) heard: Millis,
    pub(super) runs: u32,
    pub(super) history: History,
    /// When the page's numbers are drawn.
    pub(super) pace: Pace,
}

/// The source, as everything that is called by the browser holds it.
pub(super) type Shared = Rc<RefCell<Source>>;

impl Source {
    /// A tab that neither leads nor follows yet.
    pub(super) fn shared(dashboard: Dashboard, tab: Tab<JsValue>, now: Millis) -> Shared {
        Rc::new(RefCell::new(Source {
            dashboard,
            tab,
            link: None,
            channel: None,
            lock: None,
            beat: None,
            aside: Aside::default(),
            added: SortedSet::new(),
            heard: now,
            runs: 0,
            history: History::default(),
            pace: Pace::default(),
        }))
    }

    /// How current the page is.
    pub(super) fn state(&self) -> State {
        if let Some(link) = &self.link {
            return link.connection.state();
        }
        match &self.beat {
            Some((beat, _)) if !self.tab.tabs.is_silent() => beat.state,
            Some(_) => State::Reconnecting { since: self.heard },
            None => State::Connecting,
        }
    }

    /// The server's time, as near as is known.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        match (&self.link, &self.beat) {
            (Some(link), _) => link.connection.server_time(now),
            (None, Some((beat, said))) => {
                Some(beat.server_time?.saturating_add(now.saturating_sub(*said)))
            }
            (None, None) => None,
        }
    }

    /// Has the history fetched again where nothing was received for long.
    pub(super) fn notice_gap(&mut self, now: Millis) {
        if now.saturating_sub(self.heard) >= GAP {
            self.dashboard.forget_history();
            // Clocks drift while a machine sleeps, or are set.
            if let Some(link) = &mut self.link {
                link.connection.forget_skew();
            }
        }
    }

    /// Something was received.
    pub(super) fn note_contact(&mut self, now: Millis) {
        self.notice_gap(now);
        self.heard = now;
    }

    pub(super) fn post(&self, message: &Message<JsValue>) {
        if let Some(channel) = &self.channel {
            channel.post(message);
        }
    }

    /// As the leader, sends the state of the stream.
    pub(super) fn beat(&self) {
        let Some(link) = &self.link else { return };
        let connection = &link.connection;
        let tabs = &self.tab.tabs;
        self.post(&Message::Beat(Beat {
            term: tabs.term(),
            position: connection.last_id().to_owned(),
            carries: tabs.carries().clone(),
            state: connection.state(),
            heard: self.heard,
            server_time: connection.server_time(environment::now()),
        }));
    }

    /// From now on this tab has the stream; it still has to be opened.
    pub(super) fn lead(&mut self) {
        let now = environment::now();
        self.tab.lead(now);
        self.runs += 1;
        self.link = Some(Link {
            connection: Connection::new(now, self.tab.reader.position().to_owned()),
            events: None,
            run: self.runs,
        });
    }

    /// The browser puts this tab aside: its stream is closed, and stays so.
    pub(super) fn put_aside(&mut self) {
        let stream = self.link.as_mut().and_then(|link| link.events.take());
        self.aside.put(stream);
        self.let_go();
    }

    /// From now on this tab has no stream.
    pub(super) fn let_go(&mut self) {
        self.link = None;
        self.beat = None;
        self.tab.tabs.follow();
    }

    /// As the leader, received an event: passes it on, and returns it where it is to be taken.
    pub(super) fn pass(&mut self, passed: Passed<JsValue>) -> Option<Passed<JsValue>> {
        if self.channel.is_some() {
            self.post(&Message::Passed {
                term: self.tab.tabs.term(),
                passed: passed.clone(),
            });
        }
        self.tab.accept(passed)
    }
}
