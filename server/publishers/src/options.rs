//! The options of the command line.

use std::num::NonZeroU32;

use clap::Args;

use crate::token::TokenGrant;
use publication::MAX_EVENTS;

/// Who may publish, and how much.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Publishing")]
pub struct PublishOptions {
    /// A publisher's token, as `tickertape token NAME` prints it; may be given
    /// several times, or separated by commas. Without one publishing is off
    #[arg(
        long = "publish-token",
        env = "TICKERTAPE_PUBLISH_TOKEN",
        value_name = "NAME:HASH",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub tokens: Vec<TokenGrant>,

    /// The largest body of one publication, in bytes
    #[arg(
        long = "publish-body",
        env = "TICKERTAPE_PUBLISH_BODY",
        default_value_t = 1024 * 1024,
        value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1024..=64 * 1024 * 1024)
    )]
    pub body: u32,

    /// The events that each token may publish a second
    #[arg(
        long = "publish-rate",
        env = "TICKERTAPE_PUBLISH_RATE",
        default_value = "10000",
        value_name = "EVENTS",
        value_parser = events
    )]
    pub rate: NonZeroU32,

    /// The events that each token may publish at once, after a pause
    #[arg(
        long = "publish-burst",
        env = "TICKERTAPE_PUBLISH_BURST",
        default_value = "10000",
        value_name = "EVENTS",
        value_parser = events
    )]
    pub burst: NonZeroU32,
}

impl PublishOptions {
    /// The most events of one publication: the burst, and no more than can be appended without delaying other requests.
    pub fn max_events(&self) -> usize {
        MAX_EVENTS.min(self.burst.get() as usize)
    }
}

/// A limiter counts in nanoseconds, so that more than a million a second would not be exact.
const MAX_RATE: u32 = 1_000_000;

fn events(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .ok()
        .filter(|events: &NonZeroU32| events.get() <= MAX_RATE)
        .ok_or_else(|| format!("expected a number of events from 1 to {MAX_RATE}"))
}
