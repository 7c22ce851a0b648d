use std::{collections::HashMap, sync::Arc};

use market::{Interval, Symbol};

use crate::{Failure, read, store::Store, table::Table, zone};

/// The names of the feeds whose trades are stored.
pub(crate) fn feeds(connection: &Store) -> Result<HashMap<i64, Arc<str>>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM feeds",
        Table::Feeds.shape().select
    ))?;
    let mut rows = connection.rows(Table::Feeds, &mut statement, [], read::feed)?;
    let mut feeds = HashMap::new();
    while let Some((id, name)) = rows.next()? {
        feeds.insert(id, name.into());
    }
    Ok(feeds)
}

/// Reads all names, so that unreadable ones are found.
pub(crate) fn names(connection: &Store) -> Result<(), Failure> {
    symbols(connection)?;
    feeds(connection)?;
    Ok(())
}

/// The symbols by their numbers.
pub(crate) fn symbols(connection: &Store) -> Result<Vec<(i64, Symbol)>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM symbols",
        Table::Symbols.shape().select
    ))?;
    let mut rows = connection.rows(Table::Symbols, &mut statement, [], read::symbol)?;
    let mut symbols = Vec::new();
    while let Some(symbol) = rows.next()? {
        symbols.push(symbol);
    }
    Ok(symbols)
}

pub(crate) fn symbols_with_bars(connection: &Store, limit: usize) -> Result<Vec<Symbol>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM symbols ORDER BY name",
        Table::Symbols.shape().select
    ))?;
    let mut has_bars = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM bars WHERE level = ?1 AND symbol = ?2 AND open IS NOT NULL)",
    )?;
    let mut rows = connection.rows(Table::Symbols, &mut statement, [], read::symbol)?;
    let mut symbols = Vec::new();
    while symbols.len() < limit
        && let Some((id, symbol)) = rows.next()?
    {
        // Most have a bar of a day. A symbol that was imported a moment ago may not have it yet.
        for interval in Interval::ALL.into_iter().rev() {
            if has_bars.query_row([zone::level(interval), id], |row| row.get(0))? {
                symbols.push(symbol);
                break;
            }
        }
    }
    Ok(symbols)
}
