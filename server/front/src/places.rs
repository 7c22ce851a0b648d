//! Places that are taken for a while: a number in all, and a number per address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::client::counted_as;

/// The places in all and per address. A clone is the same.
#[derive(Debug, Clone)]
pub struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_of_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Removed at 0, so that it does not grow with every client that ever connected.
    by_address: HashMap<IpAddr, usize>,
}

/// The places that are exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Those in all.
    All,
    /// Those of the client's address.
    Address,
}

impl Places {
    /// A number in all and per address; an IPv6 address counts as its /64.
    pub fn new(most: usize, most_of_address: usize) -> Self {
        Places(Arc::new(Shared {
            most,
            most_of_address,
            taken: Mutex::default(),
        }))
    }

    /// How many there are in all.
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// How many there are per address.
    pub fn most_of_address(&self) -> usize {
        self.0.most_of_address
    }

    /// Takes some places for a client, or for no client: then only those in all count.
    ///
    /// # Errors
    /// If there are not enough left.
    pub fn take(&self, client: Option<IpAddr>, count: usize) -> Result<Permit, Full> {
        let client = client.map(counted_as);
        let mut taken = self.lock();
        let all = taken.all.saturating_add(count);
        let of_address = client.map(|client| {
            let before = taken.by_address.get(&client).copied().unwrap_or(0);
            (client, before.saturating_add(count))
        });
        if of_address.is_some_and(|(_, count)| count > self.0.most_of_address) {
            return Err(Full::Address);
        }
        if all > self.0.most {
            return Err(Full::All);
        }
        taken.all = all;
        taken.by_address.extend(of_address);
        Ok(Permit {
            places: self.clone(),
            client,
            count,
        })
    }

    // No code panics while it is locked.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit for some places. It returns them when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    places: Places,
    client: Option<IpAddr>,
    count: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= self.count;
        let Some(client) = self.client else { return };
        if let Some(count) = taken.by_address.get_mut(&client) {
            *count -= self.count;
            if *count == 0 {
                taken.by_address.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let places = Places::new(30, 20);
        let take = |address, count| places.take(client(address), count);
        let first = take("198.51.100.1", 10).unwrap();
        let second = take("198.51.100.1", 10).unwrap();
        assert_eq!(take("198.51.100.1", 1).unwrap_err(), Full::Address);
        let third = take("198.51.100.2", 10).unwrap();
        assert_eq!(take("198.51.100.2", 1).unwrap_err(), Full::All);
        assert_eq!(places.take(None, 1).unwrap_err(), Full::All);
        drop(first);
        let fourth = places.take(None, 10).unwrap();
        drop((second, third, fourth));
        let taken = places.lock();
        assert_eq!(taken.all, 0);
        assert!(taken.by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let places = Places::new(3, 1);
        let _one = places.take(client("2001:db8:1:2:3:4:5:6"), 1).unwrap();
        assert!(places.take(client("2001:db8:1:2:ffff::1"), 1).is_err());
        let _other = places.take(client("2001:db8:1:3::1"), 1).unwrap();
    }
}
