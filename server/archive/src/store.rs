//! A connection that reads rows one by one, so that an unreadable row affects nothing but itself.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use market::Millis;
use rusqlite::{Connection, Error, Params, Row as SqlRow, Rows, Statement, types::ValueRef};

use crate::{
    Failure, checksum,
    table::{Cell, Table, cells},
};

/// How many damaged rows wait for the quarantine, and how many rows of newer versions are counted. Further ones are
/// found when they are read again.
const MAX_FOUND: usize = 4_096;

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Fault(reason.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault(error.to_string())
    }
}

/// The key of a row, as far as it can be read.
pub(crate) type Key = Vec<Cell>;

/// The rows that could not be read so far.
#[derive(Debug, Default)]
pub(crate) struct Damage(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// Damaged rows to be moved to the quarantine, by table and key.
    damaged: BTreeMap<(Table, String), (Key, String)>,
    /// Damaged rows that cannot be moved.
    stuck: HashSet<(Table, String)>,
    /// Intact rows that this version cannot read.
    newer: HashSet<(Table, String)>,
}

impl Damage {
    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an unreadable row.
    pub(crate) fn record(&self, table: Table, key: Key, reason: &str, intact: bool) {
        let mut found = self.lock();
        let at = (table, format!("{key:?}"));
        let name = table.shape().name;
        if intact {
            if found.newer.len() < MAX_FOUND && found.newer.insert(at) {
                tracing::warn!(
                    table = name,
                    ?key,
                    reason,
                    "row of a newer version left out"
                );
            }
            return;
        }
        if found.stuck.contains(&at)
            || found.damaged.contains_key(&at)
            || found.damaged.len() >= MAX_FOUND
        {
            return;
        }
        tracing::error!(table = name, ?key, reason, "damaged row left out");
        found.damaged.insert(at, (key, reason.to_owned()));
    }

    /// Takes the rows that wait for the quarantine.
    pub(crate) fn take(&self) -> Vec<(Table, Key, String)> {
        let found = std::mem::take(&mut self.lock().damaged);
        found
            .into_iter()
            .map(|((table, _), (key, reason))| (table, key, reason))
            .collect()
    }

    /// Leaves a damaged row where it is.
    pub(crate) fn leave(&self, table: Table, key: &Key) {
        let mut found = self.lock();
        if found.stuck.len() < MAX_FOUND {
            found.stuck.insert((table, format!("{key:?}")));
        }
    }

    /// How many damaged rows have not been moved, and how many rows are of a newer version.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let found = self.lock();
        let damaged = found.damaged.len() + found.stuck.len();
        (damaged as u64, found.newer.len() as u64)
    }
}

/// A connection, and the damage that it has found.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    pub(crate) damage: Arc<Damage>,
}

impl Store {
    /// Calls a function while a statement runs; if it returns true, the statement is interrupted.
    pub(crate) fn interrupted_by(
        &mut self,
        steps: i32,
        look: impl FnMut() -> bool + Send + 'static,
    ) -> Result<(), Failure> {
        Ok(self.connection.progress_handler(steps, Some(look))?)
    }
}

impl Deref for Store {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Store {
    pub(crate) fn new(connection: Connection, damage: Arc<Damage>) -> rusqlite::Result<Self> {
        checksum::register(&connection)?;
        Ok(Store { connection, damage })
    }

    /// The readable rows of a query of [`crate::table::Shape::select`].
    pub(crate) fn rows<'a, T>(
        &'a self,
        table: Table,
        statement: &'a mut Statement<'_>,
        values: impl Params,
        read: Read<T>,
    ) -> Result<Readable<'a, T>, Failure> {
        Ok(Readable {
            store: self,
            table,
            rows: statement.query(values)?,
            read,
        })
    }

    /// The first readable row of such a query.
    pub(crate) fn first<T>(
        &self,
        table: Table,
        statement: &mut Statement<'_>,
        values: impl Params,
        read: Read<T>,
    ) -> Result<Option<T>, Failure> {
        self.rows(table, statement, values, read)?.next()
    }

    /// Reads a row, and records it if it is unreadable. The error is the content of its columns.
    pub(crate) fn read<T>(
        &self,
        table: Table,
        row: &SqlRow<'_>,
        read: Read<T>,
    ) -> Result<T, Vec<Cell>> {
        let (intact, fault) = match verify(table, row) {
            Err(fault) => (false, fault),
            Ok(checked) => match read(row) {
                Ok(value) => return Ok(value),
                Err(fault) => (checked, fault),
            },
        };
        let shape = table.shape();
        let all = cells(row, shape.columns.len()).unwrap_or_default();
        let key = all.iter().take(shape.key).cloned().collect();
        self.damage.record(table, key, &fault.to_string(), intact);
        Err(all)
    }
}

/// Reads a row of [`crate::table::Shape::select`].
pub(crate) type Read<T> = fn(&SqlRow<'_>) -> Result<T, Fault>;

/// Compares a row with its checksum. Returns whether it has one.
pub(crate) fn verify(table: Table, row: &SqlRow<'_>) -> Result<bool, Fault> {
    let columns = table.shape().columns.len();
    let stored = match row.get_ref(columns)? {
        ValueRef::Null => return Ok(false),
        ValueRef::Integer(crc) => crc,
        other => {
            return Err(Fault(format!(
                "the checksum is of the class {}: expected an integer",
                other.data_type()
            )));
        }
    };
    let computed = checksum::of((0..columns).map_while(|column| row.get_ref(column).ok()));
    if stored == computed {
        return Ok(true);
    }
    Err(Fault(format!(
        "the checksum is {stored}: expected {computed}"
    )))
}

/// Rows of which unreadable ones are skipped and recorded.
pub(crate) struct Readable<'a, T> {
    store: &'a Store,
    table: Table,
    rows: Rows<'a>,
    read: Read<T>,
}

impl<T> Readable<'_, T> {
    pub(crate) fn next(&mut self) -> Result<Option<T>, Failure> {
        while let Some(row) = self.next_or_cells()? {
            if let Ok(row) = row {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// The next row, or the content of the columns of an unreadable one.
    pub(crate) fn next_or_cells(&mut self) -> Result<Option<Result<T, Vec<Cell>>>, Failure> {
        let Some(row) = self.rows.next()? else {
            return Ok(None);
        };
        Ok(Some(self.store.read(self.table, row, self.read)))
    }
}

/// Milliseconds in a column.
pub(crate) fn millis(row: &SqlRow<'_>, column: usize) -> Result<Millis, Fault> {
    let time: i64 = row.get(column)?;
    Millis::try_from(time).map_err(|_| Fault(format!("the time is {time}: expected 0 or more")))
}

/// The result of a query of one row without a checksum; `None` also if the row has values of another class than are
/// stored there.
pub(crate) fn readable<T>(row: rusqlite::Result<T>) -> Result<Option<T>, Failure> {
    match row {
        Ok(value) => Ok(Some(value)),
        Err(Error::QueryReturnedNoRows) => Ok(None),
        Err(error) if is_of_row(&error) => {
            tracing::debug!(%error, "row passed over");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether an error is about one row's values and not about the file.
pub(crate) const fn is_of_row(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    )
}
