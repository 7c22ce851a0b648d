use std::{error::Error, fmt, time::Duration};

use reqwest::StatusCode;

use crate::{FeedError, kit::recording::LIMIT};

/// How long to wait after an address that has responded before refuses to.
pub(crate) const REFUSED: Duration = Duration::from_secs(10 * 60);

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchError {
    /// The status of the response, if there was one.
    pub status: Option<StatusCode>,
    /// What went wrong, and what to do about it if a person has to act.
    pub why: String,
    /// How long to leave the source alone.
    pub wait: Option<Duration>,
    /// Whether a person has to act before another attempt makes sense.
    pub is_fatal: bool,
}

impl FetchError {
    /// The same error for a feed that polls no more often than this.
    pub fn paced(mut self, interval: Duration) -> Self {
        self.wait = Some(self.wait.map_or(interval, |wait| wait.max(interval)));
        self
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for FetchError {}

impl From<FetchError> for FeedError {
    fn from(error: FetchError) -> Self {
        match error.wait {
            _ if error.is_fatal => FeedError::Fatal(error.why),
            Some(wait) => FeedError::Later {
                why: error.why,
                wait,
            },
            None => FeedError::Transient(error.why),
        }
    }
}

pub(super) fn too_large(place: &str) -> FetchError {
    FetchError {
        status: Some(StatusCode::OK),
        why: format!("the answer of {place} is longer than {LIMIT} bytes"),
        wait: Some(REFUSED),
        is_fatal: false,
    }
}
