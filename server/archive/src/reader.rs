use std::{
    collections::BTreeSet,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use market::{Bar, Interval, Millis, News, Quote, Symbol};
use rusqlite::params;
use tape::EventId;

use crate::{
    Failure, OpenError, Overlay, Pages, Print, Rolled,
    coding::{Ids, Marks, time},
    database::{Database, check},
    lock::Lock,
    meta,
    names::{feeds, symbols, symbols_with_bars},
    overlay::Newest,
    pool::{BUSY, Pool, connect},
    read, roll, schema,
    search::{self, FoundNews, NewsQuery},
    store::{Damage, Store},
    symbol_row::{SymbolRow, find_symbol},
    table::Table,
    zone,
};

/// Queries of the history on disk. All of them block. A clone shares the connections.
#[derive(Clone)]
pub struct Reader {
    pool: Arc<Pool>,
    ids: Ids,
}

/// How many rows an iterator reads at a time.
const PAGE: usize = 4096;

impl Reader {
    pub(crate) fn new(file: PathBuf, ids: Ids, damage: Arc<Damage>) -> Self {
        Reader {
            pool: Arc::new(Pool::new(file, damage)),
            ids,
        }
    }

    /// Opens an archive for reading, even while a server writes it.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn open(folder: &Path, name: &str) -> Result<Reader, OpenError> {
        let file = folder.join(name);
        if !file.exists() {
            return Err(OpenError::Missing(file));
        }
        let failed = |failure| OpenError::Database(file.clone(), failure);
        let damage: Arc<Damage> = Arc::default();
        let connection = connect(&file, &damage).map_err(failed)?;
        match check(&connection, &file)? {
            0 => return Err(OpenError::Missing(file)),
            schema::VERSION => {}
            // A server of the version that wrote it would no longer find its own schema.
            _ => {
                let _lock = Lock::take(&file)?;
                Database::open(&file, BUSY)?;
            }
        }
        let mark = meta::read(&connection).map_err(failed)?.mark;
        Ok(Reader::new(file, Ids { mark }, damage))
    }

    /// How many unreadable rows were found so far: damaged ones, and intact ones of a newer version. They are left out
    /// of every answer.
    pub fn unreadable(&self) -> (u64, u64) {
        self.pool.damage.counts()
    }

    pub(crate) fn damage(&self) -> &Arc<Damage> {
        &self.pool.damage
    }

    /// The path of the file.
    pub fn file(&self) -> &Path {
        &self.pool.file
    }

    /// The newest `limit` bars of a symbol that begin in a span of milliseconds, the oldest first. The open one is
    /// among them, as far as its trades are on disk.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn bars(
        &self,
        symbol: Symbol,
        interval: Interval,
        span: Range<Millis>,
        limit: usize,
    ) -> Result<Vec<Bar>, Failure> {
        let read = self.bars_with(symbol, interval, span, limit, &Overlay::default())?;
        Ok(read.iter().filter_map(|bar| bar.bar(symbol)).collect())
    }

    /// As [`Reader::bars`], with an overlay over the archive; and the bars without a price that come after the oldest
    /// one with a price, at most `limit` of them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn bars_with(
        &self,
        symbol: Symbol,
        interval: Interval,
        span: Range<Millis>,
        limit: usize,
        overlay: &Overlay,
    ) -> Result<Vec<Rolled>, Failure> {
        self.read(|connection| match find_symbol(connection, symbol)? {
            Some(known) => bars(connection, &known, interval, &span, limit, overlay),
            None => Ok(overlay.bars(interval, &span, limit)),
        })
    }

    /// The newest stories that match a query, each in its newest version, newest first, however many have to be
    /// examined.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn news(&self, query: &NewsQuery) -> Result<Vec<(EventId, News)>, Failure> {
        let mut query = query.clone();
        let mut stories = Vec::new();
        loop {
            let found = self.search(&query)?;
            query.limit -= found.stories.len();
            stories.extend(found.stories);
            match found.unread {
                Some(unread) if query.limit > 0 => query.before = Some(unread),
                _ => return Ok(stories),
            }
        }
    }

    /// The same, limited to an examination of some tens of milliseconds.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn search(&self, query: &NewsQuery) -> Result<FoundNews, Failure> {
        self.read(|connection| search::news(connection, self.ids, query))
    }

    /// The trades of a symbol in a span of milliseconds, in the order of their times; those of the same time in the
    /// order of arrival. Cancelled trades are left out.
    pub fn trades(&self, symbol: Symbol, span: Range<Millis>) -> Pages<Print> {
        let mut after = (time(span.start), -1);
        let end = time(span.end);
        self.pages(move |connection| {
            let Some(known) = find_symbol(connection, symbol)? else {
                return Ok(Vec::new());
            };
            let feeds = feeds(connection)?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {} FROM trades
                 WHERE symbol = ?1 AND (time, sequence) > (?2, ?3) AND time < ?4 AND marks < ?5
                 ORDER BY time, sequence",
                Table::Trades.shape().select
            ))?;
            let values = params![known.id, after.0, after.1, end, Marks::CANCELLED];
            let mut rows = connection.rows(Table::Trades, &mut statement, values, read::trade)?;
            let mut page = Vec::new();
            while page.len() < PAGE
                && let Some(traded) = rows.next()?
            {
                after = (time(traded.time), traded.sequence);
                page.push(Print {
                    symbol,
                    time: traded.time,
                    trade: traded.trade,
                    feed: traded.feed.and_then(|id| feeds.get(&id).cloned()),
                });
            }
            Ok(page)
        })
    }

    /// The quotes of a symbol in a span of milliseconds, in the order of their times, with their ids.
    pub fn quotes(&self, symbol: Symbol, span: Range<Millis>) -> Pages<(EventId, Quote)> {
        let mut after = (time(span.start), -1);
        let end = time(span.end);
        let ids = self.ids;
        self.pages(move |connection| {
            let Some(known) = find_symbol(connection, symbol)? else {
                return Ok(Vec::new());
            };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {} FROM quotes
                 WHERE symbol = ?1 AND (time, id) > (?2, ?3) AND time < ?4
                 ORDER BY time, id",
                Table::Quotes.shape().select
            ))?;
            let values = params![known.id, after.0, after.1, end];
            let mut rows = connection.rows(Table::Quotes, &mut statement, values, read::quote)?;
            let mut page = Vec::new();
            while page.len() < PAGE
                && let Some(quoted) = rows.next()?
            {
                let (at, id) = quoted.place();
                after = (time(at), id);
                page.push((ids.unpack(id), quoted.of(symbol)));
            }
            Ok(page)
        })
    }

    /// Every symbol with stored data, ordered by symbol.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn symbols(&self) -> Result<Vec<Symbol>, Failure> {
        self.read(|connection| {
            let mut symbols: Vec<_> = symbols(connection)?
                .into_iter()
                .map(|(_, name)| name)
                .collect();
            symbols.sort_unstable();
            Ok(symbols)
        })
    }

    /// The first `limit` symbols that have bars with a price, ordered by name. Each costs one look-up in the index of
    /// bars, whatever is stored for it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn symbols_with_bars(&self, limit: usize) -> Result<Vec<Symbol>, Failure> {
        self.read(|connection| symbols_with_bars(connection, limit))
    }

    fn pages<T>(
        &self,
        next: impl FnMut(&Store) -> Result<Vec<T>, Failure> + Send + 'static,
    ) -> Pages<T> {
        Pages::new(Arc::clone(&self.pool), next)
    }

    /// Opens new connections from now on, because the file is a new one.
    pub(crate) fn reopen(&self) {
        self.pool.reopen();
    }

    /// Reads on a connection, in one transaction.
    pub(crate) fn read<R>(
        &self,
        query: impl FnOnce(&Store) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.pool.read(query)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("file", &self.pool.file)
            .finish()
    }
}

fn bars(
    connection: &Store,
    known: &SymbolRow,
    interval: Interval,
    span: &Range<Millis>,
    limit: usize,
    overlay: &Overlay,
) -> Result<Vec<Rolled>, Failure> {
    // The data below a bar may begin after the span's end, and the bar before it.
    let until = match span.end.checked_sub(1) {
        Some(last) => zone::span(interval, &known.zone, last).1,
        None => return Ok(Vec::new()),
    };
    let mut stale = roll::stale(connection, known, interval, (span.start, until))?;
    stale.extend(overlay.touched(interval, &known.zone, (span.start, until)));
    stale.retain(|start| span.contains(start));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM bars
         WHERE level = ?1 AND symbol = ?2 AND start >= ?3 AND start < ?4 ORDER BY start DESC",
        Table::Bars.shape().select
    ))?;
    let values = params![
        zone::level(interval),
        known.id,
        time(span.start),
        time(span.end)
    ];
    let mut rows = connection.rows(Table::Bars, &mut statement, values, roll::Row::read)?;
    // The next readable row. An unreadable one is made again from the data below it.
    let mut next = |stale: &mut BTreeSet<Millis>| -> Result<Option<roll::Row>, Failure> {
        while let Some(row) = rows.next_or_cells()? {
            match row {
                Ok(row) => return Ok(Some(row)),
                Err(cells) => stale.extend(roll::remade(&cells).filter(|at| span.contains(at))),
            }
        }
        Ok(None)
    };
    let mut newest = Newest::new(limit);
    let mut stored = next(&mut stale)?;
    while !newest.is_full() {
        let at = stored.as_ref().map(|row| row.start);
        let row = match stale.last().copied() {
            Some(start) if at.is_none_or(|at| start >= at) => {
                stale.remove(&start);
                if at == Some(start) {
                    stored = next(&mut stale)?;
                }
                roll::make(connection, known, interval, start, overlay)?
            }
            _ => match stored.take() {
                Some(row) => {
                    stored = next(&mut stale)?;
                    let end = zone::span(interval, &known.zone, row.start).1;
                    if overlay.hides_before(interval, end) {
                        roll::make(connection, known, interval, row.start, overlay)?
                    } else {
                        Some(row)
                    }
                }
                None => break,
            },
        };
        if let Some(row) = row {
            newest.add(row.rolled(interval, &known.zone));
        }
    }
    Ok(newest.oldest_first())
}
