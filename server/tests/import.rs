//! `tickertape import` and `tickertape export`, from the command line and as a library.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use archive::{Archive, Importer, Options, Print, Reader, Split};
use clap::Parser;
use import::Imported;
use jiff::{Timestamp, civil::Date};
use market::{Interval, Millis, Price, Symbol, Trade, TradeEligibility};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use proptest::prelude::*;
use server::commands::ImportCommand;
use sessions::{Calendar, adjust_for_splits, previous_close};

/// A folder of this test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickertape-import-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A folder of a killed process with the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.0.join(name);
        fs::write(&file, content).unwrap();
        file.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.0.join("data"), "tickertape.db").unwrap()
    }

    fn importer(&self) -> Importer {
        Importer::open(&self.0.join("data"), "tickertape.db").unwrap()
    }

    /// Runs the program with an archive in this folder.
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(arguments)
            .env("TICKERTAPE_DATA", self.0.join("data"))
            .output()
            .unwrap()
    }

    /// Runs it, expects success, and returns its output.
    fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, errors) = texts(&output);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {out}{errors}"
        );
        out
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn millis(text: &str) -> Millis {
    text.parse::<Timestamp>().unwrap().as_millisecond() as Millis
}

/// The recording of that name, or `None` where recordings are not at hand.
fn recording(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TICKERTAPE_RECORDINGS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(name);
    if file.exists() {
        return Some(file);
    }
    println!(
        "skipped: {} is not there; TICKERTAPE_RECORDINGS names the folder",
        file.display()
    );
    None
}

#[test]
fn recorded_daily_bars_go_in_with_no_option_and_are_what_another_program_reads() {
    let Some(recording) = recording("daily-bars-5-stocks.csv.gz") else {
        return;
    };
    let folder = Folder::new();
    let recording = recording.display().to_string();
    let output = folder.output(&["import", &recording]);
    assert!(
        output.contains("3634 lines taken of 5 symbols from 2015-01-02 to 2017-12-29: 3634 new, 0 changed, 0 known before; 0 splits, 23 dividends; 0 refused"),
        "{output}"
    );
    let exported = folder.output(&["export", "bars"]);
    let mut lines = exported.lines();
    assert_eq!(
        lines.next(),
        Some("symbol,time,open,high,low,close,volume,vwap,trades,split,dividend")
    );
    let ours: Vec<String> = lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let dividend = if fields[10].is_empty() {
                "0.0"
            } else {
                fields[10]
            };
            format!("{},{dividend}", fields[..7].join(","))
        })
        .collect();

    let program = "
import csv, gzip, sys
rows = csv.DictReader(gzip.open(sys.argv[1], 'rt'))
names = 'Stock Date Open High Low Close Volume ExDividend'.split()
for row in sorted([row[name] for name in names] for row in rows):
    print(','.join(row))
";
    let Ok(python) = Command::new("python3")
        .args(["-c", program, &recording])
        .output()
    else {
        println!("skipped: there is no python3 to compare with");
        return;
    };
    let (theirs, errors) = texts(&python);
    assert!(python.status.success(), "{errors}");
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(ours.len(), 3634);
    assert_eq!(ours, theirs);
    // A day begins at midnight in New York.
    let day = folder
        .reader()
        .bars(symbol("AAPL"), Interval::Day, 0..u64::MAX >> 1, 1)
        .unwrap();
    assert_eq!(day[0].start, millis("2017-12-29T05:00Z"));

    // Twice has the same result as once.
    let output = folder.output(&["import", &recording]);
    assert!(
        output.contains(": 0 new, 0 changed, 3634 known before"),
        "{output}"
    );
    assert_eq!(folder.output(&["export", "bars"]), exported);
}

#[test]
fn a_symbol_that_is_asked_for_counts_more_than_a_column_that_was_guessed() {
    let folder = Folder::new();
    let lines = "Ticker,Date,Open,High,Low,Close\n\
        AAPL.US,2024-01-02,10,11,9,10.5\n\
        MSFT.US,2024-01-02,20,21,19,20.5\n\
        AAPL.US,2024-01-03,10,11,9,10.6\n";
    let file = folder.file("days.csv", lines);
    let output = folder.run(&["import", &file, "--symbol", "AAPL"]);
    let (out, errors) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{out}{errors}");
    let refused = ":3: \"MSFT.US\" is another symbol than \"AAPL.US\": expected one in the whole file, because --symbol names it";
    assert!(errors.contains(refused), "{errors}");
    let closes = |symbol: &str| -> Vec<String> {
        let bars = folder.output(&["export", "bars", "--symbol", symbol]);
        let closes = bars
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(5).unwrap());
        closes.map(str::to_owned).collect()
    };
    assert_eq!(closes("AAPL"), ["10.5", "10.6"]);
    // A named column has it, and the option if that is empty.
    let empty = lines.replace("AAPL.US,2024-01-03", ",2024-01-03");
    let file = folder.file("more.csv", &empty);
    folder.output(&[
        "import",
        &file,
        "--columns",
        "symbol=Ticker",
        "--symbol",
        "GOOG",
    ]);
    assert_eq!(closes("AAPL.US"), ["10.5"]);
    assert_eq!(closes("MSFT.US"), ["20.5"]);
    assert_eq!(closes("GOOG"), ["10.6"]);
}

#[test]
fn symbols_as_venues_write_them_go_in_and_come_out() {
    let symbols = [
        "+TEST",
        "-TEST",
        "=TEST",
        "@107",
        "10USY.B",
        "AAC=",
        "ABR$D",
        "ACHR+",
        "BAC-A#",
        "BRK/A",
        "BTC/USDT",
        "M&M.NS",
        "T%*",
        "ZVZZT~",
        "^GSPC",
        "币安人生USDT",
    ];
    let mut content = String::from("Date,Open,High,Low,Close,Volume,Symbol\n");
    for symbol in symbols {
        let _ = writeln!(
            content,
            "2024-01-02,10,11,9,10.5,100,{}",
            symbol.to_lowercase()
        );
    }
    let folder = Folder::new();
    let file = folder.file("bars.csv", content);
    let output = folder.output(&["import", &file, "--zone", "UTC"]);
    assert!(output.contains("16 lines taken of 16 symbols"), "{output}");
    let exported = folder.output(&["export", "bars"]);
    let names: Vec<&str> = exported
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    // A text that a spreadsheet would run has an apostrophe in front.
    let mut expected = symbols.map(|symbol| match symbol.starts_with(['+', '-', '=', '@']) {
        true => format!("'{symbol}"),
        false => symbol.to_owned(),
    });
    expected.sort_by_key(|name| name.trim_start_matches('\'').to_owned());
    assert_eq!(names, expected);
    // And is the same symbol again after importing it.
    let file = folder.file("exported.csv", &exported);
    let output = folder.output(&["import", &file, "--zone", "UTC"]);
    assert!(
        output.contains("0 new, 0 changed, 16 known before"),
        "{output}"
    );
    for name in symbols {
        let bars = folder
            .reader()
            .bars(symbol(name), Interval::Day, 0..u64::MAX >> 1, 9);
        assert_eq!(bars.unwrap().len(), 1, "{name}");
    }
    let one = folder.output(&["export", "bars", "--symbol", "BRK/A,ACHR+"]);
    assert_eq!(one.lines().count(), 3, "{one}");
}

#[test]
fn what_is_wrong_is_refused_by_line_and_all_else_goes_in() {
    let folder = Folder::new();
    let mut content = String::from("Date,Open,High,Low,Close,Volume,Symbol\n");
    content.push_str("2024-01-02,10,11,9,10.5,100,AAPL\n");
    content.push_str("2024-01-03,ten,11,9,10.5,100,AAPL\n");
    content.push_str("2024-01-04,10,11,9,10.5,100,A|B\n");
    content.push_str("2024-01-05,10,9,11,10.5,100,AAPL\n");
    content.push_str("2024-02-30,10,11,9,10.5,100,AAPL\n");
    content.push_str("2024-01-08,10,11,9,,100,AAPL\n");
    content.push_str("2999-01-08,10,11,9,10,100,AAPL\n");
    content.push_str("1969-01-08,10,11,9,10,100,AAPL\n");
    content.push_str("2024-01-09,10,11,9,10,-100,AAPL\n");
    content.push_str("2024-01-09,0,11,0,10,100,AAPL\n");
    content.push_str("2024-01-10,10,11,9,\"10,100,AAPL\n");
    content.push_str("2024-01-11,10,11\n");
    content.push_str("2024-01-12,$10.00,11,9,10.5,,aapl,\n");
    let mut bytes = content.into_bytes();
    bytes.extend(b"2024-01-13,10,11,9,10.5,100,\xff\n");
    let file = folder.file("bars.csv", bytes);
    let output = folder.run(&["import", &file]);
    let (out, errors) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{out}{errors}");
    for line in [
        ":3: \"ten\" is not a price (open): expected digits with at most one point; --numbers point or comma reads 1,234.5, 1.234,5, 1.2M and 1e5",
        ":4: \"A|B\" is not a symbol: expected 1 to 24 letters, digits and ! # $ % & * + - . / : = @ ^ _ ~, without '|'",
        ":5: open 10, high 9, low 11, close 10.5: expected all within low and high",
        ":6: \"2024-02-30\" is not a time: expected a day or a time as in 2024-01-02 09:30",
        ":7: there is no close in the line",
        ":8: 2999-01-08 is in the future: expected a time that has come",
        ":9: 1969-01-08 is before 1970: expected a later time",
        ":10: the volume is -100: expected 0 or more",
        ":11: the open is 0: expected a price",
        ":12: a quote is not closed before the line's end",
        ":13: the line has 3 columns: expected 7 as in the first",
        ":15: the symbol is not UTF-8",
    ] {
        assert!(
            errors.contains(&format!("{file}{line}\n")),
            "{line}\n{errors}"
        );
    }
    assert!(
        errors.contains("12 lines were refused; all others were imported"),
        "{errors}"
    );
    assert!(out.contains("12 refused (1 × a negative size, 1 × a price of zero, 2 × a time out of range, 1 × an empty field, 1 × not UTF-8, 1 × not a number, 2 × not a record, 1 × not a symbol, 1 × not a time, 1 × prices that contradict each other)"), "{out}");
    let exported = folder.output(&["export", "bars"]);
    let expected = "symbol,time,open,high,low,close,volume,vwap,trades,split,dividend\n\
        AAPL,2024-01-02,10,11,9,10.5,100,,0,,\n\
        AAPL,2024-01-12,10.00,11,9,10.5,0,,0,,\n";
    assert_eq!(exported, expected);
}

#[test]
fn what_cannot_be_understood_is_said_and_nothing_goes_in() {
    let folder = Folder::new();
    for (content, arguments, words) in [
        ("", &[][..], "is empty: expected a header and lines"),
        (
            "a,b\n1,2\n",
            &[],
            "no column for time, open, high, low, close among \"a, b\"",
        ),
        (
            "Date,Open,High,Low,Close\n2024-01-02,1,1,1,1\n",
            &[],
            "expected --symbol",
        ),
        (
            "Date,Open,High,Low,Close\n01/02/2024,1,1,1,1\n",
            &["--symbol", "X"],
            "expected --time-format '%m/%d/%Y' or '%d/%m/%Y'",
        ),
        (
            "Time,Open,High,Low,Close\n1704189600,1,1,1,1\n",
            &["--symbol", "X"],
            "expected --interval with one of 1s, 1m, 5m, 15m, 1h, 1d",
        ),
        (
            "Time,Open,High,Low,Close\n1704189600,1,1,1,1\n1704189607,1,1,1,1\n",
            &["--symbol", "X"],
            "its bars are 7 s apart",
        ),
        (
            "time,price\n1704189600,1\n",
            &["--symbol", "X", "--interval", "1m"],
            "--interval is of bars",
        ),
    ] {
        let file = folder.file("strange.csv", content);
        let output = folder.run(&[&["import", &file][..], arguments].concat());
        let (out, errors) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{out}{errors}");
        assert!(errors.contains(words), "{words}: {errors}");
    }
    let missing = folder.path("missing.csv");
    let output = folder.run(&["import", &missing]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("missing.csv: cannot be opened"));
    for (arguments, words) in [
        (
            ["import", &missing, "--zone", "Nowhere"],
            "\"Nowhere\" is not a zone",
        ),
        (
            ["import", &missing, "--columns", "closing=1"],
            "is no column",
        ),
        (
            ["import", &missing, "--time-format", "ISO8601"],
            "is not a format of times",
        ),
    ] {
        let output = folder.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "as of every wrong option");
        assert!(texts(&output).1.contains(words), "{words}");
    }
    // A gzip that breaks off: the lines before are imported.
    if let Some(recording) = recording("daily-bars-5-stocks.csv.gz") {
        let whole = fs::read(recording).unwrap();
        let file = folder.file("cut.csv.gz", &whole[..whole.len() / 2]);
        let output = folder.run(&["import", &file]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            texts(&output).1.contains("what came before is in"),
            "{:?}",
            texts(&output)
        );
    }
}

#[test]
fn zones_intervals_and_columns_are_found_or_said() {
    let folder = Folder::new();
    // Minutes of a stock in New York's time, with day and time of day in two columns.
    let minutes = folder.file(
        "minutes.csv",
        "Date;Time;Open;High;Low;Close;Vol\n20240701;09:30;1;2;1;2;5\n20240701;09:31;2;2;2;2;5\n20240701;09:31:30;2;2;2;2;5\n",
    );
    let output = folder.run(&["import", &minutes, "--symbol", "GOOG", "--interval", "1m"]);
    assert_eq!(output.status.code(), Some(2));
    let (_, errors) = texts(&output);
    assert!(
        errors.contains(":4: \"20240701\" is not where a bar of 1m starts"),
        "{errors}"
    );
    let bars = folder.output(&["export", "bars", "--symbol", "GOOG", "--interval", "1m"]);
    let lines: Vec<&str> = bars.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "GOOG,2024-07-01T13:30:00.000Z,1,2,1,2,5,,0",
            "GOOG,2024-07-01T13:31:00.000Z,2,2,2,2,5,,0"
        ]
    );
    // And so the day is New York's.
    let day = folder.output(&["export", "bars", "--symbol", "GOOG"]);
    assert_eq!(day.lines().nth(1), Some("GOOG,2024-07-01,1,2,1,2,10,,0,,"));

    // Hours of a coin without a header, by number.
    let hours = folder.file(
        "hours.csv",
        "1719792000000,1,3,1,2,5,x\n1719795600000,2,3,1,2,5,x\n",
    );
    let columns = "time=1,open=2,high=3,low=4,close=5,volume=6";
    folder.output(&[
        "import",
        &hours,
        "--symbol",
        "BTC-USD",
        "--columns",
        columns,
        // Two lines may be minutes with few trades.
        "--interval",
        "1h",
    ]);
    let bars = folder.output(&["export", "bars", "--symbol", "BTC-USD", "--interval", "1h"]);
    assert_eq!(
        bars.lines().nth(1),
        Some("BTC-USD,2024-07-01T00:00:00.000Z,1,3,1,2,5,,0")
    );
    assert_eq!(bars.lines().count(), 3);

    // Days of a stock elsewhere.
    let days = folder.file("days.csv", "Date,Open,High,Low,Close\n01.07.2024,1,3,1,2\n");
    folder.output(&[
        "import",
        &days,
        "--symbol",
        "SAP",
        "--zone",
        "Europe/Berlin",
        "--time-format",
        "%d.%m.%Y",
    ]);
    let day = folder
        .reader()
        .bars(symbol("SAP"), Interval::Day, 0..u64::MAX >> 1, 9)
        .unwrap();
    assert_eq!(day[0].start, millis("2024-06-30T22:00Z"));
    // The zone is stored: the next file needs no option but the format.
    let more = folder.file("more.csv", "Date,Open,High,Low,Close\n2024-07-02,1,3,1,2\n");
    folder.output(&["import", &more, "--symbol", "SAP"]);
    let days = folder
        .reader()
        .bars(symbol("SAP"), Interval::Day, 0..u64::MAX >> 1, 9)
        .unwrap();
    assert_eq!(days[1].start, millis("2024-07-01T22:00Z"));
}

#[test]
fn what_cannot_be_understood_says_what_was_expected() {
    let folder = Folder::new();
    for (content, options, words) in [
        (
            "Date,Open,High,Low,Close\n",
            &[][..],
            "has a header and nothing else",
        ),
        (
            "Date,Open,High,Low,Close\nMonday,1,2,1,2\n",
            &[],
            "\"Monday\" is not a time as iso: expected --time-format",
        ),
        (
            "Date,Open,High,Low,Close\n2024-01-02,1,2,1,2\n",
            &["--time-format", "%Y/%m/%d"],
            "\"2024-01-02\" is not a time as %Y/%m/%d: expected --time-format",
        ),
        (
            "Date,Open,Open,High,Low,Close\n2024-01-02,1,1,2,1,2\n",
            &[],
            "2 columns are called \"Open\"",
        ),
    ] {
        let file = folder.file("odd.csv", content);
        let output = folder.run(&[&["import", &file, "--symbol", "AAPL"][..], options].concat());
        let (_, error) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_exported_into_and_not_replaced() {
    let folder = Folder::new();
    let days = "Date,Open,High,Low,Close\n2024-01-02,1,2,1,2\n";
    folder.output(&["import", &folder.file("a.csv", days), "--symbol", "AAPL"]);
    let expected = folder.output(&["export", "bars"]);
    assert!(expected.contains("AAPL,2024-01-02,1,2,1,2"), "{expected}");

    // A link is followed.
    let (link, target) = (folder.path("link.csv"), folder.file("target.csv", "old"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    folder.output(&["export", "bars", "--output", &link]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), expected);

    // A pipe is written to, and is a pipe afterwards.
    let pipe = folder.path("pipe.csv");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    folder.output(&["export", "bars", "--output", &pipe]);
    assert_eq!(reader.join().unwrap(), expected);
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn what_is_exported_and_imported_is_exported_the_same() {
    let folder = Folder::new();
    let trades = "time,symbol,price,size,id,moves,feed\n\
        1719840600000,AAPL,210.10,100,1,,\n\
        1719840600000,AAPL,210.1,100,2,,Alpaca\n\
        1719840600000,AAPL,210.3,100,2,,Finnhub\n\
        1719840600500,AAPL,210.2000,5,,,\n\
        1719840600500,AAPL,210.2000,5,,,\n\
        1719840601000,AAPL,300,7,,volume,\n\
        1719840601001,AAPL,1,,,none,\n\
        1719840660000,BTC-USD,61837.63000000,0.00000001,,,\n";
    let file = folder.file("trades.csv", trades);
    let output = folder.output(&["import", &file]);
    assert!(output.contains("8 lines taken of 2 symbols"), "{output}");
    let output = folder.output(&["import", &file]);
    assert!(
        output.contains("0 new, 0 changed, 8 known before"),
        "{output}"
    );
    let days = "symbol,time,open,high,low,close,volume,vwap,trades,split,dividend\n\
        GE,2021-07-30,13.02,13.05,12.95,12.95,1000.0,13.0100,12,,\n\
        GE,2021-08-02,103.9,104.1,103.1,103.6,900,,0,0.125,0.04\n";
    let file = folder.file("days.csv", days);
    folder.output(&["import", &file]);
    assert_eq!(folder.output(&["export", "bars", "--symbol", "GE"]), days);

    let expected = "symbol,time,price,size,id,moves,feed\n\
        AAPL,2024-07-01T13:30:00.000Z,210.10,100,1,,\n\
        AAPL,2024-07-01T13:30:00.000Z,210.1,100,2,,Alpaca\n\
        AAPL,2024-07-01T13:30:00.000Z,210.3,100,2,,Finnhub\n\
        AAPL,2024-07-01T13:30:00.500Z,210.2000,5,,,\n\
        AAPL,2024-07-01T13:30:00.500Z,210.2000,5,,,\n\
        AAPL,2024-07-01T13:30:01.000Z,300,7,,volume,\n\
        AAPL,2024-07-01T13:30:01.001Z,1,,,none,\n\
        BTC-USD,2024-07-01T13:31:00.000Z,61837.63000000,0.00000001,,,\n";
    let exported = folder.output(&["export", "trades"]);
    assert_eq!(exported, expected);
    let second = Folder::new();
    let file = second.file("trades.csv", &exported);
    second.output(&["import", &file]);
    assert_eq!(second.output(&["export", "trades"]), exported);

    // Bars that were made of the trades, of every interval.
    for interval in ["1s", "1m", "5m", "15m", "1h", "1d"] {
        let exported = folder.output(&["export", "bars", "--interval", interval]);
        assert!(exported.lines().count() >= 3, "{exported}");
        let third = Folder::new();
        let file = third.path("bars.csv");
        folder.output(&["export", "bars", "--interval", interval, "--output", &file]);
        assert_eq!(fs::read_to_string(&file).unwrap(), exported);
        third.output(&["import", &file, "--interval", interval]);
        let again = third.output(&["export", "bars", "--interval", interval]);
        assert_eq!(again, exported, "{interval}");
    }
    // A span, of one of them.
    let some = folder.output(&[
        "export",
        "trades",
        "--symbol",
        "AAPL",
        "--from",
        "2024-07-01T13:30:00.5Z",
        "--to",
        "2024-07-01T13:30:01Z",
    ]);
    assert_eq!(some.lines().count(), 3, "{some}");
}

#[test]
fn parquet_has_the_same_numbers() {
    let folder = Folder::new();
    let trades = "time,symbol,price,size,id,feed\n\
        1719840600000,AAPL,210.1,100,1,\n\
        1719840600500,AAPL,210.2525,,,\n\
        1719840601000,BTC-USD,-61837.63000001,0.5,7,Kraken\n";
    let file = folder.file("trades.csv", trades);
    folder.output(&["import", &file]);
    let parquet = folder.path("trades.parquet");
    folder.output(&["export", "trades", "-o", &parquet]);
    assert!(!Path::new(&folder.path("trades.parquet.part")).exists());
    let read = SerializedFileReader::new(fs::File::open(&parquet).unwrap()).unwrap();
    let decimal = |field: &Field| match field {
        Field::Decimal(decimal) => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(decimal.data());
            let number = i128::from_be_bytes(bytes);
            rust_decimal::Decimal::from_i128_with_scale(number, decimal.scale() as u32).to_string()
        }
        other => other.to_string(),
    };
    let rows: Vec<Vec<(String, String)>> = read
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let cell = |(name, field): (&String, &Field)| (name.clone(), decimal(field));
            row.get_column_iter().map(cell).collect()
        })
        .collect();
    let row = |values: [&str; 7]| {
        let names = ["symbol", "time", "price", "size", "id", "moves", "feed"];
        let cells = names.into_iter().zip(values);
        cells
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    let expected = [
        row([
            "\"AAPL\"",
            "2024-07-01 13:30:00.000 +00:00",
            "210.10000000",
            "100.0",
            "1",
            "null",
            "null",
        ]),
        row([
            "\"AAPL\"",
            "2024-07-01 13:30:00.500 +00:00",
            "210.25250000",
            "null",
            "null",
            "null",
            "null",
        ]),
        row([
            "\"BTC-USD\"",
            "2024-07-01 13:30:01.000 +00:00",
            "-61837.63000001",
            "0.5",
            "7",
            "null",
            "\"Kraken\"",
        ]),
    ];
    assert_eq!(rows, expected);

    let output = folder.run(&["export", "trades", "--format", "parquet"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("expected --output FILE"));
    let nowhere = folder.path("nowhere/x.csv");
    let output = folder.run(&["export", "trades", "-o", &nowhere]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("x.csv cannot be written"));
    let elsewhere = Folder::new();
    let output = elsewhere.run(&["export", "bars"]);
    assert_eq!(output.status.code(), Some(1), "there is no archive");
}

#[tokio::test]
async fn it_works_while_a_server_has_the_archive_open() {
    let folder = Folder::new();
    let now: archive::Clock = Arc::new(|| millis("2024-07-01T14:00Z"));
    let (archive, _) =
        Archive::open(&folder.0.join("data"), "tickertape.db", Options::new(now)).unwrap();
    let print = |at: &str, paid: &str| Print {
        symbol: symbol("AAPL"),
        time: millis(at),
        trade: Trade::new(price(paid), None),
        feed: None,
    };
    archive.trade(print("2024-07-01T13:59Z", "5"));
    let file = folder.file("days.csv", "Date,Open,High,Low,Close\n2024-06-28,1,3,1,2\n");
    folder.output(&["import", &file, "--symbol", "AAPL"]);
    archive.trade(print("2024-07-01T13:59:30Z", "6"));
    archive.close().await.unwrap();
    let days = folder.output(&["export", "bars", "--symbol", "AAPL"]);
    let closes: Vec<&str> = days.lines().skip(1).collect();
    assert_eq!(
        closes,
        [
            "AAPL,2024-06-28,1,3,1,2,0,,0,,",
            "AAPL,2024-07-01,5,6,5,6,0,,2,,"
        ]
    );
}

#[tokio::test]
async fn quotes_and_stories_are_exported_as_they_are() {
    let folder = Folder::new();
    let now: archive::Clock = Arc::new(|| millis("2024-07-01T14:00Z"));
    let (archive, opened) =
        Archive::open(&folder.0.join("data"), "tickertape.db", Options::new(now)).unwrap();
    let at = millis("2024-07-01T13:59Z");
    let mut quote = market::Quote::new(symbol("AAPL"), at);
    quote.price = Some(price("210.10"));
    quote.bid = Some(price("210.09"));
    let story = |id: &str, symbols: &[&str], headline: &str, published: Millis| market::News {
        id: id.to_owned(),
        kind: market::NewsType::PressRelease,
        basis: market::Basis::Native,
        action: market::Action::Created,
        symbols: symbols.iter().map(|text| symbol(text)).collect(),
        headline: headline.to_owned(),
        summary: None,
        url: Some("https://example.org/a?b=1,2".parse().unwrap()),
        source: "Test".to_owned(),
        published,
        form: None,
        accession: None,
        code: Some("T1".to_owned()),
    };
    let events = [
        market::Event::Quote(quote),
        market::Event::News(story("a:1", &["AAPL", "MSFT"], "Says \"yes\", and\nno", at)),
        market::Event::News(story("a:2", &[], "=cmd()", at + 60_000)),
    ];
    let events = events.into_iter().zip(0..).map(|(event, n)| {
        let n = u64::from(opened.mark) * 1000 + n;
        (tape::EventId { ms: at, n }, Arc::new(event))
    });
    archive.commit(events.collect()).await.unwrap();
    archive.close().await.unwrap();

    let quotes = folder.output(&["export", "quotes"]);
    let expected = "symbol,time,price,size,bid,bid_size,ask,ask_size,volume,high,low\n\
        AAPL,2024-07-01T13:59:00.000Z,210.10,,210.09,,,,,,\n";
    assert_eq!(quotes, expected);
    let header =
        "id,published,type,basis,symbols,headline,summary,url,source,form,accession,code\n";
    let first = "a:1,2024-07-01T13:59:00.000Z,press_release,native,AAPL MSFT,\"Says \"\"yes\"\", and no\",,\"https://example.org/a?b=1,2\",Test,,,T1\n";
    let second = "a:2,2024-07-01T14:00:00.000Z,press_release,native,,'=cmd(),,\"https://example.org/a?b=1,2\",Test,,,T1\n";
    assert_eq!(
        folder.output(&["export", "news"]),
        format!("{header}{second}{first}")
    );
    let of_one = folder.output(&["export", "news", "--symbol", "msft"]);
    assert_eq!(of_one, format!("{header}{first}"));
    let later = folder.output(&["export", "news", "--from", "2024-07-01T14:00:00Z"]);
    assert_eq!(later, format!("{header}{second}"));
    let parquet = folder.path("news.parquet");
    folder.output(&["export", "news", "-o", &parquet]);
    let read = SerializedFileReader::new(fs::File::open(&parquet).unwrap()).unwrap();
    assert_eq!(read.metadata().file_metadata().num_rows(), 2);
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn the_close_before_is_that_of_the_last_session() {
    let folder = Folder::new();
    let days = "Date,Open,High,Low,Close,Split\n\
        2024-05-23,1,9,1,2,1\n\
        2024-05-24,1,9,1,3,1\n\
        2024-05-28,1,9,1,4,1\n\
        2024-06-07,1,9,1,7.20,1\n\
        2024-06-10,0.1,9,0.1,0.72,10\n";
    let file = folder.file("days.csv", days);
    folder.output(&["import", &file, "--symbol", "NVDA"]);
    let reader = folder.reader();
    let close = |today: &str| {
        previous_close(&reader, symbol("NVDA"), Calendar::UsStocks, day(today))
            .unwrap()
            .map(|close| close.to_string())
    };
    assert_eq!(close("2024-05-24").as_deref(), Some("2"));
    // Memorial Day was the Monday; Tuesday counts from Friday.
    assert_eq!(close("2024-05-28").as_deref(), Some("3"));
    assert_eq!(close("2024-05-29").as_deref(), Some("4"));
    // There is no data of the session before.
    assert_eq!(close("2024-05-30"), None);
    // Ten to one on the Monday: Friday's close in the new shares, and Monday's as it is.
    assert_eq!(close("2024-06-10").as_deref(), Some("0.72"));
    assert_eq!(close("2024-06-11").as_deref(), Some("0.72"));
    // A chart has no cliff: 7.20 became 0.72 without a loss.
    let all = 0..u64::MAX >> 1;
    let bars = reader.bars(symbol("NVDA"), Interval::Day, all.clone(), 9);
    let mut bars = bars.unwrap();
    adjust_for_splits(&mut bars, &reader.splits(symbol("NVDA"), all).unwrap());
    let closes: Vec<String> = bars.iter().map(|bar| bar.close.to_string()).collect();
    assert_eq!(closes, ["0.2", "0.3", "0.4", "0.72", "0.72"]);
    // A split in a separate file counts as well.
    let split = Split {
        symbol: symbol("NVDA"),
        time: Calendar::UsStocks.start_of(day("2024-05-28")),
        ratio: "3".parse().unwrap(),
    };
    folder.importer().split(&split).unwrap();
    assert_eq!(close("2024-05-28").as_deref(), Some("1"));
}

#[test]
fn trading_after_the_session_does_not_make_its_close() {
    let folder = Folder::new();
    let mut importer = folder.importer();
    importer
        .zone(symbol("AAPL"), Calendar::UsStocks.zone())
        .unwrap();
    let print = |at: &str, paid: &str, moves| Print {
        symbol: symbol("AAPL"),
        time: millis(at),
        trade: Trade {
            moves,
            ..Trade::new(price(paid), None)
        },
        feed: None,
    };
    let prints = [
        print("2024-07-01T12:00Z", "1", TradeEligibility::ALL),
        print("2024-07-01T19:59:59.999Z", "2", TradeEligibility::ALL),
        print("2024-07-01T20:00Z", "3", TradeEligibility::ALL),
        print("2024-07-01T23:30Z", "4", TradeEligibility::ALL),
    ];
    importer.trades(&prints).unwrap();
    let close = || {
        previous_close(
            &folder.reader(),
            symbol("AAPL"),
            Calendar::UsStocks,
            day("2024-07-02"),
        )
        .unwrap()
    };
    assert_eq!(close(), Some(price("2")));
    // A coin's day has no end but midnight.
    let coin = previous_close(
        &folder.reader(),
        symbol("AAPL"),
        Calendar::Always,
        day("2024-07-02"),
    );
    assert_eq!(coin.unwrap(), Some(price("4")));
    // The exchange's own close is best.
    let file = folder.file(
        "days.csv",
        "Date,Open,High,Low,Close\n2024-07-01,1,4,1,2.5\n",
    );
    folder.output(&["import", &file, "--symbol", "AAPL"]);
    assert_eq!(close(), Some(price("2.5")));
}

#[test]
fn a_configuration_says_which_archive_is_meant() {
    let folder = Folder::new();
    let archive = folder.0.join("elsewhere");
    let coins = "[[feed]]\nkind = \"coinbase\"\nsymbols = [\"BTC-USD\"]\n";
    let real = format!("data = {archive:?}\n{coins}");
    let real = folder.file("real.toml", real);
    let made_up = folder.file("made-up.toml", format!("data = {archive:?}"));
    let none = folder.file("none.toml", format!("data = \"none\"\n{coins}"));
    let bars = folder.file("bars.csv", "Date,Open,High,Low,Close\n2024-01-02,1,3,1,2\n");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(arguments)
            .env_remove("TICKERTAPE_DATA")
            .current_dir(&folder.0)
            .output()
            .unwrap()
    };
    let import = ["import", &bars, "--symbol", "X", "--config"];
    let imports = |config: &str| run(&[&import[..], &[config]].concat());
    let exports = |config: &str| run(&["export", "bars", "--config", config]);

    let (out, errors) = texts(&imports(&real));
    let file = archive.join("tickertape.db").display().to_string();
    assert!(out.starts_with(&format!("into {file}\n")), "{out}{errors}");
    let (out, _) = texts(&exports(&real));
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.contains("2024-01-02"), "{out}");
    // Simulated prices have another file.
    let (out, errors) = texts(&exports(&made_up));
    assert!(errors.contains("simulated.db"), "{out}{errors}");
    let (_, errors) = texts(&imports(&none));
    assert!(
        errors.contains("keeps nothing, because data is none"),
        "{errors}"
    );
    assert!(!folder.0.join("data").exists());
}

#[test]
fn a_symbol_that_the_archive_lacks_fails_the_export() {
    let folder = Folder::new();
    let bars = "symbol,Date,Open,High,Low,Close\n=X,2024-01-02,1,3,1,2\nAAPL,2024-01-02,1,3,1,2\n";
    let bars = folder.file("bars.csv", bars);
    let data = folder.path("data");
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(arguments)
            .args(["--data", &data])
            .output()
            .unwrap()
    };
    assert_eq!(run(&["import", &bars]).status.code(), Some(0));
    for what in ["bars", "trades", "quotes", "news"] {
        let exported = run(&["export", what, "--symbol", "ZZZ"]);
        assert_eq!(exported.status.code(), Some(1), "{what}");
        let (out, errors) = texts(&exported);
        assert_eq!(out, "", "{what}");
        assert!(
            errors.contains("has no") && errors.contains("of ZZZ"),
            "{errors}"
        );
    }
    let target = folder.path("none.csv");
    let exported = run(&["export", "bars", "--symbol", "ZZZ", "--output", &target]);
    assert_eq!(exported.status.code(), Some(1));
    assert!(!std::path::Path::new(&target).exists());

    // The data of the others is written.
    let exported = run(&["export", "bars", "--symbol", "ZZZ,=X"]);
    assert_eq!(exported.status.code(), Some(1));
    let (out, errors) = texts(&exported);
    assert!(out.contains("\n'=X,2024-01-02,"), "{out}");
    assert!(errors.contains("no bars of ZZZ;"), "{errors}");

    // And exported data can be imported again.
    let again = folder.file("again.csv", out);
    let other = folder.path("other");
    let imported = Command::new(env!("CARGO_BIN_EXE_tickertape"))
        .args(["import", &again, "--data", &other])
        .output()
        .unwrap();
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    assert_eq!(
        run(&["export", "bars", "--symbol", "AAPL"]).status.code(),
        Some(0)
    );
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    command: ImportCommand,
}

/// Imports by the library.
fn import_bytes(folder: &Folder, bytes: &[u8], symbol: Option<&str>) -> Result<Imported, String> {
    let file = folder.file("any.csv", bytes);
    let data = folder.path("data");
    let mut line = vec!["import", &file, "--data", &data];
    line.extend(symbol.iter().flat_map(|symbol| ["--symbol", symbol]));
    let Line { command } = Line::try_parse_from(line).unwrap();
    command.run(millis("2024-07-01T00:00Z"), &mut Vec::new())
}

#[test]
fn a_name_of_a_feed_that_is_too_long_is_refused() {
    let folder = Folder::new();
    let file = format!(
        "time,price,id,feed\n1719840600000,1,1,{}\n",
        "x".repeat(201)
    );
    let imported = import_bytes(&folder, file.as_bytes(), Some("X")).unwrap();
    assert_eq!((imported.written.new, imported.refused), (0, 1));
    let imported = import_bytes(
        &folder,
        file.replace("x,", "").replacen("xx", "x", 1).as_bytes(),
        Some("X"),
    )
    .unwrap();
    assert_eq!((imported.written.new, imported.refused), (1, 0));
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[0-9]{1,6}(\\.[0-9]{1,4})?",
        2 => "20(1|2)[0-9]-(0|1)[0-9]-[0-3][0-9]",
        1 => "[A-Za-z\"$;. -]{0,8}",
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, known in any::<bool>()) {
        let folder = Folder::new();
        let mut content = if known { b"Date,Open,High,Low,Close,Volume\n".to_vec() } else { Vec::new() };
        content.extend(bytes);
        let _ = import_bytes(&folder, &content, Some("X"));
    }

    #[test]
    fn each_line_goes_in_or_is_refused_and_twice_is_once(
        lines in prop::collection::vec(prop::collection::vec(field(), 0..7), 1..20),
    ) {
        let folder = Folder::new();
        let mut content = String::from("Date,Open,High,Low,Close,Volume\n2024-01-02,1,1,1,1,1\n2024-01-03,1,1,1,1,1\n");
        let mut count = 2;
        for fields in lines {
            let line = fields.join(",");
            count += u64::from(!line.trim().is_empty());
            writeln!(content, "{line}").unwrap();
        }
        let first = import_bytes(&folder, content.as_bytes(), Some("X")).unwrap();
        let taken = |imported: &Imported| {
            let written = imported.written;
            written.new + written.changed + written.same
        };
        prop_assert_eq!(taken(&first) + first.refused, count);
        let bars = || folder.reader().bars(symbol("X"), Interval::Day, 0..u64::MAX >> 1, 99).unwrap();
        let before = bars();
        let second = import_bytes(&folder, content.as_bytes(), Some("X")).unwrap();
        prop_assert_eq!(second.refused, first.refused);
        prop_assert_eq!(second.written.new, 0);
        prop_assert_eq!(bars(), before);
    }
}
