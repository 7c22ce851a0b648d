//! The gate of publications.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use publication::{Builder, Newcomers};

use crate::{options::PublishOptions, strangers::Strangers, token::TokenGrant};

/// The entry of publications: who may publish, how much, and how it is appended to the tape.
#[derive(Debug)]
pub struct PublishGate {
    // A std lock, held for a comparison or an exchange and never across an await.
    publishers: RwLock<Vec<Arc<Publisher>>>,
    rate: NonZeroU32,
    burst: NonZeroU32,
    /// Requests without a valid token.
    pub strangers: Strangers,
    /// Builds bars of published quotes, once the server runs.
    pub builder: OnceLock<Arc<Builder>>,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The most events of one publication.
    pub max_events: usize,
    /// The symbols that only stories have named.
    pub newcomers: Newcomers,
}

/// A publisher with a valid token.
pub struct Publisher {
    grant: TokenGrant,
    limiter: DefaultDirectRateLimiter,
    rate: NonZeroU32,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Publisher").field(&self.grant).finish()
    }
}

impl Publisher {
    fn new(grant: TokenGrant, rate: NonZeroU32, burst: NonZeroU32) -> Self {
        // A period is at least some nanoseconds, which the option checks.
        let period = Duration::from_secs(1) / rate.get();
        let quota = Quota::with_period(period)
            .unwrap_or(Quota::per_second(rate))
            .allow_burst(burst);
        Publisher {
            grant,
            limiter: RateLimiter::direct(quota),
            rate,
        }
    }

    /// The name of the grant.
    pub fn name(&self) -> &str {
        self.grant.name()
    }

    /// How many events a second it may publish.
    pub fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    /// Counts events against the rate.
    ///
    /// # Errors
    /// How long to wait until so many events may be published.
    pub fn admit(&self, events: usize) -> Result<(), Duration> {
        let Some(events) = u32::try_from(events).ok().and_then(NonZeroU32::new) else {
            return Ok(());
        };
        match self.limiter.check_n(events) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_yet)) => Err(not_yet.wait_time_from(DefaultClock::default().now())),
            // More than a burst: a submission never has as many.
            Err(_) => Err(Duration::from_secs(1)),
        }
    }
}

impl PublishGate {
    /// The gate of a server.
    pub fn new(options: &PublishOptions) -> Self {
        let desk = PublishGate {
            publishers: RwLock::default(),
            rate: options.rate,
            burst: options.burst,
            strangers: Strangers::default(),
            builder: OnceLock::new(),
            max_body: options.body as usize,
            max_events: options.max_events(),
            newcomers: Newcomers::default(),
        };
        desk.admit_only(&options.tokens);
        desk
    }

    /// Replaces the grants. A token that was valid before keeps what is left of its rate.
    pub fn admit_only(&self, grants: &[TokenGrant]) {
        let mut publishers = self
            .publishers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let publisher = |grant: &TokenGrant| {
            let known = publishers.iter().find(|known| known.grant == *grant);
            known
                .cloned()
                .unwrap_or_else(|| Arc::new(Publisher::new(grant.clone(), self.rate, self.burst)))
        };
        *publishers = grants.iter().map(publisher).collect();
    }

    /// Whether anybody may publish.
    pub fn is_open(&self) -> bool {
        let publishers = self.publishers.read();
        !publishers
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The publisher with this token.
    pub fn publisher(&self, token: &str) -> Option<Arc<Publisher>> {
        let publishers = self.publishers.read();
        let publishers = publishers.unwrap_or_else(PoisonError::into_inner);
        TokenGrant::find(&publishers, |publisher| &publisher.grant, token).cloned()
    }
}
