use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

use super::{Publisher, Revealed};

/// A source of events.
pub trait Feed: Send {
    /// The name, as in [`market::Session::source`] and [`market::FeedStatus::name`].
    fn name(&self) -> &str;

    /// Publishes until the source ends or breaks off. It may be called again afterwards. Drop the future to stop it.
    ///
    /// # Errors
    /// If the source cannot be reached or read; [`FeedError`] has whether to try again.
    fn run<'a>(&'a mut self, publisher: &'a Publisher) -> BoxFuture<'a, Result<End, FeedError>>;
}

/// Why a feed stopped without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing more will come.
    Finished,
    /// The connection has lived as long as its source allows: connect again at once.
    Renew,
}

/// Why a feed stopped, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedError {
    /// It may work the next time.
    Transient(String),
    /// It may work, but not before the wait that the source requests.
    Later {
        /// Why the feed stopped.
        why: String,
        /// The shortest wait.
        wait: Duration,
    },
    /// It will not work until somebody acts.
    Fatal(String),
}

impl FeedError {
    pub(crate) fn transient(why: &dyn fmt::Display) -> Self {
        FeedError::Transient(why.to_string())
    }

    /// The same error without a secret, which the source may have repeated.
    pub(crate) fn hiding(self, secret: &Revealed) -> Self {
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
