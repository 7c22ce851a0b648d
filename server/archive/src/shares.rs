//! Data of shares beside their prices: time zones, splits and dividends.

use std::ops::Range;

use jiff::tz::TimeZone;
use market::{Interval, Millis, Price, Symbol};
use rusqlite::params;

use crate::{
    Dividend, Failure, Reader, Split,
    coding::{Exact, time},
    read,
    roll::{self, Made},
    store::Store,
    symbol_row::find_symbol,
    table::Table,
};

impl Reader {
    /// The zone in which the days of a symbol begin; `None` if none was set, and its days are those of UTC.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn zone(&self, symbol: Symbol) -> Result<Option<TimeZone>, Failure> {
        self.read(|connection| {
            let known = find_symbol(connection, symbol)?;
            Ok(known
                .map(|known| known.zone)
                .filter(|zone| *zone != TimeZone::UTC))
        })
    }

    /// The close of the bar of a day, by the first millisecond of the day, if that bar was imported and not made from
    /// the data below it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn imported_close(&self, symbol: Symbol, day: Millis) -> Result<Option<Price>, Failure> {
        self.read(|connection| {
            let Some(known) = find_symbol(connection, symbol)? else {
                return Ok(None);
            };
            let bar = roll::stored(connection, known.id, Interval::Day, day)?;
            Ok(bar
                .filter(|bar| bar.made == Made::Imported)
                .and_then(|bar| bar.sums.close))
        })
    }

    /// The splits of a symbol that took effect in a span of milliseconds, the oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn splits(&self, symbol: Symbol, span: Range<Millis>) -> Result<Vec<Split>, Failure> {
        self.read(|connection| {
            let splits = of_symbol(connection, Table::Splits, symbol, &span)?;
            let split = |(time, ratio): (_, Exact)| Split {
                symbol,
                time,
                ratio: ratio.0,
            };
            Ok(splits.into_iter().map(split).collect())
        })
    }

    /// The dividends of a symbol whose first day without them is in a span of milliseconds, the oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn dividends(&self, symbol: Symbol, span: Range<Millis>) -> Result<Vec<Dividend>, Failure> {
        self.read(|connection| {
            let dividends = of_symbol(connection, Table::Dividends, symbol, &span)?;
            let dividend = |(time, amount): (_, Exact)| Dividend {
                symbol,
                time,
                amount: amount.into(),
            };
            Ok(dividends.into_iter().map(dividend).collect())
        })
    }
}

fn of_symbol(
    connection: &Store,
    table: Table,
    symbol: Symbol,
    span: &Range<Millis>,
) -> Result<Vec<(Millis, Exact)>, Failure> {
    let Some(known) = find_symbol(connection, symbol)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM {} WHERE symbol = ?1 AND time >= ?2 AND time < ?3 ORDER BY time",
        table.shape().select,
        table.shape().name
    ))?;
    let values = params![known.id, time(span.start), time(span.end)];
    let mut rows = connection.rows(table, &mut statement, values, read::dated)?;
    let mut dated = Vec::new();
    while let Some(row) = rows.next()? {
        dated.push(row);
    }
    Ok(dated)
}
