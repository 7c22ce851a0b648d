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
            seen.missing.push(before + 1..=number - 1);
            seen.forget_oldest();
            return Number::AfterGap;
        }
        let Some(at) = seen.missing.iter().position(|gap| gap.contains(&number)) else {
            return Number::Known;
        };
        let gap = seen.missing.remove(at);
        let (before, after) = (*gap.start()..=number - 1, number + 1..=*gap.end());
        let rest = [before, after].into_iter().filter(|gap| !gap.is_empty());
        seen.missing.splice(at..at, rest);
        seen.forget_oldest();
        Number::Missed
    }
}

impl Seen {
    /// What fills the middle of a range leaves two.
    fn forget_oldest(&mut self) {
        let over = self.missing.len().saturating_sub(MOST_MISSING);
        self.missing.drain(..over);
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

    proptest! {
        #[test]
        fn every_number_after_the_first_is_taken_once(numbers in prop::collection::vec(10_u64..40, 1..60)) {
            let mut taken = Numbers::default();
            let mut seen = BTreeSet::new();
            let mut forgets = false;
            for &number in &numbers {
                let told = taken.take("A".parse().unwrap(), number);
                let fresh = number >= numbers[0] && seen.insert(number);
                let remembered = taken.symbols.values().next().map_or(0, |seen| seen.missing.len());
                prop_assert!(remembered <= MOST_MISSING);
                let ranges = seen.iter().zip(seen.iter().skip(1)).filter(|(one, next)| *one + 1 < **next);
                forgets |= ranges.count() > MOST_MISSING;
                if !forgets {
                    prop_assert_eq!(told != Number::Known, fresh, "{} of {:?}", number, &numbers);
                } else {
                    prop_assert!(fresh || told == Number::Known);
                }
            }
        }
    }
}
