use std::{collections::BTreeMap, ops::RangeInclusive};

use market::Symbol;

/// The most ranges of missing numbers that are remembered of one symbol.
const MOST_MISSING: usize = 8;

/// The numbers of a source's trades, which rise by one with each: tells which came before and which
/// never came.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    symbols: BTreeMap<Symbol, Seen>,
}

#[derive(Debug)]
struct Seen {
    newest: u64,
    /// Rising, with at least one number that came between any two.
    missing: Vec<RangeInclusive<u64>>,
}

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// It is the next one, or the first one of all.
    Next,
    /// Some before it have not come.
    AfterGap,
    /// It had been missing.
    Missed,
    /// It came before.
    Known,
}

impl Numbers {
    /// The newest number of a symbol.
    pub(super) fn newest(&self, symbol: Symbol) -> Option<u64> {
        self.symbols.get(&symbol).map(|seen| seen.newest)
    }

    /// The next number of a symbol is the first one.
    pub(super) fn forget(&mut self, symbol: Symbol) {
        self.symbols.remove(&symbol);
    }

    /// Takes a number.
    pub(super) fn take(&mut self, symbol: Symbol, number: u64) -> Number {
        let Some(seen) = self.symbols.get_mut(&symbol) else {
            let seen = Seen {
                newest: number,
                missing: Vec::new(),
            };
            self.symbols.insert(symbol, seen);
            return Number::Next;
        };
        if number > seen.newest {
            let before = seen.newest;
            seen.newest = number;
            if number == before + 1 {
                return Number::Next;
            }
            seen.misses(seen.missing.len(), [before + 1..=number - 1]);
            return Number::AfterGap;
        }
        let Some(at) = seen.missing.iter().position(|gap| gap.contains(&number)) else {
            return Number::Known;
        };
        let gap = seen.missing.remove(at);
        // A range of missing numbers begins behind one that came, so that none begins with 0.
        let (before, after) = (*gap.start()..=number - 1, number + 1..=*gap.end());
        let rest = [before, after].into_iter().filter(|gap| !gap.is_empty());
        seen.misses(at, rest);
        Number::Missed
    }
}

impl Seen {
    /// Remembers ranges at their place among the others, and forgets the oldest ones above
    /// [`MOST_MISSING`]: one that is filled from its middle leaves two.
    fn misses(&mut self, at: usize, ranges: impl IntoIterator<Item = RangeInclusive<u64>>) {
        self.missing.splice(at..at, ranges);
        let surplus = self.missing.len().saturating_sub(MOST_MISSING);
        self.missing.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tells_gaps_and_what_fills_them() {
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        assert_eq!(numbers.newest(symbol), None);
        let mut take = |number| numbers.take(symbol, number);
        let taken = [5, 6, 6, 5, 4, 10, 8, 8, 7, 9, 9, 11].map(&mut take);
        use Number::{AfterGap, Known, Missed, Next};
        assert_eq!(
            taken,
            [
                Next, Next, Known, Known, Known, AfterGap, Missed, Known, Missed, Missed, Known,
                Next
            ]
        );
        assert_eq!(take(u64::MAX), AfterGap);
        assert_eq!(take(0), Known);
    }

    /// The numbers that have not come, one by one, of which those of the oldest gaps are forgotten.
    #[derive(Default)]
    struct Naive {
        newest: Option<u64>,
        missing: BTreeSet<u64>,
    }

    impl Naive {
        fn take(&mut self, number: u64) -> Number {
            if self.newest.is_none_or(|newest| number > newest) {
                let before = self.newest.replace(number).unwrap_or(number - 1);
                self.missing.extend(before + 1..number);
                self.forget();
                return match before + 1 == number {
                    true => Number::Next,
                    false => Number::AfterGap,
                };
            }
            match self.missing.remove(&number) {
                true => {
                    self.forget();
                    Number::Missed
                }
                false => Number::Known,
            }
        }

        fn forget(&mut self) {
            let is_end = |number: &&u64| !self.missing.contains(&(**number + 1));
            let ends: Vec<u64> = self.missing.iter().filter(is_end).copied().collect();
            if let Some(last) = ends.len().checked_sub(MOST_MISSING + 1) {
                self.missing.retain(|number| *number > ends[last]);
            }
        }
    }

    fn compare(all: &[u64]) {
        let (mut numbers, mut naive) = (Numbers::default(), Naive::default());
        let symbol = "A".parse().unwrap();
        for &number in all {
            let (told, expected) = (numbers.take(symbol, number), naive.take(number));
            assert_eq!(told, expected, "{number} of {all:?}");
            assert!(numbers.symbols[&symbol].missing.len() <= MOST_MISSING);
        }
    }

    #[test]
    fn gaps_that_are_filled_from_their_middles_count_as_two() {
        compare(&[10, 15, 20, 13, 25, 22, 27, 29, 17, 31, 11]);
        compare(&[10, 17, 28, 13, 15, 19, 21, 23, 25, 30, 11]);
    }

    /// One that never fills its gaps in order must not make us remember every second number.
    #[test]
    fn one_gap_in_many_pieces_is_forgotten_from_its_beginning() {
        let all: Vec<u64> = [10, 100].into_iter().chain((12..100).step_by(2)).collect();
        compare(&all);
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        all.iter().for_each(|&number| {
            numbers.take(symbol, number);
        });
        assert_eq!(numbers.take(symbol, 11), Number::Known);
        assert_eq!(numbers.take(symbol, 99), Number::Missed);
    }

    proptest! {
        #[test]
        fn every_number_that_is_missing_is_taken_once(numbers in prop::collection::vec(10_u64..60, 1..80)) {
            compare(&numbers);
        }
    }
}
