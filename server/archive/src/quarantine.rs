//! The quarantine holds rows that cannot be read, so that they are read only once and nothing of them is lost; and
//! events and trades that SQLite refuses.

use std::sync::Arc;

use jiff::tz::TimeZone;
use market::{Correction, Event, Interval, Millis, Session, Size, Symbol, Trade};
use rusqlite::{params, params_from_iter, types::ValueRef};
use serde_json::json;

use crate::{
    Failure, Print, checksum,
    coding::{Exact, Marks, time},
    database::Database,
    inbox::Tick,
    read,
    roll::{self, Made},
    store::{Key, Store, readable},
    table::{Cell, Table, cells, to_json},
    write::Tally,
    zone::{self, level},
};

/// How many rows the quarantine holds. Further ones stay where they are and are left out of answers.
const MAX_QUARANTINED: u64 = 100_000;

/// How many rows are moved in one transaction, so that no commit waits for long.
const MOVED_AT_ONCE: usize = 200;

/// The source of rows that were never in a table.
pub(crate) const EVENT: &str = "event";
pub(crate) const TRADE: &str = "trade";

/// How many rows are in quarantine.
pub(crate) fn count(connection: &Store) -> Result<u64, Failure> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM quarantine")?
        .query_row([], |row| row.get(0))?;
    Ok(count as u64)
}

/// Moves the damaged rows that have been found to the quarantine. Returns whether there were any.
pub(crate) fn sweep(database: &mut Database, now: Millis) -> Result<bool, Failure> {
    let found = database.damage().take();
    for some in found.chunks(MOVED_AT_ONCE) {
        database.transact(|database| {
            let connection = &database.connection;
            let mut room = MAX_QUARANTINED.saturating_sub(count(connection)?);
            for (table, key, reason) in some {
                if room == 0 || !put_away(connection, *table, key, reason, now)? {
                    connection.damage.leave(*table, key);
                }
                room = room.saturating_sub(1);
            }
            Ok(())
        })?;
    }
    Ok(!found.is_empty())
}

/// Moves one row. Returns whether it has left its table, or can be read after all.
fn put_away(
    connection: &Store,
    table: Table,
    key: &Key,
    reason: &str,
    now: Millis,
) -> Result<bool, Failure> {
    let shape = table.shape();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM {} WHERE {}",
        shape.select,
        shape.name,
        table.by_key()
    ))?;
    let mut rows = statement.query(params_from_iter(key))?;
    let Some(row) = rows.next()? else {
        // A value in its key is in the wrong place: only rebuilding the table removes it.
        return Ok(false);
    };
    if connection.can_read(table, row) {
        return Ok(true);
    }
    let all = cells(row, shape.columns.len() + 1)?;
    drop(rows);
    if matches!(table, Table::Symbols | Table::Feeds) && mend_name(connection, table, &all)? {
        tracing::warn!(table = shape.name, ?key, "a damaged name was found again");
        return Ok(true);
    }
    keep(connection, shape.name, reason, &to_json(table, &all), now)?;
    match table {
        // Other tables refer to their numbers: none of them may be given again.
        Table::Symbols | Table::Feeds => return Ok(false),
        Table::Trades => seal_second(connection, key)?,
        _ => {}
    }
    let removed = connection
        .prepare_cached(&format!(
            "DELETE FROM {} WHERE {}",
            shape.name,
            table.by_key()
        ))?
        .execute(params_from_iter(key))?;
    if removed > 0 && table == Table::Bars {
        replace_bar(connection, &all)?;
    }
    Ok(removed > 0)
}

fn keep(
    connection: &Store,
    source: &str,
    reason: &str,
    cells: &str,
    now: Millis,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO quarantine (found, source, reason, cells) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![time(now), source, reason, cells])?;
    Ok(())
}

/// Keeps the bar of a second that was made while its trade could still be read.
fn seal_second(connection: &Store, key: &Key) -> Result<(), Failure> {
    let [Cell::Integer(symbol), Cell::Integer(at), _] = key.as_slice() else {
        return Ok(());
    };
    let second = at - at.rem_euclid(1000);
    let mut pending = connection
        .prepare_cached("SELECT 1 FROM pending WHERE level = 0 AND symbol = ?1 AND start = ?2")?;
    if pending.exists([*symbol, second])? {
        return Ok(());
    }
    connection
        .prepare_cached(&format!(
            "UPDATE bars SET made = ?3, {} WHERE level = 0 AND symbol = ?1 AND start = ?2 AND made = ?4",
            Table::Bars.renewed("made", "?3")
        ))?
        .execute(params![
            symbol,
            second,
            Made::Sealed.code(),
            Made::Rolled.code()
        ])?;
    Ok(())
}

/// Schedules a moved bar to be made again from below; or leaves a placeholder if the data below may be only a part.
fn replace_bar(connection: &Store, cells: &[Cell]) -> Result<(), Failure> {
    let [
        Cell::Integer(of),
        Cell::Integer(symbol),
        Cell::Integer(start),
        ..,
    ] = cells
    else {
        return Ok(());
    };
    let interval = Interval::ALL
        .into_iter()
        .find(|interval| level(*interval) == *of);
    let (Some(interval), Ok(at)) = (interval, Millis::try_from(*start)) else {
        return Ok(());
    };
    match roll::remade(cells) {
        Some(at) => roll::mark(connection, *symbol, interval, at),
        None => {
            roll::store(connection, *symbol, interval, &roll::Row::placeholder(at))?;
            seal_above(connection, *symbol, interval, at)
        }
    }
}

/// Keeps the bars that were made with one that is gone.
fn seal_above(
    connection: &Store,
    symbol: i64,
    interval: Interval,
    at: Millis,
) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached("SELECT zone FROM symbols WHERE id = ?1")?;
    let zone = readable(statement.query_row([symbol], |row| row.get::<_, Option<String>>(0)))?;
    let zone = zone.flatten();
    let zone = zone::named(zone.as_deref());
    let mut seal = connection.prepare_cached(&format!(
        "UPDATE bars SET made = ?4, {} WHERE level = ?1 AND symbol = ?2 AND start = ?3 AND made = ?5",
        Table::Bars.renewed("made", "?4")
    ))?;
    let mut above = zone::above(interval, &zone, at);
    while let Some((interval, start)) = above.pop() {
        seal.execute(params![
            level(interval),
            symbol,
            time(start),
            Made::Sealed.code(),
            Made::Rolled.code()
        ])?;
        above.extend(zone::above(interval, &zone, start));
    }
    Ok(())
}

/// Reconstructs the name of a symbol or a feed from the index of names, or from the symbol's session.
fn mend_name(connection: &Store, table: Table, cells: &[Cell]) -> Result<bool, Failure> {
    let Some(id) = cells.first().and_then(Cell::integer) else {
        return Ok(false);
    };
    let name = table.shape().name;
    let mut index = connection.prepare(&format!(
        "SELECT name FROM {name} INDEXED BY sqlite_autoindex_{name}_1 WHERE +id = ?1"
    ))?;
    let indexed: Option<String> = readable(index.query_row([id], |row| row.get(0)))?;
    if table == Table::Feeds {
        let Some(indexed) = indexed else {
            return Ok(false);
        };
        connection.execute(
            "UPDATE feeds SET name = ?2, crc = crc_of(id, ?2) WHERE id = ?1",
            params![id, indexed],
        )?;
        return Ok(true);
    }
    // Its next session sets the zone again.
    let zone = match &cells[2] {
        Cell::Text(zone) => std::str::from_utf8(zone)
            .ok()
            .filter(|zone| zone::is_known(zone)),
        _ => None,
    };
    let indexed: Option<Symbol> = indexed.and_then(|name| name.parse().ok());
    let named = symbol_of_session(connection, id)?;
    let is_right = |symbol: &Symbol| {
        let zone = zone.map_or(ValueRef::Null, |zone| ValueRef::Text(zone.as_bytes()));
        let name = ValueRef::Text(symbol.as_str().as_bytes());
        cells[3] == Cell::Integer(checksum::of([ValueRef::Integer(id), name, zone]))
    };
    let candidates = [named, indexed];
    let right = candidates.into_iter().flatten().find(is_right);
    let Some(symbol) = right.or(named).or(indexed) else {
        return Ok(false);
    };
    connection.execute(
        "UPDATE symbols SET name = ?2, zone = ?3, crc = crc_of(id, ?2, ?3) WHERE id = ?1",
        params![id, symbol.as_str(), zone],
    )?;
    Ok(true)
}

fn symbol_of_session(connection: &Store, id: i64) -> Result<Option<Symbol>, Failure> {
    let mut statement = connection.prepare(&format!(
        "SELECT {} FROM sessions WHERE symbol = ?1 ORDER BY id DESC",
        Table::Sessions.shape().select
    ))?;
    let session = connection.first(Table::Sessions, &mut statement, [id], read::session)?;
    Ok(session.and_then(|(_, event)| match event {
        Event::Session(session) => Some(session.symbol),
        _ => None,
    }))
}

impl Database {
    /// Keeps an event that SQLite refuses, in the open transaction.
    pub(crate) fn refuse_event(
        &self,
        id: tape::EventId,
        event: &Event,
        reason: &str,
        now: Millis,
    ) -> Result<(), Failure> {
        let data: serde_json::Value = serde_json::from_str(&event.data()).unwrap_or_default();
        let cells = json!({ "id": id.to_string(), "name": event.name(), "data": data });
        keep(&self.connection, EVENT, reason, &cells.to_string(), now)
    }

    /// Keeps a trade or a correction that SQLite refuses, in the open transaction.
    pub(crate) fn refuse_tick(
        &self,
        tick: &Tick,
        reason: &str,
        now: Millis,
    ) -> Result<(), Failure> {
        let trade = |trade: &market::Trade| {
            json!({
                "price": trade.price.decimal().to_string(),
                "size": trade.size.map(|size| size.decimal().to_string()),
                "id": trade.id,
                "moves": Marks::from(trade.moves).0,
            })
        };
        let cells = match tick {
            Tick::Trade(print) => json!({
                "symbol": print.symbol.as_str(),
                "time": print.time,
                "trade": trade(&print.trade),
                "feed": print.feed.as_deref(),
            }),
            Tick::Correction(correction, feed) => json!({
                "symbol": correction.symbol.as_str(),
                "corrects": correction.trade,
                "time": correction.time,
                "trade": correction.right.as_ref().map(trade),
                "feed": feed.as_deref(),
            }),
            // Its trades and its bar are written separately.
            Tick::Minute(_) => return Ok(()),
        };
        keep(&self.connection, TRADE, reason, &cells.to_string(), now)
    }
}

/// A trade as [`Database::refuse_tick`] has written it.
fn trade_of(value: &serde_json::Value) -> Option<Trade> {
    let decimal =
        |field: &str| -> Option<Exact> { Some(Exact(value[field].as_str()?.parse().ok()?)) };
    Some(Trade {
        price: decimal("price")?.into(),
        size: decimal("size").map(Size::from),
        id: value["id"].as_u64(),
        moves: Marks(value["moves"].as_i64()?).moves(),
    })
}

/// Writes rows that SQLite refused before, in the open transaction. Returns whether it did.
pub(crate) fn write_again(
    database: &mut Database,
    source: &str,
    cells: &str,
    zone: fn(&Session) -> TimeZone,
) -> Result<bool, Failure> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(cells) else {
        return Ok(false);
    };
    let mut tally = Tally::default();
    database.refresh()?;
    match source {
        EVENT => {
            let id = value["id"].as_str().and_then(|id| id.parse().ok());
            let name = value["name"].as_str().unwrap_or_default();
            let event = Event::decode(name, &value["data"].to_string());
            let (Some(id), Ok(event)) = (id, event) else {
                return Ok(false);
            };
            database.event(id, &event, zone, &mut tally)?;
        }
        TRADE => {
            let symbol = value["symbol"].as_str().and_then(|name| name.parse().ok());
            let Some(symbol) = symbol else {
                return Ok(false);
            };
            let feed = value["feed"].as_str().map(Arc::from);
            let trade = trade_of(&value["trade"]);
            match (value["corrects"].as_u64(), trade, value["time"].as_u64()) {
                (Some(corrected), right, time) => {
                    let correction = Correction {
                        symbol,
                        time: time.unwrap_or_default(),
                        trade: corrected,
                        right,
                    };
                    database.correct(&correction, feed.as_ref(), &mut tally)?;
                }
                (None, Some(trade), Some(time)) => {
                    let print = Print {
                        symbol,
                        time,
                        trade,
                        feed,
                    };
                    database.trade(&print, &mut tally)?;
                }
                _ => return Ok(false),
            }
            database.store_sequence()?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
