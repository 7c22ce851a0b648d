//! The wire contract: what the server, the page and its tabs have to agree on. All of them derive it from here.

use std::{fmt, time::Duration};

use crate::{News, Symbol};

/// The longest time without an event on a stream: after it the server sends a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// The longest time that the server waits with the answer to a poll. Proxies close silent requests soon after.
pub const MAX_POLL_WAIT: Duration = Duration::from_secs(25);

/// How many one-minute closes a sparkline is drawn from.
pub const SPARKLINE_BARS: usize = 60;

/// How many stories a page of `/news` has where the request does not name another number.
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
    /// What changes slower than a price.
    Session = "session",
    /// A closed one-minute bar.
    Bar = "bar",
    /// A story, filing, halt …
    News = "news",
    /// The state as of a position.
    Snapshot = "snapshot",
    /// A sign of life.
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

    /// Whether publishers may send it. The others are the server's own.
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

/// Which subscribers receive an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topics<'a> {
    /// Those of a symbol's market data.
    Market(Symbol),
    /// Those of all news, and of the news of the story's symbols.
    News(&'a News),
    /// None: it is of one connection, and on no tape.
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
