//! [Parquet](https://parquet.apache.org/docs/file-format/).

use std::{fmt::Write as _, io::Write, sync::Arc};

use jiff::civil::date;
use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArrayType, DataType, FixedLenByteArrayType, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use rust_decimal::Decimal;

use super::{
    problem::Problem,
    table::{Cell, Column, Kind, Table},
};

/// How many rows are compressed together, and held in memory.
const ROWS: usize = 50_000;

/// The digits of a `DECIMAL` of 16 bytes.
const DIGITS: u32 = 38;

pub(super) fn write(table: &Table, out: &mut (impl Write + Send)) -> Result<(), Problem> {
    let scales = scales(table)?;
    let schema = parse_message_type(&schema(&table.columns, &scales))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    table.rows(&mut |cells| {
        rows.push(cells.to_vec());
        if rows.len() == ROWS {
            group(&mut file, table, &scales, &rows)?;
            rows.clear();
        }
        Ok(())
    })?;
    if !rows.is_empty() {
        group(&mut file, table, &scales, &rows)?;
    }
    file.close()?;
    Ok(())
}

/// The most digits after the point in each column. It takes a separate reading, because the head of the file has them.
fn scales(table: &Table) -> Result<Vec<u32>, Problem> {
    let mut scales = vec![0; table.columns.len()];
    table.rows(&mut |cells| {
        for (scale, cell) in scales.iter_mut().zip(cells) {
            if let Cell::Decimal(number) = cell {
                *scale = number.scale().max(*scale);
            }
        }
        Ok(())
    })?;
    Ok(scales)
}

fn schema(columns: &[Column], scales: &[u32]) -> String {
    let mut schema = String::from("message tickertape {\n");
    for (column, scale) in columns.iter().zip(scales) {
        let repetition = if column.optional {
            "OPTIONAL"
        } else {
            "REQUIRED"
        };
        let name = column.name;
        // Writing to a String cannot fail.
        let _ = match column.kind {
            Kind::Text => writeln!(schema, "{repetition} BYTE_ARRAY {name} (STRING);"),
            Kind::Time => writeln!(
                schema,
                "{repetition} INT64 {name} (TIMESTAMP(MILLIS,true));"
            ),
            Kind::Day => writeln!(schema, "{repetition} INT32 {name} (DATE);"),
            Kind::Whole => writeln!(schema, "{repetition} INT64 {name};"),
            Kind::Decimal => writeln!(
                schema,
                "{repetition} FIXED_LEN_BYTE_ARRAY (16) {name} (DECIMAL({DIGITS},{scale}));"
            ),
        };
    }
    schema.push('}');
    schema
}

/// Writes rows as one row group.
fn group<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    table: &Table,
    scales: &[u32],
    rows: &[Vec<Cell>],
) -> Result<(), Problem> {
    let mut group = file.next_row_group()?;
    for (at, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[at]);
        let levels: Option<Vec<i16>> = column.optional.then(|| {
            cells
                .clone()
                .map(|cell| i16::from(*cell != Cell::None))
                .collect()
        });
        let levels = levels.as_deref();
        match column.kind {
            Kind::Text => put::<ByteArrayType, W>(
                &mut group,
                cells.filter_map(|cell| match cell {
                    Cell::Text(text) => Some(Ok(text.as_str().into())),
                    _ => None,
                }),
                levels,
            ),
            Kind::Time => put::<Int64Type, W>(
                &mut group,
                cells.filter_map(|cell| match cell {
                    Cell::Time(time) => Some(Ok(time.as_millisecond())),
                    _ => None,
                }),
                levels,
            ),
            Kind::Day => put::<Int32Type, W>(
                &mut group,
                cells.filter_map(|cell| match cell {
                    Cell::Day(day) => Some(Ok((*day - date(1970, 1, 1)).get_days())),
                    _ => None,
                }),
                levels,
            ),
            Kind::Whole => put::<Int64Type, W>(
                &mut group,
                cells.filter_map(|cell| match cell {
                    Cell::Whole(number) => Some(whole(*number, column)),
                    _ => None,
                }),
                levels,
            ),
            Kind::Decimal => put::<FixedLenByteArrayType, W>(
                &mut group,
                cells.filter_map(|cell| match cell {
                    Cell::Decimal(number) => Some(decimal(*number, scales[at], column)),
                    _ => None,
                }),
                levels,
            ),
        }?;
    }
    group.close()?;
    Ok(())
}

fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Result<T::T, Problem>>,
    levels: Option<&[i16]>,
) -> Result<(), Problem> {
    let values: Vec<T::T> = values.collect::<Result<_, _>>()?;
    let mut column = group
        .next_column()?
        .ok_or_else(|| Problem::Other("the schema has less columns than a row".to_owned()))?;
    column.typed::<T>().write_batch(&values, levels, None)?;
    column.close()?;
    Ok(())
}

fn whole(number: u64, column: &Column) -> Result<i64, Problem> {
    i64::try_from(number).map_err(|_| {
        Problem::Other(format!(
            "{} {number} is too large for Parquet: expected at most {}",
            column.name,
            i64::MAX
        ))
    })
}

/// The unscaled number, in big-endian order.
fn decimal(
    number: Decimal,
    scale: u32,
    column: &Column,
) -> Result<parquet::data_type::FixedLenByteArray, Problem> {
    let too_long = || {
        Problem::Other(format!(
            "{} {number} has more than {DIGITS} digits together with the {scale} after the point that others have: expected less, as in a shorter span or in CSV",
            column.name
        ))
    };
    // It was added since the scales were read.
    let missing = scale.checked_sub(number.scale()).ok_or_else(|| {
        Problem::Other("the archive has changed while it was read: try again".to_owned())
    })?;
    let unscaled = 10_i128
        .checked_pow(missing)
        .and_then(|factor| number.mantissa().checked_mul(factor))
        .filter(|unscaled| unscaled.unsigned_abs() < 10_u128.pow(DIGITS))
        .ok_or_else(too_long)?;
    Ok(unscaled.to_be_bytes().to_vec().into())
}
