//! What turns sources into events on the tape: a file a source, all behind [`Feed`].
//!
//! A feed connects once, publishes until its source ends or breaks off, and says why it stopped.
//! The [`Supervisor`] does the rest: it starts feeds, waits longer and longer between tries, holds
//! what is known of their health, and ends them.

mod about;
pub mod alpaca;
pub mod binance;
pub mod coinbase;
pub mod conditions;
mod currency;
mod exact;
pub mod fetch;
mod fields;
pub mod finnhub;
mod floor;
mod foreign;
mod forms;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod halts;
pub mod headline;
pub mod json;
pub mod kraken;
pub mod markup;
mod numbers;
pub mod pairs;
mod publisher;
mod recorder;
mod recording;
pub mod replay;
mod retry;
mod rolling;
pub mod rss;
pub mod sec;
mod seen;
pub mod simulate;
mod socket;
mod speakers;
mod spec;
pub mod stdin;
mod supervisor;
mod wire;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use market::{Millis, Price};

use crate::Revealed;

pub use about::{About, Licence};
pub(crate) use about::{list, personal};
pub use floor::Floor;
pub use publisher::{Publisher, Skipped};
pub use recorder::{Recorded, Recorder};
pub use replay::Speed;
pub use socket::Patience;
pub(crate) use spec::suggestion;
pub use spec::{AskedFeed, FeedSpec, SpecError, SpecFault};
pub use supervisor::{Backoff, Statuses, Supervisor};

/// A source of events.
pub trait Feed: Send {
    /// The name, as it stands in [`market::Session::source`] and [`market::FeedStatus::name`].
    fn name(&self) -> &str;

    /// Publishes until the source ends or breaks off. It may be called again afterwards. Whoever
    /// wants it to stop drops the future.
    ///
    /// # Errors
    /// When the source cannot be reached or read; [`FeedError`] says whether to try again.
    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>>;
}

/// Why a feed stopped when nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing more will come.
    Finished,
    /// The connection has lived as long as its source allows: the next one is to be made at once.
    Renew,
}

/// Why a feed stopped, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedError {
    /// It may work the next time.
    Transient(String),
    /// It may work, but not before so long: the source said so.
    Later {
        /// Why the feed stopped.
        why: String,
        /// How long to stay away from the source.
        wait: Duration,
    },
    /// It will not work until somebody acts.
    Fatal(String),
}

impl FeedError {
    /// The same error, should the source have repeated a secret that it was told.
    fn hiding(self, secret: &Revealed) -> Self {
        match self {
            FeedError::Transient(why) => FeedError::Transient(secret.hide(&why)),
            FeedError::Later { why, wait } => FeedError::Later {
                why: secret.hide(&why),
                wait,
            },
            FeedError::Fatal(why) => FeedError::Fatal(secret.hide(&why)),
        }
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedError::Transient(why) | FeedError::Later { why, .. } | FeedError::Fatal(why) => {
                f.write_str(why)
            }
        }
    }
}

impl std::error::Error for FeedError {}

/// Why a frame is not what its source promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError(String);

impl FrameError {
    /// An error that shows the beginning of the frame.
    fn new(why: &dyn fmt::Display, frame: &str) -> Self {
        let start: String = frame.chars().take(120).collect();
        FrameError(format!("{why} in {start:?}"))
    }

    /// The same error, should the source have repeated a secret that it was told.
    fn hiding(self, secret: &Revealed) -> Self {
        FrameError(secret.hide(&self.0))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FrameError {}

/// A time of an exchange that is this far ahead of the receipt is wrong. Believed, it would close every
/// bar until that time comes.
const FUTURE: Millis = 24 * 60 * 60 * 1_000;

/// A time as a frame has it: a date of RFC 3339, or a number in the unit that its magnitude shows.
///
/// # Errors
/// When it is neither, or a date before 1970.
fn millis(time: &str, frame: &str) -> Result<Millis, FrameError> {
    let time = time.trim();
    if let Ok(number) = exact::read::<Price>(time) {
        return market::since_epoch(number.decimal())
            .map(|(time, _)| time)
            .map_err(|error| FrameError::new(&error, frame));
    }
    time.parse()
        .ok()
        .and_then(|time: jiff::Timestamp| Millis::try_from(time.as_millisecond()).ok())
        .ok_or_else(|| {
            let time = fields::quoted(time);
            let why =
                format_args!("{time} is not a time: expected RFC 3339, or a number since 1970");
            FrameError::new(&why, frame)
        })
}

/// The time of an exchange, if it can be one.
///
/// # Errors
/// When it is more than a day ahead of the time of receipt.
fn exchange_time(time: Millis, received: Millis, frame: &str) -> Result<Millis, FrameError> {
    if time.saturating_sub(received) > FUTURE {
        let why = format_args!("time {time} is more than a day ahead of its receipt at {received}");
        return Err(FrameError::new(&why, frame));
    }
    Ok(time)
}
