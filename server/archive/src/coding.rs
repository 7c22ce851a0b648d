//! How values stand in columns.

use market::{Moves, Price, Size};
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef},
};
use rust_decimal::Decimal;
use tape::EventId;

/// A decimal with the digits that came: `mantissa * 32 + scale` as an integer where that fits
/// into 64 bits, which SQLite stores in 1 to 8 bytes, and its text where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact(pub(crate) Decimal);

/// The bits of the scale, which is at most 28.
const SCALE_BITS: u32 = 5;

impl Exact {
    fn packed(self) -> Option<i64> {
        let mantissa = i64::try_from(self.0.mantissa()).ok()?;
        // A negative zero has no integer.
        if mantissa == 0 && self.0.is_sign_negative() {
            return None;
        }
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

/// What a trade moves, as bits; and whether it was taken back, so that it is known when it comes
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) i64);

impl Marks {
    const LAST: i64 = 1;
    const RANGE: i64 = 2;
    const VOLUME: i64 = 4;
    /// What never happened.
    pub(crate) const CANCELLED: i64 = 8;

    pub(crate) const fn moves(self) -> Moves {
        Moves {
            last: self.0 & Marks::LAST != 0,
            range: self.0 & Marks::RANGE != 0,
            volume: self.0 & Marks::VOLUME != 0,
        }
    }
}

impl From<Moves> for Marks {
    fn from(moves: Moves) -> Self {
        let bit = |set: bool, bit: i64| if set { bit } else { 0 };
        Marks(
            bit(moves.last, Marks::LAST)
                | bit(moves.range, Marks::RANGE)
                | bit(moves.volume, Marks::VOLUME),
        )
    }
}

/// The ids of one tape as integers that keep their order. They all bear its mark, which is stored
/// once, so that what is left of `n` is less than a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) mark: u32,
}

const PER_MARK: u64 = 1000;
const N_BITS: u32 = 10;

impl Ids {
    /// `None` where the id bears another mark or its time is beyond the year 200,000.
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

    /// The least packed id that is not below `id`, whatever mark that bears.
    pub(crate) fn at_least(self, id: EventId) -> i64 {
        let first = u64::from(self.mark) * PER_MARK;
        let ms = id.ms.min((i64::MAX >> N_BITS) as u64 - 1) as i64;
        if id.n < first {
            ms << N_BITS
        } else if id.n < first + PER_MARK {
            ms << N_BITS | (id.n - first) as i64
        } else {
            (ms + 1) << N_BITS
        }
    }
}

/// Milliseconds as SQLite has them.
pub(crate) fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
