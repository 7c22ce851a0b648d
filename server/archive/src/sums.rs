//! Checksums for the rows of schema version 1, which had none: a few at a time, between commits.

use rusqlite::params_from_iter;

use crate::{
    Failure,
    store::Store,
    table::{Cell, Table, cells},
};

/// How many rows a step checks.
const AT_ONCE: usize = 2_000;

/// The progress of the last step.
#[derive(Debug, Default)]
pub(crate) struct Summing {
    table: usize,
    after: Vec<Cell>,
    begun: bool,
    /// Whether all rows have a checksum.
    pub(crate) done: bool,
}

/// A query for some rows of a table in the order of its key. With `after`, those behind a key that is passed as the
/// parameters from `?1` on.
pub(crate) fn slice_of(table: Table, after: bool, limit: usize) -> String {
    let shape = table.shape();
    let key = shape.columns[..shape.key].join(", ");
    let places: Vec<String> = (1..=shape.key).map(|place| format!("?{place}")).collect();
    let after = match after {
        true => format!("WHERE ({key}) > ({})", places.join(", ")),
        false => String::new(),
    };
    format!(
        "SELECT {} FROM {} {after} ORDER BY {key} LIMIT {limit}",
        shape.select, shape.name
    )
}

impl Summing {
    /// Whether there is anything to do, as far as that is known without reading the file.
    pub(crate) const fn is_due(&self) -> bool {
        !self.done
    }

    /// Adds the missing checksums of some rows, if they can be read. In a transaction. Returns whether anything was
    /// written.
    pub(crate) fn step(&mut self, connection: &Store) -> Result<bool, Failure> {
        if !self.begun {
            let unsummed: i64 =
                connection.query_row("SELECT unsummed FROM meta", [], |row| row.get(0))?;
            self.begun = true;
            self.done = unsummed == 0;
        }
        let (mut looked_at, mut written) = (0, 0);
        while !self.done && looked_at < AT_ONCE {
            let Some(table) = Table::ALL.get(self.table).copied() else {
                connection.execute("UPDATE meta SET unsummed = 0", [])?;
                self.done = true;
                return Ok(true);
            };
            let (count, summed) = self.slice(connection, table)?;
            looked_at += count;
            written += summed;
        }
        Ok(written > 0)
    }

    /// Returns how many rows there were, and how many received a checksum.
    fn slice(&mut self, connection: &Store, table: Table) -> Result<(usize, usize), Failure> {
        let shape = table.shape();
        let columns = shape.columns.len();
        let mut statement =
            connection.prepare_cached(&slice_of(table, !self.after.is_empty(), AT_ONCE))?;
        let mut rows = statement.query(params_from_iter(&self.after))?;
        let mut unsummed = Vec::new();
        let mut count = 0;
        let mut last = None;
        while let Some(row) = rows.next()? {
            count += 1;
            let key = cells(row, shape.key)?;
            let has_none = row.get_ref(columns)? == rusqlite::types::ValueRef::Null;
            if has_none && connection.can_read(table, row) {
                unsummed.push(key.clone());
            }
            last = Some(key);
        }
        drop(rows);
        let mut update = connection.prepare_cached(&format!(
            "UPDATE {} SET crc = {} WHERE {}",
            shape.name,
            shape.crc,
            table.by_key()
        ))?;
        for key in &unsummed {
            update.execute(params_from_iter(key))?;
        }
        match last.filter(|last| count == AT_ONCE && *last != self.after) {
            Some(last) => self.after = last,
            None => {
                self.table += 1;
                self.after = Vec::new();
            }
        }
        Ok((count, unsummed.len()))
    }
}
