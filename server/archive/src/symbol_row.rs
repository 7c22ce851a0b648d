use jiff::tz::TimeZone;
use market::Symbol;

use crate::{
    Failure,
    store::{Store, readable},
    zone,
};

/// A symbol's row.
#[derive(Debug, Clone)]
pub(crate) struct SymbolRow {
    pub(crate) id: i64,
    pub(crate) zone: TimeZone,
}

/// The row of a symbol, if there is one.
pub(crate) fn find_symbol(
    connection: &Store,
    symbol: Symbol,
) -> Result<Option<SymbolRow>, Failure> {
    let known = connection
        .prepare_cached("SELECT id, zone FROM symbols WHERE name = ?1")?
        .query_row([symbol.as_str()], |row| {
            let zone: Option<String> = row.get(1).ok().flatten();
            Ok(SymbolRow {
                id: row.get(0)?,
                zone: zone::named(zone.as_deref()),
            })
        });
    readable(known)
}
