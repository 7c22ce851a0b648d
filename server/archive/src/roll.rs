//! How bars are made: seconds from trades, and every other bar from the bars below it.
//!
//! A bar that may no longer agree with the data below it is marked in the table `pending`, in the same transaction as
//! the change. The writer makes it again when it has closed, or soon if it closed long ago; until then readers compute
//! it themselves. So the result of a read never depends on the writer's progress.

mod pending;
mod row;

use std::collections::BTreeSet;

use market::{Interval, Millis, Roll};
use rusqlite::params;

use crate::{
    Failure, Overlay,
    coding::{Exact, Marks, time},
    read,
    store::{Store, readable},
    symbol_row::SymbolRow,
    table::Table,
    zone::{above, below, level, span},
};

/// A bar by its key.
const STORED: &str =
    "SELECT level, symbol, start, open, high, low, close, firm, volume, turnover, trades, made, crc
     FROM bars WHERE level = ?1 AND symbol = ?2 AND start = ?3";

pub(crate) use pending::{is_due, pending, rezone, roll};
pub(crate) use row::{Made, Row, remade};

/// The stored bar that begins at a time, if it can be read.
pub(crate) fn stored(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    start: Millis,
) -> Result<Option<Row>, Failure> {
    let mut statement = connection.prepare_cached(STORED)?;
    let key = params![level(interval), symbol, time(start)];
    connection.first(Table::Bars, &mut statement, key, Row::read)
}

/// Stores a bar in place of the existing one.
pub(crate) fn store(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    row: &Row,
) -> Result<(), Failure> {
    let sums = &row.sums;
    // The value counts, not its zeros: so it stays small on disk.
    let turnover = sums.turnover.map(|turnover| turnover.normalize());
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO bars VALUES (
                ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                crc_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12))",
        )?
        .execute(params![
            level(interval),
            symbol,
            time(row.start),
            sums.open.map(Exact::from),
            sums.high.map(Exact::from),
            sums.low.map(Exact::from),
            sums.close.map(Exact::from),
            sums.firm,
            Exact::from(sums.volume),
            turnover.map(Exact),
            time(sums.trades),
            row.made.code(),
        ])?;
    Ok(())
}

fn remove(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    start: Millis,
) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM bars WHERE level = ?1 AND symbol = ?2 AND start = ?3")?
        .execute(params![level(interval), symbol, time(start)])?;
    Ok(())
}

/// Marks a bar as one to be made again.
pub(crate) fn mark(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    start: Millis,
) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO pending VALUES (?1, ?2, ?3)")?
        .execute(params![symbol, time(start), level(interval)])?;
    Ok(())
}

/// Marks the bars that are made from one.
pub(crate) fn mark_above(
    connection: &Store,
    symbol: &SymbolRow,
    interval: Interval,
    start: Millis,
) -> Result<(), Failure> {
    for (interval, start) in above(interval, &symbol.zone, start) {
        mark(connection, symbol.id, interval, start)?;
    }
    Ok(())
}

/// The levels up to an interval's, as a list in SQL: each is a search by the key.
pub(crate) const fn levels_to(interval: Interval) -> &'static str {
    match interval {
        Interval::Second => "0",
        Interval::Minute => "0, 1",
        Interval::FiveMinutes => "0, 1, 2",
        Interval::QuarterHour => "0, 1, 2, 3",
        Interval::Hour => "0, 1, 2, 3, 4",
        Interval::Day => "0, 1, 2, 3, 4, 5",
    }
}

/// The bars of an interval that begin in a span and differ in origin from the data below them, by their starts.
pub(crate) fn stale(
    connection: &Store,
    symbol: &SymbolRow,
    interval: Interval,
    (from, to): (Millis, Millis),
) -> Result<BTreeSet<Millis>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT start FROM pending
         WHERE level IN ({}) AND symbol = ?1 AND start >= ?2 AND start < ?3",
        levels_to(interval)
    ))?;
    let starts = statement.query_map(params![symbol.id, time(from), time(to)], |row| {
        row.get::<_, i64>(0)
    })?;
    let mut stale = BTreeSet::new();
    for start in starts {
        if let Some(start) = readable(start)?.and_then(|start| Millis::try_from(start).ok()) {
            stale.insert(span(interval, &symbol.zone, start).0);
        }
    }
    Ok(stale)
}

/// Makes a bar from the data below it, at this moment and with an overlay.
pub(crate) fn make(
    connection: &Store,
    symbol: &SymbolRow,
    interval: Interval,
    start: Millis,
    overlay: &Overlay,
) -> Result<Option<Row>, Failure> {
    let there = stored(connection, symbol.id, interval, start)?;
    make_of(connection, symbol, interval, start, there, overlay)
}

/// As [`make`], with the stored bar already read.
fn make_of(
    connection: &Store,
    symbol: &SymbolRow,
    interval: Interval,
    start: Millis,
    there: Option<Row>,
    overlay: &Overlay,
) -> Result<Option<Row>, Failure> {
    let stands = there.as_ref().is_some_and(|row| match row.made {
        Made::Sealed => true,
        Made::Imported => interval > Interval::Minute,
        Made::Rolled | Made::Published => false,
    });
    if stands {
        return Ok(there);
    }
    let span = span(interval, &symbol.zone, start);
    if interval == Interval::Minute {
        if let Some(sums) = overlay.minutes.get(&start) {
            // A published bar counts less than an imported one, and trades count more.
            let imported = there.filter(|row| row.made == Made::Imported);
            let published = Row {
                start,
                sums: sums.clone(),
                made: Made::Published,
            };
            return match imported {
                Some(imported) => {
                    let seconds = of_bars(connection, symbol, Interval::Second, span, overlay)?;
                    Ok(Some(if seconds.is_some() {
                        published
                    } else {
                        imported
                    }))
                }
                None => Ok(Some(published)),
            };
        }
        if overlay.hides(start) {
            return Ok(None);
        }
    }
    let made = match below(interval, span) {
        None => of_trades(connection, symbol.id, span)?,
        Some(below) => of_bars(connection, symbol, below, span, overlay)?,
    };
    // Without anything below, a bar that was given as a whole is all there is.
    Ok(made.or(there.filter(|row| row.made != Made::Rolled)))
}

fn of_trades(
    connection: &Store,
    symbol: i64,
    (start, end): (Millis, Millis),
) -> Result<Option<Row>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM trades
         WHERE symbol = ?1 AND time >= ?2 AND time < ?3 ORDER BY time, sequence",
        Table::Trades.shape().select
    ))?;
    let span = params![symbol, time(start), time(end)];
    let mut trades = connection.rows(Table::Trades, &mut statement, span, read::trade)?;
    let mut roll = Roll::new();
    let mut any = false;
    while let Some(traded) = trades.next()? {
        if traded.marks.0 & Marks::CANCELLED != 0 {
            continue;
        }
        roll.add(traded.time, &traded.trade);
        any = true;
    }
    Ok(any.then(|| Row {
        start,
        sums: roll.into_sums(),
        made: Made::Rolled,
    }))
}

fn of_bars(
    connection: &Store,
    symbol: &SymbolRow,
    below: Interval,
    (start, end): (Millis, Millis),
    overlay: &Overlay,
) -> Result<Option<Row>, Failure> {
    let mut stale = stale(connection, symbol, below, (start, end))?;
    stale.extend(overlay.touched(below, &symbol.zone, (start, end)));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM bars
         WHERE level = ?1 AND symbol = ?2 AND start >= ?3 AND start < ?4 ORDER BY start",
        Table::Bars.shape().select
    ))?;
    let key = params![level(below), symbol.id, time(start), time(end)];
    let mut rows = connection.rows(Table::Bars, &mut statement, key, Row::read)?;
    let mut bars = std::collections::BTreeMap::new();
    while let Some(row) = rows.next_or_cells()? {
        match row {
            Ok(row) => {
                if overlay.hides_before(below, span(below, &symbol.zone, row.start).1) {
                    stale.insert(row.start);
                }
                bars.insert(row.start, row);
            }
            // It is made again from the data below it.
            Err(cells) => stale.extend(remade(&cells)),
        }
    }
    for start in stale {
        match make(connection, symbol, below, start, overlay)? {
            Some(row) => bars.insert(start, row),
            None => bars.remove(&start),
        };
    }
    let mut roll = Roll::new();
    for bar in bars.values() {
        roll.add_part(bar.start, &bar.sums);
    }
    Ok((!bars.is_empty()).then(|| Row {
        start,
        sums: roll.into_sums(),
        made: Made::Rolled,
    }))
}
