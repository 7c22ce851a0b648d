use std::{
    collections::{BTreeMap, VecDeque},
    ops::RangeInclusive,
};

use market::{Millis, Symbol, Trade};

/// The most ranges of missing numbers that are recorded for one symbol.
const MAX_MISSING: usize = 8;

/// The most trades of one symbol that are kept whole, so that a resent one can be distinguished from another one with
/// the same number. Sources resend at most fifty.
const MAX_REMEMBERED: usize = 128;

/// The numbers of a source's trades, which rise by one with each: they show duplicates, missing trades, and where a
/// source restarts its numbers.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    symbols: BTreeMap<Symbol, Seen>,
    /// The symbols whose numbers have been used twice for different trades. They identify no trade any more.
    ambiguous: BTreeMap<Symbol, Ambiguity>,
}

/// How the numbers of a symbol fail to identify its trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ambiguity {
    /// They have restarted: within a connection they still distinguish trades.
    Restarted,
    /// The same number is given repeatedly.
    Reused,
}

#[derive(Debug)]
struct Seen {
    newest: u64,
    /// The latest time that a trade has had.
    latest: Millis,
    /// Rising, with at least one received number between any two.
    missing: Vec<RangeInclusive<u64>>,
    recent: VecDeque<(u64, Millis, Trade)>,
}

/// The meaning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// It is the next one, or the first one of all.
    Next,
    /// Some numbers before it are missing.
    AfterGap,
    /// It was missing before.
    Missed,
    /// It is a duplicate of a trade.
    Known,
    /// Another trade had it before, or the source has restarted its numbers. The trade is valid like any other.
    Again,
}

impl Numbers {
    /// Another connection begins, of a source that need not continue the numbers of the last one.
    pub(crate) fn begin(&mut self) {
        self.symbols.clear();
    }

    /// The newest number of a symbol.
    pub(crate) fn newest(&self, symbol: Symbol) -> Option<u64> {
        self.symbols.get(&symbol).map(|seen| seen.newest)
    }

    /// The symbol's numbers restart with the next trade.
    pub(crate) fn restart(&mut self, symbol: Symbol) {
        if self.symbols.remove(&symbol).is_some() {
            self.ambiguous.entry(symbol).or_insert(Ambiguity::Restarted);
        }
    }

    /// Records a number of a trade that otherwise could not be parsed, so that it does not count as missing.
    pub(crate) fn skip(&mut self, symbol: Symbol, number: u64) {
        if let Some(seen) = self.symbols.get_mut(&symbol) {
            seen.take(number);
        }
    }

    /// Records a trade and its number, if it has one. A number that no longer identifies one trade is removed from the
    /// trade, so that two trades never count as one.
    ///
    /// `resent` is for trades that the source resends unrequested, as the last trades to a subscription: among those, a
    /// known number is a known trade.
    pub(crate) fn take(
        &mut self,
        symbol: Symbol,
        time: Millis,
        trade: &mut Trade,
        resent: bool,
    ) -> Number {
        let Some(number) = trade.id else {
            return Number::Next;
        };
        let whole = *trade;
        if self.ambiguous.contains_key(&symbol) {
            trade.id = None;
        }
        if self.ambiguous.get(&symbol) == Some(&Ambiguity::Reused) && !resent {
            return Number::Again;
        }
        let Some(seen) = self.symbols.get_mut(&symbol) else {
            self.symbols.insert(symbol, Seen::new(number, time, whole));
            return Number::Next;
        };
        let taken = seen.take(number);
        if taken != Number::Known {
            seen.remember(number, time, whole);
            return taken;
        }
        let earlier = seen
            .recent
            .iter()
            .rev()
            .find(|(known, ..)| *known == number);
        let ambiguity = match earlier {
            _ if resent => return Number::Known,
            Some((_, at, earlier)) if (*at, earlier) == (time, &whole) => return Number::Known,
            Some(_) => Ambiguity::Reused,
            // Out of order, and older than anything recorded.
            None if time < seen.latest => return Number::Known,
            None => Ambiguity::Restarted,
        };
        self.ambiguous.insert(symbol, ambiguity);
        self.symbols.insert(symbol, Seen::new(number, time, whole));
        trade.id = None;
        Number::Again
    }
}

impl Seen {
    fn new(number: u64, time: Millis, trade: Trade) -> Self {
        Seen {
            newest: number,
            latest: time,
            missing: Vec::new(),
            recent: VecDeque::from([(number, time, trade)]),
        }
    }

    fn remember(&mut self, number: u64, time: Millis, trade: Trade) {
        self.latest = self.latest.max(time);
        if self.recent.len() >= MAX_REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((number, time, trade));
    }

    fn take(&mut self, number: u64) -> Number {
        if number > self.newest {
            let before = self.newest;
            self.newest = number;
            if number == before + 1 {
                return Number::Next;
            }
            self.misses(self.missing.len(), [before + 1..=number - 1]);
            return Number::AfterGap;
        }
        let Some(at) = self.missing.iter().position(|gap| gap.contains(&number)) else {
            return Number::Known;
        };
        let gap = self.missing.remove(at);
        // A range of missing numbers begins behind one that came, so that none begins with 0.
        let (before, after) = (*gap.start()..=number - 1, number + 1..=*gap.end());
        let rest = [before, after].into_iter().filter(|gap| !gap.is_empty());
        self.misses(at, rest);
        Number::Missed
    }

    /// Inserts ranges in order, and forgets the oldest ones above [`MAX_MISSING`]: one that is filled from its middle
    /// leaves two.
    fn misses(&mut self, at: usize, ranges: impl IntoIterator<Item = RangeInclusive<u64>>) {
        self.missing.splice(at..at, ranges);
        let surplus = self.missing.len().saturating_sub(MAX_MISSING);
        self.missing.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn trade(number: u64, price: &str) -> Trade {
        Trade::new(price.parse().unwrap(), None).with_id(number)
    }

    /// The meaning of each trade, given as number, time and price; and whether it keeps its number.
    fn taken(trades: &[(u64, Millis, &str)]) -> Vec<(Number, bool)> {
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        let take = |&(number, time, price): &(u64, Millis, &str)| {
            let mut trade = trade(number, price);
            let taken = numbers.take(symbol, time, &mut trade, false);
            (taken, trade.id.is_some())
        };
        trades.iter().map(take).collect()
    }

    #[test]
    fn numbers_that_begin_anew_lose_no_trade() {
        let taken = taken(&[
            (100, 10, "8"),
            (101, 11, "9"),
            (101, 11, "9"),
            (40, 9, "7"),
            (1, 12, "5"),
            (2, 12, "6"),
            (2, 12, "6"),
            (4, 13, "6"),
        ]);
        use Number::{AfterGap, Again, Known, Next};
        assert_eq!(
            taken,
            [
                (Next, true),
                (Next, true),
                (Known, true),
                (Known, true),
                (Again, false),
                (Next, false),
                (Known, false),
                (AfterGap, false),
            ]
        );
    }

    #[test]
    fn one_number_for_all_trades_loses_none_that_differs() {
        let taken = taken(&[(0, 10, "8"), (0, 10, "9"), (0, 11, "9"), (0, 9, "8")]);
        use Number::{Again, Next};
        assert_eq!(
            taken,
            [(Next, true), (Again, false), (Again, false), (Again, false)]
        );
    }

    #[test]
    fn what_is_sent_again_on_purpose_is_known_by_its_number() {
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        let mut take =
            |number, price, resent| numbers.take(symbol, 5, &mut trade(number, price), resent);
        assert_eq!(take(7, "1", false), Number::Next);
        assert_eq!(take(7, "2", true), Number::Known);
        assert_eq!(take(8, "2", true), Number::Next);
    }

    #[test]
    fn tells_gaps_and_what_fills_them() {
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        assert_eq!(numbers.newest(symbol), None);
        let mut take = |number| numbers.take(symbol, 1, &mut trade(number, "1"), false);
        let taken = [5, 6, 6, 5, 10, 8, 8, 7, 9, 9, 11].map(&mut take);
        use Number::{AfterGap, Known, Missed, Next};
        assert_eq!(
            taken,
            [
                Next, Next, Known, Known, AfterGap, Missed, Known, Missed, Missed, Known, Next
            ]
        );
        assert_eq!(take(u64::MAX), AfterGap);
    }

    /// The missing numbers, one by one, without those of the oldest gaps, which are forgotten.
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
            if let Some(last) = ends.len().checked_sub(MAX_MISSING + 1) {
                self.missing.retain(|number| *number > ends[last]);
            }
        }
    }

    fn compare(all: &[u64]) {
        let (mut numbers, mut naive) = (Numbers::default(), Naive::default());
        let symbol = "A".parse().unwrap();
        for &number in all {
            let meaning = numbers.take(symbol, 1, &mut trade(number, "1"), true);
            let expected = naive.take(number);
            assert_eq!(meaning, expected, "{number} of {all:?}");
            assert!(numbers.symbols[&symbol].missing.len() <= MAX_MISSING);
        }
    }

    #[test]
    fn gaps_that_are_filled_from_their_middles_count_as_two() {
        compare(&[10, 15, 20, 13, 25, 22, 27, 29, 17, 31, 11]);
        compare(&[10, 17, 28, 13, 15, 19, 21, 23, 25, 30, 11]);
    }

    /// A source that never fills its gaps in order must not make every second number be recorded.
    #[test]
    fn one_gap_in_many_pieces_is_forgotten_from_its_beginning() {
        let all: Vec<u64> = [10, 100].into_iter().chain((12..100).step_by(2)).collect();
        compare(&all);
        let mut numbers = Numbers::default();
        let symbol = "A".parse().unwrap();
        all.iter().for_each(|&number| {
            numbers.take(symbol, 1, &mut trade(number, "1"), false);
        });
        let mut take = |number| numbers.take(symbol, 0, &mut trade(number, "1"), false);
        assert_eq!(take(11), Number::Known);
        assert_eq!(take(99), Number::Missed);
    }

    proptest! {
        #[test]
        fn every_number_that_is_missing_is_taken_once(numbers in prop::collection::vec(10_u64..60, 1..80)) {
            compare(&numbers);
        }
    }
}
