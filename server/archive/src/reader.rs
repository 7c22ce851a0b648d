use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use market::{Bar, Event, Interval, Millis, News, NewsType, Quote, Size, Symbol, Trade};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row as SqlRow, ToSql, params};
use tape::EventId;

use crate::{
    Failure, FailureKind, OpenError, Print, Refill,
    coding::{Exact, Ids, Marks, time},
    database::{check, find_symbol},
    roll,
    write::type_name,
    zone,
};

/// Answers questions about what is on disk, by a few connections that only read. All of it blocks
/// until the disk has answered. A handle, of which there may be many.
#[derive(Clone)]
pub struct Reader(Arc<Pool>);

struct Pool {
    file: PathBuf,
    ids: Ids,
    state: Mutex<Connections>,
    returned: Condvar,
}

#[derive(Default)]
struct Connections {
    idle: Vec<Connection>,
    open: usize,
    /// Counts up when the file is another one: connections to the one before are of no use.
    generation: u64,
}

/// How many questions are answered at a time; the others wait.
const CONNECTIONS: usize = 4;

/// How many rows an iterator reads at a time.
const PAGE: usize = 4096;

impl Reader {
    pub(crate) fn new(file: PathBuf, ids: Ids) -> Self {
        Reader(Arc::new(Pool {
            file,
            ids,
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
        let connection = connect(&file).map_err(failed)?;
        if check(&connection, &file)? == 0 {
            return Err(OpenError::Missing(file));
        }
        let mark = connection
            .query_row("SELECT mark FROM meta", [], |row| row.get(0))
            .map_err(|error| failed(error.into()))?;
        Ok(Reader::new(file, Ids { mark }))
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
        self.read(|connection| bars(connection, symbol, interval, &span, limit))
    }

    /// Stories, the newest first, each in its newest version.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn news(&self, query: &NewsQuery) -> Result<Vec<(EventId, News)>, Failure> {
        self.read(|connection| news(connection, self.0.ids, query))
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
            let mut statement = connection.prepare_cached(
                "SELECT time, sequence, price, size, source, marks, feed FROM trades
                 WHERE symbol = ?1 AND (time, sequence) > (?2, ?3) AND time < ?4 AND marks < ?5
                 ORDER BY time, sequence LIMIT ?6",
            )?;
            let rows = statement.query_map(
                params![
                    known.id,
                    after.0,
                    after.1,
                    end,
                    Marks::CANCELLED,
                    PAGE as i64
                ],
                |row| {
                    let print = Print {
                        symbol,
                        time: row.get::<_, i64>(0)? as Millis,
                        trade: Trade {
                            price: row.get::<_, Exact>(2)?.into(),
                            size: row.get::<_, Option<Exact>>(3)?.map(Size::from),
                            id: row.get::<_, Option<i64>>(4)?.map(|id| id as u64),
                            moves: Marks(row.get(5)?).moves(),
                        },
                        feed: row
                            .get::<_, Option<i64>>(6)?
                            .and_then(|id| feeds.get(&id).cloned()),
                    };
                    Ok(((row.get(0)?, row.get(1)?), print))
                },
            )?;
            let mut page = Vec::new();
            for row in rows {
                let (place, print) = row?;
                after = place;
                page.push(print);
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
                "SELECT {QUOTE_COLUMNS} FROM quotes
                 WHERE symbol = ?1 AND (time, id) > (?2, ?3) AND time < ?4
                 ORDER BY time, id LIMIT ?5"
            ))?;
            let rows = statement.query_map(
                params![known.id, after.0, after.1, end, PAGE as i64],
                |row| Ok(((row.get(0)?, row.get(1)?), quote(row, symbol)?)),
            )?;
            let mut page = Vec::new();
            for row in rows {
                let (place, quote): ((i64, i64), Quote) = row?;
                after = place;
                page.push((ids.unpack(place.1), quote));
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
            let mut statement =
                connection.prepare_cached("SELECT name FROM symbols ORDER BY name")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut symbols = Vec::new();
            for name in names {
                symbols.push(parse_symbol(&name?)?);
            }
            Ok(symbols)
        })
    }

    fn pages<T>(
        &self,
        next: impl FnMut(&Connection) -> Result<Vec<T>, Failure> + Send + 'static,
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
        ask: impl FnOnce(&Connection) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let lent = self.lend()?;
        let Some(connection) = &lent.connection else {
            return Err(Failure::closed());
        };
        // Everything in it sees the same state; nothing is written, so it need not be committed.
        let transaction = connection.unchecked_transaction()?;
        let answer = ask(&transaction);
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
            None => Some(connect(&self.0.file)?),
        };
        Ok(lent)
    }
}

/// A connection that comes back.
struct Lent<'a> {
    reader: &'a Reader,
    generation: u64,
    connection: Option<Connection>,
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
fn feeds(connection: &Connection) -> Result<HashMap<i64, Arc<str>>, Failure> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM feeds")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn connect(file: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// What is read page by page, so that neither memory nor the write-ahead log grows with it. What is
/// written meanwhile may be among it. After a failure it ends.
pub struct Pages<T> {
    reader: Reader,
    next: NextPage<T>,
    page: std::vec::IntoIter<T>,
    ended: bool,
}

type NextPage<T> = Box<dyn FnMut(&Connection) -> Result<Vec<T>, Failure> + Send>;

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

/// Which stories are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewsQuery {
    /// Only those that speak of one of these; of anything where it is empty.
    pub symbols: Vec<Symbol>,
    /// Only these types; all where it is empty.
    pub types: Vec<NewsType>,
    /// Only those whose newest version is before this: where the page before ended.
    pub before: Option<EventId>,
    /// Only those whose newest version is after this.
    pub after: Option<EventId>,
    /// Only those in which each of these words stands, in the headline or the summary. The last
    /// may be the beginning of one.
    pub words: Option<String>,
    /// How many at the most.
    pub limit: usize,
}

fn bars(
    connection: &Connection,
    symbol: Symbol,
    interval: Interval,
    span: &Range<Millis>,
    limit: usize,
) -> Result<Vec<Bar>, Failure> {
    let Some(known) = find_symbol(connection, symbol)? else {
        return Ok(Vec::new());
    };
    // What is below a bar may begin after the span's end, and the bar before it.
    let until = match span.end.checked_sub(1) {
        Some(last) => zone::span(interval, &known.zone, last).1,
        None => return Ok(Vec::new()),
    };
    let mut stale = roll::stale(connection, &known, interval, (span.start, until))?;
    stale.retain(|start| span.contains(start));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM bars
         WHERE level = ?1 AND symbol = ?2 AND start >= ?3 AND start < ?4 ORDER BY start DESC",
        roll::COLUMNS
    ))?;
    let mut rows = statement
        .query_map(
            params![
                zone::level(interval),
                known.id,
                time(span.start),
                time(span.end)
            ],
            roll::Row::read,
        )?
        .peekable();
    let mut newest = Vec::new();
    while newest.len() < limit {
        let next = rows
            .peek()
            .and_then(|row| row.as_ref().ok())
            .map(|row| row.start);
        let row = if stale.last().copied() > next || stale.last().copied() == next && next.is_some()
        {
            let Some(start) = stale.pop_last() else {
                break;
            };
            if Some(start) == next {
                rows.next();
            }
            roll::make(connection, &known, interval, start)?
        } else {
            match rows.next() {
                Some(row) => Some(row?),
                None => break,
            }
        };
        newest.extend(row.and_then(|row| row.bar(symbol)));
    }
    newest.reverse();
    Ok(newest)
}

fn news(
    connection: &Connection,
    ids: Ids,
    query: &NewsQuery,
) -> Result<Vec<(EventId, News)>, Failure> {
    let before = query.before.map_or(i64::MAX, |id| ids.at_least(id));
    let after = query.after.map_or(-1, |id| {
        let at = ids.at_least(id);
        if ids.pack(id) == Some(at) { at } else { at - 1 }
    });
    let types: Vec<String> = query.types.iter().copied().map(type_name).collect();
    let types = serde_json::to_string(&types).unwrap_or_default();
    let words = query
        .words
        .as_deref()
        .map(words)
        .filter(|words| !words.is_empty());
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    // Each symbol has its stories in the order of their ids, so that the newest are found without
    // looking at the others.
    let (symbols, rows, id) = match query.symbols.as_slice() {
        [] => (vec![None], "news", "news.id"),
        symbols => {
            let mut known = Vec::new();
            for symbol in symbols {
                known.extend(find_symbol(connection, *symbol)?.map(|known| Some(known.id)));
            }
            let rows = "news_symbols JOIN news ON news.id = news_symbols.id";
            (known, rows, "news_symbols.id")
        }
    };
    let mut sql = format!(
        "SELECT news.id, data FROM {rows} JOIN events ON events.id = news.id
         WHERE newest AND {id} < :before AND {id} > :after"
    );
    let mut values: Vec<(&str, &dyn ToSql)> =
        vec![(":before", &before), (":after", &after), (":limit", &limit)];
    if !query.types.is_empty() {
        sql += " AND type IN (SELECT value FROM json_each(:types))";
        values.push((":types", &types));
    }
    if words.is_some() {
        sql += " AND news.id IN (SELECT rowid FROM news_words WHERE news_words MATCH :words)";
        values.push((":words", &words));
    }
    if !query.symbols.is_empty() {
        sql += " AND symbol = :symbol";
    }
    sql += &format!(" ORDER BY {id} DESC LIMIT :limit");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = BTreeMap::new();
    for symbol in &symbols {
        let mut values = values.clone();
        if symbol.is_some() {
            values.push((":symbol", symbol));
        }
        let rows = statement.query_map(&*values, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        for row in rows {
            let (id, data) = row?;
            found.insert(id, data);
        }
    }
    let mut stories = Vec::new();
    for (id, data) in found.into_iter().rev().take(query.limit) {
        if let Event::News(news) = decode("news", &data)? {
            stories.push((ids.unpack(id), news));
        }
    }
    Ok(stories)
}

/// What a person typed, as a question to the full-text index: each word quoted, so that none is
/// taken for an operator (<https://www.sqlite.org/fts5.html#full_text_query_syntax>).
fn words(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => words.join(" ") + "*",
    }
}

/// The columns that [`quote`] reads.
const QUOTE_COLUMNS: &str =
    "time, id, price, size, bid, bid_size, ask, ask_size, volume, high, low";

fn quote(row: &SqlRow<'_>, symbol: Symbol) -> rusqlite::Result<Quote> {
    fn exact<T: From<Exact>>(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<T>> {
        Ok(row.get::<_, Option<Exact>>(column)?.map(T::from))
    }
    Ok(Quote {
        symbol,
        time: row.get::<_, i64>(0)? as Millis,
        price: exact(row, 2)?,
        size: exact(row, 3)?,
        bid: exact(row, 4)?,
        bid_size: exact(row, 5)?,
        ask: exact(row, 6)?,
        ask_size: exact(row, 7)?,
        volume: exact(row, 8)?,
        high: exact(row, 9)?,
        low: exact(row, 10)?,
    })
}

fn parse_symbol(name: &str) -> Result<Symbol, Failure> {
    name.parse()
        .map_err(|error| Failure::new(FailureKind::Corrupt, format!("the archive: {error}")))
}

fn decode(name: &str, data: &str) -> Result<Event, Failure> {
    Event::decode(name, data)
        .map_err(|error| Failure::new(FailureKind::Corrupt, format!("the archive: {error}")))
}

/// What a tape that begins now is filled with: see [`crate::Opened::refill`].
pub(crate) fn refill(
    connection: &Connection,
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
    let mut statement = connection
        .prepare("SELECT id, name, data FROM events WHERE id >= ?1 ORDER BY id DESC LIMIT ?2")?;
    let limit = i64::try_from(refill.entries).unwrap_or(i64::MAX);
    let mut rows = statement.query([oldest, limit])?;
    while let Some(row) = rows.next()? {
        let data: String = row.get(2)?;
        bytes += data.len();
        if bytes > refill.bytes {
            break;
        }
        let name: String = row.get(1)?;
        events.push((row.get::<_, i64>(0)?, decode(&name, &data)?));
    }
    drop(rows);
    let mut symbols = connection.prepare("SELECT id, name FROM symbols")?;
    let mut session = connection
        .prepare("SELECT id, data FROM sessions WHERE symbol = ?1 ORDER BY id DESC LIMIT 1")?;
    let mut newest = connection.prepare(&format!(
        "SELECT {QUOTE_COLUMNS} FROM quotes WHERE symbol = ?1 ORDER BY time DESC, id DESC LIMIT 1"
    ))?;
    let mut rows = symbols.query([])?;
    while let Some(row) = rows.next()? {
        let symbol: i64 = row.get(0)?;
        let name = parse_symbol(&row.get::<_, String>(1)?)?;
        let told: Option<(i64, String)> = session
            .query_row([symbol], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((id, data)) = told {
            events.push((id, decode("session", &data)?));
        }
        let quoted = newest
            .query_row([symbol], |row| Ok((row.get(1)?, quote(row, name)?)))
            .optional()?;
        events.extend(quoted.map(|(id, quote)| (id, Event::Quote(quote))));
    }
    events.sort_by_key(|(id, _)| *id);
    Ok(events
        .into_iter()
        .map(|(id, event)| (ids.unpack(id), event))
        .collect())
}
