//! The tables, and how those of older versions become them. `docs/inside/archive.md` explains them.

use rusqlite::Connection;

use crate::Failure;

/// The number that marks a file as an archive (`PRAGMA application_id`): "Tick".
pub(crate) const APPLICATION: i64 = 0x5469_636b;

/// What makes each version out of the one before it; the first is made out of nothing. One that has
/// been released never changes.
const MIGRATIONS: [&str; 2] = [include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version of the schema that is written here (`PRAGMA user_version`).
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings a database from `version` to the newest, in the transaction that is open.
pub(crate) fn migrate(connection: &Connection, version: u32) -> Result<(), Failure> {
    for migration in MIGRATIONS.iter().skip(version as usize) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}
