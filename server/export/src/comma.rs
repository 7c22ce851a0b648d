//! CSV, after [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) but for its line ends.

use std::io::{self, Write};

use super::{
    problem::Problem,
    table::{Cell, Table},
};
use text::cell::escaped;

pub(super) fn write(table: &Table, out: &mut impl Write) -> Result<(), Problem> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(table.columns.iter().map(|column| column.name))
        .map_err(output)?;
    let mut texts: Vec<String> = vec![String::new(); table.columns.len()];
    table.rows(&mut |cells| {
        for (text, cell) in texts.iter_mut().zip(cells) {
            text.clear();
            put(text, cell);
        }
        csv.write_record(&texts).map_err(output)
    })?;
    csv.flush()?;
    Ok(())
}

fn put(text: &mut String, cell: &Cell) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match cell {
        Cell::None => Ok(()),
        Cell::Text(cell) => write!(text, "{}", escaped(cell)),
        // Milliseconds, always three digits: such texts sort as their times do.
        Cell::Time(cell) => write!(text, "{cell:.3}"),
        Cell::Day(cell) => write!(text, "{cell}"),
        Cell::Whole(cell) => write!(text, "{cell}"),
        Cell::Decimal(cell) => write!(text, "{cell}"),
    };
}

fn output(error: csv::Error) -> Problem {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Problem::Output(error),
        other => Problem::Output(io::Error::other(format!("{other:?}"))),
    }
}
