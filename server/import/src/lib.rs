//! `tickertape import`: history from CSV files into the archive.
//!
//! A line is a bar or a trade, and either is imported unchanged or refused with its number and the reason, without
//! affecting other lines. The columns of a file, its format of times and the length of its bars are inferred from its
//! beginning, reported, and can be overridden.

mod batch;
mod columns;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod guess;
mod lines;
mod numbers;
mod options;
mod outcome;
mod plan;
mod progress;
mod record;
mod refused;
mod rows;
mod source;
mod time;
mod zones;

use std::{fmt, io::Write, path::Path};

use archive::{Importer, Written};
use jiff::{civil::Date, tz::TimeZone};
use market::Millis;

use self::{
    batch::Batch,
    lines::{Line, Lines},
    outcome::One,
    plan::Plan,
    progress::Progress,
    refused::Refused,
    source::open,
    zones::{MAX_SYMBOLS, Zones},
};

pub use self::{
    columns::Mapping,
    numbers::Numbers,
    options::ImportOptions,
    time::{Stamp, TimeFormat},
};

/// The result of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// The results of the accepted lines.
    pub written: Written,
    /// How many lines were refused.
    pub refused: u64,
}

/// How many rows are written in one transaction.
const BATCH: usize = 10_000;

/// The day in a file's name, `20240102_trade.zip`.
fn date_in(file: &Path) -> Option<Date> {
    let name = file.file_name()?.to_str()?;
    name.split(|c: char| !c.is_ascii_digit())
        .find_map(|digits| TimeFormat::Compact.parse(digits, None))
        .map(|stamp| stamp.day(&TimeZone::UTC))
}

/// Imports files into the archive of that name in a folder, one after another. Its actions are written to `out`;
/// refused lines and progress to the standard error.
///
/// # Errors
/// If a file cannot be read or understood, or the archive cannot be written. Rows that were accepted before are in the
/// archive; repeating the import continues it.
pub fn import(
    options: &ImportOptions,
    folder: &Path,
    name: &str,
    now: Millis,
    out: &mut dyn Write,
) -> Result<Imported, String> {
    let mut importer = Importer::open(folder, name).map_err(|error| error.to_string())?;
    let reader = archive::Reader::open(folder, name).map_err(|error| error.to_string())?;
    print(out, &format!("into {}", folder.join(name).display()))?;
    let zones = Zones::new(options.zone.clone(), reader);
    let mut total = Imported::default();
    for file in &options.files {
        let named = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        let reopen = || open(file).map(|(source, _)| source);
        let plan = Plan::of(&reopen, options, date_in(file), now).map_err(|error| named(&error))?;
        print(out, &format!("{}: {plan}", file.display()))?;
        let one = take(file, plan, &zones, &mut importer).map_err(|error| named(&error))?;
        print(out, &format!("{}: {one}", file.display()))?;
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
    Ok(total)
}

fn print(out: &mut dyn Write, text: &str) -> Result<(), String> {
    writeln!(out, "{text}").map_err(|error| format!("cannot write the report: {error}"))
}

fn take(file: &Path, plan: Plan, zones: &Zones, importer: &mut Importer) -> Result<One, String> {
    let (source, counted) = open(file)?;
    let mut lines = Lines::new(source, plan.delimiter);
    let progress = Progress::of(file, counted);
    let interval = plan.interval;
    let mut skip = plan.has_header;
    let zone_of = |symbol| zones.of(symbol);
    let reading = plan.into_reading(&zone_of);
    let mut one = One::default();
    let mut batch = Batch::default();
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
                return Err(Refused::symbols(MAX_SYMBOLS));
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
