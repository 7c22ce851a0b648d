use std::{collections::BTreeSet, collections::HashMap, fs, path::Path, time::Duration};

use jiff::tz::TimeZone;
use market::{Bar, Interval, Millis, Price, Size, Symbol};
use rusqlite::params;
use rust_decimal::Decimal;

use crate::{
    Failure, FailureKind, OpenError, Print,
    coding::{Exact, Marks, time},
    database::{Database, is_older},
    lock::{ImportLock, Lock},
    roll::{self, Made, Row},
    symbol_row::SymbolRow,
    zone,
};

/// Writes history from elsewhere into an archive, even while a server writes it: each batch is one transaction.
/// Importing a batch twice has the same result as once.
#[derive(Debug)]
pub struct Importer {
    database: Database,
    /// How often each trade without a number has occurred at the newest time, of which the next batch may have more.
    repeated: HashMap<Repeated, u64>,
    /// A server removes nothing while this exists.
    _lock: ImportLock,
}

/// The fields that distinguish trades without a number.
type Repeated = (i64, Millis, Price, Option<Size>, i64);

/// The result of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Rows that were not there.
    pub new: u64,
    /// Rows that replaced different ones.
    pub changed: u64,
    /// Rows that were there already, or minutes that are made of trades, which take precedence.
    pub same: u64,
}

/// A split: a number of shares became another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// The symbol.
    pub symbol: Symbol,
    /// The first millisecond of the first day that is traded after the split.
    pub time: Millis,
    /// The number of shares for each earlier one: 4 for four to one, 0.1 for one to ten.
    pub ratio: Decimal,
}

/// A dividend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dividend {
    /// The symbol.
    pub symbol: Symbol,
    /// The first millisecond of the first day that is traded without it.
    pub time: Millis,
    /// The amount per share.
    pub amount: Price,
}

/// From how many pages of the log on a commit moves them into the file.
const CHECKPOINT_PAGES: i64 = 4_000;

/// How many bars of an interval are made in one transaction.
const MADE_AT_ONCE: usize = 5_000;

impl Importer {
    /// Opens an archive, and creates it if there is none.
    ///
    /// # Errors
    /// If it cannot be opened or written. A corrupt file is left unchanged.
    pub fn open(folder: &Path, name: &str) -> Result<Importer, OpenError> {
        fs::create_dir_all(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let file = folder.join(name);
        let _lock = match is_older(&file)? {
            true => Some(Lock::take(&file)?),
            false => None,
        };
        let lock = ImportLock::take(&file)?;
        let database = Database::open(&file, Duration::from_secs(30))?;
        if database.ids.mark == 0 {
            let damaged = Failure::new(
                FailureKind::Corrupt,
                "the row of meta is damaged: start the server, or run tickertape repair",
            );
            return Err(OpenError::database(&file, damaged));
        }
        // There may be no server whose writer does it.
        database
            .connection
            .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
            .map_err(|error| OpenError::database(&file, error))?;
        Ok(Importer {
            database,
            repeated: HashMap::new(),
            _lock: lock,
        })
    }

    /// Sets the zone in which the days of a symbol begin. A server takes it from the symbol's session.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn zone(&mut self, symbol: Symbol, zone: &TimeZone) -> Result<(), Failure> {
        self.database.transact(|database| {
            database.refresh()?;
            database.set_zone(symbol, zone)?;
            Ok(())
        })
    }

    /// Writes bars of an interval. An imported bar takes precedence in its span over everything below it, except that a
    /// bar of a second or a minute with stored trades stays.
    ///
    /// # Errors
    /// If a bar does not begin at a start of its interval, or is not valid: then none of them is written. If the disk
    /// fails.
    pub fn bars(&mut self, interval: Interval, bars: &[Bar]) -> Result<Written, Failure> {
        self.database.transact(|database| {
            database.refresh()?;
            let mut written = Written::default();
            for bar in bars {
                let symbol = database.symbol(bar.symbol)?;
                check(interval, &symbol, bar)?;
                let row = Row::given(bar, Made::Imported);
                let there = roll::stored(&database.connection, symbol.id, interval, bar.start)?;
                match there {
                    Some(there) if there == row => {
                        written.same += 1;
                        continue;
                    }
                    Some(there)
                        if interval <= Interval::Minute
                            && matches!(there.made, Made::Rolled | Made::Sealed) =>
                    {
                        written.same += 1;
                        continue;
                    }
                    Some(_) => written.changed += 1,
                    None => written.new += 1,
                }
                roll::store(&database.connection, symbol.id, interval, &row)?;
                roll::mark_above(&database.connection, &symbol, interval, bar.start)?;
            }
            Ok(written)
        })
    }

    /// Writes trades, best in the order of their times. A trade with a source's number that is already stored is stored
    /// once. Of identical trades without a number, as many are stored as the import has together, however often it is
    /// repeated.
    ///
    /// # Errors
    /// If the disk fails: then none of them is written.
    pub fn trades(&mut self, prints: &[Print]) -> Result<Written, Failure> {
        let mut repeated = self.repeated.clone();
        let last = prints.last().map(|print| (print.symbol, print.time));
        let written = self.database.transact(|database| {
            database.refresh()?;
            let mut written = Written::default();
            let mut seconds = BTreeSet::new();
            for print in prints {
                let symbol = database.symbol(print.symbol)?;
                let feed = database.feed(print.feed.as_ref())?;
                if is_there(database, &symbol, feed, print, &mut repeated)? {
                    written.same += 1;
                    continue;
                }
                database.insert(&symbol, feed, print.time, &print.trade)?;
                seconds.insert((symbol.id, print.time - print.time % 1000));
                written.new += 1;
            }
            for (symbol, second) in seconds {
                roll::mark(&database.connection, symbol, Interval::Second, second)?;
            }
            database.store_sequence()?;
            Ok(written)
        })?;
        if let Some((_, at)) = last {
            repeated.retain(|(_, time, ..), _| *time == at);
        }
        self.repeated = repeated;
        Ok(written)
    }

    /// Stores a split. The last one of a day counts.
    ///
    /// # Errors
    /// If the ratio is not more than zero, or the disk fails.
    pub fn split(&mut self, split: &Split) -> Result<(), Failure> {
        if split.ratio <= Decimal::ZERO {
            return Err(Failure::refused(format!(
                "the split of {} has the ratio {}: expected more than 0",
                split.symbol, split.ratio
            )));
        }
        self.database.transact(|database| {
            database.refresh()?;
            let symbol = database.symbol(split.symbol)?.id;
            database
                .connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO splits VALUES (?1, ?2, ?3, crc_of(?1, ?2, ?3))",
                )?
                .execute(params![symbol, time(split.time), Exact(split.ratio)])?;
            Ok(())
        })
    }

    /// Stores a dividend. The last one of a day counts.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn dividend(&mut self, dividend: &Dividend) -> Result<(), Failure> {
        self.database.transact(|database| {
            database.refresh()?;
            let symbol = database.symbol(dividend.symbol)?.id;
            database
                .connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO dividends VALUES (?1, ?2, ?3, crc_of(?1, ?2, ?3))",
                )?
                .execute(params![
                    symbol,
                    time(dividend.time),
                    Exact::from(dividend.amount)
                ])?;
            Ok(())
        })
    }

    /// Makes the bars of the imported data, some thousands at a time. Call it until it returns 0; a reader of bars
    /// before that computes them itself.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn roll(&mut self) -> Result<usize, Failure> {
        self.database.transact_lazily(|database| {
            database.refresh()?;
            roll::roll(&database.connection, Millis::MAX >> 1, MADE_AT_ONCE)
        })
    }
}

/// Whether a bar is valid for its interval.
fn check(interval: Interval, symbol: &SymbolRow, bar: &Bar) -> Result<(), Failure> {
    let start = zone::span(interval, &symbol.zone, bar.start).0;
    if start != bar.start {
        return Err(Failure::refused(format!(
            "a bar of {interval} of {} begins at {}: expected {start}, where one begins in {}",
            bar.symbol,
            bar.start,
            zone::name(&symbol.zone)
        )));
    }
    let inside = |price: Price| bar.low <= price && price <= bar.high;
    if !inside(bar.open) || !inside(bar.close) {
        return Err(Failure::refused(format!(
            "the bar of {} at {} goes from {} to {} between {} and {}: expected open and close between low and high",
            bar.symbol, bar.start, bar.open, bar.close, bar.low, bar.high
        )));
    }
    if bar.volume < Size::ZERO {
        return Err(Failure::refused(format!(
            "the bar of {} at {} has the volume {}: expected 0 or more",
            bar.symbol, bar.start, bar.volume
        )));
    }
    Ok(())
}

/// Whether a trade is stored.
fn is_there(
    database: &Database,
    symbol: &SymbolRow,
    feed: Option<i64>,
    print: &Print,
    repeated: &mut HashMap<Repeated, u64>,
) -> Result<bool, Failure> {
    if print.trade.id.is_some() {
        return database.is_known(symbol, feed, print.time, &print.trade);
    }
    let trade = &print.trade;
    let marks = Marks::from(trade.moves).0;
    let key = (symbol.id, print.time, trade.price, trade.size, marks);
    let count = repeated.entry(key).or_insert(0);
    *count += 1;
    let stored: i64 = database
        .connection
        .prepare_cached(
            "SELECT count(*) FROM trades
             WHERE symbol = ?1 AND time = ?2 AND price = ?3 AND size IS ?4 AND marks = ?5 AND source IS NULL",
        )?
        .query_row(
            params![
                symbol.id,
                time(print.time),
                Exact::from(trade.price),
                trade.size.map(Exact::from),
                marks,
            ],
            |row| row.get(0),
        )?;
    Ok(stored as u64 >= *count)
}
