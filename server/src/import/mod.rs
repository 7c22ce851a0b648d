//! `tickertape import`: history from files of CSV into the archive.
//!
//! A line is a bar or a trade, and either goes in as it stands or is refused with its number and the
//! reason; no other line suffers from it. What a file has where, how it writes its times and how long
//! its bars are is guessed from its beginning, said, and can be said otherwise.

mod columns;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod guess;
mod lines;
mod numbers;
mod progress;
mod rows;
mod source;
mod time;

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, HashMap},
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
};

use archive::{Dividend, Importer, Print, Split, Written};
use clap::Args;
use jiff::{civil::Date, tz::TimeZone};
use market::{Bar, Interval, Millis, Symbol};
use rust_decimal::Decimal;

use self::{
    columns::{Columns, Kind, Role},
    lines::{Line, Lines, delimiter_of},
    progress::Progress,
    rows::{Reading, Record, Row},
    source::{Source, open},
};
use crate::{archive::Kind as Prices, data::Which};

pub(crate) use self::time::Stamp;
pub use self::{columns::Mapping, numbers::Numbers, time::TimeFormat};

/// What is to be imported, and how it is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportOptions {
    /// CSV with a header, plain, gzip or ZIP: a bar or a trade in each line
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The archive
    #[command(flatten)]
    pub archive: Which,

    /// Which column says what, by header or number: time=Date,open=Open,… of
    /// time clock symbol open high low close volume vwap trades price size id
    /// moves feed split dividend [default: guessed from the header]
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub columns: Option<Mapping>,

    /// The symbol, where no column says it or one that --columns does not name
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<Symbol>,

    /// How long bars are: 1s 1m 5m 15m 1h 1d [default: guessed from the times]
    #[arg(long, value_name = "INTERVAL")]
    pub interval: Option<Interval>,

    /// Zone of times that do not say theirs, and in which days begin [default:
    /// America/New_York for symbols of up to five letters, else UTC]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub zone: Option<TimeZone>,

    /// How times are written: iso, s ms us ns since 1970, excel (days since 1899),
    /// day-ms (milliseconds since midnight, of the day in the file's name), or a
    /// pattern such as '%m/%d/%Y %H:%M' [default: guessed]
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<TimeFormat>,

    /// How numbers are written: plain (1234.5), point (1,234.5) or comma (1.234,5);
    /// point and comma also read 1.2M and 1e5
    #[arg(long, value_name = "STYLE", default_value_t)]
    pub numbers: Numbers,

    /// What prices are multiplied with: 0.0001 where 1234500 is 123.45
    #[arg(long, value_name = "FACTOR", value_parser = scale)]
    pub scale: Option<Decimal>,
}

fn scale(text: &str) -> Result<Decimal, String> {
    text.parse()
        .ok()
        .filter(|scale: &Decimal| *scale > Decimal::ZERO && *scale <= MAX_SCALE)
        .ok_or_else(|| {
            format!("{text:?} is not a factor: expected a number above 0 and at most {MAX_SCALE}")
        })
}

/// The largest factor of prices.
const MAX_SCALE: Decimal = Decimal::ONE_THOUSAND;

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("{name:?} is not a zone: expected a name such as America/New_York or UTC")
    })
}

/// What came of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// What became of the lines that were taken.
    pub written: Written,
    /// How many lines were refused.
    pub refused: u64,
}

/// How many rows are written in one transaction.
const BATCH: usize = 10_000;

/// How many lines, and how many bytes of them, are looked at before guessing.
const SAMPLE: usize = 500;
const SAMPLE_BYTES: usize = 4 << 20;

/// More symbols than any market has.
const MAX_SYMBOLS: usize = 200_000;

/// How many refused lines of a file are told one by one.
const TOLD: usize = 20;

/// Where the unit of a number since 1970 is guessed, an earlier one is of another unit: 100,000,000 s.
const UNAMBIGUOUS: Millis = 100_000_000_000;

/// The zones in which a bar of a day may begin at midnight.
fn midnights(said: &Option<TimeZone>) -> Vec<TimeZone> {
    match said {
        Some(zone) => vec![TimeZone::UTC, zone.clone()],
        None => vec![TimeZone::UTC, sessions::Calendar::UsStocks.zone().clone()],
    }
}

/// The day in a file's name, `20240102_trade.zip`.
fn date_in(file: &Path) -> Option<Date> {
    let name = file.file_name()?.to_str()?;
    name.split(|c: char| !c.is_ascii_digit())
        .find_map(|digits| TimeFormat::Compact.parse(digits, None))
        .map(|stamp| stamp.day(&TimeZone::UTC))
}

/// Imports files, one after another. What it does is told on `out`, what it refuses and how far it
/// is on the standard error output.
///
/// # Errors
/// When a file cannot be read or understood, or the archive cannot be written. What was taken before
/// is in the archive; the same import again takes it up.
pub fn import(
    options: &ImportOptions,
    now: Millis,
    out: &mut dyn Write,
) -> Result<Imported, String> {
    let (folder, name) = options.archive.parts()?;
    let mut importer = Importer::open(&folder, &name).map_err(|error| error.to_string())?;
    let reader = archive::Reader::open(&folder, &name).map_err(|error| error.to_string())?;
    tell(out, &format!("into {}", folder.join(&name).display()))?;
    let zones = Zones {
        said: options.zone.clone(),
        reader,
        known: RefCell::default(),
    };
    let mut total = Imported::default();
    for file in &options.files {
        let named = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        let reopen = || open(file).map(|(source, _)| source);
        let plan = Plan::of(&reopen, options, date_in(file), now).map_err(|error| named(&error))?;
        tell(out, &format!("{}: {plan}", file.display()))?;
        let one = take(file, plan, &zones, &mut importer).map_err(|error| named(&error))?;
        tell(out, &format!("{}: {one}", file.display()))?;
        total.refused += one.refusals.count;
        total.written.new += one.written.new;
        total.written.changed += one.written.changed;
        total.written.same += one.written.same;
    }
    let progress = Progress::rolling();
    loop {
        let made = importer.roll().map_err(|failure| failure.to_string())?;
        if made == 0 {
            break;
        }
        progress.made(made);
    }
    if let Some(warning) = other_archive(&options.archive, &folder) {
        eprintln!("{warning}");
    }
    Ok(total)
}

/// What to know where the archive was not chosen: a server without feeds has another one.
fn other_archive(which: &Which, folder: &Path) -> Option<String> {
    let simulated = folder.join(Prices::Simulated.file());
    (which.is_default() && simulated.exists()).then(|| {
        format!(
            "note: a server without a feed shows {}, not this archive; start it with a feed, with --feed none, or import with --config",
            simulated.display()
        )
    })
}

fn tell(out: &mut dyn Write, text: &str) -> Result<(), String> {
    writeln!(out, "{text}").map_err(|error| format!("cannot say what was done: {error}"))
}

/// In which zone a symbol's days begin, and its times are where they do not say theirs.
struct Zones {
    said: Option<TimeZone>,
    reader: archive::Reader,
    known: RefCell<HashMap<Symbol, (TimeZone, bool)>>,
}

impl Zones {
    /// The zone of a symbol: the one that was asked for, the one of its session, or a guess.
    fn of(&self, symbol: Symbol) -> Result<TimeZone, String> {
        if let Some((zone, _)) = self.known.borrow().get(&symbol) {
            return Ok(zone.clone());
        }
        let stored = self
            .reader
            .zone(symbol)
            .map_err(|failure| failure.to_string())?;
        let is_new = stored.is_none();
        let zone = match (&self.said, stored) {
            (Some(said), _) => said.clone(),
            (None, Some(stored)) => stored,
            (None, None) => guessed_zone(symbol),
        };
        // Where its session says something else, that counts for its days.
        self.known
            .borrow_mut()
            .insert(symbol, (zone.clone(), is_new));
        Ok(zone)
    }

    fn is_full(&self, symbol: Symbol) -> bool {
        let known = self.known.borrow();
        known.len() >= MAX_SYMBOLS && !known.contains_key(&symbol)
    }

    /// Takes whether the archive has yet to be told the zone of a symbol.
    fn take_new(&self, symbol: Symbol) -> Option<TimeZone> {
        let mut known = self.known.borrow_mut();
        let (zone, is_new) = known.get_mut(&symbol)?;
        std::mem::take(is_new).then(|| zone.clone())
    }
}

/// Stocks of the US have up to five letters and a class or a suffix, and coins are pairs.
fn guessed_zone(symbol: Symbol) -> TimeZone {
    let name = symbol.as_str();
    let is_sign = |c: char| matches!(c, '.' | '-' | '/' | '$' | '+' | '#' | '*' | '~' | '!' | '%');
    let stock = name.split(is_sign).next().unwrap_or_default();
    let class = &name[stock.len()..];
    if !stock.is_empty()
        && stock.len() <= 5
        && class.len() <= 2
        && stock.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        sessions::Calendar::UsStocks.zone().clone()
    } else {
        TimeZone::UTC
    }
}

/// How a file is going to be read.
struct Plan {
    columns: Columns,
    width: usize,
    format: TimeFormat,
    interval: Interval,
    symbol: Option<Symbol>,
    /// Whether it counts in place of what a column says.
    renames: bool,
    earliest: Millis,
    latest: Millis,
    numbers: Numbers,
    scale: Option<Decimal>,
    /// The zone of days that are numbers since 1970; UTC where nobody asked for another one.
    epoch_zone: Option<TimeZone>,
    delimiter: u8,
    /// Whether the first line says what the columns are.
    has_header: bool,
    described: String,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.columns.kind {
            Kind::Bars => write!(f, "bars of {}", self.interval)?,
            Kind::Trades => f.write_str("trades")?,
        }
        write!(f, ", {}; times as {}", self.described, self.format)
    }
}

impl Plan {
    /// The plan for a file that can be opened as often as is needed.
    fn of(
        open: &dyn Fn() -> Result<Source, String>,
        options: &ImportOptions,
        named: Option<Date>,
        now: Millis,
    ) -> Result<Self, String> {
        let unreadable = |error: io::Error| format!("cannot be read: {error}");
        let mut first = Lines::new(open()?, b'\0');
        // The header as one field: its delimiter is not known yet.
        match first.next().map_err(unreadable)? {
            None => return Err("is empty: expected a header and lines".to_owned()),
            Some(Line::Refused(why)) => return Err(format!("{why}: expected a header")),
            Some(Line::Record) => {}
        }
        let delimiter = delimiter_of(&first.text());
        let mut lines = Lines::new(open()?, delimiter);
        lines.next().map_err(unreadable)?;
        let header: Vec<String> = (0..lines.len())
            .map(|column| lines.field(column).unwrap_or_default().to_owned())
            .collect();
        let mapping = options.columns.clone().unwrap_or_default();
        let columns = Columns::find(&header, &mapping)?;
        let time = columns.at(Role::Time).unwrap_or_default();
        let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let has_header = !(mapping.is_by_number() && begins_with_digit(&header[time]));
        if options.symbol.is_none() && columns.at(Role::Symbol).is_none() {
            return Err(
                "no column says the symbol: expected --symbol, or symbol= in --columns".to_owned(),
            );
        }

        let mut sample: Vec<(String, Option<String>, Option<String>)> = Vec::new();
        let mut bytes = 0;
        let mut is_empty = true;
        let mut more = if has_header {
            lines.next()
        } else {
            Ok(Some(Line::Record))
        };
        while let Some(line) = more.map_err(unreadable)? {
            is_empty = false;
            if line == Line::Record {
                let record = Record {
                    lines: &lines,
                    columns: &columns,
                };
                let text = |role| record.some(role).ok().flatten().map(str::to_owned);
                if let Some(time) = text(Role::Time) {
                    bytes += time.len();
                    sample.push((time, text(Role::Clock), text(Role::Symbol)));
                }
            }
            if sample.len() >= SAMPLE || bytes >= SAMPLE_BYTES {
                break;
            }
            more = lines.next();
        }
        if is_empty {
            return Err("has a header and nothing else: expected lines".to_owned());
        }
        let format = match (&options.time_format, named) {
            (Some(TimeFormat::SinceMidnight(None)), None) => {
                return Err(
                    "its name has no day, and times are milliseconds since midnight: expected a name such as 20240102_trade.csv".to_owned(),
                );
            }
            (Some(TimeFormat::SinceMidnight(None)), day) => TimeFormat::SinceMidnight(day),
            (Some(format), _) => format.clone(),
            (None, _) => TimeFormat::guess(sample.iter().map(|(time, _, _)| time.as_str()))?,
        };
        // A guessed unit may be another one in a line that is none of the sample.
        let earliest = if options.time_format.is_none() && format.is_epoch() {
            UNAMBIGUOUS
        } else {
            0
        };
        let interval = match (columns.kind, options.interval) {
            (Kind::Trades, Some(_)) => {
                return Err("--interval is of bars, but there are trades in it".to_owned());
            }
            // It is not asked for.
            (Kind::Trades, None) => Interval::Second,
            (Kind::Bars, Some(interval)) => interval,
            (Kind::Bars, None) => guess::interval(&format, &sample, &midnights(&options.zone))?,
        };
        Ok(Plan {
            described: columns.describe(if has_header { &header } else { &[] }),
            columns,
            width: header.len(),
            format,
            interval,
            symbol: options.symbol,
            // What was asked for counts more than a column that was guessed.
            renames: options.symbol.is_some() && !mapping.says(Role::Symbol),
            earliest,
            latest: now.saturating_add(clock::MAX_DAY_AHEAD),
            numbers: options.numbers,
            scale: options.scale,
            epoch_zone: options.zone.clone(),
            delimiter,
            has_header,
        })
    }
}

/// What came of one file.
#[derive(Debug, Default)]
struct One {
    written: Written,
    refusals: Refusals,
    symbols: BTreeMap<Symbol, u64>,
    span: Option<(Date, Date)>,
    splits: u64,
    dividends: u64,
}

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written { new, changed, same } = self.written;
        write!(f, "{} lines taken", new + changed + same)?;
        match (self.symbols.len(), self.symbols.first_key_value()) {
            (1, Some((symbol, _))) => write!(f, " of {symbol}")?,
            (0, _) => {}
            (count, _) => write!(f, " of {count} symbols")?,
        }
        if let Some((from, to)) = self.span {
            write!(f, " from {from} to {to}")?;
        }
        write!(f, ": {new} new, {changed} changed, {same} known before")?;
        if self.splits + self.dividends > 0 {
            write!(f, "; {} splits, {} dividends", self.splits, self.dividends)?;
        }
        write!(f, "; {}", self.refusals)
    }
}

/// What was refused of a file.
#[derive(Debug, Default)]
struct Refusals {
    count: u64,
    kinds: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused", self.count)?;
        for (nth, (kind, count)) in self.kinds.iter().enumerate() {
            let before = if nth == 0 { " (" } else { ", " };
            write!(f, "{before}{count} × {kind}")?;
        }
        if self.kinds.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl Refusals {
    fn add(&mut self, file: &Path, line: u64, refused: &rows::Refused, progress: &Progress) {
        self.count += 1;
        *self.kinds.entry(refused.kind).or_default() += 1;
        if self.count <= TOLD as u64 {
            progress.say(&format!("{}:{line}: {refused}", file.display()));
        } else if self.count == TOLD as u64 + 1 {
            progress.say(&format!(
                "{}: more lines are refused; they are counted",
                file.display()
            ));
        }
    }
}

/// What is written next.
#[derive(Default)]
struct Batch {
    bars: Vec<Bar>,
    prints: Vec<Print>,
    splits: Vec<Split>,
    dividends: Vec<Dividend>,
}

impl Batch {
    fn len(&self) -> usize {
        self.bars.len() + self.prints.len()
    }

    fn write(
        &mut self,
        interval: Interval,
        importer: &mut Importer,
    ) -> Result<Written, archive::Failure> {
        // Neighbours on the disk together; of the same bar twice, the last one still comes last. Trades
        // stay as they are in the file, because those of the same time are told apart by that.
        self.bars.sort_by_key(|bar| (bar.symbol, bar.start));
        let bars = importer.bars(interval, &self.bars)?;
        let prints = importer.trades(&self.prints)?;
        for split in &self.splits {
            importer.split(split)?;
        }
        for dividend in &self.dividends {
            importer.dividend(dividend)?;
        }
        *self = Batch::default();
        Ok(Written {
            new: bars.new + prints.new,
            changed: bars.changed + prints.changed,
            same: bars.same + prints.same,
        })
    }
}

fn take(file: &Path, plan: Plan, zones: &Zones, importer: &mut Importer) -> Result<One, String> {
    let (source, counted) = open(file)?;
    let mut lines = Lines::new(source, plan.delimiter);
    let progress = Progress::of(file, counted);
    let interval = plan.interval;
    let zone_of = |symbol| zones.of(symbol);
    let reading = Reading {
        columns: plan.columns,
        width: plan.width,
        format: plan.format,
        zone: &zone_of,
        interval,
        symbol: plan.symbol,
        renamed: plan.renames.then(OnceCell::new),
        earliest: plan.earliest,
        latest: plan.latest,
        numbers: plan.numbers,
        scale: plan.scale,
        epoch_zone: plan.epoch_zone.unwrap_or(TimeZone::UTC),
    };
    let mut one = One::default();
    let mut batch = Batch::default();
    let mut skip = plan.has_header;
    loop {
        let line = lines.next().map_err(|error| {
            format!(
                "cannot be read after line {}: {error}; what came before is in",
                lines.number()
            )
        })?;
        let Some(line) = line else { break };
        if std::mem::take(&mut skip) {
            continue;
        }
        let row = match line {
            Line::Record => reading.row(&lines),
            Line::Refused(why) => Err(why.into()),
        };
        let row = row.and_then(|row| {
            if zones.is_full(row.symbol()) {
                return Err(rows::Refused::symbols(MAX_SYMBOLS));
            }
            Ok(row)
        });
        match row {
            Err(refused) => one.refusals.add(file, lines.number(), &refused, &progress),
            Ok(row) => {
                let symbol = row.symbol();
                *one.symbols.entry(symbol).or_default() += 1;
                one.see(&row, &zones.of(symbol)?);
                if let Some(zone) = zones.take_new(symbol) {
                    importer
                        .zone(symbol, &zone)
                        .map_err(|failure| failure.to_string())?;
                }
                batch.add(row, &mut one);
            }
        }
        if batch.len() >= BATCH {
            let written = batch
                .write(interval, importer)
                .map_err(|failure| failure.to_string())?;
            one.add(written);
            progress.at(lines.number());
        }
    }
    let written = batch
        .write(interval, importer)
        .map_err(|failure| failure.to_string())?;
    one.add(written);
    progress.end();
    Ok(one)
}

impl One {
    fn add(&mut self, written: Written) {
        self.written.new += written.new;
        self.written.changed += written.changed;
        self.written.same += written.same;
    }

    fn see(&mut self, row: &Row, zone: &TimeZone) {
        let time = match row {
            Row::Bar { bar, .. } => bar.start,
            Row::Trade { time, .. } => *time,
        };
        let moment = i64::try_from(time).ok();
        let moment = moment.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
        if let Some(day) = moment.map(|moment| zone.to_datetime(moment).date()) {
            let (from, to) = self.span.unwrap_or((day, day));
            self.span = Some((from.min(day), to.max(day)));
        }
    }
}

impl Batch {
    fn add(&mut self, row: Row, one: &mut One) {
        match row {
            Row::Trade {
                symbol,
                time,
                trade,
                feed,
            } => self.prints.push(Print {
                symbol,
                time,
                trade,
                feed,
            }),
            Row::Bar {
                bar,
                split,
                dividend,
            } => {
                let (symbol, time) = (bar.symbol, bar.start);
                if let Some(ratio) = split {
                    one.splits += 1;
                    self.splits.push(Split {
                        symbol,
                        time,
                        ratio,
                    });
                }
                if let Some(amount) = dividend {
                    one.dividends += 1;
                    self.dividends.push(Dividend {
                        symbol,
                        time,
                        amount,
                    });
                }
                self.bars.push(bar);
            }
        }
    }
}
