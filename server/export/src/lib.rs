//! `tickertape export`: the archive's content as CSV or Parquet.
//!
//! CSV has every number with the digits that its source gave, and `tickertape import` reads bars and trades back from
//! it: exporting them again gives the same file. In Parquet numbers are `DECIMAL`s with as many digits after the point
//! as the longest of the column, so that they are exact and can be calculated with.

mod comma;
mod options;
mod parquet;
mod problem;
mod table;

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use market::Symbol;

pub use self::options::{Bound, ExportOptions, Format, What};
use self::{problem::Problem, table::Table};

/// Exports from the archive of that name in a folder.
///
/// # Errors
/// If the archive cannot be read or the file cannot be written, or the archive has nothing of a named symbol; the data
/// of the others is written all the same.
pub fn export(options: &ExportOptions, folder: &Path, name: &str) -> Result<(), String> {
    let format = options.format();
    let reader = archive::Reader::open(folder, name).map_err(|error| error.to_string())?;
    let missing = missing(options, &reader).map_err(|failure| failure.to_string())?;
    let of_them = || {
        let names: Vec<&str> = missing.iter().map(Symbol::as_str).collect();
        format!(
            "the archive has no {} of {}",
            options.what.plural(),
            names.join(", ")
        )
    };
    if !missing.is_empty() && missing.len() == options.symbols.len() {
        return Err(of_them());
    }
    write_all(options, format, reader)?;
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{}; what it has of the others is written",
            of_them()
        ))
    }
}

/// The requested symbols of which the archive has nothing at all.
fn missing(
    options: &ExportOptions,
    reader: &archive::Reader,
) -> Result<Vec<Symbol>, archive::Failure> {
    let known = match options.what {
        What::News => Vec::new(),
        What::Bars | What::Trades | What::Quotes if options.symbols.is_empty() => Vec::new(),
        What::Bars | What::Trades | What::Quotes => reader.symbols()?,
    };
    let mut missing = Vec::new();
    for symbol in &options.symbols {
        let is_there = match options.what {
            What::News => {
                let query = archive::NewsQuery {
                    symbols: vec![*symbol],
                    limit: 1,
                    ..archive::NewsQuery::default()
                };
                !reader.news(&query)?.is_empty()
            }
            What::Bars | What::Trades | What::Quotes => known.contains(symbol),
        };
        if !is_there && !missing.contains(symbol) {
            missing.push(*symbol);
        }
    }
    Ok(missing)
}

fn write_all(
    options: &ExportOptions,
    format: Format,
    reader: archive::Reader,
) -> Result<(), String> {
    let counted = reader.clone();
    let written = write(options, format, &Table::of(options, reader));
    match counted.unreadable() {
        (0, 0) => {}
        (damaged, newer) => eprintln!(
            "{damaged} damaged rows and {newer} of a newer version are left out; tickertape repair may restore some"
        ),
    }
    written
}

fn write(options: &ExportOptions, format: Format, table: &Table) -> Result<(), String> {
    let Some(file) = &options.output else {
        if format == Format::Parquet {
            return Err(
                "Parquet is not for the standard output: expected --output FILE".to_owned(),
            );
        }
        let written = comma::write(table, &mut BufWriter::new(io::stdout().lock()));
        return match written {
            // The reader has closed its end, as `head` does.
            Err(Problem::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|problem| problem.in_words("the standard output")),
        };
    };
    let shown = file.display().to_string();
    write_file(file, |out| match format {
        Format::Csv => comma::write(table, out),
        Format::Parquet => parquet::write(table, out),
    })
    .map_err(|problem| problem.in_words(&shown))
}

/// Writes a file beside its place and moves it there when it is complete. A link is followed; a pipe or device
/// (`/dev/stdout`) is written to directly.
fn write_file(
    file: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let target = fs::canonicalize(file);
    let file = target.as_deref().unwrap_or(file);
    if fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        let mut out = BufWriter::new(File::options().write(true).open(file)?);
        write(&mut out)?;
        return Ok(out.flush()?);
    }
    let mut beside: OsString = file.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let mut out = BufWriter::new(File::create(&beside)?);
    let written = write(&mut out).and_then(|()| {
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(fs::rename(&beside, file)?)
    });
    if written.is_err() {
        // The rest of it is of no use; the failure is reported already.
        let _ = fs::remove_file(&beside);
    }
    written
}
