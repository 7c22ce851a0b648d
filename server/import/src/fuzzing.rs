//! The parts of the targets under `server/fuzz` that concern imports.

use std::io;

use market::Symbol;

use crate::{
    lines::{Line, Lines},
    numbers::Numbers,
    options::ImportOptions,
    plan::Plan,
    rows,
    source::Source,
    time::TimeFormat,
    zones::guessed_zone,
};
use events::testing::through;
use sessions::Calendar;

const NOW: u64 = 1_790_000_000_000;

/// Reads a file as an import would. Its first line has the options: columns, format of times and interval, separated by
/// `;`.
pub fn file(bytes: &[u8]) {
    // Files with a column of symbols, and without one.
    for symbol in [None, "ANY".parse().ok()] {
        read(bytes, symbol);
    }
}

fn read(bytes: &[u8], symbol: Option<Symbol>) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (options, file) = bytes.split_at(end.map_or(0, |end| end + 1));
    let options = String::from_utf8_lossy(options);
    let mut options = options.trim_end().split(';');
    let mut next = || options.next().filter(|text| !text.is_empty());
    let options = ImportOptions {
        files: Vec::new(),
        columns: next().and_then(|text| text.parse().ok()),
        time_format: next().and_then(|text| text.parse().ok()),
        interval: next().and_then(|text| text.parse().ok()),
        symbol,
        zone: None,
        numbers: Numbers::Point,
        scale: None,
    };
    let open = || Ok(Box::new(io::Cursor::new(file.to_vec())) as Source);
    let Ok(plan) = Plan::of(&open, &options, None, NOW) else {
        return;
    };
    assert!(!plan.to_string().is_empty());
    let mut lines = Lines::new(file, plan.delimiter);
    let (latest, width) = (plan.latest, plan.width);
    let zone = |symbol| Ok(guessed_zone(symbol));
    let reading = plan.into_reading(&zone);
    let mut number = 0;
    while let Ok(Some(line)) = lines.next() {
        assert!(lines.number() > number);
        number = lines.number();
        assert!(lines.text().chars().count() <= 120);
        let Line::Record = line else { continue };
        // The fields of a record are in the line.
        for column in 0..=lines.len() {
            let _ = lines.field(column);
        }
        let row = reading.row(&lines);
        through(usize::from(row.is_ok()));
        match row {
            Ok(rows::Row::Bar { bar, .. }) => {
                assert!(bar.start <= latest && lines.len() >= width);
                assert!(bar.low <= bar.open && bar.open <= bar.high);
                assert!(bar.low <= bar.close && bar.close <= bar.high);
            }
            Ok(rows::Row::Trade { time, .. }) => assert!(time <= latest),
            Err(refused) => assert!(refused.to_string().len() < 4096),
        }
    }
}

/// Parses a time in each of the formats, and in a pattern.
pub fn time(pattern: &str, text: &str) {
    let zone = Calendar::UsStocks.zone();
    for format in ["iso", "s", "ms", "us", "ns", "excel", "%Y%m%d", pattern] {
        if let Ok(format) = format.parse::<TimeFormat>() {
            for clock in [None, Some(text)] {
                let stamp = format.parse(text, clock);
                let _ = stamp.map(|stamp| (stamp.day(zone), stamp.millis(zone)));
            }
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }
    if let Ok(format) = TimeFormat::guess([text, text].into_iter()) {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
}
