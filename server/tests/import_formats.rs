//! `tickertape import` with real-world files: packed, in UTF-16, with numbers and times of all kinds, and with bars of
//! an unknown interval.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output},
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A folder of one test, with an archive in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tickertape-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.0.join(name);
        fs::write(&file, content).unwrap();
        file.display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tickertape"))
            .args(arguments)
            .env("TICKERTAPE_DATA", self.0.join("data"))
            .output()
            .unwrap()
    }

    /// Imports a file, and returns the output.
    #[track_caller]
    fn import(&self, file: &str, options: &[&str]) -> String {
        let arguments = [&["import", file, "--symbol", "X"], options].concat();
        let output = self.run(&arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{options:?}: {text}{errors}");
        text
    }

    /// Imports a file of which nothing is accepted, and returns why.
    #[track_caller]
    fn refuses(&self, file: &str, options: &[&str]) -> String {
        let arguments = [&["import", file, "--symbol", "X"], options].concat();
        let output = self.run(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{options:?}: {errors}");
        errors
    }

    /// The rows that are exported, without their header.
    #[track_caller]
    fn rows(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(&[&["export"], arguments].concat());
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().skip(1).map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const DAYS: &str = "Date,Open,High,Low,Close,Volume\n2024-05-06,181,184,180,182.50,100\n2024-05-07,183,184,181,182,200\n";

fn zip(method: CompressionMethod, entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn zip_archives_of_one_file_are_read() {
    let folder = Folder::new("zip");
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let entries = [("X-1d.csv", DAYS), ("__MACOSX/._X-1d.csv", "\0\0")];
        let file = folder.file("x.zip", zip(method, &entries));
        assert!(folder.import(&file, &[]).contains("2 lines taken"));
    }
    assert_eq!(folder.rows(&["bars", "--interval", "1d"]).len(), 2);

    let mut broken = zip(CompressionMethod::Stored, &[("a.csv", DAYS)]);
    let at = broken
        .windows(6)
        .position(|bytes| bytes == b"182.50")
        .unwrap();
    broken[at] = b'9';
    let file = folder.file("broken.zip", broken);
    assert!(
        folder
            .refuses(&file, &[])
            .contains("its checksum is another one")
    );
}

#[test]
fn a_zip_that_is_not_one_file_of_text_is_named() {
    let folder = Folder::new("zips");
    for (entries, words) in [
        (
            &[("a.csv", DAYS), ("b.csv", DAYS)][..],
            "is a ZIP of 2 files (a.csv, b.csv, …): expected one",
        ),
        (&[], "is a ZIP without a file in it"),
        (
            &[("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "")],
            "is an Excel workbook (.xlsx)",
        ),
    ] {
        let file = folder.file("x.zip", zip(CompressionMethod::Deflated, entries));
        let error = folder.refuses(&file, &[]);
        assert!(error.contains(words), "{error}");
    }
    let file = folder.file(
        "cut.zip",
        &zip(CompressionMethod::Deflated, &[("a.csv", DAYS)])[..60],
    );
    assert!(folder.refuses(&file, &[]).contains("is a broken ZIP"));
}

#[test]
fn utf_16_is_decoded_and_what_is_no_text_is_named() {
    let folder = Folder::new("text");
    let little: Vec<u8> = DAYS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = DAYS.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, mark, bytes) in [
        ("le.csv", &[0xff, 0xfe][..], &little),
        ("be.csv", &[0xfe, 0xff], &big),
        ("le-bare.csv", &[], &little),
        ("be-bare.csv", &[], &big),
    ] {
        let file = folder.file(name, [mark, bytes].concat());
        assert!(
            folder.import(&file, &[]).contains("2 lines taken"),
            "{name}"
        );
    }
    for (content, words) in [
        (&b"\x28\xb5\x2f\xfd\x04"[..], "is compressed with Zstandard"),
        (b"BZh91AY", "is compressed with bzip2"),
        (b"PAR1\x15", "is Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1", "is an Excel workbook (.xls)"),
        (b"\xff\xfe\0\0D\0\0\0", "is UTF-32"),
        (b"{\"chart\":1}", "is JSON"),
        (b"\n<!DOCTYPE html>", "is HTML or XML"),
    ] {
        let error = folder.refuses(&folder.file("x.csv", content), &[]);
        assert!(error.contains(words), "{error}");
    }
}

/// Bars at these times, oldest first.
fn bars(times: &[&str]) -> String {
    let mut text = "Time,Open,High,Low,Close\n".to_owned();
    for time in times {
        text += &format!("{time},1,1,1,1\n");
    }
    text
}

#[test]
fn what_is_no_interval_is_asked_for_and_never_guessed() {
    let folder = Folder::new("intervals");
    for (name, times, words) in [
        (
            "weeks",
            &["2024-04-15", "2024-04-22", "2024-04-29"][..],
            "7 days apart, which is no interval",
        ),
        (
            "months",
            &["2024-03-01", "2024-04-01", "2024-05-01"],
            "30 days apart",
        ),
        (
            "weeks in us",
            &["1704067200000000", "1704672000000000"],
            "7 days apart",
        ),
        (
            "weeks at midnight",
            &["2024-04-15 00:00:00-04:00", "2024-04-22 00:00:00-04:00"],
            "7 days apart",
        ),
        (
            "minutes of two days",
            &["2024-04-15 09:31", "2024-04-16 09:31"],
            "which is no interval",
        ),
        (
            "minutes 23 hours apart",
            &["1381095240", "1381179120"],
            "which is no interval",
        ),
        (
            "two minutes apart by five",
            &["2024-04-15 09:30", "2024-04-15 09:35"],
            "may be of 5m, or shorter ones",
        ),
        (
            "minutes with gaps",
            &[
                "2024-04-15 09:30",
                "2024-04-15 09:35",
                "2024-04-15 09:42",
                "2024-04-15 09:47",
                "2024-04-15 09:52",
            ],
            "may be of 5m, or shorter ones",
        ),
        (
            "minutes off the five",
            &[
                "2024-04-15 09:31",
                "2024-04-15 09:36",
                "2024-04-15 09:41",
                "2024-04-15 09:46",
            ],
            "may be of 5m, or shorter ones",
        ),
        (
            "four hours",
            &["2024-04-15 08:00", "2024-04-15 12:00"],
            "14400 s apart",
        ),
        (
            "one",
            &["2024-04-15 08:00"],
            "length of its bars does not follow from its times",
        ),
    ] {
        let error = folder.refuses(&folder.file("x.csv", bars(times)), &[]);
        assert!(
            error.contains(words) && error.contains("expected --interval"),
            "{name}: {error}"
        );
    }
    // If given, it counts.
    let weeks = folder.file("w.csv", bars(&["2024-04-15", "2024-04-22"]));
    assert!(
        folder
            .import(&weeks, &["--interval", "1d"])
            .contains("bars of 1d")
    );
    let thin = folder.file("t.csv", bars(&["2024-04-15 09:31", "2024-04-15 09:36"]));
    assert!(
        folder
            .import(&thin, &["--interval", "1m"])
            .contains("2 lines taken")
    );
}

#[test]
fn intervals_are_found_where_the_times_leave_no_doubt() {
    let folder = Folder::new("found");
    for (times, found) in [
        (
            &["2024-04-15", "2024-04-16", "2024-04-22"][..],
            "bars of 1d",
        ),
        (&["2024-03-28", "2024-04-01"], "bars of 1d"),
        (&["1713153600", "1713240000"], "bars of 1d"),
        (
            &["2024-04-15 09:30", "2024-04-15 09:31", "2024-04-15 09:40"],
            "bars of 1m",
        ),
        (
            &[
                "2024-04-15 09:30",
                "2024-04-15 09:35",
                "2024-04-15 09:40",
                "2024-04-15 09:45",
                "2024-04-16 09:30",
            ],
            "bars of 5m",
        ),
        (
            &[
                "2024-04-15 10:00",
                "2024-04-15 11:00",
                "2024-04-15 12:00",
                "2024-04-15 13:00",
            ],
            "bars of 1h",
        ),
    ] {
        let text = folder.import(&folder.file("x.csv", bars(times)), &[]);
        assert!(text.contains(found), "{times:?}: {text}");
    }
}

#[test]
fn nothing_lands_in_1970_by_a_guess() {
    let folder = Folder::new("epoch");
    for time in ["45429", "34200000", "19858"] {
        let error = folder.refuses(&folder.file("x.csv", bars(&[time])), &[]);
        assert!(
            error.contains(&format!("\"{time}\" is not a time that is known")),
            "{error}"
        );
    }
    // A line in seconds among lines in milliseconds.
    let times = ["1713173400000", "1713173460000", "1713173520"];
    let file = folder.file("mixed.csv", bars(&times));
    let output = folder.run(&["import", &file, "--symbol", "X", "--interval", "1m"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("may be of another unit"), "{errors}");

    let serial = folder.file("serial.csv", bars(&["45428", "45429"]));
    assert!(
        folder
            .import(&serial, &["--time-format", "excel"])
            .contains("from 2024-05-16 to 2024-05-17")
    );
    // A given format is used: the third day of 1970.
    let file = folder.file("old.csv", bars(&["172800", "259200"]));
    assert!(
        folder
            .import(&file, &["--time-format", "s"])
            .contains("from 1970-01-03")
    );
}

#[test]
fn days_since_1970_are_those_of_the_zone_that_is_named() {
    // Midnight of two days in New York.
    let times = bars(&["1713153600", "1713240000"]);
    for (zone, first) in [
        ("America/New_York", "2024-04-15"),
        ("Asia/Tokyo", "2024-04-15"),
        ("America/Los_Angeles", "2024-04-14"),
    ] {
        let folder = Folder::new(&format!("zone-{first}-{}", zone.len()));
        let file = folder.file("x.csv", &times);
        let text = folder.import(&file, &["--interval", "1d", "--zone", zone]);
        assert!(text.contains(&format!("from {first}")), "{zone}: {text}");
    }
}

#[test]
fn numbers_are_read_as_the_option_says() {
    let folder = Folder::new("numbers");
    let file = folder.file(
        "x.csv",
        "Date;Open;High;Low;Close;Volume\n2024-05-06;1.181,5;1.184;1.180,25;1.182,50;1,2M\n",
    );
    let error = {
        let output = folder.run(&["import", &file, "--symbol", "X"]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(
        error.contains("\"1.181,5\" is not a price (open)") && error.contains("--numbers"),
        "{error}"
    );
    folder.import(&file, &["--numbers", "comma"]);
    let rows = folder.rows(&["bars", "--interval", "1d"]);
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0].contains("1181.5,1184,1180.25,1182.50,1200000"),
        "{rows:?}"
    );

    let file = folder.file(
        "y.csv",
        "Date,Open,High,Low,Close,Volume\n2024-05-07,\"1,181.5\",1.184e3,1180.25,1182.50,3.5K\n",
    );
    folder.import(&file, &["--numbers", "point"]);
    let rows = folder.rows(&["bars", "--interval", "1d", "--from", "2024-05-07"]);
    assert!(
        rows[0].contains("1181.5,1184,1180.25,1182.50,3500"),
        "{rows:?}"
    );
    let error = folder.run(&["import", &file, "--symbol", "X", "--numbers", "roman"]);
    assert_eq!(error.status.code(), Some(2));
}

#[test]
fn prices_are_scaled_and_times_since_midnight_are_of_the_day_in_the_name() {
    let folder = Folder::new("lean");
    let lines = "34200000,1234500,1235000,1234000,1234900,100\n34260000,1234900,1236000,1234900,1235100,50\n";
    let packed = zip(
        CompressionMethod::Deflated,
        &[("20240506_x_minute_trade.csv", lines)],
    );
    let file = folder.file("20240506_trade.zip", packed);
    let options = [
        "--columns",
        "time=1,open=2,high=3,low=4,close=5,volume=6",
        "--time-format",
        "day-ms",
        "--scale",
        "0.0001",
    ];
    let text = folder.import(&file, &options);
    assert!(
        text.contains("bars of 1m") && text.contains("2 lines taken"),
        "{text}"
    );
    let rows = folder.rows(&["bars", "--interval", "1m"]);
    assert!(rows[0].contains("2024-05-06T13:30:00.000Z"), "{rows:?}");
    assert!(
        rows[0].contains("123.45,123.5,123.4,123.49,100"),
        "{rows:?}"
    );
    let unnamed = folder.file("trade.csv", lines);
    assert!(
        folder
            .refuses(&unnamed, &options)
            .contains("its name has no day")
    );
    for scale in ["0", "-1", "much"] {
        let output = folder.run(&["import", &file, &format!("--scale={scale}")]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("is not a factor"));
    }
}
