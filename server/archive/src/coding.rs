//! The encoding of values in columns.

use market::{Price, Size, TradeEligibility};
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef},
};
use rust_decimal::Decimal;
use tape::EventId;

/// A decimal with its original digits: `mantissa * 32 + scale` as an integer if that fits into 64 bits, which SQLite
/// stores in 1 to 8 bytes, and otherwise its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact(pub(crate) Decimal);

/// The bits of the scale, which is at most 28.
const SCALE_BITS: u32 = 5;

impl Exact {
    fn packed(self) -> Option<i64> {
        let mantissa = i64::try_from(self.0.mantissa()).ok()?;
        let shifted = mantissa.checked_mul(1 << SCALE_BITS)?;
        Some(shifted | i64::from(self.0.scale()))
    }
}

impl ToSql for Exact {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match self.packed() {
            Some(packed) => Value::Integer(packed),
            None => Value::Text(self.0.to_string()),
        }))
    }
}

impl FromSql for Exact {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(packed) => {
                let scale = (packed & ((1 << SCALE_BITS) - 1)) as u32;
                Decimal::try_new(packed >> SCALE_BITS, scale)
                    .map(Exact)
                    .map_err(FromSqlError::other)
            }
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map_err(FromSqlError::other)
                .and_then(|text| Decimal::from_str_exact(text).map_err(FromSqlError::other))
                .map(Exact),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl From<Exact> for Price {
    fn from(exact: Exact) -> Self {
        exact.0.into()
    }
}

impl From<Exact> for Size {
    fn from(exact: Exact) -> Self {
        exact.0.into()
    }
}

impl From<Price> for Exact {
    fn from(price: Price) -> Self {
        Exact(price.decimal())
    }
}

impl From<Size> for Exact {
    fn from(size: Size) -> Self {
        Exact(size.decimal())
    }
}

/// What a trade moves, as bits; and whether it was cancelled, so that a duplicate is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) i64);

impl Marks {
    const LAST: i64 = 1;
    const RANGE: i64 = 2;
    const VOLUME: i64 = 4;
    /// Cancelled.
    pub(crate) const CANCELLED: i64 = 8;

    pub(crate) const fn moves(self) -> TradeEligibility {
        TradeEligibility {
            last: self.0 & Marks::LAST != 0,
            range: self.0 & Marks::RANGE != 0,
            volume: self.0 & Marks::VOLUME != 0,
        }
    }
}

impl From<TradeEligibility> for Marks {
    fn from(moves: TradeEligibility) -> Self {
        let bit = |set: bool, bit: i64| if set { bit } else { 0 };
        Marks(
            bit(moves.last, Marks::LAST)
                | bit(moves.range, Marks::RANGE)
                | bit(moves.volume, Marks::VOLUME),
        )
    }
}

/// The ids of one tape as integers in the same order. They all have its mark, which is stored once, so that the rest of
/// `n` is less than a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) mark: u32,
}

const PER_MARK: u64 = 1000;
const N_BITS: u32 = 10;

impl Ids {
    /// `None` if the id has another mark or its time is beyond the year 200,000.
    pub(crate) fn pack(self, id: EventId) -> Option<i64> {
        let n = id.n.checked_sub(u64::from(self.mark) * PER_MARK)?;
        let ms = i64::try_from(id.ms).ok()?.checked_mul(1 << N_BITS)?;
        (n < PER_MARK).then_some(ms | n as i64)
    }

    pub(crate) const fn unpack(self, packed: i64) -> EventId {
        EventId {
            ms: (packed >> N_BITS) as u64,
            n: (packed & ((1 << N_BITS) - 1)) as u64 + self.mark as u64 * PER_MARK,
        }
    }

    /// The least packed id that is not below `id`, whatever the mark of that; the greatest number if there is none.
    pub(crate) fn at_least(self, id: EventId) -> i64 {
        const LAST: u64 = (i64::MAX >> N_BITS) as u64;
        if id.ms > LAST {
            return i64::MAX;
        }
        let ms = (id.ms as i64) << N_BITS;
        match id.n.checked_sub(u64::from(self.mark) * PER_MARK) {
            None => ms,
            Some(n) if n < PER_MARK => ms | n as i64,
            Some(_) => ms.saturating_add(1 << N_BITS),
        }
    }
}

/// Milliseconds as an SQLite integer.
pub(crate) fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Decodes a decimal and an id from any value of a column, encodes them and decodes them again.
///
/// # Panics
/// If the two results differ.
#[cfg(any(test, fuzzing))]
pub fn fuzz_coding(bytes: &[u8]) {
    let same = |value: ValueRef<'_>| {
        let Ok(exact) = Exact::column_result(value) else {
            return;
        };
        let written = exact.to_sql().expect("a decimal is written");
        let ToSqlOutput::Owned(written) = written else {
            panic!("a decimal is written as a value of its own");
        };
        let again = Exact::column_result(ValueRef::from(&written)).expect("it is read again");
        assert_eq!(again, exact);
        assert_eq!(again.0.scale(), exact.0.scale());
    };
    same(ValueRef::Text(bytes));
    same(ValueRef::Blob(bytes));
    if let Some((integer, rest)) = bytes.split_first_chunk() {
        let integer = i64::from_le_bytes(*integer);
        same(ValueRef::Integer(integer));
        let mark = rest
            .first()
            .map_or(0, |mark| u32::from(*mark) * 0x0101_0101);
        let ids = Ids { mark };
        let id = ids.unpack(integer & i64::MAX);
        if let Some(packed) = ids.pack(id) {
            assert_eq!(ids.unpack(packed), id);
            assert_eq!(ids.at_least(id), packed);
        }
        let marks = Marks(integer);
        assert_eq!(Marks::from(marks.moves()).moves(), marks.moves());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    fn there_and_back(connection: &Connection, number: Decimal) -> Decimal {
        connection
            .query_row("SELECT ?1", [Exact(number)], |row| row.get::<_, Exact>(0))
            .unwrap()
            .0
    }

    fn decimal() -> impl Strategy<Value = Decimal> {
        let mantissa = prop_oneof![
            any::<i64>().prop_map(i128::from),
            -(1_i128 << 60)..1 << 60,
            -(1_i128 << 95)..1 << 95,
            -5_i128..5,
        ];
        (mantissa, 0..=28_u32)
            .prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa, scale))
    }

    /// The seeds of the fuzz target, and every input that once failed.
    #[test]
    fn every_seed_is_read_as_it_is_written() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/archive");
        let seeds: Vec<_> = std::fs::read_dir(seeds).unwrap().collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            fuzz_coding(&std::fs::read(seed.unwrap().path()).unwrap());
        }
    }

    proptest! {
        #[test]
        fn a_decimal_comes_back_with_all_its_digits(number in decimal()) {
            let connection = Connection::open_in_memory().unwrap();
            let back = there_and_back(&connection, number);
            prop_assert_eq!(back, number);
            prop_assert_eq!(back.to_string(), number.to_string());
            prop_assert_eq!(back.scale(), number.scale());
        }

        #[test]
        fn packed_ids_keep_their_order(
            mark in 0..10_000_u32,
            ids in proptest::collection::vec((0..1_u64 << 43, 0..1000_u64), 2),
            other in (0..1_u64 << 43, any::<u32>()),
        ) {
            let tape = Ids { mark };
            let ids: Vec<EventId> = ids
                .into_iter()
                .map(|(ms, n)| EventId { ms, n: u64::from(mark) * 1000 + n })
                .collect();
            let packed: Vec<i64> = ids.iter().map(|id| tape.pack(*id).unwrap()).collect();
            prop_assert_eq!(packed[0].cmp(&packed[1]), ids[0].cmp(&ids[1]));
            prop_assert_eq!(tape.unpack(packed[0]), ids[0]);
            prop_assert_eq!(tape.at_least(ids[0]), packed[0]);
            // Any id has its place among them.
            let other = EventId { ms: other.0, n: u64::from(other.1) };
            prop_assert_eq!(packed[0] >= tape.at_least(other), ids[0] >= other);
        }
    }

    #[test]
    fn the_last_ids_are_not_below_themselves() {
        let ids = Ids { mark: 7 };
        let last = EventId {
            ms: (i64::MAX >> N_BITS) as u64,
            n: 7_999,
        };
        assert_eq!(Some(ids.at_least(last)), ids.pack(last));
        let after = [
            EventId { n: 8_000, ..last },
            EventId {
                ms: last.ms + 1,
                n: 0,
            },
        ];
        assert_eq!(after.map(|id| ids.at_least(id)), [i64::MAX; 2]);
    }

    #[test]
    fn prices_as_sources_give_them_are_small_integers() {
        for text in ["61837.63000000", "0.00000001", "597.30", "-37.63", "0.00"] {
            let number = Decimal::from_str_exact(text).unwrap();
            assert!(Exact(number).packed().is_some(), "{text}");
        }
        let long = Decimal::from_str_exact("7922816251426433759354395033").unwrap();
        assert_eq!(Exact(long).packed(), None);
    }
}
