//! Whether a row of any table can be read.

use rusqlite::Row as SqlRow;

use crate::{
    read, roll,
    store::{Store, verify},
    table::Table,
};

impl Store {
    /// As [`Store::can_read`], without recording anything.
    pub(crate) fn reads(&self, table: Table, row: &SqlRow<'_>) -> bool {
        verify(table, row).is_ok()
            && match table {
                Table::Symbols => read::symbol(row).is_ok(),
                Table::Feeds => read::feed(row).is_ok(),
                Table::Events => read::event(row).is_ok(),
                Table::Sessions => read::session(row).is_ok(),
                Table::Quotes => read::quote(row).is_ok(),
                Table::Trades => read::trade(row).is_ok(),
                Table::Bars => roll::Row::read(row).is_ok(),
                Table::Splits | Table::Dividends => read::dated(row).is_ok(),
            }
    }

    /// Whether a row of [`crate::table::Shape::select`] can be read. One that cannot is recorded.
    pub(crate) fn can_read(&self, table: Table, row: &SqlRow<'_>) -> bool {
        match table {
            Table::Symbols => self.read(table, row, read::symbol).is_ok(),
            Table::Feeds => self.read(table, row, read::feed).is_ok(),
            Table::Events => self.read(table, row, read::event).is_ok(),
            Table::Sessions => self.read(table, row, read::session).is_ok(),
            Table::Quotes => self.read(table, row, read::quote).is_ok(),
            Table::Trades => self.read(table, row, read::trade).is_ok(),
            Table::Bars => self.read(table, row, roll::Row::read).is_ok(),
            Table::Splits | Table::Dividends => self.read(table, row, read::dated).is_ok(),
        }
    }
}
