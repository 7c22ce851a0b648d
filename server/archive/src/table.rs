//! The tables whose rows carry a checksum, and values of any class.

use rusqlite::{
    Row as SqlRow, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use serde_json::{Map, Value as Json, json};

/// A table whose rows carry a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    Symbols,
    Feeds,
    Events,
    Sessions,
    Quotes,
    Trades,
    Bars,
    Splits,
    Dividends,
}

/// The columns of a table except the checksum, in the order of the schema. The first `key` of them are the primary key.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) key: usize,
    pub(crate) columns: &'static [&'static str],
    /// All columns as a list of SQL, the checksum last.
    pub(crate) select: &'static str,
    /// The correct checksum of a row, in SQL.
    pub(crate) crc: &'static str,
}

macro_rules! shape {
    ($name:literal, $key:literal, $first:literal $(, $rest:literal)*) => {
        Shape {
            name: $name,
            key: $key,
            columns: &[$first $(, $rest)*],
            select: concat!($name, ".", $first $(, ", ", $name, ".", $rest)*, ", ", $name, ".crc"),
            crc: concat!("crc_of(", $first $(, ", ", $rest)*, ")"),
        }
    };
}

const SYMBOLS: Shape = shape!("symbols", 1, "id", "name", "zone");
const FEEDS: Shape = shape!("feeds", 1, "id", "name");
const EVENTS: Shape = shape!("events", 1, "id", "name", "data");
const SESSIONS: Shape = shape!("sessions", 2, "symbol", "id", "data");
const QUOTES: Shape = shape!(
    "quotes", 3, "symbol", "time", "id", "price", "size", "bid", "bid_size", "ask", "ask_size",
    "volume", "high", "low"
);
const TRADES: Shape = shape!(
    "trades", 3, "symbol", "time", "sequence", "price", "size", "source", "marks", "feed"
);
const BARS: Shape = shape!(
    "bars", 3, "level", "symbol", "start", "open", "high", "low", "close", "firm", "volume",
    "turnover", "trades", "made"
);
const SPLITS: Shape = shape!("splits", 2, "symbol", "time", "ratio");
const DIVIDENDS: Shape = shape!("dividends", 2, "symbol", "time", "amount");

impl Table {
    pub(crate) const ALL: [Table; 9] = [
        Table::Symbols,
        Table::Feeds,
        Table::Events,
        Table::Sessions,
        Table::Quotes,
        Table::Trades,
        Table::Bars,
        Table::Splits,
        Table::Dividends,
    ];

    pub(crate) const fn shape(self) -> &'static Shape {
        match self {
            Table::Symbols => &SYMBOLS,
            Table::Feeds => &FEEDS,
            Table::Events => &EVENTS,
            Table::Sessions => &SESSIONS,
            Table::Quotes => &QUOTES,
            Table::Trades => &TRADES,
            Table::Bars => &BARS,
            Table::Splits => &SPLITS,
            Table::Dividends => &DIVIDENDS,
        }
    }

    pub(crate) fn named(name: &str) -> Option<Table> {
        Table::ALL
            .into_iter()
            .find(|table| table.shape().name == name)
    }

    /// An SQL assignment that renews the checksum after one column was set. A damaged row stays damaged.
    pub(crate) fn renewed(self, column: &str, value: &str) -> String {
        let Shape { crc, columns, .. } = self.shape();
        let new: Vec<&str> = columns
            .iter()
            .map(|name| if *name == column { value } else { *name })
            .collect();
        let new = new.join(", ");
        format!("crc = CASE WHEN crc IS NULL OR crc = {crc} THEN crc_of({new}) ELSE crc END")
    }

    /// An SQL condition for one row, by its key as the parameters from `?1` on.
    pub(crate) fn by_key(self) -> String {
        let Shape { columns, key, .. } = self.shape();
        let parts: Vec<String> = columns[..*key]
            .iter()
            .enumerate()
            .map(|(index, name)| format!("{name} IS ?{}", index + 1))
            .collect();
        parts.join(" AND ")
    }
}

/// A value of any class, including text that is not UTF-8.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Cell {
    pub(crate) fn value(&self) -> ValueRef<'_> {
        match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(integer) => ValueRef::Integer(*integer),
            Cell::Real(real) => ValueRef::Real(*real),
            Cell::Text(text) => ValueRef::Text(text),
            Cell::Blob(blob) => ValueRef::Blob(blob),
        }
    }

    pub(crate) const fn integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    fn json(&self) -> Json {
        match self {
            Cell::Null => Json::Null,
            Cell::Integer(integer) => json!(integer),
            Cell::Real(real) => json!({ "real": real.to_bits() }),
            Cell::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => json!(text),
                Err(_) => json!({ "text": hex(text) }),
            },
            Cell::Blob(blob) => json!({ "blob": hex(blob) }),
        }
    }

    fn of_json(value: &Json) -> Option<Cell> {
        Some(match value {
            Json::Null => Cell::Null,
            Json::Number(number) => Cell::Integer(number.as_i64()?),
            Json::String(text) => Cell::Text(text.clone().into_bytes()),
            Json::Object(object) => match object.iter().next()? {
                (class, Json::String(bytes)) if class == "text" => Cell::Text(unhex(bytes)?),
                (class, Json::String(bytes)) if class == "blob" => Cell::Blob(unhex(bytes)?),
                (class, bits) if class == "real" => Cell::Real(f64::from_bits(bits.as_u64()?)),
                _ => return None,
            },
            Json::Bool(_) | Json::Array(_) => return None,
        })
    }
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(integer) => Cell::Integer(integer),
            ValueRef::Real(real) => Cell::Real(real),
            ValueRef::Text(text) => Cell::Text(text.to_vec()),
            ValueRef::Blob(blob) => Cell::Blob(blob.to_vec()),
        }
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.value()))
    }
}

/// The first `count` columns of a row.
pub(crate) fn cells(row: &SqlRow<'_>, count: usize) -> rusqlite::Result<Vec<Cell>> {
    (0..count)
        .map(|column| Ok(row.get_ref(column)?.into()))
        .collect()
}

/// A row in the form of the quarantine, the checksum last.
pub(crate) fn to_json(table: Table, cells: &[Cell]) -> String {
    let names = table.shape().columns.iter().chain(&["crc"]);
    let object: Map<String, Json> = names
        .zip(cells)
        .map(|(name, cell)| ((*name).to_owned(), cell.json()))
        .collect();
    Json::Object(object).to_string()
}

/// Parses a row of the quarantine, the checksum last.
pub(crate) fn from_json(table: Table, text: &str) -> Option<Vec<Cell>> {
    let object: Map<String, Json> = serde_json::from_str(text).ok()?;
    let names = table.shape().columns.iter().chain(&["crc"]);
    names
        .map(|name| object.get(*name).and_then(Cell::of_json))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_any_values_comes_back() {
        let cells = vec![
            Cell::Integer(i64::MIN),
            Cell::Text(b"a \"quoted\" \xff text".to_vec()),
            Cell::Real(f64::NAN),
            Cell::Null,
        ];
        let text = to_json(Table::Sessions, &cells);
        let again = from_json(Table::Sessions, &text).unwrap();
        assert_eq!(format!("{again:?}"), format!("{cells:?}"));
        let blob = vec![
            Cell::Blob(vec![0, 255]),
            Cell::Text(b"{}".to_vec()),
            Cell::Integer(5),
        ];
        let text = to_json(Table::Feeds, &blob);
        assert_eq!(from_json(Table::Feeds, &text).unwrap(), blob);
    }
}
