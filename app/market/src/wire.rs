//! The wire contract of the server, the page and its tabs. All of them derive it from here.

use std::{fmt, time::Duration};

use crate::{News, Symbol};

/// The longest time without an event on a stream: after it the server sends a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// The longest time that the server waits with the answer to a poll. Proxies close silent requests soon after.
pub const MAX_POLL_WAIT: Duration = Duration::from_secs(25);

/// The number of one-minute closes in a sparkline.
pub const SPARKLINE_BARS: usize = 60;

/// The number of stories on a page of `/news` if the request does not name another.
pub const NEWS_PAGE: usize = 50;

/// The longest watchlist of the page, and the most symbols that the page names in one request: beyond, it
/// requests all. The server's own limit is a setting, and is higher.
pub const MAX_WATCHLIST: usize = 100;

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// The kinds of events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventKind {
            $($(#[$doc])* $kind,)+
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$kind),+];

            /// The name that an `EventSource` dispatches it by.
            pub const fn name(self) -> &'static str {
                match self {
                    $(EventKind::$kind => $name,)+
                }
            }
        }
    };
}

event_kinds! {
    /// A trade or a new best price. A stream sends no `event:` line with it.
    Quote = "message",
    /// State that changes more slowly than a price.
    Session = "session",
    /// A closed one-minute bar.
    Bar = "bar",
    /// A story, filing, halt …
    News = "news",
    /// The state at one position.
    Snapshot = "snapshot",
    /// A heartbeat.
    Heartbeat = "heartbeat",
}

impl EventKind {
    /// The kind of a name; `None` for a kind of another version.
    pub fn named(name: &str) -> Option<EventKind> {
        let mut kinds = EventKind::ALL.iter().copied();
        kinds.find(|kind| kind.name() == name)
    }

    /// The name in a publication: `quote` instead of the `message` of a stream, which publishers may send too.
    pub const fn published_name(self) -> &'static str {
        match self {
            EventKind::Quote => "quote",
            EventKind::Session
            | EventKind::Bar
            | EventKind::News
            | EventKind::Snapshot
            | EventKind::Heartbeat => self.name(),
        }
    }

    /// Whether publishers may send it. The others only the server sends.
    pub const fn is_published(self) -> bool {
        match self {
            EventKind::Quote | EventKind::Session | EventKind::Bar | EventKind::News => true,
            EventKind::Snapshot | EventKind::Heartbeat => false,
        }
    }

    /// Whether an event carries the server's time, as the `time` of its data.
    pub const fn has_server_time(self) -> bool {
        match self {
            EventKind::Snapshot | EventKind::Heartbeat => true,
            EventKind::Quote | EventKind::Session | EventKind::Bar | EventKind::News => false,
        }
    }
}

/// The subscribers that receive an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topics<'a> {
    /// Subscribers of the symbol's market data.
    Market(Symbol),
    /// Subscribers of all news, and of the news of the story's symbols.
    News(&'a News),
    /// None: the event belongs to one connection and is on no tape.
    Connection,
}

/// Names in a sentence: `a, b or c`.
pub fn one_of(names: impl IntoIterator<Item = &'static str>) -> impl fmt::Display {
    let names: Vec<_> = names.into_iter().collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
