//! Stored bars.

use jiff::tz::TimeZone;
use market::{Bar, Interval, Millis, Price, Sums};
use rusqlite::Row as SqlRow;

use crate::{
    Rolled,
    coding::Exact,
    store::{Fault, millis},
    table::Cell,
    zone::{level, span},
};

/// The origin of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Made from the data below it.
    Rolled,
    /// It was published on the tape: by a feed without trades, or by a publisher of bars.
    Published,
    /// It was imported.
    Imported,
    /// Made from data that is no longer kept: it stays.
    Sealed,
}

impl Made {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Made::Rolled => 0,
            Made::Published => 1,
            Made::Imported => 2,
            Made::Sealed => 3,
        }
    }

    pub(crate) const fn of(code: i64) -> Option<Self> {
        match code {
            0 => Some(Made::Rolled),
            1 => Some(Made::Published),
            2 => Some(Made::Imported),
            3 => Some(Made::Sealed),
            _ => None,
        }
    }
}

/// A stored bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: Millis,
    pub(crate) sums: Sums,
    pub(crate) made: Made,
}

impl Row {
    /// The placeholder of a bar that is in quarantine: it has no price, and is not made again.
    pub(crate) fn placeholder(start: Millis) -> Self {
        Row {
            start,
            sums: Sums::ZERO,
            made: Made::Sealed,
        }
    }

    /// A bar that was given as a whole.
    pub(crate) fn given(bar: &Bar, made: Made) -> Self {
        Row {
            start: bar.start,
            sums: Sums::of_bar(bar),
            made,
        }
    }

    /// The row as a bar of a symbol whose days begin in a zone.
    pub(crate) fn rolled(self, interval: Interval, zone: &TimeZone) -> Rolled {
        Rolled {
            span: span(interval, zone, self.start),
            imported: self.made == Made::Imported,
            sums: self.sums,
        }
    }

    /// From the columns of [`Table::Bars`].
    pub(crate) fn read(row: &SqlRow<'_>) -> Result<Self, Fault> {
        let price = |column| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<Exact>>(column)?.map(Price::from))
        };
        let _level_and_symbol: (i64, i64) = (row.get(0)?, row.get(1)?);
        let made: i64 = row.get(11)?;
        Ok(Row {
            start: millis(row, 2)?,
            sums: Sums {
                open: price(3)?,
                high: price(4)?,
                low: price(5)?,
                close: price(6)?,
                firm: row.get(7)?,
                volume: row.get::<_, Exact>(8)?.into(),
                turnover: row.get::<_, Option<Exact>>(9)?.map(|exact| exact.0),
                trades: row.get::<_, i64>(10)? as u64,
            },
            made: Made::of(made)
                .ok_or_else(|| Fault::new(format!("the bar is made by {made}: expected 0 to 3")))?,
        })
    }
}

/// The start of an unreadable bar that may be made again from the data below it, by its columns. The data below an
/// imported or sealed bar may be only a part.
pub(crate) fn remade(cells: &[Cell]) -> Option<Millis> {
    let start = Millis::try_from(cells.get(2)?.integer()?).ok()?;
    let may = match Made::of(cells.get(11)?.integer()?)? {
        Made::Rolled | Made::Published => true,
        Made::Imported => cells.first()?.integer()? <= level(Interval::Minute),
        Made::Sealed => false,
    };
    may.then_some(start)
}
