//! The tables, and the upgrades of older versions. `docs/inside/archive.md` explains them.

use rusqlite::Connection;

use crate::Failure;

/// The number that marks a file as an archive (`PRAGMA application_id`): "Tick".
pub(crate) const APPLICATION: i64 = 0x5469_636b;

/// The scripts that upgrade each version to the next; the first creates it. A released script never changes.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version of the schema that is written here (`PRAGMA user_version`).
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Upgrades a database from `version` to the newest, in the open transaction.
pub(crate) fn migrate(connection: &Connection, version: u32) -> Result<(), Failure> {
    for migration in MIGRATIONS.iter().skip(version as usize) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}
