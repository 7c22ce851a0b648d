//! `tickertape repair`: repairs as much as possible, while no server has the file.

mod correction;
mod report;

use std::{path::Path, time::Duration};

use jiff::tz::TimeZone;
use market::{Event, Interval, Millis, Session};
use rusqlite::{params, params_from_iter};

pub use self::report::Repaired;

use self::correction::corrected;
use crate::{
    Failure, FailureKind, OpenError, checksum,
    database::Database,
    lock::Lock,
    quarantine, read,
    roll::{self, Made},
    store::Store,
    sums::slice_of,
    table::{Cell, Table, cells, from_json},
};

/// How many rows are checked in one transaction.
const ROWS_AT_ONCE: usize = 10_000;

/// How many problems of SQLite's check are reported.
const MAX_PROBLEMS: usize = 20;

/// How long to wait for another program that has the file.
const BUSY: Duration = Duration::from_secs(5);

/// Repairs an archive that no server has open: moves damaged rows to the quarantine, corrects or restores rows where
/// possible, makes bars again from their trades, and rebuilds derived data.
///
/// # Errors
/// If a server has it, if there is none, if it cannot be opened at all, or if the disk fails. Completed work then
/// stays.
pub fn repair(
    folder: &Path,
    name: &str,
    now: Millis,
    zone: fn(&Session) -> TimeZone,
) -> Result<Repaired, OpenError> {
    let file = folder.join(name);
    if !file.exists() {
        return Err(OpenError::Missing(file));
    }
    let _lock = Lock::take(&file)?;
    let mut database = Database::open(&file, BUSY)?;
    let mut repaired = Repaired::default();
    let mut work = || -> Result<(), Failure> {
        let repaired = &mut repaired;
        repaired.marks = database.mend_meta(now)?;
        repaired.problems = problems(&database.connection)?;
        database.transact(|database| reindex(&database.connection))?;
        for table in Table::ALL {
            check(&mut database, table, now, repaired)?;
        }
        release(&mut database, zone, repaired)?;
        database.transact(|database| {
            repaired.stories = index_stories(database)?;
            Ok(())
        })?;
        repaired.bars = remake_bars(&mut database)?;
        repaired.left = problems(&database.connection)?;
        repaired.in_quarantine = quarantine::count(&database.connection)?;
        Ok(())
    };
    work().map_err(|failure| OpenError::Database(file, failure))?;
    Ok(repaired)
}

fn problems(connection: &Store) -> Result<Vec<String>, Failure> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MAX_PROBLEMS})"))?;
    let mut rows = statement.query([])?;
    let mut problems = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(row)) => problems.push(row.get::<_, String>(0)?),
            Ok(None) => break,
            Err(error) => {
                problems.push(error.to_string());
                break;
            }
        }
    }
    problems.retain(|problem| problem != "ok");
    Ok(problems)
}

/// Rebuilds the indexes, which damaged rows may disagree with.
fn reindex(connection: &Store) -> Result<(), Failure> {
    // Names stay as in their indexes until each symbol has been checked.
    for index in ["trades_source", "news_story", "news_symbols_id"] {
        if let Err(error) = connection.execute_batch(&format!("REINDEX {index}")) {
            tracing::warn!(index, %error, "could not be rebuilt");
        }
    }
    Ok(())
}

/// Compares all rows of a table with their checksums.
fn check(
    database: &mut Database,
    table: Table,
    now: Millis,
    repaired: &mut Repaired,
) -> Result<(), Failure> {
    let shape = table.shape();
    let columns = shape.columns.len();
    let mut after: Vec<Cell> = Vec::new();
    loop {
        let before = quarantine::count(&database.connection)?;
        let (count, last, summed) = database.transact(|database| {
            let connection = &database.connection;
            let mut statement =
                connection.prepare(&slice_of(table, !after.is_empty(), ROWS_AT_ONCE))?;
            let mut rows = statement.query(params_from_iter(&after))?;
            let (mut count, mut last, mut unsummed) = (0, after.clone(), Vec::new());
            while let Some(row) = rows.next()? {
                count += 1;
                let key = cells(row, shape.key)?;
                if connection.can_read(table, row) {
                    let has_none = row.get_ref(columns)? == rusqlite::types::ValueRef::Null;
                    unsummed.extend(has_none.then(|| key.clone()));
                    last = key;
                }
            }
            drop(rows);
            let mut update = connection.prepare(&format!(
                "UPDATE {} SET crc = {} WHERE {}",
                shape.name,
                shape.crc,
                table.by_key()
            ))?;
            for key in &unsummed {
                update.execute(params_from_iter(key))?;
            }
            Ok((count, last, unsummed.len() as u64))
        })?;
        repaired.rows += count as u64;
        repaired.summed += summed;
        while quarantine::sweep(database, now)? {}
        repaired.quarantined += quarantine::count(&database.connection)? - before;
        if count < ROWS_AT_ONCE || last == after {
            return Ok(());
        }
        after = last;
    }
}

/// The result for a row of the quarantine.
enum Release {
    Restored,
    Corrected,
    Superseded,
    Stays,
}

/// Puts rows of the quarantine back that can be read or corrected.
fn release(
    database: &mut Database,
    zone: fn(&Session) -> TimeZone,
    repaired: &mut Repaired,
) -> Result<(), Failure> {
    let kept: Vec<(i64, String, String)> = database
        .connection
        .prepare("SELECT id, source, cells FROM quarantine ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, source, text) in kept {
        let released = database.transact(|database| {
            let released = match Table::named(&source) {
                Some(table) => match from_json(table, &text) {
                    Some(cells) => put_back(database, table, cells)?,
                    None => Release::Stays,
                },
                None => match quarantine::write_again(database, &source, &text, zone)? {
                    true => Release::Restored,
                    false => Release::Stays,
                },
            };
            if !matches!(released, Release::Stays) {
                database
                    .connection
                    .execute("DELETE FROM quarantine WHERE id = ?1", [id])?;
            }
            Ok(released)
        });
        match released {
            Ok(Release::Restored) => repaired.restored += 1,
            Ok(Release::Corrected) => repaired.corrected += 1,
            Ok(Release::Superseded) => repaired.superseded += 1,
            Ok(Release::Stays) => {}
            Err(failure) if failure.kind() == FailureKind::Other => {
                tracing::warn!(id, %failure, "stays in quarantine");
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

fn put_back(database: &mut Database, table: Table, mut row: Vec<Cell>) -> Result<Release, Failure> {
    let columns = table.shape().columns.len();
    let sum = |row: &[Cell]| checksum::of(row[..columns].iter().map(Cell::value));
    let crc = row[columns].clone();
    let mut released = Release::Restored;
    if crc != Cell::Null && crc != Cell::Integer(sum(&row)) {
        match corrected(&row[..columns], crc.integer()) {
            Some(right) => drop(row.splice(..columns, right)),
            None => {
                return Ok(
                    match table == Table::Bars && is_made_again(&database.connection, &row)? {
                        true => Release::Superseded,
                        false => Release::Stays,
                    },
                );
            }
        }
        released = Release::Corrected;
    }
    row[columns] = Cell::Integer(sum(&row));
    if !insert(&database.connection, table, &row)? {
        return Ok(match table {
            Table::Bars if is_made_again(&database.connection, &row)? => Release::Superseded,
            _ => Release::Stays,
        });
    }
    follow_up(database, table, &row)?;
    Ok(released)
}

/// Whether another bar is in the place of a damaged one.
fn is_made_again(connection: &Store, row: &[Cell]) -> Result<bool, Failure> {
    let mut there = connection.prepare_cached(
        "SELECT 1 FROM bars WHERE level IS ?1 AND symbol IS ?2 AND start IS ?3 AND trades > 0",
    )?;
    let mut pending = connection.prepare_cached(
        "SELECT 1 FROM pending WHERE level IS ?1 AND symbol IS ?2 AND start IS ?3",
    )?;
    Ok(
        there.exists(params_from_iter(&row[..3]))?
            || pending.exists(params_from_iter(&row[..3]))?,
    )
}

/// Puts a row back in its place. Returns whether it can be read there; otherwise it is not put there.
fn insert(connection: &Store, table: Table, row: &[Cell]) -> Result<bool, Failure> {
    let shape = table.shape();
    let key = &row[..shape.key];
    if table == Table::Bars {
        // The placeholder.
        connection
            .prepare_cached(
                "DELETE FROM bars WHERE level IS ?1 AND symbol IS ?2 AND start IS ?3
                 AND made = 3 AND open IS NULL AND trades = 0",
            )?
            .execute(params_from_iter(key))?;
    }
    if matches!(table, Table::Symbols | Table::Feeds) {
        connection.execute(
            &format!("DELETE FROM {} WHERE id IS ?1", shape.name),
            params_from_iter(key),
        )?;
    }
    let places: Vec<String> = (1..=row.len()).map(|place| format!("?{place}")).collect();
    let inserted = connection.execute(
        &format!(
            "INSERT OR IGNORE INTO {} VALUES ({})",
            shape.name,
            places.join(", ")
        ),
        params_from_iter(row),
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    let mut statement = connection.prepare(&format!(
        "SELECT {} FROM {} WHERE {}",
        shape.select,
        shape.name,
        table.by_key()
    ))?;
    let mut rows = statement.query(params_from_iter(key))?;
    let reads = match rows.next()? {
        Some(row) => connection.reads(table, row),
        None => false,
    };
    drop(rows);
    if reads {
        return Ok(true);
    }
    connection.execute(
        &format!("DELETE FROM {} WHERE {}", shape.name, table.by_key()),
        params_from_iter(key),
    )?;
    Ok(false)
}

/// Schedules what depends on a restored row.
fn follow_up(database: &Database, table: Table, row: &[Cell]) -> Result<(), Failure> {
    let [Cell::Integer(first), Cell::Integer(second), ..] = row else {
        return Ok(());
    };
    let connection = &database.connection;
    if table == Table::Trades
        && let Ok(at) = Millis::try_from(*second)
    {
        let second = at - at % 1000;
        connection
            .prepare_cached(&format!(
                "UPDATE bars SET made = ?3, {} WHERE level = 0 AND symbol = ?1 AND start = ?2 AND made = ?4",
                Table::Bars.renewed("made", "?3")
            ))?
            .execute(params![
                first,
                second as i64,
                Made::Rolled.code(),
                Made::Sealed.code()
            ])?;
        roll::mark(connection, *first, Interval::Second, second)?;
    }
    Ok(())
}

/// Derives the tables of stories again from the events. Returns how many stories there are.
fn index_stories(database: &mut Database) -> Result<u64, Failure> {
    database.connection.execute_batch(
        "DELETE FROM news; DELETE FROM news_symbols; DROP TABLE IF EXISTS news_words;
         CREATE VIRTUAL TABLE news_words USING fts5 (headline, summary, content = '', contentless_delete = 1)",
    )?;
    let mut after: Vec<Cell> = Vec::new();
    let mut stories = 0;
    loop {
        let mut page = Vec::new();
        {
            let connection = &database.connection;
            let mut statement =
                connection.prepare(&slice_of(Table::Events, !after.is_empty(), ROWS_AT_ONCE))?;
            let values = params_from_iter(&after);
            let mut rows = connection.rows(Table::Events, &mut statement, values, read::event)?;
            while let Some(kept) = rows.next()? {
                page.push(kept);
            }
        }
        let Some(last) = page.last() else {
            return Ok(stories);
        };
        after = vec![Cell::Integer(last.id)];
        for kept in page {
            if let Event::News(news) = kept.event {
                database.news(kept.id, &news)?;
                stories += 1;
            }
        }
    }
}

/// Makes all bars again that are made of trades. Returns their number.
fn remake_bars(database: &mut Database) -> Result<u64, Failure> {
    database.transact(|database| {
        database.connection.execute_batch(
            "DELETE FROM pending WHERE typeof(symbol) <> 'integer' OR typeof(start) <> 'integer'
                 OR level NOT BETWEEN 0 AND 5 OR start < 0;
             INSERT OR IGNORE INTO pending
                 SELECT DISTINCT symbol, time - time % 1000, 0 FROM trades WHERE time >= 0",
        )?;
        Ok(())
    })?;
    let mut bars = 0;
    loop {
        let made = database.transact(|database| {
            roll::roll(&database.connection, Millis::MAX >> 1, ROWS_AT_ONCE)
        })?;
        if made == 0 {
            return Ok(bars);
        }
        bars += made as u64;
    }
}
