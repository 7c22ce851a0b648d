//! The source of the page's events.

use std::{cell::RefCell, rc::Rc};

use market::{Millis, Symbol};
use wasm_bindgen::JsValue;

use super::{
    aside::Aside,
    bars::BarRequests,
    channel::{Channel, Lock},
    connection::Connection,
    events::Events,
    pace::Pace,
    reader::Passed,
    state::State,
    tab::{Beat, Message, Tab},
};
use crate::{browser::environment, lean::sorted::SortedSet, state::dashboard::Dashboard};

/// After this long without an event, as when the machine slept, bars are fetched again: prices of that time were not
/// received.
const GAP: Millis = 60_000;

/// The stream of the tab that leads.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) events: Option<Events>,
    /// The number of the opened stream: answers to requests of an earlier one are ignored.
    pub(super) run: u32,
}

/// The way to the other tabs. Without a channel this tab leads, and without a lock it has no channel.
#[derive(Default)]
pub(super) struct Peers {
    pub(super) channel: Option<Channel>,
    /// The request for leadership, or leadership itself.
    pub(super) lock: Option<Lock>,
}

/// The source of the page's events: a stream of its own, or the leader.
pub(super) struct Source {
    pub(super) dashboard: Dashboard,
    pub(super) tab: Tab<JsValue>,
    pub(super) link: Option<Link>,
    pub(super) peers: Peers,
    /// The last beat of the leader, and when it was received.
    pub(super) beat: Option<(Beat, Millis)>,
    /// The stream that this tab had when the browser put the page into its cache.
    pub(super) aside: Aside<Events>,
    /// Symbols that were added, and of which the page has no data yet.
    pub(super) added: SortedSet<Symbol>,
    /// When something was last received, by this tab or the leader.
    pub(super) received_at: Millis,
    pub(super) runs: u32,
    pub(super) bars: BarRequests,
    /// When the page's numbers are drawn.
    pub(super) pace: Pace,
}

/// The source, as shared by callbacks of the browser.
pub(super) type Shared = Rc<RefCell<Source>>;

impl Source {
    /// A tab that neither leads nor follows yet.
    pub(super) fn shared(dashboard: Dashboard, tab: Tab<JsValue>, now: Millis) -> Shared {
        Rc::new(RefCell::new(Source {
            dashboard,
            tab,
            link: None,
            peers: Peers::default(),
            beat: None,
            aside: Aside::default(),
            added: SortedSet::new(),
            received_at: now,
            runs: 0,
            bars: BarRequests::default(),
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
            Some(_) => State::Reconnecting {
                since: self.received_at,
            },
            None => State::Connecting,
        }
    }

    /// The server's time, as exactly as known.
    pub(super) fn server_time(&self, now: Millis) -> Option<Millis> {
        match (&self.link, &self.beat) {
            (Some(link), _) => link.connection.server_time(now),
            (None, Some((beat, at))) => {
                Some(beat.server_time?.saturating_add(now.saturating_sub(*at)))
            }
            (None, None) => None,
        }
    }

    /// Has bars fetched again if nothing was received for long.
    pub(super) fn notice_gap(&mut self, now: Millis) {
        if now.saturating_sub(self.received_at) >= GAP {
            self.dashboard.forget_history();
            // Clocks drift while a machine sleeps, or are adjusted.
            if let Some(link) = &mut self.link {
                link.connection.forget_skew();
            }
        }
    }

    /// Records that something was received.
    pub(super) fn note_contact(&mut self, now: Millis) {
        self.notice_gap(now);
        self.received_at = now;
    }

    pub(super) fn post(&self, message: &Message<JsValue>) {
        if let Some(channel) = &self.peers.channel {
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
            received_at: self.received_at,
            server_time: connection.server_time(environment::now()),
        }));
    }

    /// Makes this tab the leader. The stream still has to be opened.
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

    /// Closes the stream when the browser puts the page into its cache.
    pub(super) fn put_aside(&mut self) {
        let stream = self.link.as_mut().and_then(|link| link.events.take());
        self.aside.put(stream);
        self.let_go();
    }

    /// Makes this tab a follower without a stream.
    pub(super) fn let_go(&mut self) {
        self.link = None;
        self.beat = None;
        self.tab.tabs.follow();
    }

    /// As the leader, passes an event on to other tabs. Returns it if it is to be taken.
    pub(super) fn pass(&mut self, passed: Passed<JsValue>) -> Option<Passed<JsValue>> {
        if self.peers.channel.is_some() {
            self.post(&Message::Passed {
                term: self.tab.tabs.term(),
                passed: passed.clone(),
            });
        }
        self.tab.accept(passed)
    }
}
