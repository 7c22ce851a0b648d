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

/// Writes history from elsewhere into an archive, also while a server writes it: each batch is one
/// transaction. The same batch twice is the same as once.
#[derive(Debug)]
pub struct Importer {
    database: Database,
    /// How often each trade without a number has come at the time that came last, of which a next
    /// batch may bring more.
    repeated: HashMap<Repeated, u64>,
    /// A server removes nothing while this lives.
    _lock: ImportLock,
}

/// What distinguishes trades that have no number.
type Repeated = (i64, Millis, Price, Option<Size>, i64);

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Was not there.
    pub new: u64,
    /// Was there and was something else.
    pub changed: u64,
    /// Was there already; or its minute is made of trades, which are better known.
    pub same: u64,
}

/// A number of shares became another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Of what.
    pub symbol: Symbol,
    /// The first millisecond of the first day that is traded at the new number.
    pub time: Millis,
    /// How many there are for each one before: 4 for four to one, 0.1 for one to ten.
    pub ratio: Decimal,
}

/// Money was paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dividend {
    /// On what.
    pub symbol: Symbol,
    /// The first millisecond of the first day that is traded without it.
    pub time: Millis,
    /// How much for each share.
    pub amount: Price,
}

/// From how many pages of the log on a commit moves them into the file.
const CHECKPOINT_PAGES: i64 = 4_000;

/// How many bars of an interval are made in one transaction.
const MADE_AT_ONCE: usize = 5_000;

impl Importer {
    /// Opens an archive, and makes it where there is none.
    ///
    /// # Errors
    /// When it cannot be opened or written. A corrupt file stays as it is.
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
        // There may be no server whose writer sees to it.
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
    /// When it cannot be written.
    pub fn zone(&mut self, symbol: Symbol, zone: &TimeZone) -> Result<(), Failure> {
        self.database.transact(|database| {
            database.refresh()?;
            database.set_zone(symbol, zone)?;
            Ok(())
        })
    }

    /// Writes bars of an interval. An imported bar stands for its span, whatever is below it; but for
    /// a bar of a second or a minute whose trades are known or were, which stays.
    ///
    /// # Errors
    /// When a bar does not begin where one of its interval does, or is not a bar: then none of them
    /// is written. When the disk fails.
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

    /// Writes trades, best in the order of their times. One with a source's number that is known
    /// comes once. Of those without a number that are the same in everything, as many are stored as
    /// stand together in what is imported, however often that is.
    ///
    /// # Errors
    /// When the disk fails: then none of them is written.
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

    /// Stores that shares were split. The last one of a day stands.
    ///
    /// # Errors
    /// When the ratio is not more than zero, or the disk fails.
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

    /// Stores that a dividend was paid. The last one of a day stands.
    ///
    /// # Errors
    /// When the disk fails.
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

    /// Makes the bars of what has been imported, some thousands at a time. Call it until it returns
    /// 0; whoever reads bars before makes them for himself.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn roll(&mut self) -> Result<usize, Failure> {
        self.database.transact_lazily(|database| {
            database.refresh()?;
            roll::roll(&database.connection, Millis::MAX >> 1, MADE_AT_ONCE)
        })
    }
}

/// Whether a bar is one of its interval.
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
