use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::tz::TimeZone;
use market::{Millis, Symbol};
use rusqlite::{Connection, OpenFlags, params};
use tape::EventId;

use crate::{
    Failure, OpenError,
    coding::{Ids, time},
    meta, owner, schema,
    store::{Damage, Store},
    symbol_row::{SymbolRow, find_symbol},
    table::Table,
    zone,
};

/// A connection that writes, with a cache of its names.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) connection: Store,
    pub(crate) file: PathBuf,
    pub(crate) ids: Ids,
    /// The order of arrival of the next trade, in the open transaction.
    pub(crate) sequence: i64,
    symbols: HashMap<Symbol, SymbolRow>,
    feeds: HashMap<Arc<str>, i64>,
    /// Changes when another connection commits: the cached symbols are then read again.
    data_version: i64,
}

/// The name of a file that belongs to the database, with this suffix.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Whether the name still refers to the open file.
#[cfg(unix)]
fn identity(file: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(file).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(file: &Path) -> Option<(u64, u64)> {
    // An open file cannot be deleted here.
    fs::metadata(file).ok().map(|_| (0, 0))
}

/// The file that a name refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity(Option<(u64, u64)>);

impl Identity {
    pub(crate) fn of(file: &Path) -> Self {
        Identity(identity(file))
    }
}

impl Database {
    pub(crate) fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// Opens the database for writing, and creates it if there is none.
    pub(crate) fn open(file: &Path, busy: Duration) -> Result<Self, OpenError> {
        let failed = |error: rusqlite::Error| OpenError::database(file, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
        connection.busy_timeout(busy).map_err(failed)?;
        let version = check(&connection, file)?;
        let connection = Store::new(connection, Arc::default()).map_err(failed)?;
        let mut database = Database {
            connection,
            file: file.to_owned(),
            ids: Ids { mark: 0 },
            sequence: 0,
            symbols: HashMap::new(),
            feeds: HashMap::new(),
            data_version: 0,
        };
        database
            .prepare(version)
            .map_err(|failure| OpenError::database(file, failure))?;
        Ok(database)
    }

    fn prepare(&mut self, version: u32) -> Result<(), Failure> {
        let connection = &self.connection;
        connection.set_prepared_statement_cache_capacity(128);
        if version == 0 {
            // It has an effect only before there are tables.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on disk when it returns.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Checkpoints have a thread of their own.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        if version < schema::VERSION {
            self.transact(|database| {
                // Another process may have been faster.
                let version =
                    database
                        .connection
                        .pragma_query_value(None, "user_version", |row| row.get(0))?;
                schema::migrate(&database.connection, version)
            })?;
        }
        owner::prepare(&self.connection)?;
        // A row that disagrees with its index is removed all the same, instead of failing the transaction. The schema
        // itself is never written.
        self.connection
            .pragma_update(None, "writable_schema", "ON")?;
        self.ids.mark = meta::read(&self.connection)?.mark;
        Ok(())
    }

    /// Renews the row of `meta` if it is damaged, and returns what to do about it.
    pub(crate) fn mend_meta(&mut self, now: Millis) -> Result<Option<String>, Failure> {
        let notice = self.transact(|database| meta::mend(&database.connection, now))?;
        self.ids.mark = meta::read(&self.connection)?.mark;
        Ok(notice)
    }

    /// The damage that was found so far.
    pub(crate) fn damage(&self) -> &Arc<Damage> {
        &self.connection.damage
    }

    /// Runs some work as one transaction: afterwards all of it is on disk, or none of it.
    pub(crate) fn transact<R>(
        &mut self,
        work: impl FnOnce(&mut Database) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|done| {
            self.connection.execute_batch("COMMIT")?;
            Ok(done)
        });
        if done.is_err() {
            // SQLite may have rolled back by itself, and returns an error then.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.symbols.clear();
            self.feeds.clear();
        }
        done
    }

    /// As [`Database::transact`], but does not wait for the disk. A power cut undoes only work that is done again
    /// afterwards, and never without everything committed after it.
    pub(crate) fn transact_lazily<R>(
        &mut self,
        work: impl FnOnce(&mut Database) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")?;
        let done = self.transact(work);
        // If this fails, nothing must be written that a caller waits for.
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        done
    }

    /// Refreshes the caches from earlier transactions for the one that has begun.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        if version != self.data_version {
            self.data_version = version;
            self.symbols.clear();
            self.feeds.clear();
        }
        self.sequence = self
            .connection
            .prepare_cached("SELECT sequence FROM meta")?
            .query_row([], |row| row.get(0))?;
        Ok(())
    }

    /// Stores the order of arrival with which the next transaction continues.
    pub(crate) fn store_sequence(&self) -> Result<(), Failure> {
        self.connection
            .prepare_cached("UPDATE meta SET sequence = ?1, crc = crc_of(one, mark, reserved, ?1)")?
            .execute([self.sequence])?;
        Ok(())
    }

    /// Reserves ids: none of `until` milliseconds or more has been given, or will be before the next reservation.
    pub(crate) fn reserve(&self, until: Millis) -> Result<(), Failure> {
        self.connection
            .prepare_cached(
                "UPDATE meta SET reserved = ?1, crc = crc_of(one, mark, ?1, sequence)
                 WHERE reserved <> ?1",
            )?
            .execute([time(until)])?;
        Ok(())
    }

    /// Continues the ids of another database in one that has none.
    pub(crate) fn set_mark(&mut self, ids: Ids) -> Result<(), Failure> {
        self.connection.execute(
            "UPDATE meta SET mark = ?1, crc = crc_of(one, ?1, reserved, sequence)",
            [ids.mark],
        )?;
        self.ids = ids;
        Ok(())
    }

    /// Why an id is not of this tape.
    pub(crate) fn refusal(&self, id: EventId) -> Failure {
        Failure::refused(format!(
            "{id} is not an id of this tape: expected the mark {}",
            self.ids.mark
        ))
    }

    pub(crate) fn reserved(&self) -> Result<Millis, Failure> {
        let reserved: i64 = self
            .connection
            .query_row("SELECT reserved FROM meta", [], |row| row.get(0))?;
        Ok(reserved as Millis)
    }

    /// The row of a symbol, which is created if there is none.
    pub(crate) fn symbol(&mut self, symbol: Symbol) -> Result<SymbolRow, Failure> {
        if let Some(known) = self.symbols.get(&symbol) {
            return Ok(known.clone());
        }
        let known = match find_symbol(&self.connection, symbol)? {
            Some(known) => known,
            None => {
                self.connection
                    .prepare_cached("INSERT INTO symbols (name) VALUES (?1)")?
                    .execute([symbol.as_str()])?;
                let id = self.connection.last_insert_rowid();
                // Its number is known only now.
                self.connection
                    .prepare_cached(
                        "UPDATE symbols SET crc = crc_of(id, name, zone) WHERE id = ?1",
                    )?
                    .execute([id])?;
                SymbolRow {
                    id,
                    zone: TimeZone::UTC,
                }
            }
        };
        self.symbols.insert(symbol, known.clone());
        Ok(known)
    }

    /// The row of a feed, which is created if there is none.
    pub(crate) fn feed(&mut self, name: Option<&Arc<str>>) -> Result<Option<i64>, Failure> {
        let Some(name) = name else {
            return Ok(None);
        };
        if let Some(id) = self.feeds.get(name) {
            return Ok(Some(*id));
        }
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO feeds (name) VALUES (?1)")?
            .execute([name])?;
        let id: i64 = self
            .connection
            .prepare_cached("SELECT id FROM feeds WHERE name = ?1")?
            .query_row([name], |row| row.get(0))?;
        self.connection
            .prepare_cached(
                "UPDATE feeds SET crc = crc_of(id, name) WHERE id = ?1 AND crc IS NULL",
            )?
            .execute([id])?;
        // An imported file may name any feed.
        if self.feeds.len() >= MAX_FEEDS {
            self.feeds.clear();
        }
        self.feeds.insert(Arc::clone(name), id);
        Ok(Some(id))
    }

    /// Sets the zone in which a symbol's days begin. If it changes, the symbol's days have to be made again.
    pub(crate) fn set_zone(
        &mut self,
        symbol: Symbol,
        zone: &TimeZone,
    ) -> Result<SymbolRow, Failure> {
        let known = self.symbol(symbol)?;
        if zone::name(&known.zone) == zone::name(zone) {
            return Ok(known);
        }
        self.connection
            .prepare_cached(&format!(
                "UPDATE symbols SET zone = ?2, {} WHERE id = ?1",
                Table::Symbols.renewed("zone", "?2")
            ))?
            .execute(params![known.id, zone::name(zone)])?;
        self.symbols.remove(&symbol);
        let known = self.symbol(symbol)?;
        crate::roll::rezone(&self.connection, &known)?;
        Ok(known)
    }
}

/// How many feeds are cached by their names.
const MAX_FEEDS: usize = 1_000;

/// How large the write-ahead log may stay when it is restarted, in bytes.
const JOURNAL_BYTES: i64 = 16 << 20;

/// How much of the file a writing connection caches, in KiB.
const CACHE_KIB: i64 = 32 << 10;

/// Whether a file is an archive of an older version. Only the holder of the lock may upgrade it: a server of the older
/// version would no longer find its own schema.
pub(crate) fn is_older(file: &Path) -> Result<bool, OpenError> {
    if !file.exists() {
        return Ok(false);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)
        .map_err(|error| OpenError::database(file, error))?;
    let version = check(&connection, file)?;
    Ok(version > 0 && version < schema::VERSION)
}

/// The version of the schema in a file; 0 if it is empty. Changes nothing.
pub(crate) fn check(connection: &Connection, file: &Path) -> Result<u32, OpenError> {
    let read = || -> Result<(i64, u32, i64), Failure> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let application: i64 = pragma("application_id")?;
        let version: i64 = pragma("user_version")?;
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((
            application,
            u32::try_from(version).unwrap_or(u32::MAX),
            tables,
        ))
    };
    let (application, version, tables) =
        read().map_err(|failure| OpenError::database(file, failure))?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(0),
        (schema::APPLICATION, version, _) if version > schema::VERSION => Err(OpenError::Newer {
            file: file.to_owned(),
            version,
            known: schema::VERSION,
        }),
        (schema::APPLICATION, version, _) => Ok(version),
        _ => Err(OpenError::Foreign(file.to_owned())),
    }
}
