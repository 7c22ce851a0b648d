//! The removal of old data, and of data beyond the file's largest size, in small steps between commits.
//!
//! A bar is made of the data below it for as long as that is complete. So before any of it is removed, the bar above is
//! sealed: from then on it stays, whatever arrives late.

use market::{Interval, Millis};
use rusqlite::params;

use crate::{
    Failure, Keep,
    coding::{Ids, time},
    roll::{self, Made},
    store::{Store, readable},
    symbol_row::SymbolRow,
    table::Table,
    zone::{self, level, span},
};

/// How many rows of a kind a step removes at most.
pub(crate) const AT_ONCE: u64 = 4_000;

/// How many symbols a step checks.
const SYMBOLS_AT_ONCE: i64 = 64;

/// The part of the file that may be empty before it shrinks, as a divisor. Later writes use empty pages first.
const EMPTY_PART: u64 = 16;

/// So many further empty pages are not worth the work.
const SPARE_PAGES: u64 = 32;

/// How many pages it shrinks by in one step.
const PAGES_AT_ONCE: u64 = 512;

const HOUR: Millis = Interval::Hour.millis();
const MINUTE: Millis = Interval::Minute.millis();

/// The progress of the last step.
#[derive(Debug, Default)]
pub(crate) struct Retainer {
    /// The symbol that was checked last.
    symbol: i64,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Step {
    pub(crate) removed: u64,
    /// Whether there is more to do at once.
    pub(crate) more: bool,
}

impl Retainer {
    /// Removes some of the data that is too old, and some of the oldest if the file is too large. In a transaction.
    pub(crate) fn step(
        &mut self,
        connection: &Store,
        ids: Ids,
        keep: &Keep,
        now: Millis,
    ) -> Result<Step, Failure> {
        let mut step = Step::default();
        let mut remove = |removed: u64| {
            step.removed += removed;
            step.more |= removed >= AT_ONCE;
        };
        let ago = |age: Option<Millis>| age.and_then(|age| now.checked_sub(age));
        let symbols = symbols_after(connection, self.symbol)?;
        for known in &symbols {
            if let Some(cut) = ago(keep.ticks) {
                remove(ticks(connection, known, cut)?);
            }
            if let Some(cut) = ago(keep.minutes) {
                remove(minutes(connection, known, cut)?);
            }
            if let Some(cut) = ago(keep.events) {
                remove(sessions(connection, known.id, cut, ids)?);
            }
        }
        // The same symbols again, if one of them had much.
        if !step.more {
            self.symbol = match symbols.last() {
                Some(known) if symbols.len() as i64 == SYMBOLS_AT_ONCE => known.id,
                _ => 0,
            };
        }
        let mut remove = |removed: u64| {
            step.removed += removed;
            step.more |= removed >= AT_ONCE;
        };
        if let Some(cut) = ago(keep.events) {
            remove(events(connection, packed(ids, cut))?);
        }
        if let Some(bytes) = keep.bytes
            && used(connection)? > bytes
        {
            let removed = oldest(connection, now)?;
            step.removed += removed;
            // Each time it was still too large, and there was something to remove.
            step.more |= removed > 0;
        }
        Ok(step)
    }
}

/// Returns empty pages to the file system, if there are many. Returns whether there are more if it did. It is a
/// transaction of its own.
pub(crate) fn shrink(connection: &Store) -> Result<Option<bool>, Failure> {
    let pages = pragma(connection, "page_count")?;
    let free = pragma(connection, "freelist_count")?;
    let spare = free.saturating_sub(pages / EMPTY_PART);
    if spare < SPARE_PAGES {
        return Ok(None);
    }
    // Each page is a step of the statement.
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    Ok(Some(spare >= PAGES_AT_ONCE + SPARE_PAGES))
}

fn pragma(connection: &Store, name: &str) -> Result<u64, Failure> {
    let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(value as u64)
}

/// How many bytes of the file are in use.
fn used(connection: &Store) -> Result<u64, Failure> {
    let pages = pragma(connection, "page_count")? - pragma(connection, "freelist_count")?;
    Ok(pages * pragma(connection, "page_size")?)
}

fn packed(ids: Ids, ms: Millis) -> i64 {
    ids.at_least(tape::EventId { ms, n: 0 })
}

/// Some symbols, in the order of their numbers, after the one of a number.
fn symbols_after(connection: &Store, last: i64) -> Result<Vec<SymbolRow>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT id, zone FROM symbols WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let rows = statement.query_map([last, SYMBOLS_AT_ONCE], |row| {
        let name: Option<String> = row.get(1).ok().flatten();
        Ok((row.get(0)?, name))
    })?;
    let mut symbols = Vec::new();
    for row in rows {
        let (id, name) = row?;
        let zone = zone::named(name.as_deref());
        symbols.push(SymbolRow { id, zone });
    }
    Ok(symbols)
}

/// The start of the oldest bar of a symbol that is to be made again, at one of the lowest levels.
fn oldest_pending(connection: &Store, symbol: i64, highest: Interval) -> Result<Millis, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT min(start) FROM pending WHERE level IN ({}) AND symbol = ?1",
        roll::levels_to(highest)
    ))?;
    let oldest: Option<Option<i64>> = readable(statement.query_row([symbol], |row| row.get(0)))?;
    let oldest = oldest.flatten().map(Millis::try_from);
    Ok(oldest.and_then(Result::ok).unwrap_or(Millis::MAX))
}

/// The first time in a column of a symbol's rows.
fn first(connection: &Store, sql: &str, symbol: i64) -> Result<Option<Millis>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let first: Option<i64> = readable(statement.query_row([symbol], |row| row.get(0)))?;
    Ok(first.and_then(|first| Millis::try_from(first).ok()))
}

const FIRST_TRADE: &str = "SELECT time FROM trades WHERE symbol = ?1 ORDER BY time LIMIT 1";
const FIRST_QUOTE: &str = "SELECT time FROM quotes WHERE symbol = ?1 ORDER BY time LIMIT 1";
const FIRST_SECOND: &str =
    "SELECT start FROM bars WHERE level = 0 AND symbol = ?1 ORDER BY start LIMIT 1";
const FIRST_MINUTE: &str =
    "SELECT start FROM bars WHERE level = 1 AND symbol = ?1 ORDER BY start LIMIT 1";

/// Seals bars that were made of data about to be removed.
fn seal(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    from: Millis,
    to: Millis,
) -> Result<(), Failure> {
    connection
        .prepare_cached(&format!(
            "UPDATE bars SET made = ?5, {}
             WHERE level = ?1 AND symbol = ?2 AND start >= ?3 AND start < ?4 AND made = ?6",
            Table::Bars.renewed("made", "?5")
        ))?
        .execute(params![
            level(interval),
            symbol,
            time(from),
            time(to),
            Made::Sealed.code(),
            Made::Rolled.code(),
        ])?;
    Ok(())
}

/// The end of the span before `cut` with about [`AT_ONCE`] rows, by a query for the time of the row after so many.
fn bounded(connection: &Store, sql: &str, symbol: i64, cut: Millis) -> Result<Millis, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![symbol, time(cut), AT_ONCE as i64];
    let next: Option<i64> = readable(statement.query_row(values, |row| row.get(0)))?;
    let next = next.and_then(|next| Millis::try_from(next).ok());
    // Rows of the same millisecond go together.
    Ok(next.map_or(cut, |next| (next + 1).min(cut)))
}

/// Removes trades, quotes and bars of a second before `cut`, or before the beginning of its minute.
fn ticks(connection: &Store, symbol: &SymbolRow, cut: Millis) -> Result<u64, Failure> {
    let id = symbol.id;
    let firsts = [
        first(connection, FIRST_TRADE, id)?,
        first(connection, FIRST_SECOND, id)?,
    ];
    let mut removed = 0;
    let cut = cut - cut % MINUTE;
    let pending = oldest_pending(connection, id, Interval::Minute)?;
    let whole = cut.min(pending - pending % MINUTE);
    if let Some(first) = firsts.into_iter().flatten().min()
        && first < whole
    {
        seal(
            connection,
            id,
            Interval::Minute,
            first - first % MINUTE,
            whole,
        )?;
        let end = bounded(
            connection,
            "SELECT time FROM trades WHERE symbol = ?1 AND time < ?2
             ORDER BY time, sequence LIMIT 1 OFFSET ?3",
            id,
            whole,
        )?;
        removed += connection
            .prepare_cached("DELETE FROM trades WHERE symbol = ?1 AND time < ?2")?
            .execute(params![id, time(end)])?;
        removed += connection
            .prepare_cached("DELETE FROM bars WHERE level = 0 AND symbol = ?1 AND start < ?2")?
            .execute(params![id, time(end - end % 1000)])?;
    }
    if first(connection, FIRST_QUOTE, id)?.is_some_and(|first| first < cut) {
        let end = bounded(
            connection,
            "SELECT time FROM quotes WHERE symbol = ?1 AND time < ?2
             ORDER BY time, id LIMIT 1 OFFSET ?3",
            id,
            cut,
        )?;
        removed += connection
            .prepare_cached(
                "DELETE FROM quotes WHERE symbol = ?1 AND time < ?2 AND (time, id) <
                 (SELECT time, id FROM quotes WHERE symbol = ?1 ORDER BY time DESC, id DESC LIMIT 1)",
            )?
            .execute(params![id, time(end)])?;
    }
    Ok(removed as u64)
}

/// Removes bars of 1, 5 and 15 minutes before the day of `cut`.
fn minutes(connection: &Store, symbol: &SymbolRow, cut: Millis) -> Result<u64, Failure> {
    let id = symbol.id;
    let cut = cut.min(oldest_pending(connection, id, Interval::Hour)?);
    // If days do not begin on the hour, the day before is sealed with the hours.
    let day = span(Interval::Day, &symbol.zone, cut).0;
    let whole = day - day % HOUR;
    let Some(first) = first(connection, FIRST_MINUTE, id)?.filter(|first| *first < whole) else {
        return Ok(0);
    };
    seal(connection, id, Interval::Hour, first - first % HOUR, whole)?;
    if !day.is_multiple_of(HOUR) {
        let first = span(Interval::Day, &symbol.zone, first).0;
        seal(connection, id, Interval::Day, first, whole)?;
    }
    let end = bounded(
        connection,
        "SELECT start FROM bars WHERE level = 1 AND symbol = ?1 AND start < ?2
         ORDER BY start LIMIT 1 OFFSET ?3",
        id,
        whole,
    )?;
    let removed = connection
        .prepare_cached("DELETE FROM bars WHERE level IN (1, 2, 3) AND symbol = ?1 AND start < ?2")?
        .execute(params![id, time(end)])?;
    Ok(removed as u64)
}

/// Removes sessions before `cut` except the newest.
fn sessions(connection: &Store, symbol: i64, cut: Millis, ids: Ids) -> Result<u64, Failure> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM sessions WHERE symbol = ?1 AND id < ?2
             AND id < (SELECT max(id) FROM sessions WHERE symbol = ?1)",
        )?
        .execute(params![symbol, packed(ids, cut)])?;
    Ok(removed as u64)
}

/// Removes the oldest events before a packed id.
fn events(connection: &Store, cut: i64) -> Result<u64, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM events WHERE id < ?1 ORDER BY id LIMIT 1 OFFSET ?2")?;
    let next: Option<i64> = readable(statement.query_row([cut, AT_ONCE as i64], |row| row.get(0)))?;
    let end = next.unwrap_or(cut);
    let removed = connection
        .prepare_cached("DELETE FROM events WHERE id < ?1")?
        .execute([end])?;
    if removed > 0 {
        for sql in [
            "DELETE FROM news_words WHERE rowid IN (SELECT id FROM news WHERE id < ?1 AND newest)",
            "DELETE FROM news_symbols WHERE id < ?1",
            "DELETE FROM news WHERE id < ?1",
        ] {
            connection.prepare_cached(sql)?.execute([end])?;
        }
    }
    Ok(removed as u64)
}

/// Removes the oldest data: ticks, if there are none minutes, and if there are none events. The open bars stay.
fn oldest(connection: &Store, now: Millis) -> Result<u64, Failure> {
    let mut symbols = Vec::new();
    let mut last = 0;
    loop {
        let page = symbols_after(connection, last)?;
        let Some(known) = page.last() else {
            break;
        };
        last = known.id;
        symbols.extend(page);
    }
    type Remove = fn(&Store, &SymbolRow, Millis) -> Result<u64, Failure>;
    let kinds: [(&[&str], Millis, Remove); 2] = [
        (&[FIRST_TRADE, FIRST_QUOTE, FIRST_SECOND], HOUR, ticks),
        (&[FIRST_MINUTE], 24 * HOUR, minutes),
    ];
    for (columns, much, remove) in kinds {
        let mut firsts = Vec::new();
        for known in &symbols {
            let mut first_of = None;
            for sql in columns {
                let first = first(connection, sql, known.id)?;
                first_of = first_of.into_iter().chain(first).min();
            }
            firsts.extend(first_of.map(|first| (first, known)));
        }
        firsts.sort_by_key(|(first, _)| *first);
        let Some((first, _)) = firsts.first() else {
            continue;
        };
        let cut = first
            .saturating_add(much + MINUTE)
            .min(now.saturating_sub(much));
        let mut removed = 0;
        for (_, known) in firsts.iter().filter(|(first, _)| *first < cut) {
            removed += remove(connection, known, cut)?;
            if removed >= AT_ONCE {
                break;
            }
        }
        if removed > 0 {
            return Ok(removed);
        }
    }
    let mut statement =
        connection.prepare_cached("SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?1")?;
    let first: Option<i64> = readable(statement.query_row([AT_ONCE as i64 / 8], |row| row.get(0)))?;
    match first {
        Some(first) => events(connection, first),
        None => Ok(0),
    }
}
