use std::{fmt, str::FromStr};

/// The position of an event on the tape: `<unix ms>-<n>`, the form of [Redis stream
/// ids](https://redis.io/docs/latest/develop/data-types/streams/#entry-ids).
///
/// Ids of one tape always rise, even if the clock steps back: the milliseconds never fall, and `n` counts within a
/// millisecond, starting at a thousand times the tape's [mark](crate::Tape::new).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    // The derived order compares the fields in this order.
    /// Milliseconds since the Unix epoch.
    pub ms: u64,
    /// Distinguishes ids with the same milliseconds.
    pub n: u64,
}

impl EventId {
    /// A position behind everything of the newest `ms` milliseconds before this id.
    pub(crate) fn back(self, ms: u64) -> Self {
        let earlier = EventId {
            ms: self.ms.saturating_sub(ms),
            n: u64::MAX,
        };
        earlier.min(self)
    }
}

/// How many ids a tape gives in one millisecond before it continues with the next; the `n` of the first is its mark
/// times this number.
pub const IDS_PER_MS: u64 = 1000;

/// The range of `n` that the ids of one tape share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Epoch {
    first: u64,
}

impl Epoch {
    pub(crate) const fn new(mark: u32) -> Self {
        Epoch {
            first: mark as u64 * IDS_PER_MS,
        }
    }

    /// The first id of a millisecond.
    pub(crate) const fn first_of(self, ms: u64) -> EventId {
        EventId { ms, n: self.first }
    }

    /// The id that follows `last` at the time `now`, in milliseconds since the Unix epoch.
    pub(crate) const fn next(self, last: EventId, now: u64) -> EventId {
        if now > last.ms {
            return self.first_of(now);
        }
        if !self.bears(last) {
            return self.first_of(last.ms.saturating_add(1));
        }
        let n = last.n + 1;
        if n < self.first + IDS_PER_MS {
            return EventId { ms: last.ms, n };
        }
        self.first_of(last.ms.saturating_add(1))
    }

    /// The mark of the tape that gave the id.
    pub(crate) const fn of(id: EventId) -> Self {
        Epoch {
            first: id.n - id.n % IDS_PER_MS,
        }
    }

    /// Whether an id could be of this tape.
    pub(crate) const fn bears(self, id: EventId) -> bool {
        id.n / IDS_PER_MS == self.first / IDS_PER_MS
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

    /// Parses only the displayed form of an [`EventId`], so that one position has one name.
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
        fn ids_rise_and_bear_the_mark_of_their_tape_and_no_other(
            mark: u32,
            other: u32,
            start in 0..1u64 << 48,
            clock in proptest::collection::vec((-5..5i64, 1..3000u64), 1..5),
        ) {
            let (own, foreign) = (Epoch::new(mark), Epoch::new(other));
            let (mut now, mut last) = (start, own.first_of(start));
            for (by, count) in clock {
                now = now.saturating_add_signed(by);
                for _ in 0..count {
                    let id = own.next(last, now);
                    prop_assert!(id > last && id.ms >= now);
                    prop_assert!(own.bears(id));
                    prop_assert_eq!(foreign.bears(id), mark == other);
                    last = id;
                }
            }
        }

        #[test]
        fn every_id_has_one_name(ms: u64, n: u64, other: (u64, u64), text in "[-+0-9]{0,24}|.*") {
            let id = EventId { ms, n };
            prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
            let (other_ms, other_n) = other;
            let compared = id.cmp(&EventId { ms: other_ms, n: other_n });
            prop_assert_eq!(compared, (ms, n).cmp(&other));
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
    fn the_next_id_is_greater_at_any_time_of_the_clock() {
        let next = |mark, last: &str, now| {
            let last = last.parse().unwrap();
            Epoch::new(mark).next(last, now).to_string()
        };
        assert_eq!(next(0, "100-7", 101), "101-0");
        assert_eq!(next(0, "100-7", 100), "100-8");
        assert_eq!(next(0, "100-7", 3), "100-8");
        assert_eq!(next(0, "100-999", 100), "101-0");
        assert_eq!(next(42, "100-42007", 101), "101-42000");
        assert_eq!(next(42, "100-42007", 3), "100-42008");
        assert_eq!(next(42, "100-42999", 3), "101-42000");
        assert_eq!(next(42, "100-7", 3), "101-42000", "after another mark");
        assert_eq!(next(42, "100-99007", 100), "101-42000");
        assert_eq!(next(u32::MAX, "100-4294967295998", 3), "100-4294967295999");
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
