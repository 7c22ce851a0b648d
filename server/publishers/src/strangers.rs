//! Requests without a valid token.

use std::{fmt, net::IpAddr, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};

/// How many requests without a valid token one address may send at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(10).expect("it is above zero");

/// The time after which it may send one more.
const ONE_MORE: Duration = Duration::from_secs(6);

/// How many addresses are counted separately. All others together count as one.
const MAX_ADDRESSES: usize = 10_000;

/// The addresses that requests without a valid token come from. Each such request is a line of the log, which no client
/// may fill.
pub struct Strangers {
    limiter: RateLimiter<Option<IpAddr>, HashMapStateStore<Option<IpAddr>>, DefaultClock>,
}

impl fmt::Debug for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.limiter.len();
        f.debug_tuple("Strangers").field(&addresses).finish()
    }
}

impl Default for Strangers {
    fn default() -> Self {
        let quota = Quota::with_period(ONE_MORE).unwrap_or(Quota::per_minute(AT_ONCE));
        Strangers {
            limiter: RateLimiter::hashmap(quota.allow_burst(AT_ONCE)),
        }
    }
}

impl Strangers {
    /// Counts a request without a valid token.
    ///
    /// # Errors
    /// How long to wait until the address may send one more.
    pub fn count(&self, address: IpAddr) -> Result<(), Duration> {
        if self.limiter.len() >= MAX_ADDRESSES {
            self.limiter.retain_recent();
        }
        let is_full = self.limiter.len() >= MAX_ADDRESSES;
        let key = if is_full { None } else { Some(address) };
        self.limiter
            .check_key(&key)
            .map_err(|not_yet| not_yet.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn each_address_has_a_few_and_memory_has_a_bound() {
        let strangers = Strangers::default();
        let address = |n: usize| IpAddr::V4(Ipv4Addr::from(n as u32));
        for _ in 0..AT_ONCE.get() {
            assert_eq!(strangers.count(address(0)), Ok(()));
        }
        let wait = strangers.count(address(0)).unwrap_err();
        assert!(wait <= ONE_MORE && !wait.is_zero(), "{wait:?}");
        for n in 1..2 * MAX_ADDRESSES {
            let _ = strangers.count(address(n));
        }
        assert!(strangers.limiter.len() <= MAX_ADDRESSES + 1);
        assert!(strangers.count(address(usize::MAX)).is_err());
    }
}
