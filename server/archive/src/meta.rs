//! The one row of `meta`, without which nothing can be read or written. If it is damaged, as much of it as possible is
//! reconstructed.

use market::Millis;
use rusqlite::types::ValueRef;

use crate::{
    Failure, checksum,
    store::{Store, readable},
    table::Cell,
};

/// The state that the tape and the archive continue from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) mark: u32,
    pub(crate) reserved: i64,
    pub(crate) sequence: i64,
}

const SELECT: &str = "SELECT mark, reserved, sequence, crc FROM meta WHERE one = 1";

/// The range of the marks.
const MARKS: std::ops::RangeInclusive<u32> = 1..=9_999;

impl Meta {
    fn crc(self) -> i64 {
        checksum::of([
            ValueRef::Integer(1),
            ValueRef::Integer(self.mark.into()),
            ValueRef::Integer(self.reserved),
            ValueRef::Integer(self.sequence),
        ])
    }

    fn of(mark: i64, reserved: i64, sequence: i64) -> Option<Meta> {
        let mark = u32::try_from(mark).ok()?;
        let is_sound = MARKS.contains(&mark) && reserved >= 0 && sequence >= 0;
        is_sound.then_some(Meta {
            mark,
            reserved,
            sequence,
        })
    }
}

/// The row as it is; with a mark of 0 if it cannot be read.
pub(crate) fn read(connection: &Store) -> Result<Meta, Failure> {
    Ok(whole(connection)?.unwrap_or(Meta {
        mark: 0,
        reserved: 0,
        sequence: 0,
    }))
}

/// The row, if it is intact.
fn whole(connection: &Store) -> Result<Option<Meta>, Failure> {
    let row = connection.query_row(SELECT, [], |row| {
        let meta = Meta::of(row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((meta, row.get::<_, Option<i64>>(3)?))
    });
    Ok(readable(row)?
        .and_then(|(meta, crc)| meta.filter(|meta| crc.is_none_or(|crc| crc == meta.crc()))))
}

/// Writes the row anew if it is damaged, in the open transaction. Returns what has changed by that.
pub(crate) fn mend(connection: &Store, now: Millis) -> Result<Option<String>, Failure> {
    if whole(connection)?.is_some() {
        return Ok(None);
    }
    let there = connection.query_row(SELECT, [], |row| {
        (0..4)
            .map(|column| Ok(Cell::from(row.get_ref(column)?).integer()))
            .collect::<Result<Vec<_>, _>>()
    });
    let there = readable(there)?.unwrap_or_default();
    let (meta, notice) = match corrected(&there) {
        Some(meta) => (
            meta,
            "one damaged byte of the archive's marks was corrected".to_owned(),
        ),
        None => (
            begun_anew(connection, now)?,
            "the archive's marks were damaged: its ids are those of another tape from now on, and clients begin with a snapshot"
                .to_owned(),
        ),
    };
    tracing::error!("{notice}");
    connection.execute("DELETE FROM meta", [])?;
    connection.execute(
        "INSERT INTO meta (one, mark, reserved, sequence, crc) VALUES (1, ?1, ?2, ?3, ?4)",
        rusqlite::params![meta.mark, meta.reserved, meta.sequence, meta.crc()],
    )?;
    Ok(Some(notice))
}

/// The row with one byte changed, if that agrees with its checksum.
fn corrected(there: &[Option<i64>]) -> Option<Meta> {
    let values: Vec<i64> = there.iter().copied().collect::<Option<_>>()?;
    let &[mark, reserved, sequence, crc] = values.as_slice() else {
        return None;
    };
    let mut found = None;
    for column in 0..3 {
        for (shift, byte) in (0..8).flat_map(|byte| (1..256_i64).map(move |x| (byte * 8, x))) {
            let mut values = [mark, reserved, sequence];
            values[column] ^= byte << shift;
            let [mark, reserved, sequence] = values;
            let meta = Meta::of(mark, reserved, sequence).filter(|meta| meta.crc() == crc);
            match (found, meta) {
                (None, Some(_)) => found = meta,
                (Some(_), Some(_)) => return None,
                (_, None) => {}
            }
        }
    }
    found
}

fn begun_anew(connection: &Store, now: Millis) -> Result<Meta, Failure> {
    let mark: i64 =
        connection.query_row("SELECT abs(random() % 9999) + 1", [], |row| row.get(0))?;
    // More trades than any archive has counted one by one.
    let sequence = i64::try_from(now).unwrap_or(i64::MAX >> 1);
    Ok(Meta {
        mark: u32::try_from(mark).unwrap_or(1),
        reserved: 0,
        sequence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_damaged_byte_is_found_again() {
        let meta = Meta {
            mark: 4_217,
            reserved: 1_790_000_002_000,
            sequence: 123_456,
        };
        let right = [
            i64::from(meta.mark),
            meta.reserved,
            meta.sequence,
            meta.crc(),
        ];
        for column in 0..3 {
            let mut damaged = right;
            damaged[column] ^= 0x5a00;
            assert_eq!(corrected(&damaged.map(Some)), Some(meta), "{damaged:?}");
        }
        let mut damaged = right;
        damaged[0] ^= 0x0101;
        damaged[1] ^= 0x77_0000;
        assert_eq!(corrected(&damaged.map(Some)), None);
    }
}
