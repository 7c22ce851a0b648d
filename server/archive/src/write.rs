//! Writing events, trades and corrections, in the open transaction.

use std::sync::Arc;

use jiff::tz::TimeZone;
use market::{
    Bar, Correction, Event, Interval, Millis, Minute, News, Quote, Session, Symbol, Trade,
};
use rusqlite::params;
use tape::EventId;

use crate::{
    Failure,
    coding::{Exact, Marks, time},
    database::Database,
    roll,
    store::readable,
    symbol_row::SymbolRow,
    table::Table,
    zone,
};

/// A trade as a venue reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// The symbol.
    pub symbol: Symbol,
    /// The time of the exchange, or of receipt if the source gives none.
    pub time: Millis,
    /// The price, size and number.
    pub trade: Trade,
    /// The name of the feed that published it: the numbers of different feeds are different trades. `None` if it is
    /// unknown, which may be any feed.
    pub feed: Option<Arc<str>>,
}

/// The result of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) known: u64,
    pub(crate) unmatched: u64,
}

impl Tally {
    fn row(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes as u64;
    }
}

/// The approximate size of the columns of a trade, and of a quote, in bytes.
const TRADE_BYTES: usize = 32;
const QUOTE_BYTES: usize = 64;

/// The time within which the same number of the same symbol means the same trade: venues restart their numbers each
/// day.
const SAME_TRADE: Millis = 12 * 60 * 60 * 1000;

impl Database {
    /// Writes an event of the tape. One that is already stored stays.
    pub(crate) fn event(
        &mut self,
        id: EventId,
        event: &Event,
        zone: fn(&Session) -> TimeZone,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let packed = self.ids.pack(id).ok_or_else(|| self.refusal(id))?;
        match event {
            Event::Quote(quote) => self.quote(packed, quote, tally),
            Event::Session(session) => self.session(packed, session, event, zone, tally),
            Event::Bar(bar) => {
                if self.kept(packed, event, tally)? {
                    self.published_bar(bar)?;
                }
                Ok(())
            }
            Event::News(news) => {
                if self.kept(packed, event, tally)? {
                    self.news(packed, news)?;
                }
                Ok(())
            }
            // They belong to one stream, not to the tape.
            Event::Snapshot(_) | Event::Heartbeat(_) => Ok(()),
        }
    }

    fn kept(&self, id: i64, event: &Event, tally: &mut Tally) -> Result<bool, Failure> {
        let data = event.data();
        let new = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO events VALUES (?1, ?2, ?3, crc_of(?1, ?2, ?3))")?
            .execute(params![id, event.name(), data])?;
        tally.row(data.len());
        Ok(new > 0)
    }

    pub(crate) fn news(&mut self, id: i64, news: &News) -> Result<(), Failure> {
        for symbol in &news.symbols {
            let symbol = self.symbol(*symbol)?.id;
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO news_symbols VALUES (?1, ?2)")?
                .execute([symbol, id])?;
        }
        let connection = &self.connection;
        let mut statement =
            connection.prepare_cached("SELECT id FROM news WHERE story = ?1 AND newest")?;
        let earlier: Option<i64> = readable(statement.query_row([&news.id], |row| row.get(0)))?;
        if let Some(earlier) = earlier {
            connection
                .prepare_cached("UPDATE news SET newest = 0 WHERE id = ?1")?
                .execute([earlier])?;
            connection
                .prepare_cached("DELETE FROM news_words WHERE rowid = ?1")?
                .execute([earlier])?;
        }
        connection
            .prepare_cached("INSERT INTO news VALUES (?1, ?2, ?3, 1)")?
            .execute(params![id, news.id, type_name(news.kind)])?;
        connection
            .prepare_cached(
                "INSERT INTO news_words (rowid, headline, summary) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![id, news.headline, news.summary])?;
        Ok(())
    }

    fn session(
        &mut self,
        id: i64,
        session: &Session,
        event: &Event,
        zone: fn(&Session) -> TimeZone,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let symbol = self.set_zone(session.symbol, &zone(session))?;
        let data = event.data();
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO sessions VALUES (?1, ?2, ?3, crc_of(?1, ?2, ?3))",
            )?
            .execute(params![symbol.id, id, data])?;
        tally.row(data.len());
        Ok(())
    }

    fn quote(&mut self, id: i64, quote: &Quote, tally: &mut Tally) -> Result<(), Failure> {
        let symbol = self.symbol(quote.symbol)?.id;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO quotes VALUES (
                    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                    crc_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12))",
            )?
            .execute(params![
                symbol,
                time(quote.time),
                id,
                quote.price.map(Exact::from),
                quote.size.map(Exact::from),
                quote.bid.map(Exact::from),
                quote.bid_size.map(Exact::from),
                quote.ask.map(Exact::from),
                quote.ask_size.map(Exact::from),
                quote.volume.map(Exact::from),
                quote.high.map(Exact::from),
                quote.low.map(Exact::from),
            ])?;
        tally.row(QUOTE_BYTES);
        Ok(())
    }

    /// Writes a published bar as its minute, unless a better one is stored. If the sums that it was rendered from are
    /// stored, they stay.
    fn published_bar(&mut self, bar: &Bar) -> Result<(), Failure> {
        let symbol = self.symbol(bar.symbol)?;
        let there = roll::stored(&self.connection, symbol.id, Interval::Minute, bar.start)?;
        let keeps = there.is_some_and(|row| {
            row.made != roll::Made::Published
                || row.sums.bar(bar.symbol, bar.start).as_ref() == Some(bar)
        });
        if keeps {
            return Ok(());
        }
        self.put_minute(&symbol, roll::Row::given(bar, roll::Made::Published))
    }

    /// Writes the exact sums of a minute whose bar is published, or that has no price and so no bar, unless better ones
    /// are stored.
    pub(crate) fn minute(&mut self, minute: &Minute) -> Result<(), Failure> {
        let symbol = self.symbol(minute.symbol)?;
        let there = roll::stored(&self.connection, symbol.id, Interval::Minute, minute.start)?;
        if there.is_some_and(|row| row.made != roll::Made::Published) {
            return Ok(());
        }
        let row = roll::Row {
            start: minute.start,
            sums: minute.sums.clone(),
            made: roll::Made::Published,
        };
        self.put_minute(&symbol, row)
    }

    fn put_minute(&self, symbol: &SymbolRow, row: roll::Row) -> Result<(), Failure> {
        let start = zone::span(Interval::Minute, &symbol.zone, row.start).0;
        if start == row.start {
            roll::store(&self.connection, symbol.id, Interval::Minute, &row)?;
            roll::mark_above(&self.connection, symbol, Interval::Minute, start)?;
        }
        Ok(())
    }

    /// Writes a trade, unless it is a duplicate.
    pub(crate) fn trade(&mut self, print: &Print, tally: &mut Tally) -> Result<(), Failure> {
        let symbol = self.symbol(print.symbol)?;
        let (at, trade) = (&print.time, &print.trade);
        let feed = self.feed(print.feed.as_ref())?;
        if self.is_known(&symbol, feed, *at, trade)? {
            tally.known += 1;
            return Ok(());
        }
        self.insert(&symbol, feed, *at, trade)?;
        tally.row(TRADE_BYTES);
        roll::mark(
            &self.connection,
            symbol.id,
            Interval::Second,
            *at - *at % 1000,
        )
    }

    /// Whether a trade with the number of this one is stored, at about its time and of the same feed. A trade of an
    /// unknown feed may be of any; once a feed publishes it, it is that feed's.
    pub(crate) fn is_known(
        &self,
        symbol: &SymbolRow,
        feed: Option<i64>,
        at: Millis,
        trade: &Trade,
    ) -> Result<bool, Failure> {
        let Some(source) = trade.id else {
            return Ok(false);
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT time, sequence, feed FROM trades INDEXED BY trades_source
                 WHERE symbol = ?1 AND source = ?2 AND time BETWEEN ?3 AND ?4
                     AND (?5 IS NULL OR feed IS NULL OR feed = ?5)
                 ORDER BY feed IS NULL LIMIT 1",
        )?;
        let known: Option<(i64, i64, Option<i64>)> = readable(statement.query_row(
            params![
                symbol.id,
                source as i64,
                time(at.saturating_sub(SAME_TRADE)),
                time(at.saturating_add(SAME_TRADE)),
                feed
            ],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        ))?;
        if let (Some((time, sequence, None)), Some(feed)) = (known, feed) {
            self.connection
                .prepare_cached(&format!(
                    "UPDATE trades SET feed = ?4, {}
                     WHERE symbol = ?1 AND time = ?2 AND sequence = ?3",
                    Table::Trades.renewed("feed", "?4")
                ))?
                .execute([symbol.id, time, sequence, feed])?;
        }
        Ok(known.is_some())
    }

    /// The key of a trade with the source's number, of one feed or of any; the newest, or the one near a time.
    fn find(
        &self,
        symbol: &SymbolRow,
        feed: Option<i64>,
        source: u64,
        about: Option<Millis>,
    ) -> Result<Option<(i64, i64)>, Failure> {
        let (from, to) = match about {
            None => (0, i64::MAX),
            Some(at) => (
                time(at.saturating_sub(SAME_TRADE)),
                time(at.saturating_add(SAME_TRADE)),
            ),
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT time, sequence FROM trades INDEXED BY trades_source
                 WHERE symbol = ?1 AND source = ?2 AND time BETWEEN ?3 AND ?4
                     AND (?5 IS NULL OR feed = ?5)
                 ORDER BY time DESC, sequence DESC LIMIT 1",
        )?;
        readable(
            statement.query_row(params![symbol.id, source as i64, from, to, feed], |row| {
                Ok((row.get(0)?, row.get(1)?))
            }),
        )
    }

    pub(crate) fn insert(
        &mut self,
        symbol: &SymbolRow,
        feed: Option<i64>,
        at: Millis,
        trade: &Trade,
    ) -> Result<(), Failure> {
        self.connection
            .prepare_cached(
                "INSERT INTO trades VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
                    crc_of(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
            )?
            .execute(params![
                symbol.id,
                time(at),
                self.sequence,
                Exact::from(trade.price),
                trade.size.map(Exact::from),
                trade.id.map(|id| id as i64),
                Marks::from(trade.moves).0,
                feed,
            ])?;
        self.sequence += 1;
        Ok(())
    }

    /// Corrects or cancels a trade of a feed. Its number stays recorded, so that a duplicate is recognised.
    pub(crate) fn correct(
        &mut self,
        correction: &Correction,
        feed: Option<&Arc<str>>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let symbol = self.symbol(correction.symbol)?;
        let feed = self.feed(feed)?;
        let Some((at, sequence)) = self.find(&symbol, feed, correction.trade, None)? else {
            tally.unmatched += 1;
            return Ok(());
        };
        match &correction.right {
            None => {
                self.connection
                    .prepare_cached(&format!(
                        "UPDATE trades SET marks = marks | ?4, {}
                         WHERE symbol = ?1 AND time = ?2 AND sequence = ?3",
                        Table::Trades.renewed("marks", "marks | ?4")
                    ))?
                    .execute([symbol.id, at, sequence, Marks::CANCELLED])?;
            }
            Some(right) => {
                self.put_right(&symbol, feed, (at, sequence), correction.trade, right)?
            }
        }
        tally.row(TRADE_BYTES);
        let at = at as Millis;
        roll::mark(
            &self.connection,
            symbol.id,
            Interval::Second,
            at - at % 1000,
        )
    }

    fn put_right(
        &mut self,
        symbol: &SymbolRow,
        feed: Option<i64>,
        (at, sequence): (i64, i64),
        source: u64,
        right: &Trade,
    ) -> Result<(), Failure> {
        let number = right.id.unwrap_or(source);
        if number != source {
            // The old number moves to a row of its own, so that it stays recorded; and a trade that already has the new
            // one is the same trade, published before its correction.
            let same = self.find(symbol, feed, number, Some(at as Millis))?;
            self.connection
                .prepare_cached(
                    "INSERT INTO trades
                     SELECT symbol, time, ?4, price, size, source, marks | ?5, feed,
                         crc_of(symbol, time, ?4, price, size, source, marks | ?5, feed)
                     FROM trades
                     WHERE symbol = ?1 AND time = ?2 AND sequence = ?3",
                )?
                .execute([symbol.id, at, sequence, self.sequence, Marks::CANCELLED])?;
            self.sequence += 1;
            if let Some((time, sequence)) = same {
                self.connection
                    .prepare_cached(
                        "DELETE FROM trades WHERE symbol = ?1 AND time = ?2 AND sequence = ?3",
                    )?
                    .execute([symbol.id, time, sequence])?;
                let time = time as Millis;
                roll::mark(
                    &self.connection,
                    symbol.id,
                    Interval::Second,
                    time - time % 1000,
                )?;
            }
        }
        self.connection
            .prepare_cached(
                "UPDATE trades SET price = ?4, size = ?5, source = ?6, marks = ?7,
                     crc = crc_of(symbol, time, sequence, ?4, ?5, ?6, ?7, feed)
                 WHERE symbol = ?1 AND time = ?2 AND sequence = ?3",
            )?
            .execute(params![
                symbol.id,
                at,
                sequence,
                Exact::from(right.price),
                right.size.map(Exact::from),
                number as i64,
                Marks::from(right.moves).0,
            ])?;
        Ok(())
    }
}

/// The name of a type of news as it is in JSON.
pub(crate) fn type_name(kind: market::NewsType) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        // It is an enum without fields, whose JSON is its name.
        _ => String::new(),
    }
}
