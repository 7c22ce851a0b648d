use std::{fmt, str::FromStr};

/// The place of an event on the tape: `<unix ms>-<n>`, the shape of
/// [Redis stream ids](https://redis.io/docs/latest/develop/data-types/streams/#entry-ids).
///
/// Ids of one tape always rise, also when the clock steps back: the milliseconds never fall, and
/// `n` counts within one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    // The derived order compares the fields in this order.
    /// Milliseconds since the Unix epoch.
    pub ms: u64,
    /// Tells apart what has the same milliseconds.
    pub n: u64,
}

impl EventId {
    /// The id that follows this one at the time `now`, in milliseconds since the Unix epoch.
    pub(crate) const fn next(self, now: u64) -> Self {
        if now > self.ms {
            return EventId { ms: now, n: 0 };
        }
        match self.n.checked_add(1) {
            Some(n) => EventId { ms: self.ms, n },
            None => EventId {
                ms: self.ms.saturating_add(1),
                n: 0,
            },
        }
    }

    /// A position at which everything of the newest `ms` milliseconds before this id is ahead.
    pub(crate) fn back(self, ms: u64) -> Self {
        let earlier = EventId {
            ms: self.ms.saturating_sub(ms),
            n: u64::MAX,
        };
        earlier.min(self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.n)
    }
}

/// Why a text is not an [`EventId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventIdError {
    text: String,
}

impl fmt::Display for EventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an event id: expected <unix ms>-<n>, for example 1732111111202-0",
            self.text
        )
    }
}

impl std::error::Error for EventIdError {}

impl FromStr for EventId {
    type Err = EventIdError;

    /// Takes only what [`EventId`] is displayed as, so that one position has one name.
    fn from_str(text: &str) -> Result<Self, EventIdError> {
        fn number(digits: &str) -> Option<u64> {
            let canonical = digits == "0"
                || digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
            canonical.then(|| digits.parse().ok())?
        }
        text.split_once('-')
            .and_then(|(ms, n)| {
                Some(EventId {
                    ms: number(ms)?,
                    n: number(n)?,
                })
            })
            .ok_or_else(|| EventIdError {
                text: text.chars().take(64).collect(),
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_has_one_name(ms: u64, n: u64, other: (u64, u64), now: u64, text in "[-+0-9]{0,24}|.*") {
            let id = EventId { ms, n };
            prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
            let (other_ms, other_n) = other;
            let compared = id.cmp(&EventId { ms: other_ms, n: other_n });
            prop_assert_eq!(compared, (ms, n).cmp(&other));
            prop_assert!(id.next(now) > id);
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn an_id_reads_back_as_it_is_shown() {
        for text in ["0-0", "1732111111202-1", "18446744073709551615-10"] {
            assert_eq!(text.parse::<EventId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused_and_named() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "1-+2",
            " 1-2",
            "01-2",
            "1-00",
            "1-2\n",
            "18446744073709551616-0",
            "１-2",
        ] {
            let error = text.parse::<EventId>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn the_next_id_is_greater_whatever_the_clock_says() {
        let id = EventId { ms: 100, n: 7 };
        assert_eq!(id.next(101).to_string(), "101-0");
        assert_eq!(id.next(100).to_string(), "100-8");
        assert_eq!(id.next(3).to_string(), "100-8");
        let full = EventId {
            ms: 100,
            n: u64::MAX,
        };
        assert_eq!(full.next(100).to_string(), "101-0");
    }

    #[test]
    fn going_back_never_goes_forward() {
        let id = EventId { ms: 100, n: 7 };
        assert_eq!(id.back(0), id);
        assert_eq!(
            id.back(1),
            EventId {
                ms: 99,
                n: u64::MAX
            }
        );
        assert_eq!(id.back(1000), EventId { ms: 0, n: u64::MAX });
    }
}
