//! How bars are made: seconds from trades, and every other bar from the bars below it.
//!
//! A bar that may no longer agree with the data below it is marked in the table `pending`, in the same transaction as
//! the change. The writer makes it again when it has closed, or soon if it closed long ago; until then readers compute
//! it themselves. So the result of a read never depends on the writer's progress.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use market::{Bar, Interval, Millis, Price, Roll, Sums};
use rusqlite::{Row as SqlRow, params};

use crate::{
    Failure, Overlay, Rolled,
    coding::{Exact, Marks, time},
    read,
    store::{Fault, Store, millis, readable},
    symbol_row::SymbolRow,
    table::{Cell, Table},
    zone::{self, above, below, level, span},
};

/// The origin of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Made from the data below it.
    Rolled,
    /// It was published on the tape: by a feed without trades, or by a publisher of bars.
    Published,
    /// It was imported.
    Imported,
    /// Made from data that is no longer kept: it stays.
    Sealed,
}

impl Made {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Made::Rolled => 0,
            Made::Published => 1,
            Made::Imported => 2,
            Made::Sealed => 3,
        }
    }

    pub(crate) const fn of(code: i64) -> Option<Self> {
        match code {
            0 => Some(Made::Rolled),
            1 => Some(Made::Published),
            2 => Some(Made::Imported),
            3 => Some(Made::Sealed),
            _ => None,
        }
    }
}

/// A stored bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: Millis,
    pub(crate) sums: Sums,
    pub(crate) made: Made,
}

impl Row {
    /// The placeholder of a bar that is in quarantine: it has no price, and is not made again.
    pub(crate) fn placeholder(start: Millis) -> Self {
        Row {
            start,
            sums: Sums::ZERO,
            made: Made::Sealed,
        }
    }

    /// A bar that was given as a whole.
    pub(crate) fn given(bar: &Bar, made: Made) -> Self {
        Row {
            start: bar.start,
            sums: Sums::of_bar(bar),
            made,
        }
    }

    /// The row as a bar of a symbol whose days begin in a zone.
    pub(crate) fn rolled(self, interval: Interval, zone: &TimeZone) -> Rolled {
        Rolled {
            span: span(interval, zone, self.start),
            imported: self.made == Made::Imported,
            sums: self.sums,
        }
    }

    /// From the columns of [`Table::Bars`].
    pub(crate) fn read(row: &SqlRow<'_>) -> Result<Self, Fault> {
        let price = |column| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<Exact>>(column)?.map(Price::from))
        };
        let _level_and_symbol: (i64, i64) = (row.get(0)?, row.get(1)?);
        let made: i64 = row.get(11)?;
        Ok(Row {
            start: millis(row, 2)?,
            sums: Sums {
                open: price(3)?,
                high: price(4)?,
                low: price(5)?,
                close: price(6)?,
                firm: row.get(7)?,
                volume: row.get::<_, Exact>(8)?.into(),
                turnover: row.get::<_, Option<Exact>>(9)?.map(|exact| exact.0),
                trades: row.get::<_, i64>(10)? as u64,
            },
            made: Made::of(made)
                .ok_or_else(|| Fault::new(format!("the bar is made by {made}: expected 0 to 3")))?,
        })
    }
}

/// The start of an unreadable bar that may be made again from the data below it, by its columns. The data below an
/// imported or sealed bar may be only a part.
pub(crate) fn remade(cells: &[Cell]) -> Option<Millis> {
    let start = Millis::try_from(cells.get(2)?.integer()?).ok()?;
    let may = match Made::of(cells.get(11)?.integer()?)? {
        Made::Rolled | Made::Published => true,
        Made::Imported => cells.first()?.integer()? <= level(Interval::Minute),
        Made::Sealed => false,
    };
    may.then_some(start)
}

/// A bar by its key.
const STORED: &str =
    "SELECT level, symbol, start, open, high, low, close, firm, volume, turnover, trades, made, crc
     FROM bars WHERE level = ?1 AND symbol = ?2 AND start = ?3";

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

/// How long after its end a bar is made: sources let messages overtake one another.
const GRACE: Millis = market::Board::GRACE;

/// The newest start of a marked bar of an interval that is past at `now`.
fn newest_due(interval: Interval, now: Millis) -> Option<i64> {
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
fn roll_one(
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

fn done(connection: &Store, symbol: i64, interval: Interval, start: i64) -> Result<(), Failure> {
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
