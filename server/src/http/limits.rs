//! Limits of requests and streams.

use std::{net::IpAddr, time::Duration};

use crate::{Metrics, Refusal};
use front::{Full, Permit, Places};
use web::problem::Problem;

/// After how many seconds a client with too many streams may try again.
const RETRY_AFTER: u64 = 5;

/// The limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most symbols that a request may name.
    pub symbols: usize,
    /// How long a request may take until its answer begins; a poll's `wait` comes on top of it.
    pub request_timeout: Duration,
    /// The longest body of a request to a route that does not use one, in bytes.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            symbols: 500,
            request_timeout: Duration::from_secs(30),
            body: 4096,
        }
    }
}

/// The places for streams: a number in all, and a number per address. A poll that waits takes one too, because it holds
/// as much: a connection and a cursor.
#[derive(Debug, Clone)]
pub struct Slots(Places);

impl Slots {
    /// A number in all and per address; an IPv6 address counts as its /64.
    pub fn new(most: usize, most_of_address: usize) -> Self {
        Slots(Places::new(most, most_of_address))
    }

    /// Takes a slot for a client.
    ///
    /// # Errors
    /// [`Problem::TooMany`] if the client's address has as many as it may, [`Problem::Unavailable`] if all are taken.
    pub(crate) fn take(&self, client: IpAddr, metrics: &Metrics) -> Result<Permit, Problem> {
        self.0.take(Some(client), 1).map_err(|full| match full {
            Full::Address => {
                metrics.refused(Refusal::StreamsOfAddress);
                let most = self.0.most_of_address();
                Problem::TooMany {
                    detail: format!(
                        "{client} has {most} streams open, as many as one address may: close one, or ask for several symbols in one stream"
                    ),
                    retry_after: RETRY_AFTER,
                }
            }
            Full::All => {
                metrics.refused(Refusal::Streams);
                Problem::Unavailable(format!(
                    "{} streams are open, as many as there may be: try again in a moment",
                    self.0.most()
                ))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_streams_of_a_client_differ_from_too_many_in_all() {
        let metrics = Metrics::new(0);
        let slots = Slots::new(3, 2);
        let take = |client: &str| slots.take(client.parse().unwrap(), &metrics);
        let _first = take("198.51.100.1").unwrap();
        let _second = take("198.51.100.1").unwrap();
        let refused = take("198.51.100.1").unwrap_err();
        assert!(matches!(refused, Problem::TooMany { .. }), "{refused:?}");
        let _third = take("198.51.100.2").unwrap();
        let refused = take("198.51.100.2").unwrap_err();
        assert!(matches!(refused, Problem::Unavailable(_)), "{refused:?}");
    }
}
