use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Bar, Event, Interval, Millis, News, Quote, Symbol};
use rusqlite::{Connection, OpenFlags, params};
use tape::EventId;

use crate::{
    Failure, OpenError, Overlay, Print, Refill, Rolled,
    coding::{Ids, Marks, time},
    database::{Database, check},
    known::{Known, find_symbol},
    lock::Lock,
    meta,
    overlay::Newest,
    read, roll, schema,
    search::{self, FoundNews, NewsQuery},
    store::{Damage, Store},
    table::Table,
    zone,
};

/// Answers questions about what is on disk, by a few connections that only read. All of it blocks
/// until the disk has answered. A handle, of which there may be many.
#[derive(Clone)]
pub struct Reader(Arc<Pool>);

struct Pool {
    file: PathBuf,
    ids: Ids,
    damage: Arc<Damage>,
    state: Mutex<Connections>,
    returned: Condvar,
}

#[derive(Default)]
struct Connections {
    idle: Vec<Store>,
    open: usize,
    /// Counts up when the file is another one: connections to the one before are of no use.
    generation: u64,
}

/// How many questions are answered at a time; the others wait.
const CONNECTIONS: usize = 4;

/// How many rows an iterator reads at a time.
const PAGE: usize = 4096;

impl Reader {
    pub(crate) fn new(file: PathBuf, ids: Ids, damage: Arc<Damage>) -> Self {
        Reader(Arc::new(Pool {
            file,
            ids,
            damage,
            state: Mutex::default(),
            returned: Condvar::new(),
        }))
    }

    /// Opens an archive for reading, also while a server writes it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
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
            // A server of the version that wrote it would not find its own schema any more.
            _ => {
                let _lock = Lock::take(&file)?;
                Database::open(&file, BUSY)?;
            }
        }
        let mark = meta::read(&connection).map_err(failed)?.mark;
        Ok(Reader::new(file, Ids { mark }, damage))
    }

    /// How many rows were found so far that cannot be read: damaged ones, and intact ones of a newer
    /// version. They are left out of every answer.
    pub fn unreadable(&self) -> (u64, u64) {
        self.0.damage.counts()
    }

    pub(crate) fn damage(&self) -> &Arc<Damage> {
        &self.0.damage
    }

    /// The file that is read.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// The newest `limit` bars of a symbol that begin in a span of milliseconds, the oldest first.
    /// The one that is still running is among them, as far as its trades are on disk.
    ///
    /// # Errors
    /// When the file cannot be read.
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

    /// As [`Reader::bars`], with what counts instead of the archive; and the bars without a price that come after
    /// the oldest one with a price, no more than `limit` of them.
    ///
    /// # Errors
    /// When the file cannot be read.
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

    /// The newest stories that a query asks for, each by its newest version, newest first, however many have to be looked at.
    ///
    /// # Errors
    /// When the file cannot be read.
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

    /// The same, but no more are looked at than take some tens of milliseconds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn search(&self, query: &NewsQuery) -> Result<FoundNews, Failure> {
        self.read(|connection| search::news(connection, self.0.ids, query))
    }

    /// The trades of a symbol in a span of milliseconds, in the order of their times; those of the
    /// same time in the order in which they came. What was cancelled is left out.
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
        let ids = self.0.ids;
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

    /// Every symbol of which something is stored, in the order of the symbols.
    ///
    /// # Errors
    /// When the file cannot be read.
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

    /// The first `limit` symbols that have bars with a price, in the order of their names. Each takes a look into the
    /// index of bars, so that it costs as much as symbols are looked at, whatever is stored of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn symbols_with_bars(&self, limit: usize) -> Result<Vec<Symbol>, Failure> {
        self.read(|connection| symbols_with_bars(connection, limit))
    }

    fn pages<T>(
        &self,
        next: impl FnMut(&Store) -> Result<Vec<T>, Failure> + Send + 'static,
    ) -> Pages<T> {
        Pages {
            reader: self.clone(),
            next: Box::new(next),
            page: Vec::new().into_iter(),
            ended: false,
        }
    }

    /// Connections are made anew from now on, because the file is.
    pub(crate) fn reopen(&self) {
        let mut state = self.lock();
        state.generation += 1;
        state.open -= state.idle.len();
        state.idle.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something on a connection, as of one moment.
    pub(crate) fn read<R>(
        &self,
        ask: impl FnOnce(&Store) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let lent = self.lend()?;
        let Some(connection) = &lent.connection else {
            return Err(Failure::closed());
        };
        // Everything in it sees the same state; nothing is written, so it need not be committed.
        let transaction = connection.unchecked_transaction()?;
        let answer = ask(connection);
        drop(transaction);
        answer
    }

    fn lend(&self) -> Result<Lent<'_>, Failure> {
        let mut state = self.lock();
        while state.idle.is_empty() && state.open >= CONNECTIONS {
            state = self
                .0
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let idle = state.idle.pop();
        let generation = state.generation;
        if idle.is_none() {
            state.open += 1;
        }
        drop(state);
        // From here on the place is given back, also where connecting fails.
        let mut lent = Lent {
            reader: self,
            generation,
            connection: None,
        };
        lent.connection = match idle {
            Some(connection) => Some(connection),
            None => Some(connect(&self.0.file, &self.0.damage)?),
        };
        Ok(lent)
    }
}

/// A connection that comes back.
struct Lent<'a> {
    reader: &'a Reader,
    generation: u64,
    connection: Option<Store>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.reader.lock();
        match self.connection.take() {
            Some(connection) if state.generation == self.generation => state.idle.push(connection),
            _ => state.open -= 1,
        }
        drop(state);
        self.reader.0.returned.notify_one();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("file", &self.0.file)
            .finish()
    }
}

/// The names of the feeds that tell trades.
fn feeds(connection: &Store) -> Result<HashMap<i64, Arc<str>>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM feeds",
        Table::Feeds.shape().select
    ))?;
    let mut rows = connection.rows(Table::Feeds, &mut statement, [], read::feed)?;
    let mut feeds = HashMap::new();
    while let Some((id, name)) = rows.next()? {
        feeds.insert(id, name.into());
    }
    Ok(feeds)
}

/// Reads all names, so that those are known that cannot be read.
pub(crate) fn names(connection: &Store) -> Result<(), Failure> {
    symbols(connection)?;
    feeds(connection)?;
    Ok(())
}

/// The symbols by their numbers.
fn symbols(connection: &Store) -> Result<Vec<(i64, Symbol)>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM symbols",
        Table::Symbols.shape().select
    ))?;
    let mut rows = connection.rows(Table::Symbols, &mut statement, [], read::symbol)?;
    let mut symbols = Vec::new();
    while let Some(symbol) = rows.next()? {
        symbols.push(symbol);
    }
    Ok(symbols)
}

fn symbols_with_bars(connection: &Store, limit: usize) -> Result<Vec<Symbol>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM symbols ORDER BY name",
        Table::Symbols.shape().select
    ))?;
    let mut has_bars = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM bars WHERE level = ?1 AND symbol = ?2 AND open IS NOT NULL)",
    )?;
    let mut rows = connection.rows(Table::Symbols, &mut statement, [], read::symbol)?;
    let mut symbols = Vec::new();
    while symbols.len() < limit
        && let Some((id, symbol)) = rows.next()?
    {
        // Most have a bar of a day. One that was imported a moment ago may not have it yet.
        for interval in Interval::ALL.into_iter().rev() {
            if has_bars.query_row([zone::level(interval), id], |row| row.get(0))? {
                symbols.push(symbol);
                break;
            }
        }
    }
    Ok(symbols)
}

/// How long a reading connection waits for another one.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) fn connect(file: &Path, damage: &Arc<Damage>) -> Result<Store, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(Store::new(connection, Arc::clone(damage))?)
}

/// What is read page by page, so that neither memory nor the write-ahead log grows with it. What is
/// written meanwhile may be among it. After a failure it ends.
pub struct Pages<T> {
    reader: Reader,
    next: NextPage<T>,
    page: std::vec::IntoIter<T>,
    ended: bool,
}

type NextPage<T> = Box<dyn FnMut(&Store) -> Result<Vec<T>, Failure> + Send>;

impl<T> Iterator for Pages<T> {
    type Item = Result<T, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(item) = self.page.next() {
            return Some(Ok(item));
        }
        if self.ended {
            return None;
        }
        let Pages { reader, next, .. } = self;
        match reader.read(next) {
            Ok(page) => {
                self.ended = page.is_empty();
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(failure) => {
                self.ended = true;
                Some(Err(failure))
            }
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

fn bars(
    connection: &Store,
    known: &Known,
    interval: Interval,
    span: &Range<Millis>,
    limit: usize,
    overlay: &Overlay,
) -> Result<Vec<Rolled>, Failure> {
    // What is below a bar may begin after the span's end, and the bar before it.
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
    // The next row that can be read. One that cannot is made again of what is below it.
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

/// What a tape that begins now is filled with: see [`crate::Opened::refill`].
pub(crate) fn refill(
    connection: &Store,
    ids: Ids,
    refill: &Refill,
    now: Millis,
) -> Result<Vec<(EventId, Event)>, Failure> {
    let mut events = Vec::new();
    let oldest = ids.at_least(EventId {
        ms: now.saturating_sub(refill.age_ms),
        n: 0,
    });
    let mut bytes = 0;
    let mut statement = connection.prepare(&format!(
        "SELECT {} FROM events WHERE id >= ?1 ORDER BY id DESC",
        Table::Events.shape().select
    ))?;
    let mut rows = connection.rows(Table::Events, &mut statement, [oldest], read::event)?;
    while events.len() < refill.entries
        && let Some(kept) = rows.next()?
    {
        bytes += kept.bytes;
        if bytes > refill.bytes {
            break;
        }
        events.push((kept.id, kept.event));
    }
    drop(rows);
    let mut session = connection.prepare(&format!(
        "SELECT {} FROM sessions WHERE symbol = ?1 ORDER BY id DESC",
        Table::Sessions.shape().select
    ))?;
    let mut newest = connection.prepare(&format!(
        "SELECT {} FROM quotes WHERE symbol = ?1 AND time <= ?2 ORDER BY time DESC, id DESC",
        Table::Quotes.shape().select
    ))?;
    // What moves the last price and was not cancelled.
    let mut traded = connection.prepare(&format!(
        "SELECT {} FROM trades WHERE symbol = ?1 AND time <= ?2 AND marks & 9 = 1 ORDER BY time DESC",
        Table::Trades.shape().select
    ))?;
    // What was quoted while the clock was ahead is the newest only where there is nothing else.
    let latest = time(now.saturating_add(clock::MAX_AHEAD));
    for (symbol, name) in symbols(connection)? {
        events.extend(connection.first(Table::Sessions, &mut session, [symbol], read::session)?);
        let mut newest_until =
            |until: i64| connection.first(Table::Quotes, &mut newest, [symbol, until], read::quote);
        let quoted = match newest_until(latest)? {
            None => newest_until(i64::MAX)?,
            sane => sane,
        };
        if let Some(quoted) = quoted {
            let (id, mut quote) = (quoted.id, quoted.of(name));
            let until = time(quote.time);
            let last =
                connection.first(Table::Trades, &mut traded, [symbol, until], read::trade)?;
            quote.traded = last.map(|last| last.time);
            events.push((id, Event::Quote(quote)));
        }
    }
    events.sort_by_key(|(id, _)| *id);
    Ok(events
        .into_iter()
        .map(|(id, event)| (ids.unpack(id), event))
        .collect())
}
