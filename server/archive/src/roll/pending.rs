//! Making the marked bars again, between commits.

use market::{Interval, Millis};
use rusqlite::params;

use super::{
    STORED, make_of, mark, mark_above, remove,
    row::{Made, Row},
    store,
};
use crate::{
    Failure, Overlay,
    coding::time,
    store::{Store, readable},
    symbol_row::SymbolRow,
    table::Table,
    zone::{self, level, span},
};

/// How long after its end a bar is made: sources let messages overtake one another.
pub(super) const GRACE: Millis = market::Board::GRACE;

/// The newest start of a marked bar of an interval that is past at `now`.
pub(super) fn newest_due(interval: Interval, now: Millis) -> Option<i64> {
    // The longest day has an hour more.
    let longest = match interval {
        Interval::Day => interval.millis() + Interval::Hour.millis(),
        _ => interval.millis(),
    };
    now.checked_sub(GRACE + longest).map(time)
}

/// Whether there is anything to do for [`roll`].
pub(crate) fn is_due(connection: &Store, now: Millis) -> Result<bool, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM pending WHERE level = ?1 AND start <= ?2 LIMIT 1")?;
    for interval in Interval::ALL {
        if let Some(newest) = newest_due(interval, now)
            && statement.exists(params![level(interval), newest])?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many bars are marked.
pub(crate) fn pending(connection: &Store) -> Result<u64, Failure> {
    let pending: i64 = connection
        .prepare_cached("SELECT count(*) FROM pending")?
        .query_row([], |row| row.get(0))?;
    Ok(pending as u64)
}

/// Makes the marked bars whose end is past at `now`, at most `limit` of each interval. Returns how many it made.
pub(crate) fn roll(connection: &Store, now: Millis, limit: usize) -> Result<usize, Failure> {
    let mut made = 0;
    for interval in Interval::ALL {
        let Some(newest) = newest_due(interval, now) else {
            continue;
        };
        let due: Vec<(i64, i64, Option<String>)> = connection
            .prepare_cached(
                "SELECT symbol, start, zone FROM pending JOIN symbols ON symbols.id = symbol
                 WHERE level = ?1 AND start <= ?2 LIMIT ?3",
            )?
            .query_map(params![level(interval), newest, limit as i64], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2).ok().flatten()))
            })?
            .filter_map(|row| readable(row).transpose())
            .collect::<Result<_, _>>()?;
        let mut known: Option<(i64, SymbolRow)> = None;
        for (id, start, name) in due {
            if known.as_ref().is_none_or(|(last, _)| *last != id) {
                let zone = zone::named(name.as_deref());
                known = Some((id, SymbolRow { id, zone }));
            }
            match (&known, Millis::try_from(start)) {
                (Some((_, known)), Ok(start)) => {
                    made += usize::from(roll_one(connection, known, interval, start)?);
                }
                _ => done(connection, id, interval, start)?,
            }
        }
    }
    Ok(made)
}

/// Makes one marked bar again. Returns whether it could.
pub(super) fn roll_one(
    connection: &Store,
    symbol: &SymbolRow,
    interval: Interval,
    start: Millis,
) -> Result<bool, Failure> {
    let mut statement = connection.prepare_cached(STORED)?;
    let key = params![level(interval), symbol.id, time(start)];
    let before = match connection
        .rows(Table::Bars, &mut statement, key, Row::read)?
        .next_or_cells()?
    {
        None => None,
        Some(Ok(row)) => Some(row),
        // It goes to the quarantine first.
        Some(Err(_)) => return Ok(false),
    };
    let nothing = Overlay::default();
    let there = before.clone();
    let after = make_of(connection, symbol, interval, start, there, &nothing)?;
    if before != after {
        match &after {
            Some(row) => store(connection, symbol.id, interval, row)?,
            None => remove(connection, symbol.id, interval, start)?,
        }
    }
    // Even if it is unchanged: the ones above may have been made from an interim state of it.
    mark_above(connection, symbol, interval, start)?;
    done(connection, symbol.id, interval, time(start))?;
    Ok(true)
}

pub(super) fn done(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    start: i64,
) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM pending WHERE symbol = ?1 AND start = ?2 AND level = ?3")?
        .execute(params![symbol, start, level(interval)])?;
    Ok(())
}

/// Schedules the days of a symbol to be made again, because its zone has changed.
pub(crate) fn rezone(connection: &Store, symbol: &SymbolRow) -> Result<(), Failure> {
    let rolled = params![symbol.id, level(Interval::Day), Made::Rolled.code()];
    connection.execute(
        "DELETE FROM bars WHERE symbol = ?1 AND level = ?2 AND made = ?3",
        rolled,
    )?;
    connection.execute(
        "DELETE FROM pending WHERE symbol = ?1 AND level = ?2",
        params![symbol.id, level(Interval::Day)],
    )?;
    let mut statement =
        connection.prepare_cached("SELECT start FROM bars WHERE symbol = ?1 AND level = ?2")?;
    for below in [Interval::Hour, Interval::QuarterHour] {
        let starts =
            statement.query_map(params![symbol.id, level(below)], |row| row.get::<_, i64>(0))?;
        let mut last = None;
        for start in starts {
            let Some(start) = readable(start)?.and_then(|start| Millis::try_from(start).ok())
            else {
                continue;
            };
            let day = span(Interval::Day, &symbol.zone, start).0;
            if last.replace(day) != Some(day) {
                mark(connection, symbol.id, Interval::Day, day)?;
            }
        }
    }
    Ok(())
}
