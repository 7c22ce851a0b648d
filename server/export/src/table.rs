//! The exported data, as rows of cells.

use archive::{NewsQuery, Print, Reader};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use market::{Bar, Interval, Millis, News, Price, Quote, Size, Symbol, TradeEligibility};
use rust_decimal::Decimal;

use super::{
    options::{ExportOptions, What},
    problem::Problem,
};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether a cell of it may be empty.
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Time,
    Day,
    Whole,
    Decimal,
}

/// One cell, of its column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    None,
    Text(String),
    Time(Timestamp),
    Day(Date),
    Whole(u64),
    Decimal(Decimal),
}

/// The kind of exported rows.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    options: ExportOptions,
    reader: Reader,
}

/// How many bars are read at one time.
const BARS: u64 = 50_000;

/// How many stories are read at one time.
const STORIES: usize = 1_000;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: false,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: true,
    }
}

impl Table {
    pub(super) fn of(options: &ExportOptions, reader: Reader) -> Self {
        let mut columns = match options.what {
            What::News => vec![column("id", Kind::Text), column("published", Kind::Time)],
            What::Bars if options.interval == Interval::Day => {
                vec![column("symbol", Kind::Text), column("time", Kind::Day)]
            }
            _ => vec![column("symbol", Kind::Text), column("time", Kind::Time)],
        };
        match options.what {
            What::Bars => {
                columns.extend(
                    ["open", "high", "low", "close", "volume"]
                        .map(|name| column(name, Kind::Decimal)),
                );
                columns.push(optional("vwap", Kind::Decimal));
                columns.push(column("trades", Kind::Whole));
                if options.interval == Interval::Day {
                    columns.extend(["split", "dividend"].map(|name| optional(name, Kind::Decimal)));
                }
            }
            What::Trades => {
                columns.push(column("price", Kind::Decimal));
                columns.push(optional("size", Kind::Decimal));
                columns.push(optional("id", Kind::Whole));
                columns.push(optional("moves", Kind::Text));
                columns.push(optional("feed", Kind::Text));
            }
            What::Quotes => columns.extend(
                [
                    "price", "size", "bid", "bid_size", "ask", "ask_size", "volume", "high", "low",
                ]
                .map(|name| optional(name, Kind::Decimal)),
            ),
            What::News => {
                columns.extend(["type", "basis"].map(|name| column(name, Kind::Text)));
                columns.push(optional("symbols", Kind::Text));
                columns.push(column("headline", Kind::Text));
                columns.extend(["summary", "url"].map(|name| optional(name, Kind::Text)));
                columns.push(column("source", Kind::Text));
                columns
                    .extend(["form", "accession", "code"].map(|name| optional(name, Kind::Text)));
            }
        }
        Table {
            columns,
            options: options.clone(),
            reader,
        }
    }

    /// Passes on row by row, the symbols in their order and each in the order of its times; stories from the newest on.
    pub(super) fn rows(
        &self,
        row: &mut dyn FnMut(&[Cell]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if self.options.what == What::News {
            return self.news(row);
        }
        let mut symbols = match self.options.symbols.as_slice() {
            [] => self.reader.symbols()?,
            some => some.to_vec(),
        };
        symbols.sort();
        symbols.dedup();
        for symbol in symbols {
            let zone = self.reader.zone(symbol)?.unwrap_or(TimeZone::UTC);
            let span = self.span(&zone);
            match self.options.what {
                What::Bars => self.bars(symbol, &zone, span, row)?,
                What::Trades => {
                    for print in self.reader.trades(symbol, span.0..span.1) {
                        row(&trade(&print?))?;
                    }
                }
                What::Quotes => {
                    for quote in self.reader.quotes(symbol, span.0..span.1) {
                        row(&quoted(&quote?.1))?;
                    }
                }
                What::News => {}
            }
        }
        Ok(())
    }

    fn span(&self, zone: &TimeZone) -> (Millis, Millis) {
        // A time before the epoch is before everything, one after the calendar's end after it.
        let from = self.options.from.and_then(|from| from.0.millis(zone));
        let to = self.options.to.map(|to| to.0.millis(zone).unwrap_or(0));
        (from.unwrap_or(0), to.unwrap_or(LAST))
    }

    fn bars(
        &self,
        symbol: Symbol,
        zone: &TimeZone,
        (from, to): (Millis, Millis),
        row: &mut dyn FnMut(&[Cell]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let interval = self.options.interval;
        let daily = interval == Interval::Day;
        // Everything shorter is in a bar of its day.
        let days = self
            .reader
            .bars(symbol, Interval::Day, 0..LAST, usize::MAX)?;
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Ok(());
        };
        let (mut start, end) = (
            from.max(first.start),
            to.min(last.start + 2 * Interval::Day.millis()),
        );
        let splits = if daily {
            self.reader.splits(symbol, from..to)?
        } else {
            Vec::new()
        };
        let dividends = if daily {
            self.reader.dividends(symbol, from..to)?
        } else {
            Vec::new()
        };
        while start < end {
            let next = end.min(start.saturating_add(BARS * interval.millis()));
            for bar in self
                .reader
                .bars(symbol, interval, start..next, usize::MAX)?
            {
                let mut cells = bar_cells(&bar, daily.then_some(zone));
                if daily {
                    let split = splits.iter().find(|split| split.time == bar.start);
                    let dividend = dividends.iter().find(|paid| paid.time == bar.start);
                    cells.push(split.map_or(Cell::None, |split| Cell::Decimal(split.ratio)));
                    cells.push(dividend.map_or(Cell::None, |paid| price(paid.amount)));
                }
                row(&cells)?;
            }
            start = next;
        }
        Ok(())
    }

    fn news(&self, row: &mut dyn FnMut(&[Cell]) -> Result<(), Problem>) -> Result<(), Problem> {
        let (from, to) = self.span(&TimeZone::UTC);
        let mut query = NewsQuery {
            symbols: self.options.symbols.clone(),
            limit: STORIES,
            ..NewsQuery::default()
        };
        loop {
            let page = self.reader.news(&query)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            query.before = Some(*last);
            for (_, story) in &page {
                if (from..to).contains(&story.published) {
                    row(&story_cells(story)?)?;
                }
            }
        }
    }
}

/// The end of the times that both SQLite and the calendar support.
const LAST: Millis = 253_402_207_200_000;

fn time(time: Millis) -> Cell {
    let moment = i64::try_from(time).ok();
    let moment = moment.and_then(|time| Timestamp::from_millisecond(time).ok());
    moment.map_or(Cell::None, Cell::Time)
}

fn price(price: Price) -> Cell {
    Cell::Decimal(price.decimal())
}

fn size(size: Size) -> Cell {
    Cell::Decimal(size.decimal())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn or_none<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
    value.map_or(Cell::None, cell)
}

fn bar_cells(bar: &Bar, day_of: Option<&TimeZone>) -> Vec<Cell> {
    let start = match (day_of, time(bar.start)) {
        (Some(zone), Cell::Time(start)) => Cell::Day(zone.to_datetime(start).date()),
        (_, start) => start,
    };
    vec![
        text(bar.symbol.as_str()),
        start,
        price(bar.open),
        price(bar.high),
        price(bar.low),
        price(bar.close),
        size(bar.volume),
        or_none(bar.vwap, price),
        Cell::Whole(bar.trades),
    ]
}

fn trade(print: &Print) -> Vec<Cell> {
    let trade = &print.trade;
    let moves = (trade.moves != TradeEligibility::ALL).then(|| moves_in_words(trade.moves));
    vec![
        text(print.symbol.as_str()),
        time(print.time),
        price(trade.price),
        or_none(trade.size, size),
        or_none(trade.id, Cell::Whole),
        or_none(moves, Cell::Text),
        or_none(print.feed.as_deref(), text),
    ]
}

/// What a trade moves, unless it moves everything: `last range`, `volume`, `none`.
fn moves_in_words(moves: TradeEligibility) -> String {
    let words = [
        (moves.last, "last"),
        (moves.range, "range"),
        (moves.volume, "volume"),
    ];
    let words: Vec<&str> = words
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(" ")
    }
}

fn quoted(quote: &Quote) -> Vec<Cell> {
    vec![
        text(quote.symbol.as_str()),
        time(quote.time),
        or_none(quote.price, price),
        or_none(quote.size, size),
        or_none(quote.bid, price),
        or_none(quote.bid_size, size),
        or_none(quote.ask, price),
        or_none(quote.ask_size, size),
        or_none(quote.volume, size),
        or_none(quote.high, price),
        or_none(quote.low, price),
    ]
}

fn story_cells(story: &News) -> Result<Vec<Cell>, Problem> {
    let symbols: Vec<&str> = story.symbols.iter().map(Symbol::as_str).collect();
    let symbols = (!symbols.is_empty()).then(|| symbols.join(" "));
    let some = |value: Option<&str>| or_none(value, text);
    Ok(vec![
        text(&story.id),
        time(story.published),
        name(&story.kind)?,
        name(&story.basis)?,
        or_none(symbols, Cell::Text),
        text(&story.headline),
        some(story.summary.as_deref()),
        or_none(story.url.as_ref(), |url| text(url.as_str())),
        text(&story.source),
        some(story.form.as_deref()),
        some(story.accession.as_deref()),
        some(story.code.as_deref()),
    ])
}

/// A name as in JSON.
fn name(value: &impl serde::Serialize) -> Result<Cell, Problem> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(Cell::Text(name)),
        other => Err(Problem::Other(format!(
            "a name was to be written, but it is {other:?}"
        ))),
    }
}
