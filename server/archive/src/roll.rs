//! How bars are made: seconds of trades, and each other bar of those below it.
//!
//! A bar that may no longer be what is below it is marked in the table `pending`, in the same
//! transaction as what changed. The writer makes it again when it has closed, or soon where it has
//! long closed; until then whoever reads it makes it for himself. So what is read never depends on
//! how far the writer is.

use std::collections::BTreeSet;

use market::{Bar, Interval, Millis, Moves, Price, Size, Symbol};
use rusqlite::{Row as SqlRow, params};
use rust_decimal::Decimal;

use crate::{
    Failure,
    coding::{Exact, Marks, time},
    database::Known,
    read,
    store::{Fault, Store, millis, readable},
    table::{Cell, Table},
    zone::{self, above, below, level, span},
};

/// Where a bar comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Of what is below it.
    Rolled,
    /// The tape told it: a feed that gives no trades, or somebody who publishes bars.
    Told,
    /// It was imported.
    Imported,
    /// It was made of what is no longer kept: it stands.
    Sealed,
}

impl Made {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Made::Rolled => 0,
            Made::Told => 1,
            Made::Imported => 2,
            Made::Sealed => 3,
        }
    }

    pub(crate) const fn of(code: i64) -> Option<Self> {
        match code {
            0 => Some(Made::Rolled),
            1 => Some(Made::Told),
            2 => Some(Made::Imported),
            3 => Some(Made::Sealed),
            _ => None,
        }
    }
}

/// A bar as it is stored: what [`market::Roll`] knows of its trades, without their times, because
/// what is added comes in the order of time. One whose trades move no price has a volume alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: Millis,
    pub(crate) open: Option<Price>,
    pub(crate) high: Option<Price>,
    pub(crate) low: Option<Price>,
    pub(crate) close: Option<Price>,
    /// Whether open and close are of trades that move the last price. Otherwise they are of trades
    /// that move the range, and stand in until such a one comes.
    pub(crate) firm: bool,
    pub(crate) volume: Size,
    /// Price times size; `None` where it is not known or does not fit.
    pub(crate) turnover: Option<Decimal>,
    pub(crate) trades: u64,
    pub(crate) made: Made,
}

impl Row {
    fn empty(start: Millis) -> Self {
        Row {
            start,
            open: None,
            high: None,
            low: None,
            close: None,
            firm: false,
            volume: Size::ZERO,
            turnover: Some(Decimal::ZERO),
            trades: 0,
            made: Made::Rolled,
        }
    }

    /// What holds the place of a bar that is in quarantine: it has no price, and is not made again.
    pub(crate) fn placeholder(start: Millis) -> Self {
        Row {
            made: Made::Sealed,
            ..Row::empty(start)
        }
    }

    /// A bar that was given as a whole.
    pub(crate) fn given(bar: &Bar, made: Made) -> Self {
        let turnover = if bar.volume == Size::ZERO {
            Some(Decimal::ZERO)
        } else {
            bar.vwap
                .and_then(|vwap| vwap.decimal().checked_mul(bar.volume.decimal()))
        };
        Row {
            start: bar.start,
            open: Some(bar.open),
            high: Some(bar.high),
            low: Some(bar.low),
            close: Some(bar.close),
            firm: true,
            volume: bar.volume,
            turnover: turnover.map(|turnover| turnover.normalize()),
            trades: bar.trades,
            made,
        }
    }

    fn add_trade(&mut self, price: Price, size: Option<Size>, moves: Moves) {
        if moves.last || moves.range {
            self.add_ends(Some(price), Some(price), moves.last);
        }
        if moves.range {
            self.add_range(Some(price), Some(price));
        }
        if moves.volume {
            self.trades += 1;
            if let Some(size) = size {
                self.add_volume(size, price.decimal().checked_mul(size.decimal()));
            }
        }
    }

    fn add_bar(&mut self, bar: &Row) {
        self.add_ends(bar.open, bar.close, bar.firm);
        self.add_range(bar.high, bar.low);
        self.trades += bar.trades;
        self.add_volume(bar.volume, bar.turnover);
    }

    fn add_ends(&mut self, open: Option<Price>, close: Option<Price>, firm: bool) {
        match (self.firm, firm) {
            (false, true) => (self.open, self.close, self.firm) = (open, close, true),
            (true, false) => {}
            (true, true) | (false, false) => {
                self.open = self.open.or(open);
                self.close = close.or(self.close);
            }
        }
    }

    fn add_range(&mut self, high: Option<Price>, low: Option<Price>) {
        // Nothing is less than anything.
        self.high = self.high.max(high);
        self.low = match (self.low, low) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    fn add_volume(&mut self, volume: Size, turnover: Option<Decimal>) {
        // As a board does: a sum stays where it was when it would no longer fit.
        self.volume = self.volume.checked_add(volume).unwrap_or(self.volume);
        self.turnover = self
            .turnover
            .and_then(|sum| sum.checked_add(turnover?))
            // The value counts, not its zeros: so it stays small on disk.
            .map(|sum| sum.normalize());
    }

    /// The bar as it is told, by the rules of [`market::Roll`]; `None` where no trade moved a price.
    pub(crate) fn bar(&self, symbol: Symbol) -> Option<Bar> {
        let (open, close) = (self.open?, self.close?);
        let high = open.max(close).max(self.high.unwrap_or(open));
        let low = open.min(close).min(self.low.unwrap_or(open));
        let vwap = market::vwap(self.turnover, self.volume, [open, high, low, close]);
        Some(Bar {
            symbol,
            start: self.start,
            open,
            high,
            low,
            close,
            volume: self.volume,
            vwap,
            trades: self.trades,
        })
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
            open: price(3)?,
            high: price(4)?,
            low: price(5)?,
            close: price(6)?,
            firm: row.get(7)?,
            volume: row.get::<_, Exact>(8)?.into(),
            turnover: row.get::<_, Option<Exact>>(9)?.map(|exact| exact.0),
            trades: row.get::<_, i64>(10)? as u64,
            made: Made::of(made)
                .ok_or_else(|| Fault::new(format!("the bar is made by {made}: expected 0 to 3")))?,
        })
    }
}

/// The start of a bar that cannot be read and may be made again of what is below it, by what stands in
/// its columns. What is below an imported or sealed bar may be a part only.
pub(crate) fn remade(cells: &[Cell]) -> Option<Millis> {
    let start = Millis::try_from(cells.get(2)?.integer()?).ok()?;
    let may = match Made::of(cells.get(11)?.integer()?)? {
        Made::Rolled | Made::Told => true,
        Made::Imported => cells.first()?.integer()? <= level(Interval::Minute),
        Made::Sealed => false,
    };
    may.then_some(start)
}

/// A bar by its key.
const STORED: &str =
    "SELECT level, symbol, start, open, high, low, close, firm, volume, turnover, trades, made, crc
     FROM bars WHERE level = ?1 AND symbol = ?2 AND start = ?3";

/// The stored bar that begins at a time, where it can be read.
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

/// Stores a bar in the place of the one that is there.
pub(crate) fn store(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    row: &Row,
) -> Result<(), Failure> {
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
            row.open.map(Exact::from),
            row.high.map(Exact::from),
            row.low.map(Exact::from),
            row.close.map(Exact::from),
            row.firm,
            Exact::from(row.volume),
            row.turnover.map(Exact),
            time(row.trades),
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

/// Marks a bar as one that is to be made again.
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

/// Marks the bars that are made of one.
pub(crate) fn mark_above(
    connection: &Store,
    symbol: &Known,
    interval: Interval,
    start: Millis,
) -> Result<(), Failure> {
    for (interval, start) in above(interval, &symbol.zone, start) {
        mark(connection, symbol.id, interval, start)?;
    }
    Ok(())
}

/// The levels up to an interval's, as a list of SQL: each is a search by the key.
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

/// The bars of an interval, by their starts, that begin in a span and are not what is below them.
pub(crate) fn stale(
    connection: &Store,
    symbol: &Known,
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

/// Makes a bar of what is below it, as of now.
pub(crate) fn make(
    connection: &Store,
    symbol: &Known,
    interval: Interval,
    start: Millis,
) -> Result<Option<Row>, Failure> {
    let there = stored(connection, symbol.id, interval, start)?;
    make_of(connection, symbol, interval, start, there)
}

/// As [`make`], where it is known what is stored.
fn make_of(
    connection: &Store,
    symbol: &Known,
    interval: Interval,
    start: Millis,
    there: Option<Row>,
) -> Result<Option<Row>, Failure> {
    let stands = there.as_ref().is_some_and(|row| match row.made {
        Made::Sealed => true,
        Made::Imported => interval > Interval::Minute,
        Made::Rolled | Made::Told => false,
    });
    if stands {
        return Ok(there);
    }
    let span = span(interval, &symbol.zone, start);
    let made = match below(interval, span) {
        None => of_trades(connection, symbol.id, span)?,
        Some(below) => of_bars(connection, symbol, below, span)?,
    };
    // Without anything below, what was given as a whole is all that is known.
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
    let mut row = Row::empty(start);
    let mut any = false;
    while let Some(traded) = trades.next()? {
        if traded.marks.0 & Marks::CANCELLED != 0 {
            continue;
        }
        let trade = traded.trade;
        row.add_trade(trade.price, trade.size, trade.moves);
        any = true;
    }
    Ok(any.then_some(row))
}

fn of_bars(
    connection: &Store,
    symbol: &Known,
    below: Interval,
    (start, end): (Millis, Millis),
) -> Result<Option<Row>, Failure> {
    let mut stale = stale(connection, symbol, below, (start, end))?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM bars
         WHERE level = ?1 AND symbol = ?2 AND start >= ?3 AND start < ?4 ORDER BY start",
        Table::Bars.shape().select
    ))?;
    let span = params![level(below), symbol.id, time(start), time(end)];
    let mut rows = connection.rows(Table::Bars, &mut statement, span, Row::read)?;
    let mut bars = std::collections::BTreeMap::new();
    while let Some(row) = rows.next_or_cells()? {
        match row {
            Ok(row) => {
                bars.insert(row.start, row);
            }
            // It is made again of what is below it.
            Err(cells) => stale.extend(remade(&cells)),
        }
    }
    for start in stale {
        match make(connection, symbol, below, start)? {
            Some(row) => bars.insert(start, row),
            None => bars.remove(&start),
        };
    }
    let mut row = Row::empty(start);
    for bar in bars.values() {
        row.add_bar(bar);
    }
    Ok((!bars.is_empty()).then_some(row))
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

/// Makes the marked bars whose end is past at `now`, `limit` of each interval at the most. Returns
/// how many it made.
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
        let mut known: Option<(i64, Known)> = None;
        for (id, start, name) in due {
            if known.as_ref().is_none_or(|(last, _)| *last != id) {
                let zone = zone::named(name.as_deref());
                known = Some((id, Known { id, zone }));
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
    symbol: &Known,
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
    let after = make_of(connection, symbol, interval, start, before.clone())?;
    if before != after {
        match &after {
            Some(row) => store(connection, symbol.id, interval, row)?,
            None => remove(connection, symbol.id, interval, start)?,
        }
    }
    // Also where it is what it was: the ones above may have been made of what it was meanwhile.
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

/// Has the days of a symbol made again, whose zone has changed.
pub(crate) fn rezone(connection: &Store, symbol: &Known) -> Result<(), Failure> {
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
