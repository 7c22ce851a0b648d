//! What is known of shares beside their prices: where their days begin, splits and dividends.

use std::ops::Range;

use jiff::tz::TimeZone;
use market::{Interval, Millis, Price, Symbol};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{
    Dividend, Failure, Reader, Split,
    coding::{Exact, time},
    database::find_symbol,
    roll::Made,
    zone,
};

impl Reader {
    /// The zone in which the days of a symbol begin; `None` where nobody has said one, and its days
    /// are those of UTC.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn zone(&self, symbol: Symbol) -> Result<Option<TimeZone>, Failure> {
        self.read(|connection| {
            let known = find_symbol(connection, symbol)?;
            Ok(known
                .map(|known| known.zone)
                .filter(|zone| *zone != TimeZone::UTC))
        })
    }

    /// The close of the bar of a day, by the first millisecond of the day, where that bar was
    /// imported and not made of what is below it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn imported_close(&self, symbol: Symbol, day: Millis) -> Result<Option<Price>, Failure> {
        self.read(|connection| {
            let Some(known) = find_symbol(connection, symbol)? else {
                return Ok(None);
            };
            let close: Option<Option<Exact>> = connection
                .prepare_cached(
                    "SELECT close FROM bars
                     WHERE level = ?1 AND symbol = ?2 AND start = ?3 AND made = ?4",
                )?
                .query_row(
                    params![
                        zone::level(Interval::Day),
                        known.id,
                        time(day),
                        Made::Imported.code()
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(close.flatten().map(Price::from))
        })
    }

    /// The splits of a symbol that took effect in a span of milliseconds, the oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn splits(&self, symbol: Symbol, span: Range<Millis>) -> Result<Vec<Split>, Failure> {
        self.read(|connection| {
            of_symbol(
                connection,
                "SELECT time, ratio FROM splits",
                symbol,
                &span,
                |row| {
                    Ok(Split {
                        symbol,
                        time: row.get::<_, i64>(0)? as Millis,
                        ratio: row.get::<_, Exact>(1)?.0,
                    })
                },
            )
        })
    }

    /// The dividends of a symbol without which it was first traded in a span of milliseconds, the
    /// oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn dividends(&self, symbol: Symbol, span: Range<Millis>) -> Result<Vec<Dividend>, Failure> {
        self.read(|connection| {
            of_symbol(
                connection,
                "SELECT time, amount FROM dividends",
                symbol,
                &span,
                |row| {
                    Ok(Dividend {
                        symbol,
                        time: row.get::<_, i64>(0)? as Millis,
                        amount: row.get::<_, Exact>(1)?.into(),
                    })
                },
            )
        })
    }
}

fn of_symbol<T>(
    connection: &Connection,
    select: &str,
    symbol: Symbol,
    span: &Range<Millis>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Failure> {
    let Some(known) = find_symbol(connection, symbol)? else {
        return Ok(Vec::new());
    };
    let select = format!("{select} WHERE symbol = ?1 AND time >= ?2 AND time < ?3 ORDER BY time");
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map(params![known.id, time(span.start), time(span.end)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
