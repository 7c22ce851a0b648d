//! The rows of a file.

use std::{cell::OnceCell, fmt, str::FromStr, sync::Arc};

use jiff::{civil::Date, tz::TimeZone};
use market::{Bar, Interval, Millis, Price, Size, Symbol, Trade};
use rust_decimal::Decimal;

use crate::{
    columns::{Columns, Kind, Role},
    lines::Lines,
    numbers::Numbers,
    record::Record,
    refused::{Refused, missing, refused, short},
    time::{Stamp, TimeFormat},
};
use text::cell::unescaped;

/// How the lines of one file are read.
pub(crate) struct Reading<'a> {
    pub(crate) columns: Columns,
    /// How many columns there are.
    pub(crate) width: usize,
    pub(crate) format: TimeFormat,
    /// The zone of a symbol's times without one, and of its days.
    pub(crate) zone: &'a dyn Fn(Symbol) -> Result<TimeZone, String>,
    /// The length of bars.
    pub(crate) interval: Interval,
    /// The symbol, unless a column has it.
    pub(crate) symbol: Option<Symbol>,
    /// Set if [`Reading::symbol`] replaces the column: the column's symbol in the first line.
    pub(crate) renamed: Option<OnceCell<String>>,
    /// An earlier time is in another unit.
    pub(crate) earliest: Millis,
    /// A later time is in the future.
    pub(crate) latest: Millis,
    /// The notation of numbers.
    pub(crate) numbers: Numbers,
    /// The factor of prices.
    pub(crate) scale: Option<Decimal>,
    /// The zone of days that are numbers since 1970.
    pub(crate) epoch_zone: TimeZone,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// A bar of the reading's interval; for a day, with its splits and dividends.
    Bar {
        bar: Bar,
        split: Option<Decimal>,
        dividend: Option<Price>,
    },
    /// A trade.
    Trade {
        symbol: Symbol,
        time: Millis,
        trade: Trade,
        feed: Option<Arc<str>>,
    },
}

/// The most bytes of a feed's name.
const MAX_OF_A_NAME: usize = 200;

impl Row {
    pub(crate) fn symbol(&self) -> Symbol {
        match self {
            Row::Bar { bar, .. } => bar.symbol,
            Row::Trade { symbol, .. } => *symbol,
        }
    }
}

impl Reading<'_> {
    /// Parses the record at which `lines` is.
    pub(crate) fn row<R: std::io::BufRead>(&self, lines: &Lines<R>) -> Result<Row, Refused> {
        let record = Record {
            lines,
            columns: &self.columns,
        };
        let has = lines.len();
        // A number written as 1,234 would shift all following columns by one.
        let surplus = (self.width..has).any(|column| lines.field(column) != Some(""));
        if has < self.width || surplus {
            return Err(refused(
                "not a record",
                format!(
                    "the line has {has} columns: expected {} as in the first",
                    self.width
                ),
            ));
        }
        let symbol = match (record.some(Role::Symbol)?, self.symbol) {
            (None, Some(symbol)) => symbol,
            (Some(text), Some(symbol)) if self.is_of_one(text)? => symbol,
            (None, None) => {
                return Err(refused("no symbol", "no symbol: expected one in each line"));
            }
            (Some(text), _) => unescaped(text)
                .parse()
                .map_err(|error: market::SymbolError| refused("not a symbol", error.to_string()))?,
        };
        let stamp = self.stamp(&record)?;
        match self.columns.kind {
            Kind::Bars => self.bar(&record, symbol, stamp),
            Kind::Trades => self.trade(&record, symbol, stamp),
        }
    }

    /// Whether the requested symbol replaces the file's own. Then all lines have to be of the same one: bars of another
    /// would replace its bars.
    fn is_of_one(&self, text: &str) -> Result<bool, Refused> {
        let Some(first) = &self.renamed else {
            return Ok(false);
        };
        let first = first.get_or_init(|| text.to_owned());
        if first != text {
            return Err(refused(
                "another symbol",
                format!(
                    "{} is another symbol than {}: expected one in the whole file, because --symbol names it",
                    short(text),
                    short(first)
                ),
            ));
        }
        Ok(true)
    }

    /// The time of a record.
    pub(crate) fn stamp<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
    ) -> Result<Stamp, Refused> {
        let text = record.text(Role::Time)?;
        let clock = match self.columns.at(Role::Clock) {
            Some(_) => Some(record.text(Role::Clock)?),
            None => None,
        };
        self.format.parse(text, clock).ok_or_else(|| {
            let shown = match clock {
                Some(clock) => short(&format!("{text} {clock}")),
                None => short(text),
            };
            refused(
                "not a time",
                format!("{shown} is not a time: expected {}", expected(&self.format)),
            )
        })
    }

    fn moment(
        &self,
        symbol: Symbol,
        stamp: Stamp,
        shown: &dyn fmt::Display,
    ) -> Result<Millis, Refused> {
        let out = |words: &str| refused("a time out of range", format!("{shown} is {words}"));
        let zone = (self.zone)(symbol).map_err(|why| refused("a zone that cannot be read", why))?;
        let time = stamp
            .millis(&zone)
            .ok_or_else(|| out("before 1970: expected a later time"))?;
        if time > self.latest {
            return Err(out("in the future: expected a time that has come"));
        }
        if time < self.earliest {
            return Err(out(
                "a time of 1973 or before, and may be of another unit: expected --time-format, if it is right",
            ));
        }
        Ok(time)
    }

    fn bar<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        symbol: Symbol,
        stamp: Stamp,
    ) -> Result<Row, Refused> {
        let start = if self.interval == Interval::Day {
            let day: Date = stamp.day(&self.epoch_zone);
            self.moment(symbol, Stamp::Day(day), &day)?
        } else {
            let start = self.moment(symbol, stamp, &short(record.text(Role::Time)?))?;
            if start % self.interval.millis() != 0 {
                let text = short(record.text(Role::Time)?);
                return Err(refused(
                    "a bar that does not start with its interval",
                    format!("{text} is not where a bar of {} starts", self.interval),
                ));
            }
            start
        };
        let price = |role| self.price(record, role);
        let (open, high, low, close) = (
            price(Role::Open)?,
            price(Role::High)?,
            price(Role::Low)?,
            price(Role::Close)?,
        );
        if high < low
            || [open, close]
                .iter()
                .any(|price| *price < low || *price > high)
        {
            return Err(refused(
                "prices that contradict each other",
                format!(
                    "open {open}, high {high}, low {low}, close {close}: expected all within low and high"
                ),
            ));
        }
        let vwap = self.amount(record, Role::Vwap, "a price")?;
        let trades = record.whole(Role::Trades)?.unwrap_or(0);
        let bar = Bar {
            symbol,
            start,
            open,
            high,
            low,
            close,
            volume: self.size(record, Role::Volume)?.unwrap_or(Size::ZERO),
            vwap,
            trades,
        };
        let (mut split, mut dividend) = (None, None);
        if self.interval == Interval::Day {
            let ratio: Option<Price> = self.number(record, Role::Split, "a ratio")?;
            // Some files write 0 for no split, others 1.
            let ratio = ratio.map(Price::decimal);
            if let Some(ratio) = ratio.filter(|ratio| ratio.is_sign_negative() && !ratio.is_zero())
            {
                return Err(refused(
                    "not a ratio",
                    format!("{ratio} is not the ratio of a split: expected more than 0"),
                ));
            }
            split = ratio.filter(|ratio| !ratio.is_zero() && *ratio != Decimal::ONE);
            dividend = self
                .amount(record, Role::Dividend, "an amount")?
                .filter(|amount: &Price| !amount.decimal().is_zero());
        }
        Ok(Row::Bar {
            bar,
            split,
            dividend,
        })
    }

    fn trade<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        symbol: Symbol,
        stamp: Stamp,
    ) -> Result<Row, Refused> {
        let time = self.moment(symbol, stamp, &short(record.text(Role::Time)?))?;
        let trade = Trade {
            id: record.whole(Role::Id)?,
            moves: record.moves()?,
            ..Trade::new(
                self.price(record, Role::Price)?,
                self.size(record, Role::Size)?,
            )
        };
        let feed = record.some(Role::Feed)?.map(unescaped);
        if let Some(feed) = feed.filter(|feed| feed.len() > MAX_OF_A_NAME) {
            return Err(refused(
                "not a feed",
                format!(
                    "{} is too long for the name of a feed: expected at most {MAX_OF_A_NAME} bytes",
                    short(feed)
                ),
            ));
        }
        Ok(Row::Trade {
            symbol,
            time,
            trade,
            feed: feed.map(Arc::from),
        })
    }
}

impl Reading<'_> {
    fn number<T: FromStr, R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        role: Role,
        what: &str,
    ) -> Result<Option<T>, Refused> {
        let Some(text) = record.some(role)? else {
            return Ok(None);
        };
        let number = self
            .numbers
            .plain(text)
            .and_then(|plain| plain.parse().ok());
        number.map(Some).ok_or_else(|| {
            refused(
                "not a number",
                format!(
                    "{} is not {what} ({role}): expected {}",
                    short(text),
                    self.numbers.expected()
                ),
            )
        })
    }

    /// An amount of money, in the unit of prices.
    fn amount<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        role: Role,
        what: &str,
    ) -> Result<Option<Price>, Refused> {
        let amount: Option<Price> = self.number(record, role, what)?;
        let (Some(amount), Some(scale)) = (amount, self.scale) else {
            return Ok(amount);
        };
        let scaled = amount.decimal().checked_mul(scale).ok_or_else(|| {
            refused(
                "not a number",
                format!("{amount} times {scale} has too many digits ({role})"),
            )
        })?;
        Ok(Some(Price::from(scaled.normalize())))
    }

    fn price<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        role: Role,
    ) -> Result<Price, Refused> {
        let price = self
            .amount(record, role, "a price")?
            .ok_or_else(|| missing(role))?;
        if price.decimal().is_zero() {
            return Err(refused(
                "a price of zero",
                format!("the {role} is {price}: expected a price"),
            ));
        }
        Ok(price)
    }

    fn size<R: std::io::BufRead>(
        &self,
        record: &Record<'_, R>,
        role: Role,
    ) -> Result<Option<Size>, Refused> {
        let size: Option<Size> = self.number(record, role, "a size")?;
        match size {
            Some(size) if size < Size::ZERO => Err(refused(
                "a negative size",
                format!("the {role} is {size}: expected 0 or more"),
            )),
            size => Ok(size),
        }
    }
}

fn expected(format: &TimeFormat) -> String {
    match format {
        TimeFormat::Iso => "a day or a time as in 2024-01-02 09:30".to_owned(),
        TimeFormat::Compact => "a day as in 20240102".to_owned(),
        TimeFormat::Seconds => "seconds since 1970".to_owned(),
        TimeFormat::Millis => "milliseconds since 1970".to_owned(),
        TimeFormat::Micros => "microseconds since 1970".to_owned(),
        TimeFormat::Nanos => "nanoseconds since 1970".to_owned(),
        TimeFormat::Excel => "days since 1899".to_owned(),
        TimeFormat::SinceMidnight(_) => "milliseconds since midnight".to_owned(),
        TimeFormat::Pattern(pattern) => format!("one like {pattern}"),
    }
}
