//! Searching for stories, within a bounded number of rows.

use std::{
    collections::{BinaryHeap, HashSet},
    ops::ControlFlow,
};

use market::{Event, News, NewsType, Symbol};
use rusqlite::{Row, Statement, params};
use tape::EventId;

use crate::{
    Failure, coding::Ids, read, store::Store, symbol_row::find_symbol, table::Table,
    write::type_name,
};

/// A query for stories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewsQuery {
    /// Only stories about one of these symbols; about any if it is empty.
    pub symbols: Vec<Symbol>,
    /// Only these types; all if it is empty.
    pub types: Vec<NewsType>,
    /// Only stories whose newest version is before this: where the previous page ended.
    pub before: Option<EventId>,
    /// Only stories whose newest version is after this.
    pub after: Option<EventId>,
    /// Only stories with each of these words in the headline or the summary. The last one may be the beginning of a
    /// word.
    pub words: Option<String>,
    /// The largest number of results.
    pub limit: usize,
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundNews {
    /// The stories, newest first, each with the id of its newest version.
    pub stories: Vec<(EventId, News)>,
    /// Set if fewer stories than requested were found because the limit of the search was reached: before this id there
    /// may be more.
    pub unread: Option<EventId>,
}

/// How many stories are examined by their type: 40 ms of a core.
const MAX_SCANNED: usize = 100_000;

/// How many entries of the indexes of symbols are examined: 20 ms.
const MAX_OF_SYMBOLS: usize = 20_000;

/// How many stories with the words are looked up: 30 ms.
const MAX_WITH_WORDS: usize = 10_000;

/// For symbols with at most so many stories, all are collected first, so that stories with the words need no look-up
/// each.
const MAX_COLLECTED: usize = 2_000;

/// How many rows with the words are compared with the stories that were collected: 30 ms.
const MAX_COMPARED: usize = 60_000;

/// The most entries that are read of one symbol's index at a time.
const MAX_STEP: usize = 512;

/// The newest stories of a symbol between two ids, with their types.
const NEWEST_OF_SYMBOL: &str =
    "SELECT news.id, type FROM news_symbols JOIN news ON news.id = news_symbols.id
     WHERE symbol = ?1 AND news_symbols.id < ?2 AND news_symbols.id > ?3 AND newest
     ORDER BY news_symbols.id DESC LIMIT ?4";

/// The packed ids between which to search, both excluded.
#[derive(Debug, Clone, Copy)]
struct Span {
    after: i64,
    before: i64,
}

/// A story in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    id: i64,
    /// Whether its type matches.
    is_typed: bool,
}

/// The newest stories that match a query, newest first.
pub(crate) fn news(connection: &Store, ids: Ids, query: &NewsQuery) -> Result<FoundNews, Failure> {
    if query.limit == 0 {
        return Ok(FoundNews::default());
    }
    let mut search = Search::new(connection, ids, query)?;
    let words = query.words.as_deref().map(words);
    let unread = match words.filter(|words| !words.is_empty()) {
        Some(words) => search.of_words(&words)?,
        None if query.symbols.is_empty() => search.of_all()?,
        None => search.of_symbols()?,
    };
    let is_short = search.stories.len() < query.limit;
    Ok(FoundNews {
        stories: search.stories,
        unread: unread.filter(|_| is_short).map(|id| ids.unpack(id)),
    })
}

/// A search in progress.
struct Search<'a> {
    connection: &'a Store,
    ids: Ids,
    query: &'a NewsQuery,
    span: Span,
    types: Vec<String>,
    /// The numbers of the stored symbols.
    symbols: Vec<i64>,
    event: Statement<'a>,
    stories: Vec<(EventId, News)>,
}

impl<'a> Search<'a> {
    fn new(connection: &'a Store, ids: Ids, query: &'a NewsQuery) -> Result<Self, Failure> {
        let before = query.before.map_or(i64::MAX, |id| ids.at_least(id));
        let after = query.after.map_or(-1, |id| {
            let at = ids.at_least(id);
            if ids.pack(id) == Some(at) { at } else { at - 1 }
        });
        let mut symbols = Vec::new();
        for symbol in &query.symbols {
            symbols.extend(find_symbol(connection, *symbol)?.map(|known| known.id));
        }
        symbols.sort_unstable();
        symbols.dedup();
        let select = Table::Events.shape().select;
        Ok(Search {
            connection,
            ids,
            query,
            span: Span { after, before },
            types: query.types.iter().copied().map(type_name).collect(),
            symbols,
            event: connection.prepare(&format!("SELECT {select} FROM events WHERE id = ?1"))?,
            stories: Vec::new(),
        })
    }

    fn candidate(&self, row: &Row<'_>) -> Result<Candidate, Failure> {
        let kind = row.get_ref(1)?.as_bytes().unwrap_or_default();
        Ok(Candidate {
            id: row.get(0)?,
            is_typed: self.types.is_empty()
                || self
                    .types
                    .iter()
                    .any(|requested| requested.as_bytes() == kind),
        })
    }

    /// Adds a story, unless it does not match its index entry: indexes are not verified, so the story itself is
    /// checked.
    fn add(&mut self, id: i64) -> Result<ControlFlow<()>, Failure> {
        let connection = self.connection;
        let kept = connection.first(Table::Events, &mut self.event, [id], read::event)?;
        if let Some(Event::News(news)) = kept.map(|kept| kept.event)
            && matches(&news, self.query)
        {
            self.stories.push((self.ids.unpack(id), news));
        }
        Ok(match self.stories.len() < self.query.limit {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    }

    /// Examines all stories; returns the id at which it stopped, if before the end.
    fn of_all(&mut self) -> Result<Option<i64>, Failure> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, type FROM news WHERE newest AND id < ?1 AND id > ?2 ORDER BY id DESC",
        )?;
        let mut rows = statement.query(params![self.span.before, self.span.after])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            let Candidate { id, is_typed } = self.candidate(row)?;
            looked += 1;
            if (is_typed && self.add(id)?.is_break()) || looked == MAX_SCANNED {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Examines the stories of the symbols.
    fn of_symbols(&mut self) -> Result<Option<i64>, Failure> {
        let mut merge = Merge::new(self.connection, &self.symbols, self.span, self.query.limit)?;
        while let Some(Candidate { id, is_typed }) = merge.next(self)? {
            if (is_typed && self.add(id)?.is_break()) || merge.read >= MAX_OF_SYMBOLS {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Examines the stories with the words.
    fn of_words(&mut self, words: &str) -> Result<Option<i64>, Failure> {
        let collected = match self.symbols.len() {
            0 if self.query.symbols.is_empty() => None,
            0 => return Ok(None),
            _ => self.collect()?,
        };
        if let Some(oldest) = collected.as_ref().map(|ids| ids.iter().min()) {
            let Some(oldest) = oldest else {
                return Ok(None);
            };
            self.span.after = self.span.after.max(oldest - 1);
        }
        let most = collected.as_ref().map_or(MAX_WITH_WORDS, |_| MAX_COMPARED);
        let mut statement = self.connection.prepare_cached(
            "SELECT rowid FROM news_words
             WHERE news_words MATCH ?1 AND rowid < ?2 AND rowid > ?3 ORDER BY rowid DESC",
        )?;
        let mut typed = self
            .connection
            .prepare_cached("SELECT id, type FROM news WHERE id = ?1 AND newest")?;
        let mut named = self
            .connection
            .prepare_cached("SELECT symbol FROM news_symbols WHERE id = ?1")?;
        let mut rows = statement.query(params![words, self.span.before, self.span.after])?;
        let mut looked = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            looked += 1;
            let is_one = match &collected {
                Some(ids) => ids.contains(&id),
                None => {
                    let mut found = typed.query([id])?;
                    let candidate = found.next()?.map(|row| self.candidate(row)).transpose()?;
                    candidate.is_some_and(|candidate| candidate.is_typed)
                        && self.names_one(&mut named, id)?
                }
            };
            if (is_one && self.add(id)?.is_break()) || looked == most {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The ids of all stories of the symbols with the types; `None` if there are too many.
    fn collect(&self) -> Result<Option<HashSet<i64>>, Failure> {
        let Span { after, before } = self.span;
        let mut statement = self.connection.prepare_cached(NEWEST_OF_SYMBOL)?;
        let mut ids = HashSet::new();
        let mut read = 0;
        for symbol in &self.symbols {
            let room = (MAX_COLLECTED + 1 - read) as i64;
            let mut rows = statement.query(params![symbol, before, after, room])?;
            while let Some(row) = rows.next()? {
                let candidate = self.candidate(row)?;
                ids.extend(candidate.is_typed.then_some(candidate.id));
                read += 1;
            }
            if read > MAX_COLLECTED {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }

    fn names_one(&self, named: &mut Statement<'_>, id: i64) -> Result<bool, Failure> {
        if self.query.symbols.is_empty() {
            return Ok(true);
        }
        let mut rows = named.query([id])?;
        while let Some(row) = rows.next()? {
            if self.symbols.binary_search(&row.get(0)?).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The stories of several symbols, newest first: a little is read of each index, and more where it is needed.
struct Merge<'a> {
    statement: Statement<'a>,
    sources: Vec<Source>,
    /// The newest entry of each source that has been read and not returned.
    heads: BinaryHeap<(Candidate, usize)>,
    last: Option<i64>,
    /// How many entries were read.
    read: usize,
}

/// The index of one symbol.
struct Source {
    symbol: i64,
    span: Span,
    /// Entries that were read ahead, the newest last.
    ahead: Vec<Candidate>,
    /// How many are read next.
    step: usize,
    is_over: bool,
}

impl<'a> Merge<'a> {
    fn new(
        connection: &'a Store,
        symbols: &[i64],
        span: Span,
        wanted: usize,
    ) -> Result<Self, Failure> {
        let step = (2 * wanted / symbols.len().max(1)).clamp(4, MAX_STEP);
        let source = |symbol: &i64| Source {
            symbol: *symbol,
            span,
            ahead: Vec::new(),
            step,
            is_over: false,
        };
        Ok(Merge {
            statement: connection.prepare(NEWEST_OF_SYMBOL)?,
            sources: symbols.iter().map(source).collect(),
            heads: BinaryHeap::new(),
            last: None,
            read: 0,
        })
    }

    fn next(&mut self, search: &Search<'_>) -> Result<Option<Candidate>, Failure> {
        if self.read == 0 {
            for source in 0..self.sources.len() {
                self.advance(source, search)?;
            }
        }
        // A story may be of several symbols.
        while let Some((candidate, source)) = self.heads.pop() {
            self.advance(source, search)?;
            if self.last.replace(candidate.id) != Some(candidate.id) {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    fn advance(&mut self, at: usize, search: &Search<'_>) -> Result<(), Failure> {
        let source = &mut self.sources[at];
        if source.ahead.is_empty() && !source.is_over {
            let Span { before, after } = source.span;
            let step = source.step as i64;
            let mut rows = self
                .statement
                .query(params![source.symbol, before, after, step])?;
            while let Some(row) = rows.next()? {
                source.ahead.push(search.candidate(row)?);
            }
            self.read += 1 + source.ahead.len();
            source.is_over = source.ahead.len() < source.step;
            source.step = MAX_STEP.min(2 * source.step);
            source.ahead.sort_unstable_by_key(|candidate| candidate.id);
            if let Some(oldest) = source.ahead.first() {
                source.span.before = oldest.id;
            }
        }
        self.heads.extend(source.ahead.pop().map(|next| (next, at)));
        Ok(())
    }
}

fn matches(news: &News, query: &NewsQuery) -> bool {
    let symbols = &query.symbols;
    (symbols.is_empty() || news.symbols.iter().any(|symbol| symbols.contains(symbol)))
        && (query.types.is_empty() || query.types.contains(&news.kind))
}

/// The words that a person typed, as a full-text query: each word quoted, so that none is parsed as an operator
/// (<https://www.sqlite.org/fts5.html#full_text_query_syntax>).
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
