use market::Size;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{document::time, *};
use crate::{Secret, kit::options::FeedOptions as _};

fn options(more: &str) -> Options {
    let table: toml::Table = format!("url = 'https://a.example'\n{more}")
        .parse()
        .unwrap();
    table.try_into().unwrap()
}

fn rows(body: &str, more: &str) -> Vec<Row> {
    read(body.as_bytes(), &options(more)).unwrap()
}

/// The first row, which is valid: its symbol, name and figures.
fn one(body: &str, more: &str) -> (Symbol, Option<String>, Figures) {
    let row = rows(body, more).remove(0);
    assert_eq!(row.faults, [""; 0]);
    (row.symbol.unwrap(), row.name, row.figures.unwrap())
}

#[test]
fn a_pointer_follows_the_standard() {
    // The examples of RFC 6901, section 5.
    let document = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"x":null,"d":1,"d":2}"#;
    let document: &RawValue = serde_json::from_str(document).unwrap();
    for (pointer, value) in [
        ("/foo", r#"["bar","baz"]"#),
        ("/foo/0", r#""bar""#),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/e^f", "3"),
        ("/g|h", "4"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
        ("/d", "2"),
    ] {
        let found = Pointer::read(pointer).unwrap().find(document);
        assert_eq!(found.map(RawValue::get), Some(value), "{pointer}");
    }
    for pointer in [
        "/foo/2", "/foo/00", "/foo/-", "/foo/x", "/none", "/x", "/foo/0/a",
    ] {
        let found = Pointer::read(pointer).unwrap().find(document);
        assert_eq!(found.map(RawValue::get), None, "{pointer}");
    }
    for pointer in ["foo", "/a~", "/a~2b", "#/foo"] {
        assert_eq!(Pointer::read(pointer), None, "{pointer}");
    }
}

#[test]
fn rows_are_found_in_every_shape() {
    let (symbol, name, figures) = one(
        r#"{"symbol":"goog","price":597.30,"name":"Alphabet\u202e"}"#,
        "",
    );
    assert_eq!(
        (symbol.as_str(), name.as_deref()),
        ("GOOG", Some("Alphabet"))
    );
    assert_eq!(figures.price.unwrap().to_string(), "597.30");

    let (symbol, ..) = one(
        r#"{"data":{"last":"1"}}"#,
        "items = '/data'\nsymbol = 'BTC-USD'\nprice = '/last'",
    );
    assert_eq!(symbol.as_str(), "BTC-USD");

    let several = rows(
        r#"[{"s":"BTC/USD","price":1},{"s":7203,"price":2},{"price":3},{"s":"x","price":{}},5]"#,
        "symbol = '/s'",
    );
    let symbols: Vec<_> = several
        .iter()
        .map(|row| row.symbol.filter(|_| row.figures.is_ok()))
        .map(|symbol| symbol.map(|symbol| symbol.to_string()))
        .collect();
    assert_eq!(
        symbols,
        [
            Some("BTC-USD".to_owned()),
            Some("7203".to_owned()),
            None,
            None,
            None
        ]
    );

    let keyed = rows(
        r#"{"bitcoin":{"usd":67187.3358936566},"ether":{"usd":1.5e-7}}"#,
        "keyed = true\nprice = '/usd'\nrename = { bitcoin = 'BTC' }",
    );
    let published: Vec<_> = keyed
        .iter()
        .filter_map(|row| {
            let price = row.figures.as_ref().ok()?.price?;
            Some((row.symbol?.to_string(), price.to_string()))
        })
        .collect();
    assert_eq!(
        published,
        [
            ("BTC".to_owned(), "67187.3358936566".to_owned()),
            ("ETHER".to_owned(), "0.00000015".to_owned())
        ]
    );
    for (body, more, words) in [
        ("", "", "no JSON"),
        ("5", "", "no row of prices: expected an object or an array"),
        ("[]", "keyed = true", "whose keys are the symbols"),
        ("{}", "items = '/data/rows'", "nothing at /data/rows"),
    ] {
        let error = read(body.as_bytes(), &options(more)).unwrap_err();
        assert!(error.contains(words), "{body}: {error}");
    }
    for (body, words) in [
        ("{}", "no symbol at /symbol"),
        (r#"{"symbol":"A"}"#, "A has no price"),
        (r#"{"symbol":"A","price":0}"#, "A has no price"),
        (
            r#"{"symbol":"A","price":"1,5"}"#,
            "\"1,5\" is not a decimal",
        ),
        (r#"{"symbol":"A","price":true}"#, "is no number"),
        (r#"{"symbol":"A","price":1e400}"#, "1e400"),
        (r#"{"symbol":"A","price":-5}"#, "the price is -5"),
        (r#"{"symbol":"A,B","price":1}"#, "is not a symbol"),
    ] {
        let error = rows(body, "").remove(0).figures.unwrap_err();
        assert!(error.contains(words), "{body}: {error}");
    }
}

#[test]
fn a_figure_that_is_wrong_or_missing_leaves_the_others() {
    let mut row = rows(
            r#"{"symbol":"A","price":"1.50","bid":"","ask":null,"volume":"n/a","high":-2,"low":"0","prev_close":0,"size":0,"time":"soon"}"#,
            "",
        )
        .remove(0);
    let figures = row.figures.unwrap();
    assert_eq!(figures.price.unwrap().to_string(), "1.50");
    assert_eq!(figures.size, Some(Size::ZERO));
    assert_eq!((figures.bid, figures.ask), (None, None));
    assert_eq!((figures.high, figures.low), (None, None));
    assert_eq!((figures.prev_close, figures.time), (None, None));
    row.faults.sort();
    let values = ["-2", "\\\"soon\\\"", "\"n/a\""];
    assert_eq!(row.faults.len(), values.len(), "{:?}", row.faults);
    for (fault, value) in row.faults.iter().zip(values) {
        assert!(
            fault.starts_with("A: the ") && fault.contains(value),
            "{fault}"
        );
    }
}

#[test]
fn times_are_read_in_their_unit() {
    let read = |text: &str, unit| {
        let value: Box<RawValue> = serde_json::from_str(text).unwrap();
        time(&value, unit)
    };
    let six = Ok(Some(1_795_240_800_000));
    for (text, unit) in [
        ("1795240800000", Unit::Milliseconds),
        ("\"1795240800000\"", Unit::Milliseconds),
        ("1795240800", Unit::Seconds),
        ("1795240800.0009", Unit::Seconds),
        ("1.7952408e9", Unit::Seconds),
        ("1795240800000999", Unit::Microseconds),
        ("1795240800000999999", Unit::Nanoseconds),
        ("\"2026-11-21T06:00:00Z\"", Unit::Nanoseconds),
        ("\"Sat, 21 Nov 2026 01:00 EST\"", Unit::Seconds),
    ] {
        assert_eq!(read(text, Some(unit)), six, "{text}");
        assert_eq!(read(text, None), six, "{text}");
    }
    assert_eq!(read("\"\"", None), Ok(None));
    for text in ["-1", "true", "[]", "1e39", "5"] {
        for unit in [None, Some(Unit::Seconds)] {
            let error = read(text, unit).unwrap_err();
            assert!(error.contains(text) || text == "1e39", "{text}: {error}");
        }
    }
    // Seconds instead of the configured milliseconds do not become times of 1970.
    let error = read("1795240800", Some(Unit::Milliseconds)).unwrap_err();
    assert!(
        error.contains("1795240800") && error.contains("no time in milliseconds"),
        "{error}"
    );
}

#[test]
fn what_is_secret_in_a_header_is_not_shown() {
    let options = options("headers = { x-key = 'hunter2', y-key = { env = 'KEY' } }");
    let shown = format!("{options:?}");
    assert!(
        !shown.contains("hunter2") && shown.contains("KEY"),
        "{shown}"
    );
    assert_eq!(options.secrets(), [&Secret::Env("KEY".to_owned())]);
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "\\PC*", key in "\\PC{0,20}", value in "[-0-9.eE\"\\[\\]{}:,a-z]{0,30}") {
        let plain = options("");
        let keyed = options("keyed = true");
        let body = format!(r#"{{{:?}:{value},"symbol":"A","price":{value},"time":{value}}}"#, key);
        for body in [&text, &body, &value] {
            let _ = read(body.as_bytes(), &plain);
            let _ = read(body.as_bytes(), &keyed);
        }
        let _ = (Pointer::read(&text), Pointer::read(&key));
    }

    #[test]
    fn digits_come_through(whole in 0_u64..1_000_000_000, part in "[0-9]{0,8}") {
        let text = match part.is_empty() {
            true => whole.to_string(),
            false => format!("{whole}.{part}"),
        };
        let rows = rows(&format!(r#"{{"symbol":"A","price":1,"volume":{text}}}"#), "");
        let row = rows.into_iter().next().unwrap();
        prop_assert_eq!(row.figures.unwrap().volume.unwrap().to_string(), text);
    }
}
