//! The rows of each table, decoded column by column.

use market::{Event, Millis, Quote, Size, Symbol, Trade};
use rusqlite::Row as SqlRow;

use crate::{
    coding::{Exact, Marks},
    store::{Fault, millis},
};

/// A kept event, with its packed id and the length of its JSON.
pub(crate) struct Kept {
    pub(crate) id: i64,
    pub(crate) event: Event,
    pub(crate) bytes: usize,
}

pub(crate) fn event(row: &SqlRow<'_>) -> Result<Kept, Fault> {
    let name: String = row.get(1)?;
    let data: String = row.get(2)?;
    Ok(Kept {
        id: row.get(0)?,
        event: decode(&name, &data)?,
        bytes: data.len(),
    })
}

/// A session, with its packed id.
pub(crate) fn session(row: &SqlRow<'_>) -> Result<(i64, Event), Fault> {
    let _symbol: i64 = row.get(0)?;
    Ok((row.get(1)?, decode("session", &row.get::<_, String>(2)?)?))
}

fn decode(name: &str, data: &str) -> Result<Event, Fault> {
    Event::decode(name, data).map_err(|error| Fault::new(error.to_string()))
}

/// A trade: its time, its order of arrival, and the number of its feed.
pub(crate) struct Traded {
    pub(crate) time: Millis,
    pub(crate) sequence: i64,
    pub(crate) trade: Trade,
    pub(crate) marks: Marks,
    pub(crate) feed: Option<i64>,
}

pub(crate) fn trade(row: &SqlRow<'_>) -> Result<Traded, Fault> {
    let marks = Marks(row.get(6)?);
    let _symbol: i64 = row.get(0)?;
    Ok(Traded {
        time: millis(row, 1)?,
        sequence: row.get(2)?,
        trade: Trade {
            price: row.get::<_, Exact>(3)?.into(),
            size: row.get::<_, Option<Exact>>(4)?.map(Size::from),
            id: row.get::<_, Option<i64>>(5)?.map(|id| id as u64),
            moves: marks.moves(),
        },
        marks,
        feed: row.get(7)?,
    })
}

/// A quote without its symbol.
pub(crate) struct Quoted {
    pub(crate) id: i64,
    time: Millis,
    values: [Option<Exact>; 9],
}

pub(crate) fn quote(row: &SqlRow<'_>) -> Result<Quoted, Fault> {
    let _symbol: i64 = row.get(0)?;
    let mut values = [None; 9];
    for (value, column) in values.iter_mut().zip(3..) {
        *value = row.get(column)?;
    }
    Ok(Quoted {
        id: row.get(2)?,
        time: millis(row, 1)?,
        values,
    })
}

impl Quoted {
    pub(crate) fn of(self, symbol: Symbol) -> Quote {
        fn of<T: From<Exact>>(value: Option<Exact>) -> Option<T> {
            value.map(T::from)
        }
        let [price, size, bid, bid_size, ask, ask_size, volume, high, low] = self.values;
        Quote {
            symbol,
            time: self.time,
            traded: None,
            price: of(price),
            size: of(size),
            bid: of(bid),
            bid_size: of(bid_size),
            ask: of(ask),
            ask_size: of(ask_size),
            volume: of(volume),
            high: of(high),
            low: of(low),
            close_of: None,
        }
    }

    pub(crate) const fn place(&self) -> (Millis, i64) {
        (self.time, self.id)
    }
}

/// A symbol: its number and its name. The zone is read where it is used.
pub(crate) fn symbol(row: &SqlRow<'_>) -> Result<(i64, Symbol), Fault> {
    let name: String = row.get(1)?;
    let _zone: Option<String> = row.get(2)?;
    let symbol = name
        .parse()
        .map_err(|error| Fault::new(format!("{name:?} is not a symbol: {error}")))?;
    Ok((row.get(0)?, symbol))
}

/// The number of a feed and its name.
pub(crate) fn feed(row: &SqlRow<'_>) -> Result<(i64, String), Fault> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The time and the number of a split or a dividend.
pub(crate) fn dated(row: &SqlRow<'_>) -> Result<(Millis, Exact), Fault> {
    let _symbol: i64 = row.get(0)?;
    Ok((millis(row, 1)?, row.get(2)?))
}
