//! How much one may ask for.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{client::counted_as, problem::Problem};
use crate::{Metrics, Refusal};

/// After how many seconds somebody who has too many streams may try again.
const RETRY_AFTER: u64 = 5;

/// What bounds one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most symbols that a request may name.
    pub symbols: usize,
    /// How long a request may take until its answer begins; a poll's `wait` comes on top of it.
    pub request_timeout: Duration,
    /// The longest body of a request to a route that has no use for one, in bytes.
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

/// The places for streams: so many in all, and so many for one address. A poll that waits takes one
/// too, because it holds as much: a connection and a cursor.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_of_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// None at 0, so that it does not grow with everybody who was ever here.
    by_address: HashMap<IpAddr, usize>,
}

impl Slots {
    /// So many in all and for one address; an address of IPv6 is its /64.
    pub fn new(most: usize, most_of_address: usize) -> Self {
        Slots(Arc::new(Shared {
            most,
            most_of_address,
            taken: Mutex::default(),
        }))
    }

    /// Takes a slot for a client.
    ///
    /// # Errors
    /// [`Problem::TooMany`] where the client's address has as many as it may,
    /// [`Problem::Unavailable`] where all are taken.
    pub(crate) fn take(&self, client: IpAddr, metrics: &Metrics) -> Result<Slot, Problem> {
        let client = counted_as(client);
        let Shared {
            most,
            most_of_address,
            ..
        } = *self.0;
        let mut taken = self.0.lock();
        let of_address = taken.by_address.get(&client).copied().unwrap_or(0);
        if of_address >= most_of_address {
            metrics.refused(Refusal::StreamsOfAddress);
            return Err(Problem::TooMany {
                detail: format!(
                    "{client} has {most_of_address} streams open, as many as one address may: close one, or ask for several symbols in one stream"
                ),
                retry_after: RETRY_AFTER,
            });
        }
        if taken.all >= most {
            metrics.refused(Refusal::Streams);
            return Err(Problem::Unavailable(format!(
                "{most} streams are open, as many as there may be: try again in a moment"
            )));
        }
        taken.all += 1;
        taken.by_address.insert(client, of_address + 1);
        Ok(Slot {
            slots: self.clone(),
            client,
        })
    }
}

impl Shared {
    // Nothing panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream, free again when it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Slot {
    slots: Slots,
    client: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.0.lock();
        taken.all -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let metrics = Metrics::new(0);
        let slots = Slots::new(3, 2);
        let take = |client: &str| slots.take(client.parse().unwrap(), &metrics);
        let first = take("198.51.100.1").unwrap();
        let second = take("198.51.100.1").unwrap();
        let refused = take("198.51.100.1").unwrap_err();
        assert!(matches!(refused, Problem::TooMany { .. }), "{refused:?}");
        let third = take("198.51.100.2").unwrap();
        let refused = take("198.51.100.2").unwrap_err();
        assert!(matches!(refused, Problem::Unavailable(_)), "{refused:?}");
        drop(first);
        let fourth = take("198.51.100.1").unwrap();
        drop((second, third, fourth));
        let taken = slots.0.lock();
        assert_eq!(taken.all, 0);
        assert!(taken.by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let metrics = Metrics::new(0);
        let slots = Slots::new(3, 1);
        let take = |client: &str| slots.take(client.parse().unwrap(), &metrics);
        let _one = take("2001:db8:1:2:3:4:5:6").unwrap();
        assert!(take("2001:db8:1:2:ffff::1").is_err());
        let _other = take("2001:db8:1:3::1").unwrap();
    }
}
